"""The file from which a training goes on: what was written comes back, bit by bit."""

from pathlib import Path

import numpy as np
import pytest

from firstlight.systems.run_state import read_state, write_state


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    weights = [random.normal(size=(3, 2)).astype(np.float32), np.float64(np.pi), *(np.full(2, n) for n in range(12))]
    groups = {"weights": weights, "optimizer": [np.arange(4)], "nothing": []}
    numbers = {"epoch": 3, "best": 0.1 + 0.2, "history": [{"loss": None}], "name": "ü"}
    write_state(tmp_path / "checkpoints" / "state.npz", groups, numbers)
    state = read_state(tmp_path / "checkpoints" / "state.npz", list(groups))
    assert state is not None
    found, again = state
    assert again == numbers
    assert {name: len(group) for name, group in found.items()} == {"weights": 14, "optimizer": 1, "nothing": 0}
    for name, group in groups.items():
        for one, other in zip(group, found[name], strict=True):
            np.testing.assert_array_equal(one, other)
            assert np.asarray(one).dtype == other.dtype
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["state.npz"]


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.npz", ["weights"]) is None


def test_a_write_that_fails_leaves_the_state_before(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    write_state(path, {"weights": [np.ones(2)]}, {"epoch": 1})
    with pytest.raises(TypeError):
        write_state(path, {"weights": [np.zeros(2)]}, {"epoch": {2}})
    state = read_state(path, ["weights"])
    assert state is not None
    assert (state[0]["weights"][0].tolist(), state[1]) == ([1, 1], {"epoch": 1})
    assert list(tmp_path.iterdir()) == [path]

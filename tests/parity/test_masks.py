"""Masks on their way through every row: marked inputs go in, and what comes out has the same values and masks."""

from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import layers
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import value_of
from tests.parity.case import BATCH, Case, draw
from tests.parity.cases import CASES
from tests.parity.pair import Pair, call, close, is_floats
from tests.parity.proven import Proven

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Layer '.*' .*does not support masking:UserWarning"),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="rows that differ on JAX are not left out"),
]


def kinds(source: Any) -> tuple[Any, Any]:
    """Two layers, written once for both libraries: one that puts a mask on what comes in, and one that keeps it."""

    class Marked(source.Layer):  # type: ignore[misc]
        supports_masking = True

        def __init__(self, mask: Any) -> None:
            super().__init__()
            self.mask = mask

        def call(self, inputs: Any, /) -> Any:
            return inputs * 1.0

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
            return self.mask

    class Seen(source.Layer):  # type: ignore[misc]
        supports_masking = True
        mask: Any = None

        def call(self, inputs: Any, /, mask: Any = None) -> Any:
            self.mask = mask
            return inputs

    return Marked, Seen


# The weights that come out beside have, in Keras, the mask that its own layer Softmax was called with.
WITH_SCORES = ("MultiHeadAttention", "GroupQueryAttention")
KINDS = {"keras": kinds(keras.layers), "engine": kinds(layers)}


def masks_of(case: Case) -> list[Any]:
    """A mask for each input: the row's own, or one that is drawn."""
    own = case.mask if case.mask is not None else case.arguments.get("mask")
    if own is not None:
        return own if isinstance(own, list) else [own]
    random = np.random.default_rng(5)
    shapes = case.shape if isinstance(case.shape, list) else [case.shape]
    return [random.random((BATCH, shape[0])) < 0.7 for shape in shapes]


def outcome(library: str, layer: Any, case: Case, masks: list[Any]) -> list[tuple[Any, Any]]:
    """Each output of a layer called on inputs with these masks, with its mask."""
    marked, seen = KINDS[library]
    inputs, more = draw(case)
    supply = iter(masks)

    def with_mask(x: Any) -> Any:
        mask = next(supply, None)
        return x if mask is None or not is_floats(x) else marked(mask)(x)

    inputs = map_structure(with_mask, inputs)
    random = np.random.default_rng(6)
    for name in ("value", "key"):
        if name in more:
            drawn = random.random(more[name].shape[:2]) < 0.7
            more[name] = marked(case.arguments.get(f"{name}_mask", drawn))(more[name])
    more = {name: x for name, x in more.items() if name not in ("mask", "value_mask", "key_mask")}
    found = []
    for output in leaves(call(layer, case, (inputs, more))):
        keeps = seen()
        keeps(output)
        found.append((value_of(output), keeps.mask))
    return found


@pytest.mark.parametrize("name", CASES)
def test_masks_come_out_as_from_keras(name: str, proven: Proven) -> None:
    case = CASES[name]
    masks = masks_of(case)
    compare(name, masks, proven)
    if len(masks) > 1:
        compare(name, [*[None] * (len(masks) - 1), masks[-1]], proven)


def compare(name: str, masks: list[Any], proven: Proven) -> None:
    case = CASES[name]
    pair = Pair(case)
    try:
        expected = outcome("keras", pair.theirs, case, masks)
    except Exception:
        return  # Keras takes no mask here
    pair.reset()
    found = outcome("engine", pair.ours, case, masks)
    assert len(found) == len(expected)
    worst = 0.0
    for place, ((value, mask), (wanted, wanted_mask)) in enumerate(zip(found, expected, strict=True)):
        worst = max(worst, close(value, keras.ops.convert_to_numpy(wanted), case.tolerance))
        if place and case.layer in WITH_SCORES:
            assert mask is None
            continue
        assert (mask is None) == (wanted_mask is None)
        if mask is not None:
            np.testing.assert_array_equal(np.asarray(value_of(mask)), keras.ops.convert_to_numpy(wanted_mask))
    proven.note("masks", name, worst)

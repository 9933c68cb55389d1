"""What a training keeps: the mean and the best of its weights, and a file from which it goes on."""

from pathlib import Path

import keras
import numpy as np
import pytest

from firstlight.systems.keeping import Keeping, check_finite, epochs_since_best, is_on_plateau
from firstlight.systems.optimization import DivergedError


def values(variable: keras.Variable) -> list[float]:
    return np.array(keras.ops.convert_to_numpy(variable)).tolist()


@pytest.fixture
def weight() -> keras.Variable:
    return keras.Variable(np.zeros(2, "float32"))


def test_the_mean_begins_after_the_first_epoch_and_looks_at_every_fifth_step(weight: keras.Variable) -> None:
    keeping = Keeping([weight, weight], 0.9, None)
    assert len(keeping.variables) == 1, "no weight twice"
    for _ in range(5):
        keeping.stepped()
    assert keeping.average.mean is None
    keeping.history.rows.append({"epoch": 1})
    for step in range(5, 15):
        weight.assign(np.full(2, step, "float32"))
        keeping.stepped()
    assert keeping.average.seen == 2
    with keeping.averaged():
        inside = values(weight)
    assert values(weight) == [14.0, 14.0]
    assert 9 < inside[0] < 14
    keeping.forget_mean()
    with keeping.averaged():
        assert values(weight) == [14.0, 14.0], "without a mean the weights stay"


def test_the_best_weights_are_kept_and_of_equals_the_later(weight: keras.Variable) -> None:
    keeping = Keeping([weight], 0.0, None)
    keeping.restore_best()
    for value, score in ((1, (0.5, -2.0)), (2, (0.7, -1.0)), (3, (0.7, -1.0)), (4, (0.7, -3.0))):
        weight.assign(np.full(2, value, "float32"))
        keeping.offer(*score)
    keeping.restore_best()
    assert values(weight) == [3.0, 3.0]
    assert keeping.best_score == (0.7, -1.0)


def test_it_goes_on_from_its_file(weight: keras.Variable, tmp_path: Path) -> None:
    first = Keeping([weight], 0.9, tmp_path)
    first.resume()  # there is nothing yet
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build([weight])
    optimizer.apply([np.ones(2, "float32")], [weight])
    for epoch in range(2):
        for _ in range(5):
            first.stepped()
        first.offer(float(epoch))
        first.history.rows.append({"epoch": epoch + 1, "loss": 0.5})
        first.write_down(optimizer)
    assert (tmp_path / "history.csv").read_text().splitlines() == ["epoch,loss", "1,0.5", "2,0.5"]
    weight.assign(np.full(2, 9, "float32"))

    again = Keeping([weight], 0.9, tmp_path)
    again.resume()
    other = keras.optimizers.SGD(0.1, momentum=0.9)
    other.build([weight])
    again.continue_optimizer(other)
    assert values(weight) == pytest.approx([-0.1, -0.1])
    assert (again.steps, again.best_score, again.average.seen) == (10, (1.0,), 1)
    for one, two in zip(optimizer.variables, other.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(two))


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    check_finite(1e30, 1, 1)
    with pytest.raises(DivergedError, match="epoch 2, batch 7"):
        check_finite(float("nan"), 2, 7)


def test_how_long_nothing_was_better() -> None:
    assert epochs_since_best([]) == 0
    assert epochs_since_best([0.1, 0.5, 0.5, 0.2]) == 1
    assert [is_on_plateau(waited) for waited in range(5)] == [False, False, True, False, True]

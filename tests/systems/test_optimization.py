"""Optimizers, schedules and the running mean of weights: by their formulas."""

import math

import keras
import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems.optimization import OPTIMIZERS, OneCycle, Optimization, WeightAverage


def rates(schedule: str, epochs: int = 10, steps: int = 10, **more: float) -> list[float]:
    optimizer = Optimization("sgd", 0.1, schedule, **{"warm_up": 0.0, **more}).make(epochs, steps)
    found = []
    for step in range(epochs * steps + 1):
        optimizer.iterations.assign(step)
        found.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    return found


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns(name: str) -> None:
    rate = 1.0 if name == "adadelta" else 0.05
    optimizer = Optimization(name, rate, "constant", clip_norm=1.0, weight_decay=0.01).make(1, 1)
    variable = keras.Variable(np.array([3.0, -2.0], "float32"))
    before = float(np.square(keras.ops.convert_to_numpy(variable)).sum())
    for _ in range(30):
        optimizer.apply([2 * keras.ops.convert_to_tensor(variable)], [variable])
    assert float(np.square(keras.ops.convert_to_numpy(variable)).sum()) < before


def test_schedules_by_their_formulas() -> None:
    assert rates("constant") == pytest.approx([0.1] * 101)
    assert rates("plateau") == pytest.approx([0.1] * 101)
    cosine = [0.1 * (0.1 + 0.9 * (1 + math.cos(math.pi * step / 100)) / 2) for step in range(101)]
    assert rates("cosine", floor=0.1) == pytest.approx(cosine, rel=1e-5)
    assert rates("exponential") == pytest.approx([0.1 * 0.9 ** (step // 10) for step in range(101)], rel=1e-5)
    step = rates("step")
    assert (step[49], step[51], step[76]) == pytest.approx((0.1, 0.01, 0.001))
    warm = rates("cosine", warm_up=0.2)
    assert warm[:21] == pytest.approx([0.1 * step / 20 for step in range(21)], abs=1e-6)


def test_one_cycle_rises_and_falls() -> None:
    found = np.array(rates("one_cycle"))
    assert found[0] == pytest.approx(0.1 / 25)
    assert found.argmax() == 30
    assert found.max() == pytest.approx(0.1, rel=1e-5)
    assert (np.diff(found[:31]) > 0).all()
    assert (np.diff(found[30:]) < 0).all()
    assert found[-1] == pytest.approx(0.0, abs=1e-8)
    again = OneCycle.from_config(OneCycle(0.1, 100, 0.2).get_config())
    assert float(keras.ops.convert_to_numpy(again(100))) == pytest.approx(0.02, rel=1e-5)


def test_plateau_halves() -> None:
    optimization = Optimization("sgd", 0.1, "plateau")
    optimizer = optimization.make(1, 1)
    optimization.lower(optimizer)
    assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(0.05)


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(FirstlightError, match="Did you mean 'adam'"):
        Optimization("adan").make(1, 1)
    with pytest.raises(FirstlightError, match="learning_rate above 0"):
        Optimization(learning_rate=0.0).make(1, 1)
    with pytest.raises(FirstlightError, match="momentum"):
        Optimization(momentum=1.0).make(1, 1)


def test_the_running_mean_is_short_at_first_and_then_longer() -> None:
    variable = keras.Variable(np.array([0.0], "float32"))
    average = WeightAverage(0.9, every=1)
    values = np.arange(1.0, 60.0)
    expected = None
    for step, value in enumerate(values, 1):
        variable.assign([value])
        average.look([variable])
        momentum = min(0.9, (1 + step) / (10 + step))
        expected = value if expected is None else momentum * expected + (1 - momentum) * value
    assert average.mean is not None
    assert float(average.mean[0][0]) == pytest.approx(expected, rel=1e-5)
    nothing = WeightAverage(0.0)
    nothing.look([variable])
    assert nothing.mean is None

"""Optimizers, schedules and the running mean of weights: by their formulas."""

import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems import Captioner
from firstlight.systems.captioner_training import optimization
from firstlight.systems.optimization import OPTIMIZERS, OneCycle, Optimization, WarmUp, WeightAverage, at_rates_of
from tests.systems.test_captioner_training import PLAN


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
    for schedule in ("constant", "step", "exponential"):
        without, warm = rates(schedule), rates(schedule, warm_up=0.2)
        assert warm[:21] == pytest.approx([rate * step / 20 for step, rate in enumerate(without[:21])], abs=1e-6)
        assert warm[21:] == without[21:]
    assert rates("one_cycle", warm_up=0.2) == rates("one_cycle"), "it rises by itself"
    again = WarmUp.from_config(WarmUp(OneCycle(0.1, 100), 10).get_config())
    assert float(keras.ops.convert_to_numpy(again(5))) == pytest.approx(OneCycle(0.1, 100)(5) / 2)


def test_momentum_may_be_a_whole_number() -> None:
    Optimization("sgd", 0.1, momentum=0).make(1, 1)
    Optimization("rmsprop", 0.1, momentum=0).make(1, 1)


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


@pytest.mark.parametrize(("epochs", "steps"), [(1, 5), (3, 7), (9, 13), (15, 700)])
def test_the_captioner_warms_up_over_a_tenth_and_at_most_300_steps(epochs: int, steps: int) -> None:
    """By the formula: up in a straight line, then half a cosine down to three tenths (Loshchilov and Hutter 2017)."""
    captioner = Captioner()
    plan = replace(PLAN, epochs=epochs, learning_rate=captioner.learning_rate, learning_rate_floor=0.3)
    optimizer = optimization(plan, "cross-entropy").make(epochs, steps)
    total = epochs * steps
    warm = min(300, total // 10)
    for step in range(0, total + 1, max(1, total // 50)):
        optimizer.iterations.assign(step)
        share = min((step - warm) / (total - warm), 1)
        falling = 1e-3 * (0.3 + 0.7 * (1 + math.cos(math.pi * share)) / 2)
        wanted = 1e-3 * step / warm if step < warm else falling
        assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(wanted, rel=1e-4, abs=1e-9)
    assert (optimizer.name.startswith("adam_w"), optimizer.beta_2, optimizer.global_clipnorm) == (True, 0.99, 1.0)
    later = optimization(replace(plan, optimizer="sgd", clip_norm=0.0), "self-critical").make(1, 1)
    assert float(keras.ops.convert_to_numpy(later.learning_rate)) == pytest.approx(plan.self_critical_rate)
    assert (type(later).__name__, later.global_clipnorm) == ("SGD", None)


def test_the_rates_of_a_range_test_take_the_place_of_all_schedules() -> None:
    growing = keras.optimizers.schedules.ExponentialDecay(1e-3, 10, 100.0)
    with at_rates_of(growing):
        for schedule in ("constant", "one_cycle", "plateau"):
            assert rates(schedule)[10] == pytest.approx(0.1, rel=1e-5)
    assert rates("constant")[10] == pytest.approx(0.1)
    assert rates("constant")[0] == pytest.approx(0.1)


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

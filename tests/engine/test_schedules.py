"""Every schedule against Keras at many steps."""

from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import schedules
from firstlight.errors import FirstlightError

CASES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 40], "values": [1.0, 0.5, 0.1, 0.01]}),
    ("PiecewiseConstantDecay", {"boundaries": [5], "values": [1.0, 0.5]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "power": 2.5}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "power": 0.5, "cycle": True}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50, "alpha": 0.2, "warmup_steps": 10}),
    (
        "CosineDecay",
        {"initial_learning_rate": 0.01, "decay_steps": 50, "alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 10},
    ),
    ("CosineDecay", {"initial_learning_rate": 0.01, "decay_steps": 50, "warmup_target": 0.2}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 8}),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 1.0, "m_mul": 0.7, "alpha": 0.1},
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 9, "t_mul": 3.0, "m_mul": 0.5}),
]


@pytest.mark.parametrize(("name", "config"), CASES, ids=str)
def test_rates_equal_those_of_keras(name: str, config: dict[str, Any]) -> None:
    ours, theirs = getattr(schedules, name)(**config), getattr(keras.optimizers.schedules, name)(**config)
    for step in [*range(90), 1000]:
        given = ours(step)
        assert type(given) is float
        np.testing.assert_allclose(given, float(theirs(step)), rtol=1e-5, atol=1e-7, err_msg=f"step {step}")


@pytest.mark.parametrize(("name", "config"), CASES, ids=str)
def test_config(name: str, config: dict[str, Any]) -> None:
    ours = getattr(schedules, name)(**config)
    given = ours.get_config()
    theirs = getattr(keras.optimizers.schedules, name).from_config(given)
    assert theirs.get_config() == given
    again = schedules.get({"class_name": name, "config": given})
    assert type(again) is type(ours)
    assert again.get_config() == given == type(ours).from_config(given).get_config()


def test_restarts_begin_on_the_step() -> None:
    restarts = schedules.CosineDecayRestarts(1.0, 10, t_mul=1.5, m_mul=0.5)
    assert [restarts(step) for step in (0, 10, 25)] == [1.0, 0.5, 0.25]
    assert restarts(24) < 0.01


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps above 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, -1), "first_decay_steps above 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul of at least 1"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1]), "one value more"),
        (lambda: schedules.get("cosine"), "Expected a schedule"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        make()

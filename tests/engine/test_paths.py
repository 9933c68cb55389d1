"""Paths of optimizers: closed forms, loops written by hand, Keras step by step; noise, divergence, errors."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import descend, optimizers, schedules, surfaces
from firstlight.engine.paths import RATES, RULES, Path, default_rate, make_optimizer
from firstlight.errors import FirstlightError

Step = Callable[[np.ndarray, np.ndarray, dict[str, Any], int], np.ndarray]


@pytest.mark.parametrize("angle", [0.0, 30.0])
@pytest.mark.parametrize("rate", [0.01, 0.07])
def test_plain_descent_of_a_valley_has_a_closed_form(angle: float, rate: float) -> None:
    """(1 - r)^t of the place along the valley and (1 - 25 r)^t of that across are left after t steps."""
    path = descend(surfaces.valley(25.0, angle), make_optimizer("sgd", rate), 60)
    turn = np.radians(angle)
    along = path.positions @ [np.cos(turn), np.sin(turn)]
    across = path.positions @ [-np.sin(turn), np.cos(turn)]
    steps = np.arange(61)
    np.testing.assert_allclose(along, -4 * (1 - rate) ** steps, atol=1e-12)
    np.testing.assert_allclose(across, (1 - 25 * rate) ** steps, atol=1e-12)
    np.testing.assert_allclose(path.losses, (along**2 + 25 * across**2) / 2, atol=1e-12)


def test_plain_descent_diverges_above_two_over_the_condition_number() -> None:
    below, above = (descend("valley", make_optimizer("sgd", rate / 25), 2000) for rate in (1.98, 2.02))
    assert not below.diverged
    assert below.distance < 1e-6
    assert above.diverged
    assert above.settled() is None
    assert 0 < above.steps < 2000
    assert len(above.positions) == len(above.losses) == above.steps + 1
    assert np.isfinite(above.positions).all()
    assert above.losses[-1] > above.losses[0]


def test_a_path_that_leaves_at_once_is_where_it_began() -> None:
    path = descend("rosenbrock", make_optimizer("sgd", 1e200), 5)
    assert (path.diverged, path.steps) == (True, 0)
    np.testing.assert_array_equal(path.positions, [[-1.2, 1]])


# -- loops written by hand, with the gradient written by hand ----------------------------------------------------


def rosenbrock_gradient(w: np.ndarray) -> np.ndarray:
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


def plain(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], t: int) -> np.ndarray:
    return w - 0.001 * g


def momentum(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], t: int) -> np.ndarray:
    memory["v"] = 0.9 * memory.get("v", 0) - 0.001 * g
    return w + memory["v"]


def nesterov(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], t: int) -> np.ndarray:
    memory["v"] = 0.9 * memory.get("v", 0) - 0.001 * g
    return w + 0.9 * memory["v"] - 0.001 * g


def adagrad(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], t: int) -> np.ndarray:
    memory["a"] = memory.get("a", 0.1) + g**2
    return w - 0.5 * g / np.sqrt(memory["a"] + 1e-7)


def rmsprop(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], t: int) -> np.ndarray:
    memory["a"] = 0.9 * memory.get("a", 0) + 0.1 * g**2
    return w - 0.02 * g / np.sqrt(memory["a"] + 1e-7)


def adam(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], t: int) -> np.ndarray:
    """With both corrections as in algorithm 1 of the paper; epsilon is so small that its place does not show."""
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
    return w - 0.2 * memory["m"] / (1 - 0.9**t) / (np.sqrt(memory["v"] / (1 - 0.999**t)) + 1e-8)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("sgd", plain),
        ("momentum", momentum),
        ("nesterov", nesterov),
        ("adagrad", adagrad),
        ("rmsprop", rmsprop),
        ("adam", adam),
    ],
)
def test_a_path_is_that_of_a_loop_written_by_hand(name: str, step: Step) -> None:
    path = descend("rosenbrock", name, 60)
    w, memory = np.array([-1.2, 1.0]), {}
    expected = [w]
    for t in range(1, 61):
        w = step(w, rosenbrock_gradient(w), memory, t)
        expected.append(w)
    np.testing.assert_allclose(path.positions, expected, rtol=1e-6, atol=1e-6)
    x, y = path.positions.T
    np.testing.assert_allclose(path.losses, (1 - x) ** 2 + 100 * (y - x * x) ** 2, rtol=1e-12)


THEIRS: dict[str, Any] = {
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "nesterov": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
}


@pytest.mark.parametrize("name", RULES)
def test_paths_are_those_of_keras(name: str) -> None:
    surface = surfaces.saddle()
    path = descend(surface, name, 25)
    rate = default_rate(surface, name)
    kind = THEIRS.get(name) or next(
        kind for found, kind in vars(keras.optimizers).items() if found.lower() == name and isinstance(kind, type)
    )
    optimizer = kind(rate)
    weights = [
        keras.Variable(value, dtype="float64", name=axis) for value, axis in zip(surface.start, "xy", strict=True)
    ]
    optimizer.build(weights)
    for place in path.positions[1:]:
        x, y = (float(weight) for weight in weights)
        gradients = [keras.ops.convert_to_tensor(value, "float64") for value in (x, y**3 - y)]
        optimizer.apply(gradients, weights)
        found = [float(weight) for weight in weights]
        np.testing.assert_allclose(place, found, rtol=5e-4, atol=2e-5)  # its rate and betas have 32 bits


# -- names, rates, noise -----------------------------------------------------------------------------------------


def test_every_rule_has_a_rate_for_every_surface_with_which_it_descends() -> None:
    assert set(RATES) == set(surfaces.SURFACES)
    for surface, rates in RATES.items():
        assert set(rates) == set(RULES), surface
        for name, rate in rates.items():
            path = descend(surface, name, 60)
            assert (path.optimizer, path.rate) == (name, rate)
            assert not path.diverged, (surface, name)
            assert path.losses[-1] < path.losses[0], (surface, name)


def test_an_optimizer_may_be_given_with_all_its_settings() -> None:
    own = descend("valley", optimizers.Adam(0.3, beta_1=0.5, name="hasty"), 20)
    assert own.optimizer == "hasty"
    assert (own.positions[2:] != descend("valley", "adam", 20).positions[2:]).all()
    same = descend("valley", optimizers.Adam(0.3), 20)
    np.testing.assert_array_equal(same.positions, descend("valley", "adam", 20).positions)


def test_a_schedule_settles_what_a_rate_leaves_moving() -> None:
    falling = optimizers.RMSprop(schedules.ExponentialDecay(0.1, 50, 0.5))
    assert descend("valley", falling, 400).losses[-1] < 1e-3 * descend("valley", "rmsprop", 400).losses[-1]


def test_an_unknown_surface_gives_the_default_of_the_optimizer() -> None:
    own = surfaces.Surface("bowl", "", lambda x, y: x * x + y * y, (1, 1), ((-2, 2), (-2, 2)), ((0, 0),))
    assert default_rate(own, "adam") == 0.001
    assert descend(own, "sgd", 3).positions[1].tolist() == pytest.approx([0.98, 0.98])


def test_noise_follows_its_seed_and_is_the_same_for_all() -> None:
    def moved(name: str, seed: int, noise: float = 0.5) -> np.ndarray:
        return descend("valley", make_optimizer(name, 0.01), 1, (1.0, 1.0), noise, seed).positions[1] - 1

    np.testing.assert_array_equal(moved("sgd", 3), moved("sgd", 3))
    assert (moved("sgd", 3) != moved("sgd", 4)).all()
    np.testing.assert_allclose(moved("sgd", 3), moved("momentum", 3))
    np.testing.assert_allclose(moved("sgd", 0, 0), [-0.01, -0.25])
    drawn = np.array([(moved("sgd", seed) - [-0.01, -0.25]) / -0.01 for seed in range(200)])
    assert drawn.std() == pytest.approx(0.5, rel=0.15)
    assert abs(drawn.mean()) < 0.1


def test_a_start_of_ones_own() -> None:
    path = descend("saddle", "sgd", 100, start=(0.5, -0.2))
    np.testing.assert_array_equal(path.positions[0], [0.5, -0.2])
    assert path.positions[-1, 1] == pytest.approx(-1, abs=1e-3), "the nearer of the minima"
    assert path.distance < 1e-3


def test_the_step_from_which_on_it_is_within_a_share() -> None:
    def path(*losses: float, diverged: bool = False) -> Path:
        places = np.zeros((len(losses), 2))
        return Path("any", 1.0, places, np.array(losses), np.array([[3.0, 4.0]]), 1.0, diverged)

    assert path(101, 50, 1.5, 30, 1.9, 1.2).settled() == 4, "back above 1 % at step 3"
    assert path(101, 50, 1.5, 30).settled() is None
    assert path(101, 50, 1.5).settled(share=0.5) == 1
    assert path(1, 1).settled() == 0
    assert path(101, 1, diverged=True).settled() is None
    assert (path(3, 2).steps, path(3, 2).distance) == (1, 5.0)


# -- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"optimizer": "adan"}, "Did you mean 'adam'"),
        ({"surface": "sadle"}, "Did you mean 'saddle'"),
        ({"steps": 0}, "1 step or more"),
        ({"start": (1.0, float("nan"))}, "two finite numbers"),
        ({"start": (1.0,)}, "two finite numbers"),
        ({"start": (1e9, 0.0)}, "near the map"),
        ({"noise": -1.0}, "noise of 0 or more"),
        ({"noise": float("nan")}, "noise of 0 or more"),
    ],
)
def test_what_cannot_be_used_is_told(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        descend(**{"surface": "valley", "optimizer": "sgd", **arguments})


def test_an_optimizer_with_memories_is_refused() -> None:
    used = make_optimizer("adam", 0.1)
    descend("valley", used, 1)
    with pytest.raises(FirstlightError, match="a new one for each path"):
        descend("valley", used, 1)

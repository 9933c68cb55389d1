"""Paths: the way that an optimizer takes over a surface of two weights, step by step.

The optimizers are those of `firstlight.engine.optimizers`, the gradients those of `backward`: nothing is made for show.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from firstlight.engine import optimizers, surfaces
from firstlight.engine.backward import backward
from firstlight.engine.optimizer import Optimizer
from firstlight.engine.surfaces import Point, Surface
from firstlight.engine.variable import Variable
from firstlight.errors import FirstlightError, nearest

__all__ = ["RATES", "RULES", "Path", "default_rate", "descend", "make_optimizer"]

RULES: dict[str, Callable[..., Optimizer]] = {
    "sgd": optimizers.SGD,
    "momentum": partial(optimizers.SGD, momentum=0.9),
    "nesterov": partial(optimizers.SGD, momentum=0.9, nesterov=True),
    **{name: kind for name, kind in optimizers.OPTIMIZERS.items() if name != "sgd"},
}
_RATES = {
    "sgd": (0.07, 0.1, 0.001, 1.0),
    "momentum": (0.01, 0.05, 0.001, 0.1),
    "nesterov": (0.01, 0.05, 0.001, 0.1),
    "adagrad": (1.0, 0.5, 0.5, 0.5),
    "adadelta": (20.0, 20.0, 20.0, 20.0),
    "rmsprop": (0.1, 0.05, 0.02, 0.1),
    "adam": (0.3, 0.1, 0.2, 0.2),
    "adamw": (0.3, 0.1, 0.2, 0.2),
    "adamax": (0.5, 0.1, 0.5, 0.2),
    "nadam": (0.3, 0.1, 0.2, 0.2),
    "lion": (0.05, 0.05, 0.02, 0.02),
}
RATES: dict[str, dict[str, float]] = {  # chosen so that 200 steps show what is typical of each; not a contest
    surface: {name: rates[place] for name, rates in _RATES.items()} for place, surface in enumerate(surfaces.SURFACES)
}
_FAR = 100.0  # times half the size of the map: nobody comes back from there


@dataclass(frozen=True)
class Path:
    """The way of an optimizer: where it was and what the loss was there, at first and after each step.

    Args:
        optimizer: its name.
        rate: its learning rate at first.
        positions: (steps + 1, 2).
        losses: (steps + 1,).
        minima: (n, 2) of the surface.
        lowest: the loss there.
        diverged: whether it left every bound; then it ends at the last place within, after fewer steps than wanted.
    """

    optimizer: str
    rate: float
    positions: np.ndarray
    losses: np.ndarray
    minima: np.ndarray
    lowest: float
    diverged: bool = False

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.losses) - 1

    @property
    def distance(self) -> float:
        """From the end to the nearest minimum."""
        return float(np.linalg.norm(self.minima - self.positions[-1], axis=1).min())

    def settled(self, share: float = 0.01) -> int | None:
        """The first step from which on the loss above the lowest stays within this share of what it was at first.

        None where the path ends before, or diverged.
        """
        outside = np.flatnonzero(self.losses - self.lowest > share * (self.losses[0] - self.lowest))
        step = int(outside[-1]) + 1 if len(outside) else 0
        return None if self.diverged or step > self.steps else step


def default_rate(surface: Surface, name: str) -> float:
    """The learning rate of a rule of `RULES` on a surface: from `RATES`, else the default of the optimizer."""
    known = RATES.get(surface.name, {})
    return known[name] if name in known else make_optimizer(name).learning_rate


def make_optimizer(name: str, learning_rate: Any = None) -> Optimizer:
    """The optimizer of a name of `RULES`, with a learning rate (a number or a schedule) or its own default.

    Raises:
        FirstlightError: no rule has this name; says which there are.
    """
    if name not in RULES:
        raise FirstlightError(f"Expected an optimizer: {', '.join(RULES)}. Received {name!r}.{nearest(name, RULES)}")
    rate = () if learning_rate is None else (learning_rate,)
    return RULES[name](*rate, name=name)


def descend(
    surface: Surface | str,
    optimizer: Optimizer | str,
    steps: int = 200,
    start: Point | None = None,
    noise: float = 0.0,
    seed: int = 0,
) -> Path:
    """Take steps down a surface and return the path.

    Args:
        surface: a surface, or a name of `SURFACES`.
        optimizer: a new one, or a name of `RULES`, which then gets its default rate for the surface.
        steps: how many at most.
        start: where to begin; by default where the surface says.
        noise: standard deviation of what is added to both derivatives at each step, as batches of few samples do.
        seed: of the noise: the same for every optimizer, so that all meet the same.

    Raises:
        FirstlightError: a name is unknown, a number cannot be used, or the optimizer was used before.
    """
    found = surfaces.get(surface)
    if isinstance(optimizer, str):
        optimizer = make_optimizer(optimizer, default_rate(found, optimizer))
    place = np.array(found.start if start is None else start, np.float64)
    _check(found, place, optimizer, steps, noise)
    rate = optimizer.learning_rate
    noises = noise * np.random.default_rng(seed).normal(size=(steps, 2))
    positions, losses = zip(*_walk(found, place, optimizer, noises), strict=True)
    return Path(
        optimizer.name,
        rate,
        np.array(positions),
        np.array(losses),
        np.array(found.minima, np.float64),
        found.lowest,
        diverged=len(losses) <= steps,
    )


def _walk(
    surface: Surface, place: np.ndarray, optimizer: Optimizer, noises: np.ndarray
) -> Iterator[tuple[np.ndarray, float]]:
    """Each place with its loss, the first one too, until the last step or until the path is lost."""
    weights = [Variable(value, axis) for value, axis in zip(place, "xy", strict=True)]
    optimizer.build(weights)
    yield place, float(surface.loss(*place))
    for noise in noises:
        with np.errstate(over="ignore", invalid="ignore"):  # who diverges is told so, not warned of
            optimizer.apply(list(_gradients(surface, weights) + noise), weights)
            place = np.array([weight.array for weight in weights])
            loss = float(surface.loss(*place))
        if _is_lost(surface, place, loss):
            return
        yield place, loss


def _gradients(surface: Surface, weights: Sequence[Variable]) -> np.ndarray:
    found = backward(surface.loss(*weights))
    return np.array([found.get(weight, 0.0) for weight in weights], np.float64)


def _is_lost(surface: Surface, place: np.ndarray, loss: float) -> bool:
    """Whether a place is so far from the map that nobody comes back from it."""
    sides = np.array(surface.bounds, np.float64)
    away = np.abs(place - sides.mean(axis=1)) / (np.ptp(sides, axis=1) / 2)
    return not (np.isfinite(loss) and bool((away <= _FAR).all()))


def _check(surface: Surface, place: np.ndarray, optimizer: Optimizer, steps: int, noise: float) -> None:
    if steps < 1:
        raise FirstlightError(f"Expected 1 step or more. Received {steps}.")
    if place.shape != (2,) or not np.isfinite(place).all():
        raise FirstlightError(f"Expected a start of two finite numbers, x and y. Received {place.tolist()}.")
    if _is_lost(surface, place, float(surface.loss(*place))):
        raise FirstlightError(
            f"Expected a start near the map, {surface.bounds[0]} by {surface.bounds[1]}. Received {place.tolist()}."
        )
    if not 0 <= noise < float("inf"):
        raise FirstlightError(f"Expected a noise of 0 or more. Received {noise}.")
    if optimizer.built:
        raise FirstlightError(
            f"Expected an optimizer that was not used before. Received {optimizer!r}. Make a new one for each path."
        )

"""Surfaces: losses of two weights, so that one can look at the whole of them and at the way an optimizer takes.

Each has one difficulty of its own: a valley, a saddle, a bend, a plateau. A formula is written once, in operations; so
it gives a tensor of tensors, with a gradient, and an array of arrays, for a map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

import numpy as np

from firstlight.engine import activations, ops
from firstlight.engine.backward import backward
from firstlight.engine.lookup import look_up
from firstlight.engine.tensor import Tensor
from firstlight.errors import FirstlightError

__all__ = ["SURFACES", "Point", "Surface", "get", "rosenbrock", "saddle", "two_weights", "valley"]

Point = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """A loss of two weights x and y.

    Args:
        name: one word.
        formula: the loss as text.
        function: of x and y, both tensors or both arrays of one shape; made of operations of `ops` and operators.
        start: from where to descend.
        bounds: what to draw, ((left, right), (bottom, top)).
        minima: the places where the loss is least.
    """

    name: str
    formula: str
    function: Callable[[Any, Any], Any]
    start: Point
    bounds: tuple[Point, Point]
    minima: tuple[Point, ...]

    def loss(self, x: Any, y: Any) -> Any:
        """A tensor where x and y are tensors, else an array of their common shape, in float64."""
        if not isinstance(x, Tensor) and not isinstance(y, Tensor):
            x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
        return self.function(x, y)

    def gradient(self, x: float, y: float) -> np.ndarray:
        """(2,): the derivatives of the loss with respect to x and to y, by `backward`."""
        here = Tensor(float(x)), Tensor(float(y))
        found = backward(self.loss(*here))
        return np.array([found.get(weight, 0.0) for weight in here], np.float64)

    @property
    def lowest(self) -> float:
        """The loss at the minima."""
        return min(float(self.loss(*place)) for place in self.minima)

    def grid(self, count: int = 201, around: Point | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Columns (count,), rows (count,) and the loss there (count, count), a row of it for each of `rows`.

        Args:
            count: how many columns and rows.
            around: a place that is to be on the map too, where it lies outside of the bounds.
        """
        sides = [_reach(side, None if around is None else around[axis]) for axis, side in enumerate(self.bounds)]
        columns, rows = (np.linspace(low, high, count) for low, high in sides)
        return columns, rows, np.asarray(self.loss(*np.meshgrid(columns, rows)))


def _reach(side: Point, place: float | None) -> Point:
    """The side of a map, made longer so that a place is on it with a little room."""
    low, high = side
    if place is None or low <= place <= high:
        return side
    room = 0.05 * (high - low)
    return min(low, place - room), max(high, place + room)


def valley(condition: float = 25.0, angle: float = 0.0) -> Surface:
    """L = (u^2 + condition v^2) / 2: a long valley, `condition` times as steep across as along.

    u and v are x and y, turned by `angle`. The Hessian has the eigenvalues 1 and `condition`, so plain descent of rate
    r leaves (1 - r)^t of u and (1 - r condition)^t of v after t steps (Goodfellow et al. 2016, section 7.8).

    Args:
        condition: the condition number, 1 or more.
        angle: of the valley to the x axis, in degrees. Rules that scale each weight on its own gain most at 0.
    """
    if not 1 <= condition < float("inf"):
        raise FirstlightError(f"Expected a condition number of 1 or more. Received {condition}. 25 is a long valley.")
    across, along = sin(radians(angle)), cos(radians(angle))

    def loss(x: Any, y: Any) -> Any:
        u, v = x * along + y * across, y * along - x * across
        return (u * u + condition * (v * v)) * 0.5

    start = (-4 * along - across, -4 * across + along)  # at u = -4, v = 1
    width = 5.0 if not angle else 4.5
    formula = f"L = (x² + {condition:g} y²) / 2" + f", turned by {angle:g}°" * bool(angle)
    return Surface("valley", formula, loss, start, ((-width, width), (-2.5, 2.5) if not angle else (-4, 4)), ((0, 0),))


def saddle() -> Surface:
    """L = x^2 / 2 + y^4 / 4 - y^2 / 2: down along x, and from the origin down along y, to the minima at y = -1 and 1.

    At the origin the gradient is 0 and the Hessian has the eigenvalues 1 and -1. Who starts almost on the line y = 0
    is led to the saddle first, and leaves it slowly (Dauphin et al. 2014, section 3).
    """

    def loss(x: Any, y: Any) -> Any:
        return x * x * 0.5 + y * y * (y * y * 0.25 - 0.5)

    formula = "L = x² / 2 + y⁴ / 4 - y² / 2"
    return Surface("saddle", formula, loss, (-1.8, 0.001), ((-2, 1), (-1.5, 1.5)), ((0, 1), (0, -1)))


def rosenbrock(steepness: float = 100.0) -> Surface:
    """L = (1 - x)^2 + steepness (y - x^2)^2: a bent valley whose bottom, y = x^2, hardly falls.

    Rosenbrock (1960), who starts at (-1.2, 1) with a steepness of 100.
    """
    if not 0 < steepness < float("inf"):
        raise FirstlightError(f"Expected a steepness above 0. Received {steepness}. Rosenbrock's is 100.")

    def loss(x: Any, y: Any) -> Any:
        ahead, aside = 1 - x, y - x * x
        return ahead * ahead + steepness * (aside * aside)

    formula = f"L = (1 - x)² + {steepness:g} (y - x²)²"
    return Surface("rosenbrock", formula, loss, (-1.2, 1), ((-2, 2), (-1, 3)), ((1, 1),))


def two_weights(samples: int = 40, seed: int = 0) -> Surface:
    """The mean squared error of a model with two weights, p = tanh(x s + y), on data drawn from a seed.

    x is the slope and y the bias. Where the unit is saturated, every p is near -1 or 1 and the gradient is almost 0: a
    plateau. The minimum is where Gauss-Newton steps have come to rest (Nocedal and Wright 2006, section 10.3).

    Args:
        samples: how many pairs of an input s, normal, and its target, tanh(2 s - 1) with normal noise of 0.1.
        seed: of the data.
    """
    if samples < 3:
        raise FirstlightError(f"Expected 3 samples or more for two weights. Received {samples}.")
    random = np.random.default_rng(seed)
    inputs = random.normal(size=samples)
    targets = np.tanh(2 * inputs - 1) + 0.1 * random.normal(size=samples)

    def loss(x: Any, y: Any) -> Any:
        sums = ops.expand_dims(x, -1) * inputs + ops.expand_dims(y, -1)
        return ops.mean(ops.square(activations.tanh(sums) - targets), axis=-1)

    formula = f"L = mean of (tanh(x s + y) - t)² over {samples} pairs (s, t)"
    minimum = _least_squares(inputs, targets)
    return Surface("two_weights", formula, loss, (-0.5, 3.5), ((-2, 6), (-4, 4)), (minimum,))


def _least_squares(inputs: np.ndarray, targets: np.ndarray) -> Point:
    """Slope and bias of the best tanh unit: Gauss-Newton from those that the data were drawn with."""
    columns = np.stack([inputs, np.ones_like(inputs)], axis=1)

    def errors(weights: np.ndarray) -> np.ndarray:
        return targets - np.tanh(columns @ weights)

    first = weights = np.array([2.0, -1.0])
    for _ in range(100):
        slopes = columns * (1 - np.tanh(columns @ weights) ** 2)[:, None]
        change = np.linalg.lstsq(slopes, errors(weights))[0]
        weights = weights + change
        if np.abs(change).max() < 1e-14:
            break
    if np.abs(change).max() > 1e-9 or np.sum(errors(weights) ** 2) > np.sum(errors(first) ** 2):
        raise FirstlightError(
            f"Expected data with a best slope and bias. Received {len(inputs)} pairs that have none. "
            "Take more samples or another seed."
        )
    return float(weights[0]), float(weights[1])


SURFACES: dict[str, Callable[..., Surface]] = {
    function.__name__: function for function in (valley, saddle, rosenbrock, two_weights)
}


def get(surface: Surface | str) -> Surface:
    """The surface of a name of `SURFACES`, with its defaults, or a surface as it is."""
    found: Surface = look_up("a surface", SURFACES, surface)
    return found

"""Gradients compared with finite differences: the check that finds a wrong derivative.

A gradient says how much a function changes along every direction. So walk a little way along random directions, forth
and back, and see whether the change is what the gradient said.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from firstlight.engine.backward import backward
from firstlight.engine.tensor import Tensor, value_of
from firstlight.errors import FirstlightError

__all__ = ["Worst", "gradcheck"]

_FAULT = 1e-6


class Worst(NamedTuple):
    """The largest disagreement: relative `error`, in which input and where (() along a direction), and both."""

    error: float
    input: str
    place: tuple[int, ...]
    gradient: float
    difference: float


def gradcheck(
    function: Callable[..., Any],
    inputs: Sequence[Any] | Mapping[str, Any],
    *,
    directions: int = 5,
    step: float = 1e-5,
    seed: int = 0,
) -> Worst:
    """Compare `backward` with central differences (f(x + hv) - f(x - hv)) / 2h along random directions v, in float64.

    The outputs of the function are weighed at random and summed, so that every one of them counts. The error is
    relative to the larger of both derivatives, or absolute where both are below 1. If it is above 1e-6, the single
    numbers of that input (200 of them at most) are compared too, so as to say where it is largest.

    Args:
        function: takes tensors, returns a tensor; must give the same for the same inputs (no dropout).
        inputs: arrays of floats, in order or by name. What is to stay constant, let `function` close over.
        directions: how many for each input.
        step: h; around 1e-5 the rounding and the curvature both do little harm (Baydin et al. 2018, section 2.1).
        seed: of the directions.

    Raises:
        FirstlightError: the function gives no tensor, or another value for the same inputs.
    """
    named = dict(inputs) if isinstance(inputs, Mapping) else {f"input {n}": x for n, x in enumerate(inputs)}
    values = {name: np.array(value_of(x), np.float64) for name, x in named.items()}
    random = np.random.default_rng(seed)

    def call(arrays: Mapping[str, np.ndarray]) -> tuple[Any, dict[str, Tensor]]:
        tensors = {name: Tensor(array, name) for name, array in arrays.items()}
        given = function(**tensors) if isinstance(inputs, Mapping) else function(*tensors.values())
        return given, tensors

    output, tensors = call(values)
    if not isinstance(output, Tensor):
        raise FirstlightError(f"Expected a function that gives a tensor. Received a {type(output).__name__} from it.")
    weights = random.normal(size=output.shape)
    gradients = backward(output, gradient=weights)

    def weighed(name: str, moved: np.ndarray) -> float:
        return float(np.sum(weights * value_of(call({**values, name: moved})[0])))

    def compare(name: str, direction: np.ndarray, place: tuple[int, ...]) -> Worst:
        forth, back = (weighed(name, values[name] + sign * step * direction) for sign in (1, -1))
        difference = (forth - back) / (2 * step)
        gradient = float(np.sum(gradients.get(tensors[name], np.zeros_like(direction)) * direction))
        error = np.abs(gradient - difference) / max(1.0, np.abs(gradient), np.abs(difference))
        return Worst(float(error), name, place, gradient, difference)

    if weighed(next(iter(values)), values[next(iter(values))]) != float(np.sum(weights * output.array)):
        raise FirstlightError("Expected a function that repeats itself. Received other values for the same inputs.")
    worst = max(
        (compare(name, _unit(random, x.shape), ()) for name, x in values.items() for _ in range(directions)),
        key=lambda found: found.error,
    )
    if worst.error < _FAULT:
        return worst
    shape = values[worst.input].shape
    places = [np.unravel_index(n, shape) for n in random.permutation(int(np.prod(shape)))[:200]]
    singles = [compare(worst.input, _only(shape, place), tuple(map(int, place))) for place in places]
    single = max(singles, key=lambda found: found.error)
    return single._replace(error=max(single.error, worst.error))


def _unit(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    direction = random.normal(size=shape)
    return direction / np.linalg.norm(direction)


def _only(shape: tuple[int, ...], place: tuple[Any, ...]) -> np.ndarray:
    direction = np.zeros(shape)
    direction[place] = 1.0
    return direction

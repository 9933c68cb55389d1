"""Flat: weights that live in one long array, each of them a view of its own part.

What an optimizer does to every number alike, it can so do to all weights at once and in place.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from firstlight.engine.variable import Variable
from firstlight.errors import FirstlightError

__all__ = ["Flat", "move", "shorten"]

_BLOCK = 1 << 17  # numbers that are changed at once: few enough for the caches, enough to forget the calls


class Flat:
    """Takes the weights in: from here on, their arrays are views of `array`.

    Args:
        weights: of one dtype.

    Raises:
        FirstlightError: there are none, or their dtypes differ.
    """

    def __init__(self, weights: Sequence[Variable]):
        dtypes = {weight.dtype for weight in weights}
        if len(dtypes) != 1:
            raise FirstlightError(
                f"Expected weights of one dtype. Received {', '.join(sorted(map(str, dtypes))) or 'no weights'}. "
                "Give all layers the same dtype, and build the optimizer when the weights are there."
            )
        ends = np.cumsum([0, *[weight.size for weight in weights]]).tolist()
        self.weights = list(weights)
        self.places = {weight: place for place, weight in enumerate(weights)}
        self.slices = [slice(start, stop) for start, stop in pairwise(ends)]
        self.array = np.empty(ends[-1], dtypes.pop())
        self.views = self.split(self.array)
        self.gradient = self.full(0)
        self._gradients = self.split(self.gradient)
        self._take_in()

    def full(self, value: float) -> np.ndarray:
        """Another array with a place for each number of the weights."""
        return np.full_like(self.array, value)

    def split(self, flat: np.ndarray) -> list[np.ndarray]:
        """A view for each weight, in its shape."""
        return [flat[part].reshape(weight.shape) for part, weight in zip(self.slices, self.weights, strict=True)]

    def _take_in(self) -> None:
        """Weights that are not views of our array (or no longer, as another optimizer took them) become such."""
        for weight, view in zip(self.weights, self.views, strict=True):
            if weight.array is not view:
                view[...] = weight.array
                weight.array = view

    def gather(self, weights: Sequence[Variable], gradients: Sequence[Any]) -> list[int]:
        """Copy gradients, or None where a weight has none, to their parts of `gradient`; which weights have one.

        Raises:
            FirstlightError: a weight is not one of ours, gradients do not fit, or there are none.
        """
        if len(gradients) != len(weights):
            raise FirstlightError(f"Expected {len(weights)} gradients, one a weight. Received {len(gradients)}.")
        found, missing = [], []
        for weight, gradient in zip(weights, gradients, strict=True):
            place = self.places.get(weight)
            if place is None:
                raise FirstlightError(
                    f"Expected weights that the optimizer was built with. Received another, {weight.name!r} of shape "
                    f"{weight.shape}. Make a new optimizer for other weights."
                )
            if gradient is None:
                missing.append(weight.name)
                continue
            if np.shape(gradient) != weight.array.shape:
                raise FirstlightError(
                    f"Expected a gradient of shape {weight.shape} for {weight.name}. Received {np.shape(gradient)}."
                )
            self._gradients[place][...] = gradient
            found.append(place)
        if not found:
            raise FirstlightError("Expected gradients. Received none: the loss depends on no weight.")
        if missing:
            warnings.warn(f"The loss does not depend on {', '.join(missing)}: these stay as they are.", stacklevel=3)
        self._take_in()
        return sorted(found)

    def runs(self, places: Iterable[int]) -> list[slice]:
        """The parts of the array where these weights are, neighbours joined to one."""
        found: list[slice] = []
        for place in places:
            part = self.slices[place]
            if found and found[-1].stop == part.start:
                part = slice(found.pop().start, part.stop)
            found.append(part)
        return found

    def blocks(self, runs: Iterable[slice]) -> Iterator[slice]:
        """These parts in blocks that fit the caches."""
        for run in runs:
            for start in range(run.start, run.stop, _BLOCK):
                yield slice(start, min(start + _BLOCK, run.stop))

    def work(self) -> np.ndarray:
        """Room for a block."""
        return np.empty(min(_BLOCK, self.array.size), self.array.dtype)


def move(average: np.ndarray, x: np.ndarray, share: float, work: np.ndarray) -> None:
    """average += share (x - average): a moving average, in which what is n steps old weighs (1 - share)^n."""
    np.subtract(x, average, out=work)
    work *= share
    average += work


def shorten(array: np.ndarray, parts: Sequence[slice], bound: float) -> None:
    """Scale these parts of an array g, taken as one vector, by min(1, bound / |g|) (Pascanu et al. 2013)."""
    square = sum(float(np.dot(array[part], array[part])) for part in parts)
    if not square <= bound * bound:  # so that NaN gives NaN
        for part in parts:
            array[part] *= bound / square**0.5

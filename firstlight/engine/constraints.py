"""Constraints: what an optimizer puts in the place of a weight after each step, so that it keeps within bounds."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from firstlight.engine.lookup import look_up

__all__ = ["CONSTRAINTS", "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "get"]

_TINY = 1e-7  # as in Keras, against division by zero


class Constraint:
    """Takes the array of a weight, gives one within bounds."""

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """An array of the same shape."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}


def _norms(w: np.ndarray, axis: Any) -> np.ndarray:
    return np.sqrt(np.sum(np.square(w), axis if isinstance(axis, int) else tuple(axis), keepdims=True))


class NonNeg(Constraint):
    """No number below 0."""

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """max(w, 0)."""
        return np.maximum(w, 0)


class UnitNorm(Constraint):
    """Every vector along `axis` has length 1."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """w / |w|."""
        return w / (_TINY + _norms(w, self.axis))


class MaxNorm(Constraint):
    """No vector along `axis` is longer than `max_value` (Srivastava et al. 2014)."""

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Longer vectors are shortened."""
        norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (_TINY + norms))


class MinMaxNorm(Constraint):
    """Vectors along `axis` are brought towards lengths between two bounds, by the share `rate` of the way."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Vectors that are too long or too short are scaled."""
        norms = _norms(w, self.axis)
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (_TINY + norms))


CONSTRAINTS: dict[str, Callable[..., Constraint]] = {
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
}


def get(constraint: Any) -> Any:
    """The constraint of a name of `CONSTRAINTS`, of a description as Keras writes it, or as it is; None stays None."""
    return look_up("a constraint", CONSTRAINTS, constraint)

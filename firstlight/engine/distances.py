"""Distances between truth and prediction: the formulas of all losses but cross-entropy, a value for each sample.

Below, t is the truth and p the prediction. Sums and means are over the last axis, so that (n, k) gives (n,).
"""

from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.loss import same_shape
from firstlight.engine.tensor import operation, value_of

__all__ = [
    "categorical_hinge",
    "cosine_similarity",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_squared_error",
    "poisson",
    "squared_hinge",
]

_TINY = 1e-7  # keras.backend.epsilon()

# -- numbers -----------------------------------------------------------------------------------------------------


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of (p - t)^2: the likelihood of normal errors (Gauss 1809)."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return ops.mean(ops.square(y_pred - y_true), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of |p - t|, which outliers move less than the square (Laplace 1774)."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return ops.mean(ops.abs(y_pred - y_true), -1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Mean of e^2 / 2 for errors e up to `delta`, and of a line beyond (Huber 1964)."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return ops.mean(_huber(y_pred - y_true, delta=delta), -1)


@operation
def _huber(e: Any, /, delta: float) -> Any:
    """c (e - c/2), where c is e held between -delta and delta: c is the derivative, too."""
    c = np.clip(e, -delta, delta)
    return c * (e - 0.5 * c), lambda g: g * c


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Mean of ln cosh(p - t): about e^2 / 2 for small errors and |e| - ln 2 for large ones."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return ops.mean(_log_cosh(y_pred - y_true), -1)


@operation
def _log_cosh(e: Any, /) -> Any:
    """ln cosh e = |e| + ln(1 + e^(-2|e|)) - ln 2, where nothing overflows; derivative tanh e."""
    size = np.abs(e)
    return size + np.log1p(np.exp(-2 * size)) - float(np.log(2)), lambda g: g * np.tanh(e)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """Mean of p - t ln p: the likelihood of counts t whose mean is p."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + _TINY), -1)


# -- directions and shares ---------------------------------------------------------------------------------------


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between t and p, so that less is better."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return -ops.sum(_unit(y_true, axis=axis) * _unit(y_pred, axis=axis), axis)


@operation
def _unit(x: Any, /, axis: int) -> Any:
    """u = x / |x|; dL/dx = (g - u (u.g)) / |x|: what points along x changes nothing. Zeros stay zeros."""
    length = np.maximum(np.sqrt(np.sum(x * x, axis, keepdims=True)), _TINY)
    u = x / length
    return u, lambda g: (g - u * np.sum(u * g, axis, keepdims=True)) / length


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum t ln(t / p) of two lists of shares (Kullback and Leibler 1951)."""
    y_true, y_pred = same_shape(y_true, y_pred)
    y_true, y_pred = ops.clip(y_true, _TINY, 1.0), ops.clip(y_pred, _TINY, 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), -1)


# -- margins -----------------------------------------------------------------------------------------------------


def _signs(y_true: Any) -> Any:
    """Labels 0 and 1 become -1 and 1; others stay."""
    labels = value_of(y_true)
    return 2.0 * y_true - 1.0 if np.all((labels == 0) | (labels == 1)) else y_true


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of max(0, 1 - t p) for labels t of -1 and 1 (or 0 and 1): right answers by a margin cost nothing."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of max(0, 1 - t p)^2."""
    y_true, y_pred = same_shape(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), -1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(0, 1 + the best wrong score - the right score), for t with a single 1."""
    y_true, y_pred = same_shape(y_true, y_pred)
    right = ops.sum(y_true * y_pred, -1)
    wrong = ops.max((1.0 - y_true) * y_pred, -1)
    return ops.maximum(wrong - right + 1.0, 0.0)

"""Cross-entropy: the surprise of the truth under the predicted probabilities, in nats.

From logits, softmax and logarithm are one operation, whose derivative is simply what was predicted minus what is true.
Nothing overflows there. Below, t is the truth, x are logits and p probabilities.
"""

from typing import Any

import numpy as np

from firstlight.engine import activations, ops
from firstlight.engine.loss import brought, same_shape
from firstlight.engine.tensor import operation, value_of
from firstlight.errors import FirstlightError

__all__ = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]

_TINY = 1e-7  # keras.backend.epsilon(): probabilities are held between this and 1 - this


def _held(p: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(p, _TINY), 1 - _TINY)


# -- yes or no ---------------------------------------------------------------------------------------------------


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Mean over an axis of -t ln p - (1 - t) ln(1 - p).

    Args:
        y_true: 0 or 1, or between.
        y_pred: of the same shape: probabilities, or logits.
        from_logits: whether they are logits x, with p = sigmoid(x).
        label_smoothing: moves the truth towards 1/2 by this share (Szegedy et al. 2016).
        axis: of the mean.
    """
    y_true, y_pred = same_shape(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return ops.mean((_binary_of_logits if from_logits else _binary)(y_true, y_pred), axis)


@operation
def _binary_of_logits(t: Any, x: Any, /) -> Any:
    """max(x, 0) - x t + ln(1 + e^-|x|), which is the formula above with p = sigmoid(x); d/dx = p - t, d/dt = -x."""
    value = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
    return value, lambda g: -g * x, lambda g: g * (activations.sigmoid(x) - t)


@operation
def _binary(t: Any, p: Any, /) -> Any:
    """-t ln p - (1 - t) ln(1 - p); d/dp = (p - t) / (p (1 - p)), d/dt = ln(1 - p) - ln p."""
    kept = _held(p)
    yes, no = np.log(kept), np.log(1 - kept)
    value = -(t * yes + (1 - t) * no)
    return value, lambda g: g * (no - yes), lambda g: g * ((kept - t) / (kept * (1 - kept))) * (p == kept)


# -- one of several ----------------------------------------------------------------------------------------------


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """-sum t ln p over the classes.

    Args:
        y_true: shares of the classes, such as a single 1 among zeros.
        y_pred: of the same shape: probabilities, which are made to sum to 1, or logits.
        from_logits: whether they are logits x, with p = softmax(x).
        label_smoothing: this share of the truth is spread over all classes (Szegedy et al. 2016).
        axis: of the classes.

    Raises:
        FirstlightError: there is one class only, or the shapes do not fit.
    """
    y_true, y_pred = same_shape(y_true, y_pred)
    count = y_pred.shape[axis]
    if count == 1:
        raise FirstlightError(
            f"Expected several classes. Received predictions of shape {y_pred.shape}, of which every softmax is 1. "
            "Use binary_crossentropy for a single probability."
        )
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / count
    return (_categorical_of_logits if from_logits else _categorical)(y_true, y_pred, axis=axis)


@operation
def _categorical_of_logits(t: Any, x: Any, /, axis: int) -> Any:
    """-sum t ln p = T ln sum e^x - sum t x with T = sum t, which is 1; d/dx = T p - t, d/dt = -ln p."""
    low = x - x.max(axis, keepdims=True)
    shares = np.exp(low)
    total = shares.sum(axis, keepdims=True)
    sums = t.sum(axis, keepdims=True)
    value = (sums * np.log(total) - (t * low).sum(axis, keepdims=True)).squeeze(axis)

    def to_logits(g: Any) -> Any:
        return np.expand_dims(g, axis) * (shares * (sums / total) - t)

    return value, lambda g: np.expand_dims(g, axis) * (np.log(total) - low), to_logits


@operation
def _categorical(t: Any, p: Any, /, axis: int) -> Any:
    """-sum t ln s with s = p / sum p; d/ds = -t / s, and from s back to p as for every share (see `softmax`)."""
    total = p.sum(axis, keepdims=True)
    shares = p / total
    kept = _held(shares)
    logs = np.log(kept)

    def to_shares(g: Any) -> Any:
        to_each = np.expand_dims(g, axis) * -t / kept * (shares == kept)
        return (to_each - (to_each * shares).sum(axis, keepdims=True)) / total

    return -(t * logs).sum(axis), lambda g: -np.expand_dims(g, axis) * logs, to_shares


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """-ln p of the right class.

    Args:
        y_true: the right class, a whole number: (...,) or (..., 1).
        y_pred: (..., classes), probabilities, which are made to sum to 1, or logits.
        from_logits: whether they are logits x, with p = softmax(x).
        ignore_class: where this is the truth, the value is 0.
        axis: of the classes, always the last.

    Raises:
        FirstlightError: a label is no class, or the shapes do not fit.
    """
    y_pred = brought(y_pred)
    labels = _labels(y_true, y_pred, axis)
    valid = labels != ignore_class
    if ignore_class is not None:
        labels = np.where(valid, labels, 0)
    if labels.size and not 0 <= labels.min() <= labels.max() < y_pred.shape[-1]:
        raise FirstlightError(
            f"Expected labels from 0 to {y_pred.shape[-1] - 1}, as there are {y_pred.shape[-1]} classes. "
            f"Received labels from {labels.min()} to {labels.max()}."
        )
    values = (_sparse_of_logits if from_logits else _sparse)(y_pred, labels=labels)
    return values if ignore_class is None else ops.where(valid, values, 0.0)


def _labels(y_true: Any, y_pred: Any, axis: int) -> np.ndarray:
    labels = np.asarray(value_of(y_true))
    labels = labels if labels.dtype.kind in "iu" else labels.astype(np.int64)
    if labels.ndim == y_pred.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.shape != y_pred.shape[:-1] or axis not in (-1, y_pred.ndim - 1):
        raise FirstlightError(
            f"Expected labels (...,) and predictions (..., classes), with axis=-1. Received shapes "
            f"{np.shape(value_of(y_true))} and {y_pred.shape}, with axis={axis}. "
            "For shares of classes use categorical_crossentropy."
        )
    return labels


@operation
def _sparse_of_logits(x: Any, /, labels: np.ndarray) -> Any:
    """ln sum e^x - x of the right class; d/dx = p - 1 for the right class, p for the others."""
    count, right = x.shape[-1], (np.arange(labels.size), labels.reshape(-1))
    shares = x - x.max(-1, keepdims=True)
    low = shares.reshape(-1, count)[right].reshape(labels.shape)
    np.exp(shares, out=shares)
    total = shares.sum(-1)

    def pull(g: Any) -> Any:
        gradient = shares * (g / total)[..., None]
        gradient.reshape(-1, count)[right] -= g.reshape(-1)
        return gradient

    return np.log(total) - low, pull


@operation
def _sparse(p: Any, /, labels: np.ndarray) -> Any:
    """-ln s with s = p / sum p of the right class; ds/dp = (1 - s) / sum p for that class, -s / sum p for others."""
    count, right = p.shape[-1], (np.arange(labels.size), labels.reshape(-1))
    total = p.sum(-1)
    share = p.reshape(-1, count)[right].reshape(labels.shape) / total
    kept = _held(share)

    def pull(g: Any) -> Any:
        to_share = -g / kept * (share == kept) / total
        gradient = np.empty_like(p)
        gradient[...] = (-to_share * share)[..., None]
        gradient.reshape(-1, count)[right] += to_share.reshape(-1)
        return gradient

    return -np.log(kept), pull

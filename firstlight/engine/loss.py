"""Loss: how far predictions are from the truth, as one number that training makes smaller.

A loss gives a value for each sample (`call`), then weighs and reduces these values. Here stands all that losses share;
their formulas are in `firstlight.engine.losses`.
"""

from inspect import signature
from typing import Any, Self

import numpy as np

from firstlight.engine import ops
from firstlight.engine.naming import snake_case
from firstlight.engine.tensor import Tensor, value_of
from firstlight.errors import FirstlightError, nearest

__all__ = ["REDUCTIONS", "Loss", "align", "brought", "same_shape"]

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """Base of all losses. A subclass defines `call(y_true, y_pred)`.

    Args:
        reduction: "sum_over_batch_size" or "mean" divides the sum by the number of values, "mean_with_sample_weight" by
            the sum of the weights, "sum" by nothing; "none" or None keeps a value for each sample.
        name: for reports; by default the class in snake case.
        dtype: predictions are brought to it; by default they keep their own.

    Raises:
        FirstlightError: there is no such reduction.
    """

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction not in REDUCTIONS:
            raise FirstlightError(
                f"Expected a reduction: {', '.join(map(str, REDUCTIONS))}. Received {reduction!r}."
                f"{nearest(str(reduction), map(str, REDUCTIONS))}"
            )
        self.name, self.reduction, self.dtype = name or snake_case(type(self).__name__), reduction, dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """One number, or a value for each sample: a tensor if the predictions are one.

        What the mask of the predictions hides does not count: means are over the rest.

        Args:
            y_true: the truth, an array.
            y_pred: predictions, an array or tensor.
            sample_weight: a number, one for each sample, or one for each value of `call`.
        """
        y_pred = brought(y_pred, self.dtype)
        values = self.call(y_true, y_pred)
        weights = self._weights(values, sample_weight, self.compute_mask(y_true, y_pred))
        if weights is not None:
            values, weights = align(values, weights)
            values = values * _spread(weights, values.shape)
        if self.reduction in ("none", None) or not values.shape:
            return values
        if self.reduction == "sum":
            return ops.sum(values)
        if self.reduction != "mean_with_sample_weight" or weights is None:
            return ops.mean(values)
        total = float(np.sum(weights))
        return ops.sum(values) * (1 / total if total else 0.0)

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """A value for each sample (or each step of each sample)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method call(y_true, y_pred).")

    def compute_mask(self, y_true: Any, y_pred: Any) -> np.ndarray | None:
        """False where a value does not count: by default the mask that the predictions carry."""
        return y_pred.mask if isinstance(y_pred, Tensor) else None

    def _weights(self, values: Any, sample_weight: Any, mask: np.ndarray | None) -> Any:
        """Weights and mask in one: in a mean, each value that counts stands for its share of those that do not."""
        weights = None if sample_weight is None else np.asarray(value_of(sample_weight), values.dtype)
        if mask is None:
            return weights
        counts = np.asarray(mask, values.dtype)
        if self.reduction in ("sum_over_batch_size", "mean"):
            counts = counts * values.dtype.type(counts.size / max(1, int(np.count_nonzero(mask))))
        if weights is None:
            return counts
        counts, weights = align(counts, weights)
        return _spread(weights, counts.shape) * counts

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, without `dtype`, as Keras writes them."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters if name != "dtype"}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss made from what `get_config` gives."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def brought(x: Any, dtype: Any = None) -> Any:
    """An array or tensor of floats: of `dtype`, or its own, or float32 where it has none."""
    if not isinstance(x, Tensor | np.ndarray):
        x = np.asarray(x)
        x = x if x.dtype == np.float32 else x.astype(np.float32)
    wanted = dtype or (x.dtype if x.dtype.kind == "f" else np.float32)
    if x.dtype == wanted:
        return x
    mask = getattr(x, "mask", None)
    x = ops.cast(x, wanted)
    if isinstance(x, Tensor):
        x.mask = mask
    return x


def align(a: Any, b: Any) -> tuple[Any, Any]:
    """Two arrays with as many axes: (n, ..., 1) beside (n, ...) loses its last axis; beside (n,), that one gets it."""
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, ops.expand_dims(b, -1)) if b.ndim == 1 else (ops.squeeze(a, -1), b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (ops.expand_dims(a, -1), b) if a.ndim == 1 else (a, ops.squeeze(b, -1))
    return a, b


def same_shape(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Truth and predictions as floats of one dtype and with as many axes.

    Raises:
        FirstlightError: their shapes do not fit.
    """
    y_pred = brought(y_pred)
    y_true, y_pred = align(brought(y_true, y_pred.dtype), y_pred)
    if y_true.ndim != y_pred.ndim and y_true.ndim:
        raise FirstlightError(
            f"Expected truth and predictions of as many axes. Received {y_true.shape} and {y_pred.shape}. "
            "For labels that are whole numbers take a sparse loss or metric."
        )
    return y_true, y_pred


def _spread(weights: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Weights of the first axes only, such as one for each sample, hold for all that stands below."""
    if 0 < weights.ndim < len(shape) and weights.shape == shape[: weights.ndim]:
        return weights.reshape(*weights.shape, *[1] * (len(shape) - weights.ndim))
    return weights

"""The metrics of Keras by their names: losses as metrics stand here, the others are gathered from their files.

`get` finds a metric as `keras.metrics.get` does; `get_metric` also knows what "accuracy" means beside given outputs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from firstlight.engine import losses
from firstlight.engine.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from firstlight.engine.confusion import AUC, F1Score, FBetaScore, Precision, Recall
from firstlight.engine.lookup import look_up
from firstlight.engine.loss import align
from firstlight.engine.metric import Mean, MeanBase, MeanMetricWrapper, Metric
from firstlight.engine.naming import snake_case
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = [
    "AUC",
    "METRICS",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "Poisson",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "TopKCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "get",
    "get_metric",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine itself, where more is better."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


class _OfLoss(MeanMetricWrapper):
    """The mean of a loss without settings: `of` holds its function and the name."""

    rises = False
    of: tuple[Callable[..., Any], str]

    def __init__(self, name: str | None = None, dtype: Any = None):
        super().__init__(self.of[0], name or self.of[1], dtype)


class MeanSquaredError(_OfLoss):
    """Mean of (p - t)^2."""

    of = (losses.mean_squared_error, "mean_squared_error")


class MeanAbsoluteError(_OfLoss):
    """Mean of |p - t|."""

    of = (losses.mean_absolute_error, "mean_absolute_error")


class LogCoshError(_OfLoss):
    """Mean of ln cosh(p - t)."""

    of = (losses.log_cosh, "logcosh")


class Poisson(_OfLoss):
    """Mean of p - t ln p."""

    of = (losses.poisson, "poisson")


class KLDivergence(_OfLoss):
    """Mean of sum t ln(t / p)."""

    of = (losses.kl_divergence, "kl_divergence")


class Hinge(_OfLoss):
    """Mean of max(0, 1 - t p)."""

    of = (losses.hinge, "hinge")


class SquaredHinge(_OfLoss):
    """Mean of max(0, 1 - t p)^2."""

    of = (losses.squared_hinge, "squared_hinge")


class CategoricalHinge(_OfLoss):
    """Mean of max(0, 1 + the best wrong score - the right score)."""

    of = (losses.categorical_hinge, "categorical_hinge")


class RootMeanSquaredError(MeanBase):
    """The root of the mean of (p - t)^2, in the unit of the numbers."""

    rises = False

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None):
        super().__init__(dtype, name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take truth and predictions in."""
        y_true, y_pred = align(np.asarray(value_of(y_true)), np.asarray(value_of(y_pred)))
        self.gather(np.square(y_pred - y_true), sample_weight)

    def result(self) -> float:
        """0 if nothing came in."""
        return float(np.sqrt(super().result()))


class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between t and p along `axis`: unlike the loss, more is better."""

    rises = True

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1):
        super().__init__(_cosine, name, dtype, axis=axis)


class BinaryCrossentropy(MeanMetricWrapper):
    """Mean of -t ln p - (1 - t) ln(1 - p); for the arguments see `losses.binary_crossentropy`."""

    rises = False

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        settings = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **settings)


class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean of -sum t ln p; for the arguments see `losses.categorical_crossentropy`."""

    rises = False

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        settings = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **settings)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean of -ln p of the right class; for the arguments see `losses.sparse_categorical_crossentropy`.

    As in Keras, what `ignore_class` hides counts as 0, and only beside weights or a mask not at all.
    """

    rises = False

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        settings: dict[str, Any] = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **settings)
        self.ignore_class = ignore_class

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take truth and predictions in. What the mask of the predictions hides does not count."""
        given = sample_weight is not None or getattr(y_pred, "mask", None) is not None
        if self.ignore_class is not None and given:
            valid = np.asarray(value_of(y_true)).reshape(y_pred.shape[:-1]) != self.ignore_class
            sample_weight = self.masked(sample_weight, valid)
        super().update_state(y_true, y_pred, sample_weight)


_KINDS: list[type[Metric]] = [
    *(Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy),
    *(TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, Precision, Recall, AUC, F1Score, FBetaScore),
    *(Mean, MeanSquaredError, RootMeanSquaredError, MeanAbsoluteError, LogCoshError, CosineSimilarity),
    *(BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, KLDivergence, Poisson),
    *(Hinge, SquaredHinge, CategoricalHinge),
]
_SHORT: dict[str, type[Metric]] = {"bce": BinaryCrossentropy, "mse": MeanSquaredError, "mae": MeanAbsoluteError}
METRICS: dict[str, type[Metric]] = {
    **{snake_case(kind.__name__): kind for kind in _KINDS},
    **_SHORT,
    **{name.upper(): kind for name, kind in _SHORT.items()},
    **{kind.__name__: kind for kind in _KINDS},
}


def get(metric: Any) -> Any:
    """The metric of a name of `METRICS`, of a description as Keras writes it, of a function, or as it is; or None."""
    if callable(metric) and not isinstance(metric, Metric):
        if isinstance(metric, type):
            return metric()
        found = MeanMetricWrapper(metric)
        found.rises = False if getattr(losses, found.name, None) is metric else None
        return found
    return look_up("a metric", METRICS, metric)


def get_metric(metric: Any, y_true: Any, y_pred: Any) -> Metric:
    """The metric for outputs of these shapes, named as it was asked for, as `compile` of Keras does it.

    "accuracy" and "acc" are binary for outputs (..., 1); sparse where the truth has an axis less, or its last axis has
    length 1; else categorical.

    Args:
        metric: see `get`.
        y_true, y_pred: arrays, or anything with a shape.
    """
    if metric is None:
        raise FirstlightError("Expected a metric. Received None.")
    if not isinstance(metric, str) or metric.lower() not in ("accuracy", "acc"):
        found: Metric = get(metric)
    elif y_pred.shape[-1] == 1:
        found = BinaryAccuracy()
    elif len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1:
        found = SparseCategoricalAccuracy()
    else:
        found = CategoricalAccuracy()
    if isinstance(metric, str):
        found.name = metric
    return found

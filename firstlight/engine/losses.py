"""The losses of Keras by their names: classes that weigh and reduce the values that a function gives for each sample.

The functions are gathered from `distances` and `crossentropy`. Below, t is the truth and p the prediction.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from firstlight.engine.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from firstlight.engine.distances import (
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_squared_error,
    poisson,
    squared_hinge,
)
from firstlight.engine.lookup import look_up
from firstlight.engine.loss import Loss
from firstlight.engine.tensor import value_of

__all__ = [
    "LOSSES",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_squared_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]


class LossFunctionWrapper(Loss):
    """The loss of a function of (y_true, y_pred) that gives a value for each sample.

    Args:
        fn: the function.
        reduction, name, dtype: see `Loss`; the name is by default that of the function.
        settings: further arguments of the function.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **settings: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn, self.settings = fn, settings

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """What the function gives."""
        return self.fn(y_true, y_pred, **self.settings)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, with the function as it is."""
        return {"fn": self.fn, "reduction": self.reduction, "name": self.name, **self.settings}


class _Plain(Loss):
    """A loss without settings: its function stands in the class."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None):
        super().__init__(name or type(self).function.__name__, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """What the function gives."""
        return type(self).function(y_true, y_pred)


class MeanSquaredError(_Plain):
    """Mean of (p - t)^2."""

    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(_Plain):
    """Mean of |p - t|."""

    function = staticmethod(mean_absolute_error)


class LogCosh(_Plain):
    """Mean of ln cosh(p - t)."""

    function = staticmethod(log_cosh)


class Poisson(_Plain):
    """Mean of p - t ln p."""

    function = staticmethod(poisson)


class KLDivergence(_Plain):
    """sum t ln(t / p)."""

    function = staticmethod(kl_divergence)


class Hinge(_Plain):
    """Mean of max(0, 1 - t p)."""

    function = staticmethod(hinge)


class SquaredHinge(_Plain):
    """Mean of max(0, 1 - t p)^2."""

    function = staticmethod(squared_hinge)


class CategoricalHinge(_Plain):
    """max(0, 1 + the best wrong score - the right score)."""

    function = staticmethod(categorical_hinge)


class Huber(Loss):
    """Mean of e^2 / 2 for errors up to `delta`, and of a line beyond; further arguments as in `Loss`."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """See `huber`."""
        return huber(y_true, y_pred, self.delta)


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between t and p along `axis`; further arguments as in `Loss`."""

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """See `cosine_similarity`."""
        return cosine_similarity(y_true, y_pred, self.axis)


class BinaryCrossentropy(Loss):
    """Mean of -t ln p - (1 - t) ln(1 - p); for the arguments see `binary_crossentropy` and `Loss`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """See `binary_crossentropy`."""
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)


class CategoricalCrossentropy(Loss):
    """-sum t ln p over the classes; for the arguments see `categorical_crossentropy` and `Loss`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """See `categorical_crossentropy`."""
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)


class SparseCategoricalCrossentropy(Loss):
    """-ln p of the right class; for the arguments see `sparse_categorical_crossentropy` and `Loss`.

    What `ignore_class` hides does not count, as what a mask hides.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def call(self, y_true: Any, y_pred: Any, /) -> Any:
        """See `sparse_categorical_crossentropy`."""
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)

    def compute_mask(self, y_true: Any, y_pred: Any) -> np.ndarray | None:
        """The mask of the predictions, and False where the truth is the class to ignore."""
        mask = super().compute_mask(y_true, y_pred)
        if self.ignore_class is None:
            return mask
        valid = np.asarray(value_of(y_true)).reshape(y_pred.shape[:-1]) != self.ignore_class
        return valid if mask is None else mask & valid


_CLASSES: dict[str, type[Loss]] = {
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "kl_divergence": KLDivergence,
    "poisson": Poisson,
    "mean_squared_error": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "cosine_similarity": CosineSimilarity,
    "log_cosh": LogCosh,
    "huber": Huber,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "categorical_hinge": CategoricalHinge,
}
_SHORT = {"bce": BinaryCrossentropy, "kld": KLDivergence, "mae": MeanAbsoluteError, "mse": MeanSquaredError}
LOSSES: dict[str, Callable[..., Loss]] = {
    **_CLASSES,
    **_SHORT,
    **{name.upper(): kind for name, kind in _SHORT.items()},
    **{kind.__name__: kind for kind in _CLASSES.values()},
}


def get(loss: Any) -> Any:
    """The loss of a name of `LOSSES`, of a description as Keras writes it, of a function, or as it is; or None."""
    if callable(loss) and not isinstance(loss, Loss):
        return loss() if isinstance(loss, type) else LossFunctionWrapper(loss)
    return look_up("a loss", LOSSES, loss)

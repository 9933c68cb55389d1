"""Metric: a number that describes predictions, gathered batch by batch.

A metric counts nothing of its own past: `reset_state` begins anew. Here stand the base and means, of which most metrics
are made; the metrics by their names are in `firstlight.engine.metrics`.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any, Self

import numpy as np

from firstlight.engine.loss import align
from firstlight.engine.naming import snake_case
from firstlight.engine.tensor import Tensor, value_of

__all__ = ["Mean", "MeanBase", "MeanMetricWrapper", "Metric"]


class Metric:
    """Base of all metrics. A subclass defines `update_state`, `result` and `reset_state`.

    Args:
        dtype: of the numbers that come in.
        name: for reports; by default the class in snake case.
    """

    rises: bool | None = None
    """Whether more of it is better; None where nobody can tell."""

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or snake_case(type(self).__name__)
        self.dtype = "float32" if dtype is None else str(np.dtype(dtype))
        self.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take a batch in."""
        raise NotImplementedError(f"{type(self).__name__} needs a method update_state.")

    def result(self) -> Any:
        """The number (or array of numbers) for all batches since the last `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__} needs a method result().")

    def reset_state(self) -> None:
        """Begin anew."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch in, and give the result for all so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric made from what `get_config` gives."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class MeanBase(Metric):
    """A mean in which every sample counts as much as its weight; a subclass says of what."""

    total: float
    count: float

    def gather(self, values: Any, sample_weight: Any = None) -> None:
        """Take numbers in: (samples, ...), with one weight, one for each sample, or one for each of the numbers."""
        values = np.asarray(value_of(values), self.dtype)
        if sample_weight is None:
            self.total += float(np.mean(values, tuple(range(1, values.ndim))).sum())
            self.count += len(values) if values.ndim else 1
            return
        weights = np.asarray(value_of(sample_weight), self.dtype)
        values, weights = align(values, weights)
        values = np.mean(values, tuple(range(weights.ndim, values.ndim)))
        given = weights.ndim
        weights = np.broadcast_to(weights, values.shape)
        weighted = values * weights
        self.total += float(np.mean(weighted, tuple(range(1, weighted.ndim))).sum())
        self.count += float(np.mean(weights, tuple(range(1, given))).sum())

    def result(self) -> float:
        """0 if nothing came in."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        """Begin anew."""
        self.total = self.count = 0.0


class Mean(MeanBase):
    """The mean of all numbers.

    Args:
        name, dtype: see `Metric`.
    """

    def __init__(self, name: str = "mean", dtype: Any = None):
        super().__init__(dtype, name)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take numbers in: (samples, ...), with one weight, one for each sample, or one for each of the numbers."""
        self.gather(values, sample_weight)


class MeanMetricWrapper(MeanBase):
    """The mean of a function of (y_true, y_pred) that gives a number for each sample, such as a loss.

    Args:
        fn: the function.
        name: by default that of the function.
        dtype: see `Metric`.
        settings: further arguments of the function.
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **settings: Any):
        super().__init__(dtype, name or getattr(fn, "__name__", None))
        self.fn, self.settings = fn, settings

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take truth and predictions in. What the mask of the predictions hides does not count."""
        mask = y_pred.mask if isinstance(y_pred, Tensor) else None
        values = self.fn(value_of(y_true), value_of(y_pred), **self.settings)
        self.gather(values, self.masked(sample_weight, mask))

    def masked(self, sample_weight: Any, mask: np.ndarray | None) -> Any:
        """Weights that are 0 where the mask is False."""
        if mask is None or sample_weight is None:
            return sample_weight if mask is None else np.asarray(mask, self.dtype)
        counts, weights = align(np.asarray(mask, self.dtype), np.asarray(value_of(sample_weight), self.dtype))
        return weights * counts

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor; a subclass has given the function itself."""
        own = {name: getattr(self, name, self.settings.get(name)) for name in signature(type(self)).parameters}
        if type(self) is MeanMetricWrapper:
            del own["settings"]
            own.update(self.settings)
        return own

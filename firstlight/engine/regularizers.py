"""Regularizers: what is added to the loss for large weights, so that a network prefers simple explanations."""

from collections.abc import Callable
from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.lookup import look_up
from firstlight.errors import FirstlightError

__all__ = ["L1", "L1L2", "L2", "REGULARIZERS", "OrthogonalRegularizer", "get"]


class L1L2:
    """l1 sum |w| + l2 sum w^2. The first makes weights exactly 0, the second keeps all of them small.

    Args:
        l1: factor of the sum of sizes.
        l2: factor of the sum of squares.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = l1, l2

    def __call__(self, x: Any) -> Any:
        """A number, from a weight or output of any shape."""
        terms = [self.l1 * ops.sum(ops.abs(x))] if self.l1 else []
        terms += [self.l2 * ops.sum(ops.square(x))] if self.l2 else []
        return terms[0] + terms[1] if len(terms) == 2 else terms[0] if terms else 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """l1 sum |w| (the lasso)."""

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"l1": self.l1}


class L2(L1L2):
    """l2 sum w^2 (ridge)."""

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"l2": self.l2}


class OrthogonalRegularizer:
    """Pushes the rows (or columns) of a matrix apart: `factor` times the mean size of their cosines.

    Args:
        factor: of the mean over all pairs.
        mode: "rows" or "columns".
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise FirstlightError(f"Expected mode to be rows or columns. Received {mode!r}.")
        self.factor, self.mode = factor, mode

    def __call__(self, x: Any) -> Any:
        """A number, from a matrix (rows, columns)."""
        if x.ndim != 2:
            raise FirstlightError(f"Expected a matrix for an orthogonal regularizer. Received shape {x.shape}.")
        x = x if self.mode == "rows" else ops.transpose(x)
        unit = x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=1, keepdims=True), 1e-12))
        count = x.shape[0]
        cosines = ops.abs(unit @ ops.transpose(unit)) * (1 - np.eye(count, dtype=x.dtype))
        return self.factor * 0.5 * ops.sum(cosines) / max(count * (count - 1) / 2, 1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"factor": self.factor, "mode": self.mode}


REGULARIZERS: dict[str, Callable[..., Any]] = {
    "l1": L1,
    "l2": L2,
    "l1l2": L1L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}


def get(regularizer: Any) -> Any:
    """The regularizer of a name of `REGULARIZERS`, of a description as Keras writes it, or as it is; or None."""
    return look_up("a regularizer", REGULARIZERS, regularizer)

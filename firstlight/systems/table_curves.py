"""How a model of a table comes about: its coefficients along the penalty, its error as it sees more rows.

Both learn many times over, from a sample of the training rows where there are many.
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.splits import stratified
from firstlight.systems.linear_paths import learning_curve
from firstlight.systems.table_frames import as_frame
from firstlight.systems.table_preparation import Prepared, prepare

if TYPE_CHECKING:
    from firstlight.systems.table_model import TableModel

__all__ = ["ErrorCurve", "PenaltyPath", "TableCurves"]

_ROWS = 5000  # of the sample
_MOST = 120  # coefficients up to which a path is worth its time
_ALPHAS, _WEAKEST = 30, 1e-4
_FOLDS = 5
_FEW_SHARES = (0.2, 0.5, 1.0)
_SHARES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class PenaltyPath:
    """Standardised coefficients (alphas, terms) by `alphas`; of several classes their root sum of squares."""

    alphas: np.ndarray
    coefficients: np.ndarray
    names: list[str]
    rows: int
    kind: str


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Errors (sizes, folds) on training and on validation rows by the number of training rows `sizes`."""

    sizes: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    error: str


class TableCurves:
    """The curves of a fitted model, from the table that it was fitted on.

    Args:
        model: fitted, or loaded.
        table: the one that it learned from.
    """

    def __init__(self, model: "TableModel", table: Any):
        frame = as_frame(table, model.description["target"])
        prepared = prepare(model, frame, model.description["training"]["hold_out"])
        self.model = model
        rows = _sample(prepared, model.classifies, int(model.settings["seed"]))
        self.x, self.target = prepared.encoded.x[rows], prepared.target[rows]
        self.weights = None if prepared.weights is None else prepared.weights[rows]

    def path(self) -> PenaltyPath | None:
        """The coefficients by the strength of the penalty, by the exact solver; None where there are very many."""
        from sklearn.base import clone

        if self.x.shape[1] * max(len(self.model.classes), 1) > _MOST:
            return None
        estimator = clone(self.model.estimator).set_params(solver="exact")
        if not estimator.alpha:  # without a penalty its kind is open; an L1 shows which columns matter most
            estimator.set_params(l1_ratio=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a weak penalty; the model itself has told what concerns it
            strongest = _strongest(estimator, self.x, self.target, self.weights)
            alphas = np.geomspace(strongest, _WEAKEST * strongest, _ALPHAS)
            found = estimator.regularization_path(self.x, self.target, alphas, self.weights)
        values = found.coefficients * found.scale
        values = values if values.ndim == 2 else np.sqrt(np.square(values).sum(axis=1))
        names = [term.name for term in self.model.columns.terms]
        return PenaltyPath(found.alphas, values, names, len(self.target), _kind(estimator.l1_ratio))

    def errors(self) -> ErrorCurve | None:
        """The error by the number of rows, by cross-validation; None where the rows are too few."""
        from sklearn.base import clone

        many = self.x.shape[1] * max(len(self.model.classes), 1) > _MOST
        folds = min(2 if many else _FOLDS, len(self.target) // 2)
        if self.model.classifies:
            folds = min(folds, int(np.unique(self.target, return_counts=True)[1].min()))
        if folds < 2:
            return None
        estimator = clone(self.model.estimator).set_params(solver="exact")
        scoring = "accuracy" if self.model.classifies else "neg_root_mean_squared_error"
        seed = int(self.model.settings["seed"])
        least = 2 / (len(self.target) * (folds - 1) // folds)
        shares = [share for share in (_FEW_SHARES if many else _SHARES) if share >= least]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a part with one class alone is no fit, and is left out below
            found = learning_curve(estimator, self.x, self.target, shares, folds, seed, self.weights, scoring)
        whole = np.isfinite(found.train).all(axis=1) & np.isfinite(found.test).all(axis=1)
        top = 1 if self.model.classifies else 0
        name = "share of wrong classes" if self.model.classifies else "root mean squared error"
        errors = ErrorCurve(found.sizes[whole], top - found.train[whole], top - found.test[whole], name)
        return errors if whole.any() else None


def _strongest(estimator: Any, x: np.ndarray, target: np.ndarray, weights: np.ndarray | None) -> float:
    """A penalty that leaves nothing, or next to nothing, of the coefficients."""
    problem = estimator._problem(x, target, weights)
    if estimator.l1_ratio:
        return float(estimator._strongest(problem) / estimator.l1_ratio) or 1.0
    return 100.0 if estimator.standardize else 100.0 * float(np.square(problem.design.scale).mean())


def _kind(l1_ratio: float) -> str:
    return "L1" if l1_ratio == 1 else "L2" if l1_ratio == 0 else f"{l1_ratio:.3g} L1 and {1 - l1_ratio:.3g} L2"


def _sample(prepared: Prepared, classifies: bool, seed: int) -> np.ndarray:
    """The rows to learn from: of many a sample, in which every class has its share, and one row at least."""
    count = len(prepared.target)
    rows = np.arange(count) if prepared.weights is None else np.flatnonzero(prepared.weights)
    if len(rows) <= _ROWS:
        return rows
    if classifies:
        return rows[stratified(prepared.target[rows].tolist(), 1 - _ROWS / len(rows), seed)[0]]
    return np.sort(np.random.default_rng(seed).choice(rows, _ROWS, replace=False))

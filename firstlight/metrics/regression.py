"""How far predicted numbers are from true ones: R2, root mean squared error and mean absolute error.

Each is a `Score` over rows, so that `bootstrap` gives its interval.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.captions import Score

__all__ = ["mean_absolute_error", "r_squared", "root_mean_squared_error"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _RootScore(Score):
    """The root of the mean of what each row gives."""

    def _combined(self, occurrences: Floats) -> Floats:
        return np.sqrt(super()._combined(occurrences))


@dataclass(frozen=True, eq=False)
class _ShareScore(Score):
    """R2, which follows from sums: `statistics` (rows, 3) are the target, its square, and the squared error."""

    statistics: Floats

    def _combined(self, occurrences: Floats) -> Floats:
        total, squares, errors = np.moveaxis(occurrences @ self.statistics, -1, 0)
        spread = squares - total**2 / occurrences.sum(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(spread > 1e-12 * squares, 1 - errors / spread, np.nan))


def r_squared(true: npt.ArrayLike, predicted: npt.ArrayLike) -> Score:
    """The share of the variance of the true numbers, (rows,), that the prediction explains: 1 is best.

    Below 0 the prediction is worse than the mean of these rows; NaN where the true numbers do not differ.
    Source: Draper, Smith, "Applied Regression Analysis", 1998, section 1.3.
    """
    truth, guesses = _pair(true, predicted)
    middle = truth - truth.mean()  # large numbers would cancel
    errors = np.square(truth - guesses)
    statistics = np.column_stack([middle, np.square(middle), errors])
    spread = float(np.square(middle).sum())
    value = 1 - float(errors.sum()) / spread if spread > 0 else float("nan")
    return _ShareScore("R2", value, errors, statistics)


def root_mean_squared_error(true: npt.ArrayLike, predicted: npt.ArrayLike) -> Score:
    """The root of the mean squared distance between true and predicted numbers, (rows,) each, in their unit."""
    truth, guesses = _pair(true, predicted)
    errors = np.square(truth - guesses)
    return _RootScore("RMSE", float(np.sqrt(errors.mean())), errors)


def mean_absolute_error(true: npt.ArrayLike, predicted: npt.ArrayLike) -> Score:
    """The mean distance between true and predicted numbers, (rows,) each, in their unit."""
    truth, guesses = _pair(true, predicted)
    errors = np.abs(truth - guesses)
    return Score("MAE", float(errors.mean()), errors)


def _pair(true: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    truth, guesses = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    if truth.ndim != 1 or truth.shape != guesses.shape or not len(truth):
        raise FirstlightError(
            f"Expected as many true numbers as predicted ones, (rows,) each. Received shapes {truth.shape} and "
            f"{guesses.shape}. Give one number a row."
        )
    if not (np.isfinite(truth).all() and np.isfinite(guesses).all()):
        raise FirstlightError("Expected finite numbers. Received NaN or infinity. Leave these rows out.")
    return truth, guesses

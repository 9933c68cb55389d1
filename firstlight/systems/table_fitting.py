"""An estimator taught on a prepared table, and what is written down of the columns that it saw."""

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from firstlight.systems.linear_blocks import moments
from firstlight.systems.linear_watch import watched
from firstlight.systems.table_preparation import Prepared

__all__ = ["fitted", "terms_of"]


def fitted(estimator: Any, prepared: Prepared, progress: Any) -> list[str]:
    """Fit, showing the steps of a descent; what the estimator warns of is told, too."""
    shown: dict[int, Any] = {}

    def told(steps: int, total: int) -> None:
        if total not in shown:
            shown[total] = progress.task("steps of SGD", total)
        shown[total](steps)

    with warnings.catch_warnings(record=True) as caught, watched(told):
        warnings.simplefilter("always")
        estimator.fit(prepared.encoded.x, prepared.target, prepared.weights)
    for warning in caught:
        if not issubclass(warning.category, ConvergenceWarning):
            warnings.warn(warning.message, warning.category, stacklevel=3)
    notes = [str(warning.message) for warning in caught if issubclass(warning.category, ConvergenceWarning)]
    for note in notes:
        progress.message(note)
    return notes


def terms_of(prepared: Prepared) -> list[dict[str, Any]]:
    """What the model sees, with mean and deviation over the training rows, by which coefficients can be compared."""
    weights = prepared.weights
    mean, deviation = moments(prepared.encoded.x, None if weights is None else weights / weights.sum())
    return [
        {"name": term.name, "column": term.column, "level": term.level, "mean": m, "deviation": d}
        for term, m, d in zip(prepared.columns.terms, mean.tolist(), deviation.tolist(), strict=True)
    ]

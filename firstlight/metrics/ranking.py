"""How well scores put the rows of a class before the others: ROC, the area below it, precision and recall.

A truth is 1 or True for the rows of the class and 0 for the others; of several classes each is taken in turn.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.intervals import NORMAL_QUANTILE

__all__ = [
    "PrecisionRecallCurve",
    "RocArea",
    "RocCurve",
    "average_precision",
    "precision_recall_curve",
    "roc_auc",
    "roc_auc_by_class",
    "roc_curve",
    "truth_of",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Rates (n,) for `thresholds` (n,) that fall from infinity: a row counts as of the class from the threshold on."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats


@dataclass(frozen=True)
class RocArea:
    """The area below a ROC curve, and its 95 % interval from `low` to `high`."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision and recall (n,) for `thresholds` (n,) that fall; the recall rises."""

    precision: Floats
    recall: Floats
    thresholds: Floats


def roc_curve(true: npt.ArrayLike, scores: npt.ArrayLike) -> RocCurve:
    """The ROC curve with a point for each different score, from (0, 0) to (1, 1).

    Source: Fawcett, "An introduction to ROC analysis", 2006, algorithm 1.
    """
    hits, misses, thresholds = _counts(true, scores)
    return RocCurve(np.append(0.0, misses / misses[-1]), np.append(0.0, hits / hits[-1]), np.append(np.inf, thresholds))


def roc_auc(true: npt.ArrayLike, scores: npt.ArrayLike) -> RocArea:
    """The chance that a row of the class scores higher than another row, ties counting half, with a 95 % interval.

    Source: DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", 1988, for the variance; the interval is cut at 0 and 1.
    """
    truth, values = truth_of(true, scores)
    ranks = _ranks(values)
    inside, outside = truth == 1, truth == 0
    # The share of the other group that each row beats: its rank among all, less its rank in its own group.
    beaten = (ranks[inside] - _ranks(values[inside])) / outside.sum()
    beaten_by = 1 - (ranks[outside] - _ranks(values[outside])) / inside.sum()
    area = float(beaten.mean())
    variance = sum(float(part.var(ddof=1)) / len(part) for part in (beaten, beaten_by) if len(part) > 1)
    reach = NORMAL_QUANTILE * variance**0.5
    return RocArea(area, max(0.0, area - reach), min(1.0, area + reach))


def roc_auc_by_class(true: npt.ArrayLike, probabilities: npt.ArrayLike) -> list[RocArea]:
    """The area of every class against all others.

    Args:
        true: the number of each row's class, (rows,).
        probabilities: (rows, classes).
    """
    table, numbers = np.asarray(probabilities, np.float64), np.asarray(true)
    if table.ndim != 2 or numbers.shape != table.shape[:1]:
        raise FirstlightError(
            f"Expected numbers of classes (rows,) and probabilities (rows, classes). Received shapes {numbers.shape} "
            f"and {table.shape}."
        )
    return [roc_auc(numbers == place, table[:, place]) for place in range(table.shape[1])]


def precision_recall_curve(true: npt.ArrayLike, scores: npt.ArrayLike) -> PrecisionRecallCurve:
    """Precision and recall with a point for each different score."""
    hits, misses, thresholds = _counts(true, scores)
    return PrecisionRecallCurve(hits / (hits + misses), hits / hits[-1], thresholds)


def average_precision(true: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """The sum of precision times the gain in recall, over falling thresholds.

    Source: Manning, Raghavan and Schutze, "Introduction to Information Retrieval", 2008, section 8.4.
    """
    curve = precision_recall_curve(true, scores)
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * curve.precision))


def truth_of(true: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Truth (0 or 1) and scores as float64 (rows,) each, with rows of both kinds."""
    truth, values = np.asarray(true), np.asarray(scores, np.float64)
    if truth.ndim != 1 or truth.shape != values.shape:
        raise FirstlightError(
            f"Expected as many truths as scores, (rows,) each. Received shapes {truth.shape} and {values.shape}. "
            "Of several classes, give one column of the probabilities."
        )
    kinds = np.unique(truth).tolist()
    if kinds != [0, 1]:
        raise FirstlightError(
            f"Expected a truth of 0 and 1, with rows of both. Received {kinds[:5]}. Compare the labels with one class "
            "first: true == label."
        )
    if np.isnan(values).any():
        raise FirstlightError(f"Expected a score for each row. Received NaN in {int(np.isnan(values).sum())} rows.")
    return truth.astype(np.float64), values


def _counts(true: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """For each different score, from the highest: rows of the class with at least it, other rows, and the score."""
    truth, values = truth_of(true, scores)
    order = np.argsort(-values, kind="stable")
    truth, values = truth[order], values[order]
    last = np.append(np.nonzero(np.diff(values))[0], len(values) - 1)
    hits = np.cumsum(truth)[last]
    return hits, last + 1 - hits, values[last]


def _ranks(values: Floats) -> Floats:
    """Places in rising order from 1 on; equal values share the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(middle[inverse], np.float64)

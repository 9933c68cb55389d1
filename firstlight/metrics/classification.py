"""How often a classifier is right: accuracy, top-k, the confusion matrix, precision and recall, with 95 % intervals.

Labels may be numbers or texts; nothing is known of images or models.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.intervals import NORMAL_QUANTILE

__all__ = [
    "ClassReport",
    "Proportion",
    "accuracy",
    "class_report",
    "confusion_matrix",
    "proportion",
    "top_k_accuracy",
]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Proportion:
    """A share of cases, `value`, and the 95 % interval from `low` to `high`; the value of no cases is NaN."""

    value: float
    low: float
    high: float
    cases: int

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, n={self.cases})"


@dataclass(frozen=True)
class ClassReport:
    """Of one class: rows that are of it (`support`), precision, recall, and their harmonic mean `f1`."""

    label: Hashable
    support: int
    precision: Proportion
    recall: Proportion
    f1: float

    def figures(self) -> dict[str, Any]:
        """Support, precision and recall with their intervals; what no row decides is None, as JSON has no NaN."""
        found: dict[str, Any] = {"support": self.support}
        for name, share in (("precision", self.precision), ("recall", self.recall)):
            found[name] = None if np.isnan(share.value) else share.value
            found[f"{name}_interval"] = [share.low, share.high]
        return found


def proportion(successes: int, cases: int) -> Proportion:
    """A share with its 95 % interval.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927; unlike the textbook
    interval it stays within 0 and 1 and keeps its level for small numbers (Brown, Cai and DasGupta 2001).
    """
    if not 0 <= successes <= cases:
        raise FirstlightError(f"Expected successes from 0 to the {cases} cases. Received {successes}.")
    if not cases:
        return Proportion(float("nan"), 0.0, 1.0, 0)
    share, square = successes / cases, NORMAL_QUANTILE**2 / cases
    middle = (share + square / 2) / (1 + square)
    reach = NORMAL_QUANTILE / (1 + square) * float(np.sqrt(share * (1 - share) / cases + square / (4 * cases)))
    low = 0.0 if successes == 0 else middle - reach
    high = 1.0 if successes == cases else middle + reach
    return Proportion(share, low, high, cases)


def accuracy(true: npt.ArrayLike, predicted: npt.ArrayLike) -> Proportion:
    """The share of labels, (rows,) each, that are predicted as they are."""
    labels, guesses = _pair(true, predicted)
    return proportion(int((labels == guesses).sum()), len(labels))


def top_k_accuracy(
    true: npt.ArrayLike, probabilities: npt.ArrayLike, k: int = 5, classes: Sequence[Hashable] | None = None
) -> Proportion:
    """The share of rows whose class is among the k likeliest; of equal probabilities the earlier class comes first.

    Args:
        true: labels (rows,).
        probabilities: (rows, classes), or any scores that rank the classes.
        k: from 1 to the number of classes.
        classes: the label of each column; by default 0, 1, 2, ...
    """
    table = np.asarray(probabilities, np.float64)
    labels = np.asarray(true)
    if table.ndim != 2 or labels.shape != table.shape[:1]:
        raise FirstlightError(
            f"Expected labels (rows,) and probabilities (rows, classes). Received {labels.shape} and {table.shape}."
        )
    if not 1 <= k <= table.shape[1]:
        raise FirstlightError(f"Expected k from 1 to the {table.shape[1]} classes. Received {k}.")
    names: list[Hashable] = list(range(table.shape[1]) if classes is None else classes)
    if len(names) != table.shape[1]:
        raise FirstlightError(f"Expected a class for each of {table.shape[1]} columns. Received {len(names)} classes.")
    codes = _codes(labels, names)
    own = table[np.arange(len(codes)), codes][:, None]
    earlier = np.arange(table.shape[1]) < codes[:, None]
    ahead = ((table > own) | ((table == own) & earlier)).sum(axis=1)
    return proportion(int((ahead < k).sum()), len(codes))


def confusion_matrix(
    true: npt.ArrayLike, predicted: npt.ArrayLike, classes: Sequence[Hashable] | None = None
) -> Integers:
    """How often class i (row) was predicted as class j (column), (classes, classes).

    Args:
        true, predicted: labels (rows,).
        classes: the order of rows and columns; by default all labels that occur, sorted.
    """
    labels, guesses = _pair(true, predicted)
    names = _known(labels, guesses) if classes is None else list(classes)
    cells = _codes(labels, names) * len(names) + _codes(guesses, names)
    return np.bincount(cells, minlength=len(names) ** 2).reshape(len(names), -1).astype(np.int64)


def class_report(
    true: npt.ArrayLike, predicted: npt.ArrayLike, classes: Sequence[Hashable] | None = None
) -> list[ClassReport]:
    """Precision and recall of every class with 95 % intervals, in the order of `classes`, else sorted.

    Precision is the share of the rows predicted as a class that are of it; recall the share of its rows that are
    predicted as it. What no row decides is NaN.
    """
    labels, guesses = _pair(true, predicted)
    names = _known(labels, guesses) if classes is None else list(classes)
    matrix = confusion_matrix(labels, guesses, names)
    found = []
    for place, name in enumerate(names):
        hits, actual, claimed = (int(n) for n in (matrix[place, place], matrix[place].sum(), matrix[:, place].sum()))
        f1 = 2 * hits / (actual + claimed) if actual + claimed else float("nan")
        found.append(ClassReport(name, actual, proportion(hits, claimed), proportion(hits, actual), f1))
    return found


def _pair(true: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    labels, guesses = np.asarray(true), np.asarray(predicted)
    if labels.ndim != 1 or labels.shape != guesses.shape or not len(labels):
        raise FirstlightError(
            f"Expected as many true labels as predicted ones, (rows,) each. Received shapes {labels.shape} and "
            f"{guesses.shape}. Give one label a row; argmax(axis=1) makes labels of probabilities."
        )
    return labels, guesses


def _known(*labels: npt.NDArray[Any]) -> list[Hashable]:
    return list(np.unique(np.concatenate(labels)).tolist())


def _codes(labels: npt.NDArray[Any], names: list[Hashable]) -> Integers:
    """The place of each label among the names."""
    places = {name: place for place, name in enumerate(names)}
    different, inverse = np.unique(labels, return_inverse=True)
    unknown = [name for name in different.tolist() if name not in places]
    if unknown:
        raise FirstlightError(f"Expected labels among {names}. Received others: {unknown}. Name all classes.")
    return np.array([places[name] for name in different.tolist()], np.int64)[inverse]

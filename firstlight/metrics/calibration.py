"""Whether probabilities can be taken at their word: calibration by bins, its error, Brier score and log loss.

Of several classes, what is judged is the probability of the class that was predicted.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.classification import proportion

__all__ = ["CalibrationCurve", "brier_score", "calibration_curve", "calibration_error", "log_loss"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """For each bin with rows in it (bins,): their mean probability, the share that came true with its 95 % interval
    from `low` to `high`, and their number.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    counts: npt.NDArray[np.int64]


def calibration_curve(
    true: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    bins: int = 10,
    strategy: Literal["uniform", "quantile"] = "uniform",
) -> CalibrationCurve:
    """Compare what was predicted with what came true, in bins of similar probability.

    Args:
        true: 0 or 1 (rows,); with (rows, classes) the number of each row's class.
        probabilities: of 1 (rows,), or of every class (rows, classes).
        bins: how many.
        strategy: bins of the same width, or with the same number of rows.

    Source: Niculescu-Mizil, Caruana, "Predicting good probabilities with supervised learning", 2005.
    """
    truth, chances = _judged(true, probabilities)
    if bins < 1 or strategy not in ("uniform", "quantile"):
        raise FirstlightError(
            f"Expected 1 bin or more and strategy 'uniform' or 'quantile'. Received {bins} and {strategy!r}."
        )
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = inner if strategy == "uniform" else np.quantile(chances, inner)
    places = np.searchsorted(edges, chances)
    counts = np.bincount(places, minlength=bins)
    kept = counts > 0
    hits = np.bincount(places, truth, bins)[kept]
    counts = counts[kept]
    shares = [proportion(int(hit), int(count)) for hit, count in zip(hits, counts, strict=True)]
    return CalibrationCurve(
        np.bincount(places, chances, bins)[kept] / counts,
        hits / counts,
        np.array([share.low for share in shares]),
        np.array([share.high for share in shares]),
        counts.astype(np.int64),
    )


def calibration_error(
    true: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    bins: int = 15,
    strategy: Literal["uniform", "quantile"] = "uniform",
) -> float:
    """The mean distance between probability and truth over the bins, weighted by their rows: 0 is best.

    Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", 2017, equation 5.
    """
    curve = calibration_curve(true, probabilities, bins, strategy)
    return float(curve.counts @ np.abs(curve.predicted - curve.observed) / curve.counts.sum())


def brier_score(true: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """The mean squared distance between probabilities and truth: 0 is best.

    Of two classes, (rows,), as a single number; of several, (rows, classes), summed over them (Brier 1950).
    """
    table = np.asarray(probabilities, np.float64)
    if table.ndim == 1:
        truth, chances = _judged(true, table)
        return float(np.square(chances - truth).mean())
    numbers = _numbers(true, table)
    wanted = np.eye(table.shape[1])[numbers]
    return float(np.square(table - wanted).sum(axis=1).mean())


def log_loss(true: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """The mean of -log(probability of what came true), in nats; infinite where that was held to be impossible."""
    table = np.asarray(probabilities, np.float64)
    if table.ndim == 1:
        truth, chances = _judged(true, table)
        own = np.where(truth == 1, chances, 1 - chances)
    else:
        own = table[np.arange(len(table)), _numbers(true, table)]
    with np.errstate(divide="ignore"):
        return float(-np.log(own).mean())


def _judged(true: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Floats, Floats]:
    """What came true (0 or 1) and its probability, (rows,) each."""
    table = np.asarray(probabilities, np.float64)
    if table.ndim == 2:
        numbers = _numbers(true, table)
        best = table.argmax(axis=1)
        return (best == numbers).astype(np.float64), table[np.arange(len(table)), best]
    truth = np.asarray(true)
    if truth.ndim != 1 or truth.shape != table.shape or not len(truth) or not set(np.unique(truth).tolist()) <= {0, 1}:
        raise FirstlightError(
            f"Expected a truth of 0 and 1 for each probability, (rows,) each. Received shapes {truth.shape} and "
            f"{table.shape}. Compare the labels with one class first: true == label."
        )
    _within(table)
    return truth.astype(np.float64), table


def _numbers(true: npt.ArrayLike, table: Floats) -> npt.NDArray[np.int64]:
    numbers = np.asarray(true)
    if table.ndim != 2 or numbers.shape != table.shape[:1] or not len(numbers) or numbers.dtype.kind not in "iub":
        raise FirstlightError(
            f"Expected the number of each row's class (rows,) and probabilities (rows, classes). Received "
            f"{numbers.dtype} {numbers.shape} and {table.shape}."
        )
    if numbers.min() < 0 or numbers.max() >= table.shape[1]:
        raise FirstlightError(
            f"Expected classes from 0 to {table.shape[1] - 1}. Received {numbers.min()} to {numbers.max()}."
        )
    _within(table)
    return numbers.astype(np.int64)


def _within(table: Floats) -> None:
    if not ((table >= 0) & (table <= 1)).all():
        raise FirstlightError(
            "Expected probabilities from 0 to 1. Received others. Apply a sigmoid or a softmax to logits first."
        )

"""How well vectors of words agree with people: the order of similarities, and analogies.

Both tell how many of the questions could be asked at all, for an accuracy of the few known words flatters.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError

__all__ = ["RankCorrelation", "solve_analogies", "spearman"]

Floats = npt.NDArray[np.float64]

_NORMAL = 1.959963984540054  # the 97.5 % quantile of the normal distribution
_TOGETHER = 256  # questions whose scores are one product
_EPSILON = 1e-3


@dataclass(frozen=True)
class RankCorrelation:
    """A rank correlation, its 95 % interval from `low` to `high`, and of how many pairs; NaN of too few."""

    value: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, n={self.pairs})"


def spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> RankCorrelation:
    """Spearman's rank correlation of two lists of numbers, ties at their mean rank, with a 95 % interval.

    Source: Spearman 1904; the interval by Fisher's transformation with the variance (1 + r^2 / 2) / (n - 3) of Bonett
    and Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations", 2000.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise FirstlightError(f"Expected two lists of one length. Received shapes {one.shape} and {other.shape}.")
    pairs = len(one)
    ranks = [_ranks(values) for values in (one, other)]
    if pairs < 2 or any(np.ptp(rank) == 0 for rank in ranks):
        return RankCorrelation(float("nan"), -1.0, 1.0, pairs)
    value = float(np.clip(np.corrcoef(ranks[0], ranks[1])[0, 1], -1, 1))
    if abs(value) > 1 - 1e-12:  # the same order, or just the other way round
        value = float(round(value))
    if pairs < 4:
        return RankCorrelation(value, -1.0, 1.0, pairs)
    if abs(value) == 1:
        return RankCorrelation(value, value, value, pairs)
    reach = _NORMAL * float(np.sqrt((1 + value**2 / 2) / (pairs - 3)))
    middle = float(np.arctanh(value))
    return RankCorrelation(value, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)), pairs)


def solve_analogies(
    directions: npt.NDArray[np.float32],
    questions: npt.NDArray[np.int64],
    method: Literal["add", "multiply"] = "add",
) -> npt.NDArray[np.int64]:
    """The answer to each question "a is to b as c is to what": the number of a word that is none of the three.

    Args:
        directions: (words, dimensions), each row of length 1.
        questions: (questions, 3), numbers of a, b and c.
        method: "add" for the nearest to b - a + c, "multiply" for the largest product of cosines.

    Source: 3CosAdd of Mikolov, Yih and Zweig, "Linguistic regularities in continuous space word representations",
    2013, section 4; 3CosMul of Levy and Goldberg, "Linguistic regularities in sparse and explicit word
    representations", 2014, equation 6.
    """
    answers = np.empty(len(questions), np.int64)
    for begin in range(0, len(questions), _TOGETHER):
        asked = questions[begin : begin + _TOGETHER]
        a, b, c = (directions[asked[:, place]] for place in range(3))
        if method == "add":
            scores = (b - a + c) @ directions.T
        else:
            near = [(1 + vectors @ directions.T) / 2 for vectors in (a, b, c)]
            scores = near[1] * near[2] / (near[0] + np.float32(_EPSILON))
        np.put_along_axis(scores, asked, -np.inf, axis=1)
        answers[begin : begin + _TOGETHER] = scores.argmax(axis=1)
    return answers


def _ranks(values: Floats) -> Floats:
    """The rank of each value from 1, equal ones at the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[places], np.float64)

"""How far a score may be trusted: bootstrap intervals over images, for one system and for the difference of two.

Images are drawn with replacement and the metric computed again on each draw, BLEU from its sums and so exactly.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.captions import Score

__all__ = ["NORMAL_QUANTILE", "bootstrap", "bootstrap_difference"]

NORMAL_QUANTILE = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: so many deviations on both sides hold 95 %."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TOGETHER = 4_000_000  # images drawn at a time over all samples, which bounds the memory


def bootstrap(
    scores: Mapping[str, Score], level: float = 0.95, samples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """For each score the interval (low, high) that holds the share `level` of the resampled values, on its own scale.

    All scores see the same draws. CIDEr keeps its idf and each caption's value, as everywhere it is reported.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3 (percentile interval).
    """
    return {name: _interval(values, level) for name, values in _resampled(scores, level, samples, seed).items()}


def bootstrap_difference(
    first: Mapping[str, Score], second: Mapping[str, Score], level: float = 0.95, samples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """The interval of first minus second for each score, both seen on the same draws of the same images.

    An interval without 0 in it means that the two systems differ by more than the choice of images explains.

    Source: Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004, section 4.
    """
    if set(first) != set(second):
        raise FirstlightError(
            f"Expected the same metrics of both systems. Received {', '.join(first)} and {', '.join(second)}."
        )
    both = {"first": first, "second": second}
    _images({f"{which} {name}": score for which, scores in both.items() for name, score in scores.items()})
    one, other = _resampled(first, level, samples, seed), _resampled(second, level, samples, seed)
    return {name: _interval(one[name] - other[name], level) for name in first}


def _resampled(scores: Mapping[str, Score], level: float, samples: int, seed: int) -> dict[str, Floats]:
    if not 0 < level < 1 or samples < 1:
        raise FirstlightError(
            f"Expected a level between 0 and 1 and at least one sample. Received level {level} and {samples} samples."
        )
    draws: dict[str, list[Floats]] = {name: [] for name in scores}
    for images in _draws(_images(scores), samples, seed):
        for name, score in scores.items():
            draws[name].append(score.resampled(images))
    return {name: np.concatenate(values) for name, values in draws.items()}


def _draws(images: int, samples: int, seed: int) -> Iterator[Integers]:
    random = np.random.default_rng(seed)
    together = max(1, _TOGETHER // images)
    for first in range(0, samples, together):
        yield random.integers(images, size=(min(together, samples - first), images))


def _images(scores: Mapping[str, Score]) -> int:
    numbers = {name: len(score.each) for name, score in scores.items()}
    if len(set(numbers.values())) != 1:
        raise FirstlightError(f"Expected scores over the same images. Received {numbers or 'none'}.")
    return next(iter(numbers.values()))


def _interval(values: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)

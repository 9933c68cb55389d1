"""BLEU, ROUGE-L and CIDEr of captions, as the COCO toolkit computes them, in Python and NumPy.

Values keep the toolkit's scale (BLEU and ROUGE-L 0 to 1, CIDEr 0 to 10); papers print them times 100.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError, nearest
from firstlight.metrics.consensus import CiderD
from firstlight.metrics.inputs import Caption, Tokens, paired_tokens
from firstlight.metrics.java import meteor_program, meteor_scores, spice_program
from firstlight.metrics.ngrams import ORDERS, ReferenceNgrams

__all__ = [
    "BleuScore",
    "MeteorScore",
    "Score",
    "bleu",
    "cider",
    "cider_d",
    "cider_plain",
    "meteor",
    "rouge_l",
    "score",
    "spice",
]

Floats = npt.NDArray[np.float64]
References = Sequence[Sequence[Caption]]

_BETA = 1.2  # how much more ROUGE-L weighs recall than precision, in the COCO toolkit
_TINY, _SMALL = 1e-15, 1e-9  # what the COCO toolkit adds above and below the fraction bar in BLEU


@dataclass(frozen=True, eq=False)
class Score:
    """A metric over a set of images: its value, and the value of each caption, float64 (images,)."""

    name: str
    value: float
    each: Floats

    def __str__(self) -> str:
        return f"{self.name} {100 * self.value:.1f}"

    def resampled(self, images: npt.ArrayLike) -> Floats:
        """The value over these images, as often as each is named: images (..., n) gives values (...)."""
        return self._combined(_occurrences(np.asarray(images), len(self.each)))

    def _combined(self, occurrences: Floats) -> Floats:
        return np.asarray(occurrences @ self.each / occurrences.sum(axis=-1))


@dataclass(frozen=True, eq=False)
class BleuScore(Score):
    """BLEU, which is no mean over captions: `statistics` (images, 10) are sums from which it follows for any images.

    Columns: length, closest reference length, then n-grams, and n-grams found in a reference, for n = 1 to 4.
    """

    statistics: Floats
    order: int

    def _combined(self, occurrences: Floats) -> Floats:
        return _bleu(occurrences @ self.statistics)[..., self.order - 1]


@dataclass(frozen=True, eq=False)
class MeteorScore(Score):
    """METEOR, which follows from sums of its program's counts, `statistics` (images, 23), and is no mean either."""

    statistics: Floats

    def _combined(self, occurrences: Floats) -> Floats:
        return meteor_scores(occurrences @ self.statistics)


def bleu(candidates: Sequence[Caption], references: References) -> dict[str, Score]:
    """BLEU-1 to BLEU-4 over all captions: `bleu_1` to `bleu_4`, with the closest reference length of each image.

    The value of a single caption is smoothed with 1e-15 as in the COCO toolkit.

    Source: Papineni, Roukos, Ward, Zhu, "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002,
    section 2.1.1 (clipped precision) and section 2.3 (brevity penalty, geometric mean).
    """
    statistics = _bleu_statistics(*paired_tokens(candidates, references))
    each, total = _bleu(statistics), _bleu(statistics.sum(axis=0))
    return {
        f"bleu_{order}": BleuScore(f"bleu_{order}", float(total[order - 1]), each[:, order - 1], statistics, order)
        for order in range(1, ORDERS + 1)
    }


def rouge_l(candidates: Sequence[Caption], references: References) -> Score:
    """ROUGE-L, mean over images: F-measure (beta 1.2) of the longest common subsequence, as a share of the tokens.

    Precision and recall are each the best over the references, as in the COCO toolkit.

    Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, equations 2 to 4.
    """
    pairs = zip(*paired_tokens(candidates, references), strict=True)
    return _mean("rouge_l", np.array([_rouge_l(candidate, captions) for candidate, captions in pairs]))


def cider(candidates: Sequence[Caption], references: References) -> Score:
    """What the COCO toolkit and the papers that use it call CIDEr: by formula it is CIDEr-D, so it equals `cider_d`.

    Mean over images, 0 to 10, idf from these references: the value depends on how many images there are, and over
    fewer than some hundred it cannot be compared with published figures. Source: see `CiderD`.
    """
    return _cider("cider", candidates, references)


def cider_d(candidates: Sequence[Caption], references: References, *, idf_from: References | None = None) -> Score:
    """CIDEr-D (clipped counts, length penalty with sigma 6), mean over images, 0 to 10. Source: see `CiderD`.

    idf_from: weigh the n-grams by the references of other images, for example those of the training images.
    """
    return _cider("cider_d", candidates, references, idf_from)


def cider_plain(candidates: Sequence[Caption], references: References) -> Score:
    """CIDEr before CIDEr-D: the cosine alone, no clipping and no length penalty, times 10. Rarely reported.

    Source: Vedantam, Zitnick, Parikh, CVPR 2015, equations 1 to 3, on tokens that are not stemmed.
    """
    return _cider("cider_plain", candidates, references, sigma=math.inf, clip=False)


def meteor(candidates: Sequence[Caption], references: References) -> Score:
    """METEOR 1.5 by its authors' Java program, which needs Java and `pip install "firstlight[java]"`.

    The value is the program's own over the whole set, from summed counts, which is no mean over captions.
    Source: Denkowski, Lavie, "Meteor Universal: Language Specific Translation Evaluation", WMT 2014.
    """
    statistics, each, value = meteor_program(*paired_tokens(candidates, references))
    return MeteorScore("meteor", value, each, statistics)


def spice(candidates: Sequence[Caption], references: References) -> Score:
    """SPICE by its authors' Java program, which needs Java, `pip install "firstlight[java]"` and Stanford's parser.

    Source: Anderson, Fernando, Johnson, Gould, "SPICE: Semantic Propositional Image Caption Evaluation", ECCV 2016.
    """
    return _mean("spice", spice_program(*paired_tokens(candidates, references)))


_METRICS: dict[str, Callable[[Sequence[Caption], References], Score | dict[str, Score]]] = {
    "bleu": bleu,
    "rouge_l": rouge_l,
    "cider": cider,
    "cider_d": cider_d,
    "cider_plain": cider_plain,
    "meteor": meteor,
    "spice": spice,
}


def score(
    candidates: Sequence[Caption], references: References, metrics: Iterable[str] = ("bleu", "rouge_l", "cider")
) -> dict[str, Score]:
    """Several metrics at once, by name, in the order asked for; `bleu` gives `bleu_1` to `bleu_4`.

    Known: bleu, rouge_l, cider, cider_d, cider_plain, and with Java meteor and spice.
    """
    candidate, reference = paired_tokens(candidates, references)
    result: dict[str, Score] = {}
    for name in metrics:
        if name not in _METRICS:
            known = ", ".join(_METRICS)
            raise FirstlightError(f"Expected a metric among {known}. Received {name!r}.{nearest(name, _METRICS)}")
        found = _METRICS[name](candidate, reference)
        result.update(found if isinstance(found, dict) else {name: found})
    return result


def _mean(name: str, each: Floats) -> Score:
    return Score(name, float(each.mean()), each)


def _cider(
    name: str,
    candidates: Sequence[Caption],
    references: References,
    idf_from: References | None = None,
    sigma: float = 6.0,
    clip: bool = True,
) -> Score:
    candidate, reference = paired_tokens(candidates, references)
    return _mean(name, CiderD(reference, idf_from=idf_from, sigma=sigma, clip=clip).score(candidate))


def _bleu_statistics(candidates: list[Tokens], references: list[list[Tokens]]) -> Floats:
    ngrams = ReferenceNgrams(references)
    statistics = np.zeros((len(candidates), 2 + 2 * ORDERS))
    statistics[:, 0] = [len(candidate) for candidate in candidates]
    statistics[:, 1] = [_closest_length(*pair) for pair in zip(candidates, references, strict=True)]
    for order, counts in enumerate(ngrams.table.count(candidates), 1):
        place, found = ngrams.find(order, counts.caption, counts.ngram)  # candidate i belongs to image i
        most = np.maximum.reduceat(ngrams.counts[order - 1], ngrams.starts[order - 1][:-1])[place[found]]
        matched = np.minimum(counts.count[found], most)
        statistics[:, 1 + order] = np.maximum(statistics[:, 0] - order + 1, 0)
        statistics[:, 1 + ORDERS + order] = np.bincount(counts.caption[found], matched, len(candidates))
    return statistics


def _closest_length(candidate: Tokens, references: list[Tokens]) -> int:
    """The reference length closest to the candidate's, the shorter of two equally close."""
    return min((abs(len(reference) - len(candidate)), len(reference)) for reference in references)[1]


def _bleu(statistics: Floats) -> Floats:
    """BLEU-1 to BLEU-4 (..., 4) from sums of statistics (..., 10)."""
    length, closest = statistics[..., 0], statistics[..., 1]
    possible, matched = statistics[..., 2 : 2 + ORDERS], statistics[..., 2 + ORDERS :]
    products = np.cumprod((matched + _TINY) / (possible + _SMALL), axis=-1)
    ratio = (length + _TINY) / (closest + _SMALL)
    brevity = np.exp(np.minimum(0, 1 - 1 / ratio))
    return np.asarray(products ** (1 / np.arange(1, ORDERS + 1)) * brevity[..., None])


def _rouge_l(candidate: Tokens, references: list[Tokens]) -> float:
    common = _longest_common(candidate, references)
    precision = max(common) / max(len(candidate), 1)
    recall = max(shared / max(len(reference), 1) for shared, reference in zip(common, references, strict=True))
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision) if precision and recall else 0.0


def _longest_common(candidate: Tokens, references: list[Tokens]) -> list[int]:
    """The length of the longest subsequence that the candidate shares with each reference.

    One row of the usual table is one integer, whose zero bits are the places where the length grows. Source: Hyyrö,
    "Bit-Parallel LCS-length Computation Revisited", AWOCA 2004, figure 2.
    """
    places: dict[object, int] = {}
    for place, token in enumerate(candidate):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(candidate)) - 1
    lengths = []
    for reference in references:
        row = full
        for token in reference:
            hits = row & places.get(token, 0)
            row = ((row + hits) | (row - hits)) & full
        lengths.append(len(candidate) - row.bit_count())
    return lengths


def _occurrences(images: npt.NDArray[Any], size: int) -> Floats:
    """How often each of `size` images is named in each row: images (..., n) gives counts (..., size)."""
    if images.size == 0 or images.min() < 0 or images.max() >= size:
        raise FirstlightError(f"Expected at least one image, between 0 and {size - 1}. Received {images!r}.")
    rows = images.reshape(-1, images.shape[-1]).astype(np.int64)
    flat = rows + np.arange(len(rows))[:, None] * size
    counts = np.bincount(flat.ravel(), minlength=len(rows) * size).astype(np.float64)
    return counts.reshape(*images.shape[:-1], size)

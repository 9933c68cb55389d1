"""CIDEr-D against references that are prepared once: fast enough to be the reward in training.

Any number of candidates an image are scored together, as sparse vectors over n-grams, in NumPy alone.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.inputs import Caption, Tokens, candidate_tokens, reference_tokens
from firstlight.metrics.ngrams import ORDERS, Counts, Integers, NgramTable, ReferenceNgrams

__all__ = ["CiderD"]

Floats = npt.NDArray[np.float64]

_TOGETHER = 10_000  # candidates scored at a time, which bounds the memory


class CiderD:
    """CIDEr-D of candidates against the references of numbered images, on the toolkit's scale of 0 to 10.

    references: a list of captions for each image. idf_from: references of other images to weigh the n-grams by, in
    place of these. sigma: width of the penalty on a difference in length, in tokens; infinite for none. clip: count an
    n-gram at most as often as the reference has it. Tokens are any hashables; to reward a well-placed end of sentence,
    append its token to the candidates and the references.

    Source: Vedantam, Zitnick, Parikh, "CIDEr: Consensus-based Image Description Evaluation", CVPR 2015, equations 1
    (weights), 2 and 3 (mean cosine), and for CIDEr-D section 5 (clipping, length penalty, factor 10), no stemming.
    """

    def __init__(
        self,
        references: Sequence[Sequence[Caption]],
        *,
        idf_from: Sequence[Sequence[Caption]] | None = None,
        sigma: float = 6.0,
        clip: bool = True,
    ) -> None:
        tokens = reference_tokens(references)
        if idf_from is None:
            self._references = corpus = ReferenceNgrams(tokens)
        else:
            others = reference_tokens(idf_from)
            table, _ = NgramTable.learn(list(chain.from_iterable([*tokens, *others])))
            self._references, corpus = ReferenceNgrams(tokens, table), ReferenceNgrams(others, table)
        self._idf = [_inverse_document_frequencies(corpus, order) for order in range(1, ORDERS + 1)]
        self._norms = [self._reference_norms(order) for order in range(1, ORDERS + 1)]
        self._sigma = sigma
        self._clip = clip

    def __len__(self) -> int:
        return len(self._references.references_each)

    def score(self, candidates: Sequence[Caption], images: Sequence[int] | Integers | None = None) -> Floats:
        """The score of each candidate (candidates,), `images` telling which image's references it is held against.

        Without `images` there is one candidate for each image, in order. An empty candidate scores 0.
        """
        tokens = candidate_tokens(candidates)
        rows = self._checked(tokens, np.arange(len(self)) if images is None else np.asarray(images))
        parts = [
            self._score(tokens[first : first + _TOGETHER], rows[first : first + _TOGETHER])
            for first in range(0, len(tokens), _TOGETHER)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _score(self, candidates: list[Tokens], images: Integers) -> Floats:
        lengths = np.array([len(caption) for caption in candidates])
        total = np.zeros(len(candidates))
        for order, counts in enumerate(self._references.table.count(candidates), 1):
            total += self._cosines(order, counts, images, lengths)
        scores: Floats = 10 / ORDERS * total / self._references.references_each[images]
        return scores

    def _cosines(self, order: int, counts: Counts, images: Integers, lengths: Integers) -> Floats:
        """For each candidate the cosines with its references, damped by the length penalty, summed (candidates,)."""
        references = self._references
        idf = self._idf[order - 1][np.minimum(counts.ngram, references.table.sizes[order - 1])]
        norms = _norms(counts.caption, counts.count * idf, len(lengths))

        # From here on one entry for each pair of a candidate's n-gram and a reference of its image that holds it.
        place, found = references.find(order, images[counts.caption], counts.ngram)
        entry, row = _ranges(references.starts[order - 1], place[found])
        candidate, idf, often = counts.caption[found][row], idf[found][row], counts.count[found][row]
        reference, reference_often = references.captions[order - 1][entry], references.counts[order - 1][entry]
        shared = np.minimum(often, reference_often) if self._clip else often
        products = shared * reference_often * idf**2 / self._norms[order - 1][reference]
        difference = (lengths[candidate] - references.lengths[reference]).astype(np.float64)
        products *= np.exp(-(difference**2) / (2 * self._sigma**2))
        return np.bincount(candidate, products, len(lengths)) / norms

    def _reference_norms(self, order: int) -> Floats:
        references = self._references
        weights = references.counts[order - 1] * self._idf[order - 1][references.ngrams(order)]
        return _norms(references.captions[order - 1], weights, len(references.lengths))

    def _checked(self, candidates: list[Tokens], images: npt.NDArray[np.generic]) -> Integers:
        if len(candidates) != len(images):
            raise FirstlightError(
                f"Expected the image of each candidate. Received {len(candidates)} candidates and {len(images)} "
                "images. Pass images=, one row number a candidate."
            )
        rows = images.astype(np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise FirstlightError(
                f"Expected images between 0 and {len(self) - 1}. Received {rows.min()} to {rows.max()}. "
                "Images are numbered as the references were given."
            )
        return rows


def _inverse_document_frequencies(corpus: ReferenceNgrams, order: int) -> Floats:
    """log(images / images with the n-gram), with one entry more for all n-grams that are not in the table."""
    images = np.append(corpus.images_with(order), 0)
    frequencies: Floats = np.log(len(corpus.references_each)) - np.log(np.maximum(1, images))
    return frequencies


def _norms(caption: npt.NDArray[np.integer], weights: Floats, captions: int) -> Floats:
    """The Euclidean norm of each caption's vector; 1 for a vector of zeros, whose products are all zero anyway."""
    norms = np.sqrt(np.bincount(caption, weights**2, captions))
    norms[norms == 0] = 1
    return norms


def _ranges(starts: Integers, places: Integers) -> tuple[Integers, Integers]:
    """Every number from starts[place] to starts[place + 1] for each place, and the row of the place it comes from."""
    first, lengths = starts[places], starts[places + 1] - starts[places]
    row = np.repeat(np.arange(len(places)), lengths)
    return np.arange(len(row)) + (first - np.cumsum(lengths) + lengths)[row], row

"""What a captioner must be held against: the one sentence that fits every image best, and how varied captions are.

A captioner that ignores its images scores no higher than the constant caption, and shows few distinct ones.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.metrics.consensus import CiderD, Floats
from firstlight.metrics.inputs import Caption, candidate_tokens
from firstlight.metrics.ngrams import Integers

__all__ = ["diversity", "most_typical"]

_GLANCE, _SHORTLIST = 20, 200  # images each caption is first held against, and captions that go on from there


def diversity(captions: Sequence[Caption]) -> dict[str, float]:
    """How varied captions are: share of `distinct` ones (0 to 1), `vocabulary` used and `mean_length` in tokens."""
    tokens = [tuple(caption) for caption in candidate_tokens(captions)]
    if not tokens:
        raise FirstlightError("Expected at least one caption. Received none. Give the captions of a set of images.")
    return {
        "distinct": len(set(tokens)) / len(tokens),
        "vocabulary": len(set(chain.from_iterable(tokens))),
        "mean_length": sum(map(len, tokens)) / len(tokens),
    }


def most_typical(
    captions: Sequence[str],
    references: Sequence[Sequence[Caption]],
    *,
    tried: int = 10_000,
    images: int = 300,
    seed: int = 0,
) -> str:
    """The caption that, said of every image, has the highest mean CIDEr-D: the baseline that any captioner must beat.

    captions: what to choose from, for example all training captions. At most `tried` distinct ones, drawn from the
    seed, are held against 20 images, the best 200 of them against `images` images, drawn too; idf of all references.
    """
    if not len(captions):
        raise FirstlightError(
            "Expected captions to choose from. Received none. Give the captions of the training split."
        )
    scorer = CiderD(references)
    random = np.random.default_rng(seed)
    distinct = list(dict.fromkeys(captions))
    choices: list[str] = [distinct[place] for place in random.permutation(len(distinct))[:tried]]
    glance = _mean_scores(scorer, choices, random.permutation(len(scorer))[:_GLANCE])
    choices = [choices[place] for place in np.argsort(-glance, kind="stable")[:_SHORTLIST]]
    means = _mean_scores(scorer, choices, random.permutation(len(scorer))[:images])
    return choices[int(means.argmax())]


def _mean_scores(scorer: CiderD, captions: list[str], images: Integers) -> Floats:
    """The mean over the images of each caption's score (captions,)."""
    tokens = candidate_tokens(captions)
    each = scorer.score([caption for caption in tokens for _ in images], np.tile(images, len(tokens)))
    means: Floats = each.reshape(len(tokens), len(images)).mean(axis=1)
    return means

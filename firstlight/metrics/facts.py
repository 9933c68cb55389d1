"""How much of what a caption says is true, and how much of what is true it says.

A fact is a tuple whose first item is its kind, for example `("color", "boat", "red")`; drawn scenes know all of theirs.
"""

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.captions import Score

__all__ = ["Fact", "FactScore", "FactScores", "ShareScore", "fact_precision", "fact_recall", "fact_scores"]

Fact = tuple[Hashable, ...]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShareScore(Score):
    """A share over all images together; `statistics` (images, 2) are how many facts count, and out of how many."""

    statistics: Floats

    def _combined(self, occurrences: Floats) -> Floats:
        return _share(occurrences @ self.statistics)


class FactScore(TypedDict):
    """Precision and recall (0 to 1) with the counts behind them."""

    precision: float
    recall: float
    claimed: int
    true: int
    correct: int


class FactScores(FactScore):
    """The score over all facts, and that of each kind of fact."""

    kinds: dict[str, FactScore]


def fact_scores(claimed: Sequence[AbstractSet[Fact]], true: Sequence[AbstractSet[Fact]]) -> FactScores:
    """Precision and recall of the facts claimed for each image, against the facts that are true of it.

    Precision is the share of the claimed facts that are true, recall the share of the true facts that are claimed, both
    over all images together (micro average), overall and under `kinds` by kind. A share of nothing is 0: look at the
    counts `claimed`, `true` and `correct`. Unequal lengths are an error.

    Source: van Rijsbergen, "Information Retrieval", 1979, chapter 7.
    """
    _require_pairs(claimed, true)
    claims = [fact for facts in claimed for fact in facts]
    truths = [fact for facts in true for fact in facts]
    correct = [fact for said, facts in zip(claimed, true, strict=True) for fact in said & facts]
    kinds = sorted({_kind(fact) for fact in [*claims, *truths]})
    return {
        **_shares(len(claims), len(truths), len(correct)),
        "kinds": {kind: _shares(*(_count(facts, kind) for facts in (claims, truths, correct))) for kind in kinds},
    }


def fact_precision(claimed: Sequence[AbstractSet[Fact]], true: Sequence[AbstractSet[Fact]]) -> ShareScore:
    """The precision of `fact_scores` as a `Score`, which `bootstrap` resamples exactly, by image."""
    return _share_score("fact_precision", claimed, true, out_of=claimed)


def fact_recall(claimed: Sequence[AbstractSet[Fact]], true: Sequence[AbstractSet[Fact]]) -> ShareScore:
    """The recall of `fact_scores` as a `Score`, which `bootstrap` resamples exactly, by image."""
    return _share_score("fact_recall", claimed, true, out_of=true)


def _share_score(
    name: str,
    claimed: Sequence[AbstractSet[Fact]],
    true: Sequence[AbstractSet[Fact]],
    out_of: Sequence[AbstractSet[Fact]],
) -> ShareScore:
    _require_pairs(claimed, true)
    counts = [(len(said & facts), len(all_)) for said, facts, all_ in zip(claimed, true, out_of, strict=True)]
    statistics = np.array(counts, np.float64).reshape(-1, 2)
    return ShareScore(name, float(_share(statistics.sum(axis=0))), _share(statistics), statistics)


def _share(counts: Floats) -> Floats:
    """The first of two counts (..., 2) as a share of the second; a share of nothing is 0."""
    return np.asarray(counts[..., 0] / np.maximum(counts[..., 1], 1))


def _require_pairs(claimed: Sequence[AbstractSet[Fact]], true: Sequence[AbstractSet[Fact]]) -> None:
    if len(claimed) != len(true):
        raise FirstlightError(
            f"Expected the claimed and the true facts of the same images. Received {len(claimed)} and {len(true)} "
            "sets. Give an empty set for an image without claims."
        )


def _shares(claimed: int, true: int, correct: int) -> FactScore:
    return {
        "precision": correct / claimed if claimed else 0.0,
        "recall": correct / true if true else 0.0,
        "claimed": claimed,
        "true": true,
        "correct": correct,
    }


def _count(facts: list[Fact], kind: str) -> int:
    return sum(_kind(fact) == kind for fact in facts)


def _kind(fact: Fact) -> str:
    if not isinstance(fact, tuple) or not fact:
        raise FirstlightError(
            f"Expected a fact as a tuple that starts with its kind, as ('color', 'boat', 'red'). Received {fact!r}."
        )
    return str(fact[0])

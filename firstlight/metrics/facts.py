"""How much of what a caption says is true, and how much of what is true it says.

A fact is a tuple whose first item is its kind, for example `("color", "boat", "red")`; drawn scenes know all of theirs.
"""

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import TypedDict

from firstlight.errors import FirstlightError

__all__ = ["Fact", "FactScore", "FactScores", "fact_scores"]

Fact = tuple[Hashable, ...]


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
    if len(claimed) != len(true):
        raise FirstlightError(
            f"Expected the claimed and the true facts of the same images. Received {len(claimed)} and {len(true)} "
            "sets. Give an empty set for an image without claims."
        )
    claims = [fact for facts in claimed for fact in facts]
    truths = [fact for facts in true for fact in facts]
    correct = [fact for said, facts in zip(claimed, true, strict=True) for fact in said & facts]
    kinds = sorted({_kind(fact) for fact in [*claims, *truths]})
    return {
        **_shares(len(claims), len(truths), len(correct)),
        "kinds": {kind: _shares(*(_count(facts, kind) for facts in (claims, truths, correct))) for kind in kinds},
    }


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

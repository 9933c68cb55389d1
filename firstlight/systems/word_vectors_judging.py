"""Word vectors judged by what people say: similarity of pairs, and analogies by section.

Questions with an unknown word are left out and counted; a vector made of subwords counts as known.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.word_tests import read_analogies, read_similarities
from firstlight.errors import FirstlightError
from firstlight.metrics.classification import proportion
from firstlight.metrics.word_similarity import solve_analogies, spearman

if TYPE_CHECKING:
    from firstlight.systems.word_vectors import WordVectors

__all__ = ["evaluate", "judge_analogies", "judge_similarity"]


def evaluate(system: "WordVectors", similarity: str | Path | None, analogies: str | Path | None) -> dict[str, Any]:
    """What `WordVectors.evaluate` returns."""
    if similarity is None and analogies is None:
        raise FirstlightError("Expected a file of similarities, of analogies, or both. Received none. Name one.")
    found: dict[str, Any] = {}
    if similarity is not None:
        found["similarity"] = judge_similarity(system, similarity)
    if analogies is not None:
        found["analogies"] = judge_analogies(system, analogies)
    return found


def judge_similarity(system: "WordVectors", path: str | Path) -> dict[str, Any]:
    """Spearman's correlation of cosines with what people said, over the pairs of known words."""
    pairs = read_similarities(path)
    known = [pair for pair in pairs if system.knows(pair.first) and system.knows(pair.second)]
    cosines = [system.similarity(pair.first, pair.second) for pair in known]
    found = spearman(cosines, [pair.similarity for pair in known])
    told = not math.isnan(found.value)
    return {
        "spearman": found.value if told else None,
        "interval": [found.low, found.high] if told else None,
        "pairs": len(pairs),
        "covered": len(known),
    }


def judge_analogies(system: "WordVectors", path: str | Path) -> dict[str, Any]:
    """The share of analogies that are solved (3CosAdd), in all and by section, among those of known words."""
    sections = {name: _judge_section(system, asked) for name, asked in read_analogies(path).items()}
    right, covered, asked = (sum(row[key] for row in sections.values()) for key in ("right", "covered", "questions"))
    return {**_share(right, covered, asked), "sections": sections}


def _judge_section(system: "WordVectors", asked: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    known = [words for words in asked if all(word in system for word in words)]
    places = np.array([[system.index(word) for word in words] for words in known], np.int64).reshape(-1, 4)
    right = int((solve_analogies(system.directions, places[:, :3]) == places[:, 3]).sum())
    return _share(right, len(known), len(asked))


def _share(right: int, covered: int, asked: int) -> dict[str, Any]:
    share = proportion(right, covered)
    return {
        "accuracy": share.value if covered else None,
        "interval": [share.low, share.high] if covered else None,
        "right": right,
        "covered": covered,
        "questions": asked,
    }

"""What guards word vectors against silent failure: are they apart, do they tell text from shuffled text?

The text is needed for the second check alone; where it has gone or changed, that check is left open.
"""

from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.corpus import load_corpus
from firstlight.errors import FirstlightError

if TYPE_CHECKING:
    from firstlight.systems.word_vectors import WordVectors

__all__ = ["self_checks"]

_LOOKED_AT = 2000  # words
_SENTENCES = 5000
_NEAR = 0.9  # a mean cosine above which all words are much the same
_ERRORS = 4  # standard errors by which words side by side must be nearer
_TINY = 1e-6  # of rounding


def self_checks(system: "WordVectors") -> list[dict[str, Any]]:
    """Each check with `name`, `passed` (None where it cannot be told) and `message`."""
    return [_apart(system), _beats_shuffled_text(system)]


def _apart(system: "WordVectors") -> dict[str, Any]:
    """The mean cosine of different words; where all point the same way, nothing was learned."""
    directions = system.directions[:_LOOKED_AT]
    count = len(directions)
    mean = float((np.square(directions.sum(axis=0)).sum() - count) / max(count * (count - 1), 1))
    return {
        "name": "words are apart",
        "passed": bool(mean < _NEAR),
        "message": f"mean cosine of the {count:,} most frequent words {mean:.2f}; expected below {_NEAR}",
    }


def _beats_shuffled_text(system: "WordVectors") -> dict[str, Any]:
    """Words that stand beside each other must be nearer than the same words in a shuffled order."""
    name = "neighbours in the text are near"
    places = _first_words(system)
    if places is None or len(places) < 100:
        return {"name": name, "passed": None, "message": "the text is not at hand, or too short to tell"}
    directions = system.directions
    beside = np.einsum("nd,nd->n", directions[places[:, 0]], directions[places[:, 1]])
    shuffled = np.random.default_rng(0).permutation(places[:, 1])
    chance = np.einsum("nd,nd->n", directions[places[:, 0]], directions[shuffled])
    error = float(np.std(beside - chance)) / np.sqrt(len(places))
    return {
        "name": name,
        "passed": bool(beside.mean() - chance.mean() > _ERRORS * error + _TINY),
        "message": (
            f"mean cosine {beside.mean():.3f} of words side by side, {chance.mean():.3f} of the same words shuffled "
            f"(standard error {error:.4f})"
        ),
    }


def _first_words(system: "WordVectors") -> np.ndarray | None:
    """Pairs (n, 2) of different known words that stand side by side at the begin of the text."""
    source = (system.description.get("data") or {}).get("source")
    if source is None:
        return None
    found = []
    try:
        corpus = load_corpus(source, lower_case=system.lower_case, encoding=system.encoding)
        for words in islice(corpus.sentences(), _SENTENCES):
            places = [system.index(word) for word in words if word in system]
            found += [pair for pair in pairwise(places) if pair[0] != pair[1]]
    except FirstlightError:
        return None
    return np.array(found, np.int64).reshape(-1, 2)

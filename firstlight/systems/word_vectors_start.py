"""Vectors of words as the start of another network's Embedding: a row for each word of its vocabulary."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.vocabulary import PAD, SPECIAL_WORDS, Vocabulary

if TYPE_CHECKING:
    from firstlight.systems.word_vectors import WordVectors

__all__ = ["EmbeddingStart", "begin_with", "embedding_start", "open_vectors"]


@dataclass(frozen=True)
class EmbeddingStart:
    """The weights of an Embedding, and how many words they know.

    Args:
        matrix: (rows, dimensions) float32, a row for each entry of the vocabulary.
        covered: words that have a vector.
        words: words of the vocabulary, without its special entries.
        share_of_text: how much of the text those that have one make up.
        missing: the words without, the most frequent first.
    """

    matrix: np.ndarray
    covered: int
    words: int
    share_of_text: float
    missing: list[str]

    def __str__(self) -> str:
        return (
            f"vectors for {self.covered:,} of {self.words:,} words, {self.share_of_text:.1%} of the text; the others "
            "begin by chance"
        )


def embedding_start(
    vectors: "WordVectors", vocabulary: Vocabulary, *, deviation: float | None = None, seed: int = 0
) -> EmbeddingStart:
    """The weights with which an Embedding of a vocabulary begins: `layer.set_weights([start.matrix])`.

    Unknown words and the special entries are drawn from a normal distribution as wide as the vectors, `<pad>` is 0.

    Args:
        vectors: what is known of words.
        vocabulary: what the Embedding knows.
        deviation: what the numbers are brought to by a common factor; by default they stay as they are.
        seed: of what is drawn.
    """
    random = np.random.default_rng(seed)
    width = vectors.vectors.shape[1]
    matrix = random.normal(0, float(vectors.vectors.std()), (len(vocabulary), width)).astype(np.float32)
    matrix[PAD] = 0
    counts = np.array(vocabulary.counts, np.float64)
    known, missing = [], []
    for row, word in enumerate(vocabulary.words[len(SPECIAL_WORDS) :], len(SPECIAL_WORDS)):
        (known if vectors.knows(word) else missing).append(row)
    if known:
        matrix[known] = vectors.transform(vocabulary.word(row) for row in known)
    if deviation is not None:
        matrix *= np.float32(deviation / max(float(vectors.vectors.std()), 1e-12))
    share = float(counts[known].sum() / max(counts.sum(), 1.0))
    words = len(known) + len(missing)
    return EmbeddingStart(matrix, len(known), words, share, [vocabulary.word(row) for row in missing])


def begin_with(layer: Any, place: str | Path, vocabulary: Vocabulary, seed: int) -> EmbeddingStart:
    """Let an Embedding that is built begin with word vectors, as small as its own weights were.

    Raises:
        FirstlightError: there are no vectors, or they are of another width.
    """
    (weights,) = layer.get_weights()
    vectors = open_vectors(place)
    vectors.require_width(weights.shape[1])
    start = embedding_start(vectors, vocabulary, deviation=float(weights.std()), seed=seed)
    layer.set_weights([start.matrix])
    return start


def open_vectors(place: str | Path) -> "WordVectors":
    """Word vectors from a run folder, or from a file that `WordVectors.read` knows.

    Raises:
        FirstlightError: it is neither.
    """
    from firstlight.systems.word_vectors import WordVectors

    path = Path(place)
    return WordVectors.load(path) if path.is_dir() else WordVectors.read(path, lower_case=True)

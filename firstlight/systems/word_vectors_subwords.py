"""Words made of their letters: the vector of a word is the mean of its own and those of its n-grams.

So words that share a stem share what is learned, and a word that was never seen has a vector, too.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from firstlight.errors import FirstlightError
from firstlight.systems.word_vectors_tables import AdagradTable, Distinct

__all__ = ["SubwordTable", "compose", "fnv_1a", "grams_of"]


def fnv_1a(text: str) -> int:
    """The 32-bit hash of a text in UTF-8, as fastText computes it.

    Source: Fowler, Noll and Vo, FNV-1a; like fastText's `Dictionary::hash`, which takes each byte as signed.
    """
    found = 2166136261
    for byte in text.encode("utf-8"):
        found ^= byte if byte < 128 else byte | 0xFFFFFF00
        found = found * 16777619 & 0xFFFFFFFF
    return found


def grams_of(word: str, shortest: int, longest: int) -> list[str]:
    """All n-grams of `<word>`, the marks of its begin and end included, but not the marks alone.

    Source: Bojanowski et al., "Enriching word vectors with subword information", 2017, section 3.2.
    """
    marked = f"<{word}>"
    return [
        marked[begin : begin + length]
        for begin in range(len(marked))
        for length in range(shortest, longest + 1)
        if begin + length <= len(marked) and marked[begin : begin + length] not in ("<", ">")
    ]


class SubwordTable:
    """The parts of every word, and the vectors of those parts: first one for each word, then one for each bucket.

    Args:
        words: the vocabulary.
        lengths: shortest and longest n-gram.
        buckets: rows that n-grams share by their hash.
        table: vectors (words + buckets, width).
    """

    def __init__(self, words: Sequence[str], lengths: tuple[int, int], buckets: int, table: AdagradTable):
        self.table = table
        parts = [
            [number, *(len(words) + fnv_1a(gram) % buckets for gram in grams_of(word, *lengths))]
            for number, word in enumerate(words)
        ]
        counts = np.array([len(some) for some in parts])
        self.begins = np.append(0, np.cumsum(counts))
        self.parts = np.fromiter((part for some in parts for part in some), np.int64, int(self.begins[-1]))

    def for_thread(self) -> "_ThreadView":
        """The same table with a scratch of its own, for one thread."""
        return _ThreadView(self)

    def all_vectors(self) -> np.ndarray:
        """The vector of every word, (words, width)."""
        shares = _means(np.diff(self.begins))
        mixing = csr_matrix((shares, self.parts, self.begins), shape=(len(self.begins) - 1, len(self.table.values)))
        return np.asarray(mixing @ self.table.values)


class _ThreadView:
    """What `AdagradTable` offers, for words made of parts: a word's gradient goes to each of its parts."""

    def __init__(self, subwords: SubwordTable):
        self.subwords = subwords
        self.distinct = Distinct(len(subwords.table.values))

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of different words (n,), each the mean of its parts; they are what `learn` expects next."""
        begins = self.subwords.begins[rows]
        counts = self.subwords.begins[rows + 1] - begins
        ends = np.append(0, np.cumsum(counts))
        taken = np.repeat(begins - ends[:-1], counts) + np.arange(ends[-1])
        self.found, places = self.distinct(self.subwords.parts[taken])
        self.mixing = csr_matrix((_means(counts), places, ends), shape=(len(rows), len(self.found)))
        return np.asarray(self.mixing @ self.subwords.table.vectors(self.found))

    def learn(self, rows: np.ndarray, gradients: np.ndarray, rate: float) -> None:
        """One step down the gradients of the words whose vectors were asked for last."""
        self.subwords.table.learn(self.found, np.asarray(self.mixing.T @ gradients), rate)


def compose(word: str, lengths: tuple[int, int], buckets: np.ndarray) -> np.ndarray:
    """The vector (width,) of one word from its n-grams alone.

    Raises:
        FirstlightError: the word has no letter.
    """
    grams = grams_of(word, *lengths)
    if not word or not grams:
        raise FirstlightError(f"Expected a word of one letter or more. Received {word!r}. Give another word.")
    return np.asarray(buckets[[fnv_1a(gram) % len(buckets) for gram in grams]].mean(axis=0), np.float32)


def _means(counts: np.ndarray) -> np.ndarray:
    """For each part of each word its share: one over the number of the word's parts."""
    return np.repeat(1 / counts, counts).astype(np.float32)

"""A corpus as numbers on disk, and the chunks of consecutive words that one step learns from.

Words are numbered once and written to a file that is mapped, not read, so that memory does not grow with the corpus.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firstlight.data.corpus import Corpus
from firstlight.errors import FirstlightError
from firstlight.systems.system import write_safely

__all__ = ["BLOCK", "PIECE", "Chunk", "Sampling", "Supply", "write_numbers"]

BLOCK = 32  # words whose windows are one matrix product
PIECE = 100_000  # numbers that are read at a time
_END = -1  # stands behind each sentence
_LINES = 5000  # sentences that are numbered at a time
_CHUNK = 1024
_LEAST_STEPS = 400  # in a pass: a small corpus is learned from in smaller chunks


@dataclass(frozen=True)
class Sampling:
    """How words, windows and negatives are drawn.

    Args:
        window: words on each side, at most.
        subsampling: share of the text above which a word is passed over now and then; 0 for never.
        shared: negatives that a chunk shares.
        exponent: of the counts, for negatives.
    """

    window: int
    subsampling: float
    shared: int
    exponent: float = 0.75


@dataclass(frozen=True)
class Chunk:
    """Consecutive words that are learned from in one step.

    Args:
        words: numbers (window + length + window,): words at both ends are only context.
        left: how many words before each of the `length` words in the middle belong to its window.
        right: how many after it.
        negatives: numbers (shared,) of words that are drawn by chance.
        read: words of the text that this chunk stands for, those passed over included.
    """

    words: np.ndarray
    left: np.ndarray
    right: np.ndarray
    negatives: np.ndarray
    read: int


def write_numbers(
    path: Path, corpus: Corpus, numbers: dict[str, int], progress: Callable[[int], None] | None = None
) -> None:
    """Write the corpus as int32: a number for each known word, -1 behind each sentence; others are left out."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            found: list[int] = []
            for line, words in enumerate(corpus.sentences(progress), 1):
                found.extend(numbers[word] for word in words if word in numbers)
                found.append(_END)
                if line % _LINES == 0 or len(found) > PIECE:
                    np.array(found, np.int32).tofile(file)
                    found.clear()
            np.array(found, np.int32).tofile(file)

    write_safely(path, write)


class Supply:
    """The chunks of a corpus, drawn anew in each epoch; what is drawn depends on seed, epoch and piece alone.

    Args:
        path: what `write_numbers` wrote.
        counts: how often each word occurs.
        sampling: how it is drawn.
        seed: of all that is drawn.
    """

    def __init__(self, path: Path, counts: Sequence[int], sampling: Sampling, seed: int):
        self.text = np.memmap(path, np.int32, "r")
        self.sampling, self.seed = sampling, seed
        occurring = np.asarray(counts, np.float64)
        self.words = int(occurring.sum())
        chances = _chances_of_staying(occurring / occurring.sum(), sampling.subsampling)
        self.staying = chances.astype(np.float32)
        weights = np.cumsum(occurring**sampling.exponent)
        self.negatives = weights / weights[-1]
        kept = float(chances @ occurring)
        self.length = int(np.clip(kept / _LEAST_STEPS, BLOCK, _CHUNK)) // BLOCK * BLOCK
        if kept < 2:
            raise FirstlightError(
                f"Expected a text of which two words or more are left. Received {self.words:,} words of "
                f"{len(occurring):,} kinds, too frequent to learn from. Give more text, or subsampling=0."
            )

    @property
    def pieces(self) -> int:
        """How many parts an epoch has that workers share out among themselves."""
        return -(-len(self.text) // PIECE)

    def chunks(self, epoch: int, piece: int) -> Iterator[Chunk]:
        """The chunks of one piece of the text."""
        random = np.random.default_rng([self.seed, epoch, piece])
        text = np.asarray(self.text[piece * PIECE : (piece + 1) * PIECE])
        known = np.flatnonzero(text != _END)
        kept = known[random.random(len(known), np.float32) < self.staying[text[known]]]
        left, right = self._reaches(np.cumsum(text == _END)[kept], random)
        window, length, count = self.sampling.window, self.length, len(kept)
        steps = -(-count // length)
        words = np.zeros(steps * length + 2 * window, np.int64)
        words[window : window + count] = text[kept]
        left, right = (np.pad(reach, (0, steps * length - count)) for reach in (left, right))
        negatives = np.searchsorted(self.negatives, random.random((steps, self.sampling.shared)))
        read = np.diff(np.linspace(0, len(known), steps + 1).astype(int))
        for step in range(steps):
            here = slice(step * length, (step + 1) * length)
            around = words[here.start : here.stop + 2 * window]
            yield Chunk(around, left[here], right[here], negatives[step], int(read[step]))

    def _reaches(self, sentence: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """How far each word sees to the left and to the right: 1 to `window` words, and not beyond its sentence.

        Source: Mikolov et al., "Efficient estimation of word representations in vector space", 2013, section 3.2.
        """
        count = len(sentence)
        begins = np.flatnonzero(np.diff(sentence, prepend=-1))
        lengths = np.diff(np.append(begins, count))
        before = np.arange(count) - np.repeat(begins, lengths)
        after = np.repeat(lengths, lengths) - 1 - before
        reach = random.integers(1, self.sampling.window + 1, count)
        return np.minimum(reach, before), np.minimum(reach, after)


def _chances_of_staying(shares: np.ndarray, subsampling: float) -> np.ndarray:
    """How likely each word is kept, by its share of the text.

    Source: word2vec.c, sqrt(t / f) + t / f; Mikolov et al., "Distributed representations of words and phrases and
    their compositionality", 2013, equation 5, has the first term alone.
    """
    if not subsampling:
        return np.ones(len(shares))
    return np.minimum(1.0, np.sqrt(subsampling / shares) + subsampling / shares)

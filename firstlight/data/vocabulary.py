"""The words a system knows, each with a number: learned from token lists, saved as a text file one can read.

Four entries always come first: `<pad>` fills up, `<unk>` is every unknown word, `<start>` and `<end>` frame a text.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from os import PathLike, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import FirstlightError

__all__ = ["END", "PAD", "SPECIAL_WORDS", "START", "UNKNOWN", "Vocabulary"]

SPECIAL_WORDS = ("<pad>", "<unk>", "<start>", "<end>")
PAD, UNKNOWN, START, END = range(4)

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNESCAPES = {escape: character for character, escape in _ESCAPES.items()}


class Vocabulary:
    """Words by number and numbers by word, in the manner of a scikit-learn transformer.

    `fit` keeps the words that occur at least `minimum_count` times, the most frequent first, ties in alphabetical
    order; `maximum_size` bounds `len(vocabulary)`, the four special entries included. A token of the text that is
    spelled like a special entry is an unknown word, never that entry.
    """

    def __init__(self, minimum_count: int = 1, maximum_size: int | None = None) -> None:
        self.minimum_count = minimum_count
        self.maximum_size = maximum_size
        self._words: list[str] = []
        self._counts: list[int] = []
        self._indices: dict[str, int] = {}

    def __repr__(self) -> str:
        size = f", {len(self._words)} words" if self._words else ""
        return f"Vocabulary(minimum_count={self.minimum_count}, maximum_size={self.maximum_size}{size})"

    def __len__(self) -> int:
        return len(self.words)

    @property
    def words(self) -> list[str]:
        """Every word, at the place of its number; the first four are `SPECIAL_WORDS`."""
        self._check_fitted()
        return self._words

    @property
    def counts(self) -> list[int]:
        """How often each word occurred in the texts of `fit`; for `<unk>`, how often the words left out did."""
        self._check_fitted()
        return self._counts

    def fit(self, texts: Iterable[Sequence[str]]) -> "Vocabulary":
        """Learn the words of some token lists; returns the vocabulary itself."""
        if self.minimum_count < 1:
            raise FirstlightError(f"Expected minimum_count of at least 1. Received {self.minimum_count}.")
        if self.maximum_size is not None and self.maximum_size <= len(SPECIAL_WORDS):
            raise FirstlightError(
                f"Expected maximum_size above {len(SPECIAL_WORDS)}, the special entries. Received {self.maximum_size}."
            )
        found = Counter(token for text in texts for token in _tokens(text))
        total = found.total()
        kept = [word for word, count in found.items() if count >= self.minimum_count and word not in SPECIAL_WORDS]
        kept.sort(key=lambda word: (-found[word], word))
        if self.maximum_size is not None:
            del kept[self.maximum_size - len(SPECIAL_WORDS) :]
        if not kept:
            raise FirstlightError(
                f"Expected words that occur at least {self.minimum_count} times. Received {total} tokens, "
                f"{len(found)} different ones. Give more text or a smaller minimum_count."
            )
        counts = [found[word] for word in kept]
        self._set([*SPECIAL_WORDS, *kept], [0, total - sum(counts), 0, 0, *counts])
        return self

    def transform(self, texts: Iterable[Sequence[str]]) -> list[NDArray[np.int32]]:
        """Token lists to arrays of word numbers, (time,) int32 each; unknown words become 1, no frame is added."""
        self._check_fitted()
        get = self._indices.get
        return [np.array([get(token, UNKNOWN) for token in _tokens(text)], np.int32) for text in texts]

    def inverse_transform(self, sequences: Iterable[Sequence[int] | NDArray[np.integer]]) -> list[list[str]]:
        """Word numbers back to token lists: up to the first `<end>`, without `<pad>` and `<start>`."""
        self._check_fitted()
        return [self._inverse(np.asarray(sequence).tolist()) for sequence in sequences]

    def word(self, index: int) -> str:
        """The word of a number."""
        words = self.words
        if not 0 <= index < len(words):
            raise FirstlightError(f"Expected a word number from 0 to {len(words) - 1}. Received {index}.")
        return words[index]

    def index(self, word: str) -> int:
        """The number of a word of the text, 1 (`<unk>`) where it is unknown."""
        self._check_fitted()
        return self._indices.get(word, UNKNOWN)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a text file: a word, a tab and its count on each line; a word's number is its line, from 0."""
        path = Path(path)
        lines = (f"{_escape(word)}\t{count}\n" for word, count in zip(self.words, self.counts, strict=True))
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
        replace(temporary, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Vocabulary":
        """Read a file that `save` wrote. The settings of `fit` are not in it; the words and counts are."""
        words: list[str] = []
        counts: list[int] = []
        for number, line in enumerate(_read_lines(Path(path)), start=1):
            word, tab, count = line.partition("\t")
            if not tab or not count.isdecimal():
                raise FirstlightError(f"{path}:{number}: expected a word, a tab and its count. Received {line!r}.")
            words.append(_unescape(word))
            counts.append(int(count))
        if tuple(words[:4]) != SPECIAL_WORDS or len(set(words)) < len(words):
            raise FirstlightError(
                f"{path}: expected a vocabulary of different words that begins with {', '.join(SPECIAL_WORDS)}. "
                f"Received {len(words)} lines, {len(set(words))} different, that begin with {', '.join(words[:4])}."
            )
        vocabulary = cls()
        vocabulary._set(words, counts)
        return vocabulary

    def _set(self, words: list[str], counts: list[int]) -> None:
        self._words, self._counts = words, counts
        self._indices = {word: index for index, word in enumerate(words) if index >= len(SPECIAL_WORDS)}

    def _check_fitted(self) -> None:
        if not self._words:
            raise FirstlightError("This Vocabulary knows no words yet. Call fit(token_lists) or Vocabulary.load(path).")

    def _inverse(self, sequence: list[int]) -> list[str]:
        if END in sequence:
            sequence = sequence[: sequence.index(END)]
        return [self.word(index) for index in sequence if index not in (PAD, START)]


def _tokens(text: Sequence[str]) -> Sequence[str]:
    if isinstance(text, str):
        raise FirstlightError(f"Expected lists of words. Received a text, {text[:40]!r}. Use firstlight.text.tokenize.")
    return text


def _read_lines(path: Path) -> list[str]:
    try:
        # split, not splitlines: a word may hold one of Unicode's rarer line separators.
        return path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FirstlightError(f"Expected a vocabulary file at {path}. Received: {error}.") from error


def _escape(word: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in word)


def _unescape(word: str) -> str:
    if "\\" not in word:
        return word
    parts = word.split("\\\\")
    for escape, character in _UNESCAPES.items():
        if escape != "\\\\":
            parts = [part.replace(escape, character) for part in parts]
    return "\\".join(parts)

"""What one asks of word vectors: neighbours, analogies, the word that does not belong, vectors of words.

All of it is cosines: products of vectors of length 1.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal, NamedTuple

import numpy as np

from firstlight.errors import FirstlightError

__all__ = ["Asking", "Neighbour"]

_TRIED = 50_000  # the most frequent words among which a spelling is looked for
_LONGEST = 1e-12  # below this length a vector has no direction
_EPSILON = 1e-3


class Neighbour(NamedTuple):
    """A word and how near it is: the cosine for `similar`, the score for `analogy`."""

    word: str
    similarity: float


class Asking:
    """Questions to a table of vectors; `WordVectors` is one."""

    words: list[str]
    vectors: np.ndarray
    lower_case: bool
    _places: dict[str, int] | None = None
    _directions: np.ndarray | None = None

    def transform(self, words: Iterable[str]) -> np.ndarray:
        """The vectors of some words, (words, dimensions) float32.

        Raises:
            FirstlightError: a word is not in the vocabulary, and there are no subwords to make its vector of.
        """
        if isinstance(words, str):
            raise FirstlightError(f"Expected a list of words. Received the text {words!r}. Wrap it in a list.")
        found = [self._vector(word) for word in words]
        return np.array(found, np.float32).reshape(len(found), self.vectors.shape[1])

    def similar(self, word: str | np.ndarray, count: int = 10) -> list[Neighbour]:
        """The words nearest to a word, or to a vector (dimensions,), by cosine, the nearest first; not the word itself.

        Raises:
            FirstlightError: the word is unknown.
        """
        given = [word] if isinstance(word, str) else []
        vector = self._vector(word) if isinstance(word, str) else np.asarray(word, np.float32)
        if vector.shape != self.vectors.shape[1:]:
            raise FirstlightError(
                f"Expected a word or a vector of {self.vectors.shape[1]} numbers. Received shape {vector.shape}."
            )
        return self._best(self.directions @ _direction(vector), given, count)

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two words, from -1 to 1."""
        one, other = self.transform([first, second])
        return float(_direction(one) @ _direction(other))

    def analogy(
        self, a: str, b: str, c: str, count: int = 1, *, method: Literal["add", "multiply"] = "add"
    ) -> list[Neighbour]:
        """What is to `c` as `b` is to `a`: (man, king, woman) may give queen. The three words are never the answer.

        Args:
            a: the first word of the known pair.
            b: its second word.
            c: the first word of the pair to complete.
            count: answers.
            method: "add" for the nearest to b - a + c (Mikolov, Yih and Zweig 2013, section 4), "multiply" for the
                largest product of cosines (Levy and Goldberg, "Linguistic regularities", 2014, equation 6).
        """
        if method not in ("add", "multiply"):
            raise FirstlightError(f"Expected method add or multiply. Received {method!r}.")
        one, two, three = (_direction(vector) for vector in self.transform([a, b, c]))
        if method == "add":
            scores = self.directions @ _direction(two - one + three)
        else:
            near = [(1 + self.directions @ vector) / 2 for vector in (one, two, three)]
            scores = near[1] * near[2] / (near[0] + _EPSILON)
        return self._best(scores, [a, b, c], count)

    def odd_one_out(self, words: Sequence[str]) -> str:
        """The word that is farthest from the mean of all, by cosine.

        Raises:
            FirstlightError: there are fewer than three words, or one is unknown.
        """
        if isinstance(words, str) or len(words) < 3:
            raise FirstlightError(f"Expected three words or more. Received {words!r}. Name more words.")
        directions = np.array([_direction(vector) for vector in self.transform(words)])
        return words[int(np.argmin(directions @ _direction(directions.mean(axis=0))))]

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._place(word) is not None

    @property
    def directions(self) -> np.ndarray:
        """The vectors divided by their lengths, (words, dimensions)."""
        if self._directions is None:
            lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
            self._directions = self.vectors / np.maximum(lengths, _LONGEST)
        return self._directions

    def index(self, word: str) -> int:
        """The row of a word in `vectors`; an unknown one is an error that names the nearest spellings."""
        place = self._place(word)
        if place is None:
            raise FirstlightError(
                f"Expected a word of the vocabulary of {len(self.words):,}. Received {word!r}, which is not in it."
                f"{self._nearest(word)}"
            )
        return place

    def _place(self, word: str) -> int | None:
        if self._places is None:
            self._places = {known: place for place, known in enumerate(self.words)}
        place = self._places.get(word)
        return self._places.get(word.lower()) if place is None and self.lower_case else place

    def _vector(self, word: str) -> np.ndarray:
        return np.asarray(self.vectors[self.index(word)])

    def _nearest(self, word: str) -> str:
        tried = self.words[:_TRIED]
        found = get_close_matches(word.lower() if self.lower_case else word, tried, n=3)
        return f" Did you mean {' or '.join(map(repr, found))}?" if found else " Choose another word."

    def _best(self, scores: np.ndarray, without: Sequence[str], count: int) -> list[Neighbour]:
        """The words of the highest scores, without those that were asked about."""
        if count < 1:
            raise FirstlightError(f"Expected a count of 1 or more. Received {count}.")
        scores = scores.copy()
        for word in without:
            if (place := self._place(word)) is not None:
                scores[place] = -np.inf
        count = min(count, int(np.isfinite(scores).sum()))
        best = np.argpartition(-scores, count - 1)[:count] if count < len(scores) else np.arange(len(scores))
        best = best[np.lexsort((best, -scores[best]))][:count]
        return [Neighbour(self.words[place], float(scores[place])) for place in best.tolist()]


def _direction(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), _LONGEST)

"""Finding images by words of their captions, ranked by BM25; it knows words, and nothing of their meaning.

A word counts the more, the fewer images have it in their captions. "dogs" is another word than "dog".
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from firstlight.errors import FirstlightError, nearest
from firstlight.text import tokenize

__all__ = ["WordIndex"]

_SATURATION, _LENGTH = 1.2, 0.75  # the usual k1 and b


class WordIndex:
    """The words of images' captions, each image's captions taken as one text.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, equation 3.15; the
    weight of a word is ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.
    """

    def __init__(self, captions: Iterable[tuple[str, Sequence[str]]]):
        self.names: list[str] = []
        self.lengths: list[int] = []
        self.occurrences: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for name, texts in captions:
            counts = Counter(word for text in texts for word in tokenize(text))
            if not counts:
                continue
            for word, count in counts.items():
                self.occurrences[word].append((len(self.names), count))
            self.names.append(name)
            self.lengths.append(counts.total())

    def search(self, words: str, count: int) -> list[tuple[str, float]]:
        """Names and distances of the images that have any of the words, the best first, ties by row.

        The distance is 1 less the share of the score that an endless repetition of all the words would reach.

        Raises:
            FirstlightError: no image has captions, there is no word, or no caption has any of them.
        """
        wanted = list(dict.fromkeys(tokenize(words)))
        if not self.names:
            raise FirstlightError(
                "Expected images with captions to search by words. Received an index without. Build it from a data set "
                "with captions, or let a captioner write them: `firstlight index caption RUN CAPTIONER`."
            )
        known = [word for word in wanted if word in self.occurrences]
        if not known:
            hint = nearest(wanted[0], self.occurrences) if wanted else ""
            raise FirstlightError(f"Expected words that a caption has. Received {words!r}.{hint}")
        mean = sum(self.lengths) / len(self.lengths)
        scores: dict[int, float] = defaultdict(float)
        for word in known:
            weight = self._weight(word)
            for place, times in self.occurrences[word]:
                slack = _SATURATION * (1 - _LENGTH + _LENGTH * self.lengths[place] / mean)
                scores[place] += weight * times / (times + slack)
        best = sum(map(self._weight, wanted))
        order = sorted(scores, key=lambda place: (-scores[place], place))[:count]
        return [(self.names[place], 1 - scores[place] / best) for place in order]

    def _weight(self, word: str) -> float:
        having = len(self.occurrences.get(word, ()))
        return math.log1p((len(self.names) - having + 0.5) / (having + 0.5))

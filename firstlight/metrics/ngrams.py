"""The n-grams of many captions, numbered exactly and counted in a few array operations.

An n-gram is the number of the (n-1)-gram that it starts with, and the number of its last token: two integers that fit
into one of 64 bits, so that sorting and searching arrays takes the place of dictionaries of tuples.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from firstlight.metrics.inputs import Tokens

__all__ = ["ORDERS", "Counts", "Integers", "NgramTable", "ReferenceNgrams", "find"]

Integers = npt.NDArray[np.int64]
ORDERS = 4  # BLEU and CIDEr both look at 1-grams to 4-grams


@dataclass(frozen=True)
class Counts:
    """How often each n-gram of one order stands in each caption: arrays (entries,), sorted by caption and n-gram."""

    caption: Integers
    ngram: Integers
    count: Integers


def find(keys: Integers, wanted: Integers) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Where each wanted number stands among sorted keys, and whether it is there at all; both (wanted,)."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted


class NgramTable:
    """The n-grams of some captions, numbered from 0 within each order; `sizes` holds how many there are of each."""

    def __init__(self, tokens: dict[Hashable, int], keys: list[Integers]) -> None:
        self._tokens = tokens
        self._keys = keys  # of orders 2 to 4, sorted: the number of an n-gram is its place here

    @classmethod
    def learn(cls, captions: Sequence[Tokens]) -> tuple["NgramTable", list[Counts]]:
        """A table of the n-grams of these captions, and how often each stands in each of them, order by order."""
        table = cls({token: number for number, token in enumerate(dict.fromkeys(chain.from_iterable(captions)))}, [])
        return table, table.count(captions)  # what the table does not know yet, counting puts in

    @property
    def sizes(self) -> list[int]:
        """How many different n-grams of each order the table has."""
        return [len(self._tokens), *map(len, self._keys)]

    def count(self, captions: Sequence[Tokens]) -> list[Counts]:
        """The counts of each order in any captions. Numbers from `sizes[order - 1]` on are n-grams not in the table."""
        return [_counted(caption, numbers) for caption, numbers in self._walk(captions)]

    def _walk(self, captions: Sequence[Tokens]) -> Iterator[tuple[Integers, Integers]]:
        """For each order the caption and the number of every n-gram, in reading order."""
        tokens = self._numbers(captions)
        lengths = np.fromiter(map(len, captions), np.int64, len(captions))
        caption = np.repeat(np.arange(len(captions)), lengths)
        start = np.arange(len(tokens))
        room = np.repeat(np.cumsum(lengths), lengths) - start  # tokens from here to the end of the caption
        numbers = tokens
        yield caption, numbers
        for order in range(2, ORDERS + 1):
            fits = room >= order
            caption, start, room = caption[fits], start[fits], room[fits]
            numbers = self._numbered(order, numbers[fits] << 32 | tokens[start + order - 1])
            yield caption, numbers

    def _numbered(self, order: int, keys: Integers) -> Integers:
        """The number of each n-gram; those that are not in the table get the numbers after it."""
        if len(self._keys) < order - 1:
            known, numbers = np.unique(keys, return_inverse=True)
            self._keys.append(known)
            return numbers
        known = self._keys[order - 2]
        numbers, found = find(known, keys)
        numbers[~found] = len(known) + np.unique(keys[~found], return_inverse=True)[1]
        return numbers

    def _numbers(self, captions: Sequence[Tokens]) -> Integers:
        known, fresh = self._tokens, dict[Hashable, int]()
        flat = [
            known[token] if token in known else fresh.setdefault(token, len(known) + len(fresh))
            for token in chain.from_iterable(captions)
        ]
        return np.array(flat, np.int64)


class ReferenceNgrams:
    """The references of many images, searchable by image and n-gram.

    For each order `keys` (sorted) names the pairs of image and n-gram that occur; the references of pair i that hold it
    are `captions[starts[i]:starts[i + 1]]`, `counts` times each. References are numbered through all images.
    """

    def __init__(self, references: Sequence[Sequence[Tokens]], table: NgramTable | None = None) -> None:
        flat = list(chain.from_iterable(references))
        self.references_each = np.array([len(captions) for captions in references])
        self.lengths = np.array([len(caption) for caption in flat])
        self.table, counted = (table, table.count(flat)) if table else NgramTable.learn(flat)
        self.keys: list[Integers] = []
        self.starts: list[Integers] = []
        self.captions: list[npt.NDArray[np.int32]] = []
        self.counts: list[npt.NDArray[np.int32]] = []
        image = np.repeat(np.arange(len(references)), self.references_each)
        for size, counts in zip(self.table.sizes, counted, strict=True):
            keys = image[counts.caption] * size + counts.ngram
            by_key = np.argsort(keys, kind="stable")
            unique, starts = np.unique(keys[by_key], return_index=True)
            self.keys.append(unique)
            self.starts.append(np.append(starts, len(keys)))
            self.captions.append(counts.caption[by_key].astype(np.int32))
            self.counts.append(counts.count[by_key].astype(np.int32))

    def images_with(self, order: int) -> Integers:
        """The number of images whose references hold each n-gram (n-grams of the table,)."""
        size = self.table.sizes[order - 1]
        return np.bincount(self.keys[order - 1] % max(size, 1), minlength=size)

    def ngrams(self, order: int) -> Integers:
        """The n-gram that stands beside each of `captions` and `counts` (entries,)."""
        ngram = self.keys[order - 1] % max(self.table.sizes[order - 1], 1)
        return np.repeat(ngram, np.diff(self.starts[order - 1]))

    def find(self, order: int, image: Integers, ngram: Integers) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """The place in `keys` of each pair of image and n-gram, and whether that image's references hold it at all."""
        size = self.table.sizes[order - 1]
        place, found = find(self.keys[order - 1], image * size + ngram)
        return place, found & (ngram < size)


def _counted(caption: Integers, numbers: Integers) -> Counts:
    width = int(numbers.max(initial=0)) + 1
    pairs, count = np.unique(caption * width + numbers, return_counts=True)
    return Counts(pairs // width, pairs % width, count)

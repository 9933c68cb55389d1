"""What every check of images has in common: each is opened and its bytes are hashed, broken and doubled ones come out.

Images are decoded by some threads, a few at a time, so memory stays small whatever their number.
"""

import hashlib
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from firstlight.data.archives import read_bytes
from firstlight.data.table import Dataset, Problem
from firstlight.errors import FirstlightError

__all__ = [
    "Duplicate",
    "Range",
    "by_kind",
    "duplicates",
    "examine",
    "place",
    "section",
    "span",
    "tell_duplicate",
    "tell_images",
    "tell_passed_over",
]

_WINDOW = 64  # images under way at once; more would only hold memory
_SHOWN = 5


class Range(NamedTuple):
    """The smallest, the middle and the largest of some numbers."""

    minimum: float
    median: float
    maximum: float

    def __str__(self) -> str:
        return f"{self.minimum:g} to {self.maximum:g}, median {self.median:g}"


@dataclass(frozen=True)
class Duplicate:
    """Images of the same bytes, each with its split and the file; `across` tells that the splits differ."""

    images: list[tuple[str, str]]
    across: bool


def span(numbers: Sequence[int]) -> Range:
    """The range of some numbers; all zero where there are none."""
    return Range(min(numbers), statistics.median(numbers), max(numbers)) if numbers else Range(0, 0, 0)


def examine(
    dataset: Dataset, progress: Callable[[int, int], None] | None, threads: int
) -> tuple[list[Problem], list[list[tuple[str, int]]]]:
    """The images that do not open, and groups of images with the same bytes, each as (split, row)."""
    images = [(name, row, image) for name, split in dataset.splits.items() for row, image in enumerate(split.images)]
    broken: list[Problem] = []
    alike: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    results = _in_order([image for _, _, image in images], threads)
    for done, ((split, row, _), (digest, reason)) in enumerate(zip(images, results, strict=True), 1):
        if reason is not None:
            broken.append(Problem("broken image", reason, place(dataset, split, row)))
        if digest is not None:
            alike[digest].append((split, row))
        if progress is not None:
            progress(done, len(images))
    return broken, [group for group in alike.values() if len(group) > 1]


def place(dataset: Dataset, split: str, row: int) -> str:
    """What to call an image in a report: its path, or its name where it is no file."""
    image = dataset.splits[split].images[row]
    return image if isinstance(image, str) else f"{dataset.splits[split].names[row]} (not a file)"


def duplicates(dataset: Dataset, groups: list[list[tuple[str, int]]]) -> list[Duplicate]:
    """The groups of `examine` with the places of their images."""
    return [
        Duplicate([(split, place(dataset, split, row)) for split, row in group], len({split for split, _ in group}) > 1)
        for group in groups
    ]


def _in_order(images: list[Any], threads: int) -> Iterator[tuple[bytes | None, str | None]]:
    """`_open` of each image by some threads, which run ahead of the reader by a window only."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting = iter(images)
        window = [pool.submit(_open, image) for image in islice(waiting, _WINDOW)]
        while window:
            yield window.pop(0).result()
            window.extend(pool.submit(_open, image) for image in islice(waiting, 1))


def _open(image: Any) -> tuple[bytes | None, str | None]:
    """The digest of an image's bytes, and the reason why it does not open: either may be None."""
    from firstlight.data.images import decode, read

    digest = None
    try:
        if isinstance(image, np.ndarray):
            digest = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()
            read(image)
        else:
            data = read_bytes(image)
            digest = hashlib.sha256(data).digest()
            decode(data, image)
    except FirstlightError as error:
        return digest, str(error)
    return digest, None


def tell_duplicate(duplicate: Duplicate) -> str:
    """The places of the same image."""
    return " = ".join(f"{file} ({split})" for split, file in duplicate.images)


def section(title: str, items: Iterable[object]) -> Iterator[str]:
    """A title with the number of items, the first few, and how many more there are."""
    lines = list(items)
    if lines:
        yield ""
        yield f"{title} ({len(lines):,})"
        yield from (f"  {line}" for line in lines[:_SHOWN])
        if len(lines) > _SHOWN:
            yield f"  ... and {len(lines) - _SHOWN:,} more"


def tell_images(missing: list[Problem], broken: list[Problem], found: list[Duplicate]) -> Iterator[str]:
    """The lines that count missing, broken and doubled images."""
    across = sum(duplicate.across for duplicate in found)
    yield f"missing images: {len(missing):,}; images that do not open: {len(broken):,}"
    yield f"images that occur more than once: {len(found):,}, of these in several splits: {across:,}"


def tell_passed_over(problems: list[Problem]) -> Iterator[str]:
    """A section for each kind of problem."""
    kinds: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    for kind, members in kinds.items():
        yield from section(f"Passed over: {kind}", members)


def by_kind(problems: list[Problem]) -> tuple[list[Problem], list[Problem], list[Problem]]:
    """Missing images, what else was passed over, and notes."""
    kinds: dict[str, list[Problem]] = {"missing image": [], "": [], "note": []}
    for problem in problems:
        kinds.get(problem.kind, kinds[""]).append(problem)
    return kinds["missing image"], kinds[""], kinds["note"]

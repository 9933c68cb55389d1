"""What a caption data set holds and what is wrong with it, before anybody trains on it for hours.

Every image is decoded and its bytes are hashed, so broken files and photographs that stand in two splits come to light.
"""

import hashlib
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from firstlight.data.archives import read_bytes
from firstlight.data.table import Dataset, Problem
from firstlight.errors import FirstlightError
from firstlight.text import tokenize

__all__ = ["Duplicate", "Range", "Report", "SharedCaption", "SplitReport", "check"]

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
class SplitReport:
    """One split in numbers: images, captions, captions an image, words a caption."""

    images: int
    captions: int
    captions_an_image: Range
    words_a_caption: Range


@dataclass(frozen=True)
class Duplicate:
    """Images of the same bytes, each with its split and the file; `across` tells that the splits differ."""

    images: list[tuple[str, str]]
    across: bool


@dataclass(frozen=True)
class SharedCaption:
    """A caption, as its words, that describes an image of train and an image of another split."""

    caption: str
    train: str
    split: str
    image: str


@dataclass(frozen=True)
class Report:
    """All that `check` found. `str(report)` is for reading, `report.to_dict()` for JSON.

    `vocabulary` counts the different words of `vocabulary_split`, `frequent_words` those that occur five times or
    more. `passed_over` is what loading left out, `broken` what would not open; `notes` are choices that were made.
    """

    name: str
    source: str
    layout: str
    splits: dict[str, SplitReport]
    vocabulary_split: str
    vocabulary: int
    frequent_words: int
    missing: list[Problem]
    broken: list[Problem]
    duplicates: list[Duplicate]
    shared_captions: list[SharedCaption]
    passed_over: list[Problem]
    notes: list[Problem]

    def to_dict(self) -> dict[str, Any]:
        """The report in plain lists, dicts, numbers and texts."""
        plain = asdict(self)
        for split in plain["splits"].values():
            for key in ("captions_an_image", "words_a_caption"):
                split[key] = dict(zip(Range._fields, split[key], strict=True))
        for duplicate in plain["duplicates"]:
            duplicate["images"] = [{"split": split, "file": file} for split, file in duplicate["images"]]
        return plain

    def __str__(self) -> str:
        return "\n".join(_describe(self))


def check(dataset: Dataset, progress: Callable[[int, int], None] | None = None, threads: int = 4) -> Report:
    """Count, decode and compare everything in a caption data set.

    `progress(done, total)` is called after each image. Memory holds a few images at a time, whatever their number.
    """
    images = [(name, image) for name, split in dataset.splits.items() for image in split.images]
    broken, duplicates = _examine(images, progress, threads)
    words = {
        name: [tokenize(text) for texts in split.captions for text in texts] for name, split in dataset.splits.items()
    }
    vocabulary_split = "train" if "train" in words else ", ".join(words)
    learned = words["train"] if "train" in words else [caption for captions in words.values() for caption in captions]
    counts = Counter(word for caption in learned for word in caption)
    kinds: dict[str, list[Problem]] = {"missing image": [], "note": [], "": []}
    for problem in dataset.problems:
        kinds.get(problem.kind, kinds[""]).append(problem)
    return Report(
        name=dataset.name,
        source=dataset.source,
        layout=dataset.layout,
        splits={name: _count(split.captions, words[name]) for name, split in dataset.splits.items()},
        vocabulary_split=vocabulary_split,
        vocabulary=len(counts),
        frequent_words=sum(count >= 5 for count in counts.values()),
        missing=kinds["missing image"],
        broken=broken,
        duplicates=duplicates,
        shared_captions=_shared_captions(dataset, words),
        passed_over=kinds[""],
        notes=kinds["note"],
    )


def _count(captions: list[list[str]], words: list[list[str]]) -> SplitReport:
    return SplitReport(
        len(captions),
        len(words),
        _range([len(texts) for texts in captions]),
        _range([len(caption) for caption in words]),
    )


def _range(numbers: list[int]) -> Range:
    return Range(min(numbers), statistics.median(numbers), max(numbers)) if numbers else Range(0, 0, 0)


def _examine(
    images: list[tuple[str, Any]], progress: Callable[[int, int], None] | None, threads: int
) -> tuple[list[Problem], list[Duplicate]]:
    """The images that do not open, and those with the same bytes as another."""
    broken: list[Problem] = []
    alike: dict[bytes, list[tuple[str, str]]] = defaultdict(list)
    results = _in_order(images, threads)
    for done, ((split, image), (digest, reason)) in enumerate(zip(images, results, strict=True), 1):
        file = image if isinstance(image, str) else f"image {done} (not a file)"
        if reason is not None:
            broken.append(Problem("broken image", reason, file))
        if digest is not None:
            alike[digest].append((split, file))
        if progress is not None:
            progress(done, len(images))
    groups = [group for group in alike.values() if len(group) > 1]
    return broken, [Duplicate(group, len({split for split, _ in group}) > 1) for group in groups]


def _in_order(images: list[tuple[str, Any]], threads: int) -> Iterator[tuple[bytes | None, str | None]]:
    """`_open` of each image by some threads, which run ahead of the reader by a window only."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting = iter([image for _, image in images])
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


def _shared_captions(dataset: Dataset, words: dict[str, list[list[str]]]) -> list[SharedCaption]:
    """The captions of the same words in train and in another split, each once, with the first images they describe."""
    first = {name: _first_image(dataset, name, words[name]) for name in words}
    train = first.pop("train", {})
    return [
        SharedCaption(caption, train[caption], split, image)
        for split, captions in first.items()
        for caption, image in captions.items()
        if caption in train
    ]


def _first_image(dataset: Dataset, name: str, words: list[list[str]]) -> dict[str, str]:
    split = dataset.splits[name]
    owners = [owner for owner, texts in zip(split.names, split.captions, strict=True) for _ in texts]
    first: dict[str, str] = {}
    for owner, caption in zip(owners, words, strict=True):
        if caption:
            first.setdefault(" ".join(caption), owner)
    return first


def _describe(report: Report) -> Iterator[str]:
    yield f"{report.name}: layout {report.layout or 'unknown'}, from {report.source or 'memory'}"
    yield ""
    yield f"{'split':<12}{'images':>9}{'captions':>10}  {'captions an image':<24}words a caption"
    for name, split in report.splits.items():
        an_image, words = str(split.captions_an_image), str(split.words_a_caption)
        yield f"{name:<12}{split.images:>9,}{split.captions:>10,}  {an_image:<24}{words}"
    yield ""
    yield (
        f"vocabulary of {report.vocabulary_split}: {report.vocabulary:,} words, "
        f"{report.frequent_words:,} of them at least 5 times"
    )
    across = sum(duplicate.across for duplicate in report.duplicates)
    yield f"missing images: {len(report.missing):,}; images that do not open: {len(report.broken):,}"
    yield f"images that occur more than once: {len(report.duplicates):,}, of these in several splits: {across:,}"
    for other in report.splits:
        if other != "train" and "train" in report.splits:
            shared = sum(item.split == other for item in report.shared_captions)
            yield f"captions that occur in train and in {other}: {shared:,}"
    yield from _section("Missing images", report.missing)
    yield from _section("Images that do not open", report.broken)
    yield from _section("The same image more than once", [_tell_duplicate(item) for item in report.duplicates])
    yield from _section(
        "The same caption in train and in another split",
        [f"{item.caption!r}: {item.train} and, in {item.split}, {item.image}" for item in report.shared_captions],
    )
    by_kind: dict[str, list[Problem]] = defaultdict(list)
    for problem in report.passed_over:
        by_kind[problem.kind].append(problem)
    for kind, problems in by_kind.items():
        yield from _section(f"Passed over: {kind}", problems)
    yield from _section("Notes", report.notes)


def _tell_duplicate(duplicate: Duplicate) -> str:
    return " = ".join(f"{file} ({split})" for split, file in duplicate.images)


def _section(title: str, items: Iterable[object]) -> Iterator[str]:
    """A title with the number of items, the first few, and how many more there are."""
    lines = list(items)
    if lines:
        yield ""
        yield f"{title} ({len(lines):,})"
        yield from (f"  {line}" for line in lines[:_SHOWN])
        if len(lines) > _SHOWN:
            yield f"  ... and {len(lines) - _SHOWN:,} more"

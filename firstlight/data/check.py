"""What a caption data set holds and what is wrong with it, before anybody trains on it for hours.

Every image is decoded and its bytes are hashed, so broken files and photographs that stand in two splits come to light.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from firstlight.data.check_images import (
    Duplicate,
    Range,
    by_kind,
    duplicates,
    examine,
    section,
    span,
    tell_duplicate,
    tell_images,
    tell_passed_over,
)
from firstlight.data.check_labels import LabelReport, check_labels
from firstlight.data.table import Dataset, Problem
from firstlight.text import tokenize

__all__ = ["Report", "SharedCaption", "SplitReport", "check"]


@dataclass(frozen=True)
class SplitReport:
    """One split in numbers: images, captions, captions an image, words a caption."""

    images: int
    captions: int
    captions_an_image: Range
    words_a_caption: Range


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


def check(
    dataset: Dataset, progress: Callable[[int, int], None] | None = None, threads: int = 4
) -> Report | LabelReport:
    """Count, decode and compare everything in a data set of images with captions, or with labels.

    `progress(done, total)` is called after each image. Memory holds a few images at a time, whatever their number.
    """
    if all("labels" in split.columns for split in dataset.splits.values()):
        return check_labels(dataset, progress, threads)
    broken, groups = examine(dataset, progress, threads)
    words = {
        name: [tokenize(text) for texts in split.captions for text in texts] for name, split in dataset.splits.items()
    }
    vocabulary_split = "train" if "train" in words else ", ".join(words)
    learned = words["train"] if "train" in words else [caption for captions in words.values() for caption in captions]
    counts = Counter(word for caption in learned for word in caption)
    missing, passed_over, notes = by_kind(dataset.problems)
    return Report(
        name=dataset.name,
        source=dataset.source,
        layout=dataset.layout,
        splits={name: _count(split.captions, words[name]) for name, split in dataset.splits.items()},
        vocabulary_split=vocabulary_split,
        vocabulary=len(counts),
        frequent_words=sum(count >= 5 for count in counts.values()),
        missing=missing,
        broken=broken,
        duplicates=duplicates(dataset, groups),
        shared_captions=_shared_captions(dataset, words),
        passed_over=passed_over,
        notes=notes,
    )


def _count(captions: list[list[str]], words: list[list[str]]) -> SplitReport:
    return SplitReport(
        len(captions),
        len(words),
        span([len(texts) for texts in captions]),
        span([len(caption) for caption in words]),
    )


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
    yield from tell_images(report.missing, report.broken, report.duplicates)
    for other in report.splits:
        if other != "train" and "train" in report.splits:
            shared = sum(item.split == other for item in report.shared_captions)
            yield f"captions that occur in train and in {other}: {shared:,}"
    yield from section("Missing images", report.missing)
    yield from section("Images that do not open", report.broken)
    yield from section("The same image more than once", [tell_duplicate(item) for item in report.duplicates])
    yield from section(
        "The same caption in train and in another split",
        [f"{item.caption!r}: {item.train} and, in {item.split}, {item.image}" for item in report.shared_captions],
    )
    yield from tell_passed_over(report.passed_over)
    yield from section("Notes", report.notes)

"""What a data set of labelled images holds and what is wrong with it: classes, images a class, the same image twice.

Images of the same bytes under two labels come to light, and so do those in two splits.
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
    place,
    section,
    span,
    tell_duplicate,
    tell_images,
    tell_passed_over,
)
from firstlight.data.table import Dataset, Problem

__all__ = ["LabelReport", "LabelSplitReport", "TwoLabels", "check_labels"]

_LISTED = 40  # classes; of more, the smallest and the largest are told
_ENDS = 8


@dataclass(frozen=True)
class LabelSplitReport:
    """One split in numbers: images, classes, and how many images each class has."""

    images: int
    classes: int
    images_a_class: Range


@dataclass(frozen=True)
class TwoLabels:
    """Images of the same bytes that are called different things, each with its label, its split and the file."""

    images: list[tuple[str, str, str]]


@dataclass(frozen=True)
class LabelReport:
    """All that `check_labels` found. `str(report)` is for reading, `report.to_dict()` for JSON.

    `classes` are the images of each class by split. `passed_over` is what loading left out, `broken` what would not
    open; `notes` are choices that were made.
    """

    name: str
    source: str
    layout: str
    splits: dict[str, LabelSplitReport]
    classes: dict[str, dict[str, int]]
    missing: list[Problem]
    broken: list[Problem]
    duplicates: list[Duplicate]
    two_labels: list[TwoLabels]
    passed_over: list[Problem]
    notes: list[Problem]

    def to_dict(self) -> dict[str, Any]:
        """The report in plain lists, dicts, numbers and texts."""
        plain = asdict(self)
        for split in plain["splits"].values():
            split["images_a_class"] = dict(zip(Range._fields, split["images_a_class"], strict=True))
        for duplicate in plain["duplicates"]:
            duplicate["images"] = [{"split": split, "file": file} for split, file in duplicate["images"]]
        for called in plain["two_labels"]:
            called["images"] = [
                {"label": label, "split": split, "file": file} for label, split, file in called["images"]
            ]
        return plain

    def __str__(self) -> str:
        return "\n".join(_describe(self))


def check_labels(dataset: Dataset, progress: Callable[[int, int], None] | None = None, threads: int = 4) -> LabelReport:
    """Count, decode and compare everything in a data set of labelled images; `progress` as in `check`."""
    broken, groups = examine(dataset, progress, threads)
    counts = {name: Counter(split.labels) for name, split in dataset.splits.items()}
    missing, passed_over, notes = by_kind(dataset.problems)
    return LabelReport(
        name=dataset.name,
        source=dataset.source,
        layout=dataset.layout,
        splits={
            name: LabelSplitReport(count.total(), len(count), span(list(count.values())))
            for name, count in counts.items()
        },
        classes={label: {name: count[label] for name, count in counts.items()} for label in dataset.classes},
        missing=missing,
        broken=broken,
        duplicates=duplicates(dataset, groups),
        two_labels=list(_two_labels(dataset, groups)),
        passed_over=passed_over,
        notes=notes,
    )


def _two_labels(dataset: Dataset, groups: list[list[tuple[str, int]]]) -> Iterator[TwoLabels]:
    for group in groups:
        called = [(dataset.splits[split].labels[row], split, place(dataset, split, row)) for split, row in group]
        if len({label for label, _, _ in called}) > 1:
            yield TwoLabels(called)


def _describe(report: LabelReport) -> Iterator[str]:
    yield f"{report.name}: layout {report.layout or 'none'}, from {report.source or 'memory'}"
    yield ""
    yield f"{'split':<12}{'images':>9}{'classes':>9}  images a class"
    for name, split in report.splits.items():
        yield f"{name:<12}{split.images:>9,}{split.classes:>9,}  {split.images_a_class}"
    yield ""
    yield from _tell_classes(report)
    yield from tell_images(report.missing, report.broken, report.duplicates)
    yield f"images that occur under several labels: {len(report.two_labels):,}"
    yield from section("Missing images", report.missing)
    yield from section("Images that do not open", report.broken)
    yield from section("The same image more than once", [tell_duplicate(item) for item in report.duplicates])
    yield from section(
        "The same image under several labels",
        [" = ".join(f"{file} ({label})" for label, _, file in item.images) for item in report.two_labels],
    )
    yield from tell_passed_over(report.passed_over)
    yield from section("Notes", report.notes)


def _tell_classes(report: LabelReport) -> Iterator[str]:
    """The images of each class in each split; of very many classes those at both ends."""
    rows = list(report.classes.items())
    if len(rows) > _LISTED:
        rows.sort(key=lambda row: -sum(row[1].values()))
        left_out = f"... {len(rows) - 2 * _ENDS:,} classes between"
        rows = [*rows[:_ENDS], (left_out, {}), *rows[-_ENDS:]]
    width = max(12, *(len(label) + 2 for label, _ in rows))
    yield f"{'class':<{width}}" + "".join(f"{name:>{max(9, len(name) + 2)}}" for name in report.splits)
    for label, counts in rows:
        cells = "".join(f"{counts[name]:>{max(9, len(name) + 2)},}" for name in report.splits) if counts else ""
        yield f"{label:<{width}}{cells}".rstrip()
    yield ""

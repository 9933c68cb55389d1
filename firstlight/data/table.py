"""A data set as its users think of it: named splits, each a table of columns of equal length.

Nothing is loaded here: an image is a path (also one that leads through a zip or tar file) until somebody reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from firstlight.errors import FirstlightError, nearest

__all__ = ["Dataset", "Problem", "Split"]


@dataclass(frozen=True)
class Problem:
    """Something in the data that was passed over: what it is, and the file and line where it stands."""

    kind: str
    message: str
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}" if place else self.message


@dataclass(frozen=True)
class Split:
    """One part of a data set: columns by name, all of one length.

    Every split has `names` (one an image, unique) and `images` (paths, or uint8 arrays of (height, width, 3) or
    (height, width)). A caption split has `captions` beside them, a list of texts for each image; a labelled one has
    `labels`, the class of each image as text.
    """

    name: str
    columns: dict[str, list[Any]]

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise FirstlightError(f"Expected columns of one length in split {self.name!r}. Received {lengths}.")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {name: values[row] for name, values in self.columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[row] for row in range(len(self)))

    def column(self, name: str) -> list[Any]:
        """The values of one column; an unknown name is an error that lists the known ones."""
        if name not in self.columns:
            known = ", ".join(self.columns)
            raise FirstlightError(
                f"Split {self.name!r} has no column {name!r}. It has: {known}.{nearest(name, self.columns)}"
            )
        return self.columns[name]

    @property
    def names(self) -> list[str]:
        """The name of each image, unique within the split."""
        return self.column("names")

    @property
    def images(self) -> list[Any]:
        """Each image, as a path or as a (height, width, 3) or (height, width) array of uint8."""
        return self.column("images")

    @property
    def captions(self) -> list[list[str]]:
        """The captions of each image, as they were written."""
        return self.column("captions")

    @property
    def labels(self) -> list[str]:
        """The class of each image, as text."""
        return self.column("labels")

    @property
    def classes(self) -> list[str]:
        """Every label there is: numbers by their value, then names by the alphabet."""
        return _in_order(set(self.labels))

    def take(self, rows: list[int] | range) -> "Split":
        """The split with these rows only, in this order."""
        return Split(self.name, {name: [values[row] for row in rows] for name, values in self.columns.items()})


@dataclass(frozen=True)
class Dataset:
    """Splits by name, where they came from, and what was passed over on the way."""

    name: str
    splits: dict[str, Split]
    layout: str = ""
    source: str = ""
    problems: list[Problem] = field(default_factory=list)

    def __getitem__(self, split: str) -> Split:
        if split not in self.splits:
            known = ", ".join(f"{name} ({len(part)})" for name, part in self.splits.items())
            raise FirstlightError(
                f"Data set {self.name!r} has no split {split!r}. It has: {known}.{nearest(split, self.splits)}"
            )
        return self.splits[split]

    @property
    def train(self) -> Split:
        """The part to learn from."""
        return self["train"]

    @property
    def validation(self) -> Split:
        """The part that decides when to stop and which settings are best."""
        return self["validation"]

    @property
    def test(self) -> Split:
        """The part that is looked at once, at the end."""
        return self["test"]

    @property
    def classes(self) -> list[str]:
        """Every label of every split: numbers by their value, then names by the alphabet."""
        return _in_order({label for split in self.splits.values() for label in split.labels})


def _in_order(labels: set[str]) -> list[str]:
    return sorted(labels, key=lambda label: (not label.isdecimal(), int(label) if label.isdecimal() else 0, label))

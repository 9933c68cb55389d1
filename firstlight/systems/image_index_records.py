"""What an image index knows of each image, what a search gives back, and what every store of vectors can do.

Two stores exist: a folder with files that are mapped into memory, and a table of a PostgreSQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from firstlight.data.table import Problem

__all__ = ["ARRAY", "Entry", "Found", "Match", "Store", "Update"]

ARRAY = -1
"""The `size` of an image that is an array and no file."""


@dataclass(frozen=True)
class Entry:
    """One image of an index.

    `size` (bytes) and `changed` (nanoseconds) tell at a glance whether its file is the same, `checksum` (sha256) for
    sure. `label` and `captions` are there where the data had them.
    """

    name: str
    size: int = ARRAY
    changed: int = 0
    checksum: str = ""
    label: str | None = None
    captions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The entry without what is not known, as plain values."""
        values = {"name": self.name, "size": self.size, "changed": self.changed, "checksum": self.checksum}
        if self.label is not None:
            values["label"] = self.label
        return {**values, "captions": list(self.captions)} if self.captions else values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Entry":
        """The entry that `to_json` wrote."""
        return cls(**{**values, "captions": tuple(values.get("captions", ()))})


class Found(NamedTuple):
    """A row of a store, the entry of its image, and its distance to what was asked for."""

    row: int
    entry: Entry
    distance: float


@dataclass(frozen=True)
class Match:
    """An image that was found: its name (the path, where it is a file), its distance, and its rank from 1."""

    name: str
    distance: float
    rank: int


@dataclass
class Update:
    """What `fit`, `add` and `update` did, in numbers of images; `problems` tell of those that were passed over."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        numbers = [(name, getattr(self, name)) for name in ("added", "changed", "moved", "removed", "unchanged")]
        told = ", ".join(f"{number:,} {name}" for name, number in numbers if number) or "nothing there"
        return told + (f", {len(self.problems):,} passed over" if self.problems else "")


class Store(Protocol):
    """Vectors (rows, columns) float32 and the entry of each; a row keeps its number until `compact`."""

    @property
    def columns(self) -> int | None:
        """The length of a vector; None while there is none."""

    def __len__(self) -> int:
        """How many images there are."""

    def known(self) -> dict[str, Entry]:
        """Every entry by its name, in the order of the rows."""

    def find(self, name: str) -> Entry | None:
        """The entry of this name; None where there is none."""

    def append(self, entries: Sequence[Entry], vectors: np.ndarray) -> None:
        """Add images; one of the same name is replaced. All of them are kept, or none."""

    def annotate(self, entries: Sequence[Entry]) -> None:
        """Replace the entries of these names; their vectors stay."""

    def remove(self, names: Sequence[str]) -> int:
        """Take images out by their names; how many there were."""

    def compact(self) -> None:
        """Give back the space of what was removed."""

    def vectors_of(self, names: Sequence[str]) -> np.ndarray:
        """The vectors of images that are there, (names, columns)."""

    def blocks(self, size: int = 4096) -> Iterator[tuple[list[Entry], np.ndarray]]:
        """All images in the order of their rows, some at a time."""

    def search(self, queries: np.ndarray, count: int) -> list[list[Found]]:
        """The nearest images of each query (queries, columns), ties by row."""

    def close(self) -> None:
        """Let go of files and connections."""

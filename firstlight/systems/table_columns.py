"""Columns of a table as a linear model takes them: numbers as they are, texts as a column of 0 and 1 for each level.

What was learned of the columns, levels and fillings, is applied to every later table; rows that hold something else
are told and passed over.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from firstlight.data.frame_columns import Categories, Column, describe, number_in
from firstlight.data.frames import Frame
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.linear_inputs import listed

__all__ = ["Columns", "Encoded", "TableColumn", "Term", "as_texts", "chosen_names", "line_of", "missing_in"]

_MOST_LEVELS = 1000
_FEW = 20  # different texts that are levels however few rows there are


@dataclass(frozen=True)
class Term:
    """A column of numbers that the model sees: a column of the table, or one level of it."""

    name: str
    column: str
    level: str | None = None


@dataclass(frozen=True)
class TableColumn:
    """A column of the table: its name, its kind ("number" or "category"), its levels, and what stands for no value."""

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    fill: float | str | None = None


@dataclass(frozen=True, eq=False)
class Encoded:
    """The rows of a table that can be used: their numbers `x` (rows, terms), which they are, and why others are not."""

    x: np.ndarray
    rows: np.ndarray
    problems: list[Problem]
    filled: int = 0


@dataclass(frozen=True)
class Columns:
    """The columns that a model learned from; with `baseline`, the first level of each text column has no term."""

    columns: tuple[TableColumn, ...]
    baseline: bool

    @classmethod
    def learned(cls, frame: Frame, names: Sequence[str], baseline: bool, fill: bool) -> tuple[Self, dict[str, str]]:
        """The columns of these names as they are in a table, and why some of them are left out, by name.

        Raises:
            FirstlightError: a column of texts has too many levels to learn from, or no column is left.
        """
        found, left_out = [], {}
        for name in names:
            column = frame[name]
            told = describe(name, column)
            if told.distinct < 2:
                left_out[name] = "one value in all rows" if told.distinct else "no value in any row"
                continue
            if isinstance(column, Categories):
                _check_levels(name, told.distinct, len(column))
            found.append(_learned(name, column, fill))
        if not found:
            reasons = ", ".join(f"{name} ({reason})" for name, reason in left_out.items()) or "no other column"
            raise FirstlightError(
                f"Expected a column to learn from beside the target {frame.target!r}. Received {reasons}. "
                "Name other columns, or take more rows."
            )
        return cls(tuple(found), baseline), left_out

    @property
    def terms(self) -> list[Term]:
        """What the model sees, in order."""
        return [term for column in self.columns for term in self._terms(column)]

    def encode(self, frame: Frame) -> Encoded:
        """The numbers of a table, whose columns may stand in any order among others.

        Raises:
            FirstlightError: the table has not all of the columns.
        """
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            hints = "".join(nearest(name, frame.columns) for name in absent[:1])
            raise FirstlightError(
                f"Expected the columns that the model learned from. Received {frame.name!r} without "
                f"{listed(map(repr, absent))}; it has {listed(map(repr, frame.columns))}.{hints}"
            )
        reasons: dict[int, list[str]] = {}
        filled = np.zeros(len(frame), np.int64)
        blocks = []
        for column in self.columns:
            read = _read(column, frame[column.name])
            for row in np.flatnonzero(read.strange).tolist():
                reasons.setdefault(row, []).append(_strange(column, frame[column.name], row))
            values = read.values
            if column.fill is not None:
                filled += read.empty
                values = np.where(read.empty, self._filling(column), values)
            else:
                for row in np.flatnonzero(read.empty).tolist():
                    reasons.setdefault(row, []).append(f"{column.name} has no value")
            blocks.append(self._block(column, values))
        x = np.hstack(blocks)
        rows = np.setdiff1d(np.arange(len(frame)), list(reasons))
        problems = [
            Problem("row passed over", "; ".join(reasons[row]), frame.source, line_of(frame, row))
            for row in sorted(reasons)
        ]
        return Encoded(x[rows] if reasons else x, rows, problems, int(filled[rows].sum()))

    def to_record(self) -> dict[str, Any]:
        """The columns with kinds and levels, ready for JSON."""
        return {
            "baseline": self.baseline,
            "columns": [
                {**asdict(column), "levels": list(column.levels), "baseline": self._left_level(column)}
                for column in self.columns
            ],
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The columns of a record that `to_record` made."""
        columns = [
            TableColumn(each["name"], each["kind"], tuple(each["levels"]), each["fill"]) for each in record["columns"]
        ]
        return cls(tuple(columns), record["baseline"])

    def _left_level(self, column: TableColumn) -> str | None:
        return column.levels[0] if self.baseline and column.levels else None

    def _terms(self, column: TableColumn) -> Iterator[Term]:
        if column.kind == "number":
            yield Term(column.name, column.name)
            return
        for level in column.levels[1 if self.baseline else 0 :]:
            yield Term(f"{column.name}={level}", column.name, level)

    def _filling(self, column: TableColumn) -> float:
        if isinstance(column.fill, str):
            return float(column.levels.index(column.fill))
        return float(column.fill or 0.0)

    def _block(self, column: TableColumn, values: np.ndarray) -> np.ndarray:
        if column.kind == "number":
            return values[:, None]
        levels = np.arange(1 if self.baseline else 0, len(column.levels))
        return np.asarray(values[:, None] == levels, np.float64)


def chosen_names(frame: Frame, features: Sequence[str] | None, left: Sequence[str]) -> list[str]:
    """The columns to learn from: those asked for, else all but the target and those that are to be left.

    Raises:
        FirstlightError: a name is not among the columns, or the target is asked for.
    """
    for name in [*(features or []), *left]:
        frame[name]
    if frame.target in (features or []):
        raise FirstlightError(
            f"Expected columns to learn from beside the target. Received the target {frame.target!r} among the "
            "features. Leave it out."
        )
    names = frame.features if features is None else features
    return [name for name in names if name not in left and name != frame.target]


def missing_in(frame: Frame, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows without a value, by column; columns without any value at all are not meant."""
    found = {}
    for name in names:
        column = frame[name]
        rows = np.flatnonzero(column.codes < 0 if isinstance(column, Categories) else np.isnan(column))
        if 0 < len(rows) < len(frame):
            found[name] = rows
    return found


def as_texts(column: Column, known: Iterable[str] = ()) -> list[str | None]:
    """Each cell as text, None where it is missing; whole numbers have no point.

    A number does not tell how it was written. It is taken for the one of the `known` texts that means it, such as 007,
    unless it is among them itself, or several mean it.
    """
    if isinstance(column, Categories):
        return column.texts
    own = [None if cell != cell else f"{cell:.0f}" if cell.is_integer() else repr(cell) for cell in column.tolist()]
    texts = set(known)
    meant: dict[float, list[str]] = {}
    for text in texts:
        if (number := number_in(text)) is not None:
            meant.setdefault(number, []).append(text)
    told = {number: written[0] for number, written in meant.items() if len(written) == 1}
    return [text if text in texts else told.get(cell, text) for text, cell in zip(own, column.tolist(), strict=True)]


def line_of(frame: Frame, row: int) -> int:
    """The line of the file on which a row stands, else its number from 1."""
    return frame.lines[row] if frame.lines else row + 1


def _learned(name: str, column: Column, fill: bool) -> TableColumn:
    if isinstance(column, Categories):
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
        levels = tuple(value for value, count in zip(column.values, counts, strict=True) if count)
        return TableColumn(name, "category", levels, column.values[int(counts.argmax())] if fill else None)
    return TableColumn(name, "number", (), float(np.nanmean(column)) if fill else None)


def _check_levels(name: str, levels: int, rows: int) -> None:
    if levels > _MOST_LEVELS or (levels > _FEW and levels > rows / 2):
        raise FirstlightError(
            f"Expected text columns with levels that come again. Received {name!r} with {levels:,} different texts in "
            f"{rows:,} rows: perhaps a name, not a property. Leave it out: --ignore {name!r}, in Python "
            f"ignore=[{name!r}]."
        )


@dataclass(frozen=True, eq=False)
class _Read:
    """The cells of a column: numbers or places of levels, where there is none, and where something unknown stands."""

    values: np.ndarray
    empty: np.ndarray
    strange: np.ndarray


def _read(column: TableColumn, cells: Column) -> _Read:
    if column.kind == "number":
        if not isinstance(cells, Categories):
            return _Read(cells, np.isnan(cells), np.zeros(len(cells), bool))
        known = [number_in(value) for value in cells.values]  # most are texts here, but the model knows numbers
        found = np.array([*(np.nan if number is None else number for number in known), np.nan])[cells.codes]
        empty = cells.codes < 0
        return _Read(found, empty, np.isnan(found) & ~empty)
    if not isinstance(cells, Categories):  # the levels here look like numbers
        different, codes = np.unique(cells, return_inverse=True)
        texts = as_texts(different, column.levels)
        cells = Categories([text or "" for text in texts], np.where(np.isnan(cells), -1, codes))
    places = {level: place for place, level in enumerate(column.levels)}
    found = np.array([*(places.get(value, -1) for value in cells.values), -1], np.float64)[cells.codes]
    empty = cells.codes < 0
    return _Read(found, empty, (found < 0) & ~empty)


def _strange(column: TableColumn, cells: Column, row: int) -> str:
    told = as_texts(cells[row : row + 1])[0] if isinstance(cells, np.ndarray) else cells[row]
    reason = "is no number" if column.kind == "number" else "was not there in training"
    return f"{column.name}: {told!r} {reason}"

"""Columns of a table of numbers and texts: what kind each is, from the cells as they were written.

A column is numbers where nine in ten of its cells are; the others are then told and count as missing. All else is
categories, as people write them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MISSING", "Categories", "Column", "ColumnReport", "describe", "number_in", "to_column"]

# What stands for an empty cell: the words of pandas, and the question mark of the UCI repository.
MISSING = frozenset(
    {
        *("", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "nan", "NaN", "-nan", "-NaN", "null", "NULL", "None"),
        *("#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    }
)
_ENOUGH = 0.9  # of the cells that are not empty
_SHOWN = 4


@dataclass(frozen=True)
class Categories:
    """A column of texts: the different `values` in order, and for each row the `codes` of its value, -1 for none."""

    values: list[str]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str | None:
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    @property
    def texts(self) -> list[str | None]:
        """The text of each row; None where it is missing."""
        return [None if code < 0 else self.values[code] for code in self.codes.tolist()]

    def take(self, rows: Sequence[int]) -> "Categories":
        """These rows only; the values stay as they are, so that the codes of two parts of a table agree."""
        return Categories(self.values, self.codes[np.asarray(rows, dtype=np.int64)])


Column = NDArray[np.float64] | Categories


@dataclass(frozen=True)
class ColumnReport:
    """A column in numbers: its kind ("number" or "category"), rows without a value, and different values.

    `range` is for reading: the smallest and the largest number, or the most frequent texts with their counts.
    """

    name: str
    kind: str
    missing: int
    distinct: int
    range: str


def describe(name: str, column: Column) -> ColumnReport:
    """What is in a column."""
    if isinstance(column, Categories):
        return _describe_categories(name, column)
    known = column[~np.isnan(column)]
    span = f"{known.min():.6g} to {known.max():.6g}, median {np.median(known):.6g}" if len(known) else ""
    return ColumnReport(name, "number", len(column) - len(known), len(np.unique(known)), span)


def _describe_categories(name: str, column: Categories) -> ColumnReport:
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
    present = int((counts > 0).sum())
    order = sorted(range(len(counts)), key=lambda code: (-int(counts[code]), code))
    shown = [f"{column.values[code]} ({counts[code]:,})" for code in islice(order, _SHOWN) if counts[code]]
    more = f", and {present - len(shown):,} more" if present > len(shown) else ""
    return ColumnReport(name, "category", int((column.codes < 0).sum()), present, ", ".join(shown) + more)


def to_column(cells: Sequence[Any], tell: Callable[[int, str], None], comma: bool = False) -> Column:
    """The column of some cells, texts or numbers or None; `tell(row, message)` hears what is taken as missing.

    With `comma`, 1,5 is a number; so it is in tables whose cells are divided by semicolons.
    """
    given = [row for row, cell in enumerate(cells) if not _is_missing(cell)]
    numbers = np.full(len(cells), np.nan)
    texts = []
    for row in given:
        number = number_in(cells[row], comma)
        if number is None:
            texts.append(row)
        else:
            numbers[row] = number
    if not given or len(given) - len(texts) >= _ENOUGH * len(given):
        for row in texts:
            tell(row, f"{str(cells[row]).strip()!r} is no number and counts as missing")
        return numbers
    return _categories([None if _is_missing(cell) else _text(cell) for cell in cells])


def _categories(texts: list[str | None]) -> Categories:
    values = sorted({text for text in texts if text is not None})
    code = {text: number for number, text in enumerate(values)}
    return Categories(values, np.array([-1 if text is None else code[text] for text in texts], dtype=np.int64))


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip() in MISSING
    try:
        return cell is None or bool(cell != cell)
    except TypeError:  # of pandas's NA nobody can say whether it equals itself
        return True


def _text(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell).strip()


def number_in(cell: Any, comma: bool = False) -> float | None:
    """The number in a cell; None for a text, and for what no model can compute with, such as infinity.

    With `comma`, 1,5 is a number.
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, str):
        if "_" in cell:  # Python would read 1_000
            return None
        if comma and cell.count(",") == 1:
            cell = cell.replace(",", ".")
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

"""Tables of numbers and texts, one row an example, from CSV, TSV and Parquet: the data of linear models and the like.

Each column is numbers or categories, see `frame_columns`; one of them is the target. Lines that do not fit are passed
over and told with file and line.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from firstlight.data.archives import is_archive, list_files, read_bytes
from firstlight.data.contents import Contents
from firstlight.data.frame_columns import MISSING, Categories, Column, ColumnReport, describe, number_in, to_column
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError, nearest

__all__ = ["Frame", "load_table", "usual_target"]

_SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".parquet")
_DELIMITERS = "\t;,|"
_TARGETS = ("target", "label", "class", "y")
_LOOKED_AT = 20  # records, to find the delimiter


@dataclass(frozen=True)
class Frame:
    """A table: columns by name, all of one length, and the name of the one to predict.

    A column of numbers is an array of float64, NaN where a value is missing; one of texts is `Categories`. `lines` are
    those of the file on which the rows stand, where there is one; of a Parquet file, the numbers of the rows from 1.
    """

    name: str
    columns: dict[str, Column]
    target: str
    source: str = ""
    problems: list[Problem] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise FirstlightError(_no_column(self.name, name, list(self.columns)))
        return self.columns[name]

    @property
    def features(self) -> list[str]:
        """The names of all columns but the target."""
        return [name for name in self.columns if name != self.target]

    @property
    def report(self) -> list[ColumnReport]:
        """Each column in numbers: its kind, its missing and its different values."""
        return [describe(name, column) for name, column in self.columns.items()]

    def take(self, rows: Sequence[int]) -> "Frame":
        """The table with these rows only, in this order."""
        chosen = np.asarray(rows, dtype=np.int64)
        columns: dict[str, Column] = {
            name: column.take(rows) if isinstance(column, Categories) else column[chosen]
            for name, column in self.columns.items()
        }
        lines = [self.lines[row] for row in chosen] if self.lines else []
        return Frame(self.name, columns, self.target, self.source, self.problems, lines)

    def __str__(self) -> str:
        return "\n".join(_describe(self))


def load_table(path: str | os.PathLike[str], target: str | None = None) -> Frame:
    """The table in a CSV, TSV or Parquet file, or in a folder or archive that holds one such file and no other.

    `target` is the column to predict; where it is not given, the one called target, label, class or y, else the last,
    which is told as a note; "" for a table without one, which may have a single column. Delimiter, header and decimal
    commas are recognised; the words of pandas for an empty cell and "?" count as missing. What is passed over stands in
    `problems`.

    Raises FirstlightError, with file and line, where there is no such table or a quote is never closed.
    """
    source = _single_table(os.fspath(path).replace(os.sep, "/"))
    contents = Contents(os.path.dirname(source) or ".", source, alone=True)
    cells = _read_parquet(contents, source) if source.lower().endswith(".parquet") else _read_text(contents, source)
    names = list(cells.columns)
    if len(names) < (1 if target == "" else 2) or not cells.lines:
        least = "one column" if target == "" else "two columns"
        raise FirstlightError(
            f"Expected a table of at least {least} and one row in {source}. Received {len(names)} columns "
            f"({', '.join(names[:5])}) and {len(cells.lines)} rows."
        )
    chosen = _choose_target(contents, names, target)
    columns = {name: _column(contents, name, values, cells) for name, values in cells.columns.items()}
    _tell_empty(contents, columns, chosen, cells.lines)
    return Frame(contents.name, columns, chosen, contents.source, contents.problems, cells.lines)


def usual_target(names: Sequence[str]) -> tuple[str, str]:
    """The column called target, label, class or y, else the last; and what is to be told of that, "" for nothing."""
    known = next((name for wanted in _TARGETS for name in names if name.lower() == wanted), None)
    if known is not None:
        return known, ""
    return names[-1], f"the last column, {names[-1]!r}, is taken as the target; `target` names another"


class _Cells(NamedTuple):
    """The cells of each column, the line of each row, and whether a comma divides the digits of a number."""

    columns: dict[str, list[Any]]
    lines: list[int]
    comma: bool = False


def _single_table(source: str) -> str:
    if not os.path.isdir(source) and not is_archive(source):
        return source
    found = [path for path in list_files(source) if path.lower().endswith(_SUFFIXES)]
    if len(found) != 1:
        names = ", ".join(path.removeprefix(source).lstrip("/") for path in found[:5]) or "none"
        raise FirstlightError(
            f"Expected one table ({', '.join(_SUFFIXES)}) in {source}. Received {len(found)}: {names}. Name the file; "
            "a path may lead into an archive: data.zip/train.csv."
        )
    return found[0]


def _read_parquet(contents: Contents, path: str) -> _Cells:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(read_bytes(path)))
    except pyarrow.ArrowException as error:
        raise FirstlightError(f"Expected a Parquet table in {path}. It cannot be read: {error}.") from error
    columns: dict[str, list[Any]] = {}
    for name in table.column_names:
        kind = table.schema.field(name).type
        if pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind):
            contents.tell("column passed over", f"column {name!r} holds {kind}, not one number or text a row", path)
        else:
            columns[name] = table.column(name).to_pylist()
    return _Cells(columns, list(range(1, table.num_rows + 1)))


def _read_text(contents: Contents, path: str) -> _Cells:
    """The cells of a delimited text; a line with more or fewer cells than the header is passed over."""
    lines = contents.lines(path)
    delimiter = "\t" if path.lower().endswith(".tsv") else _guess_delimiter(lines)
    comma = delimiter == ";"
    records = _records(path, lines, delimiter)
    _, header = next(records, (0, []))
    names = [name.strip() for name in header]
    rows: list[list[str]] = []
    numbers: list[int] = []
    if _are_numbers(names, comma):
        contents.tell("note", "the first line holds numbers, so the columns have no names; they are called 1, 2, ...")
        names, rows, numbers = [str(number) for number in range(1, len(names) + 1)], [header], [1]
    for line, row in records:
        if len(row) == len(names):
            rows.append(row)
            numbers.append(line)
        else:
            contents.tell("malformed line", f"{len(row)} cells instead of {len(names)}", path, line)
    return _Cells(_by_name(contents, path, names, rows, numbers), numbers, comma)


def _records(path: str, lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins; lines that are empty are passed over."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        begin = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FirstlightError(
                f"Expected quotes in pairs in {path}:{begin}. Received a record that cannot be read ({error}). "
                'Close the quote, or write a quote inside a cell as "".'
            ) from error
        if any(cell.strip() for cell in row):
            yield begin, row


def _guess_delimiter(lines: list[str]) -> str:
    """The sign that divides most of the first records into the same number of cells, and into as many as possible.

    Numbers with decimal commas would be taken apart by that, so where semicolons divide nothing but numbers, they do.
    """

    def divided(delimiter: str) -> list[list[str]]:
        reader = csv.reader((f"{line}\n" for line in lines if line.strip()), delimiter=delimiter)
        return list(islice(reader, _LOOKED_AT))

    def score(delimiter: str) -> tuple[int, int]:
        widths = Counter(map(len, divided(delimiter)))
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        return (times if width > 1 else 0, width)

    by_semicolon = divided(";")
    if any(len(row) > 1 for row in by_semicolon) and all(_are_numbers(row, comma=True) for row in by_semicolon):
        return ";"
    return max(_DELIMITERS, key=score)


def _by_name(
    contents: Contents, path: str, names: list[str], rows: list[list[str]], lines: list[int]
) -> dict[str, list[Any]]:
    """The cells by column. A first column without a name that counts the rows, as pandas writes it, is left out."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise FirstlightError(
            f"Expected a different name for each column in {path}:1. Received {twice[0]!r} {names.count(twice[0])} "
            "times. Rename the columns."
        )
    columns: dict[str, list[Any]] = {}
    for number, name in enumerate(names):
        values = [row[number] for row in rows]
        if not name and number == 0 and _count_rows(values, lines):
            contents.tell("note", "the first column has no name and counts the rows; it is left out", path)
        else:
            columns[name or f"column {number + 1}"] = values
    return columns


def _count_rows(values: list[str], lines: list[int]) -> bool:
    """Whether cells count the rows from 0; where lines were passed over, some numbers are not there."""
    if not all(value.isdecimal() for value in values):
        return False
    counted = list(map(int, values))
    rising = all(after > before for before, after in pairwise(counted))
    return rising and all(number < line for number, line in zip(counted, lines, strict=True))


def _are_numbers(cells: list[str], comma: bool) -> bool:
    """Whether there is a number and otherwise only what stands for none."""
    numbers = [number_in(cell, comma) is not None for cell in cells]
    return any(numbers) and all(
        is_number or cell.strip() in MISSING for cell, is_number in zip(cells, numbers, strict=True)
    )


def _choose_target(contents: Contents, names: list[str], target: str | None) -> str:
    if target is not None:
        if target and target not in names:
            raise FirstlightError(_no_column(contents.source, target, names))
        return target
    usual, note = usual_target(names)
    if note:
        contents.tell("note", note)
    return usual


def _column(contents: Contents, name: str, values: list[Any], cells: _Cells) -> Column:
    def tell(row: int, message: str) -> None:
        contents.tell("not a number", f"{name}: {message}", contents.source, cells.lines[row])

    return to_column(values, tell, cells.comma)


def _tell_empty(contents: Contents, columns: dict[str, Column], target: str, lines: list[int]) -> None:
    """Tell columns that say nothing, and rows that cannot be learned from because their target is missing."""
    for name, column in columns.items():
        distinct = describe(name, column).distinct
        if distinct < 2:
            contents.tell("note", f"column {name!r} has {'one value' if distinct else 'no value'} in all rows")
        elif isinstance(column, Categories) and distinct == len(column) and name != target and distinct > 20:
            contents.tell("note", f"column {name!r} has another text in every row: perhaps a name, not a property")
    if not target:
        return
    values = columns[target]
    absent = np.flatnonzero(values.codes < 0 if isinstance(values, Categories) else np.isnan(values))
    if len(absent):
        message = f"{len(absent):,} rows have no value of the target {target!r}"
        contents.tell("target missing", message, contents.source, lines[int(absent[0])])


def _no_column(table: str, name: str, known: list[str]) -> str:
    return f"Table {table!r} has no column {name!r}. It has: {', '.join(known)}.{nearest(name, known)}"


def _describe(frame: Frame) -> Iterator[str]:
    yield f"{frame.name}: {len(frame):,} rows, {len(frame.columns)} columns, target {frame.target!r}, {frame.source}"
    yield ""
    width = max(len("column"), *(len(name) for name in frame.columns))
    yield f"{'column':<{width}}  {'kind':<10}{'missing':>9}{'distinct':>10}  values"
    for column in frame.report:
        yield f"{column.name:<{width}}  {column.kind:<10}{column.missing:>9,}{column.distinct:>10,}  {column.range}"

"""Tables of captions: CSV, TSV, pipe-separated text, JSON lines and Parquet, each as records with their lines.

Quotes are read the way spreadsheets write them. A quote that is never closed would swallow the rest of the file, so a
record may run over several lines only while none of them looks like a new one.
"""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from firstlight.data.archives import read_bytes
from firstlight.data.caption_fields import Fields, choose_fields
from firstlight.data.contents import Contents
from firstlight.data.image_lookup import is_image
from firstlight.errors import FirstlightError

__all__ = [
    "TABLE_SUFFIXES",
    "Opened",
    "Table",
    "fields_of",
    "is_metadata",
    "leads_to_image",
    "open_table",
    "read_table",
]

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet")
_DELIMITERS = "\t|;,"
_SAMPLES = 50
_LONGEST_RECORD = 50  # lines; a caption of more is a quote that somebody forgot to close
_PIPE_MISSING = re.compile(r"\s*(\d+)\s+(.+)")


class Table(NamedTuple):
    """The names of the columns, and the records with the lines where they begin."""

    names: list[str]
    records: list[tuple[int, dict[str, Any]]]
    delimiter: str = ""


def read_table(contents: Contents, path: str) -> Table:
    """The table in a file; use it as `contents.once(path, read_table)`. Lines that fit no column are told."""
    if path.lower().endswith(".parquet"):
        return _read_parquet(path)
    if path.lower().endswith((".jsonl", ".ndjson")):
        return _read_json_lines(contents, path)
    return _read_delimited(contents, path)


class Opened(NamedTuple):
    """The names of a table's columns, some of its records, and what tells whether a value in it names an image."""

    names: list[str]
    samples: list[dict[str, Any]]
    leads_to_image: Callable[[str], bool]


def open_table(contents: Contents, path: str, what: str) -> Opened | None:
    """A table by which to choose columns of images and of `what`; None, with the reason noted, where there is none."""
    try:
        table = contents.once(path, read_table)
    except FirstlightError as error:
        contents.reject(path, str(error))
        return None
    if len(table.names) < 2 or not table.records:
        contents.reject(path, f"no table of images and {what}")
        return None
    samples = [record for _, record in table.records[:_SAMPLES]]
    return Opened(table.names, samples, lambda value: leads_to_image(contents, path, value))


def leads_to_image(contents: Contents, path: str, value: str) -> bool:
    """Whether a value in the file `path` names an image: by its ending, or because there is one of that name."""
    return bool(value) and (is_image(value.split("?")[0]) or contents.images.has(value, path))


def is_metadata(path: str) -> bool:
    """Whether a table is called `metadata`, as Hugging Face's `imagefolder` wants it."""
    return os.path.splitext(os.path.basename(path))[0].lower() == "metadata"


def fields_of(contents: Contents, path: str) -> Fields | None:
    """The columns of a table that hold images and captions; None, with the reason noted, where it has none."""
    table = open_table(contents, path, "captions")
    if table is None:
        return None
    fields = choose_fields(*table)
    if isinstance(fields, str):
        contents.reject(path, fields)
        return None
    return fields


def _read_parquet(path: str) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(read_bytes(path)))
    except pyarrow.ArrowException as error:
        raise FirstlightError(
            f"Expected a Parquet table in {path}. It cannot be read: {error}. Write it again."
        ) from error
    return Table(table.column_names, list(enumerate(table.to_pylist(), 1)))


def _read_json_lines(contents: Contents, path: str) -> Table:
    records: list[tuple[int, dict[str, Any]]] = []
    names: dict[str, None] = {}
    for number, line in enumerate(contents.lines(path), 1):
        try:
            record = json.loads(line) if line.strip() else {}
        except json.JSONDecodeError as error:
            contents.tell("malformed line", f"not valid JSON ({error.msg})", path, number)
            continue
        if not isinstance(record, Mapping):
            contents.tell("malformed line", "not a JSON object", path, number)
        elif record:
            records.append((number, dict(record)))
            names.update(dict.fromkeys(record))
    return Table(list(names), records)


def _read_delimited(contents: Contents, path: str) -> Table:
    """A table of text; without a header the columns are called 1, 2, ..."""
    lines = contents.lines(path)
    first = next((line for line in islice(lines, 10) if line.strip()), "")
    delimiter = _guess_delimiter(path, first)
    if delimiter is None:
        return Table([], [])
    rows = _split_lines(contents, path, lines, delimiter)
    names = [cell.strip() for cell in rows[0][1]]
    if any(is_image(name) for name in names) or len(set(names)) < len(names):
        names = [str(column) for column in range(1, len(names) + 1)]
    else:
        rows = rows[1:]
    return Table(names, _fit(contents, path, names, rows, delimiter), delimiter)


def _guess_delimiter(path: str, first: str) -> str | None:
    if path.lower().endswith(".tsv"):
        return "\t"
    found = [delimiter for delimiter in _DELIMITERS if delimiter in first]
    # Without a header the first cell is an image; and captions have commas, so the rarer signs are asked first.
    headless = [delimiter for delimiter in found if is_image(first.split(delimiter)[0].strip('" '))]
    return next(iter(headless + found), None)


def _split_lines(contents: Contents, path: str, lines: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """The cells of each record with the number of its first line."""
    rows: list[tuple[int, list[str]]] = []
    quoting = delimiter != "|"  # pipe tables leave quotes as they are
    position = 0
    while position < len(lines):
        start, line = position, lines[position]
        position += 1
        if not line.strip():
            continue
        if not quoting or '"' not in line:
            rows.append((start + 1, line.split(delimiter)))
            continue
        record, position = _whole_record(lines, start, delimiter)
        if record is None:
            contents.tell("malformed line", "a quote is never closed; the line was read as it stands", path, start + 1)
            rows.append((start + 1, line.split(delimiter)))
        else:
            rows.append((start + 1, record))
    return rows


def _whole_record(lines: list[str], start: int, delimiter: str) -> tuple[list[str] | None, int]:
    """The quoted record that begins at a line, and the line after it; None where its quote is not closed."""
    for end in range(start + 1, min(start + _LONGEST_RECORD, len(lines)) + 1):
        if end > start + 1 and is_image(lines[end - 1].split(delimiter)[0].strip('" ')):
            break
        text = "\n".join(lines[start:end])
        try:
            return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)), end
        except csv.Error:
            continue
    return None, start + 1


def _fit(
    contents: Contents, path: str, names: list[str], rows: list[tuple[int, list[str]]], delimiter: str
) -> list[tuple[int, dict[str, Any]]]:
    """The rows as records. Surplus cells are joined again in the last column, a known slip is mended; both are told."""
    records: list[tuple[int, dict[str, Any]]] = []
    width = len(names)
    for line, row in rows:
        if len(row) == width - 1 and delimiter == "|" and (match := _PIPE_MISSING.fullmatch(row[-1])):
            row = [*row[:-1], match[1], match[2]]
            contents.tell("malformed line", "the | before the caption is missing; the caption was found", path, line)
        elif len(row) > width:
            row = [*row[: width - 1], delimiter.join(row[width - 1 :])]
            message = f"more than {width} cells; what follows cell {width - 1} was taken as one"
            contents.tell("malformed line", message, path, line)
        elif len(row) < width:
            contents.tell("malformed line", f"{len(row)} cells instead of {width}", path, line)
            continue
        records.append((line, dict(zip(names, row, strict=True))))
    return records

"""Whatever a user calls a table, as a `Frame`: a file, a name, a frame of another library, or a dict of columns.

A table to predict from needs no target; one to learn from or to judge on has the model's.
"""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from firstlight.data.bundled import BUNDLED, load_bundled
from firstlight.data.frame_columns import Categories, Column, to_column
from firstlight.data.frames import Frame, load_table
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError

__all__ = ["as_frame", "checksum"]


def as_frame(table: Any, target: str | None) -> Frame:
    """The table as a `Frame` with this target; None for the usual one of a file, "" for none.

    Args:
        table: a `Frame`; the path of a file, or the name of a bundled table; or columns by name: a dict, or a data
            frame of pandas, polars or pyarrow.
        target: the column to predict.

    Raises:
        FirstlightError: it cannot be read, its columns have different lengths, or it has no such target.
    """
    if isinstance(table, Frame):
        if target:
            table[target]
        return table if target is None else replace(table, target=target)
    if isinstance(table, str | Path):
        return _from_path(table, target)
    columns, problems = _columns(table)
    rows = len(next(iter(columns.values())))
    frame = Frame("table", columns, target or "", "table", problems, list(range(1, rows + 1)))
    if target:
        frame[target]
    return frame


def checksum(frame: Frame) -> str:
    """What tells this table from any other: SHA-256 of the names of its columns and of all cells."""
    found = hashlib.sha256()
    for name, column in frame.columns.items():
        if isinstance(column, Categories):
            values, cells = column.values, column.codes.tobytes()
        else:
            values, cells = [], column.tobytes()
        found.update(json.dumps([name, values]).encode())
        found.update(cells)
    return f"sha256:{found.hexdigest()}"


def _from_path(path: str | Path, target: str | None) -> Frame:
    text = os.path.expanduser(os.fspath(path))
    if text in BUNDLED and isinstance(path, str) and not os.path.exists(text):
        return load_bundled(text, target)
    return load_table(text, target)


def _columns(table: Any) -> tuple[dict[str, Column], list[Problem]]:
    names = getattr(table, "column_names", None)  # pyarrow
    names = getattr(table, "columns", None) if names is None else names
    names = list(table) if names is None and isinstance(table, dict) else names
    if names is None or not hasattr(table, "__getitem__"):
        raise FirstlightError(
            f"Expected a table: a path, a Frame, a data frame, or a dict of columns. Received {type(table).__name__}. "
            "Read one with firstlight.data.load(path, task='table')."
        )
    problems: list[Problem] = []
    columns: dict[str, Column] = {}
    for name in map(str, names):
        cells = table[name]
        cells = cells.to_pylist() if hasattr(cells, "to_pylist") else list(cells)

        def tell(row: int, message: str, name: str = name) -> None:
            problems.append(Problem("not a number", f"{name}: {message}", "", row + 1))

        columns[name] = to_column(cells, tell)
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        raise FirstlightError(f"Expected columns of one length, at least one. Received lengths {sorted(lengths)}.")
    return columns, problems

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
from firstlight.data.frames import Frame, load_table, usual_target
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError
from firstlight.systems.linear_inputs import column_names

__all__ = ["as_frame", "checksum"]


def as_frame(table: Any, target: str | None) -> Frame:
    """The table as a `Frame` with this target; None for the usual one (see `load_table`), "" for none.

    Args:
        table: a `Frame`, whose own target None leaves; the path of a file, or the name of a bundled table; or columns
            by name: a dict, or a data frame of pandas, polars or pyarrow.
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
    if target is None:
        target, note = usual_target(list(columns))
        problems += [Problem("note", note)] if note else []
    rows = len(next(iter(columns.values())))
    frame = Frame("table", columns, target, "table", problems, list(range(1, rows + 1)))
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
    names = list(table) if isinstance(table, dict) else column_names(table)
    if names is None:
        raise FirstlightError(
            f"Expected a table: a path, a Frame, a data frame, or a dict of columns. Received {type(table).__name__}. "
            "Read one with firstlight.data.load(path, task='table')."
        )
    problems: list[Problem] = []
    columns: dict[str, Column] = {}
    for given in names:  # pandas calls columns without a name 0, 1 and so on
        name = str(given)
        if name in columns:
            times = [str(other) for other in names].count(name)
            raise FirstlightError(
                f"Expected a different name for each column. Received {name!r} {times} times. Rename the columns."
            )
        cells = table[given]
        cells = cells.to_pylist() if hasattr(cells, "to_pylist") else list(cells)

        def tell(row: int, message: str, name: str = name) -> None:
            problems.append(Problem("not a number", f"{name}: {message}", "", row + 1))

        columns[name] = to_column(cells, tell)
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        raise FirstlightError(f"Expected columns of one length, at least one. Received lengths {sorted(lengths)}.")
    return columns, problems

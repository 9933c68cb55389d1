"""`firstlight predict RUN TABLE`: a prediction for each row of a table, as CSV or JSON.

A row that cannot be used is told on standard error and passed over: exit code 1 if some were, 2 if all.
"""

import csv
import io
import json
from bisect import bisect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from firstlight.data import Frame
from firstlight.errors import FirstlightError

__all__ = ["predict"]


@click.command()
@click.argument("run", type=click.Path())
@click.argument("table")
@click.option("--to", type=click.Choice(["csv", "json"]), default="csv", show_default=True, help="The form.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; by default standard output.")
@click.option("--keep", is_flag=True, help="Keep the columns of the table beside the predictions, as they were read.")
@click.pass_context
def predict(context: click.Context, /, run: str, table: str, to: str, out: Path | None, keep: bool) -> None:
    """Predict the target of each row of TABLE with the model of tables trained in the folder RUN.

    TABLE is a CSV, TSV or Parquet file with the columns that the model learned from, in any order; other columns do no
    harm, and the target is not needed. Of classes, the probability of each is told, too. A row that cannot be used is
    told on standard error and passed over; the exit code is then 1, and 2 if none could be predicted.
    """
    from firstlight import systems
    from firstlight.cli.records import write
    from firstlight.cli.train_table import load_frame
    from firstlight.systems.system import task_of

    if task_of(run) != "table":
        raise FirstlightError(
            f"Expected the run folder of a model of tables. Received {run}, which is for {task_of(run)}. "
            "Name another folder."
        )
    model: Any = systems.load(run)
    frame = load_frame(table, "")
    found = model.predict(frame)
    for problem in found.problems:
        click.echo(f"passed over: {problem}", err=True)
    if len(found.rows):
        text = _to_csv(frame, found, keep) if to == "csv" else _to_json(frame, found, keep)
        if out:
            write(out, text)
        else:
            click.echo(text, nl=False)
    if found.problems or _lost(frame):
        context.exit(1 if len(found.rows) else 2)


def _to_csv(frame: Frame, found: Any, keep: bool) -> str:
    """A table of row, by choice the columns that were there, prediction, and a probability of each class."""
    kept = list(frame.columns) if keep else []
    names = ["row", "prediction", *(f"probability_{label}" for label in found.classes)]
    names = [_free(name, kept) for name in names]
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow([names[0], *kept, *names[1:]])
    for place, row, cells in _rows(frame, found, keep):
        shares = [] if found.probabilities is None else found.probabilities[place].round(6).tolist()
        writer.writerow([row, *("" if cell is None else cell for cell in cells), found.values[place], *shares])
    return memory.getvalue()


def _to_json(frame: Frame, found: Any, keep: bool) -> str:
    records = []
    for place, row, cells in _rows(frame, found, keep):
        record: dict[str, Any] = {"row": row}
        if keep:
            record["columns"] = dict(zip(frame.columns, cells, strict=True))
        value = found.values[place]
        record["prediction"] = value if isinstance(value, str) else float(value)
        if found.probabilities is not None:
            shares = found.probabilities[place].round(6).tolist()
            record["probabilities"] = dict(zip(found.classes, shares, strict=True))
        records.append(record)
    return json.dumps(records, ensure_ascii=False, indent=1) + "\n"


def _rows(frame: Frame, found: Any, keep: bool) -> Iterator[tuple[int, int, list[Any]]]:
    """The place of each prediction, its row in the table as it was written, from 1, and the cells of that row."""
    columns = [_cells(frame, name) for name in frame.columns] if keep else []
    lost = _lost(frame)
    for place, row in enumerate(found.rows.tolist()):
        yield place, row + 1 + bisect(lost, frame.lines[row]), [column[row] for column in columns]


def _lost(frame: Frame) -> list[int]:
    """The lines of the table that made no row."""
    return [problem.line or 0 for problem in frame.problems if problem.kind == "malformed line"]


def _cells(frame: Frame, name: str) -> list[Any]:
    """Numbers without a point where they are whole, texts, and None for no value."""
    from firstlight.data.frame_columns import Categories

    column = frame[name]
    if isinstance(column, Categories):
        return list(column.texts)
    return [None if cell != cell else int(cell) if cell.is_integer() else cell for cell in column.tolist()]


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name

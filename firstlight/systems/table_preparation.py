"""A table made ready to learn from: which rows are held out, which are left out, and what is known of its columns.

Columns are learned from the training rows alone, so that held-out rows meet them as new ones would.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from firstlight.data.frame_columns import describe
from firstlight.data.frames import Frame
from firstlight.data.splits import stratified
from firstlight.errors import FirstlightError
from firstlight.systems.linear_inputs import listed
from firstlight.systems.table_columns import Columns, Encoded, chosen_names, line_of, missing_in
from firstlight.systems.table_target import check_classes, labels_of, numbers_of, weights_of

__all__ = ["Prepared", "division", "prepare", "rows_with_target"]

_LINES = 5  # that a message names for each column


@dataclass(frozen=True, eq=False)
class Prepared:
    """What an estimator learns from, (rows, ...) each, and what a reader has to know."""

    columns: Columns
    encoded: Encoded
    target: np.ndarray
    weights: np.ndarray | None
    left_out: dict[str, str]
    counts: dict[str, int]
    notes: list[str] = field(default_factory=list)


def prepare(model: Any, frame: Frame, hold_out: float) -> Prepared:
    """Divide the rows, learn the columns from the training rows, and encode these.

    Raises:
        FirstlightError: a name is unknown, cells are missing and `missing` is "refuse", or too little is left.
    """
    names = chosen_names(frame, model.features, [*(model.ignore or []), *filter(None, [model.sample_weight])])
    if model.missing == "refuse":
        _refuse_missing(frame, [*names, frame.target])
    train_rows, held_rows = division(model, frame, hold_out)
    train = frame.take(train_rows.tolist())
    if len(train) < 2:
        raise FirstlightError(
            f"Expected 2 rows or more to learn from. Received {len(train)} of {len(frame):,} in "
            f"{frame.source or frame.name}. Take more rows, or hold fewer out."
        )
    used = _complete(train, names) if model.missing == "drop" else train
    columns, left_out = Columns.learned(used, names, model.baseline, model.missing == "mean")
    encoded = columns.encode(used)
    counts = {
        "table": len(frame),
        "train": len(used),
        "held_out": len(held_rows),
        "without_target": len(frame) - len(train_rows) - len(held_rows),
        "dropped": len(train) - len(used),
        "filled_cells": encoded.filled,
    }
    target = labels_of(used) if model.classifies else numbers_of(used)
    weights = weights_of(used, model.sample_weight)
    return Prepared(columns, encoded, target, weights, left_out, counts, _notes(columns, left_out, counts))


def division(model: Any, frame: Frame, hold_out: float) -> tuple[np.ndarray, np.ndarray]:
    """The training and the held-out rows, in order; of classes the same share of each. The seed draws them.

    Raises:
        FirstlightError: `hold_out` is no share from 0 to below 1, or the target holds a single class, or none.
    """
    if not 0 <= hold_out < 1:
        raise FirstlightError(f"Expected hold_out from 0 to below 1, for example 0.2. Received {hold_out}.")
    rows = rows_with_target(frame)
    seed = int(model.settings["seed"])
    if model.classifies:
        check_classes(frame)
        labels = labels_of(frame)[rows]
        kinds = sorted(set(labels.tolist()))
        if len(kinds) < 2:
            raise FirstlightError(
                f"Expected two classes or more in the target {frame.target!r}. Received {listed(map(repr, kinds))} "
                f"in all {len(rows):,} rows. Take rows of another class, or name another target."
            )
        if not hold_out:
            return rows, rows[:0]
        stay, held = stratified(labels.tolist(), hold_out, seed)
        return rows[stay], rows[held]
    numbers_of(frame)
    held_count = min(max(round(hold_out * len(rows)), 1), max(len(rows) - 2, 0)) if hold_out else 0
    order = np.random.default_rng(seed).permutation(rows)
    return np.sort(order[held_count:]), np.sort(order[:held_count])


def rows_with_target(frame: Frame) -> np.ndarray:
    """The rows that have a value of the target."""
    column = frame[frame.target]
    return np.flatnonzero(~np.isnan(column) if isinstance(column, np.ndarray) else column.codes >= 0)


def _complete(train: Frame, names: list[str]) -> Frame:
    """The rows with a value in every column; one that says nothing is left out of the model, and costs no rows."""
    telling = [name for name in names if describe(name, train[name]).distinct > 1]
    missing = missing_in(train, telling).values()
    rows = np.setdiff1d(np.arange(len(train)), np.concatenate([np.zeros(0, np.int64), *missing]))
    if len(rows) < 2:
        raise FirstlightError(
            f"Expected 2 rows or more without missing values. Received {len(rows)} of {len(train):,}. "
            "Leave columns out with --ignore, or fill what is missing with --missing mean."
        )
    return train.take(rows.tolist())


def _refuse_missing(frame: Frame, names: list[str]) -> None:
    found = missing_in(frame, names)
    if not found:
        return
    told = [
        f"{name} ({len(rows):,} row{'s' if len(rows) > 1 else ''}: line {_lines(frame, rows)})"
        for name, rows in found.items()
    ]
    raise FirstlightError(
        f"Expected a value in every cell of {frame.source or frame.name}. Received none in {listed(told)}. "
        "With --missing drop (in Python missing='drop') these rows are left out; with --missing mean numbers get the "
        "mean of their column and texts their most frequent level. Or leave columns out with --ignore."
    )


def _lines(frame: Frame, rows: np.ndarray) -> str:
    told = ", ".join(str(line_of(frame, int(row))) for row in rows[:_LINES])
    return f"{told}, ..." if len(rows) > _LINES else told


def _notes(columns: Columns, left_out: dict[str, str], counts: dict[str, int]) -> list[str]:
    notes = [f"Column {name!r} is left out: {reason}." for name, reason in left_out.items()]
    texts = [column for column in columns.columns if column.kind == "category"]
    if texts and columns.baseline:
        told = listed(f"{column.name} with {column.levels[0]!r}" for column in texts)
        notes.append(f"Each level of a text column is compared with its first: {told}.")
    elif texts:
        notes.append(f"Every level of {listed(column.name for column in texts)} has a coefficient of its own.")
    if counts["without_target"]:
        notes.append(f"{counts['without_target']:,} rows without a value of the target are left out.")
    if counts["dropped"]:
        notes.append(f"{counts['dropped']:,} training rows with missing values are left out.")
    if counts["filled_cells"]:
        notes.append(
            f"{counts['filled_cells']:,} missing cells of training rows are filled: numbers with the mean of their "
            "column, texts with their most frequent level."
        )
    return notes

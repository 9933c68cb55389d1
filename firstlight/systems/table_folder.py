"""What a model of a table writes into its run folder beside `system.json`: numbers, a network, coefficients, a card."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.systems.linear_inputs import listed
from firstlight.systems.system import write_safely, write_text_safely

if TYPE_CHECKING:
    from firstlight.systems.linear_model import LinearModel
    from firstlight.systems.table_model import TableModel

__all__ = ["coefficient_rows", "read_estimator", "write"]

_TESTED = ("standard_error", "t", "z", "p_value", "low", "high")


def write(model: "TableModel", folder: Path) -> None:
    """Each file is written whole or not at all."""
    record = model.estimator.to_record()
    record["names"] = [term.name for term in model.columns.terms]
    write_text_safely(folder / "model.json", json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    write_text_safely(folder / "coefficients.csv", _table(coefficient_rows(model)))
    write_text_safely(folder / "README.md", _card(model))
    write_safely(folder / "network.keras", model.to_keras().save)


def read_estimator(model: "TableModel", folder: Path) -> "LinearModel":
    """The estimator of a run folder.

    Raises:
        FirstlightError: it has no `model.json`, or one of something else.
    """
    path = folder / "model.json"
    if not path.is_file():
        raise FirstlightError(f"Expected {path}. Received a run without it. Train again with --restart.")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record["names"] = None  # the columns are known by place here; the names are for other readers
        return model.estimator_class().from_record(record)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, FirstlightError):
            raise
        raise FirstlightError(
            f"Expected a fitted estimator in {path}. Received something else: {error!r}. Train again with --restart."
        ) from error


def coefficient_rows(model: "TableModel") -> list[dict[str, Any]]:
    """A row for each coefficient, the largest standardised one first and the intercept last, of several classes each.

    Keys: `term`, `column`, `level`, of several classes `class`, `coefficient` in the unit of the column,
    `standardized` for a column of deviation 1, and where they exist `standard_error`, `t` or `z`, `p_value`, `low`
    and `high`.
    """
    estimator = model.estimator
    coefficients, intercepts = np.atleast_2d(estimator.coef_), np.atleast_1d(estimator.intercept_)
    terms = model.description["terms"]
    tests = _tests(model)
    found = []
    for output, (row, intercept) in enumerate(zip(coefficients, intercepts, strict=True)):
        name = {"class": model.classes[output]} if len(coefficients) > 1 else {}
        entries = [
            {**_named(term), **name, "coefficient": value, "standardized": value * term["deviation"]}
            for term, value in zip(terms, row.tolist(), strict=True)
        ]
        if estimator.fit_intercept:
            last = {"term": "intercept", "column": None, "level": None}
            entries.append({**last, **name, "coefficient": float(intercept), "standardized": None})
        for entry in entries:
            tested: dict[str, Any] = next(tests, {})
            entry |= {key: tested[key] for key in _TESTED if key in tested}
        found += sorted(entries, key=lambda entry: -abs(entry["standardized"] or 0) if entry["column"] else 1)
    return found


def _named(term: dict[str, Any]) -> dict[str, Any]:
    return {"term": term["name"], "column": term["column"], "level": term["level"]}


def _tests(model: "TableModel") -> Any:
    """The rows of the summary, where there is one."""
    try:
        return iter(model.summary())
    except FirstlightError:
        return iter(())


def _table(rows: Sequence[dict[str, Any]]) -> str:
    memory = io.StringIO()
    writer = csv.DictWriter(memory, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return memory.getvalue()


def _card(model: "TableModel") -> str:
    """A short model card: what it is, what it learned from, how to use it, and what not to expect."""
    description = model.description
    source = (description.get("data") or {}).get("source", "not recorded")
    rows = description["rows"]
    what = f"the classes {listed(model.classes)}" if model.classifies else "a number"
    lines = [
        f"# {description['target']}, by {model.noun.replace('-', ' ')}",
        "",
        f"Predicts the column {description['target']!r}, {what}, from "
        f"{listed(column['name'] for column in description['columns'])}. Trained by firstlight "
        f"{description['versions']['firstlight']} on {description['date'][:10]}, data: {source} ({rows['train']:,} "
        f"rows for training, {rows['held_out']:,} held out), seed {model.settings['seed']}.",
        "",
        f"{model!r}",
        "",
        *(f"* {note}" for note in description["notes"]),
        *([""] if description["notes"] else []),
        "Use: `firstlight predict THIS_FOLDER table.csv`. Measured quality: `metrics.json` and `report.html`; "
        "coefficients: `coefficients.csv`. `network.keras` is the same model for programs that read Keras files; its "
        "inputs are the `terms` of `system.json`, in that order, in float32.",
        "",
        "Coefficients say how the prediction differs between rows, not what a change would cause. Far from the rows "
        "that were learned from, a straight line goes on wherever it leads.",
    ]
    return "\n".join(lines) + "\n"

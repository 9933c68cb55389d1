"""How answers about words are told: lines to read, CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import click

__all__ = ["FORMS", "tell"]

FORMS = ("text", "json", "csv")


def tell(records: Sequence[dict[str, Any]], form: str) -> None:
    """Print records of the same keys."""
    if form == "json":
        click.echo(json.dumps(list(records), ensure_ascii=False, indent=1))
    elif form == "csv":
        memory = io.StringIO()
        writer = csv.DictWriter(memory, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        click.echo(memory.getvalue(), nl=False)
    else:
        _lines(records)


def _lines(records: Sequence[dict[str, Any]]) -> None:
    """A line a record, its columns below each other; a column that says the same in all of several rows is left out."""
    names = [name for name in records[0] if len(records) == 1 or len({str(row[name]) for row in records}) > 1]
    widths = {name: max(len(_text(row[name])) for row in records) for name in names}
    for row in records:
        cells = [
            _text(row[name]).rjust(widths[name])
            if isinstance(row[name], float)
            else _text(row[name]).ljust(widths[name])
            for name in names
        ]
        click.echo("  ".join(cells).rstrip())


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)

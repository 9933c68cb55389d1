"""What judged word vectors leave behind: tables on the screen, and `metrics.json` in the run folder."""

import json
from pathlib import Path
from typing import Any

import click

from firstlight.cli.reports import remember
from firstlight.cli.tables import add_row, make_table

__all__ = ["report"]


def report(vectors: Any, run: str, similarity: str | None, analogies: str | None, *, as_json: bool) -> None:
    """Judge, keep the figures, and print them."""
    found = vectors.evaluate(similarity=similarity, analogies=analogies)
    if Path(run).is_dir():
        for kind, file in (("similarity", similarity), ("analogies", analogies)):
            if file is not None:
                remember(Path(run) / "metrics.json", f"{kind}/{Path(file).name}", found[kind])
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    if similarity is not None:
        _print_similarity(found["similarity"], f"{run} on {Path(similarity).name}")
    if analogies is not None:
        _print_analogies(found["analogies"], f"{run} on {Path(analogies).name}")


def _print_similarity(found: dict[str, Any], title: str) -> None:
    from rich.console import Console

    table = make_table(title, "Metric", "Value", "95 % interval", "Pairs known")
    between = "" if found["interval"] is None else "{:.3f} to {:.3f}".format(*found["interval"])
    value = "–" if found["spearman"] is None else f"{found['spearman']:.3f}"
    add_row(table, "Spearman", value, between, f"{found['covered']:,} of {found['pairs']:,}")
    Console().print(table)


def _print_analogies(found: dict[str, Any], title: str) -> None:
    from rich.console import Console

    table = make_table(title, "Section", "Right, %", "95 % interval", "Questions known")
    for name, row in [*found["sections"].items(), ("all", found)]:
        share = "–" if row["accuracy"] is None else f"{100 * row['accuracy']:.1f}"
        between = "" if row["interval"] is None else "{:.1f} to {:.1f}".format(*(100 * x for x in row["interval"]))
        add_row(table, name, share, between, f"{row['covered']:,} of {row['questions']:,}")
    Console().print(table)

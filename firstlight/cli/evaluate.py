"""`firstlight evaluate RUN`: metrics with intervals, `metrics.json`, and a page that shows what they mean.

What is judged, and how it is written down, stands in `judging` and `reports`.
"""

import json
from pathlib import Path
from typing import Any

import click

from firstlight.cli.settings import was_given
from firstlight.errors import FirstlightError

__all__ = ["evaluate", "trained_on"]


@click.command()
@click.argument("run", type=click.Path())
@click.argument("data", required=False)
@click.option("--data", "named", help="The same as DATA.")
@click.option("--split", default="validation", show_default=True, help="The part of the data to judge on.")
@click.option("--layout", help="How DATA is laid out, where it is not recognised.")
@click.option(
    "--beam",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Of a captioner: hypotheses kept side by side; 1 is greedy.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for metrics.json, pages and figures.  [default: RUN]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
def evaluate(
    run: str,
    data: str | None,
    named: str | None,
    split: str,
    layout: str | None,
    beam: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Judge the system trained in the folder RUN on a split of DATA.

    DATA is a name or a path, by default what the system was trained on. Prints each metric with its 95 % interval
    and the protocol, and writes metrics.json; for a captioner gallery.html, with best, worst and random captions; for
    a classifier report.html and confusion.png. A model of tables is judged on all rows of DATA, which makes
    report-DATA.html, by default on those that were held out.
    """
    from firstlight import systems
    from firstlight.cli.judging import judge
    from firstlight.cli.keras_start import load_keras
    from firstlight.cli.loading import load_data
    from firstlight.cli.reports import publish
    from firstlight.systems.system import task_of

    if data and named:
        raise click.UsageError("Give DATA or --data, not both.")
    data = data or named
    task = task_of(run)
    if task != "captions" and was_given("beam"):
        raise click.UsageError(f"--beam is for captioners. The system of this run is for {task}. Leave it out.")
    if task == "text":
        raise click.UsageError(f"Word vectors are judged by: firstlight words evaluate {run} --similarity FILE.csv")
    if task == "table":
        from firstlight.cli.table_reports import evaluate_table

        if layout or was_given("split"):
            raise click.UsageError(
                "A table has no splits and no layout: name another table, or none for held-out rows."
            )
        evaluate_table(run, data, out, as_json)
        return
    source, known_layout = (data, layout) if data else trained_on(run)
    dataset: Any = load_data(source, layout or known_layout, task=task)
    dataset[split]  # a split that is not there is told before the network is loaded
    load_keras()
    judgement = judge(systems.load(run), dataset, split, beam_width=beam)
    publish(judgement, Path(out or run), f"{run} on {dataset.name}, {split}", quiet=as_json, run=run)
    if as_json:
        click.echo(json.dumps(judgement.report, ensure_ascii=False, indent=1))


def trained_on(run: str) -> tuple[str, str | None]:
    """The source and the layout of the data that a run was trained on, as its `system.json` tells."""
    from firstlight.systems.system import read_description

    record = read_description(run).get("data")
    if not record or not record.get("source"):
        raise FirstlightError(
            f"Expected {run}/system.json to tell what the system was trained on. Received no source under 'data'. "
            "Name the data: firstlight evaluate RUN DATA."
        )
    return record["source"], record.get("layout")

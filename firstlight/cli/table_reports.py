"""What a judged model of a table leaves behind: a table on the screen, `metrics.json`, figures, and `report.html`.

Figures of training lie in the run folder; those of another table only in its page.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from firstlight import pages
from firstlight.cli.reports import metric_of, print_metrics, remember
from firstlight.cli.table_figures import curve_pictures, judgement_pictures
from firstlight.cli.tables import add_row, make_table
from firstlight.cli.train_table import load_frame
from firstlight.data import Frame
from firstlight.errors import FirstlightError

__all__ = ["evaluate_table", "is_done", "report_again", "report_training"]

# How each number is told: its name, what it is multiplied by, and its form.
_METRICS = {
    "r_squared": ("R²", 1, ".3f"),
    "root_mean_squared_error": ("Root mean squared error", 1, ".4g"),
    "mean_absolute_error": ("Mean absolute error", 1, ".4g"),
    "accuracy": ("Accuracy, %", 100, ".1f"),
    "log_loss": ("Log loss", 1, ".3f"),
    "roc_auc": ("ROC AUC", 1, ".3f"),
    "calibration_error": ("Calibration error, %", 100, ".1f"),
    "most_frequent_class": ("Most frequent class, %", 100, ".1f"),
}
# How facts of the whole model are told, where not by their names.
_FACTS = {
    "adjusted_r_squared": "adjusted R²",
    "f": "F",
    "f_p_value": "p of F",
    "aic": "AIC",
    "bic": "BIC",
    "mcfadden_r_squared": "McFadden's R²",
    "likelihood_ratio_p_value": "p of the likelihood ratio",
}
_MOST_PRINTED = 20  # coefficients and passed-over rows on the screen


def is_done(out: Path) -> bool:
    """Whether a training wrote everything."""
    return all((out / name).is_file() for name in ("system.json", "model.json", "metrics.json", "report.html"))


def report_training(model: Any, frame: Frame, test: Frame | None, out: Path, display: Any) -> None:
    """Judge on rows that were not learned from, where there are any; write figures and page, and print.

    Without a `display` the curves, which take many fits, are left out.
    """
    from firstlight.systems.table_judging import evaluate, judged

    held_out = model.held_out_of(frame) if test is None else test
    judgement = judged(model, frame if held_out is None else held_out)
    kind = "all" if test is not None else "train" if held_out is None else "held-out"
    report = {"protocol": _protocol(model, kind, len(judgement.rows)), **evaluate(judgement)}
    key = f"{judgement.name}/{kind}"
    remember(out / "metrics.json", key, report)
    learned = {} if held_out is None else evaluate(judged(model, model.learned_from(frame)))
    if learned:
        remember(out / "metrics.json", f"{frame.name}/train", {"protocol": _protocol(model, "train", 0), **learned})
    remember(out / "metrics.json", "judged", key)
    pictures = judgement_pictures(judgement, out)
    if display is not None:
        pictures += curve_pictures(model, frame, out, display)
    pages.linear_report(
        out / "report.html", f"{model.description['target']} ({out})", _page(model, report, learned, pictures)
    )
    _print(f"{out} on {judgement.name}, {_where(kind)}", report)
    _print_coefficients(model)
    click.echo(f"Written: {out / 'report.html'}, {out / 'metrics.json'}, {out / 'coefficients.csv'}")


def report_again(out: Path, description: dict[str, Any]) -> None:
    """Print what a finished training found."""
    from firstlight import systems

    kept = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    name, _, kind = kept["judged"].rpartition("/")
    _print(f"{out} on {name}, {_where(kind)}", kept[kept["judged"]])
    _print_coefficients(systems.load(out))
    click.echo(f"The page: {out / 'report.html'}")


def evaluate_table(run: str, data: str | None, out: Path | None, as_json: bool) -> None:
    """Judge the model in a run folder on a table; without one, on the rows that its training did not learn from."""
    from firstlight import systems
    from firstlight.systems.table_judging import evaluate, judged

    model: Any = systems.load(run)
    frame, kind = _rows_to_judge(model, run) if data is None else _other_rows(model, data)
    judgement = judged(model, frame)
    report = {"protocol": _protocol(model, kind, len(judgement.rows)), **evaluate(judgement)}
    folder = Path(out or run)
    written = [folder / "metrics.json"]
    remember(written[0], f"{judgement.name}/{kind}", report)
    if data is not None:
        written.append(folder / f"report-{judgement.name}.html")
        with TemporaryDirectory() as figures:
            pictures = judgement_pictures(judgement, Path(figures))
            title = f"{model.description['target']}: {run} on {judgement.name}"
            pages.linear_report(written[-1], title, _page(model, report, {}, pictures))
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
        return
    _print(f"{run} on {judgement.name}, {_where(kind)}", report)
    click.echo(f"Written: {', '.join(map(str, written))}")


def _other_rows(model: Any, data: str) -> tuple[Frame, str]:
    """A table that is named, and whether it is just the one that was trained on."""
    from firstlight.systems.table_frames import checksum

    frame = load_frame(data, model.description["target"])
    known = (model.description.get("data") or {}).get("checksum")
    return frame, "again" if checksum(frame) == known else "all"


def _rows_to_judge(model: Any, run: str) -> tuple[Frame, str]:
    """The rows that a training set aside, from the tables that it was given."""
    from firstlight.systems.table_frames import checksum

    data = model.description.get("data") or {}
    if not data.get("source"):
        raise FirstlightError(
            f"Expected {run}/system.json to tell what the model was trained on. Received no source under 'data'. "
            "Name a table: firstlight evaluate RUN DATA."
        )
    target = model.description["target"]
    if data.get("test"):
        return load_frame(data["test"], target), "all"
    frame = load_frame(data["source"], target)
    if checksum(frame) != data["checksum"]:
        raise FirstlightError(
            f"Expected the table that {run} was trained on. Received {data['source']}, which has changed since, so "
            "that nobody knows which rows were held out. Name a table of new rows: firstlight evaluate RUN DATA."
        )
    held_out = model.held_out_of(frame)
    return (frame, "train") if held_out is None else (held_out, "held-out")


def _protocol(model: Any, kind: str, rows: int) -> str:
    """How the numbers are made, in one line."""
    counts, seed = model.description["rows"], model.settings["seed"]
    what = {
        "all": f"{rows:,} rows of another table",
        "again": f"{rows:,} rows of the table that was trained on, so that the figures are too good",
        "held-out": f"{rows:,} rows that were held out of {counts['table']:,} (seed {seed})",
        "train": f"{counts['train']:,} rows that were learned from, so that the figures are too good",
    }[kind]
    return f"{what}; every row counts the same; 95 % intervals by bootstrap over rows."


def _where(kind: str) -> str:
    return {"all": "all rows", "again": "all rows", "held-out": "rows held out", "train": "rows learned from"}[kind]


def _metrics(report: dict[str, Any]) -> list[pages.Metric]:
    return [metric_of(report, key, told) for key, told in _METRICS.items() if report.get(key) is not None]


def _page(
    model: Any, report: dict[str, Any], learned: dict[str, Any], pictures: list[pages.Picture]
) -> pages.LinearReport:
    from firstlight.systems.table_folder import coefficient_rows

    summary, untested = _summary(model)
    return pages.LinearReport(
        metrics=_metrics(report),
        protocol=report["protocol"],
        facts={**_facts(model, learned), **summary},
        coefficients=coefficient_rows(model),
        notes=model.description["notes"],
        untested=untested,
        classes=report.get("classes", {}),
        pictures=pictures,
        passed_over=report["passed_over"],
    )


def _facts(model: Any, learned: dict[str, Any]) -> dict[str, str]:
    description = model.description
    rows, columns = description["rows"], description["columns"]
    texts = [f"{column['name']} ({len(column['levels'])} levels)" for column in columns if column["levels"]]
    numbers = [column["name"] for column in columns if not column["levels"]]
    found = {
        "Data": str((description.get("data") or {}).get("source", "not recorded")),
        "Target": description["target"] + (f": {', '.join(model.classes)}" if model.classifies else ", a number"),
        "Rows": f"{rows['table']:,}: {rows['train']:,} learned from, {rows['held_out']:,} held out",
        "Numbers": ", ".join(numbers) or "none",
        "Texts": ", ".join(texts) or "none",
        "Model": f"{model!r}, firstlight {description['versions']['firstlight']}, {description['date'][:10]}",
    }
    if learned:
        told = [f"{metric.name} {metric.value:{metric.form}}" for metric in _metrics(learned)]
        found["On the rows learned from"] = "; ".join(told)
    return found


def _summary(model: Any) -> tuple[dict[str, str], str]:
    """What a statistician asks of the whole model, or why it cannot be told."""
    settings = model.settings
    try:
        facts = model.summary().facts
    except FirstlightError as error:
        if settings["solver"] != "exact":
            return {}, "Standard errors need the exact solver: --solver exact."
        if settings["alpha"]:
            return {}, (
                f"No standard errors, tests or intervals: the penalty (alpha {settings['alpha']:g}) shrinks the "
                "coefficients. Train with --alpha 0 for them."
            )
        return {}, f"No standard errors. {error}"
    told = [
        f"{_FACTS.get(name, name.replace('_', ' '))} {value:,}"
        if isinstance(value, int)
        else f"{_FACTS.get(name, name.replace('_', ' '))} {value:.4g}"
        for name, value in facts.items()
        if name not in ("rows", "r_squared") and value == value
    ]
    return {"Fit to these rows": "; ".join(told)}, ""


def _print(title: str, report: dict[str, Any]) -> None:
    """The metrics with their intervals, how they were made, and which rows were left out."""
    print_metrics(title, _metrics(report), report["protocol"])
    told = report["passed_over"]
    for line in told[:_MOST_PRINTED]:
        click.echo(f"passed over: {line}", err=True)
    if len(told) > _MOST_PRINTED:
        click.echo(f"passed over: {len(told) - _MOST_PRINTED:,} more rows", err=True)


def _print_coefficients(model: Any) -> None:
    from rich.console import Console

    from firstlight.systems.table_folder import coefficient_rows

    rows = [row for row in coefficient_rows(model) if row["column"]]
    rows.sort(key=lambda row: -abs(row["standardized"]))
    classes = "class" in rows[0]
    table = make_table("Coefficients", "Term", *["Class"] * classes, "Coefficient", "Standardised", "p")
    for row in rows[:_MOST_PRINTED]:
        chance = row.get("p_value")
        told = "" if chance is None else "<0.0001" if chance < 1e-4 else f"{chance:.4f}"
        add_row(
            table,
            row["term"],
            *[row["class"]] if classes else [],
            f"{row['coefficient']:.4g}",
            f"{row['standardized']:.4g}",
            told,
        )
    console = Console()
    console.print(table)
    if len(rows) > _MOST_PRINTED:
        console.print(f"and {len(rows) - _MOST_PRINTED:,} smaller ones: coefficients.csv", style="dim", highlight=False)

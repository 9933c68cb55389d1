"""What a judgement leaves behind: a table on the screen, `metrics.json`, and a gallery that shows what it means.

Numbers are printed as papers print them, times 100.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from firstlight.cli.judging import Judgement
from firstlight.cli.records import write

__all__ = ["EACH_SECTION", "print_facts", "print_report", "publish", "remember", "rows", "write_gallery"]

# Metrics between 0 and 1 (CIDEr: 10), printed times 100. Any other number is printed as it is.
_PERCENT = {
    **{f"bleu_{order}": f"BLEU-{order}" for order in range(1, 5)},
    "rouge_l": "ROUGE-L",
    "meteor": "METEOR",
    "spice": "SPICE",
    "cider": "CIDEr",
    "cider_d": "CIDEr-D",
    "fact_precision": "Fact precision",
    "fact_recall": "Fact recall",
    "distinct": "Distinct captions",
    "accuracy": "Accuracy",
    "top_5": "Top-5 accuracy",
    "calibration_error": "Calibration error",
}
_FACTS = (
    "Precision: the share of what the captions claim that is true. Recall: the share of what a complete caption tells "
    "(each thing with its colour and number, and the place) that they tell."
)
EACH_SECTION = 20  # pictures in a section of the gallery: a page of some 2 MB


def publish(
    judgement: Judgement, folder: Path, title: str, *, quiet: bool = False, run: str | Path | None = None
) -> None:
    """Write `metrics.json` and by need `gallery.html`, or `confusion.png` and `report.html`; print the table unless
    `quiet`. `run` is the run folder, where that is not `folder`.
    """
    written = [folder / "metrics.json"]
    remember(written[0], judgement.key, judgement.report)
    if judgement.captions is not None:
        written.append(folder / "gallery.html")
        write_gallery(written[1], title, judgement)
    if "confusion" in judgement.report:
        from firstlight import plots

        written.append(folder / "confusion.png")
        plots.confusion(np.array(judgement.report["confusion"]), list(judgement.report["classes"]), written[-1])
    if judgement.answers is not None:
        from firstlight.cli.classifier_report import write_report

        written.append(folder / "report.html")
        write_report(judgement, Path(run or folder), written[-1], title)
    if not quiet:
        print_report(title, judgement.report)
        if "fact_kinds" in judgement.report:
            print_facts("Facts by kind, in percent", {judgement.split.name: judgement.report})
        click.echo(f"Written: {', '.join(map(str, written))}")


def rows(report: dict[str, Any]) -> list[tuple[str, float, float | None, float | None]]:
    """The numbers of a report as (name, value, low, high), named and scaled as they are printed."""
    found = []
    for key, value in report.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            scale = 100 if key in _PERCENT else 1
            low, high = report.get("intervals", {}).get(key, (None, None))
            limits = (None, None) if low is None or high is None else (scale * low, scale * high)
            found.append((_PERCENT.get(key, key.replace("_", " ").capitalize()), scale * value, *limits))
    return found


def print_report(title: str, report: dict[str, Any]) -> None:
    """The table of metrics with their intervals, and under it how they were made."""
    from rich.console import Console

    table = _table(title, "Metric", "Value", "95 % interval")
    for name, value, low, high in rows(report):
        table.add_row(name, f"{value:.1f}", "" if low is None else f"{low:.1f} to {high:.1f}")
    console = Console()
    console.print(table)
    console.print(report["protocol"], style="dim", highlight=False)


def print_facts(title: str, reports: Mapping[str, dict[str, Any]]) -> None:
    """The table of facts told of drawn scenes, by kind, in percent: precision and recall for each named report."""
    from rich.console import Console

    table = _table(title, "Facts", *(f"{name}\n{what}" for name in reports for what in ("precision", "recall")))
    kinds = dict.fromkeys(kind for report in reports.values() for kind in report["fact_kinds"])
    for kind in kinds:
        shares = [report["fact_kinds"].get(kind, {}) for report in reports.values()]
        table.add_row(kind, *(_percent(share.get(name)) for share in shares for name in ("precision", "recall")))
    table.add_section()
    names = ("fact_precision", "fact_recall")
    table.add_row("all", *(_percent(report[name]) for report in reports.values() for name in names), style="bold")
    limits = [report["intervals"][name] for report in reports.values() for name in names]
    table.add_row("95 % interval", *(f"{100 * low:.1f} to {100 * high:.1f}" for low, high in limits), style="dim")
    console = Console()
    console.print(table)
    console.print(_FACTS, style="dim", highlight=False)


def remember(path: Path, key: str, value: Any) -> None:
    """Put a value into a JSON file beside what is there under other keys."""
    there = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write(path, json.dumps({**there, key: value}, ensure_ascii=False, indent=1) + "\n")


def write_gallery(path: Path, title: str, judgement: Judgement) -> None:
    """The page of best, worst and random captions by CIDEr; every picture is in one section at most."""
    from firstlight import pages
    from firstlight.data.images import read
    from firstlight.metrics import cider

    split, captions = judgement.split, judgement.captions or []
    scores = cider([caption.text for caption in captions], split.captions).each
    order = [int(row) for row in np.argsort(-scores, kind="stable")]
    count = max(1, min(EACH_SECTION, len(order) // 3))
    best, rest = order[:count], order[count:]
    worst, middle = rest[::-1][:count], rest[: len(rest) - count] if len(rest) > count else []
    drawn = np.random.default_rng(0).permutation(len(middle))[:count]
    chosen = {"best": best, "worst": worst, "random": [middle[place] for place in drawn]}

    def example(row: int) -> pages.Example:
        words = [(word.text, word.probability) for word in captions[row].words]
        return pages.Example(
            split.names[row], read(split.images[row]), words, split.captions[row], 100 * float(scores[row])
        )

    sections = {name: [example(row) for row in picked] for name, picked in chosen.items() if picked}
    report = judgement.report
    pages.gallery(path, title, [pages.Metric(*row) for row in rows(report)], report["protocol"], sections)


def _table(title: str, first: str, *others: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"

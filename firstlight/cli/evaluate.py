"""`firstlight evaluate RUN`: metrics with intervals, `metrics.json`, and a gallery that shows what they mean.

Numbers are printed as papers print them, times 100, with a line that says how they were made.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from firstlight.errors import FirstlightError

__all__ = ["EACH_SECTION", "evaluate", "judge", "load_data", "protocol", "rows", "trained_on"]

# Metrics between 0 and 1 (CIDEr: 10), printed times 100. Any other number is printed as it is.
_PERCENT = {
    **{f"bleu_{order}": f"BLEU-{order}" for order in range(1, 5)},
    "rouge_l": "ROUGE-L",
    "meteor": "METEOR",
    "spice": "SPICE",
    "cider": "CIDEr",
    "cider_d": "CIDEr-D",
    "fact_precision": "Facts told that are true",
    "fact_recall": "Facts of the scene that are told",
    "distinct": "Distinct captions",
    "accuracy": "Accuracy",
}
EACH_SECTION = 20  # pictures in a section of the gallery: a page of some 2 MB


@click.command()
@click.argument("run", type=click.Path())
@click.argument("data", required=False)
@click.option("--split", default="validation", show_default=True, help="The part of the data to judge on.")
@click.option("--layout", help="How the captions of DATA are laid out, where it is not recognised.")
@click.option(
    "--beam", type=click.IntRange(1), default=3, show_default=True, help="Hypotheses kept side by side; 1 is greedy."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for metrics.json and gallery.html.  [default: RUN]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
def evaluate(
    run: str, data: str | None, split: str, layout: str | None, beam: int, out: Path | None, as_json: bool
) -> None:
    """Judge the system trained in the folder RUN on a split of DATA.

    DATA is a name or a path, by default what the system was trained on. Prints each metric with its 95 % interval
    and the protocol, and writes metrics.json and, for a captioner, a gallery of best, worst and random captions.
    """
    from firstlight import systems

    system = systems.load(run)
    source, known_layout = (data, layout) if data else trained_on(run)
    dataset = load_data(source, layout or known_layout)
    judge(
        system,
        dataset,
        split,
        Path(out or run),
        beam_width=beam,
        title=f"{run} on {dataset.name}, {split}",
        as_json=as_json,
    )


def load_data(source: str, layout: str | None) -> Any:
    """A data set by name or path; a layout is passed on only where one is given, for drawn data have none."""
    from firstlight import data

    return data.load(source) if layout is None else data.load(source, layout=layout)


def trained_on(run: str) -> tuple[str, str | None]:
    """The source and the layout of the data that a run was trained on, as its `system.json` tells."""
    record = json.loads(Path(run, "system.json").read_text(encoding="utf-8")).get("data")
    if not record or not record.get("source"):
        raise FirstlightError(
            f"Expected {run}/system.json to tell what the system was trained on. Received no source under 'data'. "
            "Name the data: firstlight evaluate RUN DATA."
        )
    return record["source"], record.get("layout")


def judge(
    system: Any, dataset: Any, split_name: str, folder: Path, *, beam_width: int, title: str, as_json: bool = False
) -> dict[str, Any]:
    """Evaluate a system on a split; print the table, and write `metrics.json` and for a captioner `gallery.html`."""
    split = dataset[split_name]
    captions = None
    if hasattr(system, "caption"):
        split, captions = _describe_split(system, split, beam_width)
        metrics = system.evaluate(split, beam_width=beam_width, captions=captions)
    else:
        metrics = system.evaluate(split)
    if captions is not None and "facts" in split.columns:
        metrics = {**metrics, **_facts(captions, split)}
    report = {"protocol": protocol(split, beam_width if captions is not None else None), **metrics}
    _remember(folder / "metrics.json", f"{dataset.name}/{split_name}", report)
    if captions is not None:
        _write_gallery(folder / "gallery.html", title, report, split, captions)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        _print_table(title, report)
        click.echo(
            f"Written: {folder / 'metrics.json'}" + (f", {folder / 'gallery.html'}" if captions is not None else "")
        )
    return report


def protocol(split: Any, beam_width: int | None) -> str:
    """How the numbers are made, in one line: images, references, tokens, split, beam, intervals."""
    parts = [f"{len(split):,} images of split {split.name}"]
    if "captions" in split.columns:
        counts = [len(captions) for captions in split.captions]
        each = str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        parts.append(f"{sum(counts):,} references ({each} an image)")
        parts.append("tokens are lower-cased runs of letters and digits")
    if beam_width is not None:
        parts.append(f"beam {beam_width}" if beam_width > 1 else "greedy")
    return "; ".join([*parts, "95 % intervals by bootstrap over images"]) + "."


def _describe_split(system: Any, split: Any, beam_width: int) -> tuple[Any, list[Any]]:
    """The captions of a split, and the split without the images that cannot be read, each told on standard error."""
    from firstlight.cli.caption import describe

    answers = describe(system, split.images, beam_width=beam_width)
    broken = [answer for answer in answers if isinstance(answer, FirstlightError)]
    for error in broken:
        click.echo(f"passed over: {error}", err=True)
    if not answers or len(broken) == len(answers):
        raise FirstlightError(
            f"Expected images in split {split.name!r}. Received {len(answers)}, none of them readable."
        )
    rows = [row for row, answer in enumerate(answers) if not isinstance(answer, FirstlightError)]
    return (split.take(rows) if broken else split), [answers[row] for row in rows]


def _facts(captions: Sequence[Any], split: Any) -> dict[str, float]:
    """How much of what the captions claim is true, and how much they tell of what a complete caption tells."""
    from firstlight.data.scenes import read_facts
    from firstlight.metrics import fact_scores

    claimed = [read_facts(caption.text) for caption in captions]
    true = fact_scores(claimed, [set(facts) for facts in split.column("true_facts")])
    told = fact_scores(claimed, [set(facts) for facts in split.column("facts")])
    return {"fact_precision": true["precision"], "fact_recall": told["recall"]}


def _remember(path: Path, key: str, report: dict[str, Any]) -> None:
    """Put a report into a JSON file beside those of other splits, which stay."""
    from firstlight.cli.records import write

    reports = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write(path, json.dumps({**reports, key: report}, ensure_ascii=False, indent=1) + "\n")


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


def _print_table(title: str, report: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("Metric")
    table.add_column("Value", justify="right", style="bold")
    table.add_column("95 % interval", justify="right")
    for name, value, low, high in rows(report):
        table.add_row(name, f"{value:.1f}", "" if low is None else f"{low:.1f} to {high:.1f}")
    console = Console()
    console.print(table)
    console.print(report["protocol"], style="dim", highlight=False)


def _write_gallery(path: Path, title: str, report: dict[str, Any], split: Any, captions: Sequence[Any]) -> None:
    """The page of best, worst and random captions by CIDEr; every picture is in one section at most."""
    import numpy as np

    from firstlight import pages
    from firstlight.data.images import read
    from firstlight.metrics import cider

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
    pages.gallery(path, title, [pages.Metric(*row) for row in rows(report)], report["protocol"], sections)

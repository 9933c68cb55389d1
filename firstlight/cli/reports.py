"""What a judgement leaves behind: a table on the screen, `metrics.json`, and a gallery that shows what it means.

Shares are printed as papers print them, times 100.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from firstlight import pages
from firstlight.cli.judging import Judgement
from firstlight.cli.records import write
from firstlight.cli.tables import add_row, make_table

__all__ = [
    *("EACH_SECTION", "metric_of", "metrics_of", "print_facts", "print_metrics", "publish", "remember"),
    "write_gallery",
]

# Metrics between 0 and 1 (CIDEr: 10), printed times 100.
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
# How each number is told: its name, what it is multiplied by, and its form. Any other is told by its name, as it is.
_METRICS: dict[str, tuple[str, float, str]] = {
    **{key: (name, 100, ".1f") for key, name in _PERCENT.items()},
    "log_loss": ("Log loss", 1, ".3f"),
    "squared_error": ("Squared error x 1000", 1000, ".3f"),
    "pca_squared_error": ("Of principal components x 1000", 1000, ".3f"),
    "ratio_to_pca": ("Error over theirs", 1, ".3f"),
    "psnr": ("Signal to noise, dB", 1, ".2f"),
    "ssim": ("Structural similarity", 1, ".3f"),
    "noisy_psnr": ("With noise, dB", 1, ".2f"),
    "denoised_psnr": ("Noise taken away, dB", 1, ".2f"),
    "denoising_gain": ("Gain by denoising, dB", 1, ".2f"),
    "bound": ("Bound of the log-likelihood, nats", 1, ",.1f"),
    "fit_nats": ("of it: fit, nats", 1, ",.1f"),
    "divergence_nats": ("of it: divergence, nats", 1, ",.1f"),
    "active_units": ("Active units, %", 100, ".0f"),
    "frechet_distance": ("Fréchet distance", 1, ".3f"),
    "frechet_halves": ("of two halves of the real", 1, ".3f"),
    "frechet_untrained": ("of an untrained generator", 1, ".2f"),
    "precision": ("Precision, %", 100, ".1f"),
    "recall": ("Recall, %", 100, ".1f"),
    "density": ("Density", 1, ".3f"),
    "coverage": ("Coverage, %", 100, ".1f"),
    "variety": ("Variety, of the real, %", 100, ".1f"),
    "nearest_ratio": ("Nearest training image, over that of held-out ones", 1, ".3f"),
    "nearer": ("Nearer than held-out ones, % of pairs", 100, ".1f"),
    "nearest_ratio_features": ("The same ratio in features", 1, ".3f"),
    "nearer_features": ("Nearer in features, % of pairs", 100, ".1f"),
    "largest_step": ("Largest step of a way over its mean step", 1, ".2f"),
    "realism": ("Middle of a way over a blend", 1, ".3f"),
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
    if hasattr(judgement.system, "generate"):
        from firstlight.cli import gan_report

        written.append(folder / "report.html")
        gan_report.write_report(judgement, Path(run or folder), written[-1], title)
    elif judgement.answers is not None:
        from firstlight.cli.classifier_report import write_report

        written.append(folder / "report.html")
        write_report(judgement, Path(run or folder), written[-1], title)
    elif judgement.system is not None:
        from firstlight.cli import autoencoder_report

        written.append(folder / "report.html")
        autoencoder_report.write_report(judgement, Path(run or folder), written[-1], title)
    if not quiet:
        print_metrics(title, metrics_of(judgement.report), judgement.report["protocol"])
        if "fact_kinds" in judgement.report:
            print_facts("Facts by kind, in percent", {judgement.split.name: judgement.report})
        click.echo(f"Written: {', '.join(map(str, written))}")


def metrics_of(report: Mapping[str, Any]) -> list[pages.Metric]:
    """The numbers of a report, named and scaled as they are printed."""
    return [
        metric_of(report, key, _METRICS.get(key) or (_in_words(key), 1, "," if isinstance(value, int) else ".4g"))
        for key, value in report.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def metric_of(report: Mapping[str, Any], key: str, told: tuple[str, float, str]) -> pages.Metric:
    """A number of a report with its interval; `told` is its name, what it is multiplied by, and its form."""
    name, scale, form = told
    low, high = report.get("intervals", {}).get(key) or (None, None)
    if low is None or high is None:
        return pages.Metric(name, scale * report[key], form=form)
    return pages.Metric(name, scale * report[key], scale * low, scale * high, form)


def print_metrics(title: str, metrics: Sequence[pages.Metric], protocol: str) -> None:
    """The table of metrics with their intervals, and under it how they were made."""
    from rich.console import Console

    table = make_table(title, "Metric", "Value", "95 % interval")
    for metric in metrics:
        between = "" if metric.low is None else f"{metric.low:{metric.form}} to {metric.high:{metric.form}}"
        add_row(table, metric.name, f"{metric.value:{metric.form}}", between)
    console = Console()
    console.print(table)
    console.print(protocol, style="dim", highlight=False, markup=False)


def print_facts(title: str, reports: Mapping[str, dict[str, Any]]) -> None:
    """The table of facts told of drawn scenes, by kind, in percent: precision and recall for each named report."""
    from rich.console import Console

    table = make_table(title, "Facts", *(f"{name}\n{what}" for name in reports for what in ("precision", "recall")))
    kinds = dict.fromkeys(kind for report in reports.values() for kind in report["fact_kinds"])
    for kind in kinds:
        shares = [report["fact_kinds"].get(kind, {}) for report in reports.values()]
        add_row(table, kind, *(_percent(share.get(name)) for share in shares for name in ("precision", "recall")))
    table.add_section()
    names = ("fact_precision", "fact_recall")
    add_row(table, "all", *(_percent(report[name]) for report in reports.values() for name in names), style="bold")
    limits = [report["intervals"][name] for report in reports.values() for name in names]
    add_row(table, "95 % interval", *(f"{100 * low:.1f} to {100 * high:.1f}" for low, high in limits), style="dim")
    console = Console()
    console.print(table)
    console.print(_FACTS, style="dim", highlight=False)


def remember(path: Path, key: str, value: Any) -> None:
    """Put a value into a JSON file beside what is there under other keys."""
    there = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write(path, json.dumps({**there, key: value}, ensure_ascii=False, indent=1) + "\n")


def write_gallery(path: Path, title: str, judgement: Judgement) -> None:
    """The page of best, worst and random captions by CIDEr; every picture is in one section at most."""
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
    pages.gallery(path, title, metrics_of(report), report["protocol"], sections)


def _in_words(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"

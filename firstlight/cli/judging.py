"""A trained system judged on a split: its captions, its metrics with intervals, and how the numbers were made.

Of drawn scenes, also how much of what the captions claim is true, and how much of each scene they tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from firstlight import metrics
from firstlight.cli.describing import describe_all
from firstlight.cli.progress import progress
from firstlight.data import Dataset, ImageError, Split
from firstlight.errors import FirstlightError

__all__ = ["Judgement", "fact_report", "judge", "protocol"]

_BATCH = 32


@dataclass(frozen=True)
class Judgement:
    """What was found on a split: the report, and for a captioner its caption of each image that could be read.

    Of a classifier, `system` is who answered and `answers` what it said of each image; of an autoencoder, `system` is
    set alone.
    """

    data: str
    split: Split
    captions: list[Any] | None
    report: dict[str, Any]
    system: Any = None
    answers: Any = None

    @property
    def key(self) -> str:
        """The name of the data and the split, under which `metrics.json` keeps the report."""
        return f"{self.data}/{self.split.name}"


def judge(system: Any, dataset: Dataset, split_name: str, *, beam_width: int) -> Judgement:
    """Describe a split where the system is a captioner, and evaluate; images that cannot be read are told."""
    split = dataset[split_name]
    if hasattr(system, "classify"):
        from firstlight.systems.classifier_judging import evaluate, judged

        answers = judged(system, split)
        report = {"protocol": protocol(split, None), **evaluate(system, split, answers)}
        return Judgement(dataset.name, split, None, report, system, answers)
    if hasattr(system, "generate"):
        from firstlight.cli.gan_report import judge_gan

        return judge_gan(system, dataset, split)
    if hasattr(system, "reconstruct"):
        told = f"{len(split):,} image{'s' if len(split) != 1 else ''} of split {split.name}; values from 0 to 1; 95 % "
        report = {"protocol": told + "intervals by bootstrap over images.", **system.evaluate(split)}
        return Judgement(dataset.name, split, None, report, system)
    if not hasattr(system, "caption"):
        return Judgement(dataset.name, split, None, {"protocol": protocol(split, None), **system.evaluate(split)})
    split, captions = _described(system, split, beam_width)
    report = {"protocol": protocol(split, beam_width)}
    report |= system.evaluate(split, beam_width=beam_width, captions=captions)
    if "facts" in split.columns:
        facts = fact_report([caption.text for caption in captions], split)
        report = {**report, **facts, "intervals": {**report.get("intervals", {}), **facts["intervals"]}}
    return Judgement(dataset.name, split, captions, report)


def protocol(split: Split, beam_width: int | None) -> str:
    """How the numbers are made, in one line: images, references, tokens, split, beam, intervals."""
    parts = [f"{len(split):,} image{'s' if len(split) != 1 else ''} of split {split.name}"]
    if "captions" in split.columns:
        counts = [len(captions) for captions in split.captions]
        each = str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        parts.append(f"{sum(counts):,} references ({each} an image)")
        parts.append("tokens are lower-cased runs of letters and digits")
    if beam_width is not None:
        parts.append(f"beam {beam_width}" if beam_width > 1 else "greedy")
    shares = "labels" in split.columns and "captions" not in split.columns
    return (
        "; ".join([*parts, "95 % intervals " + ("of shares (Wilson 1927)" if shares else "by bootstrap over images")])
        + "."
    )


def fact_report(texts: Sequence[str], split: Split) -> dict[str, Any]:
    """How much of what captions of drawn scenes claim is true, and how much they tell of what a complete caption tells.

    Returns `fact_precision`, `fact_recall`, their `intervals`, and `fact_kinds`: both numbers by kind of fact. A kind
    that nobody claims has no precision (None), one that no caption has to tell has no recall.
    """
    from firstlight.data.scenes import read_facts

    claimed = [read_facts(text) for text in texts]
    true = [set(facts) for facts in split.column("true_facts")]
    complete = [set(facts) for facts in split.column("facts")]
    scores = {
        "fact_precision": metrics.fact_precision(claimed, true),
        "fact_recall": metrics.fact_recall(claimed, complete),
    }
    precise, told = metrics.fact_scores(claimed, true)["kinds"], metrics.fact_scores(claimed, complete)["kinds"]
    kinds = {
        kind: {
            "precision": share["precision"] if share["claimed"] else None,
            "recall": told[kind]["recall"] if kind in told and told[kind]["true"] else None,
        }
        for kind, share in precise.items()
    }
    values = {name: score.value for name, score in scores.items()}
    return {**values, "fact_kinds": kinds, "intervals": metrics.bootstrap(scores)}


def _described(system: Any, split: Split, beam_width: int) -> tuple[Split, list[Any]]:
    """The captions of a split, and the split without the images that cannot be read, each told on standard error."""
    display = progress()
    answers = []
    try:
        done = display.task(f"describing {split.name}", len(split))
        for answer in describe_all(system, split.images, _BATCH, beam_width=beam_width):
            answers.append(answer)
            done(len(answers))
    finally:
        display.close()
    broken = [answer for answer in answers if isinstance(answer, ImageError)]
    for error in broken:
        click.echo(f"passed over: {error}", err=True)
    if len(broken) == len(answers):
        raise FirstlightError(
            f"Expected images in split {split.name!r}. Received {len(answers)}, none of them readable."
        )
    rows = [row for row, answer in enumerate(answers) if not isinstance(answer, ImageError)]
    return (split.take(rows) if broken else split), [answers[row] for row in rows]

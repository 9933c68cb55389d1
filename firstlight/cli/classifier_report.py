"""From a judged classifier to its report: which pictures, heats and figures the page shows.

Pictures are few and small, so that the page has a few megabytes whatever the data.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from firstlight import pages
from firstlight.cli.classifier_cards import Told, cases, has_regions
from firstlight.cli.judging import Judgement
from firstlight.cli.reports import metric_of

__all__ = ["checks_of", "history_of", "report_of", "write_report"]

_MATRIX = 30  # classes up to which there is a matrix
_PAIRS = 20  # pairs that are shown where there are more classes
_THUMBS = 240  # small pictures in all behind the matrix, and in the table of classes
_THUMB = 112  # pixels
_FILTERS = 48
_CLIMB = 48  # pixels: up to this side, it is seconds until a picture is found that excites a class
_CLASSES = 10  # for which such a picture is looked for
_METRICS = {
    "accuracy": ("Accuracy, %", 100, ".1f"),
    "top_5": ("Top-5 accuracy, %", 100, ".1f"),
    "calibration_error": ("Calibration error, %", 100, ".1f"),
    "log_loss": ("Log loss", 1, ".3f"),
}


def write_report(judgement: Judgement, run: Path, path: Path, title: str) -> None:
    """Write the report of a classifier; `run` is its folder, where its history and its checks stand."""
    pages.classifier_report(path, title, report_of(judgement, run))


def report_of(judgement: Judgement, run: Path) -> pages.ClassifierReport:
    """What the page tells of a judgement."""
    told = Told(judgement)
    classifier, report = judgement.system, judgement.report
    by_heat = has_regions(classifier)
    return pages.ClassifierReport(
        metrics=[metric_of(report, key, words) for key, words in _METRICS.items() if report.get(key) is not None],
        protocol=report["protocol"],
        summary=_summary(told),
        classes=_class_rows(told),
        pairs=list(_pairs(told)),
        matrix=told.matrix if len(told.classes) <= _MATRIX else None,
        checks=checks_of(run),
        heats=["Told class", "Other class"],
        mistakes=cases(told, told.mistakes(), by_heat),
        unsure=cases(told, told.unsure(), by_heat),
        calibration=_calibration(told),
        history=history_of(run),
        facts=_facts(classifier),
        inside=_inside(classifier),
        passed_over=report["passed_over"],
    )


def _summary(told: Told) -> str:
    """The result in a sentence or two."""
    wrong = int((told.true != told.told).sum())
    images = len(told.rows)
    if not wrong:
        return f"All {images:,} images were told rightly."
    text = f"{images - wrong:,} of {images:,} images were told rightly."
    off = told.matrix * (1 - np.eye(len(told.matrix), dtype=int))
    row, column = np.unravel_index(off.argmax(), off.shape)
    if off.max() > 1:
        text += (
            f" The most frequent mistake: {told.classes[row]} taken for {told.classes[column]}, {off.max():,} of "
            f"{told.matrix[row].sum():,}."
        )
    return text


def checks_of(run: Path) -> list[dict[str, Any]]:
    """The checks that `metrics.json` of a run folder keeps."""
    path = run / "metrics.json"
    found = json.loads(path.read_text(encoding="utf-8")).get("checks", []) if path.exists() else []
    return list(found)


def history_of(run: Path) -> dict[str, list[str]]:
    """The columns of `history.csv` of a run folder, as text."""
    path = run / "history.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


# -- classes -----------------------------------------------------------------------------------------------------------


def _class_rows(told: Told) -> list[pages.ClassRow]:
    learned = told.classifier.description.get("images_of_class", {})
    rows = [
        pages.ClassRow(
            label,
            learned.get(label),
            found["support"],
            (found["precision"], *found["precision_interval"]),
            (found["recall"], *found["recall_interval"]),
        )
        for label, found in told.report["classes"].items()
    ]
    judged = [place for place in range(len(rows)) if rows[place].support]
    # Of many classes, those have pictures that are told worst.
    worst = sorted(judged, key=lambda place: rows[place].recall[0] or 0.0)[: _THUMBS // 4]
    chosen = {place: np.nonzero(told.true == place)[0][:4].tolist() for place in worst}
    examples: dict[int, list[np.ndarray]] = {}
    for answer, picture in told.images([answer for some in chosen.values() for answer in some], _THUMB):
        examples.setdefault(int(told.true[answer]), []).append(picture)
    rows = [
        pages.ClassRow(row.label, row.learned, row.support, row.precision, row.recall, examples.get(place, ()))
        for place, row in enumerate(rows)
    ]
    return (
        rows if len(rows) <= _MATRIX else sorted(rows, key=lambda row: 2.0 if row.recall[0] is None else row.recall[0])
    )


def _pairs(told: Told) -> Iterator[pages.Pair]:
    """Classes taken for others, the most frequent first, with the surest pictures of each."""
    wrong = np.nonzero(told.true != told.told)[0]
    counts = Counter(zip(told.true[wrong].tolist(), told.told[wrong].tolist(), strict=True)).most_common()
    pairs = counts if len(told.classes) <= _MATRIX else counts[:_PAIRS]
    most = _THUMBS if told.large else 4 * _THUMBS  # tiny pictures take tiny files
    each = max(1, min(8, most // max(len(pairs), 1)))
    answers: dict[tuple[int, int], list[int]] = {pair: [] for pair, _ in pairs}
    for answer in wrong[np.argsort(-told.sure[wrong], kind="stable")].tolist():
        some = answers.get((int(told.true[answer]), int(told.told[answer])))
        if some is not None and len(some) < each:
            some.append(answer)
    chosen = [answer for some in answers.values() for answer in some][:most]
    pictures = dict(told.images(chosen, _THUMB))
    for (true, guess), count in pairs:
        shown = [answer for answer in answers[true, guess] if answer in pictures]
        yield pages.Pair(
            told.classes[true],
            told.classes[guess],
            count,
            [(told.name(answer), pictures[answer], float(told.sure[answer])) for answer in shown],
        )


def _calibration(told: Told) -> tuple[np.ndarray, ...]:
    from firstlight.metrics import calibration_curve

    curve = calibration_curve(told.true, told.shares)
    return curve.predicted, curve.observed, curve.low, curve.high, curve.counts


# -- the network -------------------------------------------------------------------------------------------------


def _facts(classifier: Any) -> dict[str, str]:
    """Network, data and settings, as `system.json` has them."""
    description = classifier.description
    height, width, channels = classifier.shape
    changed = [
        f"{name} {value}"
        for name, value in classifier.settings.items()
        if name != "architecture" and value != signature(type(classifier)).parameters[name].default
    ]
    training = description["training"]
    epochs = f"{description.get('epochs_done', training['epochs'])}"
    facts = {
        "Network": f"{classifier.chosen}, {classifier.network.count_params():,} weights",
        "Images": f"{height} x {width} pixels, {'grey' if channels == 1 else 'in colour'}",
        "Data": str((description.get("data") or {}).get("source", "not recorded")),
        "Learned from": f"{description['train_images']:,} images of {len(classifier.classes):,} classes; "
        f"{description['validation_images']:,} held out to choose the best epoch",
        "Epochs": epochs,
        "Other than by default": ", ".join(changed) or "nothing",
        "Seed": str(training["seed"]),
        "Precision": str(description.get("precision", "float32")),
        "Date": str(description["date"])[:16].replace("T", " "),
        "Versions": ", ".join(f"{name} {number}" for name, number in description["versions"].items()),
    }
    if "seconds" in description:
        facts["Time"] = f"{description['seconds']:,.0f} seconds, data and all"
    return facts


def _inside(classifier: Any) -> list[pages.Gallery]:
    """The first weights, and for a small network of one's own what excites each class."""
    from firstlight.systems.classifier_preparation import OWN
    from firstlight.systems.classifier_units import exciting

    filters = classifier.filters()
    named = filters.layer == "logits"
    colours = "Grey is zero." if filters.weights.shape[-1] == 3 else "Orange speaks for it, blue against."
    what = "What each pixel says for a class." if named else f"The first weights of {filters.layer!r}."
    strongest = np.argsort(-np.square(filters.weights).sum((1, 2, 3)), kind="stable")
    places = list(range(len(filters.names)))[:_FILTERS] if named else strongest[:_FILTERS].tolist()
    names = [filters.names[place] for place in places] if named else []
    found = [pages.Gallery("First weights", f"{what} {colours}", [filters.pictures[place] for place in places], names)]
    if classifier.chosen in OWN and max(classifier.shape[:2]) <= _CLIMB:
        labels = classifier.classes[:_CLASSES]
        pictures = [each.picture for each in exciting(classifier, "logits", labels, 64, 0)]
        text = "Pictures that were changed from noise until their class had as high a logit as could be found."
        colour = [np.repeat(each, 3, -1) if each.shape[-1] == 1 else each for each in pictures]
        found.append(pages.Gallery("What excites each class", text, colour, labels))
    return found

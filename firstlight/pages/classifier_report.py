"""The report of a classifier: how well it does, what it gets wrong and why, how it learned, and what is inside.

What it shows is given; nothing is computed here but places in charts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.pages import cases, charts, class_tables
from firstlight.pages.cases import Case, cards, picture, toggle
from firstlight.pages.charts import calibration_chart, line_chart
from firstlight.pages.class_tables import ClassRow, Pair, class_table, confusions
from firstlight.pages.document import Metric, metric_list, not_judged, shape_style, write_document

__all__ = [
    *("STYLE", "ClassifierReport", "Gallery", "check_list", "classifier_report", "facts_table", "gallery_section"),
    *("numbers", "passed_over"),
]

_MARKS = {True: ("ok", "passed"), False: ("ALARM", "alarm"), None: ("?", "unsure")}


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures in a row with a heading and a line of text; `names` stand below them, where there are any."""

    title: str
    text: str
    pictures: Sequence[np.ndarray]
    names: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class ClassifierReport:
    """What the page tells.

    Args:
        metrics: the figures at its head; `protocol` says how they were made.
        summary: the result in a sentence or two.
        checks: `name`, `passed` (None where nobody can tell) and `message` of each check against silent failure.
        heats: names of the heats that cards have, in the order of the buttons.
        mistakes: what was told wrongly, the surest first.
        unsure: what was told rightly, the least sure first.
        classes: a row each.
        matrix: counts (classes, classes), rows true, or None for too many classes.
        pairs: classes that were taken for others, the most frequent first.
        calibration: predicted, observed, low, high and counts, (bins,) each.
        history: columns of the training by epoch.
        facts: network, data and settings, by name.
        inside: filters, and what excites each class.
        passed_over: images that were not judged, and why.
    """

    metrics: Sequence[Metric]
    protocol: str
    summary: str
    classes: Sequence[ClassRow]
    pairs: Sequence[Pair]
    matrix: np.ndarray | None = None
    checks: Sequence[Mapping[str, Any]] = ()
    heats: Sequence[str] = ()
    mistakes: Sequence[Case] = ()
    unsure: Sequence[Case] = ()
    calibration: tuple[np.ndarray, ...] | None = None
    history: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    inside: Sequence[Gallery] = ()
    passed_over: Sequence[str] = ()


def classifier_report(path: str | Path, title: str, report: ClassifierReport) -> None:
    """Write the report as one HTML file.

    Args:
        path: the file.
        title: its heading, for example `runs/digits on digits, test`.
        report: what it tells.
    """
    parts = {
        "Mistakes": _mistakes(report),
        "Classes": f"<h2>Each class</h2>\n{class_table(report.classes)}",
        "Confusions": _confusions(report),
        "Calibration": _calibration(report),
        "Least sure": _unsure(report),
        "Training": _training(report),
        "Inside": "".join(map(gallery_section, report.inside)),
        "Passed over": passed_over(report.passed_over),
    }
    parts = {name: text for name, text in parts.items() if text}
    links = "".join(f'<a href="#part{number}">{name}</a>' for number, name in enumerate(parts))
    sections = "".join(f'<section id="part{number}">{text}</section>\n' for number, text in enumerate(parts.values()))
    summary = f'<p class="summary">{escape(report.summary)}</p>\n' if report.summary else ""
    write_document(
        path,
        title,
        report.protocol,
        check_list(report.checks) + metric_list(report.metrics) + summary,
        f'<nav aria-label="Parts of the report">{links}{toggle(report.heats)}</nav>\n{sections}',
        _FOOTER,
        style=shape_style(case.picture for case in [*report.mistakes, *report.unsure])
        + cases.STYLE
        + charts.STYLE
        + class_tables.STYLE
        + STYLE,
        script=cases.SCRIPT + class_tables.SCRIPT,
    )


def check_list(checks: Sequence[Mapping[str, Any]]) -> str:
    """Checks against silent failure as HTML: `name`, `passed` (None where nobody can tell) and `message` of each."""
    lines = []
    for check in checks:
        word, kind = _MARKS[check["passed"]]
        told = f"{escape(str(check['name']))}: {escape(str(check['message']))}"
        lines.append(f'<li class="{kind}"><b>{word}</b><span>{told}</span></li>\n')
    return f'<ul class="checks">{"".join(lines)}</ul>\n' if lines else ""


def _mistakes(report: ClassifierReport) -> str:
    if not report.mistakes:
        return "<h2>Mistakes</h2>\n<p>There are none.</p>\n"
    why = (
        " The buttons above show which parts of a picture speak for the class that it was told as, and which for the "
        "true one."
        if report.heats
        else ""
    )
    return (
        f'<h2>The surest mistakes</h2>\n<p class="note lead">First those that it was surest of.{why}</p>\n'
        f"{cards(report.mistakes, report.heats)}"
    )


def _unsure(report: ClassifierReport) -> str:
    if not report.unsure:
        return ""
    return (
        '<h2>Right, and least sure</h2>\n<p class="note lead">Told rightly, with little to spare; the other class of '
        f"the buttons is here the runner-up.</p>\n{cards(report.unsure, report.heats)}"
    )


def _confusions(report: ClassifierReport) -> str:
    if report.matrix is None and not report.pairs:
        return ""
    heading = "Which class was taken for which"
    if report.matrix is None:
        heading = f"The {len(report.pairs)} most frequent confusions" if len(report.pairs) > 1 else "The only confusion"
    labels = [row.label for row in report.classes]
    return f"<h2>{heading}</h2>\n{confusions(report.matrix, labels, report.pairs)}"


def _calibration(report: ClassifierReport) -> str:
    if report.calibration is None:
        return ""
    return (
        "<h2>Can its probabilities be taken at their word?</h2>\n"
        '<p class="note lead">Points on the dotted line: what it tells with 80 % is right 8 times in 10. Below the '
        "line it is too sure, above not sure enough. The bars tell how often each probability occurs; lines are 95 % "
        f'intervals.</p>\n<div class="charts">{calibration_chart(*report.calibration)}</div>\n'
    )


def _training(report: ClassifierReport) -> str:
    history = report.history
    losses = {"training": history.get("loss", []), "held out": history.get("validation_loss", [])}
    drawn = line_chart({name: numbers(values) for name, values in losses.items()}, "Loss")
    drawn += line_chart({"held out": numbers(history.get("accuracy", []))}, "Accuracy, %", percent=True)
    table = facts_table(report.facts)
    if not (drawn or table):
        return ""
    return f'<h2>How it was trained</h2>\n<div class="charts">{drawn}</div>\n{table}'


def facts_table(facts: Mapping[str, str]) -> str:
    """Network, data and settings by name, as HTML; nothing where there are none."""
    rows = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(text)}</td></tr>\n" for name, text in facts.items()
    )
    return f'<div class="wide"><table class="facts">{rows}</table></div>\n' if rows else ""


def numbers(values: Sequence[Any]) -> list[float | None]:
    """Values as they are in a table of text; what is missing is None."""
    return [None if value in (None, "") else float(value) for value in values]


def gallery_section(gallery: Gallery) -> str:
    """A gallery with its heading, as HTML."""
    names = list(gallery.names) or [""] * len(gallery.pictures)
    shown = "".join(
        f"<span>{picture(image, 192, name)}{f'<small>{escape(name)}</small>' if name else ''}</span>"
        for image, name in zip(gallery.pictures, names, strict=True)
    )
    return (
        f'<h2>{escape(gallery.title)}</h2>\n<p class="note lead">{escape(gallery.text)}</p>\n'
        f'<div class="thumbs large inside">{shown}</div>\n'
    )


def passed_over(told: Sequence[str]) -> str:
    """Images that were not judged and why, as HTML behind a line that opens."""
    return f"<h2>Passed over</h2>\n{not_judged(told, 'image')}" if told else ""


STYLE = """
html { scroll-padding-top: 72px; }
section { padding-bottom: 20px; }
nav a { color: var(--ink); text-decoration: none; font-size: 15px; padding: 4px 2px; margin-right: 12px;
  border-bottom: 2px solid transparent; }
nav a:hover { border-color: var(--accent); }
nav .toggle { margin-left: auto; } nav { z-index: 3; }
.cases { grid-template-columns: repeat(auto-fill, minmax(min(100%, 210px), 1fr)); }
.lead { margin: -6px 0 14px; }
.summary { font: 500 clamp(18px, 2.2vw, 22px)/1.45 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif;
  max-width: 62ch; margin: 0 0 18px; }
.checks { list-style: none; margin: 0 0 24px; padding: 0; font-size: 14.5px; display: grid; gap: 6px 18px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.checks li { padding: 5px 12px; border-left: 4px solid var(--accent); background: var(--card); }
.checks li { display: flex; } .checks b { flex: 0 0 64px; }
.checks .passed b { color: var(--accent); }
.checks .alarm { border-color: var(--wrong); } .checks .alarm b { color: var(--wrong); }
.checks .unsure { border-color: var(--soft); }
.facts th, .facts td { text-align: left; vertical-align: top; padding: 6px 24px 6px 0; font-weight: 400;
  border-bottom: 1px solid var(--line); }
.facts { margin-top: 22px; } .facts th { color: var(--soft); white-space: nowrap; }
.facts td { overflow-wrap: anywhere; }
.inside span { display: block; } .thumbs.inside img { width: 96px; height: 96px; }
details { margin: 0; } summary { cursor: pointer; }
@media (max-width: 700px) { nav { position: static; } nav .toggle { margin: 6px 0 0; flex-basis: 100%; }
  dl div { border: 0; margin: 0; } .cases { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px; } }
@media print { nav { display: none; } article { break-inside: avoid; } }
"""

_FOOTER = """Intervals hold 95 % (Wilson 1927). Heats are Grad-CAM (Selvaraju et al. 2017) where the network has
regions, else gradients with respect to the pixels (Simonyan et al. 2014). They show what an answer depends on, not
whether it is right."""

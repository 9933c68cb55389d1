"""The report of an autoencoder: what comes back of pictures and what does not, its map, its ways and its samples.

What it shows is given; nothing is computed here but places in charts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.pages import cases, charts, class_tables
from firstlight.pages.cases import picture
from firstlight.pages.charts import line_chart
from firstlight.pages.classifier_report import STYLE as REPORT_STYLE
from firstlight.pages.classifier_report import (
    Gallery,
    check_list,
    facts_table,
    gallery_section,
    numbers,
    passed_over,
)
from firstlight.pages.document import Metric, data_uri, metric_list, write_document

__all__ = ["AutoencoderReport", "PictureRows", "autoencoder_report"]

_SHOWN = 192  # pixels of a picture in a row


@dataclass(frozen=True, eq=False)
class PictureRows:
    """Pictures in rows that belong together, column by column, with a heading and a line of text.

    `rows` gives to each name a row of pictures (height, width, 3); `below` are texts under the last row, by need.
    """

    title: str
    text: str
    rows: Mapping[str, Sequence[np.ndarray]]
    below: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class AutoencoderReport:
    """What the page tells.

    Args:
        metrics: the figures at its head; `protocol` says how they were made.
        summary: the result in a sentence or two.
        checks: `name`, `passed` and `message` of each check against silent failure.
        parts: rows of pictures, each a part of the page.
        spectrum: by name the error for 1, 2, ... principal components, and its own as a line beside it.
        code_map: the map of the codes, a picture, with a line of text.
        samples: pictures that were drawn.
        history: columns of the training by epoch.
        facts: network, data and settings, by name.
        passed_over: images that were not judged, and why.
    """

    metrics: Sequence[Metric]
    protocol: str
    summary: str
    checks: Sequence[Mapping[str, Any]] = ()
    parts: Sequence[PictureRows] = ()
    spectrum: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    code_map: tuple[np.ndarray, str] | None = None
    samples: Gallery | None = None
    history: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    passed_over: Sequence[str] = ()


def autoencoder_report(path: str | Path, title: str, report: AutoencoderReport) -> None:
    """Write the report as one HTML file.

    Args:
        path: the file.
        title: its heading, for example `runs/faces on faces, test`.
        report: what it tells.
    """
    parts = {part.title: _rows(part) for part in report.parts}
    parts |= {
        "Beside principal components": _spectrum(report.spectrum),
        "Map": _map(report.code_map),
        "Samples": "" if report.samples is None else gallery_section(report.samples),
        "Training": _training(report),
        "Passed over": passed_over(report.passed_over),
    }
    parts = {name: text for name, text in parts.items() if text}
    links = "".join(f'<a href="#part{number}">{escape(name)}</a>' for number, name in enumerate(parts))
    sections = "".join(f'<section id="part{number}">{text}</section>\n' for number, text in enumerate(parts.values()))
    write_document(
        path,
        title,
        report.protocol,
        check_list(report.checks) + metric_list(report.metrics) + f'<p class="summary">{escape(report.summary)}</p>\n',
        f'<nav aria-label="Parts of the report">{links}</nav>\n{sections}',
        _FOOTER,
        style=cases.STYLE + charts.STYLE + class_tables.STYLE + REPORT_STYLE + _STYLE,
    )


def _rows(part: PictureRows) -> str:
    lines = []
    for name, pictures in part.rows.items():
        cells = "".join(f"<td>{picture(each, _SHOWN, name)}</td>" for each in pictures)
        lines.append(f"<tr><th scope=row>{escape(name)}</th>{cells}</tr>\n")
    if part.below:
        cells = "".join(f"<td>{escape(text)}</td>" for text in part.below)
        lines.append(f'<tr class="below"><th></th>{cells}</tr>\n')
    return (
        f'<h2>{escape(part.title)}</h2>\n<p class="note lead">{escape(part.text)}</p>\n'
        f'<div class="wide"><table class="rows">{"".join(lines)}</table></div>\n'
    )


def _spectrum(spectrum: Mapping[str, Sequence[float | None]]) -> str:
    if not spectrum:
        return ""
    drawn = line_chart(spectrum, "Squared error times 1,000", below="numbers a picture")
    return (
        "<h2>Beside principal components</h2>\n"
        '<p class="note lead">What is lost of pictures that training has not seen, by how many numbers a picture is '
        "written as. Principal components are the best that a matrix can do.</p>\n"
        f'<div class="charts">{drawn}</div>\n'
    )


def _map(code_map: tuple[np.ndarray, str] | None) -> str:
    if code_map is None:
        return ""
    image, text = code_map
    return (
        f'<h2>Map of the codes</h2>\n<p class="note lead">{escape(text)}</p>\n'
        f'<img class="map" src="{data_uri(image, max(image.shape[:2]))}" alt="Pictures where their codes lie">\n'
    )


def _training(report: AutoencoderReport) -> str:
    history = report.history
    losses = {"training": history.get("loss", []), "held out": history.get("val_loss", [])}
    drawn = line_chart({name: numbers(values) for name, values in losses.items()}, "Loss")
    error = [None if value is None else 1000 * value for value in numbers(history.get("squared_error", []))]
    drawn += line_chart({"held out": error}, "Squared error times 1,000")
    table = facts_table(report.facts)
    if not (drawn or table):
        return ""
    return f'<h2>How it was trained</h2>\n<div class="charts">{drawn}</div>\n{table}'


_STYLE = """
.wide { overflow-x: auto; }
.rows { border-spacing: 6px; border-collapse: separate; margin-left: -6px; }
.rows th { font-weight: 400; font-size: 14px; color: var(--soft); text-align: left; padding-right: 14px;
  min-width: 96px; }
.rows td { padding: 0; font-size: 12px; color: var(--soft); text-align: center; }
.rows img { display: block; width: 88px; height: auto; border-radius: 3px; }
.rows .pixels { image-rendering: pixelated; }
.map { display: block; width: min(100%, 1100px); border-radius: 6px; }
"""

_FOOTER = """Errors are mean squared differences of values from 0 to 1. Intervals hold 95 % (bootstrap over pictures).
Realism is the distance of the middle of a way to the nearest other picture, as a share of that of a plain blend."""

"""The report of a GAN: its pictures, how they came to be, their nearest training images, and what they are worth.

What it shows is given; nothing is computed here but places in charts.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.pages import cases, charts
from firstlight.pages.cases import picture
from firstlight.pages.charts import line_chart
from firstlight.pages.classifier_report import STYLE as REPORT_STYLE
from firstlight.pages.classifier_report import check_list, facts_table, numbers, passed_over
from firstlight.pages.document import Metric, metric_list, write_document

__all__ = ["GanReport", "PictureTable", "gan_report"]

_SHOWN = 192  # pixels of a picture in a table


@dataclass(frozen=True, eq=False)
class PictureTable:
    """Pictures in rows that belong together, with a heading and a line of text.

    `rows` gives to each name a row of pictures (height, width, 3); a name may be empty.
    """

    title: str
    text: str
    rows: Sequence[tuple[str, Sequence[np.ndarray]]]


@dataclass(frozen=True, eq=False)
class GanReport:
    """What the page tells.

    Args:
        metrics: the figures at its head; `protocol` says how they were made.
        summary: the result in a sentence or two.
        checks: `name`, `passed` and `message` of each check of the figures.
        tables: pictures in rows, each a part of the page.
        film: the bytes of a GIF of the pictures of all epochs.
        shares: of each class in what was drawn, where a classifier tells.
        history: columns of the training by epoch.
        facts: networks, data and settings, by name.
        passed_over: images that were not judged, and why.
    """

    metrics: Sequence[Metric]
    protocol: str
    summary: str
    checks: Sequence[Mapping[str, Any]] = ()
    tables: Sequence[PictureTable] = ()
    film: bytes = b""
    shares: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    passed_over: Sequence[str] = ()


def gan_report(path: str | Path, title: str, report: GanReport) -> None:
    """Write the report as one HTML file.

    Args:
        path: the file.
        title: its heading, for example `runs/digits on mnist, test`.
        report: what it tells.
    """
    parts = {table.title: _table(table) for table in report.tables}
    parts |= {
        "Film": _film(report.film),
        "Classes": _shares(report.shares),
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
        style=cases.STYLE + charts.STYLE + REPORT_STYLE + _STYLE,
    )


def _table(table: PictureTable) -> str:
    named = any(name for name, _ in table.rows)
    lines = []
    for name, pictures in table.rows:
        head = f"<th scope=row>{escape(name)}</th>" if named else ""
        cells = "".join(f"<td>{picture(each, _SHOWN, name or table.title)}</td>" for each in pictures)
        lines.append(f"<tr>{head}{cells}</tr>\n")
    return (
        f'<h2>{escape(table.title)}</h2>\n<p class="note lead">{escape(table.text)}</p>\n'
        f'<div class="wide"><table class="drawn">{"".join(lines)}</table></div>\n'
    )


def _film(film: bytes) -> str:
    if not film:
        return ""
    uri = "data:image/gif;base64," + base64.b64encode(film).decode("ascii")
    return (
        '<h2>How they came to be</h2>\n<p class="note lead">The same random numbers after each epoch.</p>\n'
        f'<img class="film pixels" src="{uri}" alt="Pictures drawn from the same random numbers, epoch by epoch">\n'
    )


def _shares(shares: Mapping[str, float]) -> str:
    if not shares:
        return ""
    most = max(shares.values())
    rows = "".join(
        f'<tr><th scope=row>{escape(name)}</th><td class="bar"><i style="width:{100 * share / most:.1f}%"></i></td>'
        f"<td>{share:.1%}</td></tr>\n"
        for name, share in shares.items()
    )
    return (
        '<h2>Classes</h2>\n<p class="note lead">What the classifier takes the drawn pictures for.</p>\n'
        f'<table class="shares">{rows}</table>\n'
    )


def _training(report: GanReport) -> str:
    def column(name: str) -> list[float | None]:
        return numbers(report.history.get(name, []))

    drawn = line_chart({"held-out pictures": column("frechet_distance")}, "Fréchet distance")
    drawn += line_chart(
        {"real": column("real_accuracy"), "drawn": column("fake_accuracy")},
        "Told rightly by the discriminator, %",
        percent=True,
    )
    losses = {"generator": column("generator_loss"), "discriminator": column("discriminator_loss")}
    drawn += line_chart(losses, "Losses")
    drawn += line_chart({"of that of real pictures": column("variety")}, "Variety, %", percent=True)
    table = facts_table(report.facts)
    if not (drawn or table):
        return ""
    return f'<h2>How it was trained</h2>\n<div class="charts">{drawn}</div>\n{table}'


_STYLE = """
.drawn { border-spacing: 4px; border-collapse: separate; margin-left: -4px; }
.drawn th { font-weight: 400; font-size: 14px; color: var(--soft); text-align: left; padding-right: 14px;
  min-width: 70px; }
.drawn td { padding: 0; }
.drawn img { display: block; width: 64px; height: auto; border-radius: 3px; }
.pixels { image-rendering: pixelated; }
.film { display: block; width: min(100%, 620px); border-radius: 6px; }
.shares { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
.shares th { font-weight: 400; text-align: left; padding: 3px 14px 3px 0; }
.shares td { padding: 3px 0 3px 10px; } .shares .bar { width: min(46vw, 380px); padding: 3px 0; }
.shares i { display: block; height: 14px; border-radius: 2px; background: var(--accent); }
nav a { white-space: nowrap; }
"""

_FOOTER = """The Fréchet distance is that of two normal distributions fitted to features (Heusel et al. 2017). It
depends on the feature space and on the number of pictures: compare it only with those beside it. Precision and
recall: Kynkäänniemi et al. 2019. Density and coverage: Naeem et al. 2020."""

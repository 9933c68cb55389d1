"""The report of a linear model of a table: how well it predicts, its coefficients, and the figures that explain it.

What it shows is given; nothing is computed here but the length of bars.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from firstlight.pages.document import Metric, metric_list, not_judged, png_uri, write_document

__all__ = ["LinearReport", "Picture", "linear_report"]

_HEADS = {
    "term": "Term",
    "class": "Class",
    "coefficient": "Coefficient",
    "standardized": "Standardised",
    "standard_error": "Standard error",
    "t": "t",
    "z": "z",
    "p_value": "p",
    "interval": "95 % interval",
}
_SHOWN = 30  # rows of coefficients before the reader asks for more


@dataclass(frozen=True)
class Picture:
    """A figure that was drawn, a PNG file, with a line below it."""

    title: str
    file: Path
    caption: str


@dataclass(frozen=True)
class LinearReport:
    """What the page tells.

    Args:
        metrics: the figures at its head; `protocol` says how they were made.
        facts: lines about data, target and settings, by name.
        notes: what the reader has to know about them.
        coefficients: rows as of `coefficients.csv`, by size; a row has `term`, `coefficient`, `standardized`, and
            where they exist `class`, `standard_error`, `t` or `z`, `p_value`, `low` and `high`.
        untested: why there are no standard errors, where there are none.
        classes: of each class its rows, precision and recall with intervals.
        pictures: figures, in order.
        passed_over: rows that were not judged, and why.
    """

    metrics: Sequence[Metric]
    protocol: str
    facts: Mapping[str, str]
    coefficients: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
    untested: str = ""
    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    passed_over: Sequence[str] = ()


def linear_report(path: str | Path, title: str, report: LinearReport) -> None:
    """Write the report as one HTML file.

    Args:
        path: the file.
        title: its heading, for example `runs/price`.
        report: what it tells.
    """
    main = [_facts(report), _classes(report.classes), _pictures(report.pictures), _coefficients(report)]
    write_document(
        path, title, report.protocol, metric_list(report.metrics), "".join(main), _FOOTER, style=_STYLE, script=""
    )


def _facts(report: LinearReport) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>\n" for name, text in report.facts.items())
    return (
        f'<section><h2>Data and model</h2>\n<table class="facts">{rows}</table>\n'
        f"{_list(report.notes)}{not_judged(report.passed_over, 'row')}</section>\n"
    )


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>\n" if lines else ""


def _classes(classes: Mapping[str, Mapping[str, Any]]) -> str:
    if not classes:
        return ""
    lines = []
    for name, told in classes.items():
        cells = [_share(told, "precision"), _share(told, "recall")]
        area = told.get("roc_auc")
        cells.append("–" if area is None else f"{area:.3f}")
        shares = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f"<tr><th>{escape(name)}</th><td>{told['support']:,}</td>{shares}</tr>\n")
    names = ("Rows", "Precision, %", "Recall, %", "ROC AUC")
    head = f'<tr><th class="name">Class</th>{"".join(f"<th>{name}</th>" for name in names)}</tr>'
    return (
        '<section><h2>Each class</h2>\n<div class="wide"><table class="numbers"><thead>'
        f"{head}</thead><tbody>{''.join(lines)}</tbody></table></div></section>\n"
    )


def _share(told: Mapping[str, Any], name: str) -> str:
    """A share in percent with its interval; nothing where no row decides it."""
    if told.get(name) is None:
        return "–"
    low, high = told[f"{name}_interval"]
    return f"{100 * told[name]:.1f} <small>{100 * low:.1f} to {100 * high:.1f}</small>"


def _pictures(pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    return f'<section><h2>Figures</h2>\n<div class="figures">{"".join(map(_picture, pictures))}</div></section>\n'


def _picture(picture: Picture) -> str:
    return (
        f'<figure><img src="{png_uri(picture.file.read_bytes())}" alt="{escape(picture.title)}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>\n"
    )


def _coefficients(report: LinearReport) -> str:
    rows = report.coefficients
    if not rows:
        return ""
    there = {*rows[0], *(["interval"] if "low" in rows[0] else [])}
    names = [name for name in _HEADS if name in there]
    longest = max((abs(row["standardized"] or 0) for row in rows), default=0) or 1
    lines = [_row(row, names, longest) for row in rows]
    heads = "".join(f"<th{_named(name)}>{_HEADS[name]}</th>" for name in names)
    shown = _TABLE.format(heads, "".join(lines[:_SHOWN]))
    if len(lines) > _SHOWN:
        rest = _TABLE.format(heads, "".join(lines[_SHOWN:]))
        shown += f"<details><summary>{len(lines) - _SHOWN:,} smaller ones</summary>{rest}</details>\n"
    untested = f'<p class="aside">{escape(report.untested)}</p>\n' if report.untested else ""
    return f'<section><h2>Coefficients</h2>\n<p class="aside">{_EXPLAINED}</p>\n{untested}{shown}</section>\n'


def _named(name: str) -> str:
    return ' class="name"' if name in ("term", "class") else ""


def _row(row: Mapping[str, Any], names: Sequence[str], longest: float) -> str:
    cells = []
    for name in names:
        if name in ("term", "class"):
            cells.append(f"<th>{escape(str(row[name]))}</th>")
        elif name == "standardized":
            cells.append(f"<td>{_bar(row[name], longest)}</td>")
        elif name == "interval":
            cells.append(f"<td>{_number(row.get('low'))} to {_number(row.get('high'))}</td>")
        else:
            cells.append(f"<td>{_told(name, row.get(name))}</td>")
    return f"<tr>{''.join(cells)}</tr>\n"


def _bar(value: float | None, longest: float) -> str:
    """The number, and a bar from the middle: to the right above 0, to the left below."""
    if value is None:
        return ""
    side = "plus" if value >= 0 else "minus"
    width = 50 * abs(value) / longest
    return f'<span class="bar"><i class="{side}" style="width:{width:.1f}%"></i></span> {_number(value)}'


def _told(name: str, value: float | None) -> str:
    if value is None or value != value:
        return "–"
    if name == "p_value":
        return "&lt;0.0001" if value < 1e-4 else f"{value:.4f}"
    return f"{value:.2f}".replace("-", "−") if name in ("t", "z") else _number(value)


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.4g}".replace("-", "−")


_TABLE = (
    '<div class="wide"><table class="numbers coefficients"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>\n'
)

_EXPLAINED = (
    "Largest first, class by class where there are several. A coefficient is the change of the prediction for one unit "
    "of its column, all others staying as they are (of classes, the change of the logit); standardised, for one "
    "standard deviation, so that columns can be compared. It says how rows differ, not what a change would cause."
)

_FOOTER = "One file; nothing in it is fetched. The same numbers are in metrics.json and coefficients.csv."

_STYLE = """
section { margin-bottom: 36px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 15px; }
th { font-weight: 500; text-align: left; vertical-align: top; }
th, td { padding: 5px 18px 5px 0; border-bottom: 1px solid var(--line); }
.facts th { color: var(--soft); white-space: nowrap; } .facts td { overflow-wrap: anywhere; }
thead th { color: var(--soft); font-size: 13px; white-space: nowrap; }
.numbers td, .numbers thead th { text-align: right; white-space: nowrap; }
.numbers tbody th, .numbers thead .name { text-align: left; overflow-wrap: anywhere; min-width: 6em; }
.wide { overflow-x: auto; }
.aside { color: var(--soft); max-width: 75ch; margin: 0 0 14px; font-size: 15px; }
small { color: var(--soft); }
ul { margin: 12px 0; padding-left: 20px; max-width: 90ch; font-size: 15px; } li { overflow-wrap: anywhere; }
summary { color: var(--soft); cursor: pointer; padding: 8px 0; }
details { margin: 0; }
.bar { position: relative; display: inline-block; width: 120px; height: 11px; margin-right: 10px; vertical-align: -1px;
  background: linear-gradient(var(--line), var(--line)) center / 1px 100% no-repeat; }
.bar i { position: absolute; top: 0; bottom: 0; border-radius: 2px; }
.plus { left: 50%; background: var(--accent); } .minus { right: 50%; background: var(--doubt-ground); }
.figures { display: grid; gap: 22px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 14px; }
figure img { display: block; width: 100%; max-height: 520px; object-fit: contain; }
figcaption { color: var(--soft); font-size: 14px; margin-top: 8px; }
@media (prefers-color-scheme: dark) { figure img { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; } }
@media (max-width: 700px) { dl div { border: 0; margin: 0; } .bar { width: 64px; }
  th, td { padding-right: 12px; } .facts th { white-space: normal; } }
@media print { figure { break-inside: avoid; } }
"""

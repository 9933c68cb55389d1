"""The page of a comparison: the table of all variants, and the figures, in one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from firstlight.pages.document import png_uri, write_document

__all__ = ["Column", "comparison_page"]


@dataclass(frozen=True)
class Column:
    """A column of the table: its name, what it says of each variant as shown, and by need bars of 0 to 1 behind it.

    A column without a name holds remarks. `note` is what the name means, for whoever points at it.
    """

    name: str
    cells: Sequence[str]
    bars: Sequence[float | None] | None = None
    note: str = ""


def comparison_page(
    path: str | Path,
    title: str,
    protocol: str,
    rows: Sequence[str],
    columns: Sequence[Column],
    figures: Mapping[str, Path],
    notes: Sequence[str] = (),
) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        title: its heading.
        protocol: one line that says what was done.
        rows: the names of the variants, in the order in which to show them.
        columns: what is told of them.
        figures: PNG files by what they show; those that are not there are left out.
        notes: what has to be known to read the figures, a paragraph each.
    """
    drawn = "".join(_figure(name, file) for name, file in figures.items() if file.is_file())
    told = "".join(f"<li>{escape(note)}</li>\n" for note in notes)
    write_document(
        path,
        title,
        protocol,
        "",
        f'<div class="table">{_table(rows, columns)}</div>\n{drawn}',
        f"<ul>\n{told}</ul>\n" if told else "",
        style=_STYLE,
    )


def _table(rows: Sequence[str], columns: Sequence[Column]) -> str:
    heads = "".join(
        f'<th scope="col"{f" title={chr(34)}{escape(column.note)}{chr(34)}" if column.note else ""}>'
        f"{escape(column.name)}</th>"
        for column in columns
    )
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(_cell(column, row) for column in columns)}</tr>\n'
        for row, name in enumerate(rows)
    )
    return f'<table>\n<thead><tr><th scope="col">variant</th>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>'


def _cell(column: Column, row: int) -> str:
    text = escape(column.cells[row])
    if not column.name:
        return f'<td class="remark">{text}</td>'
    share = column.bars[row] if column.bars is not None else None
    if share is None:
        return f"<td>{text}</td>"
    return f'<td class="bar" style="--share:{100 * min(max(share, 0.0), 1.0):.1f}%">{text}</td>'


def _figure(name: str, file: Path) -> str:
    return (
        f'<figure><img src="{png_uri(file.read_bytes())}" alt="{escape(name)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>\n"
    )


_STYLE = """
.table { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 8px 18px 12px; margin-bottom: 26px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 15px; }
th, td { padding: 7px 14px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-weight: 500; font-size: 13px; color: var(--soft); vertical-align: bottom; white-space: normal; }
th:first-child { text-align: left; font-weight: 600; padding-left: 2px; }
td.remark { white-space: normal; text-align: left; color: var(--soft); font-size: 13px; max-width: 46ch; }
.bar { background: linear-gradient(90deg, color-mix(in srgb, var(--accent) 26%, transparent) var(--share),
  transparent var(--share)) no-repeat center / 100% 74%; }
figure { margin: 0 0 26px; background: #ffffff; border: 1px solid var(--line); border-radius: 14px; padding: 14px;
  color: #566573; }
figure img { display: block; max-width: min(100%, 1000px); height: auto; margin: 0 auto; }
figcaption { font-size: 13.5px; padding-top: 8px; text-align: center; }
footer ul { margin: 0; padding-left: 18px; max-width: 95ch; }
@media print { figure { break-inside: avoid; } }
"""

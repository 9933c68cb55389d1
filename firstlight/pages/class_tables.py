"""Tables of classes: how well each is told, and which is taken for which, with the pictures behind each number.

Up to some thirty classes the confusions are a matrix; of more, the most frequent pairs are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from firstlight.pages.cases import picture

__all__ = ["SCRIPT", "STYLE", "ClassRow", "Pair", "class_table", "confusions"]

_THUMB = 112  # pixels


@dataclass(frozen=True, eq=False)
class ClassRow:
    """How well one class is told.

    Args:
        label: its name.
        learned: training images.
        support: images that were judged.
        precision, recall: share, and the ends of its 95 % interval; a share that no image decides is None.
        examples: a few of its pictures.
    """

    label: str
    learned: int | None
    support: int
    precision: tuple[float | None, float, float]
    recall: tuple[float | None, float, float]
    examples: Sequence[np.ndarray] = ()


@dataclass(frozen=True, eq=False)
class Pair:
    """A class that was taken for another: how often, and some of the pictures with their names and probabilities."""

    true: str
    told: str
    count: int
    pictures: Sequence[tuple[str, np.ndarray, float]] = field(default_factory=list)


def class_table(rows: Sequence[ClassRow]) -> str:
    """A table that is sorted by a click on its heads: images, precision and recall of each class."""
    learned, examples = any(row.learned is not None for row in rows), any(row.examples for row in rows)
    heads = ["Class", *["Learned from"] * learned, "Judged", "Recall, %", "Precision, %", *["Examples"] * examples]
    cells = "".join(map(_head, heads))
    body = "".join(_row(row, learned, examples) for row in rows)
    return (
        f'<div class="wide" tabindex="0"><table class="classes"><thead><tr>{cells}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>\n"
        '<p class="note">Recall: of the images of a class, how many are told as it. Precision: of the images that are '
        "told as a class, how many are of it. The band is the 95 % interval.</p>\n"
    )


def _head(name: str) -> str:
    if name == "Examples":
        return f'<th scope="col">{name}</th>'
    return f'<th scope="col" aria-sort="none"><button type="button">{name}</button></th>'


def _row(row: ClassRow, learned: bool, examples: bool) -> str:
    cells = [f'<th scope="row">{escape(row.label)}</th>']
    if learned:
        cells.append(_number(row.learned))
    cells += [_number(row.support), _bar(row.recall), _bar(row.precision)]
    if examples:
        shown = "".join(picture(image, _THUMB, row.label) for image in row.examples)
        cells.append(f'<td><div class="thumbs">{shown}</div></td>')
    return f"<tr>{''.join(cells)}</tr>\n"


def _number(value: int | None) -> str:
    return '<td data-value="-1">–</td>' if value is None else f'<td data-value="{value}">{value:,}</td>'


def _bar(share: tuple[float | None, float, float]) -> str:
    value, low, high = share
    if value is None:
        return '<td class="bar" data-value="-1">–</td>'
    return (
        f'<td class="bar" data-value="{value:.6f}" title="{100 * low:.1f} to {100 * high:.1f}">'
        f'<span>{100 * value:.1f}</span><span class="track">'
        f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
        f'<b style="left:{100 * value:.1f}%"></b></span></td>'
    )


# -- confusions --------------------------------------------------------------------------------------------------


def confusions(matrix: np.ndarray | None, classes: Sequence[str], pairs: Sequence[Pair]) -> str:
    """The matrix (classes, classes), rows true, whose cells lead to the pictures of their pair; without, the pairs."""
    places = {label: place for place, label in enumerate(classes)}
    marks = {(places[pair.true], places[pair.told]): f"pair{number}" for number, pair in enumerate(pairs)}
    shown = "".join(_pair(pair, f"pair{number}") for number, pair in enumerate(pairs))
    if matrix is None:
        return f'<div class="pairs">{shown}</div>\n'
    return (
        f'{_matrix(matrix, classes, marks)}<div class="pairs chosen" aria-live="polite">{shown}</div>\n'
        '<p class="note">Rows are true classes, columns what they were told as. '
        "A number off the diagonal opens its pictures.</p>\n"
    )


def _matrix(matrix: np.ndarray, classes: Sequence[str], marks: dict[tuple[int, int], str]) -> str:
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    off = shares * (1 - np.eye(len(matrix)))
    shades = np.where(np.eye(len(matrix)) > 0, shares, np.sqrt(off / max(float(off.max()), 1e-9)))
    upright = "upright" if max(map(len, classes)) > 4 else ""
    heads = "".join(f'<th scope="col"><span>{escape(label)}</span></th>' for label in classes)
    rows = []
    for row, label in enumerate(classes):
        cells = [_cell(matrix, shades, classes, row, column, marks) for column in range(len(classes))]
        rows.append(f'<tr><th scope="row">{escape(label)}</th>{"".join(cells)}</tr>\n')
    return (
        f'<div class="wide" tabindex="0"><table class="matrix {upright}"><thead><tr><td></td>{heads}</tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _cell(
    matrix: np.ndarray,
    shades: np.ndarray,
    classes: Sequence[str],
    row: int,
    column: int,
    marks: dict[tuple[int, int], str],
) -> str:
    count, shade = int(matrix[row, column]), 100 * float(shades[row, column])
    if not count:
        return '<td class="none">·</td>'
    kind = ("right" if row == column else "off") + (" strong" if row == column and shade > 55 else "")
    name = f"{classes[row]} told as {classes[column]}"
    inner = f"{count:,}"
    if (row, column) in marks:
        mark = marks[row, column]
        inner = f'<a href="#{mark}" data-pair="{mark}" aria-label="{escape(f"{name}: {count}")}">{inner}</a>'
    return f'<td class="{kind}" style="--shade:{shade:.0f}%" title="{escape(name)}">{inner}</td>'


def _pair(pair: Pair, mark: str) -> str:
    rest = pair.count - len(pair.pictures)
    shown = "".join(
        f'<span title="{escape(name)}">{picture(image, _THUMB, f"{pair.true}, taken for {pair.told}")}'
        f"<small>{100 * share:.0f} %</small></span>"
        for name, image, share in pair.pictures
    )
    more = f'<span class="more">and {rest:,} more</span>' if rest and pair.pictures else ""
    times = "once" if pair.count == 1 else f"{pair.count:,} times"
    return (
        f'<figure class="pair" id="{mark}"><figcaption><b>{escape(pair.true)}</b> taken for '
        f'<b class="wrong">{escape(pair.told)}</b>, {times}</figcaption>'
        f'<div class="thumbs large">{shown}{more}</div></figure>\n'
    )


STYLE = """
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: 14.5px; font-variant-numeric: tabular-nums; }
.note { color: var(--soft); font-size: 13.5px; margin: 10px 0 0; max-width: 75ch; }
.classes { width: 100%; max-width: 1100px; }
.classes th, .classes td { text-align: left; padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line);
  vertical-align: middle; }
.classes tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 70px; max-width: 260px; }
.classes thead th { font-weight: 400; color: var(--soft); font-size: 13px; white-space: nowrap; }
.classes thead button { border: 0; border-radius: 6px; background: none; padding: 2px 0; color: inherit;
  font-size: 13px; }
.classes thead button::after { content: " ↕"; opacity: .45; }
.classes [aria-sort=ascending] button::after { content: " ↑"; opacity: 1; }
.classes [aria-sort=descending] button::after { content: " ↓"; opacity: 1; }
.bar { min-width: 170px; white-space: nowrap; }
.bar > span:first-child { display: inline-block; width: 44px; text-align: right; margin-right: 10px; }
.track { position: relative; display: inline-block; vertical-align: middle; width: 110px; height: 10px;
  border-radius: 3px; background: var(--well); }
.track i { position: absolute; top: 0; height: 100%; border-radius: 3px; min-width: 2px;
  background: color-mix(in srgb, var(--accent) 38%, transparent); }
.track b { position: absolute; top: -2px; width: 3px; height: 14px; margin-left: -1.5px; border-radius: 1px;
  background: var(--accent); }
.thumbs { display: flex; flex-wrap: nowrap; gap: 5px; }
.thumbs img { display: block; width: 44px; height: 44px; object-fit: cover; border-radius: 5px;
  background: var(--well); }
.thumbs.large { flex-wrap: wrap; gap: 10px; }
.thumbs.large span { text-align: center; } .thumbs.large small { display: block; color: var(--soft); font-size: 12px; }
.thumbs.large img { width: 84px; height: 84px; }
.thumbs .more { align-self: center; color: var(--soft); font-size: 13.5px; }
.matrix th { font-weight: 400; color: var(--soft); font-size: 13.5px; }
.matrix tbody th { text-align: right; padding-right: 10px; white-space: nowrap; position: sticky; left: 0;
  background: var(--paper); z-index: 1; }
.matrix thead th { padding: 0 0 6px; } .matrix.upright thead span { writing-mode: vertical-rl;
  transform: rotate(180deg); max-height: 150px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.matrix.upright thead th { vertical-align: bottom; }
.matrix tbody td { width: 42px; min-width: 38px; height: 36px; padding: 0; text-align: center;
  border: 1px solid var(--paper); }
.matrix .none { color: var(--line); }
.matrix .right { background: color-mix(in srgb, var(--accent) var(--shade), var(--card)); }
.matrix .strong { color: var(--card); font-weight: 600; }
.matrix .off { background: color-mix(in srgb, var(--doubt-ground) var(--shade), var(--card)); }
.matrix a { display: grid; place-items: center; height: 100%; color: inherit; text-decoration: none; }
.matrix a:hover, .matrix a[aria-current] { outline: 2px solid var(--wrong); outline-offset: -2px; }
.pair { margin: 18px 0 0; } .pair figcaption { margin-bottom: 8px;
  font: 500 17px/1.35 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; }
.pairs:not(.chosen) { display: grid; gap: 10px 32px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); }
"""

SCRIPT = """
const chosen = document.querySelector('.pairs.chosen');
if (chosen) {
  const links = [...document.querySelectorAll('a[data-pair]')];
  const show = mark => {
    for (const pair of chosen.children) pair.hidden = pair.id !== mark;
    for (const link of links) link.toggleAttribute('aria-current', link.dataset.pair === mark);
  };
  for (const link of links) {
    link.addEventListener('click', event => { event.preventDefault(); show(link.dataset.pair); });
  }
  show('pair0');
}
for (const head of document.querySelectorAll('.classes thead button')) {
  head.addEventListener('click', () => {
    const cell = head.parentElement, place = cell.cellIndex, body = cell.closest('table').tBodies[0];
    const down = cell.getAttribute('aria-sort') === 'ascending';
    for (const other of cell.parentElement.cells) if (other.ariaSort) other.ariaSort = 'none';
    cell.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = row => row.cells[place].dataset.value, name = row => row.cells[0].textContent;
    const rows = [...body.rows].sort((a, b) => key(a) === undefined
      ? name(a).localeCompare(name(b), undefined, { numeric: true }) : key(a) - key(b));
    body.append(...(down ? rows.reverse() : rows));
  });
}
"""

"""A page of what a search found: the picture that was looked for, and those that are like it, the nearest first.

A bar below each picture shows its distance beside that of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from firstlight.pages.document import data_uri, write_document

__all__ = ["Hit", "Search", "search_page"]


@dataclass(frozen=True)
class Hit:
    """A picture (height, width, 3) of uint8, None where it cannot be read; its name, and its distance, if it has one.

    `note` is a line more, such as a caption.
    """

    name: str
    picture: np.ndarray | None
    distance: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Search:
    """What was looked for, in words and as pictures, and what was found, the nearest first."""

    title: str
    wanted: Sequence[Hit]
    found: Sequence[Hit]


def search_page(path: str | Path, title: str, protocol: str, searches: Sequence[Search]) -> None:
    """Write a page with a section for each search.

    Args:
        path: the HTML file.
        title: its heading.
        protocol: one line that says what was searched and what the distance is.
        searches: one or several; groups of alike pictures have nothing in `wanted`.
    """
    shapes = [
        hit.picture.shape[1] / hit.picture.shape[0]
        for search in searches
        for hit in search.found
        if hit.picture is not None
    ]
    shape = float(np.clip(np.median(shapes), 0.8, 1.6)) if shapes else 1.0
    write_document(
        path,
        title,
        _shown(protocol),
        "",
        _NAV + "".join(map(_section, searches)) + _EMPTY,
        _FOOTER,
        style=f":root {{ --shape: {shape:.3f}; }}\n{_STYLE}",
        script=_SCRIPT,
    )


def _section(search: Search) -> str:
    furthest = max((hit.distance for hit in search.found if hit.distance is not None), default=0.0)
    wanted = "".join(_card(hit, "wanted", "", 0.0) for hit in search.wanted)
    cards = "".join(_card(hit, "found", f"{rank}", furthest) for rank, hit in enumerate(search.found, 1))
    left = f'<div class="looked"><p class="role">Looked for</p>{wanted}</div>' if search.wanted else ""
    return (
        f'<section><h2>{escape(_shown(search.title))}</h2><div class="search">{left}'
        f'<div class="cards">\n{cards}</div></div></section>\n'
    )


def _card(hit: Hit, kind: str, rank: str, furthest: float) -> str:
    name = escape(_shown(hit.name))
    if hit.picture is None:
        picture = '<p class="missing">cannot be read</p>'
    else:
        picture = f'<img src="{data_uri(hit.picture)}" alt="{name}" loading="lazy">'
    lines = ""
    if hit.distance is not None:
        share = 100 * hit.distance / furthest if furthest > 0 else 0.0
        lines += (
            f'<p class="facts"><b>{rank}</b><span class="bar"><i style="width:{share:.1f}%"></i></span>'
            f"<span>{hit.distance:.4f}</span></p>"
        )
    lines += f'<p class="note">{escape(_shown(hit.note))}</p>' if hit.note else ""
    short = escape(_shown(hit.name.rsplit("/", 1)[-1]))
    return f'<article class="{kind}">{picture}{lines}<p class="name" title="{name}">{short}</p></article>\n'


def _shown(text: str) -> str:
    """A text as UTF-8 can hold it, with line ends in names as they are written in programs."""
    return text.replace("\n", "\\n").encode("utf-8", "backslashreplace").decode()


_NAV = """<nav hidden aria-label="Choose pictures">
<input type="search" placeholder="Filter by name" aria-label="Show only pictures with this in their name">
</nav>
"""

_EMPTY = '<p id="empty" hidden>No picture here has this in its name.</p>\n'

_STYLE = """
.search { display: flex; gap: 28px; align-items: flex-start; }
.looked { flex: 0 0 250px; position: sticky; top: 70px; display: grid; gap: 12px; }
.search > .cards { flex: 1; grid-template-columns: repeat(auto-fill, minmax(min(100%, 200px), 1fr)); gap: 18px; }
.role { margin: 0; font-size: 13px; color: var(--soft); }
article.wanted { border: 2px solid var(--accent); }
.facts { display: flex; gap: 10px; align-items: center; font-size: 14px; font-variant-numeric: tabular-nums; }
.facts b { min-width: 1.4em; color: var(--accent); }
.bar { flex: 1; height: 6px; border-radius: 3px; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.note { font-size: 14.5px; text-wrap: pretty; }
article .name { margin-top: 6px; font-size: 13px; color: var(--soft); overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.missing { aspect-ratio: var(--shape, 1); margin: 0 !important; display: grid; place-items: center; color: var(--soft);
  background: var(--well); }
@media (max-width: 700px) { .search { display: block; } .looked { position: static; margin-bottom: 18px; }
  nav { position: static; } }
@media print { nav { display: none; } .looked { position: static; } article { break-inside: avoid; } }
"""

_SCRIPT = """
const nav = document.querySelector('nav'), filter = nav.querySelector('input');
filter.addEventListener('input', () => {
  const wanted = filter.value.trim().toLowerCase();
  let seen = 0;
  for (const card of document.querySelectorAll('article.found')) {
    card.hidden = !card.querySelector('.name').title.toLowerCase().includes(wanted);
    seen += !card.hidden;
  }
  document.getElementById('empty').hidden = seen > 0;
});
nav.hidden = false;
"""

_FOOTER = """The smaller the distance, the more alike two pictures are to the encoder of the index; the bar compares it
with the furthest of the pictures shown."""

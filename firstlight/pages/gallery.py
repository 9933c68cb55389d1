"""The gallery: pictures with what was said of them, in sections, with a search by word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from firstlight.pages.document import Metric, data_uri, metric_list, shape_style, write_document

__all__ = ["Example", "gallery"]


@dataclass(frozen=True)
class Example:
    """One picture and what was said of it: (word, probability) pairs, people's captions, and the caption's score."""

    name: str
    image: np.ndarray
    words: Sequence[tuple[str, float]]
    references: Sequence[str]
    score: float


def gallery(
    path: str | Path, title: str, metrics: Sequence[Metric], protocol: str, examples: Mapping[str, Sequence[Example]]
) -> None:
    """Write a page of captioned pictures in sections, with the metrics above them.

    Args:
        path: the HTML file to write.
        title: the heading, for example `runs/mine on validation`.
        metrics: the table, in the order in which to show it.
        protocol: one line that says how the numbers were made.
        examples: pictures by the name of their section, such as best, worst, random.
    """
    tabs = _tab("all", sum(map(len, examples.values())), pressed=True)
    tabs += "".join(_tab(name, len(section)) for name, section in examples.items())
    sections = "".join(_section(name, section) for name, section in examples.items())
    write_document(
        path,
        title,
        protocol,
        metric_list(metrics),
        _MAIN.format(tabs=tabs, sections=sections),
        _FOOTER,
        style=shape_style(example.image for section in examples.values() for example in section) + _STYLE,
        script=_SCRIPT,
    )


def _tab(name: str, count: int, pressed: bool = False) -> str:
    state = "true" if pressed else "false"
    return (
        f'<button type="button" data-section="{escape(name)}" aria-pressed="{state}">'
        f"{escape(name.capitalize())} <small>{count}</small></button>"
    )


def _section(name: str, examples: Sequence[Example]) -> str:
    cards = "".join(map(_card, examples))
    return (
        f'<section data-section="{escape(name)}"><h2>{escape(name.capitalize())}</h2>'
        f'<div class="cards">\n{cards}</div></section>\n'
    )


def _card(example: Example) -> str:
    caption = " ".join(word for word, _ in example.words)
    words = " ".join(map(_word, example.words))
    references = "".join(f"<li>{escape(reference)}</li>" for reference in example.references)
    heading = "References" if len(example.references) != 1 else "Reference"
    return f"""<article>
<img src="{data_uri(example.image)}" alt="{escape(caption)}" loading="lazy">
<p class="caption">{words}</p>
<p class="facts"><span class="score" title="of this caption against those below">CIDEr {example.score:.0f}</span>
<span class="name">{escape(example.name)}</span></p>
<details open><summary>{heading}</summary><ul>{references}</ul></details>
</article>
"""


def _word(word: tuple[str, float]) -> str:
    """A word on a ground that is the darker, the less sure the network was of it."""
    text, probability = word
    doubt = round(100 * (1 - min(max(probability, 0.0), 1.0)))
    return f'<span class="word" style="--doubt:{doubt}%" title="{probability:.0%} sure">{escape(text)}</span>'


_STYLE = """
input { flex: 1 1 180px; max-width: 300px; }
.legend { margin: 0 0 0 auto; color: var(--soft); font-size: 13.5px; display: flex; align-items: center; gap: 8px; }
.legend i { width: 90px; height: 12px; border-radius: 6px; border: 1px solid var(--line);
  background: linear-gradient(90deg, transparent, var(--doubt-ground)); }
.caption { font: 500 19px/1.55 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; }
.word { border-radius: 5px; padding: 1px 3px; margin: 0 -2px; box-decoration-break: clone;
  background: color-mix(in srgb, var(--doubt-ground) var(--doubt), transparent); }
.facts { display: flex; gap: 12px; align-items: baseline; font-size: 13px; color: var(--soft); }
.score { color: var(--accent); font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary { font-size: 13px; color: var(--soft); cursor: pointer; }
ul { text-wrap: pretty; margin: 6px 0 0; padding: 0 0 0 16px; font-size: 14px; line-height: 1.4; }
li { margin-bottom: 4px; } li::marker { color: var(--soft); }
@media (max-width: 700px) { nav { position: static; } dl div { border: 0; margin: 0; } .legend { margin: 0; }
  input { max-width: none; } }
@media print { nav { display: none; } article { break-inside: avoid; } }
"""

_SCRIPT = """
const nav = document.querySelector('nav'), search = nav.querySelector('input');
const empty = document.getElementById('empty');
let chosen = 'all';
function show() {
  const wanted = search.value.trim().toLowerCase();
  let seen = 0;
  for (const section of document.querySelectorAll('section')) {
    let cards = 0;
    for (const card of section.querySelectorAll('article')) {
      card.hidden = !card.textContent.toLowerCase().includes(wanted);
      cards += !card.hidden;
    }
    section.hidden = cards === 0 || (chosen !== 'all' && section.dataset.section !== chosen);
    seen += section.hidden ? 0 : cards;
  }
  empty.hidden = seen > 0;
}
nav.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  chosen = button.dataset.section;
  for (const other of nav.querySelectorAll('button')) other.setAttribute('aria-pressed', other === button);
  show();
});
search.addEventListener('input', show);
nav.hidden = false;
"""

_MAIN = """<nav hidden aria-label="Choose captions">
{tabs}
<input type="search" placeholder="Filter by word" aria-label="Show only captions with this word">
<p class="legend">sure <i></i> unsure of a word</p>
</nav>
{sections}<p id="empty" hidden>No caption here has this word.</p>
"""

_FOOTER = """The caption is the network's, each word shaded by its doubt.
Below it are the references that it is held against."""

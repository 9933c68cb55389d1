"""Web pages that stand alone: one file, pictures inside, nothing fetched, light and dark, readable offline.

Every text is escaped, and a content security policy forbids the page to load anything from elsewhere.
"""

import base64
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["Example", "Metric", "gallery"]

_IMAGE_SIDE = 384  # pixels of the longer side; enough for a card on a dense screen, some 30 kB each
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class Metric:
    """One row of the table of metrics: its name, its value as shown, and its 95 % interval, as shown too."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


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
    tabs = "".join(_tab(name, len(section)) for name, section in examples.items())
    sections = "".join(_section(name, section) for name, section in examples.items())
    page = _PAGE.format(
        title=escape(title),
        protocol=escape(protocol),
        metrics="".join(map(_metric, metrics)),
        tabs=_tab("all", sum(map(len, examples.values())), pressed=True) + tabs,
        sections=sections,
        shape=f"{_common_shape(examples):.3f}",
        style=_STYLE,
        script=_SCRIPT,
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(page, encoding="utf-8")
    os.replace(partial, path)


def _metric(metric: Metric) -> str:
    interval = ""
    if metric.low is not None and metric.high is not None:
        interval = f'<dd class="interval">{metric.low:.1f} to {metric.high:.1f}</dd>'
    return f'<div><dt>{escape(metric.name)}</dt><dd class="value">{metric.value:.1f}</dd>{interval}</div>\n'


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
<img src="{_data_uri(example.image)}" alt="{escape(caption)}" loading="lazy">
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


def _data_uri(image: np.ndarray) -> str:
    """A (height, width, 3) picture as a small JPEG inside a URI."""
    picture = Image.fromarray(np.asarray(image, np.uint8))
    picture.thumbnail((_IMAGE_SIDE, _IMAGE_SIDE), Image.Resampling.LANCZOS)
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode("ascii")


def _common_shape(examples: Mapping[str, Sequence[Example]]) -> float:
    """Width over height of the middle picture, within reason: all cards get pictures of this shape, none is cropped."""
    shapes = [example.image.shape[1] / example.image.shape[0] for section in examples.values() for example in section]
    return float(np.clip(np.median(shapes), 0.8, 1.6)) if shapes else 1.0


_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #566573; --paper: #f6f4f0; --card: #ffffff; --line: #e2ded6;
  --doubt-ground: #ffb454; --accent: #17627c; --well: #ece8e1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9edf1; --soft: #a3b0bc; --paper: #14181d; --card: #1d232a;
  --line: #2d353e; --doubt-ground: #94550c; --accent: #7cc7e0; --well: #10141a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 1500px; margin: 0 auto; padding: 0 clamp(16px, 4vw, 48px); }
header { padding-top: 48px; }
h1 { font: 600 clamp(26px, 4vw, 40px)/1.15 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif;
  letter-spacing: -.01em; margin: 0 0 8px; overflow-wrap: anywhere; }
.protocol { color: var(--soft); margin: 0 0 28px; max-width: 75ch; }
dl { display: flex; flex-wrap: wrap; gap: 12px 0; margin: 0 0 28px; padding: 16px 0;
  border-block: 1px solid var(--line); }
dl div { padding: 0 28px 0 0; margin-right: 28px; border-right: 1px solid var(--line); }
dl div:last-child { border: 0; margin: 0; }
dt { font-size: 13px; color: var(--soft); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.value { font-size: 28px; line-height: 1.2; font-weight: 600; }
.interval { font-size: 12.5px; color: var(--soft); }
nav { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 8px; align-items: center;
  padding: 12px 0; background: var(--paper); }
button, input { font: inherit; font-size: 15px; color: var(--ink); border: 1px solid var(--line); border-radius: 999px;
  background: var(--card); padding: 6px 16px; }
button { cursor: pointer; }
button small { color: var(--soft); font-variant-numeric: tabular-nums; }
button[aria-pressed=true] { background: var(--ink); border-color: var(--ink); color: var(--paper); }
button[aria-pressed=true] small { color: inherit; opacity: .75; }
input { flex: 1 1 180px; max-width: 300px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.legend { margin: 0 0 0 auto; color: var(--soft); font-size: 13.5px; display: flex; align-items: center; gap: 8px; }
.legend i { width: 90px; height: 12px; border-radius: 6px; border: 1px solid var(--line);
  background: linear-gradient(90deg, transparent, var(--doubt-ground)); }
h2 { font: 600 22px/1.2 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; margin: 28px 0 14px; }
.cards { display: grid; gap: 22px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow: hidden;
  padding-bottom: 12px; }
article img { display: block; width: 100%; aspect-ratio: var(--shape); object-fit: contain; background: var(--well); }
article p, details { margin: 12px 16px 0; }
.caption { font: 500 19px/1.55 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; }
.word { border-radius: 5px; padding: 1px 3px; margin: 0 -2px; box-decoration-break: clone;
  background: color-mix(in srgb, var(--doubt-ground) var(--doubt), transparent); }
.facts { display: flex; gap: 12px; align-items: baseline; font-size: 13px; color: var(--soft); }
.score { color: var(--accent); font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary { font-size: 13px; color: var(--soft); cursor: pointer; }
ul { text-wrap: pretty; margin: 6px 0 0; padding: 0 0 0 16px; font-size: 14px; line-height: 1.4; }
li { margin-bottom: 4px; } li::marker { color: var(--soft); }
footer { padding-top: 36px; padding-bottom: 48px; color: var(--soft); font-size: 13.5px; }
[hidden] { display: none !important; }
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

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body style="--shape:{shape}">
<header>
<h1>{title}</h1>
<p class="protocol">{protocol}</p>
<dl>
{metrics}</dl>
</header>
<main>
<nav hidden aria-label="Choose captions">
{tabs}
<input type="search" placeholder="Filter by word" aria-label="Show only captions with this word">
<p class="legend">sure <i></i> unsure of a word</p>
</nav>
{sections}<p id="empty" hidden>No caption here has this word.</p>
</main>
<footer>The caption is the network's, each word shaded by its doubt.
Below it are the references that it is held against.</footer>
<script>{script}</script>
</body>
</html>
"""

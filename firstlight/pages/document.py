"""What all pages share: one file that asks for nothing, light and dark, and the figures at its head.

Every text is escaped, and a content security policy forbids the page to load anything from elsewhere.
"""

import base64
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = [
    *("Metric", "data_uri", "metric_list", "not_judged", "png_uri", "shape_style", "shrunk", "write_document"),
    "write_text",
]

_IMAGE_SIDE = 384  # pixels of the longer side; enough for a card on a dense screen, some 30 kB each
_JPEG_QUALITY = 85
_LISTED = 200  # lines of what was passed over


@dataclass(frozen=True)
class Metric:
    """One row of the table of metrics: its name, its value as shown, and its 95 % interval, as shown too.

    `form` is how the numbers are written, as for `format`.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    form: str = ".1f"


def metric_list(metrics: Sequence[Metric]) -> str:
    """The figures at the head of a page, with their intervals, as HTML."""
    return "<dl>\n" + "".join(map(_metric, metrics)) + "</dl>\n"


def _metric(metric: Metric) -> str:
    interval, form = "", metric.form
    if metric.low is not None and metric.high is not None:
        interval = f'<dd class="interval">{metric.low:{form}} to {metric.high:{form}}</dd>'
    return f'<div><dt>{escape(metric.name)}</dt><dd class="value">{metric.value:{form}}</dd>{interval}</div>\n'


def data_uri(image: np.ndarray, side: int = _IMAGE_SIDE) -> str:
    """A (height, width, 3) picture of uint8, its longer side at most `side` pixels, as a JPEG inside a URI."""
    memory = io.BytesIO()
    picture = Image.fromarray(shrunk(image, side))
    picture.save(memory, "JPEG", quality=_JPEG_QUALITY, subsampling=0)  # Pillow cannot optimize pure noise
    return "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode("ascii")


def shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """A (height, width, 3) picture of uint8 with a longer side of at most `side` pixels."""
    picture = Image.fromarray(np.asarray(image, np.uint8))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def png_uri(content: bytes) -> str:
    """A PNG file inside a URI."""
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def shape_style(pictures: Iterable[np.ndarray]) -> str:
    """The style that gives all cards the width over height of the middle picture, within reason; none is cropped."""
    shapes = [picture.shape[1] / picture.shape[0] for picture in pictures]
    shape = float(np.clip(np.median(shapes), 0.7, 1.6)) if shapes else 1.0
    return f":root {{ --shape: {shape:.3f}; }}\n"


def not_judged(told: Sequence[str], noun: str) -> str:
    """What was passed over and why, a line each, behind a line that opens; nothing where there are none."""
    if not told:
        return ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in told[:_LISTED])
    more = f"<li>and {len(told) - _LISTED:,} more</li>" if len(told) > _LISTED else ""
    were = f"{noun} was" if len(told) == 1 else f"{noun}s were"
    return f"<details><summary>{len(told):,} {were} not judged</summary><ul>{lines}{more}</ul></details>\n"


def write_document(
    path: str | Path, title: str, protocol: str, head: str, main: str, footer: str, *, style: str = "", script: str = ""
) -> None:
    """Write a page, whole or not at all.

    Args:
        path: the HTML file.
        title: its heading, as text.
        protocol: one line under it that says how the numbers were made, as text.
        head: what stands above the rule, as HTML, for example `metric_list(...)`.
        main: the body, as HTML.
        footer: the last lines, as HTML.
        style: CSS beside what all pages share.
        script: JavaScript, by need.
    """
    page = _PAGE.format(
        title=escape(title),
        protocol=escape(protocol),
        head=head,
        main=main,
        footer=footer,
        style=_STYLE + style,
        script=f"<script>{script}</script>\n" if script else "",
    )
    write_text(Path(path), page)


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 by way of a temporary name, so that it is never seen half written.

    What no UTF-8 can hold, as in file names of other encodings, is written as an escape: `\\udce9`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #566573; --paper: #f6f4f0; --card: #ffffff; --line: #e2ded6;
  --doubt-ground: #ffb454; --accent: #17627c; --wrong: #b3401a; --well: #ece8e1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9edf1; --soft: #a3b0bc; --paper: #14181d; --card: #1d232a;
  --line: #2d353e; --doubt-ground: #94550c; --accent: #7cc7e0; --wrong: #ff9d6b; --well: #10141a; } }
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
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
h2 { font: 600 22px/1.2 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; margin: 28px 0 14px; }
.cards { display: grid; gap: 22px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow: hidden;
  padding-bottom: 12px; }
article img { display: block; width: 100%; aspect-ratio: var(--shape, 1); object-fit: contain;
  background: var(--well); }
article p, details { margin: 12px 16px 0; }
footer { padding-top: 36px; padding-bottom: 48px; color: var(--soft); font-size: 13.5px; }
[hidden] { display: none !important; }
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
<body>
<header>
<h1>{title}</h1>
<p class="protocol">{protocol}</p>
{head}</header>
<main>
{main}</main>
<footer>{footer}</footer>
{script}</body>
</html>
"""

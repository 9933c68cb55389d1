"""What all pages share: one file that asks for nothing, light and dark, and the figures at its head.

Every text is escaped, and a content security policy forbids the page to load anything from elsewhere.
"""

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["Metric", "data_uri", "metric_list", "write_document"]

_IMAGE_SIDE = 384  # pixels of the longer side; enough for a card on a dense screen, some 30 kB each
_JPEG_QUALITY = 85


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
    picture = Image.fromarray(np.asarray(image, np.uint8))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode("ascii")


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
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".partial")
    temporary.write_text(page, encoding="utf-8")
    os.replace(temporary, target)


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

"""The page of a trace: one HTML file that needs nothing else, with the graph, each step's numbers, and pictures.

Of a batch, the pictures show the first example.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from firstlight.engine import charts
from firstlight.engine.diagram import Box, diagram
from firstlight.engine.figures import BARS, WIDE, block, cut, figure, figures_of, tiles_figure
from firstlight.engine.picture import shaded
from firstlight.engine.records import Operation, Step, shape_text, size_of
from firstlight.engine.tensor import value_of
from firstlight.engine.trace_style import FIND, PAGE, SCRIPT, STYLE

__all__ = ["Chapter", "page"]

_ROWS = 60  # operations that are listed of a step
_GATES = {"i", "f", "o", "z", "r"}  # between 0 and 1
_NOTES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "z": "update gate z",
    "r": "reset gate r",
    "a": "what could be written, a",
    "c": "memory c",
    "h": "state h",
    "attention": "attention: rows ask, columns are looked at",
}


@dataclass(frozen=True)
class Chapter:
    """A trace on a page, with what stands before it.

    Args:
        heading: none for a page of one.
        trace: the steps.
        text: a paragraph.
        pictures: what is shown first, (caption, pixels (height, width, 3)).
        numbers: bars to show, such as the likeliest words.
    """

    heading: str
    trace: Any
    text: str = ""
    pictures: Sequence[tuple[str, np.ndarray]] = ()
    numbers: Any = None


def page(title: str, chapters: Sequence[Chapter], lead: str = "") -> str:
    """The whole page. Every text is escaped, and a policy forbids it to load anything from elsewhere."""
    told: dict[int, str] = {}
    bodies = [_chapter(chapter, number, len(chapters) > 1, told) for number, chapter in enumerate(chapters)]
    contents = ""
    if len(chapters) > 1:
        links = [f'<a href="#chapter{n}">{escape(chapter.heading)}</a>' for n, chapter in enumerate(chapters)]
        contents = f'<nav aria-label="Chapters">{"".join(links)}</nav>'
    lead = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    return PAGE.format(
        title=escape(title), style=STYLE, script=SCRIPT, lead=lead, contents=contents or FIND, body="\n".join(bodies)
    )


def _chapter(chapter: Chapter, number: int, several: bool, told: dict[int, str]) -> str:
    """One trace. `told` has the layers whose weights are on the page, and where: they are shown once."""
    trace = chapter.trace
    steps = list(trace)
    places = {id(step): f"step{number}-{place}" for place, step in enumerate(steps)}
    kind = " small" if chapter.numbers else ""
    parts = [f'<section id="chapter{number}" class="chapter{kind}">']
    if chapter.heading:
        parts.append(f"<h2>{escape(chapter.heading)}</h2>")
    if chapter.text:
        parts.append(f"<p>{escape(chapter.text)}</p>")
    pictures = [figure(caption, pixels, 320) for caption, pixels in chapter.pictures]
    if pictures or chapter.numbers:
        bars = charts.bars(chapter.numbers) if chapter.numbers else ""
        parts.append(f'<div class="pictures">{"".join(pictures)}{bars}</div>')
    overview = "".join([_facts(trace), _ends(trace), _graph(trace.root, places), _flow(steps, places)])
    cards = "".join(_card(step, places[id(step)], told) for step in steps)
    if several:
        parts.append(f"<details><summary>Every step of it: {len(steps)}</summary>{overview}{cards}</details>")
    else:
        parts += [overview, cards]
    return "".join([*parts, "</section>"])


def _facts(trace: Any) -> str:
    root = trace.root
    weights = root.layer.count_params()
    rows = {
        "network": f"{root.layer.name} ({type(root.layer).__name__})",
        "in": ", ".join(f"{name} {shape_text(x)}" for name, x in root.inputs.items()),
        "out": ", ".join(shape_text(x) for x in root.outputs),
        "weights": f"{weights:,}",
        "time": f"{1000 * root.seconds:.1f} ms",
        "gradients of": trace.differentiated,
    }
    return (
        '<dl class="facts">'
        + "".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in rows.items())
        + "</dl>"
    )


def _ends(trace: Any) -> str:
    """What went in, which of it mattered, and what came out."""
    parts = []
    for name, x in trace.root.given.items():
        parts += figures_of(f"input {name}", np.asarray(value_of(x)))
        gradient = trace.root.gradient_of(x)
        if gradient is not None:
            parts += figures_of(f"gradient of {name}", gradient)
    for name, x in zip(trace.root.output_names, trace.root.outputs, strict=True):
        parts += figures_of(name, x)
    return f'<div class="pictures">{"".join(parts)}</div>'


# -- the whole network -------------------------------------------------------------------------------------------


def _graph(root: Step, places: dict[int, str]) -> str:
    """The steps right within a step, with what leads from one to another."""
    steps = root.inner
    if len(steps) < 2:
        return ""
    number = {id(step): n for n, step in enumerate(steps, 1)}
    boxes = [Box(["input", *(f"{name} {shape_text(x)}" for name, x in root.inputs.items())], kind="ends")]
    edges = []
    for step in steps:
        lines = [step.layer.name, type(step.layer).__name__, shape_text(step.output)]
        boxes.append(Box(lines, f"#{places[id(step)]}", "weighted" if step.weights else ""))
        parents = [number[id(parent)] for parent in step.parents if id(parent) in number]
        direct = any(x is each for x in step.given.values() for each in root.given.values())
        edges += [(parent, number[id(step)]) for parent in ([0] if direct or not parents else []) + parents]
    drawn = diagram(boxes, edges, title=f"the layers of {root.layer.name} and what leads from one to another")
    return f'<h3>The network</h3><div class="scroll graph">{drawn}</div>'


def _flow(steps: Sequence[Step], places: dict[int, str]) -> str:
    of_floats = [step for step in steps if step.output.dtype.kind == "f"]
    if len(of_floats) < 2:
        return ""
    series: dict[str, list[float | None]] = {
        "size of the output": [size_of(step.output) for step in of_floats],
        "size of its gradient": [None if step.gradient is None else size_of(step.gradient) for step in of_floats],
    }
    drawn = charts.lines(series, [step.name for step in of_floats], [f"#{places[id(step)]}" for step in of_floats])
    return f"<h3>How numbers flow forth, and gradients back</h3>{drawn}" if drawn else ""


# -- one step ----------------------------------------------------------------------------------------------------


def _card(step: Step, place: str, told: dict[int, str]) -> str:
    formula = f'<pre class="formula">{escape(chr(10).join(step.formula))}</pre>' if step.formula else ""
    ins = ", ".join(f"{name} {shape_text(x)}" for name, x in step.inputs.items())
    outs = ", ".join(shape_text(x) for x in step.outputs)
    gradient = "" if step.gradient is None else f", gradient {size_of(step.gradient):.3g}"
    there = told.setdefault(id(step.layer), place) if step.weights else place
    weights = _weights(step) if there == place else f'<p class="shapes"><a href="#{there}">Its weights</a></p>'
    parts = [part for part in (_outputs(step), _notes(step), weights) if part]
    return (
        f'<article id="{place}" style="--depth:{max(0, min(step.depth - 1, 4))}"><header><h4>{escape(step.name)}</h4>'
        f'<span class="class">{escape(type(step.layer).__name__)}</span>'
        f'<span class="time">{1000 * step.seconds:.2f} ms</span></header>{formula}'
        f'<p class="shapes">{escape(ins)} → {escape(outs)} '
        f"<small>size {size_of(step.output):.3g}{gradient}</small></p>"
        f"{''.join(parts)}{_operations(step)}</article>"
    )


def _outputs(step: Step) -> str:
    parts = []
    for name, x in zip(step.output_names, step.outputs, strict=True):
        parts += figures_of(name, x)
        if x.dtype.kind == "f" and x.size > BARS:
            parts.append(charts.histogram(x, f"{name}: how often"))
    if step.gradient is not None:
        parts += figures_of("gradient", step.gradient)
    return f'<div class="pictures">{"".join(parts)}</div>' if parts else ""


def _notes(step: Step) -> str:
    """Named values: gates over time, attention."""
    parts = []
    for name, tensors in step.notes.items():
        if name.startswith("kept_") or name == "output":
            continue
        label = _NOTES.get(name, name)
        first = [tensor.array[0] for tensor in tensors]
        if first[0].ndim > 1 and first[0].size == first[0].shape[-1]:
            first = [each.reshape(-1) for each in first]
        if first[0].ndim == 1:
            values = np.stack(first, 1)[:WIDE] if len(first) > 1 else block(first[0])
            over = f", {len(first)} steps from left to right" if len(first) > 1 else ""
            signed, largest = (False, 1.0) if name in _GATES else (None, None)
            parts.append(figure(label + over, shaded(values, signed, largest)))
        elif first[0].ndim == 2:
            parts.append(figure(label, shaded(first[0][:WIDE, :WIDE])))
        elif first[0].ndim == 3:
            parts += [
                figure(f"{label}, head {head}", shaded(x[:WIDE, :WIDE])) for head, x in enumerate(first[0][:8], 1)
            ]
    return f'<h5>Looked at from within</h5><div class="pictures">{"".join(parts)}</div>' if parts else ""


def _weights(step: Step) -> str:
    parts = []
    gradients = step.weight_gradients
    for name, weight in step.weights.items():
        told = f"{name} {shape_text(weight)}"
        if name in gradients:
            told += f", gradient {size_of(gradients[name]):.3g}"
        parts.append(_weight_figure(name, weight))
        parts.append(
            charts.histogram(weight, told) if weight.size > 1 else f"<p>{escape(told)}: {weight.item():.4g}</p>"
        )
    return f'<h5>Weights</h5><div class="pictures">{"".join(parts)}</div>' if parts else ""


def _weight_figure(name: str, weight: np.ndarray) -> str:
    """Filters of a convolution as tiles, a matrix as a map; a vector is told by its histogram."""
    if weight.ndim == 4 and max(weight.shape[:2]) > 1:
        filters = weight.reshape(*weight.shape[:2], -1) if weight.shape[-1] == 1 else weight.mean(2)
        largest = float(np.abs(filters).max()) or 1.0
        tiles = [shaded(filters[..., n], True, largest) for n in range(min(filters.shape[-1], 64))]
        what = "filters" if weight.shape[2] == 1 or weight.shape[-1] == 1 else "filters, mean over their channels"
        return tiles_figure(f"{name}: {what}", tiles)
    if weight.ndim == 2 and min(weight.shape) > 1 and weight.size <= WIDE * WIDE:
        part, note = cut(weight)
        return figure(name + note, shaded(part, True))
    return ""


def _operations(step: Step) -> str:
    operations = step.operations
    if not operations:
        return ""
    rows = [_operation(step, each) for each in operations[:_ROWS]]
    more = f"<p>... and {len(operations) - _ROWS} more.</p>" if len(operations) > _ROWS else ""
    return (
        f"<details><summary>{len(operations)} operation{'s' * (len(operations) != 1)}</summary>"
        '<div class="scroll"><table class="operations"><tr><th>operation</th><th>shape</th><th>first numbers</th>'
        f"<th>their gradients</th><th>µs</th></tr>{''.join(rows)}</table></div>{more}</details>"
    )


def _operation(step: Step, operation: Operation) -> str:
    gradient = step.gradient_of(operation.result)
    name = getattr(operation.result, "name", "")
    told = f"{operation.name}{f' = {name}' if name else ''}"
    cells = [told, shape_text(operation.value), _first(operation.value), "" if gradient is None else _first(gradient)]
    return "<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + f"<td>{1e6 * operation.seconds:.0f}</td></tr>"


def _first(x: np.ndarray) -> str:
    return "  ".join(f"{value:.3g}" for value in x.ravel()[:5]) + " …" * (x.size > 5)

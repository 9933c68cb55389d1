"""Small charts as SVG: bars of named numbers, a histogram, lines over the steps of a network."""

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

__all__ = ["bars", "histogram", "lines"]


def bars(values: Mapping[str, float]) -> str:
    """A row for each number: its name, a bar from 0, the number itself."""
    finite = [value for value in values.values() if math.isfinite(value)]
    largest, lowest = max([0.0, *finite]), min([0.0, *finite])
    span = largest - lowest or 1.0
    zero = -lowest / span
    rows = []
    for name, value in values.items():
        width = abs(value) / span if math.isfinite(value) else 0.0
        left = zero - width if value < 0 else zero
        rows.append(
            f'<tr><th>{escape(name)}</th><td class="bar"><i style="margin-left:{100 * left:.1f}%;'
            f'width:{100 * width:.1f}%"{" class=below" * (value < 0)}></i></td><td>{value:.4g}</td></tr>'
        )
    return f'<table class="bars">{"".join(rows)}</table>'


def histogram(values: np.ndarray, title: str, bins: int = 40, width: int = 200, height: int = 56) -> str:
    """How often which numbers occur, with the smallest and the largest below."""
    finite = values[np.isfinite(values)].astype(float)
    if not finite.size:
        return ""
    counts, edges = np.histogram(finite, bins)
    tallest = counts.max()
    step = width / bins
    path = "".join(
        f"M{n * step:.1f} {height} v-{height * count / tallest:.1f} h{step:.1f} V{height} z"
        for n, count in enumerate(counts)
        if count
    )
    zero = ""
    if edges[0] < 0 < edges[-1]:
        place = width * -edges[0] / (edges[-1] - edges[0])
        zero = f'<path class="zero" d="M{place:.1f} 0 V{height}"/>'
    return (
        f'<figure><svg class="histogram" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}"><path class="fill" d="{path}"/>{zero}</svg>'
        f"<figcaption>{escape(title)}<br>{finite.min():.3g} to {finite.max():.3g}</figcaption></figure>"
    )


def lines(series: Mapping[str, Sequence[float | None]], names: Sequence[str], links: Sequence[str]) -> str:
    """Lines over steps, on a logarithmic scale: each point tells its name and links to its step.

    Args:
        series: by title, a number above 0 for each step; None or 0 leaves a gap.
        names: of the steps.
        links: where a click on each leads.
    """
    logs = {t: [math.log10(v) if v and v > 0 else None for v in values] for t, values in series.items()}
    known = [v for values in logs.values() for v in values if v is not None]
    if not known:
        return ""
    low, high = math.floor(min(known)), max(math.ceil(max(known)), math.floor(min(known)) + 1)
    left, top, bottom = 52, 10, 150
    width = max(560, left + 14 * len(names))
    step = (width - left - 16) / max(1, len(names) - 1)

    def x(place: int) -> float:
        return left + place * step

    def y(value: float) -> float:
        return top + (bottom - top) * (high - value) / (high - low)

    parts = []
    for power in range(low, high + 1, max(1, math.ceil((high - low) / 6))):
        parts.append(f'<path class="rule" d="M{left} {y(power):.1f} H{width}"/>')
        parts.append(f'<text x="{left - 8}" y="{y(power) + 4:.1f}" text-anchor="end">1e{power}</text>')
    for number, (title, values) in enumerate(logs.items()):
        path, pen = "", "M"
        for place, value in enumerate(values):
            if value is None:
                pen = "M"
                continue
            path += f"{pen}{x(place):.1f} {y(value):.1f} "
            pen = "L"
            parts.append(
                f'<a href="{escape(links[place])}"><circle class="series{number}" cx="{x(place):.1f}" '
                f'cy="{y(value):.1f}" r="3.5"><title>{escape(names[place])}: {escape(title)} '
                f"{series[title][place]:.3g}</title></circle></a>"
            )
        parts.insert(0, f'<path class="series{number}" d="{path}"/>')
    legend = "".join(f'<span class="key series{n}">{escape(title)}</span>' for n, title in enumerate(series))
    return (
        f'<p class="legend">{legend}</p><div class="scroll"><svg class="lines" viewBox="0 0 {width:.0f} 160" '
        f'width="{width:.0f}" height="160" role="img" aria-label="{escape(", ".join(series))} by step">'
        f"{''.join(parts)}</svg></div>"
    )

"""Small charts as SVG inside a page: values by epoch, and how far probabilities can be taken at their word.

Their colours are those of the page, so they are legible in light and dark alike.
"""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

__all__ = ["STYLE", "calibration_chart", "line_chart"]

_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 14, 12, 40  # room around the plot, in units of the drawing


def line_chart(
    series: Mapping[str, Sequence[float | None]], title: str, *, percent: bool = False, below: str = "epoch"
) -> str:
    """Values by epoch, or by another number from 1 on, up to three lines; what has no value is left out.

    Args:
        series: by name a value an epoch.
        title: above the chart.
        percent: write shares times 100.
        below: what is counted across.
    """
    width, height = 460, 250
    scale = 100 if percent else 1
    lines = {
        name: [(epoch, scale * value) for epoch, value in enumerate(values, 1) if value is not None]
        for name, values in series.items()
    }
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    low, high, ticks = _ticks([value for points in lines.values() for _, value in points])
    last = max(epoch for points in lines.values() for epoch, _ in points)
    plot = _Plot(width, height, (1, max(last, 2)), (low, high))
    parts = [plot.horizontal(tick, f"{tick:g}") for tick in ticks]
    parts += [plot.vertical(epoch, str(epoch)) for epoch in _epochs(last)]
    for number, points in enumerate(lines.values()):
        path = " ".join(f"{plot.x(epoch):.1f},{plot.y(value):.1f}" for epoch, value in points)
        parts.append(f'<polyline class="series{number}" points="{path}"/>')
        if len(points) < 40:
            parts += [
                f'<circle class="series{number}" cx="{plot.x(epoch):.1f}" cy="{plot.y(value):.1f}" r="2.6"/>'
                for epoch, value in points
            ]
    parts.append(plot.below(below))
    return _figure(title, _svg(width, height, title, parts), list(lines))


def calibration_chart(
    predicted: np.ndarray, observed: np.ndarray, low: np.ndarray, high: np.ndarray, counts: np.ndarray
) -> str:
    """The share that came true over the probability that was told, with 95 % intervals; below, how often it was told.

    All are (bins,), as `firstlight.metrics.calibration_curve` gives them.
    """
    width, height = 420, 420
    plot = _Plot(width, height, (0, 100), (0, 100))
    parts = [plot.horizontal(tick, str(tick)) + plot.vertical(tick, str(tick)) for tick in range(0, 101, 20)]
    for share, count in zip(100 * predicted, counts / counts.max(), strict=True):
        top = plot.y(14 * count)
        parts.append(
            f'<rect class="count" x="{plot.x(share) - 7:.1f}" y="{top:.1f}" width="14" height="{plot.y(0) - top:.1f}"/>'
        )
    parts.append(f'<path class="rule" d="M{plot.x(0)},{plot.y(0)}L{plot.x(100)},{plot.y(100)}"/>')
    points = list(zip(100 * predicted, 100 * observed, 100 * low, 100 * high, counts, strict=True))
    for x, _, below, above, _ in points:
        parts.append(f'<path class="reach" d="M{plot.x(x):.1f},{plot.y(below):.1f}V{plot.y(above):.1f}"/>')
    path = " ".join(f"{plot.x(x):.1f},{plot.y(y):.1f}" for x, y, *_ in points)
    parts.append(f'<polyline class="series0" points="{path}"/>')
    for x, y, below, above, count in points:
        told = f"told {x:.0f} %, true {y:.0f} % ({below:.0f} to {above:.0f}) of {count:,}"
        parts.append(
            f'<circle class="series0" cx="{plot.x(x):.1f}" cy="{plot.y(y):.1f}" r="4"><title>{told}</title></circle>'
        )
    parts.append(plot.below("probability that it told, %"))
    parts.append(f'<text class="axis" x="{_LEFT}" y="9" text-anchor="start">share that came true, %</text>')
    return f'<figure class="chart">{_svg(width, height, "Calibration", parts)}</figure>\n'


class _Plot:
    """From values to places in the drawing, and the lines of a grid."""

    def __init__(self, width: int, height: int, across: tuple[float, float], up: tuple[float, float]):
        self.width, self.height, self.across, self.up = width, height, across, up

    def x(self, value: float) -> float:
        """The place of a value across."""
        low, high = self.across
        return _LEFT + (value - low) / (high - low) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """The place of a value up."""
        low, high = self.up
        return self.height - _BOTTOM - (value - low) / (high - low) * (self.height - _TOP - _BOTTOM)

    def horizontal(self, value: float, name: str) -> str:
        """A line of the grid with its number on the left."""
        y = self.y(value)
        return (
            f'<path class="grid" d="M{_LEFT},{y:.1f}H{self.width - _RIGHT}"/>'
            f'<text x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{name}</text>'
        )

    def vertical(self, value: float, name: str) -> str:
        """A number below."""
        return f'<text x="{self.x(value):.1f}" y="{self.height - _BOTTOM + 17}" text-anchor="middle">{name}</text>'

    def below(self, name: str) -> str:
        """What is told across."""
        middle = (_LEFT + self.width - _RIGHT) / 2
        return f'<text class="axis" x="{middle}" y="{self.height - 5}" text-anchor="middle">{escape(name)}</text>'


def _ticks(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Ends that hold all values, and some five round numbers between them."""
    low, high = min(values), max(values)
    spread = (high - low) or abs(high) or 1.0
    step = 10.0 ** np.floor(np.log10(spread / 3))
    step = float(next(step * factor for factor in (1, 2, 5, 10) if spread / (step * factor) <= 5))
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return float(first * step), float(last * step), [round(float(n * step), 10) for n in np.arange(first, last + 1)]


def _epochs(last: int) -> list[int]:
    """Some epochs that are named below."""
    step = max(1, -(-last // 8))
    return list(range(step, last + 1, step)) if step > 1 else list(range(1, last + 1))


def _svg(width: int, height: int, name: str, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}">{"".join(parts)}</svg>'


def _figure(title: str, drawing: str, names: Sequence[str]) -> str:
    keys = "".join(f'<span class="key series{number}">{escape(name)}</span>' for number, name in enumerate(names))
    return f'<figure class="chart"><figcaption>{escape(title)} {keys}</figcaption>{drawing}</figure>\n'


STYLE = """
.charts { display: flex; flex-wrap: wrap; gap: 24px 40px; }
.chart { margin: 0; flex: 0 1 460px; min-width: min(100%, 260px); }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart figcaption { font-weight: 600; font-size: 15px; margin-bottom: 6px; }
.chart text { font-size: 11.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); stroke-width: 1; } .rule { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 4; }
.count { fill: var(--line); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; } .reach { stroke: var(--accent); stroke-width: 1.4;
  opacity: .65; }
polyline.series0 { stroke: var(--accent); } polyline.series1 { stroke: var(--wrong); }
polyline.series2 { stroke: var(--soft); }
circle.series0 { fill: var(--accent); } circle.series1 { fill: var(--wrong); } circle.series2 { fill: var(--soft); }
.key { font-weight: 400; font-size: 13px; color: var(--soft); margin-left: 12px; overflow-wrap: anywhere; }
.key::before { content: ""; display: inline-block; width: 16px; height: 3px; margin: 0 6px 3px 0; border-radius: 2px;
  background: var(--accent); }
.key.series1::before { background: var(--wrong); } .key.series2::before { background: var(--soft); }
"""

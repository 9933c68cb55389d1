"""Diagrams: boxes in layers with arrows between them, as SVG: a network of layers, a computation of a few numbers.

Each box stands a row further than the last of those that lead to it (Sugiyama, Tagawa and Toda 1981): an arrow that
passes rows leads around their boxes, rows are ordered so that few arrows cross, and boxes move towards what they touch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from firstlight.errors import FirstlightError

__all__ = ["Box", "diagram"]

_LINE, _CHARACTER, _PAD, _GAP, _BETWEEN = 16, 7.0, 10, 18, 26  # pixels
_SWEEPS = 8


@dataclass(frozen=True)
class Box:
    """A box: lines of text, the first of them bold; where a click leads; a class for its looks."""

    lines: Sequence[str]
    link: str = ""
    kind: str = ""

    @property
    def width(self) -> float:
        """In pixels, for a font whose characters are 7 wide."""
        return 2 * _PAD + _CHARACTER * max((len(line) for line in self.lines), default=0)

    @property
    def height(self) -> float:
        """In pixels."""
        return _PAD + _LINE * len(self.lines)


def diagram(boxes: Sequence[Box], edges: Sequence[tuple[int, int]], across: bool = False, title: str = "") -> str:
    """Draw boxes and arrows: an SVG element.

    Args:
        boxes: what is drawn.
        edges: (from, to), as places in `boxes`; without circles.
        across: rows are columns, from left to right.
        title: what the picture shows, for those who do not see it.

    Raises:
        FirstlightError: the arrows lead in a circle.
    """
    layout = _Layout([(box.height, box.width) if across else (box.width, box.height) for box in boxes], edges)

    def turned(place: tuple[float, float]) -> tuple[float, float]:
        return place[::-1] if across else place

    ends = [turned(place) for place in layout.places[: len(boxes)]]
    width, height = turned(layout.size)
    parts = [_arrow(layout, path, across) for path in layout.paths]
    parts += [_box(box, *place) for box, place in zip(boxes, ends, strict=True)]
    return (
        f'<svg class="diagram" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


class _Layout:
    """Where everything stands: for each node its middle, across the rows and along them.

    Args:
        sizes: of each box, across (its width within a row) and along (the height of the row).
        edges: as for `diagram`. An arrow over several rows gets a node without size in each that it passes.
    """

    def __init__(self, sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]):
        rows = _rows(len(sizes), edges)
        self.widths = [size[0] for size in sizes]
        self.row = list(rows)
        self.paths: list[list[int]] = []
        for start, end in edges:
            path = [start]
            for row in range(rows[start] + 1, rows[end]):
                path.append(len(self.row))
                self.row.append(row)
                self.widths.append(0.0)
            self.paths.append([*path, end])
        count = max(self.row, default=-1) + 1
        self.levels: list[list[int]] = [[] for _ in range(count)]
        for node, row in enumerate(self.row):
            self.levels[row].append(node)
        self.before: list[list[int]] = [[] for _ in self.row]
        self.after: list[list[int]] = [[] for _ in self.row]
        for path in self.paths:
            for a, b in pairwise(path):
                self.after[a].append(b)
                self.before[b].append(a)
        self._order()
        middles = self._middles()
        heights = [max((sizes[n][1] for n in level if n < len(sizes)), default=0.0) for level in self.levels]
        tops = [sum(heights[:row]) + _BETWEEN * row for row in range(count)]
        self.half = [sizes[n][1] / 2 if n < len(sizes) else 0.0 for n in range(len(self.row))]
        left = min((m - w / 2 for m, w in zip(middles, self.widths, strict=True)), default=0.0) - 4
        self.places = [(m - left, 4 + tops[row] + heights[row] / 2) for m, row in zip(middles, self.row, strict=True)]
        right = max((x + w / 2 for (x, _), w in zip(self.places, self.widths, strict=True)), default=0.0)
        self.size = (right + 4, (tops[-1] + heights[-1] if count else 0.0) + 8)

    def _order(self) -> None:
        """Within each row by the mean place of neighbours, down and up several times."""
        for sweep in range(_SWEEPS):
            neighbours, levels = (self.before, self.levels) if sweep % 2 == 0 else (self.after, self.levels[::-1])
            place = {node: number for level in self.levels for number, node in enumerate(level)}
            for level in levels:
                level.sort(key=lambda node: _mean([place[n] for n in neighbours[node]], place[node]))
                place.update({node: number for number, node in enumerate(level)})

    def _middles(self) -> list[float]:
        """Each towards the mean of what it touches, as far as the others in its row let it."""
        middles = [0.0] * len(self.row)
        for level in self.levels:
            self._spread(level, [0.0] * len(level), middles)
        for sweep in range(2 * _SWEEPS):
            neighbours, levels = (self.before, self.levels) if sweep % 2 == 0 else (self.after, self.levels[::-1])
            for level in levels:
                wanted = [_mean([middles[n] for n in neighbours[node]], middles[node]) for node in level]
                self._spread(level, wanted, middles)
        return middles

    def _spread(self, level: list[int], wanted: list[float], middles: list[float]) -> None:
        """Put a row where it wants to be: from the left, then what stands too far right is drawn back together."""
        right = float("-inf")
        found = []
        for node, wish in zip(level, wanted, strict=True):
            middle = max(wish, right + self.widths[node] / 2)
            found.append(middle)
            right = middle + self.widths[node] / 2 + _GAP
        shift = _mean([w - f for w, f in zip(wanted, found, strict=True)], 0.0)
        for node, middle in zip(level, found, strict=True):
            middles[node] = middle + shift


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _rows(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The row of each node: one more than the last of those that lead to it; where none does, as late as can be."""
    after: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for start, end in edges:
        after[start].append(end)
        waits[end] += 1
    rows, ready = [0] * count, [node for node in range(count) if not waits[node]]
    for node in ready:  # grows while it is walked
        for other in after[node]:
            rows[other] = max(rows[other], rows[node] + 1)
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    if len(ready) < count:
        raise FirstlightError("Expected arrows that lead forward. Received some that lead in a circle.")
    led_to = {end for _, end in edges}
    for node in set(range(count)) - led_to:
        rows[node] = min((rows[other] for other in after[node]), default=1) - 1
    return rows


def _arrow(layout: _Layout, path: list[int], across: bool) -> str:
    """A smooth line from the end of one box to the head of another."""
    points = [layout.places[node] for node in path]
    (x, y), (u, v) = points[0], points[-1]
    points[0], points[-1] = (x, y + layout.half[path[0]]), (u, v - layout.half[path[-1]] - 5)
    turned = [point[::-1] if across else point for point in points]
    text = f"M{turned[0][0]:.1f} {turned[0][1]:.1f}"
    for (x, y), (u, v) in pairwise(points):
        middle = (y + v) / 2
        curve = [(x, middle), (u, middle), (u, v)]
        text += " C" + ", ".join("{:.1f} {:.1f}".format(*(p[::-1] if across else p)) for p in curve)
    x, y = turned[-1]
    head = f"M{x - 1:.1f} {y - 4:.1f} l6 4 l-6 4 z" if across else f"M{x - 4:.1f} {y - 1:.1f} l4 6 l4 -6 z"
    return f'<path class="line" d="{text}"/><path class="head" d="{head}"/>'


def _box(box: Box, x: float, y: float) -> str:
    left, top = x - box.width / 2, y - box.height / 2
    first, second = ' class="first"', ""
    lines = "".join(
        f'<text x="{x:.1f}" y="{top + _LINE * (number + 1) - 1:.1f}"{second if number else first}>{escape(line)}</text>'
        for number, line in enumerate(box.lines)
    )
    drawn = (
        f'<g class="box {escape(box.kind)}"><rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6"/>{lines}</g>'
    )
    return f'<a href="{escape(box.link)}">{drawn}</a>' if box.link else drawn

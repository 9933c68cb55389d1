"""Maps and curves of descents as SVG: contours, axes, and a line and an end for each path, which a script moves.

Colours come from the page's style by class; a path has its own by `--path`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

import numpy as np

__all__ = ["Descent", "Panel", "curve_drawing", "map_drawing", "tracks"]

_FLOOR = 1e-10  # of what was at first: below it a curve is rounding
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FINEST = 100  # columns and rows of a map at most: more make the page large, not better


class Descent(Protocol):
    """A map of a loss and paths on it; `firstlight.plots.Descent` says what each part is."""

    @property
    def title(self) -> str:
        """What stands above."""

    @property
    def formula(self) -> str:
        """The loss as text."""

    @property
    def columns(self) -> np.ndarray:
        """(m,) places along x."""

    @property
    def rows(self) -> np.ndarray:
        """(n,) places along y."""

    @property
    def values(self) -> np.ndarray:
        """(n, m), the loss there."""

    @property
    def minima(self) -> np.ndarray:
        """(k, 2)."""

    @property
    def lowest(self) -> float:
        """The loss at the minima."""

    @property
    def paths(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """By name, positions (steps + 1, 2) and losses (steps + 1,)."""

    @property
    def lost(self) -> frozenset[str]:
        """Names of the paths that diverged."""

    @property
    def rates(self) -> Mapping[str, float]:
        """Learning rates by name, where they are known."""


@dataclass(frozen=True)
class Panel:
    """Axes: from (left, right) and (bottom, top) to a rectangle of a drawing."""

    across: tuple[float, float]
    up: tuple[float, float]
    left: float = 52.0
    top: float = 12.0
    width: float = 450.0
    height: float = 340.0

    def place(self, x: Any, y: Any) -> np.ndarray:
        """(..., 2): where (x, y) is in the drawing, to a tenth of a pixel."""
        across = self.left + (np.asarray(x) - self.across[0]) / (self.across[1] - self.across[0]) * self.width
        up = self.top + (self.up[1] - np.asarray(y)) / (self.up[1] - self.up[0]) * self.height
        return np.round(np.stack(np.broadcast_arrays(across, up), axis=-1), 1)

    def drawing(self, name: str, inside: str, outside: str) -> str:
        """An SVG of the parts inside, which are cut off at the axes, and of those outside."""
        size = f"0 0 {self.left + self.width + 14:g} {self.top + self.height + 40:g}"
        box = f'x="{self.left:g}" y="{self.top:g}" width="{self.width:g}" height="{self.height:g}"'
        return (
            f'<svg viewBox="{size}" role="img" aria-label="{escape(name)}">\n<rect class="ground" {box}/>\n{outside}'
            f'<svg {box} viewBox="{self.left:g} {self.top:g} {self.width:g} {self.height:g}">\n{inside}</svg>\n</svg>'
        )


def map_drawing(each: Descent, names: Sequence[str]) -> str:
    """The map: contours, minima, start and paths, whose colours go by their place in `names`."""
    panel = _map_panel(each)
    inside = _contours(each, panel)
    starts = [positions[0] for positions, _ in each.paths.values()]
    if starts:
        x, y = panel.place(*starts[0])
        inside += f'<circle class="start" cx="{x:g}" cy="{y:g}" r="5.5"/>\n'
    inside += _movers(names, [(name, panel.place(*positions.T)) for name, (positions, _) in each.paths.items()])
    inside += "".join(_star(*panel.place(*minimum)) for minimum in each.minima)  # on top: many paths end there
    return panel.drawing(f"Map of {each.title} with paths", inside, _ticks(panel, "x", "y"))


def curve_drawing(each: Descent, names: Sequence[str]) -> str:
    """The loss above the least one by step, on a logarithmic axis."""
    panel = _curve_panel(each)
    inside = _movers(names, [(name, _curve(each, panel, losses)) for name, (_, losses) in each.paths.items()])
    return panel.drawing(f"Loss on {each.title} by step", inside, _ticks(panel, "step", "", raised=True))


def tracks(each: Descent, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the script moves: for each path its places on map and curve, and its numbers, step by step."""
    on_map, on_curve = _map_panel(each), _curve_panel(each)
    return [
        {
            "path": names.index(name),
            "lost": name in each.lost,
            "places": on_map.place(*positions.T).tolist(),
            "heights": _curve(each, on_curve, losses).tolist(),
            "numbers": [
                [float(f"{value:.6g}") for value in row] for row in np.column_stack([positions, losses]).tolist()
            ],
        }
        for name, (positions, losses) in each.paths.items()
    ]


def _map_panel(each: Descent) -> Panel:
    return Panel((float(each.columns[0]), float(each.columns[-1])), (float(each.rows[0]), float(each.rows[-1])))


def _curve_panel(each: Descent) -> Panel:
    heights = [_exponents(each, losses) for _, losses in each.paths.values()] or [np.zeros(2)]
    last = max(len(found) - 1 for found in heights)
    low, high = (float(pick(np.concatenate(heights))) for pick in (np.min, np.max))
    return Panel((-0.02 * max(last, 1), 1.02 * max(last, 1)), (low - 0.5, high + 0.5))


def _exponents(each: Descent, losses: np.ndarray) -> np.ndarray:
    above = np.asarray(losses, np.float64) - each.lowest
    return np.log10(np.maximum(above, _FLOOR * max(float(above[0]), _FLOOR)))


def _curve(each: Descent, panel: Panel, losses: np.ndarray) -> np.ndarray:
    return panel.place(np.arange(len(losses)), _exponents(each, losses))


def _contours(each: Descent, panel: Panel) -> str:
    """Bands that grow darker upwards and lines between them, spaced evenly in the logarithm."""
    from matplotlib.figure import Figure

    thin = slice(None, None, max(1, (len(each.columns) - 1) // _FINEST))
    above = np.maximum(each.values - each.lowest, 0)
    top = float(above.max())
    levels = np.geomspace(max(float(np.quantile(above, 0.002)), 1e-4 * top), top, 16)
    found = Figure().subplots().contour(each.columns[thin], each.rows[thin], above[thin, thin], levels)
    filled = Figure().subplots()
    bands = [
        filled.contourf(each.columns[thin], each.rows[thin], above[thin, thin], [level, 2 * top + 1])
        for level in levels[:-1:2]
    ]
    parts = [("band", path) for band in bands for path in band.get_paths()]
    parts += [("contour", path) for path in found.get_paths()]
    return "".join(
        f'<path class="{kind}" d="{_outline(path, panel)}"/>\n' for kind, path in parts if len(path.vertices)
    )


def _outline(path: Any, panel: Panel) -> str:
    """A path of matplotlib in the words of SVG."""
    words = {path.MOVETO: "M", path.LINETO: "L", path.CLOSEPOLY: "Z"}
    places = panel.place(*path.vertices.T)
    codes = path.codes if path.codes is not None else [path.MOVETO, *[path.LINETO] * (len(places) - 1)]
    return "".join(
        "Z" if code == path.CLOSEPOLY else f"{words[code]}{x:g} {y:g}"
        for code, (x, y) in zip(codes, places, strict=True)
    )


def _movers(names: Sequence[str], lines: Sequence[tuple[str, np.ndarray]]) -> str:
    """A line and a dot at its end for each path; whole, so that all is there without a script."""
    return "".join(_mover(names.index(name), places) for name, places in lines)


def _mover(place: int, places: np.ndarray) -> str:
    points = " ".join(f"{x:g},{y:g}" for x, y in places)
    x, y = places[-1]
    marks = f'data-path="{place}" style="--path: var(--path-{place})"'
    return (
        f'<polyline class="path" {marks} points="{points}"/>\n'
        f'<circle class="end" {marks} cx="{x:g}" cy="{y:g}" r="5"/>\n'
    )


def _star(x: float, y: float) -> str:
    angles = np.pi * np.arange(10) / 5
    lengths = np.where(np.arange(10) % 2, 4.0, 9.0)
    corners = zip(x + lengths * np.sin(angles), y - lengths * np.cos(angles), strict=True)
    return f'<polygon class="star" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}"/>\n'


def _ticks(panel: Panel, across: str, up: str, raised: bool = False) -> str:
    """Ticks with their numbers, and the names of the axes."""
    bottom = panel.top + panel.height
    parts = []
    for x in _round_numbers(*panel.across):
        at = panel.place(x, panel.up[0])[0]
        parts.append(f'<line class="tick" x1="{at:g}" x2="{at:g}" y1="{bottom:g}" y2="{bottom + 5:g}"/>')
        parts.append(f'<text x="{at:g}" y="{bottom + 19:g}" text-anchor="middle">{x:g}</text>')
    for y in _round_numbers(*panel.up, whole=raised):
        at, label = panel.place(panel.across[0], y)[1], f"10{f'{y:.0f}'.translate(_RAISED)}" if raised else f"{y:g}"
        end = panel.left + panel.width if raised else panel.left
        parts.append(f'<line class="tick" x1="{panel.left - 5:g}" x2="{end:g}" y1="{at:g}" y2="{at:g}"/>')
        parts.append(f'<text x="{panel.left - 9:g}" y="{at + 4:g}" text-anchor="end">{label}</text>')
    parts.append(f'<text x="{panel.left + panel.width / 2:g}" y="{bottom + 35:g}" text-anchor="middle">{across}</text>')
    parts.append(f'<text x="12" y="{panel.top + panel.height / 2:g}">{up}</text>')
    return "\n".join(parts) + "\n"


def _round_numbers(low: float, high: float, whole: bool = False) -> Iterator[float]:
    """Numbers that are easily read, from low to high."""
    from matplotlib.ticker import MaxNLocator

    for value in MaxNLocator(7, integer=whole, steps=[1, 2, 5, 10]).tick_values(low, high).tolist():
        if low - 1e-9 <= value <= high + 1e-9:
            yield round(value, 10)

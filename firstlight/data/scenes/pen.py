"""A pen that draws simple shapes in a thing's own coordinates, whatever the size of the picture.

The origin is the middle of the foot, u runs forward, v runs up, and 1 is the thing's scale.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from PIL import ImageDraw

__all__ = ["Color", "Pen", "Point", "bend", "mix", "smooth"]

Color = tuple[int, ...]
Point = tuple[float, float]


def mix(color: Color, other: Color, share: float) -> Color:
    """The colour with a share (0 to 1) of another one stirred in."""
    return tuple(round(a + (b - a) * share) for a, b in zip(color[:3], other[:3], strict=True))


@lru_cache(maxsize=512)
def smooth(points: tuple[Point, ...], rounds: int = 3) -> tuple[Point, ...]:
    """A closed outline with its corners cut `rounds` times (Chaikin 1974): sums and products only, so it is exact."""
    for _ in range(rounds):
        cut: list[Point] = []
        for (u, v), (next_u, next_v) in zip(points, points[1:] + points[:1], strict=True):
            cut.append((0.75 * u + 0.25 * next_u, 0.75 * v + 0.25 * next_v))
            cut.append((0.25 * u + 0.75 * next_u, 0.25 * v + 0.75 * next_v))
        points = tuple(cut)
    return points


@lru_cache(maxsize=128)
def bend(points: tuple[Point, ...], rounds: int = 2) -> tuple[Point, ...]:
    """A line through bent corners: Chaikin's cuts, with the two ends kept."""
    for _ in range(rounds):
        cut: list[Point] = [points[0]]
        for (u, v), (next_u, next_v) in pairwise(points):
            cut.append((0.75 * u + 0.25 * next_u, 0.75 * v + 0.25 * next_v))
            cut.append((0.25 * u + 0.75 * next_u, 0.25 * v + 0.75 * next_v))
        points = (*cut, points[-1])
    return points


class Pen:
    """Draws in units of `scale` pixels around the point (x, y); `facing` -1 mirrors left and right."""

    def __init__(self, canvas: ImageDraw.ImageDraw, x: float, y: float, scale: float, facing: int = 1) -> None:
        self.canvas = canvas
        self.x = x
        self.y = y
        self.scale = scale
        self.facing = facing

    def place(self, u: float, v: float) -> tuple[int, int]:
        """The pixel of a point."""
        return round(self.x + self.facing * u * self.scale), round(self.y - v * self.scale)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        """A filled shape with straight edges."""
        self.canvas.polygon([self.place(u, v) for u, v in points], fill=color)

    def curve(self, points: Sequence[Point], color: Color) -> None:
        """A filled shape with the corners rounded away."""
        self.polygon(smooth(tuple(points)), color)

    def ellipse(self, u: float, v: float, across: float, up: float, color: Color) -> None:
        """A filled ellipse around (u, v) with these radii."""
        (a, bottom), (b, top) = self.place(u - across, v - up), self.place(u + across, v + up)
        self.canvas.ellipse((min(a, b), top, max(a, b), bottom), fill=color)

    def circle(self, u: float, v: float, radius: float, color: Color) -> None:
        """A filled circle around (u, v)."""
        self.ellipse(u, v, radius, radius, color)

    def box(self, u: float, v: float, to_u: float, to_v: float, color: Color) -> None:
        """A filled rectangle between two corners."""
        self.polygon([(u, v), (to_u, v), (to_u, to_v), (u, to_v)], color)

    def line(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A line with straight pieces and round ends, at least one pixel wide."""
        pixels = max(1, round(width * self.scale))
        self.canvas.line([self.place(u, v) for u, v in points], fill=color, width=pixels, joint="curve")
        if pixels > 2:
            for u, v in (points[0], points[-1]):
                self.circle(u, v, width / 2, color)

    def thread(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A line that bends softly instead of turning at its points."""
        self.line(bend(tuple(points)), width, color)

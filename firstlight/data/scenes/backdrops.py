"""How each setting is drawn: sky, ground and water with a few soft details, in several backdrops each.

Backdrops are kept once drawn, because thousands of scenes share them; a scene only copies one and adds its things.
"""

from collections.abc import Callable
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from firstlight.data.scenes.pen import Color, Pen, Point, smooth

__all__ = ["BACKDROPS", "backdrop"]

BACKDROPS = 8
"""How many backdrops each setting has: the even ones with their sun or moon on the left, the odd ones on the right."""


class _Easel:
    """A square picture in the making, addressed in parts of its side: x runs right, y runs down."""

    def __init__(self, pixels: int, random: Random, light_on_right: bool) -> None:
        self.pixels = pixels
        self.random = random
        self.light_on_right = light_on_right
        self.image = Image.new("RGB", (pixels, pixels))
        self.canvas = ImageDraw.Draw(self.image, "RGBA")

    def between(self, low: float, high: float) -> float:
        """A random number in a range."""
        return low + (high - low) * self.random.random()

    def wash(self, outline: list[Point], top: Color, bottom: Color) -> None:
        """Fill an outline with colours that run from the top of the outline to its bottom."""
        mask = Image.new("L", self.image.size)
        points = [(round(x * self.pixels), round(y * self.pixels)) for x, y in outline]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        rows = np.arange(self.pixels) / self.pixels
        low, high = min(y for _, y in outline), max(y for _, y in outline)
        share = np.clip((rows - low) / (high - low), 0, 1)[:, None]
        column = np.rint((1 - share) * np.array(top) + share * np.array(bottom)).astype(np.uint8)
        self.image.paste(Image.fromarray(column[:, None, :]).resize(self.image.size), mask=mask)

    def sky(self, top: Color, bottom: Color) -> None:
        """Fill the whole picture with a sky, brightest at the horizon."""
        self.wash([(0, 0), (1, 0), (1, 0.62), (0, 0.62)], top, bottom)

    def hills(self, height: float, swing: float, top: Color, bottom: Color, bumps: int = 3) -> None:
        """Rolling ground from about `height` down to the lower edge; its crest swings up and down."""
        steps = [(index / bumps, height + self.between(-swing, swing)) for index in range(-1, bumps + 2)]
        crest = smooth(((-0.6, 1.6), *steps, (1.6, 1.6)))
        self.wash(list(crest), top, bottom)

    def pen(self, x: float, y: float, scale: float) -> Pen:
        """A pen at a place in the picture."""
        return Pen(self.canvas, x * self.pixels, y * self.pixels, scale * self.pixels)

    def clouds(self, count: int, color: Color = (255, 255, 255, 96)) -> None:
        """Small soft clouds high in the sky."""
        for _ in range(count):
            pen = self.pen(self.between(0.05, 0.95), self.between(0.08, 0.36), self.between(0.10, 0.16))
            pen.curve(
                [(-0.9, 0.0), (-0.8, 0.4), (-0.4, 0.3), (-0.2, 0.8), (0.3, 0.7), (0.4, 0.3), (0.9, 0.4), (1.0, 0.0)],
                color,
            )

    def moon(self) -> None:
        """A crescent moon with a halo."""
        pen = self.pen(0.89 if self.light_on_right else 0.11, self.between(0.11, 0.14), 0.07)
        for ring in (1.9, 1.5):
            pen.circle(0, 0, ring, (255, 244, 190, 24))
        outer = smooth(((0.5, 1.2), (-0.9, 1.0), (-1.3, 0.0), (-0.9, -1.0), (0.5, -1.2), (-0.35, -0.5), (-0.35, 0.5)))
        pen.polygon(outer, (255, 242, 184))

    def sun(self, color: Color) -> None:
        """A quarter of the sun in an upper corner, in rings of light."""
        pen = self.pen(1.0 if self.light_on_right else 0.0, 0.0, self.between(0.12, 0.15))
        for ring in (2.0, 1.65, 1.3):
            pen.circle(0, 0, ring, (*color, 40))
        pen.circle(0, 0, 1.0, color)


def _meadow(easel: _Easel) -> None:
    easel.sky((96, 180, 234), (218, 240, 248))
    easel.sun((255, 240, 176))
    easel.clouds(3)
    easel.hills(0.50, 0.05, (150, 202, 158), (140, 196, 132))
    easel.hills(0.57, 0.04, (156, 210, 110), (126, 190, 92), bumps=2)
    easel.hills(0.66, 0.03, (176, 222, 106), (120, 184, 76))
    for _ in range(26):
        pen = easel.pen(easel.between(0, 1), easel.between(0.70, 0.99), 0.022)
        pen.line([(-0.5, 0.9), (0, 0), (0, 1.1), (0, 0), (0.5, 0.9)], 0.2, (112, 176, 70))
    for _ in range(14):
        easel.pen(easel.between(0, 1), easel.between(0.69, 0.98), 0.006).circle(0, 0, 1, (255, 255, 240, 220))


def _waves(easel: _Easel, top: float, bottom: float, count: int) -> None:
    for index in range(count):
        y = top + (bottom - top) * (index + easel.random.random()) / count
        scale = 0.03 + 0.06 * (y - top)
        pen = easel.pen(easel.between(0, 1), y, scale)
        pen.thread([(-1.2, 0), (-0.6, 0.4), (0, -0.2), (0.6, 0.4), (1.2, 0)], 0.14, (166, 216, 230))


def _sea(easel: _Easel) -> None:
    easel.sky((100, 182, 234), (206, 232, 246))
    easel.sun((255, 238, 180))
    easel.clouds(3)
    easel.wash([(0, 0.50), (1, 0.50), (1, 1), (0, 1)], (108, 190, 214), (30, 118, 170))
    for height in (0.60, 0.73, 0.87):
        steps = tuple((index / 8, height + (0.012 if index % 2 else -0.012)) for index in range(-2, 11))
        shift = easel.between(-0.1, 0.1)
        crest = smooth(((-0.4, 1.4), *steps, (1.4, 1.4)))
        easel.canvas.polygon(
            [(round((x + shift) * easel.pixels), round(y * easel.pixels)) for x, y in crest], fill=(16, 90, 160, 34)
        )
    _waves(easel, 0.54, 0.98, 16)


def _beach(easel: _Easel) -> None:
    easel.sky((102, 188, 236), (222, 240, 242))
    easel.sun((255, 242, 176))
    easel.clouds(2)
    easel.wash([(0, 0.47), (1, 0.47), (1, 0.75), (0, 0.75)], (60, 158, 200), (110, 208, 214))
    _waves(easel, 0.50, 0.64, 8)
    state = easel.random.getstate()
    easel.hills(0.665, 0.02, (255, 255, 255), (240, 250, 250), bumps=4)
    easel.random.setstate(state)
    easel.hills(0.685, 0.02, (226, 194, 136), (240, 212, 150), bumps=4)
    for _ in range(40):
        easel.pen(easel.between(0, 1), easel.between(0.73, 0.99), 0.004).circle(0, 0, 1, (190, 150, 96, 150))
    for _ in range(4):
        pen = easel.pen(easel.between(0, 1), easel.between(0.76, 0.98), 0.016)
        pen.curve([(-1, 0), (-0.8, 0.9), (0, 1.2), (0.8, 0.9), (1, 0), (0, -0.4)], (255, 226, 214))
        pen.line([(0, 0), (0, 0.8)], 0.14, (226, 170, 160))


def _snow(easel: _Easel) -> None:
    easel.sky((122, 160, 200), (206, 222, 238))
    for _ in range(3):
        pen = easel.pen(easel.between(0.0, 1.0), 0.62, easel.between(0.22, 0.32))
        pen.polygon([(-1, 0), (0, 1), (1, 0)], (146, 172, 204))
        pen.polygon([(-0.3, 0.7), (0, 1), (0.3, 0.7), (0.12, 0.62), (0.0, 0.72), (-0.12, 0.6)], (240, 246, 252))
    easel.hills(0.56, 0.04, (222, 234, 246), (206, 222, 240))
    for _ in range(7):
        pen = easel.pen(easel.between(0, 1), easel.between(0.60, 0.63), easel.between(0.05, 0.08))
        for v in (0.0, 0.35, 0.7):
            pen.polygon([(-0.42 + 0.3 * v, v), (0, v + 0.62), (0.42 - 0.3 * v, v)], (168, 192, 214))
    easel.hills(0.66, 0.03, (250, 252, 255), (216, 228, 244), bumps=2)
    for _ in range(60):
        radius = easel.between(0.003, 0.008)
        easel.pen(easel.between(0, 1), easel.between(0, 0.95), radius).circle(0, 0, 1, (255, 255, 255, 225))


def _night(easel: _Easel) -> None:
    easel.sky((14, 20, 62), (64, 72, 140))
    for _ in range(40):
        radius = easel.between(0.002, 0.005)
        easel.pen(easel.between(0, 1), easel.between(0, 0.5), radius).circle(0, 0, 1, (255, 255, 240, 210))
    easel.moon()
    easel.hills(0.54, 0.05, (44, 62, 116), (38, 56, 104))
    easel.hills(0.62, 0.04, (42, 78, 106), (30, 58, 92), bumps=2)
    easel.hills(0.70, 0.03, (52, 98, 108), (28, 58, 82))
    for _ in range(22):
        pen = easel.pen(easel.between(0, 1), easel.between(0.74, 0.99), 0.02)
        pen.line([(-0.5, 0.9), (0, 0), (0, 1.1), (0, 0), (0.5, 0.9)], 0.2, (62, 112, 118))


def _desert(easel: _Easel) -> None:
    easel.sky((104, 196, 214), (255, 236, 204))
    easel.sun((255, 246, 204))
    for _ in range(2):
        pen = easel.pen(easel.between(0.05, 0.95), 0.60, easel.between(0.12, 0.18))
        pen.polygon([(-0.9, 0), (-0.7, 0.55), (-0.6, 0.9), (0.5, 0.9), (0.6, 0.5), (0.9, 0)], (214, 140, 112))
        pen.box(-0.68, 0.55, 0.59, 0.65, (198, 122, 100))
    easel.hills(0.57, 0.04, (240, 190, 128), (230, 170, 108), bumps=2)
    easel.hills(0.64, 0.04, (246, 200, 134), (222, 158, 96))
    for _ in range(2):
        pen = easel.pen(easel.between(0.05, 0.95), easel.between(0.70, 0.73), 0.075)
        for stem in ([(0, 0), (0, 1.3)], [(0, 0.4), (0.4, 0.4), (0.4, 0.9)], [(0, 0.6), (-0.36, 0.6), (-0.36, 1.0)]):
            pen.line(stem, 0.17, (112, 150, 104))
    easel.hills(0.75, 0.04, (244, 192, 122), (220, 150, 88), bumps=2)
    for _ in range(12):
        pen = easel.pen(easel.between(0, 1), easel.between(0.74, 0.98), 0.04)
        pen.thread([(-1, 0), (-0.3, 0.3), (0.4, -0.1), (1, 0.15)], 0.09, (220, 154, 98))


_PAINTERS: dict[str, Callable[[_Easel], None]] = {
    "meadow": _meadow,
    "sea": _sea,
    "beach": _beach,
    "snow": _snow,
    "night": _night,
    "desert": _desert,
}


@lru_cache(maxsize=BACKDROPS * len(_PAINTERS))
def backdrop(setting: str, number: int, pixels: int) -> Image.Image:
    """One backdrop of a setting as an RGB picture of `pixels` a side; copy it before drawing on it."""
    easel = _Easel(pixels, Random(f"{setting}/{number}"), light_on_right=number % 2 == 1)
    _PAINTERS[setting](easel)
    return easel.image

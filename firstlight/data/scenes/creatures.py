"""How the creatures are drawn: dog, cat, bird and fish, each a clear silhouette in one colour with an eye to look at.

Each function takes a pen that stands at the creature's foot, and the creature's colour.
"""

from firstlight.data.scenes.pen import Color, Pen
from firstlight.data.scenes.shades import CREAM, INK, WHITE, darker, lighter, middle, shadow

__all__ = ["bird", "cat", "dog", "fish"]


def _eye(pen: Pen, u: float, v: float, radius: float) -> None:
    pen.circle(u, v, radius, WHITE)
    pen.circle(u + 0.2 * radius, v, 0.62 * radius, INK)


def dog(pen: Pen, color: Color) -> None:
    """A dog in profile, tail up, one ear hanging."""
    dark = darker(color)
    shadow(pen, 0.46)
    pen.thread([(-0.36, 0.46), (-0.47, 0.60), (-0.45, 0.76)], 0.09, color)
    for u in (-0.24, 0.20):
        pen.box(u - 0.055, 0.0, u + 0.055, 0.32, dark)
    pen.curve([(-0.44, 0.24), (-0.46, 0.62), (0.10, 0.60), (0.34, 0.66), (0.36, 0.20), (-0.1, 0.28)], color)
    for u in (-0.35, 0.10):
        pen.box(u - 0.06, 0.02, u + 0.06, 0.36, color)
        pen.ellipse(u + 0.02, 0.035, 0.085, 0.04, color)
    pen.circle(0.26, 0.68, 0.21, color)
    pen.ellipse(0.42, 0.62, 0.13, 0.10, color)
    pen.ellipse(0.43, 0.585, 0.10, 0.05, lighter(color))
    pen.ellipse(0.525, 0.655, 0.045, 0.04, INK if color[0] + color[2] > 130 else (150, 100, 100))
    pen.curve([(0.06, 0.86), (0.22, 0.90), (0.20, 0.50), (0.10, 0.42), (0.02, 0.56)], dark)
    _eye(pen, 0.335, 0.745, 0.052)


def cat(pen: Pen, color: Color) -> None:
    """A cat that sits and looks at you, its tail curled up beside it."""
    dark = darker(color)
    shadow(pen, 0.36)
    pen.thread([(0.14, 0.07), (0.38, 0.04), (0.38, 0.28), (0.26, 0.40), (0.36, 0.52)], 0.095, color)
    pen.curve([(-0.36, -0.04), (-0.26, 0.34), (-0.14, 0.66), (0.14, 0.66), (0.26, 0.34), (0.36, -0.04)], color)
    pen.ellipse(0.0, 0.25, 0.12, 0.17, lighter(color))
    for side in (-1, 1):
        pen.polygon([(side * 0.29, 0.70), (side * 0.27, 1.04), (side * 0.04, 0.88)], color)
        pen.polygon([(side * 0.24, 0.78), (side * 0.235, 0.95), (side * 0.11, 0.87)], (244, 160, 168))
        pen.ellipse(side * 0.11, 0.045, 0.10, 0.055, color)
        pen.line([(side * 0.11, 0.02), (side * 0.11, 0.30)], 0.02, dark)
    pen.ellipse(0.0, 0.70, 0.30, 0.245, color)
    for side in (-1, 1):
        pen.ellipse(side * 0.125, 0.735, 0.066, 0.072, CREAM)
        pen.ellipse(side * 0.115, 0.735, 0.036, 0.064, INK)
        pen.line([(side * 0.12, 0.625), (side * 0.36, 0.66)], 0.012, dark)
        pen.line([(side * 0.12, 0.60), (side * 0.36, 0.59)], 0.012, dark)
    pen.polygon([(-0.045, 0.655), (0.045, 0.655), (0.0, 0.605)], (236, 120, 138))


def bird(pen: Pen, color: Color) -> None:
    """A bird in flight with one wing high."""
    dark, light = darker(color), lighter(color)
    pen.polygon([(-0.28, 0.38), (-0.54, 0.50), (-0.47, 0.36), (-0.54, 0.24)], dark)
    pen.curve([(0.12, 0.46), (-0.02, 0.92), (-0.30, 0.98), (-0.20, 0.62), (-0.26, 0.40)], dark)
    pen.polygon([(0.42, 0.50), (0.54, 0.43), (0.42, 0.37)], (250, 160, 40))
    pen.curve([(-0.44, 0.38), (-0.06, 0.62), (0.20, 0.58), (0.30, 0.30), (0.02, 0.10), (-0.24, 0.18)], color)
    pen.circle(0.28, 0.47, 0.19, color)
    pen.ellipse(0.10, 0.24, 0.18, 0.09, light)
    pen.curve([(0.10, 0.44), (-0.12, 0.72), (-0.44, 0.86), (-0.34, 0.54), (-0.26, 0.28)], middle(color))
    _eye(pen, 0.325, 0.51, 0.055)


def fish(pen: Pen, color: Color) -> None:
    """A round fish with a fan for a tail, and two bubbles."""
    dark, light = darker(color), lighter(color)
    pen.curve([(-0.20, 0.32), (-0.52, 0.66), (-0.50, 0.32), (-0.52, -0.02)], dark)
    pen.curve([(-0.16, 0.50), (0.02, 0.76), (0.22, 0.66), (0.22, 0.46)], dark)
    pen.curve([(-0.38, 0.32), (-0.06, 0.66), (0.36, 0.60), (0.54, 0.32), (0.36, 0.04), (-0.06, -0.02)], color)
    pen.curve([(-0.16, 0.20), (0.10, 0.02), (0.38, 0.10), (0.44, 0.26), (0.10, 0.22)], light)
    for u in (-0.14, 0.0):
        pen.line([(u, 0.48), (u + 0.06, 0.34), (u, 0.20)], 0.03, dark)
    pen.curve([(0.14, 0.34), (-0.02, 0.26), (0.02, 0.14), (0.16, 0.22)], dark)
    _eye(pen, 0.29, 0.40, 0.075)
    pen.circle(0.50, 0.58, 0.04, (255, 255, 255, 150))
    pen.circle(0.44, 0.72, 0.028, (255, 255, 255, 130))

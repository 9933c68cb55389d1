"""How each thing is drawn: a clear silhouette in one colour, and a few details.

Each function takes a pen that stands at the thing's foot, and the thing's colour; `PAINTERS` names them all.
"""

from collections.abc import Callable

from firstlight.data.scenes.creatures import bird, cat, dog, fish
from firstlight.data.scenes.pen import Color, Pen, mix
from firstlight.data.scenes.shades import (
    CREAM,
    FOAM,
    GLOSS,
    INK,
    LEAF,
    SHADE,
    WHITE,
    WOOD,
    darker,
    lighter,
    middle,
    shadow,
)

__all__ = ["PAINTERS", "ball", "balloon", "boat", "car", "flower", "house", "kite", "star", "tree", "umbrella"]


def boat(pen: Pen, color: Color) -> None:
    """A sailing boat: hull and main sail in its colour, the small sail cream."""
    dark = darker(color)
    pen.ellipse(0.0, 0.0, 0.50, 0.055, (10, 40, 90, 70))
    pen.line([(0.02, 0.28), (0.02, 1.02)], 0.035, WOOD)
    pen.polygon([(0.05, 0.34), (0.05, 0.98), (0.20, 0.78), (0.36, 0.54), (0.44, 0.34)], color)
    pen.polygon([(0.05, 0.34), (0.05, 0.44), (0.40, 0.44), (0.44, 0.34)], dark)
    pen.polygon([(-0.02, 0.36), (-0.02, 0.90), (-0.16, 0.66), (-0.30, 0.36)], CREAM)
    pen.polygon([(-0.50, 0.28), (0.50, 0.28), (0.44, 0.14), (0.32, 0.0), (-0.30, 0.0), (-0.42, 0.12)], color)
    pen.polygon([(-0.50, 0.29), (0.50, 0.29), (0.475, 0.225), (-0.475, 0.225)], lighter(color))
    pen.polygon([(-0.37, 0.055), (0.37, 0.055), (0.32, 0.0), (-0.30, 0.0)], dark)
    pen.thread(
        [(-0.50, -0.02), (-0.34, 0.03), (-0.16, -0.03), (0.04, 0.03), (0.24, -0.03), (0.42, 0.03), (0.50, 0.0)],
        0.035,
        FOAM,
    )


def car(pen: Pen, color: Color) -> None:
    """A small round car with two windows."""
    dark = darker(color)
    shadow(pen, 0.54)
    pen.curve([(-0.42, 0.30), (-0.32, 0.68), (0.16, 0.72), (0.34, 0.30)], color)
    pen.curve(
        [(-0.56, 0.10), (-0.58, 0.44), (-0.20, 0.40), (0.24, 0.40), (0.58, 0.38), (0.58, 0.08), (0.0, 0.10)], color
    )
    pen.polygon([(-0.27, 0.37), (-0.23, 0.54), (-0.05, 0.56), (-0.05, 0.37)], (206, 232, 246))
    pen.polygon([(0.01, 0.37), (0.01, 0.56), (0.11, 0.54), (0.21, 0.37)], (206, 232, 246))
    pen.box(-0.49, 0.13, 0.50, 0.17, dark)
    pen.circle(0.485, 0.29, 0.05, (255, 238, 150))
    pen.line([(-0.02, 0.29), (0.05, 0.29)], 0.025, dark)
    for u in (-0.29, 0.30):
        pen.circle(u, 0.12, 0.135, INK)
        pen.circle(u, 0.12, 0.062, (206, 208, 216))


def house(pen: Pen, color: Color) -> None:
    """A house with a chimney, a door and a lit window."""
    dark = darker(color)
    shadow(pen, 0.50)
    pen.box(0.18, 0.66, 0.31, 1.04, mix(WOOD, dark, 0.4))
    pen.box(-0.40, 0.0, 0.40, 0.54, color)
    pen.box(0.30, 0.0, 0.40, 0.54, SHADE)
    pen.polygon([(-0.36, 0.52), (0.0, 0.90), (0.36, 0.52)], color)
    pen.polygon([(-0.52, 0.46), (0.0, 1.00), (0.52, 0.46), (0.44, 0.42), (0.0, 0.84), (-0.44, 0.42)], dark)
    pen.box(0.02, 0.0, 0.24, 0.34, WOOD)
    pen.ellipse(0.13, 0.34, 0.11, 0.07, WOOD)
    pen.circle(0.195, 0.18, 0.022, (255, 220, 110))
    pen.box(-0.31, 0.17, -0.07, 0.41, WHITE)
    pen.box(-0.28, 0.20, -0.10, 0.38, (255, 226, 128))
    pen.line([(-0.19, 0.19), (-0.19, 0.39)], 0.022, WHITE)
    pen.line([(-0.29, 0.29), (-0.09, 0.29)], 0.022, WHITE)
    pen.circle(0.0, 0.63, 0.065, WHITE)
    pen.circle(0.0, 0.63, 0.043, (255, 226, 128))


def tree(pen: Pen, color: Color) -> None:
    """A tree with a round crown."""
    shadow(pen, 0.36)
    pen.polygon([(-0.12, 0.0), (0.12, 0.0), (0.06, 0.24), (0.07, 0.52), (-0.07, 0.52), (-0.06, 0.24)], WOOD)
    dark, light = middle(color), mix(color, lighter(color), 0.7)
    pen.circle(-0.21, 0.54, 0.235, dark)
    pen.circle(0.22, 0.54, 0.235, dark)
    pen.circle(0.03, 0.50, 0.20, dark)
    pen.circle(0.13, 0.74, 0.28, color)
    pen.circle(-0.13, 0.73, 0.28, color)
    pen.circle(0.0, 0.88, 0.265, color)
    pen.circle(-0.16, 0.60, 0.20, color)
    pen.circle(0.18, 0.60, 0.18, color)
    for u, v, radius in ((-0.08, 0.97, 0.10), (-0.24, 0.76, 0.09), (0.12, 0.78, 0.08)):
        pen.ellipse(u, v, radius, 0.7 * radius, light)


_PETALS = ((0.0, 0.19), (0.165, 0.095), (0.165, -0.095), (0.0, -0.19), (-0.165, -0.095), (-0.165, 0.095))


def flower(pen: Pen, color: Color) -> None:
    """A flower with six petals on a stem with two leaves."""
    shadow(pen, 0.18)
    pen.line([(0.0, 0.0), (0.02, 0.25), (0.0, 0.5)], 0.06, LEAF)
    pen.curve([(0.0, 0.08), (0.12, 0.34), (0.38, 0.36), (0.24, 0.10)], LEAF)
    pen.curve([(0.0, 0.04), (-0.12, 0.26), (-0.36, 0.28), (-0.24, 0.04)], mix(LEAF, WHITE, 0.16))
    for u, v in _PETALS:
        pen.circle(1.06 * u, 0.68 + 1.06 * v, 0.155, middle(color))
    for u, v in _PETALS:
        pen.circle(u, 0.69 + v, 0.13, color)
    pen.circle(0.0, 0.69, 0.105, (150, 92, 44) if color[0] > 240 and color[1] > 200 else (255, 214, 84))
    pen.circle(-0.02, 0.71, 0.045, GLOSS)


def umbrella(pen: Pen, color: Color) -> None:
    """A sunshade stuck in the ground, with scallops and two lighter panels."""
    light = lighter(color)
    shadow(pen, 0.40)
    pen.line([(0.0, 0.0), (0.0, 0.98)], 0.045, WOOD)
    pen.curve(
        [(-0.54, 0.42), (-0.50, 0.80), (-0.22, 1.00), (0.22, 1.00), (0.50, 0.80), (0.54, 0.42), (0.0, 0.58)], color
    )
    pen.curve([(-0.20, 0.46), (-0.26, 0.78), (-0.03, 1.00), (0.03, 1.00), (0.26, 0.78), (0.20, 0.46)], light)
    pen.curve([(-0.07, 0.44), (-0.09, 0.78), (-0.01, 1.0), (0.01, 1.0), (0.09, 0.78), (0.07, 0.44)], color)
    for u in (-0.375, -0.125, 0.125, 0.375):
        pen.ellipse(u, 0.505, 0.125, 0.055, color if abs(u) > 0.2 else light)
    pen.circle(0.0, 0.965, 0.04, WOOD)


def ball(pen: Pen, color: Color) -> None:
    """A ball with two curved stripes."""
    light = lighter(color)
    shadow(pen, 0.40)
    pen.circle(0.0, 0.41, 0.41, middle(color))
    pen.circle(-0.015, 0.43, 0.385, color)
    pen.curve(
        [
            (-0.10, 0.82),
            (0.05, 0.60),
            (0.05, 0.26),
            (-0.10, 0.04),
            (0.05, 0.02),
            (0.22, 0.24),
            (0.22, 0.62),
            (0.05, 0.84),
        ],
        light,
    )
    pen.curve(
        [
            (-0.40, 0.50),
            (-0.10, 0.40),
            (0.10, 0.40),
            (0.37, 0.50),
            (0.37, 0.40),
            (0.10, 0.29),
            (-0.10, 0.29),
            (-0.40, 0.39),
        ],
        light,
    )
    pen.ellipse(-0.15, 0.62, 0.10, 0.075, GLOSS)


def kite(pen: Pen, color: Color) -> None:
    """A diamond kite with a tail of bows."""
    dark, light = darker(color), lighter(color)
    pen.thread([(0.0, 0.36), (-0.09, 0.24), (0.07, 0.12), (-0.03, 0.0)], 0.03, dark)
    for u, v in ((-0.045, 0.235), (0.02, 0.11)):
        pen.polygon([(u, v), (u - 0.10, v + 0.045), (u - 0.10, v - 0.045)], color)
        pen.polygon([(u, v), (u + 0.10, v + 0.045), (u + 0.10, v - 0.045)], color)
    pen.polygon([(0.0, 1.16), (-0.39, 0.80), (0.0, 0.34), (0.39, 0.80)], color)
    pen.polygon([(0.0, 1.16), (0.0, 0.80), (0.39, 0.80)], light)
    pen.polygon([(0.0, 0.34), (0.0, 0.80), (-0.39, 0.80)], middle(color))
    pen.line([(0.0, 1.15), (-0.38, 0.80), (0.0, 0.35), (0.38, 0.80), (0.0, 1.15)], 0.022, middle(color))
    pen.line([(-0.37, 0.80), (0.37, 0.80)], 0.02, dark)
    pen.line([(0.0, 0.36), (0.0, 1.14)], 0.02, dark)


def balloon(pen: Pen, color: Color) -> None:
    """A balloon on a string."""
    pen.thread([(0.0, 0.46), (0.08, 0.30), (-0.08, 0.16), (0.02, 0.0)], 0.024, (110, 106, 116))
    pen.polygon([(-0.07, 0.40), (0.07, 0.40), (0.0, 0.50)], darker(color))
    pen.curve(
        [(0.0, 0.40), (-0.24, 0.50), (-0.42, 0.86), (-0.24, 1.22), (0.24, 1.22), (0.42, 0.86), (0.24, 0.50)],
        middle(color),
    )
    pen.curve(
        [(-0.02, 0.46), (-0.24, 0.54), (-0.40, 0.88), (-0.24, 1.20), (0.20, 1.20), (0.35, 0.88), (0.18, 0.56)], color
    )
    pen.ellipse(-0.12, 0.98, 0.075, 0.11, GLOSS if sum(color) < 690 else (232, 234, 244))


_STAR = (
    (0.0, 0.98),
    (-0.155, 0.665),
    (-0.50, 0.615),
    (-0.25, 0.375),
    (-0.31, 0.03),
    (0.0, 0.195),
    (0.31, 0.03),
    (0.25, 0.375),
    (0.50, 0.615),
    (0.155, 0.665),
)


def star(pen: Pen, color: Color) -> None:
    """A star with a sleepy smile."""
    pen.polygon(_STAR, color)
    pen.polygon([(0.0, 0.98), (0.0, 0.195), (0.31, 0.03), (0.25, 0.375), (0.50, 0.615), (0.155, 0.665)], SHADE)
    for side in (-1, 1):
        pen.circle(side * 0.11, 0.53, 0.036, INK)
        pen.circle(side * 0.19, 0.45, 0.045, (255, 120, 120, 120))
    pen.thread([(-0.07, 0.43), (0.0, 0.38), (0.07, 0.43)], 0.026, INK)


PAINTERS: dict[str, Callable[[Pen, Color], None]] = {
    painter.__name__: painter
    for painter in (dog, cat, bird, fish, boat, car, house, tree, flower, umbrella, ball, kite, balloon, star)
}

"""The tints and shades that the drawn things share, all made from the one colour that a thing has.

A shade of white is grey and a tint of black is grey, so that details show on every colour.
"""

from firstlight.data.scenes.pen import Color, Pen, mix

__all__ = ["CREAM", "FOAM", "GLOSS", "INK", "LEAF", "SHADE", "WHITE", "WOOD", "darker", "lighter", "middle", "shadow"]

WHITE = (255, 255, 255)
INK = (38, 36, 48)
WOOD = (124, 82, 52)
CREAM = (255, 244, 214)
LEAF = (70, 150, 70)
FOAM = (182, 222, 236)
GLOSS = (255, 255, 255, 105)
SHADE = (24, 20, 70, 46)
_GROUND_SHADOW = (16, 24, 48, 62)


def lighter(color: Color) -> Color:
    """A tint that shows on the colour, also on white."""
    return mix(color, WHITE, 0.34) if sum(color) < 690 else (226, 228, 238)


def darker(color: Color) -> Color:
    """A shade that shows on the colour, also on black."""
    if sum(color) > 690:
        return (184, 190, 212)
    if sum(color) < 200:
        return (92, 90, 106)
    return mix(color, (170, 90, 0), 0.4) if color[0] > 240 else mix(color, (20, 10, 60), 0.36)


def middle(color: Color) -> Color:
    """Halfway to the darker shade."""
    return mix(color, darker(color), 0.5)


def shadow(pen: Pen, across: float) -> None:
    """The shadow on the ground under a thing."""
    pen.ellipse(0.04, 0.0, across, 0.06, _GROUND_SHADOW)

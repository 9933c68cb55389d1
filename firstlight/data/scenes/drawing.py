"""From a scene to its picture: the backdrop, then the things from far to near, smoothed by drawing large and reducing.

All lengths are parts of the picture's side, so a scene can be drawn at any size.
"""

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

from firstlight.data.scenes.backdrops import backdrop
from firstlight.data.scenes.pen import Pen
from firstlight.data.scenes.things import PAINTERS
from firstlight.data.scenes.world import COLORS, Scene
from firstlight.errors import FirstlightError

__all__ = ["draw"]

_OVERSAMPLING = 3


def draw(scene: Scene, size: int = 96) -> npt.NDArray[np.uint8]:
    """The picture of a scene, an array (size, size, 3) of uint8 in RGB."""
    if size < 16:
        raise FirstlightError(f"Expected a picture size of at least 16 pixels. Received {size}.")
    pixels = size * _OVERSAMPLING
    image = backdrop(scene.setting, scene.backdrop, pixels).copy()
    canvas = ImageDraw.Draw(image, "RGBA")
    placed = [(spot, group) for group in scene.groups for spot in group.spots]
    for spot, group in sorted(placed, key=lambda pair: pair[0].y):
        pen = Pen(canvas, spot.x * pixels, spot.y * pixels, spot.scale * pixels, group.facing)
        PAINTERS[group.thing](pen, COLORS[group.color])
    return np.array(image.reduce(_OVERSAMPLING))

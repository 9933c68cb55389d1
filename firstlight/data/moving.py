"""Pictures changed a little at random, as another photographer would have taken them: moved, and in another light.

Of few pictures a network would learn the place and the light of each by heart.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["moved", "relit"]

_SHIFT, _ZOOM, _TURN = 1 / 32, 0.04, 0.06  # of the side, of the size, in radians: how far at most
_CONTRAST, _BRIGHTNESS, _SLOPE = 0.1, 0.03, 0.15  # shares of the brightness, at most
_EDGE = 0.12  # of the side, by which pictures grow before they are moved


def moved(pictures: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Pictures (batch, height, width, channels) of uint8, each shifted, magnified and turned a little.

    Beyond the edge the edge goes on.
    """
    height, width, channels = pictures.shape[1:]
    edge = 2 + round(_EDGE * max(height, width))
    padded = np.pad(pictures, ((0, 0), (edge, edge), (edge, edge), (0, 0)), mode="edge")
    down, right = random.uniform(-_SHIFT, _SHIFT, (2, len(pictures))) * max(height, width)
    sizes, turns = 1 + random.uniform(-_ZOOM, _ZOOM, len(pictures)), random.uniform(-_TURN, _TURN, len(pictures))
    middle = np.array([width / 2, height / 2])
    found = np.empty_like(pictures)
    for number, picture in enumerate(padded):
        # Pillow wants the place in the old picture of each place in the new one.
        turn = sizes[number] * np.array(
            [[np.cos(turns[number]), np.sin(turns[number])], [-np.sin(turns[number]), np.cos(turns[number])]]
        )
        offset = middle + edge + (right[number], down[number]) - turn @ middle
        places = (*turn[0], offset[0], *turn[1], offset[1])
        image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
        drawn = image.transform((width, height), Image.Transform.AFFINE, places, Image.Resampling.BICUBIC)
        found[number] = np.asarray(drawn).reshape(height, width, channels)
    return found


def relit(pictures: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Pictures (batch, height, width, channels) of uint8 with a little more or less contrast and brightness each, and
    with light from one side.
    """
    height, width = pictures.shape[1:3]
    values = pictures.astype(np.float32)
    contrast, brightness, across, down = random.uniform(-1, 1, (4, len(pictures), 1, 1, 1)).astype(np.float32)
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    values = mean + (1 + _CONTRAST * contrast) * (values - mean) + 255 * _BRIGHTNESS * brightness
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, None, :, None]
    rows = np.linspace(-1, 1, height, dtype=np.float32)[None, :, None, None]
    values *= 1 + _SLOPE * (across * columns + down * rows)
    lit: NDArray[np.uint8] = np.rint(values.clip(0, 255)).astype(np.uint8)
    return lit

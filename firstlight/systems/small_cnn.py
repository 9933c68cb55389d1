"""A small convolutional network to train from scratch together with what reads its grid, in minutes on a CPU.

On a CPU the time goes into the layers that keep all pixels, so overlapping patches come first, four pixels apart.
"""

from typing import Any

import keras
from keras import layers

__all__ = ["small_cnn"]


def small_cnn(image_size: int = 64, channels: tuple[int, int, int] = (48, 96, 160)) -> keras.Model:
    """Images (batch, size, size, 3), 0..255, to a grid (batch, size / 8, size / 8, channels).

    Patches of 8x8, then regions of half as many a side. What lies around a region, which is needed to count, comes from
    a coarse path: two convolutions on a grid of a quarter as many cells, spread out again and added to the regions
    (He et al. 2016, section 3.2, for the sum; Lin et al. 2017, section 3, for a coarse path that comes back).

    Args:
        image_size: side of the images in pixels.
        channels: of the patches, the regions and the result.
    """
    patches, regions, result = channels
    images = keras.Input((image_size, image_size, 3), name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(images)
    x = _convolve(x, patches, 8, 4, "patches")
    x = _convolve(x, regions, 3, 2, "regions")
    x = layers.Add(name="refined")([x, _convolve(x, regions, 3, 1, "refine")])
    around = _convolve(x, regions, 3, 2, "coarse")
    around = _convolve(around, regions, 3, 1, "around")
    x = layers.Add(name="in_context")([x, _spread(around, x)])
    return keras.Model(images, _convolve(x, result, 1, 1, "mix"), name="small_cnn")


def _convolve(x: Any, width: int, size: int, strides: int, name: str) -> Any:
    x = layers.Conv2D(width, size, strides, padding="same", use_bias=False, name=f"{name}_convolution")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalization")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _spread(coarse: Any, fine: Any) -> Any:
    """Each coarse cell twice a side; where the fine grid has an odd side, the last is cut off."""
    wide = layers.UpSampling2D(name="spread")(coarse)
    over = [big - small for big, small in zip(wide.shape[1:3], fine.shape[1:3], strict=True)]
    return layers.Cropping2D([(0, rest) for rest in over], name="cut")(wide) if any(over) else wide

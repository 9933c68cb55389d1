"""What is done to pictures that an autoencoder is to mend: noise of several kinds, drawn from a given source.

Pictures are float32 from 0 to 1, and stay between these.
"""

from typing import Any

import numpy as np

from firstlight.errors import FirstlightError, nearest

__all__ = ["NOISES", "with_noise"]

NOISES = {"none": 0.0, "gaussian": 0.1, "salt_and_pepper": 0.1, "masking": 0.25, "blur": 1.0}
"""Kinds of noise, and how strong each is by default."""

_REACH = 3.0  # spreads of a blur beyond which its weights are nothing


def with_noise(pictures: np.ndarray, kind: str, strength: float, random: np.random.Generator) -> np.ndarray:
    """Pictures (batch, height, width, channels) with noise.

    Args:
        pictures: float32, 0..1.
        kind: `gaussian` adds noise of spread `strength`; `salt_and_pepper` makes a share of the pixels black or white,
            and `masking` a share of them black (Vincent et al. 2010, section 3.3), in all channels alike; `blur` is a
            Gaussian one with a spread of so many pixels.
        strength: how much of it.
        random: where it is drawn from.

    Raises:
        FirstlightError: the kind is not known.
    """
    if kind not in NOISES:
        raise FirstlightError(
            f"Expected noise to be one of {', '.join(NOISES)}. Received {kind!r}.{nearest(kind, NOISES)}"
        )
    if kind == "none" or not strength:
        return pictures
    if kind == "gaussian":
        noise = random.standard_normal(pictures.shape, dtype=np.float32)
        return np.clip(pictures + np.float32(strength) * noise, 0, 1)
    if kind == "blur":
        return _blurred(pictures, strength)
    drawn = random.random(pictures.shape[:3], dtype=np.float32)[..., None]
    if kind == "masking":
        return np.where(drawn < strength, np.float32(0), pictures)
    ends = (drawn < strength / 2).astype(np.float32)  # half of what is struck is white
    return np.where(drawn < strength, ends, pictures)


def _blurred(pictures: np.ndarray, spread: float) -> np.ndarray:
    """A weighted mean of neighbours along each side; beyond the edge the edge goes on."""
    reach = max(1, round(_REACH * spread))
    places: Any = np.arange(-reach, reach + 1)
    weights = np.exp(-np.square(places) / (2 * spread**2))
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (1, 2):
        padding = [(0, 0)] * 4
        padding[axis] = (reach, reach)
        padded = np.pad(pictures, padding, mode="edge")
        side = pictures.shape[axis]
        pictures = sum(
            weight * np.take(padded, range(start, start + side), axis) for start, weight in enumerate(weights)
        )
    return pictures

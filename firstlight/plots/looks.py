"""Where a captioner looked: the picture, and for each word the part of it that the network attended to.

Light falls where it looked; the rest is grey.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from firstlight.plots.figure import FAINT, STYLE, make_figure, write_figure

__all__ = ["attention"]

_GLOW = (255.0, 168.0, 40.0)  # red, green and blue of the light that falls where the network looked


def attention(
    image: np.ndarray,
    words: Sequence[str],
    maps: Sequence[np.ndarray],
    probabilities: Sequence[float],
    path: str | Path,
) -> None:
    """Draw the picture, and for each word where the network looked: in a warm light there, grey elsewhere.

    Args:
        image: (height, width, 3) uint8.
        words: the caption, word by word.
        maps: for each word a (rows, columns) array of shares that sum to 1.
        probabilities: of each word, 0 to 1.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    height, width = image.shape[:2]
    columns = min(len(words) + 1, 5)
    rows = -(-(len(words) + 1) // columns)
    with rc_context(STYLE):
        figure = make_figure(2.2 * columns, (2.2 * min(height / width, 1.6) + 0.36) * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        panels[0].imshow(image)
        for panel, word, shares, probability in zip(panels[1:], words, maps, probabilities, strict=False):
            panel.imshow(_spotlight(image, shares))
            panel.set_title(word, fontsize=11, loc="left", pad=5)
            panel.set_title(f"{probability:.0%}", fontsize=9, loc="right", pad=5, color=FAINT, fontweight="normal")
        write_figure(figure, path)


def _spotlight(image: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The image in a warm light where the network looked, grey elsewhere; shares are enlarged smoothly to its size."""
    height, width = image.shape[:2]
    low, high = float(shares.min()), float(shares.max())
    scaled = (np.asarray(shares, np.float32) - low) / max(high - low, 1e-9)
    if high * shares.size < 1.01:  # evenly everywhere: nothing stands out, and noise must not look like a finding
        scaled = np.full_like(scaled, 0.5)
    light = np.asarray(Image.fromarray(scaled).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    grey = image.mean(axis=2, keepdims=True)
    dim = 0.25 * image + 0.45 * grey
    lit = 0.55 * image + 0.45 * np.array(_GLOW)
    return np.asarray(np.round(dim + (lit - dim) * light).clip(0, 255), np.uint8)

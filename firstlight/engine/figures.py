"""Figures of arrays for a page: a few numbers as bars, a vector as a block, a matrix as a map, maps as tiles.

Of a batch, the first example is shown.
"""

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from firstlight.engine import charts
from firstlight.engine.picture import data_uri, shaded, tiled

__all__ = ["BARS", "WIDE", "block", "cut", "figure", "figures_of", "tiles_figure"]

BARS = 12  # numbers that get a bar each
WIDE = 512  # numbers along one side of a picture; more are left out, and the page says so
_MAPS = 24  # channels that are shown of an image
_SHEET = 420  # pixels in a row of tiles, about


def figures_of(name: str, x: np.ndarray) -> list[str]:
    """The first example of an array as bars, as a strip, as a map of time and units, or as maps of channels."""
    if x.dtype.kind not in "fiub" or not x.size:
        return []
    x = x[0] if x.ndim else x[None]
    while x.ndim > 1 and len(x) == 1:
        x = x[0]
    if x.size <= BARS:
        indices = [", ".join(map(str, place)) for place in np.ndindex(x.shape)]
        values = {f"[{index}]": float(value) for index, value in zip(indices, x.ravel(), strict=True)}
        return [f"<figure>{charts.bars(values)}<figcaption>{escape(name)}</figcaption></figure>"]
    signed, largest, told = _scale(x)
    caption = f"{name}, {told}"
    if x.ndim == 1:
        return [figure(caption, shaded(block(x), signed, largest))]
    if x.ndim == 2:
        part, note = cut(x)
        return [figure(caption + note, shaded(part, signed, largest))]
    if x.ndim == 3 and name.startswith("input") and x.shape[-1] == 3:
        return [figure(name, _photograph(x))]
    maps = x.reshape(*x.shape[:2], -1)[:WIDE, :WIDE]
    count = maps.shape[-1]
    tiles = [shaded(maps[..., n], signed, largest) for n in range(min(count, _MAPS))]
    note = f", the first {_MAPS} of {count} maps" if count > _MAPS else f", {count} maps" * (count > 1)
    return [tiles_figure(caption + note, tiles)]


def _scale(x: np.ndarray) -> tuple[bool, float, str]:
    """Whether there are two signs, what has the last colour, and the range in words. A few outliers do not set it."""
    sizes = np.abs(x[np.isfinite(x)].astype("float64"))
    most = float(sizes.max(initial=0.0)) or 1.0
    usual = float(np.quantile(sizes, 0.998)) if sizes.size else 1.0
    largest = usual if 0 < usual < most / 1.5 else most
    signed = bool((x < 0).any())
    told = f"{f'-{largest:.3g}' if signed else 0} to {largest:.3g}"
    return signed, largest, told if largest == most else f"{told}, at most {most:.3g}"


def _photograph(x: np.ndarray) -> np.ndarray:
    low, high = float(x.min()), float(x.max())
    return ((x - low) / ((high - low) or 1) * 255).astype(np.uint8)


def block(x: np.ndarray) -> np.ndarray:
    """A vector in lines, twice as wide as high; a square where that comes out even, as attention to a grid does."""
    x = x[: WIDE * WIDE]
    side = math.isqrt(len(x))
    width = side if side * side == len(x) else min(len(x), max(16, math.ceil(math.sqrt(2 * len(x)))))
    block = np.full(-(-len(x) // width) * width, np.nan)
    block[: len(x)] = x
    return block.reshape(-1, width)


def cut(x: np.ndarray) -> tuple[np.ndarray, str]:
    """With the longer axis across; what is too long is cut, and said."""
    turned = x.T if x.shape[0] > x.shape[1] else x
    note = " (turned: rows are columns)" if x.shape[0] > x.shape[1] else ""
    if max(turned.shape) > WIDE:
        note += f", the first {WIDE}"
    return turned[:WIDE, :WIDE], note


def tiles_figure(caption: str, tiles: Sequence[np.ndarray]) -> str:
    """Tiles side by side, magnified towards a common width."""
    columns = 8 if len(tiles) > 9 else min(len(tiles), 4)
    return figure(caption, tiled(tiles, columns, max(1, min(16, _SHEET // (columns * tiles[0].shape[1])))), 0)


def figure(caption: str, pixels: np.ndarray, side: int = 240) -> str:
    """A picture, magnified in whole pixels towards a side."""
    height, width = pixels.shape[:2]
    scale = max(1, min(side // width if width else 1, side // height if height else 1, 16))
    return (
        f'<figure><img src="{data_uri(pixels)}" width="{width * scale}" height="{height * scale}" loading="lazy" '
        f'alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'
    )

"""Pictures of numbers: arrays as coloured pixels, and pixels as PNG, with nothing but NumPy and zlib.

Numbers of one sign go from dark to light; numbers of both signs go from blue over white to orange, with white at 0.
"""

import base64
import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from firstlight.errors import FirstlightError

__all__ = ["data_uri", "png", "shaded", "tiled"]

_DARK_TO_LIGHT = np.array([(22, 24, 44), (36, 70, 112), (32, 126, 132), (112, 184, 110), (250, 230, 130)], float)
_BLUE_TO_ORANGE = np.array([(16, 72, 120), (92, 158, 200), (250, 248, 244), (240, 158, 92), (176, 66, 16)], float)
_LEVELS = 100  # steps of a scale: enough for the eye, and few enough for a palette
_GAP = np.array((128, 128, 128), np.uint8)  # between tiles; stands out from either end of both scales


def shaded(values: np.ndarray, signed: bool | None = None, largest: float | None = None) -> np.ndarray:
    """Numbers as colours: (height, width) -> (height, width, 3) of uint8.

    Args:
        signed: blue to orange around 0; by default where there are negative numbers.
        largest: what has the last colour; by default the largest size in the array. NaN is shown black.
    """
    values = np.asarray(values, float)
    finite = np.where(np.isfinite(values), values, 0.0)
    signed = bool((finite < 0).any()) if signed is None else signed
    largest = float(np.abs(finite).max(initial=0.0)) if largest is None else largest
    share = finite / (largest or 1.0)
    place = np.rint(np.clip((share + 1) / 2 if signed else share, 0, 1) * _LEVELS) / _LEVELS
    anchors = _BLUE_TO_ORANGE if signed else _DARK_TO_LIGHT
    places = np.linspace(0, 1, len(anchors))
    colours = np.stack([np.interp(place, places, anchors[:, channel]) for channel in range(3)], -1)
    return np.where(np.isfinite(values)[..., None], np.rint(colours), 0).astype(np.uint8)


def tiled(tiles: Sequence[np.ndarray], columns: int | None = None, scale: int = 1) -> np.ndarray:
    """Pictures of one size beside and below each other, with a gap of two pixels: (height, width, 3) each.

    Args:
        columns: by default as many as make a square.
        scale: by how much each is magnified, in whole pixels.
    """
    columns = min(len(tiles), columns or math.ceil(math.sqrt(len(tiles))))
    rows = math.ceil(len(tiles) / columns)
    height, width = (scale * side for side in tiles[0].shape[:2])
    sheet = np.empty((rows * (height + 2) - 2, columns * (width + 2) - 2, 3), np.uint8)
    sheet[:] = _GAP
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + 2), number % columns * (width + 2)
        sheet[top : top + height, left : left + width] = tile.repeat(scale, 0).repeat(scale, 1)
    return sheet


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of (height, width, 3) uint8 (ISO/IEC 15948): a header, the compressed rows, an end.

    Where there are at most 256 colours, they come as a palette, and each pixel as a number of it.

    Raises:
        FirstlightError: the array is of another form.
    """
    pixels = np.ascontiguousarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise FirstlightError(
            f"Expected pixels (height, width, 3) of uint8. Received {pixels.shape} of {pixels.dtype}."
        )
    height, width, _ = pixels.shape
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, numbers = np.unique(packed, return_inverse=True)
    few = len(colours) <= 256
    content = numbers.astype(np.uint8) if few else pixels
    rows = np.zeros((height, 1 + content.size // height), np.uint8)  # each begins with 0: no filter
    rows[:, 1:] = content.reshape(height, -1)
    kind = 3 if few else 2  # a palette, or red, green and blue
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    if few:
        parts.append((b"PLTE", colours.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()))
    parts += [(b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(data)) + name + data + _check(name + data) for name, data in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _check(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def data_uri(pixels: np.ndarray) -> str:
    """A picture as text that a page can hold."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")

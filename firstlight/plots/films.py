"""Pictures one after the other as a film, a strip or single files, and many at once as a grid.

Small pictures are enlarged by whole factors, so that each of their pixels stays a square.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from firstlight.errors import FirstlightError
from firstlight.plots.figure import write_picture

__all__ = ["enlarged", "film", "frames", "picture_grid", "strip"]

_SHOWN = 256  # pixels of a side up to which small pictures of a film are enlarged
_CELL = 96  # pixels of a side up to which those of a grid or a strip are
_GAP = 4  # pixels between pictures
_GROUND = 255
_FEWEST_COLOURS = 256
_LARGEST = 16_000  # pixels of a side of a grid, which most programs can still show


def enlarged(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture (height, width) or (height, width, 1 or 3) as (height, width, 3) uint8, each pixel as large a square as
    `side` allows.
    """
    values = np.asarray(picture)
    if values.dtype != np.uint8 or values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (1, 3)):
        raise FirstlightError(
            f"Expected a picture (height, width) or (height, width, 1 or 3) of uint8. Received {values.dtype} of shape "
            f"{values.shape}."
        )
    values = values.reshape(*values.shape[:2], -1)
    values = np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values
    factor = max(1, side // max(values.shape[:2]))
    return np.asarray(values.repeat(factor, axis=0).repeat(factor, axis=1))


def film(
    pictures: Sequence[np.ndarray], path: str | Path, *, seconds: float = 3.0, there_and_back: bool = False
) -> None:
    """Write pictures as an animated GIF that plays for ever; the first and the last stay a little longer.

    Args:
        pictures: of one size.
        path: the .gif to write.
        seconds: how long all of them are shown.
        there_and_back: play them backwards after the last.

    Raises:
        FirstlightError: there is no picture, or the ending is another.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise FirstlightError(f"Expected a film .gif. Received {path.name}.")
    shown = _whole(pictures, _SHOWN)
    each = max(20, round(1000 * seconds / len(shown)))
    times = [each] * len(shown)
    times[0] = times[-1] = max(each, 400)
    if there_and_back and len(shown) > 2:
        shown, times = [*shown, *shown[-2:0:-1]], [*times, *times[-2:0:-1]]
    # One palette for all, or colours flicker.
    palette = Image.fromarray(np.concatenate(shown)).quantize(_FEWEST_COLOURS)
    first, *others = [Image.fromarray(each).quantize(palette=palette, dither=Image.Dither.NONE) for each in shown]
    write_picture(
        path,
        lambda temporary: first.save(
            temporary, "GIF", save_all=True, append_images=others, duration=times, loop=0, optimize=True
        ),
    )


def strip(pictures: Sequence[np.ndarray], path: str | Path) -> None:
    """Write pictures of one size beside each other, as one PNG or JPEG."""
    picture_grid(pictures, path, columns=max(1, len(pictures)))


def frames(pictures: Sequence[np.ndarray], folder: str | Path) -> list[Path]:
    """Write each picture as a PNG of its own, `frame-000.png` and so on; what the folder had of such files goes.

    Pictures keep their size. Returns the paths.
    """
    folder = Path(folder)
    width = max(3, len(str(len(pictures) - 1)))
    temporary = folder.with_name(f".{os.getpid()}-{folder.name}")
    temporary.mkdir(parents=True)
    try:
        names = [f"frame-{number:0{width}d}.png" for number in range(len(pictures))]
        for name, picture in zip(names, _whole(pictures, 0), strict=True):
            Image.fromarray(picture).save(temporary / name)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("frame-*.png"):
            old.unlink()
        for name in names:
            os.replace(temporary / name, folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [folder / name for name in names]


def picture_grid(
    pictures: Sequence[np.ndarray], path: str | Path, *, columns: int | None = None, cell: int = _CELL
) -> None:
    """Write pictures of one size in rows, as one PNG or JPEG.

    Args:
        pictures: of one size.
        path: the picture to write; its ending says in which format.
        columns: how many stand side by side; by default as many as make the grid about square.
        cell: pixels of a side up to which small pictures are enlarged.
    """
    shown = _whole(pictures, cell)
    columns = columns or int(np.ceil(np.sqrt(len(shown))))
    rows = -(-len(shown) // columns)
    height, width = shown[0].shape[:2]
    size = rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP
    if max(size) > _LARGEST:
        raise FirstlightError(
            f"Expected a grid of at most {_LARGEST:,} pixels a side. {len(shown):,} pictures make {size[1]:,} x "
            f"{size[0]:,}. Give fewer, or write them one by one."
        )
    sheet = np.full((*size, 3), _GROUND, np.uint8)
    for number, picture in enumerate(shown):
        top, left = (
            place * (side + _GAP) + _GAP for place, side in zip(divmod(number, columns), (height, width), strict=True)
        )
        sheet[top : top + height, left : left + width] = picture
    image = Image.fromarray(sheet)
    write_picture(path, image.save)


def _whole(pictures: Sequence[np.ndarray], side: int) -> list[np.ndarray]:
    """All pictures in colour and enlarged; an error where there is none, or where they differ in size."""
    shown = [enlarged(picture, side) for picture in pictures]
    sizes = {picture.shape[:2] for picture in shown}
    if len(sizes) != 1:
        raise FirstlightError(f"Expected pictures of one size. Received {len(shown)}, of {len(sizes)} sizes.")
    return shown

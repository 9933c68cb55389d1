"""Images of a split as one array of pixels, or read batch by batch where there are too many for the memory.

An image that cannot be read is told and passed over.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.data.images import ImageError, read, read_many
from firstlight.errors import FirstlightError

__all__ = ["Pictures", "image_name", "is_grey", "pixels_of", "spread"]

_MEMORY = 2 << 30  # bytes of pixels that are held
_LOOKED_AT = 64  # images by which is decided whether all are grey
_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


class Pictures:
    """Images at one size, to be had by their places.

    Args:
        images: paths or arrays.
        shape: (height, width, channels) to which they are brought; one channel is grey.
        tell: is called with a line for each image that cannot be read.
        progress: is told how many have been read.

    `rows` are the places in `images` of those that can be read; place i here is the image `images[rows[i]]`.
    """

    def __init__(
        self,
        images: Sequence[Any],
        shape: tuple[int, int, int],
        tell: Callable[[str], object] = lambda line: None,
        progress: Callable[[int], object] = lambda done: None,
    ):
        self.images, self.shape = images, shape
        self.held = len(images) * int(np.prod(shape)) <= _MEMORY
        found = np.empty((len(images), *shape), np.uint8) if self.held else None
        rows: list[int] = []
        first = ""
        for number, picture in read_many(images, shape[:2]):
            if isinstance(picture, ImageError):
                first = first or str(picture)
                tell(f"passed over: {picture}")
            else:
                if found is not None:
                    found[len(rows)] = pixels_of(picture, shape[2])
                rows.append(number)
            progress(number + 1)
        if not rows:
            raise FirstlightError(
                f"Expected images that can be read. Received {len(images)}, none of them readable."
                f"{f' First: {first}' if first else ''}"
            )
        self.rows = rows
        self.pixels = None if found is None else found[: len(rows)]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Any) -> np.ndarray:
        """The pixels (batch, height, width, channels) of some, uint8."""
        if self.pixels is not None:
            return self.pixels[places]
        chosen = [self.images[self.rows[place]] for place in places]
        read_again = dict(read_many(chosen, self.shape[:2]))
        return np.stack([pixels_of(read_again[number], self.shape[2]) for number in range(len(chosen))])


def pixels_of(picture: np.ndarray, channels: int) -> np.ndarray:
    """(height, width, 3) as it is, or as its brightness (height, width, 1)."""
    if channels == 3:
        return picture
    return np.rint(picture @ _GREY)[..., None].astype(np.uint8)


def spread(images: Sequence[Any], count: int) -> list[Any]:
    """At most so many images, from the first to the last at even steps: files are often ordered by class."""
    places = np.unique(np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int))
    return [images[place] for place in places]


def is_grey(images: Sequence[Any]) -> bool:
    """Whether images have no colour, as some of them tell."""
    looked = 0
    for image in spread(images, _LOOKED_AT):
        try:
            picture = read(image).astype(np.int16)
        except ImageError:
            continue
        looked += 1
        if np.abs(picture[..., :2] - picture[..., 1:]).max() > 2:
            return False
    return looked > 0


def image_name(image: Any, number: int) -> str:
    """The file's name, or the position of an image that is an array."""
    return Path(image).name if isinstance(image, str | Path) else str(number)

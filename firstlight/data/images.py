"""Image files of any common kind to (height, width, 3) arrays of uint8, or one clear line that says why not.

Pixels are counted before anything is decoded, transparency falls on white, and a photo stands as its camera was held.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from firstlight.data.archives import read_bytes
from firstlight.errors import FirstlightError, nearest

__all__ = ["FITS", "FORMATS", "MAXIMUM_PIXELS", "ImageError", "decode", "read", "read_many", "resize"]

FITS = {
    "squash": "the whole image, stretched to the size",
    "crop": "the middle of the image, cut to the shape of the size",
    "pad": "the whole image, unstretched, on a grey ground",
}

# Only formats that are pixels: Pillow would also start Ghostscript for an EPS file.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000")

# A quarter of a gigabyte as RGB. It equals Pillow's own default, but holds also where a program has lifted that one.
MAXIMUM_PIXELS = 1024**3 // 4 // 3

# Shrinking in two steps, first by a whole number to no less than this many times the size, then smoothly.
_GAP = 2.0

_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_GREY_GROUND = (127, 127, 127)  # near zero after the scaling of most networks


class ImageError(FirstlightError):
    """An image that cannot be used: its name, what was expected, what came."""


def decode(data: bytes, name: str = "") -> NDArray[np.uint8]:
    """The pixels of an image file's bytes, as (height, width, 3) uint8; `name` is for the error message.

    The first frame of an animation; grey, palette and CMYK as RGB; 16-bit grey by its high byte, rounded.
    """
    return np.array(_open(data, name))


def read(
    image: str | Path | NDArray[np.uint8], size: int | tuple[int, int] | None = None, fit: str = "squash"
) -> NDArray[np.uint8]:
    """An image as (height, width, 3) uint8, from a path (also through a zip or tar) or from an array.

    `size` is one side of a square or (height, width). `fit` is "squash", "crop" or "pad", see `FITS`. With a size, a
    large JPEG is decoded at a half, a quarter or an eighth, never below twice the size. Raises `ImageError`.
    """
    target = None if size is None else _target(size, fit)
    picture = _from_array(image) if isinstance(image, np.ndarray) else _open(_bytes(image), str(image), target)
    return np.array(picture if target is None else _resize(picture, target, fit))


def resize(image: NDArray[np.uint8], size: int | tuple[int, int], fit: str = "squash") -> NDArray[np.uint8]:
    """An image array at another size; `size` and `fit` as in `read`."""
    return np.array(_resize(_from_array(image), _target(size, fit), fit))


def read_many(
    images: Iterable[str | Path | NDArray[np.uint8]],
    size: int | tuple[int, int] | None = None,
    fit: str = "squash",
    threads: int = 2,
) -> Iterator[tuple[int, NDArray[np.uint8] | ImageError]]:
    """Pairs of (index, array or `ImageError`) in the order of `images`, decoded by threads some images ahead.

    A broken image is handed over as the error that `read` would raise, so that the caller decides to pass over it.
    """
    if size is not None:
        _target(size, fit)
    if threads < 1:
        raise FirstlightError(f"Expected at least one thread. Received {threads}.")

    def attempt(image: str | Path | NDArray[np.uint8]) -> NDArray[np.uint8] | ImageError:
        try:
            return read(image, size, fit)
        except ImageError as error:
            return error

    waiting = iter(images)
    ahead: deque[Future[NDArray[np.uint8] | ImageError]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="images")
    try:
        ahead.extend(pool.submit(attempt, image) for image in islice(waiting, 8 * threads))
        index = 0
        while ahead:
            result = ahead.popleft().result()
            ahead.extend(pool.submit(attempt, image) for image in islice(waiting, 1))
            yield index, result
            index += 1
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _bytes(path: str | Path) -> bytes:
    try:
        return read_bytes(path)
    except FirstlightError as error:
        raise ImageError(str(error)) from error


def _open(data: bytes, name: str, target: tuple[int, int] | None = None) -> Image.Image:
    """The picture in RGB, or an `ImageError` that begins with its name."""
    try:
        return _picture(data, target)
    except UnidentifiedImageError:
        problem = f"expected an image ({', '.join(FORMATS)}). Received {len(data)} bytes that begin with {data[:12]!r}."
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        problem = f"expected an image of at most {MAXIMUM_PIXELS:,} pixels. Received more ({error})."
    except ImageError as error:
        problem = str(error)
    except Exception as error:  # on damaged bytes Pillow's readers raise nearly every kind of exception
        problem = f"expected a whole image. Received a damaged one ({error})."
    raise ImageError(f"{name or 'image'}: {problem}")


def _picture(data: bytes, target: tuple[int, int] | None) -> Image.Image:
    if not data:
        raise ImageError("expected an image. Received an empty file.")
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > MAXIMUM_PIXELS:
            raise ImageError(f"expected an image of at most {MAXIMUM_PIXELS:,} pixels. Received {width} x {height}.")
        if target is not None:
            side = int(_GAP * max(target))  # of a square, as the photo may still have to be turned
            picture.draft("", (side, side))  # only JPEG can, the other formats pass over it
        picture.load()
        _turn_upright(picture)
        return _to_rgb(picture)


def _turn_upright(picture: Image.Image) -> None:
    """Turn the picture as its EXIF block says; a damaged block says nothing and spoils nothing."""
    with suppress(Exception):  # the block is bytes from outside, read by many small parsers
        ImageOps.exif_transpose(picture, in_place=True)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        raise ImageError("expected 8 or 16 bits a channel. Received floating-point values, whose white is unknown.")
    if picture.mode == "I" or picture.mode in _SIXTEEN_BIT:
        return _from_sixteen_bit(picture)
    if picture.has_transparency_data:
        return _on_white(picture.convert("RGBA"))
    return picture.convert("RGB")


def _from_sixteen_bit(picture: Image.Image) -> Image.Image:
    """Grey of 0-65535 to 0-255; Pillow's own conversion would clip all above 255 to white."""
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(f"expected grey values from 0 to 65535. Received {values.min()} to {values.max()}.")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _from_array(image: NDArray[np.uint8]) -> Image.Image:
    if image.dtype != np.uint8:
        raise ImageError(
            f"Expected an image array of uint8, 0 to 255. Received {image.dtype}. Scale it and use .astype('uint8')."
        )
    if image.size == 0 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"Expected an image array (height, width) or (height, width, 1, 3 or 4). Received {image.shape}."
        )
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    picture = Image.fromarray(np.ascontiguousarray(image))
    return _on_white(picture) if picture.mode == "RGBA" else picture.convert("RGB")


def _target(size: int | tuple[int, int], fit: str) -> tuple[int, int]:
    """(height, width), checked."""
    if fit not in FITS:
        raise FirstlightError(f"Expected fit to be one of {', '.join(FITS)}. Received {fit!r}.{nearest(fit, FITS)}")
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise FirstlightError(f"Expected size as one side or (height, width), in pixels. Received {size!r}.")
    return sides[0], sides[1]


def _resize(picture: Image.Image, target: tuple[int, int], fit: str) -> Image.Image:
    height, width = target
    if picture.size == (width, height):
        return picture
    if fit == "squash":
        return _scale(picture, width, height)
    across, down = width / picture.width, height / picture.height
    if fit == "crop":
        scale = max(across, down)
        left, top = max(0.0, picture.width - width / scale) / 2, max(0.0, picture.height - height / scale) / 2
        return _scale(picture, width, height, (left, top, picture.width - left, picture.height - top))
    scale = min(across, down)
    small = _scale(picture, max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    ground = Image.new("RGB", (width, height), _GREY_GROUND)
    ground.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
    return ground


def _scale(
    picture: Image.Image, width: int, height: int, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    return picture.resize((width, height), Image.Resampling.BICUBIC, box=box, reducing_gap=_GAP)

"""Arrays of many images and of their labels, as people store them, in the one form used here.

Images become (images, height, width) or (images, height, width, 3) of uint8, labels become names of classes as text.
"""

import math

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import FirstlightError

__all__ = ["class_names", "to_pixels"]


def to_pixels(array: NDArray[np.generic], name: str) -> tuple[NDArray[np.uint8], list[str]]:
    """Images as uint8, and what was done to them, in words; `name` is for the messages.

    Accepts (images, height, width), with 1, 3 or 4 channels last or 1 or 3 first, and flat square images (images,
    pixels); of whole numbers from 0 to 255, or of fractions from 0 to 1. Transparency falls on white. Raises
    FirstlightError for anything else.
    """
    remarks: list[str] = []
    images = _to_bytes(array, name, remarks)
    if images.ndim == 2 and (side := math.isqrt(images.shape[1])) > 1 and side * side == images.shape[1]:
        images = images.reshape(-1, side, side)
        remarks.append(f"{name}: {side * side} numbers an image were read as {side} x {side} grey pixels")
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3, 4):
        images = np.ascontiguousarray(np.moveaxis(images, 1, 3))
        remarks.append(f"{name}: the channels came first and were moved to the end")
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim == 4 and images.shape[3] == 4:
        images = _on_white(images)
        remarks.append(f"{name}: the fourth channel was read as opacity, on white")
    if 0 in images.shape or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        raise FirstlightError(
            f"Expected images as (images, height, width) or (images, height, width, 3) in {name}. "
            f"Received an array of shape {array.shape}."
        )
    return images, remarks


def _to_bytes(array: NDArray[np.generic], name: str, remarks: list[str]) -> NDArray[np.uint8]:
    """The values as uint8, by what their range says; what is no brightness is an error."""
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind not in "buif" or array.size == 0:
        raise FirstlightError(f"Expected numbers in {name}. Received {array.size} values of type {array.dtype}.")
    values = array.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if array.dtype.kind in "bf" and low >= 0 and high <= 1:
        remarks.append(f"{name}: values from 0 to 1 were multiplied by 255")
        values = values * np.float32(255)
    elif not (low >= 0 and high <= 255 and bool((values == np.rint(values)).all())):  # also where one is no number
        raise FirstlightError(
            f"Expected brightness in {name}: whole numbers from 0 to 255, or fractions from 0 to 1. "
            f"Received {array.dtype} from {low:g} to {high:g}."
        )
    return np.rint(values).astype(np.uint8)


def _on_white(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opacity = images[..., 3:].astype(np.float32) / 255
    mixed = images[..., :3] * opacity + 255 * (1 - opacity)
    return np.rint(mixed).astype(np.uint8)


def class_names(array: NDArray[np.generic], name: str) -> tuple[list[str], list[str]]:
    """The label of each row as text, and what was done, in words: 3 and 3.0 are "3", a one-hot row its position.

    Accepts (rows,) or (rows, 1) of whole numbers or texts, and (rows, classes) with a single one. Raises
    FirstlightError for anything else.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "buif" and _is_one_hot(array):
        return [str(position) for position in array.argmax(axis=1).tolist()], [f"{name}: one-hot rows were read"]
    if array.ndim != 1:
        raise FirstlightError(f"Expected one label an image in {name}. Received an array of shape {array.shape}.")
    if array.dtype.kind == "S":
        return [text.decode("utf-8", "replace") for text in array.tolist()], []
    if array.dtype.kind == "f" and bool((array.astype(np.float64) % 1 == 0).all()):
        array = array.astype(np.int64)
    if array.dtype.kind not in "buiU":
        raise FirstlightError(f"Expected whole numbers or texts as labels in {name}. Received {array.dtype}.")
    return [str(value) for value in array.tolist()], []


def _is_one_hot(array: NDArray[np.generic]) -> bool:
    values = array.astype(np.float64)
    return bool(((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all())

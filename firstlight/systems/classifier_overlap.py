"""Images that stand both in what a classifier learns from and in what it is judged by, which flatter it.

The same file is found by its bytes; the same picture at another size or compression by a thumbnail.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from firstlight.data.archives import read_bytes
from firstlight.data.images import ImageError, read_many
from firstlight.data.table import Split
from firstlight.errors import FirstlightError

__all__ = ["Pair", "overlap"]

_SIDE = 16  # pixels of a thumbnail
_ALIKE = 0.995  # correlation of two thumbnails of one picture, at least
_LEVELS = 4.0  # of 255: their mean difference, at most
_FLAT = 4.0  # of 255: deviation within a thumbnail below which it shows nothing to compare
_ROWS = 256  # thumbnails compared at once


class Pair(NamedTuple):
    """An image of the judged part and one of the training part: their names, and whether their bytes are the same."""

    judged: str
    train: str
    same: bool


def overlap(train: Split, judged: Split, looked_at: Sequence[int] | None = None) -> list[Pair]:
    """The images of `judged` that `train` has too, each with the first or the most similar one there.

    Bytes are compared with those of all training images, thumbnails with the rows `looked_at`, by default all.
    """
    first = {digest: row for row, digest in reversed(list(enumerate(map(_digest, train.images)))) if digest}
    pairs = {}
    for row, digest in enumerate(map(_digest, judged.images)):
        if digest in first:
            pairs[row] = Pair(judged.names[row], train.names[first[digest]], True)
    some = train if looked_at is None else train.take(list(looked_at))
    for row, other in _near(some.images, judged.images):
        pairs.setdefault(row, Pair(judged.names[row], some.names[other], False))
    return [pairs[row] for row in sorted(pairs)]


def _digest(image: Any) -> bytes | None:
    """Of the bytes of a file, or of the pixels of an array; None where a file cannot be read."""
    if isinstance(image, np.ndarray):
        return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).digest()
    try:
        return hashlib.sha256(read_bytes(image)).digest()
    except FirstlightError:
        return None


def _near(among: Sequence[Any], images: Sequence[Any]) -> list[tuple[int, int]]:
    """Pairs of (place in images, place in among) whose thumbnails show one picture."""
    places, thumbnails = _thumbnails(among)
    rows, own = _thumbnails(images)
    if not places or not rows:
        return []
    directions = _directions(thumbnails)
    found = []
    for start in range(0, len(rows), _ROWS):
        part = own[start : start + _ROWS]
        alike = _directions(part) @ directions.T
        best = alike.argmax(axis=1)
        difference = np.abs(part - thumbnails[best]).mean(axis=1)
        near = (alike.max(axis=1) >= _ALIKE) & (difference <= _LEVELS)
        found += [(rows[start + place], places[best[place]]) for place in np.flatnonzero(near)]
    return found


def _thumbnails(images: Sequence[Any]) -> tuple[list[int], np.ndarray]:
    """Thumbnails (images, values) float32 of the images that can be read and show something, and their places."""
    places, found = [], []
    for place, picture in read_many(images, _SIDE):
        if not isinstance(picture, ImageError) and picture.std() >= _FLAT:
            places.append(place)
            found.append(picture.reshape(-1))
    return places, np.array(found, np.float32).reshape(len(found), _SIDE * _SIDE * 3)


def _directions(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails without their mean, of length 1: the product of two is their correlation."""
    centred = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)

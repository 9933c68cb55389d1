"""Captions for many images, broken ones among them, batch by batch, so that each can be shown when it is there.

Every batch has the same size, because a network is compiled for each size that it meets.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from firstlight.data.images import ImageError, read

__all__ = ["describe", "describe_all"]


def describe_all(captioner: Any, images: Sequence[Any], size: int, **decoding: Any) -> Iterator[Any]:
    """A caption, or the ImageError of an image that cannot be read, for each image in order.

    The last of several batches is filled up to the size of the others. A `seed` gets another value after the first
    batch and after each further one, or every batch would draw the same words.
    """
    size = min(size, len(images)) or 1
    for first in range(0, len(images), size):
        batch = list(images[first : first + size])
        filled = batch + batch[-1:] * (size - len(batch))
        yield from describe(captioner, filled, batch_size=size, **decoding)[: len(batch)]
        if "seed" in decoding:
            decoding = {**decoding, "seed": decoding["seed"] + 1}


def describe(captioner: Any, images: Sequence[Any], **decoding: Any) -> list[Any]:
    """A caption for each image, or the ImageError of one that cannot be read.

    Images are looked at one by one only after a batch has failed, so that good images are decoded once.
    """
    if not len(images):
        return []
    try:
        return list(captioner.predict(images, **decoding))
    except ImageError:
        broken: dict[int, ImageError] = {}
        for row, image in enumerate(images):
            try:
                read(image)
            except ImageError as error:
                broken[row] = error
        if not broken:
            raise
    readable = [row for row in range(len(images)) if row not in broken]
    if not readable:
        return list(broken.values())
    # A readable image stands in for each broken one: the batch keeps its size, and nothing is compiled anew.
    whole = [images[readable[0]] if row in broken else image for row, image in enumerate(images)]
    return [broken.get(row, answer) for row, answer in enumerate(captioner.predict(whole, **decoding))]

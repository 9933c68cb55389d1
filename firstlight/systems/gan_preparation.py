"""From a split of images to what a GAN learns from: pictures of one shape, some of them held out, and their classes.

All that can be wrong with data is told here, before a network is built.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.autoencoder_preparation import Part, Prepared, prepare
from firstlight.systems.classifier_preparation import common_size

if TYPE_CHECKING:
    from firstlight.systems.gan import GAN

__all__ = ["PreparedGan", "labels_of", "prepare_gan"]

_LARGEST = 64  # pixels of a side to which larger images are brought


@dataclass(frozen=True)
class _Wanted:
    """What `autoencoder_preparation.prepare` asks of a system."""

    image_size: int | None
    channels: str


@dataclass(frozen=True)
class PreparedGan:
    """Pictures to draw like and to judge by, with their classes.

    Args:
        pictures: training pictures and those held out.
        classes: names of the classes; none where the pictures have no labels.
        labels: class of each training picture, numbers (pictures,); zeros without classes.
    """

    pictures: Prepared
    classes: list[str]
    labels: np.ndarray

    def facts(self) -> dict[str, Any]:
        """What `system.json` says of the images."""
        return {**self.pictures.facts(), "classes": self.classes}


def prepare_gan(
    gan: "GAN", train: Split, validation: Split | None, hold_out: float, seed: int, progress: Any
) -> PreparedGan:
    """Pictures of one shape, some held out where there is no validation part, and their classes.

    Raises:
        FirstlightError: there are too few images, none that can be read, or no labels where the GAN is conditional.
    """
    if not len(train):
        raise FirstlightError(f"Expected images in split {train.name!r}. Received none. Give a folder with images.")
    classes = sorted(set(train.labels)) if "labels" in train.columns else []
    if gan.conditional and len(classes) < 2:
        raise FirstlightError(
            "Expected labels of two classes or more for conditional=True. Received "
            f"{f'one class, {classes[0]!r}' if classes else 'images without labels'}. Give class folders or another "
            "layout with labels, or pass conditional=False."
        )
    size = gan.image_size or _size(train, progress)
    wanted: Any = _Wanted(size, gan.channels)
    pictures = prepare(wanted, train, validation, hold_out, seed, progress)
    return PreparedGan(pictures, classes, labels_of(pictures.train, train, classes))


def labels_of(part: Part, split: Split, classes: list[str]) -> np.ndarray:
    """The class of each picture of a part of a split, numbers (pictures,); zeros without classes, -1 for another."""
    if not classes:
        return np.zeros(len(part), np.int64)
    numbers = {name: number for number, name in enumerate(classes)}
    every = np.array([numbers.get(label, -1) for label in split.labels])
    return every[np.asarray(part.whole.rows)[part.places]]


def _size(train: Split, progress: Any) -> int | None:
    """None where all images are of one small size; else what they are brought to, told in a line."""
    size = common_size(train.images)
    if size is not None and max(size) <= _LARGEST:
        return None
    progress.message(
        f"images are {f'{size[0]} x {size[1]} pixels' if size else 'of several sizes'}; they are brought to "
        f"{_LARGEST} x {_LARGEST} (image_size)"
    )
    return _LARGEST

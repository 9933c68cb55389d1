"""From a split of images to what an autoencoder learns from: pictures of one shape, and some that decide.

All that can be wrong with data is told here, before a network is built.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.classifier_preparation import common_size
from firstlight.systems.pictures import Pictures, is_grey

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["Part", "Prepared", "flat", "prepare"]

_PHOTO = 64  # pixels of a side to which images of many sizes are brought
_LEAST = 4  # pixels: below this a side is brought to it
_VALUES = 24_000_000  # numbers from which principal components are taken, at most


@dataclass(frozen=True)
class Part:
    """Some of the pictures that can be read, by their places, to be had in the same way."""

    whole: Pictures
    places: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return self.whole.shape

    def __len__(self) -> int:
        return len(self.places)

    def take(self, places: Any) -> np.ndarray:
        """The pixels (batch, height, width, channels) of some, uint8."""
        return self.whole.take(self.places[places])


@dataclass(frozen=True)
class Prepared:
    """Pictures to learn from and to decide by, and what `system.json` says of them."""

    train: Part
    validation: Part
    digest: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return self.train.shape

    def facts(self) -> dict[str, Any]:
        """What `system.json` says of the images."""
        return {
            "shape": list(self.shape),
            "train_images": len(self.train),
            "validation_images": len(self.validation),
            "images_digest": self.digest,
        }

    def check_same(self, earlier: Mapping[str, Any], folder: Path | None) -> None:
        """Refuse other images than those that a run was begun with.

        Raises:
            FirstlightError: says what differs, and the ways out.
        """
        changed = [name for name, value in self.facts().items() if name in earlier and earlier[name] != value]
        if changed:
            raise FirstlightError(
                f"Expected the images that the run in {folder} was begun with. Received others (different: "
                f"{', '.join(name.replace('_', ' ') for name in changed)}). Give the same data to go on, another run "
                "folder, or --restart to delete the run and begin anew."
            )


def prepare(
    autoencoder: "Autoencoder", train: Split, validation: Split | None, hold_out: float, seed: int, progress: Any
) -> Prepared:
    """Pictures of one shape, some of them held out where there is no validation part.

    Raises:
        FirstlightError: there are too few images, or none that can be read.
    """
    if not len(train):
        raise FirstlightError(f"Expected images in split {train.name!r}. Received none. Give a folder with images.")
    shape = _shape(autoencoder, train)
    read = [_read(split, shape, progress) for split in (train, validation) if split is not None]
    first = read[0]
    if validation is None:
        kept, held = _divided(len(first), hold_out, seed)
        parts = Part(first, kept), Part(first, held)
    else:
        parts = Part(first, np.arange(len(first))), Part(read[1], np.arange(len(read[1])))
    return Prepared(*parts, _digest(train, validation))


def _read(split: Split, shape: tuple[int, int, int], progress: Any) -> Pictures:
    done = progress.task(f"images of {split.name}", len(split))
    return Pictures(split.images, shape, progress.message, done)


def _divided(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The places that stay and those that are held out, drawn by the seed.

    Raises:
        FirstlightError: there are fewer than two images, or the share is none.
    """
    if not 0 < share < 1:
        raise FirstlightError(f"Expected hold_out to be above 0 and below 1, for example 0.1. Received {share}.")
    if count < 2:
        raise FirstlightError(
            f"Expected two images or more that can be read, one to learn from and one to decide by. Received {count}. "
            "Add images."
        )
    order = np.random.default_rng(seed).permutation(count)
    held = min(max(1, round(share * count)), count - 1)
    return np.sort(order[held:]), np.sort(order[:held])


def flat(pictures: Part, mirrored: bool = False) -> np.ndarray:
    """Pictures as rows (images, values) from 0 to 1, or as many of them, at even steps, as memory is meant for."""
    most = max(1, _VALUES // int(np.prod(pictures.shape)))
    places = np.unique(np.linspace(0, len(pictures) - 1, min(most, len(pictures))).round().astype(int))
    some = pictures.take(places)
    if mirrored:
        some = np.concatenate([some, some[:, :, ::-1]])
    return some.reshape(len(some), -1).astype("float32") / np.float32(255)


def _shape(autoencoder: "Autoencoder", train: Split) -> tuple[int, int, int]:
    grey = is_grey(train.images) if autoencoder.channels == "auto" else autoencoder.channels == "grey"
    channels = 1 if grey else 3
    if autoencoder.image_size:
        return autoencoder.image_size, autoencoder.image_size, channels
    height, width = common_size(train.images) or (_PHOTO, _PHOTO)
    return max(height, _LEAST), max(width, _LEAST), channels


def _digest(train: Split, validation: Split | None) -> str:
    """Of the names of all images, in order."""
    found = hashlib.sha256()
    for split in (train, validation):
        for name in split.names if split is not None else []:
            found.update(f"{name}\0".encode(errors="surrogateescape"))
        found.update(b"\n")
    return found.hexdigest()

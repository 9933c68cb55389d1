"""From labelled images to what a classifier learns from: classes, one size, and images that decide.

All that can be wrong with data is told here, before a network is built.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.data.images import ImageError, read
from firstlight.data.splits import stratified
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.pictures import is_grey, spread

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["OWN", "Prepared", "common_size", "divide", "prepare"]

OWN = ("linear", "mlp", "cnn", "resnet", "inception")
"""The architectures that are built here; all others are networks of keras.applications."""

_SMALL = 96  # pixels: images of one size up to this are taken as they are
_LEAST = 4  # pixels: below this a side is brought to it
_PHOTO = 64  # side to which others are brought for a network of one's own
_PRETRAINED = 224
_LOOKED_AT = 200  # images by which is decided whether all have one size
_GLANCE = 32  # pixels: enough to know whether an image opens


@dataclass(frozen=True)
class Prepared:
    """What a training begins with: images to learn from and to decide by, the classes, and the shape of an image."""

    train: Split
    validation: Split
    classes: list[str]
    shape: tuple[int, int, int]

    def facts(self) -> dict[str, Any]:
        """What `system.json` says of the images."""
        return {
            "classes": self.classes,
            "shape": list(self.shape),
            "train_images": len(self.train),
            "validation_images": len(self.validation),
            "images_of_class": dict(Counter(self.train.labels)),
            "images_digest": self._digest(),
        }

    def _digest(self) -> str:
        """Of the names and labels of all images, in order."""
        found = hashlib.sha256()
        for split in (self.train, self.validation):
            for name, label in zip(split.names, split.labels, strict=True):
                found.update(f"{name}\0{label}\0".encode(errors="surrogateescape"))
            found.update(b"\n")
        return found.hexdigest()

    def check_same(self, earlier: Mapping[str, Any], folder: Path | None) -> None:
        """Refuse other images than those that a run was begun with: it could not go on, and would hold other classes.

        Raises:
            FirstlightError: says what differs, and the ways out.
        """
        changed = [name for name, value in self.facts().items() if name in earlier and earlier[name] != value]
        if changed:
            told = ", ".join(
                f"{name.replace('_', ' ')} ({earlier[name]} there, {value} here)"
                for name, value in self.facts().items()
                if name in changed and name in ("classes", "shape", "train_images", "validation_images")
            )
            raise FirstlightError(
                f"Expected the images that the run in {folder} was begun with. Received others"
                f"{': ' + told if told else ', or the same ones in another order'}. Give the same data to go on, "
                "another run folder, or --restart to delete the run and begin anew."
            )

    def numbers(self, split: Split) -> list[int]:
        """The class of each image of a split as a number."""
        places = {label: place for place, label in enumerate(self.classes)}
        return [places[label] for label in split.labels]


def prepare(
    classifier: "ImageClassifier", train: Split, validation: Split | None, hold_out: float, seed: int, progress: Any
) -> Prepared:
    """Classes, shape, and the images that decide.

    Raises:
        FirstlightError: there are fewer than two classes, or no image can be read.
    """
    train, validation = divide(train, validation, hold_out, seed, progress.message)
    return Prepared(train, validation, train.classes, _shape(classifier, train.images))


def divide(
    train: Split,
    validation: Split | None,
    hold_out: float,
    seed: int,
    tell: Callable[[str], object] = lambda line: None,
) -> tuple[Split, Split]:
    """The images to learn from and those that decide; without a validation part, a share of every class is held out.

    A class of which no training image can be read is left out, and so are validation images of unknown classes; both
    are told. The same arguments give the same parts.

    Raises:
        FirstlightError: there are fewer than two classes, or no image that could decide.
    """
    for split in (train, *([] if validation is None else [validation])):
        _check_labels(split)
    _check_classes(train.name, set(train.labels))
    train = _without_unreadable_classes(train, tell)
    if validation is None:
        train, validation = _held_out(train, hold_out, seed)
        train = _without_unreadable_classes(train, tell)
    known = set(train.labels)
    rows = [row for row, label in enumerate(validation.labels) if label in known]
    if len(rows) < len(validation):
        unknown = next(label for label in validation.labels if label not in known)
        tell(
            f"{len(validation) - len(rows)} validation images of classes that training has not ({unknown!r}) are "
            "left out"
        )
        validation = validation.take(rows)
    if not any(_is_readable(image) for image in validation.images):
        raise FirstlightError(
            f"Expected images that decide which epoch is best, of classes that training has. Received {len(rows)} in "
            f"split {validation.name!r}{', none of them readable' if rows else ''}. Add images, or leave out the "
            "validation part: then some of the training images are held out."
        )
    return train, validation


def _check_labels(split: Split) -> None:
    if "labels" not in split.columns:
        raise FirstlightError(
            f"Expected images with labels. Received split {split.name!r} with columns {', '.join(split.columns)}. "
            "Load it with data.load(path, task='labels')."
        )
    other = next((label for label in split.labels if not isinstance(label, str)), None)
    if other is not None:
        raise FirstlightError(
            f"Expected labels as text in split {split.name!r}. Received {other!r}. Make each a text with str(label)."
        )


def _check_classes(name: str, labels: set[str], why: str = "A folder for each class is what is looked for.") -> None:
    if len(labels) < 2:
        one = f", {next(iter(labels))!r}" if labels else ""
        raise FirstlightError(f"Expected two classes or more in split {name!r}. Received {len(labels)}{one}. {why}")


def _held_out(train: Split, share: float, seed: int) -> tuple[Split, Split]:
    """The split without, and with only, the images that are held out; drawn again where none of those can be read."""
    if not 0 < share < 1:
        raise FirstlightError(f"Expected hold_out to be above 0 and below 1, for example 0.1. Received {share}.")
    rows = list(range(len(train)))
    while True:
        _, places = stratified([train.labels[row] for row in rows], share, seed)
        held = [rows[place] for place in places]
        if not held:
            raise FirstlightError(
                f"Expected images to hold out. Received {len(rows)} usable training images, one a class. Add images."
            )
        if any(_is_readable(train.images[row]) for row in held):
            kept = sorted(set(range(len(train))) - set(held))
            return train.take(kept), train.take(held)
        rows = sorted(set(rows) - set(held))  # those that cannot be read stay in training, where they are told


def _without_unreadable_classes(train: Split, tell: Callable[[str], object]) -> Split:
    """The split without the classes that have no image to learn from."""
    members: dict[str, list[int]] = {}
    for row, label in enumerate(train.labels):
        members.setdefault(label, []).append(row)
    lost = {label: rows for label, rows in members.items() if not any(_is_readable(train.images[row]) for row in rows)}
    if members and len(lost) == len(members):
        raise FirstlightError(
            f"Expected images that can be read in split {train.name!r}. Received {len(train)}, none of them readable. "
            f"First: {_why_unreadable(train.images[0])}"
        )
    told = [
        f"none of the {len(rows)} training images of {label!r} can be read, so this class is left out (first: "
        f"{_why_unreadable(train.images[rows[0]])})"
        for label, rows in lost.items()
    ]
    _check_classes(train.name, set(members) - set(lost), " ".join(f"N{line[1:]}." for line in told[:3]))
    for line in told:
        tell(line)
    return train.take([row for row, label in enumerate(train.labels) if label not in lost]) if lost else train


def _is_readable(image: Any) -> bool:
    return not _why_unreadable(image)


def _why_unreadable(image: Any) -> str:
    """What is wrong with an image; nothing where it opens."""
    try:
        read(image, _GLANCE)
    except ImageError as error:
        return str(error)
    return ""


def _shape(classifier: "ImageClassifier", images: Sequence[Any]) -> tuple[int, int, int]:
    if classifier.chosen not in OWN:
        side = classifier.image_size or _PRETRAINED
        return side, side, 3
    channels = 1 if is_grey(images) else 3
    if classifier.image_size:
        return classifier.image_size, classifier.image_size, channels
    height, width = common_size(images) or (_PHOTO, _PHOTO)
    return max(height, _LEAST), max(width, _LEAST), channels


def common_size(images: Sequence[Any]) -> tuple[int, int] | None:
    """Height and width where all images are small and have the same, as some of them tell; otherwise None."""
    sizes = set()
    for image in spread(images, _LOOKED_AT):
        try:
            sizes.add(read(image).shape[:2])
        except ImageError:
            continue
    found = next(iter(sizes), None)
    return found if found is not None and len(sizes) == 1 and max(found) <= _SMALL else None

"""From labelled images to what a classifier learns from: classes, one size, and images that decide.

All that can be wrong with settings or data is told here, before a network is built.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firstlight.data.images import ImageError, read
from firstlight.data.splits import stratified
from firstlight.data.table import Split
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.pictures import is_grey

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["OWN", "Prepared", "check_settings", "prepare"]

OWN = ("linear", "mlp", "cnn", "resnet", "inception")
"""The architectures that are built here; all others are networks of keras.applications."""

_SMALL = 96  # pixels: images of one size up to this are taken as they are
_PHOTO = 64  # side to which others are brought for a network of one's own
_PRETRAINED = 224
_LOOKED_AT = 200  # images by which is decided whether all have one size


@dataclass(frozen=True)
class Prepared:
    """What a training begins with: images to learn from and to decide by, the classes, and the shape of an image."""

    train: Split
    validation: Split
    classes: list[str]
    shape: tuple[int, int, int]

    def labels_of_train(self) -> list[str]:
        """The label of each training image."""
        return self.train.labels

    def numbers(self, split: Split) -> list[int]:
        """The class of each image of a split as a number."""
        places = {label: place for place, label in enumerate(self.classes)}
        return [places[label] for label in split.labels]


def check_settings(classifier: "ImageClassifier") -> None:
    """Refuse settings that no classifier can have.

    Raises:
        FirstlightError: says which setting, what was expected and what came.
    """
    from firstlight.systems.backbones import names

    known = [*OWN, *names()]
    if classifier.architecture not in known:
        raise FirstlightError(
            f"Expected architecture to be one of {', '.join(known)}. Received {classifier.architecture!r}."
            f"{nearest(classifier.architecture, known)}"
        )
    for name in ("image_size", "width", "depth", "batch_size"):
        value = getattr(classifier, name)
        if value is not None and value < 1:
            raise FirstlightError(f"Expected {name} to be 1 or more. Received {value}.")
    for name in ("dropout", "label_smoothing", "average"):
        value = getattr(classifier, name)
        if not 0 <= value < 1:
            raise FirstlightError(f"Expected {name} to be at least 0 and below 1. Received {value}.")
    for name in ("mixup", "cutmix", "weight_decay", "clip_norm"):
        if getattr(classifier, name) < 0:
            raise FirstlightError(f"Expected {name} to be 0 or more. Received {getattr(classifier, name)}.")
    if not 0 < classifier.fine_tune_share <= 1:
        raise FirstlightError(
            f"Expected fine_tune_share to be above 0 and at most 1. Received {classifier.fine_tune_share}."
        )


def prepare(
    classifier: "ImageClassifier", train: Split, validation: Split | None, hold_out: float, seed: int, progress: Any
) -> Prepared:
    """Classes, shape, and the images that decide.

    Raises:
        FirstlightError: there are fewer than two classes, or no image can be read.
    """
    if "labels" not in train.columns:
        raise FirstlightError(
            f"Expected images with labels. Received split {train.name!r} with columns {', '.join(train.columns)}. "
            "Load it with data.load(path, task='labels')."
        )
    counts = Counter(train.labels)
    if len(counts) < 2:
        raise FirstlightError(
            f"Expected two classes or more in split {train.name!r}. Received {len(counts)}"
            f"{f', {next(iter(counts))!r}' if counts else ''}. A folder for each class is what is looked for."
        )
    classes = sorted(counts, key=lambda label: (len(label), label) if label.isdigit() else (0, label))
    if validation is None:
        rows, held = stratified(train.labels, hold_out, seed)
        train, validation = train.take(rows), train.take(held)
        if not held:
            raise FirstlightError(
                f"Expected images to hold out. Received {len(rows)} training images, one a class. Add images."
            )
    unknown = sorted(set(validation.labels) - set(classes))
    if unknown:
        rows = [row for row, label in enumerate(validation.labels) if label in counts]
        progress.message(
            f"{len(validation) - len(rows)} validation images of classes that training has not ({unknown[0]!r}) are "
            "left out"
        )
        validation = validation.take(rows)
    return Prepared(train, validation, classes, _shape(classifier, train.images))


def _shape(classifier: "ImageClassifier", images: Sequence[Any]) -> tuple[int, int, int]:
    if classifier.architecture not in OWN:
        side = classifier.image_size or _PRETRAINED
        return side, side, 3
    channels = 1 if is_grey(images) else 3
    if classifier.image_size:
        return classifier.image_size, classifier.image_size, channels
    sizes = set()
    for image in images[:_LOOKED_AT]:
        try:
            sizes.add(read(image).shape[:2])
        except ImageError:
            continue
    if len(sizes) == 1 and max(next(iter(sizes))) <= _SMALL:
        height, width = next(iter(sizes))
        return height, width, channels
    return _PHOTO, _PHOTO, channels

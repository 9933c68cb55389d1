"""The ways an image takes to the network: as in training, by its path, as an array, through a zip, after saving.

All must end in the same probabilities; where one does not, something is done to the pixels in one place only.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from firstlight.data.archives import read_bytes
from firstlight.data.images import read
from firstlight.systems.classifier_preparation import OWN
from firstlight.systems.classifier_training import probabilities
from firstlight.systems.pictures import Pictures

if TYPE_CHECKING:
    import keras

    from firstlight.systems.classifier import ImageClassifier

__all__ = ["Way", "differences"]

_EXACT = 1e-3  # between probabilities, where the same pixels go through the same network
_HALF = 0.03  # the same, where 16 bits a number round differently for each size of a batch
_NEAR = 0.05  # where a large JPEG is shrunk while it is decoded, or features come from another engine


class Way(NamedTuple):
    """A way to the network, how far its probabilities are from those of training, and how far they may be."""

    name: str
    difference: float
    limit: float


def differences(classifier: "ImageClassifier", images: Sequence[Any]) -> list[Way]:
    """How far the probabilities for some images are from those that training would give them, for each way.

    Images that cannot be read are passed over. The difference is the largest of all images and classes; where pixels
    may differ a little by nature, the mean over the images of the largest.
    """
    pictures = Pictures(images, classifier.shape)
    images = [images[row] for row in pictures.rows]
    expected = probabilities(classifier.network, pictures, classifier.mirrored)
    half = "float16" in str(classifier.description.get("precision", ""))
    exact = _HALF if half else _EXACT
    files = [image for image in images if not isinstance(image, np.ndarray)]
    ways = [
        Way("one at a time", _furthest(_told(classifier, images), expected), exact),
        Way("as an array", _mean(_told(classifier, [read(image) for image in images]), expected), _NEAR),
    ]
    with TemporaryDirectory() as name:
        folder = Path(name)
        if len(files) == len(images):
            packed = _pack(files, folder / "images.zip")
            ways.append(Way("through a zip", _furthest(_told(classifier, packed), expected), exact))
        classifier.save(folder / "run")
        opened = type(classifier).load(folder / "run")
        ways.append(Way("saved and opened again", _furthest(_told(opened, images), expected), exact))
        if _learned_from_features(classifier):
            seen = _from_features(classifier.network, pictures, folder)
            plain = probabilities(classifier.network, pictures)
            ways.append(Way("as features", _mean(seen, plain), _NEAR))
    return ways


def _told(classifier: "ImageClassifier", images: Sequence[Any]) -> np.ndarray:
    """Probabilities (images, classes) as a user gets them, one image after the other."""
    answers = [dict(classifier.classify(image).ranking) for image in images]
    return np.array([[answer[label] for label in classifier.classes] for answer in answers])


def _pack(files: Sequence[str | Path], path: Path) -> list[str]:
    """The files in a zip, and the paths through it."""
    names = [f"{number}{Path(file).suffix}" for number, file in enumerate(files)]
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in zip(names, files, strict=True):
            archive.writestr(name, read_bytes(file))
    return [f"{path}/{name}" for name in names]


def _learned_from_features(classifier: "ImageClassifier") -> bool:
    """Whether the classifier on a pretrained network is still the one that learned from its features."""
    training = classifier.description.get("training") or {}
    return classifier.chosen not in OWN and not training.get("fine_tune_epochs")


def _from_features(network: "keras.Model", pictures: Pictures, folder: Path) -> np.ndarray:
    """Probabilities by way of the features that training learned from, with the engine that computed them."""
    import keras
    from keras import ops

    from firstlight.systems.features import extract

    region = network.get_layer("mean_region")
    images = list(pictures.take(np.arange(len(pictures))))
    features = extract(images, keras.Model(network.input, region.input), pictures.shape[0], folder=folder / "features")
    means = features.read(np.arange(len(features))).mean((1, 2), dtype="float32")
    kernel, bias = network.get_layer("logits").get_weights()
    return ops.convert_to_numpy(ops.softmax(means @ kernel + bias))


def _furthest(given: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(given - expected).max())


def _mean(given: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(given - expected).max(axis=1).mean())

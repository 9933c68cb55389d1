"""The stages in which a classifier learns: a network of its own at once; a pretrained one first from its features.

A new classifier on a pretrained network learns from features that are computed once. Then, by wish, the last layers of
the network learn too, the deeper a layer the slower (Howard and Ruder 2018, section 3.2).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from firstlight.data.table import Split
from firstlight.systems.backbones import build
from firstlight.systems.backend import make_repeatable
from firstlight.systems.classifier_batches import Supply, augmenting
from firstlight.systems.classifier_networks import NetworkPlan, build_head, build_network
from firstlight.systems.classifier_preparation import OWN, Prepared
from firstlight.systems.classifier_training import Stage, Training
from firstlight.systems.features import Features, extract
from firstlight.systems.optimization import Optimization
from firstlight.systems.pictures import Pictures
from firstlight.systems.system import History

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["teach"]

# Width, depth and highest learning rate where none is given.
_USUAL = {
    "linear": (1, 1, 1e-3),
    "mlp": (512, 2, 1e-3),
    "cnn": (32, 2, 4e-3),
    "resnet": (32, 2, 4e-3),
    "inception": (64, 1, 4e-3),
}
_HEAD_RATE = 1e-3
_SLOWEST = 0.1  # of the rate: what the deepest layer that is fine-tuned learns at


def teach(
    classifier: "ImageClassifier",
    prepared: Prepared,
    training: dict[str, Any],
    precision: str,
    progress: Any,
    folder: Path | None,
) -> tuple[keras.Model, History]:
    """The trained network, images (batch, height, width, channels) 0..255 -> probabilities, and its history."""
    make_repeatable(training["seed"])
    if classifier.architecture in OWN:
        return _own(classifier, prepared, training, precision, progress, folder)
    return _pretrained(classifier, prepared, training, precision, progress, folder)


def _own(
    classifier: "ImageClassifier",
    prepared: Prepared,
    training: dict[str, Any],
    precision: str,
    progress: Any,
    folder: Any,
) -> tuple[keras.Model, History]:
    network = build_network(_plan(classifier, prepared, precision))
    stage = Stage("training", training["epochs"], _optimization(classifier, _USUAL[classifier.architecture][2]))
    return network, _train(classifier, prepared, training, network, [stage], progress, folder)


def _pretrained(
    classifier: "ImageClassifier",
    prepared: Prepared,
    training: dict[str, Any],
    precision: str,
    progress: Any,
    folder: Any,
) -> tuple[keras.Model, History]:
    encoder = build(classifier.architecture, prepared.shape[0], classifier.weights)
    plan = _plan(classifier, prepared, "float32")
    head, history = _train_head(classifier, prepared, training, encoder, plan, progress)
    network = keras.Model(encoder.input, build_head(encoder.output, plan), name=classifier.architecture)
    network.get_layer("logits").set_weights(head.get_layer("logits").get_weights())
    if not training["fine_tune_epochs"]:
        return network, history
    layers = [layer for layer in encoder.layers if layer.weights]
    last = layers[len(layers) - max(1, round(classifier.fine_tune_share * len(layers))) :]
    factors = {layer.name: _SLOWEST ** (1 - place / len(last)) for place, layer in enumerate(last)}
    stage = Stage(
        "fine-tuning",
        training["fine_tune_epochs"],
        _optimization(classifier, classifier.fine_tune_rate, given=False),
        frozenset([*factors, "logits"]),
        factors,
    )
    return network, _train(classifier, prepared, training, network, [stage], progress, folder, history)


def _plan(classifier: "ImageClassifier", prepared: Prepared, precision: str) -> NetworkPlan:
    width, depth, _ = _USUAL.get(classifier.architecture, (1, 1, 0))
    return NetworkPlan(
        classifier.architecture,
        prepared.shape,
        len(prepared.classes),
        classifier.width or width,
        classifier.depth or depth,
        classifier.normalization,
        classifier.dropout,
        classifier.initialization,
        precision,
    )


def _optimization(classifier: "ImageClassifier", rate: float, given: bool = True) -> Optimization:
    return Optimization(
        classifier.optimizer,
        (classifier.learning_rate if given else None) or rate,
        classifier.schedule,
        classifier.warm_up,
        momentum=classifier.momentum,
        weight_decay=classifier.weight_decay,
        clip_norm=classifier.clip_norm,
    )


def _train(
    classifier: "ImageClassifier",
    prepared: Prepared,
    training: dict[str, Any],
    network: keras.Model,
    stages: list[Stage],
    progress: Any,
    folder: Path | None,
    history: History | None = None,
) -> History:
    """Images through the whole network."""
    parts = []
    for split in (prepared.train, prepared.validation):
        done = progress.task(f"images of {split.name}", len(split))
        pictures = Pictures(split.images, prepared.shape, progress.message, done)
        parts.append((pictures, np.array(prepared.numbers(split))[pictures.rows]))
    (pictures, labels), validation = parts
    kind = classifier.augmentation
    if kind == "auto":
        kind = "shift" if prepared.shape[2] == 1 else "flip"
    supply = _supply(classifier, pictures, labels, len(prepared.classes), training["seed"])
    taught = Training(
        network,
        augmenting(kind, training["seed"]),
        supply,
        validation,
        stages,
        label_smoothing=classifier.label_smoothing,
        average=classifier.average,
        patience=training["patience"],
        progress=progress,
        folder=folder,
    )
    if history is not None:
        taught.history.rows = list(history.rows)
    return taught.run()


class _Vectors:
    """Features that stand for images: (images, channels) float32, to be had by their places."""

    def __init__(self, values: np.ndarray):
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: Any) -> np.ndarray:
        """Some of them."""
        return self.values[places]


def _train_head(
    classifier: "ImageClassifier",
    prepared: Prepared,
    training: dict[str, Any],
    encoder: keras.Model,
    plan: NetworkPlan,
    progress: Any,
) -> tuple[keras.Model, History]:
    """A classifier on the mean features of each image and of its mirror image, which are computed once."""
    parts = []
    for split, views in ((prepared.train, 2), (prepared.validation, 1)):
        features = _features(split, encoder, prepared.shape[0], views, progress)
        for problem in features.problems:
            progress.message(f"passed over: {problem}")
        vectors, labels = [], np.array(prepared.numbers(split))[features.rows]
        for view in range(views):
            for start in range(0, len(features), 256):
                places = np.arange(start, min(start + 256, len(features)))
                vectors.append(features.read(places, np.full(len(places), view)).mean((1, 2), dtype="float32"))
        parts.append((_Vectors(np.concatenate(vectors)), np.tile(labels, views)))
    (vectors, labels), validation = parts
    means = keras.Input((vectors.values.shape[1],), name="means")
    x = keras.layers.Dropout(plan.dropout)(means) if plan.dropout else means
    logits = keras.layers.Dense(plan.classes, name="logits")(x)
    head = keras.Model(means, keras.layers.Softmax(name="probabilities")(logits), name="head")
    supply = _supply(classifier, vectors, labels, plan.classes, training["seed"], mixed=False)
    stage = Stage("features", training["epochs"], _optimization(classifier, _HEAD_RATE))
    taught = Training(
        head,
        None,
        supply,
        validation,
        [stage],
        label_smoothing=classifier.label_smoothing,
        average=classifier.average,
        patience=training["patience"],
        progress=progress,
        folder=None,
    )
    return head, taught.run()


def _features(split: Split, encoder: keras.Model, size: int, views: int, progress: Any) -> Features:
    done = progress.task(f"features of {split.name}", len(split))
    return extract(split.images, encoder, size, views, progress=lambda number, total, engine: done(number))


def _supply(
    classifier: "ImageClassifier", pictures: Any, labels: np.ndarray, classes: int, seed: int, mixed: bool = True
) -> Supply:
    weights = None
    if classifier.class_weights:
        counts = np.bincount(labels, minlength=classes)
        weights = (len(labels) / (classes * np.maximum(counts, 1))).astype("float32")
    return Supply(
        pictures,
        labels,
        classes,
        min(classifier.batch_size or _usual_batch(len(pictures)), len(pictures)),
        seed,
        classifier.mixup if mixed else 0.0,
        classifier.cutmix if mixed else 0.0,
        weights,
    )


def _usual_batch(images: int) -> int:
    """Few images want small batches, or an epoch would have few steps."""
    return next((size for size in (16, 32, 64) if images < 100 * size), 128)

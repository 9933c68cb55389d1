"""The stages in which a classifier learns: a network of its own at once; a pretrained one first from its features.

A new classifier on a pretrained network learns from features that are computed once. Then, by wish, the last layers of
the network learn too, the deeper a layer the slower (Howard and Ruder 2018, section 3.2).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.backbones import build
from firstlight.systems.backend import fast_precision, make_repeatable
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

__all__ = ["Course", "precision_of"]


@dataclass(frozen=True)
class _Usual:
    """What an architecture has where no setting says otherwise.

    Args:
        width: see `NetworkPlan`.
        depth: see `NetworkPlan`.
        learning_rate: the highest; a tenth of it without normalization, which would not stand it.
        dropout: see `NetworkPlan`.
        augmentation: of grey images, and of coloured ones.
    """

    width: int = 1
    depth: int = 1
    learning_rate: float = 1e-3
    dropout: float = 0.2
    augmentation: tuple[str, str] = ("shift", "flip")


_USUAL = {
    "linear": _Usual(learning_rate=3e-3, dropout=0.0, augmentation=("none", "none")),
    "mlp": _Usual(512, 2),
    "cnn": _Usual(32, 2, 1e-2, dropout=0.0),
    "resnet": _Usual(32, 1, 1e-2),
    "inception": _Usual(64, 1, 4e-3),
}
_PRETRAINED = _Usual(learning_rate=3e-3, dropout=0.5)
_NORMALIZED = ("mlp", "cnn", "resnet", "inception")
_EPOCHS, _STEPS, _MOST_EPOCHS = 20, 600, 200  # where no number of epochs is given
_SLOWEST = 0.3  # of the rate: what the deepest layer that is fine-tuned learns at


def precision_of(classifier: "ImageClassifier") -> str:
    """The Keras dtype policy that a classifier learns in: as set, or the faster one of this machine.

    Raises:
        FirstlightError: a pretrained network is to learn in another precision than that of its weights.
    """
    if classifier.chosen in OWN:
        return fast_precision() if classifier.precision == "auto" else classifier.precision
    if classifier.precision == "mixed_bfloat16":
        raise FirstlightError(
            f"Expected precision auto or float32 for {classifier.chosen}, whose weights are float32. Received "
            "mixed_bfloat16. Leave precision out."
        )
    return "float32"


@dataclass(frozen=True)
class Course:
    """A classifier, what it is to learn from, and how.

    Args:
        classifier: whose settings count.
        prepared: images to learn from and to decide by.
        training: the arguments of `fit`: epochs, fine_tune_epochs, patience, seed.
        precision: Keras dtype policy.
        progress: is told what happens.
        folder: run folder; None keeps nothing.
    """

    classifier: "ImageClassifier"
    prepared: Prepared
    training: dict[str, Any]
    precision: str
    progress: Any
    folder: Path | None = None

    def teach(self) -> tuple[keras.Model, History]:
        """The trained network, images (batch, height, width, channels) 0..255 -> probabilities, and its history."""
        make_repeatable(self.training["seed"])
        return self._own() if self.classifier.chosen in OWN else self._pretrained()

    def _own(self) -> tuple[keras.Model, History]:
        plan = self.plan(self.precision)
        network = build_network(plan, training=True)
        stage = Stage("training", self.epochs(len(self.prepared.train)), self.optimization(self._usual_rate()))
        history = self._train(network, stage)
        kept = build_network(plan)
        kept.set_weights(network.get_weights())
        return kept, history

    def _pretrained(self) -> tuple[keras.Model, History]:
        encoder = build(self.classifier.chosen, self.prepared.shape[0], self.classifier.weights)
        plan = self.plan("float32")
        head, history = self._train_head(encoder, plan)
        network = keras.Model(encoder.input, build_head(encoder.output, plan), name=self.classifier.chosen)
        network.get_layer("logits").set_weights(head.get_layer("logits").get_weights())
        if not self.training["fine_tune_epochs"]:
            return network, history
        layers = [layer for layer in encoder.layers if layer.weights]
        last = layers[len(layers) - max(1, round(self.classifier.fine_tune_share * len(layers))) :]
        factors = {layer.name: _SLOWEST ** (1 - place / len(last)) for place, layer in enumerate(last)}
        stage = Stage(
            "fine-tuning",
            self.training["fine_tune_epochs"],
            self.optimization(self.classifier.fine_tune_rate, given=False),
            frozenset([*factors, "logits"]),
            factors,
        )
        return network, self._train(network, stage, history)

    # -- what the settings come to -------------------------------------------------------------------------------

    def _usual(self) -> _Usual:
        return _USUAL.get(self.classifier.chosen, _PRETRAINED)

    def _usual_rate(self) -> float:
        usual = self._usual()
        plain = self.classifier.normalization == "none" and self.classifier.chosen in _NORMALIZED
        return usual.learning_rate / 10 if plain else usual.learning_rate

    def plan(self, precision: str) -> NetworkPlan:
        """What fixes the shape of the network, or of the classifier on a pretrained one."""
        classifier, usual = self.classifier, self._usual()
        return NetworkPlan(
            classifier.chosen,
            self.prepared.shape,
            len(self.prepared.classes),
            classifier.width or usual.width,
            classifier.depth or usual.depth,
            classifier.normalization,
            usual.dropout if classifier.dropout is None else classifier.dropout,
            classifier.initialization,
            precision,
        )

    def optimization(self, rate: float, given: bool = True) -> Optimization:
        """How to learn: at the rate that is set if that is what counts (`given`), or else at this one."""
        classifier = self.classifier
        return Optimization(
            classifier.optimizer,
            (classifier.learning_rate if given else None) or rate,
            classifier.schedule,
            classifier.warm_up,
            momentum=classifier.momentum,
            weight_decay=classifier.weight_decay,
            clip_norm=classifier.clip_norm,
        )

    def epochs(self, images: int) -> int:
        """Passes over so many images: as the setting says, else 20, and more where that would be few steps."""
        steps = max(1, images // self._batch_size(images))
        return self.training["epochs"] or min(max(_EPOCHS, -(-_STEPS // steps)), _MOST_EPOCHS)

    def _batch_size(self, images: int) -> int:
        """Few images want small batches, or an epoch would have few steps."""
        usual = next((size for size in (16, 32, 64) if images < 100 * size), 128)
        return min(self.classifier.batch_size or usual, images)

    def augmentation(self) -> keras.Sequential | None:
        """The layers that change pictures while training."""
        kind = self.classifier.augmentation
        if kind == "auto":
            kind = self._usual().augmentation[self.prepared.shape[2] == 3]
        return augmenting(kind, self.training["seed"])

    def supply(self, pictures: Any, labels: np.ndarray, mixed: bool = True) -> Supply:
        """The training images, or what stands for them, in batches."""
        classifier, classes, weights = self.classifier, len(self.prepared.classes), None
        if classifier.class_weights:
            counts = np.bincount(labels, minlength=classes)
            weights = (len(labels) / (classes * np.maximum(counts, 1))).astype("float32")
        return Supply(
            pictures,
            labels,
            classes,
            self._batch_size(len(pictures)),
            self.training["seed"],
            classifier.mixup if mixed else 0.0,
            classifier.cutmix if mixed else 0.0,
            weights,
        )

    # -- images through the whole network ------------------------------------------------------------------------

    def pictures(self, split: Split) -> tuple[Pictures, np.ndarray]:
        """The images of a split that can be read, and their classes as numbers."""
        done = self.progress.task(f"images of {split.name}", len(split))
        pictures = Pictures(split.images, self.prepared.shape, self.progress.message, done)
        return pictures, np.array(self.prepared.numbers(split))[pictures.rows]

    def _train(self, network: keras.Model, stage: Stage, history: History | None = None) -> History:
        supply = self.supply(*self.pictures(self.prepared.train))
        validation = self.pictures(self.prepared.validation)
        return self._run(network, self.augmentation(), supply, validation, stage, self.folder, history)

    def _run(
        self,
        network: keras.Model,
        augmentation: keras.Sequential | None,
        supply: Supply,
        validation: tuple[Any, np.ndarray],
        stage: Stage,
        folder: Path | None = None,
        history: History | None = None,
    ) -> History:
        taught = Training(
            network,
            augmentation,
            supply,
            validation,
            stage,
            label_smoothing=self.classifier.label_smoothing,
            average=self.classifier.average,
            patience=self.training["patience"],
            progress=self.progress,
            folder=folder,
        )
        if history is not None:
            taught.history.rows = list(history.rows)
        return taught.run()

    # -- features that are computed once -------------------------------------------------------------------------

    def _train_head(self, encoder: keras.Model, plan: NetworkPlan) -> tuple[keras.Model, History]:
        """A classifier on the mean features of each image and of its mirror image."""
        vectors, labels = self._means(self.prepared.train, encoder, 2)
        validation = self._means(self.prepared.validation, encoder, 1)
        means = keras.Input((vectors.values.shape[1],), name="means")
        x = keras.layers.Dropout(plan.dropout)(means) if plan.dropout else means
        logits = keras.layers.Dense(plan.classes, name="logits")(x)
        head = keras.Model(means, keras.layers.Softmax(name="probabilities")(logits), name="head")
        stage = Stage("features", self.epochs(len(vectors)), self.optimization(self._usual_rate()))
        return head, self._run(head, None, self.supply(vectors, labels, mixed=False), validation, stage)

    def _means(self, split: Split, encoder: keras.Model, views: int) -> tuple["_Vectors", np.ndarray]:
        """The mean over the grid of features, (images * views, channels), and the classes as numbers."""
        features = self._features(split, encoder, views)
        for problem in features.problems:
            self.progress.message(f"passed over: {problem}")
        vectors, labels = [], np.array(self.prepared.numbers(split))[features.rows]
        for view in range(views):
            for start in range(0, len(features), 256):
                places = np.arange(start, min(start + 256, len(features)))
                vectors.append(features.read(places, np.full(len(places), view)).mean((1, 2), dtype="float32"))
        return _Vectors(np.concatenate(vectors)), np.tile(labels, views)

    def _features(self, split: Split, encoder: keras.Model, views: int) -> Features:
        done = self.progress.task(f"features of {split.name}", len(split))
        size = self.prepared.shape[0]
        return extract(split.images, encoder, size, views, progress=lambda number, total, engine: done(number))


class _Vectors:
    """Features that stand for images: (images, channels) float32, to be had by their places."""

    def __init__(self, values: np.ndarray):
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: Any) -> np.ndarray:
        """Some of them."""
        return self.values[places]

"""The image classifier: tells which of several classes an image shows, learned from images with labels.

A network of its own, from one matrix to residual blocks, or a pretrained one with a new classifier on top. Keras is
loaded when a network is built, not when this module is imported.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from firstlight.data.table import Split
from firstlight.systems.classifier_seeing import Seeing
from firstlight.systems.range_test import FindsLearningRate
from firstlight.systems.system import History, Silent, System

if TYPE_CHECKING:
    import keras

__all__ = ["Classification", "ImageClassifier"]


@dataclass(frozen=True)
class Classification:
    """What an image shows: the likeliest class, its probability, and all classes with theirs, the likeliest first."""

    name: str
    label: str
    probability: float
    ranking: list[tuple[str, float]]


class ImageClassifier(Seeing, FindsLearningRate, System):
    """Tells which of several classes an image shows, learned from images with labels.

    Args:
        architecture: linear, mlp, cnn, resnet, inception, or a network of keras.applications such as mobilenet_v2; auto
            takes that one for few large coloured photos where its weights are at hand, and else a cnn.
        weights: for a network of keras.applications, "imagenet" or the path of a file of weights.
        image_size: side in pixels; by default that of the images if all are small and of one size, else 64, and 224
            for a network of keras.applications.
        width: channels of the first stage, units of the first layer of an mlp; by default what suits the architecture.
        depth: convolutions or blocks a stage, layers of an mlp; by default what suits the architecture.
        normalization: by the batch, by groups of channels, or none.
        initialization: Keras's name for how the kernels begin.
        dropout: share of the units that are dropped while training; by default what suits the architecture.
        augmentation: how pictures are changed while training; auto moves grey ones, and mirrors coloured ones too.
        mixup: spread of the shares in which two images are laid over each other; 0 for none.
        cutmix: spread of the shares in which a rectangle of one image is put into another; 0 for none.
        label_smoothing: share of each target that is spread over all classes.
        class_weights: let every class count the same, however many images it has.
        batch_size: images learned from at once; by default 16 to 128, more where there are more images.
        optimizer: sgd, adagrad, adadelta, rmsprop, adam, adamax, nadam, adamw or lion.
        learning_rate: the highest; by default what suits the architecture.
        schedule: how the rate changes: constant, cosine, one_cycle, step, exponential or plateau.
        warm_up: share of the steps in which the rate rises first; one_cycle rises by itself.
        momentum: of sgd and rmsprop.
        weight_decay: what weights shrink by, times the rate.
        clip_norm: longest gradient; 0 for any.
        average: momentum of the running mean of the weights, which is what is kept; 0 for none.
        fine_tune_share: share of the layers of a pretrained network that learn in the second stage, from the last.
        fine_tune_rate: the highest learning rate of the second stage; the deeper a layer, the less of it.
        mirrored: predict from an image and its mirror image together.
        precision: float32, mixed_bfloat16, or auto for the faster of the two on this machine.
    """

    task: ClassVar[str] = "labels"
    _chosen: str | None = None
    later_stages: ClassVar = {"fine_tune_epochs": ("fine_tune_share", "fine_tune_rate")}

    def __init__(
        self,
        architecture: str = "auto",
        *,
        weights: str = "imagenet",
        image_size: int | None = None,
        width: int | None = None,
        depth: int | None = None,
        normalization: Literal["batch", "group", "none"] = "batch",
        initialization: str = "he_normal",
        dropout: float | None = None,
        augmentation: Literal["auto", "none", "shift", "flip", "strong"] = "auto",
        mixup: float = 0.0,
        cutmix: float = 0.0,
        label_smoothing: float = 0.0,
        class_weights: bool = False,
        batch_size: int | None = None,
        optimizer: str = "adamw",
        learning_rate: float | None = None,
        schedule: str = "one_cycle",
        warm_up: float = 0.0,
        momentum: float = 0.9,
        weight_decay: float = 0.05,
        clip_norm: float = 0.0,
        average: float = 0.995,
        fine_tune_share: float = 0.5,
        fine_tune_rate: float = 1e-4,
        mirrored: bool = False,
        precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto",
    ):
        self.architecture = architecture
        self.weights = weights
        self.image_size = image_size
        self.width = width
        self.depth = depth
        self.normalization = normalization
        self.initialization = initialization
        self.dropout = dropout
        self.augmentation = augmentation
        self.mixup = mixup
        self.cutmix = cutmix
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warm_up = warm_up
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.average = average
        self.fine_tune_share = fine_tune_share
        self.fine_tune_rate = fine_tune_rate
        self.mirrored = mirrored
        self.precision = precision

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Split,
        *,
        validation_data: Split | None = None,
        epochs: int | None = None,
        fine_tune_epochs: int = 0,
        hold_out: float = 0.1,
        patience: int = 0,
        seed: int = 0,
        folder: str | Path | None = None,
        data: dict[str, Any] | None = None,
        progress: Any = None,
    ) -> History:
        """Learn from images with labels; the epoch that is best on images held out is kept.

        Args:
            train: a split with images and labels.
            validation_data: images that decide which epoch is best; without, a share of the training images, of each
                class alike, is held out.
            epochs: passes over the images, with a pretrained network over its features; by default 20, and more where
                that would be less than 600 steps.
            fine_tune_epochs: passes of a second stage, in which the last layers of a pretrained network learn too.
            hold_out: share of the training images that is held out where there is no validation_data.
            patience: stop after so many epochs without improvement; 0 never stops.
            seed: of everything that is drawn; the same seed gives the same weights on the same machine.
            folder: run folder. What it holds of an earlier call is taken up where it ended.
            data: what `system.json` shall say of the data.
            progress: is told what happens, see `firstlight.cli.progress`.

        Raises:
            FirstlightError: the data cannot be learned from, a setting is not one of those that exist, or `folder`
                holds a run of other settings.
        """
        from firstlight.systems.classifier_preparation import prepare
        from firstlight.systems.classifier_settings import check_settings, choose_architecture

        training = {
            "epochs": epochs,
            "fine_tune_epochs": fine_tune_epochs,
            "hold_out": hold_out,
            "patience": patience,
            "seed": seed,
        }
        began = time.perf_counter()
        folder = None if folder is None else Path(folder)
        earlier = self.begun_in(folder, {**training, **(data or {})}) if folder else {}
        check_settings(self, training)
        progress = progress or Silent()
        self._chosen = earlier.get("chosen_architecture") or choose_architecture(self, train, progress.message)
        prepared = prepare(self, train, validation_data, hold_out, seed, progress)
        prepared.check_same(earlier, folder)

        from firstlight.systems.classifier_stages import Course, precision_of

        # Decided once and written down before the first epoch: a run that is taken up again keeps it.
        precision = earlier.get("precision") or precision_of(self)
        ended = {name: earlier[name] for name in ("epochs_done", "seconds") if name in earlier}
        self.description = self.describe(
            training=training,
            data=data,
            precision=precision,
            chosen_architecture=self.chosen,
            **prepared.facts(),
            **ended,
        )
        if folder is not None:
            self._write_description(folder)
        try:
            self.network, history = Course(self, prepared, training, precision, progress, folder).teach()
        except BaseException:
            self.description = {}  # not fitted
            raise
        self.classes, self.shape = prepared.classes, prepared.shape
        seconds = round(ended.get("seconds", 0) + time.perf_counter() - began, 1)  # of the calls that came to an end
        self.description |= {"epochs_done": len(history.rows), "seconds": seconds}
        if folder is not None:
            history.save(folder / "history.csv")
            self.save(folder)
        return history

    @property
    def chosen(self) -> str:
        """The architecture that was trained: what `auto` came to."""
        return self._chosen or self.architecture

    # -- telling -------------------------------------------------------------------------------------------------

    def classify(self, image: Any) -> Classification:
        """What one image shows, a path or an array (height, width, 3) of uint8."""
        return self.predict([image])[0]

    def predict(self, images: Sequence[Any]) -> list[Classification]:
        """What images show, each a path or an array (height, width, 3) of uint8.

        Raises:
            ImageError: an image cannot be read.
        """
        from firstlight.data.images import read
        from firstlight.systems.pictures import image_name

        self._require_fitted()
        pictures = [read(image, self.shape[:2]) for image in images]
        found = []
        for number, given in enumerate(self.probabilities(pictures)):
            order = np.argsort(-given, kind="stable")
            ranking = [(self.classes[place], float(given[place])) for place in order]
            found.append(Classification(image_name(images[number], number), *ranking[0], ranking))
        return found

    def probabilities(self, images: Sequence[Any]) -> np.ndarray:
        """The probability of each class for each image that can be read: (images, classes) float32."""
        from firstlight.systems.classifier_training import probabilities
        from firstlight.systems.pictures import Pictures

        self._require_fitted()
        return probabilities(self.network, Pictures(images, self.shape), self.mirrored)

    def evaluate(self, split: Split) -> dict[str, Any]:
        """How often images of a split are told rightly, with 95 % intervals.

        Returns:
            `accuracy`, `top_5` where there are more than five classes, `calibration_error`, `log_loss`, `intervals`,
            `classes` (precision, recall and support of each), `confusion` (rows are true), `passed_over` (images that
            cannot be read or are of a class that training had not).
        """
        from firstlight.systems.classifier_judging import evaluate

        return evaluate(self, split)

    # -- checks --------------------------------------------------------------------------------------------------

    def self_checks(self, train: Split, validation: Split | None = None) -> list[dict[str, Any]]:
        """Checks against silent failure, see `firstlight.systems.classifier_checks`.

        Without a validation part, the images are judged that `fit` held out of the same training part.
        """
        from firstlight.systems.classifier_checks import self_checks

        self._require_fitted()
        return self_checks(self, train, validation)

    def overfit(self, split: Split, *, images: int = 32, seed: int = 0, progress: Any = None) -> dict[str, Any]:
        """Learn a few images by heart, which shows that labels, images and gradients meet.

        A classifier of the same settings is trained, without dropout, augmentation, mixing, smoothing, decay and
        averaging, for some 300 steps (a linear one 1,500); this one stays as it is.

        Returns:
            `images`, `classes`, `steps`, `accuracy` and `loss` on these images, and whether that `passed`: all of
            them right, with a loss below 0.1.
        """
        from firstlight.systems.classifier_checks import overfit

        return overfit(self, split, images=images, seed=seed, progress=progress)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _save_parts(self, folder: Path) -> None:
        from firstlight.systems.classifier_folder import write

        write(self, folder)

    def _load_parts(self, folder: Path) -> None:
        from firstlight.systems.classifier_folder import read_network

        self.classes, self.shape = list(self.description["classes"]), tuple(self.description["shape"])
        self._chosen = self.description.get("chosen_architecture")
        self.network: keras.Model = read_network(folder)

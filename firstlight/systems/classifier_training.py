"""How the classifier learns: cross-entropy on images with labels, judged after each epoch on images held out.

After each epoch everything needed to go on is written down. The weights of the best epoch are kept.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from firstlight.systems.backend import trains_under_xla
from firstlight.systems.classifier_alarms import ClassifierAlarms
from firstlight.systems.classifier_batches import Supply
from firstlight.systems.keeping import Keeping, check_finite, epochs_since_best, is_on_plateau
from firstlight.systems.optimization import Optimization
from firstlight.systems.pictures import Pictures
from firstlight.systems.system import History

__all__ = ["ClassTrainer", "Stage", "Training", "probabilities"]

_BATCH = 256  # small images judged at once
_PIXELS = 1 << 20  # of a batch: a wide network keeps some kilobytes for each


@dataclass(frozen=True)
class Stage:
    """One part of a training.

    Args:
        name: as the history has it.
        epochs: how many.
        optimization: how to learn.
        trained: names of the layers that learn; None for all.
        factors: what the rate of some layers is multiplied by, by name.
    """

    name: str
    epochs: int
    optimization: Optimization
    trained: frozenset[str] | None = None
    factors: dict[str, float] | None = None


class ClassTrainer(keras.Model):
    """A network behind layers that change pictures while training; it gives logits (batch, classes)."""

    def __init__(self, network: keras.Model, augmentation: keras.Model | None):
        super().__init__(name="trainer")
        self.network = keras.Model(network.input, network.get_layer("logits").output, name="to_logits")
        self.augmentation = augmentation
        self.built = True

    def call(self, images: Any, training: bool | None = None) -> Any:
        """Logits; the pictures are changed while training alone."""
        if training and self.augmentation is not None:
            images = self.augmentation(images, training=True)
        return self.network(images, training=training)


def probabilities(network: keras.Model, pictures: Pictures, mirrored: bool = False) -> np.ndarray:
    """What a network gives for images, (images, classes) float32; with `mirrored`, the mean with their mirror images.

    Every batch has the same size, because a network is compiled for each size that it meets.
    """
    count, found = len(pictures), []
    size = min(_BATCH, max(8, _PIXELS // math.prod(network.input_shape[1:-1])), count)
    for start in range(0, count, size):
        places = np.resize(np.arange(start, min(start + size, count)), size)
        images = pictures.take(places).astype("float32")
        given = ops.convert_to_numpy(network.predict_on_batch(images))
        if mirrored:
            given = (given + ops.convert_to_numpy(network.predict_on_batch(images[:, :, ::-1]))) / 2
        found.append(given[: min(size, count - start)])
    return np.concatenate(found)


class Training:
    """One training, from the first batch or from the last epoch that was written down.

    Args:
        network: images -> probabilities.
        augmentation: layers that change pictures, or None.
        supply: what to learn from.
        validation: images that decide which epoch is best, and their labels.
        stage: how it learns; epochs of another one before it may stand in the history.
        label_smoothing: share of each target that is spread over all classes.
        average: momentum of the running mean of the weights, 0 for none.
        patience: stop after so many epochs without improvement; 0 never stops.
        progress: is told what happens.
        folder: run folder for `checkpoints/` and `history.csv`; None keeps nothing.
    """

    def __init__(
        self,
        network: keras.Model,
        augmentation: keras.Model | None,
        supply: Supply,
        validation: tuple[Pictures, np.ndarray],
        stage: Stage,
        *,
        label_smoothing: float,
        average: float,
        patience: int,
        progress: Any,
        folder: Path | None,
    ):
        self.network, self.supply, self.validation, self.stage = network, supply, validation, stage
        self.label_smoothing, self.patience = label_smoothing, patience
        self.progress = progress
        self.trainer = ClassTrainer(network, augmentation)
        self.keeping = Keeping([*network.variables, *self.trainer.variables], average, folder)
        self.given: np.ndarray | None = None  # what was told of the validation images after the last epoch

    @property
    def history(self) -> History:
        """What was measured so far, of an earlier stage too."""
        return self.keeping.history

    def run(self) -> History:
        """Learn to the end of the stage; afterwards the network holds the weights of the best epoch."""
        self.keeping.resume()
        if self.keeping.best is None and self.history.rows:
            self._judge()  # what an earlier stage brought is to be beaten
        done = len(self._own_rows())
        total = len(self.history.rows) - done + self.stage.epochs
        self.alarms = ClassifierAlarms(self.validation[1], total)
        # Epochs of an earlier stage are no reason to speak of resuming.
        self.progress.start(total, len(self.history.rows) if done else 0, "images")
        if done < self.stage.epochs and not self._is_exhausted():
            self._prepare(fresh=not done)
            for _ in range(done, self.stage.epochs):
                self._epoch()
                if self._is_exhausted():
                    self.progress.message(f"{self.stage.name}: stopped, no better for {self.patience} epochs")
                    break
        self.keeping.restore_best()
        return self.history

    def _own_rows(self) -> list[dict[str, Any]]:
        """The epochs of this stage."""
        return [row for row in self.history.rows if row["stage"] == self.stage.name]

    def _waited(self) -> int:
        """Epochs of the stage since its best one."""
        return epochs_since_best([row["accuracy"] for row in self._own_rows()])

    def _is_exhausted(self) -> bool:
        return bool(self.patience) and self._waited() >= self.patience

    def _prepare(self, fresh: bool) -> None:
        """Freeze and free layers, and compile with the stage's optimizer in the state it was left in."""
        stage = self.stage
        for layer in self.trainer.network.layers:
            learns = stage.trained is None or layer.name in stage.trained
            # The statistics of a pretrained network stay as they are (Keras's guide to transfer learning).
            pretrained = stage.trained is not None and isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = learns and not pretrained
        optimizer = stage.optimization.make(stage.epochs, self.supply.count())
        if stage.factors:
            _slow_down(optimizer, self.trainer.network, stage.factors, self.progress)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self.label_smoothing)
        self.trainer.compile(optimizer, loss, jit_compile=trains_under_xla())
        optimizer.build(self.trainer.trainable_variables)
        if not fresh:
            self.keeping.continue_optimizer(optimizer)

    def _epoch(self) -> None:
        stage, epoch, total, seen = self.stage, len(self.history.rows), 0.0, 0
        self.progress.epoch_started(epoch, self.supply.count())
        for done, batch in enumerate(self.supply.epoch(epoch), 1):
            loss = float(self.trainer.train_on_batch(batch.images, batch.targets, sample_weight=batch.weights))
            check_finite(loss, epoch + 1, done)
            total, seen = total + loss * len(batch.images), seen + len(batch.images)
            self.keeping.stepped()
            self.progress.batch(done, loss, len(batch.images))
        rate = float(ops.convert_to_numpy(self.trainer.optimizer.learning_rate))
        row = {"epoch": epoch + 1, "stage": stage.name, "loss": total / seen, "learning_rate": rate, **self._judge()}
        self.history.rows.append(row)
        for line in self.alarms.look(row, self.given):
            self.progress.message(line)
        if stage.optimization.schedule == "plateau" and is_on_plateau(self._waited()):
            stage.optimization.lower(self.trainer.optimizer)
        self.keeping.write_down(self.trainer.optimizer)
        self.progress.epoch_ended(epoch, {name: value for name, value in row.items() if value is not None})

    def _judge(self) -> dict[str, float]:
        """Accuracy and cross-entropy on validation with the averaged weights, which are kept if they are the best."""
        pictures, labels = self.validation
        with self.keeping.averaged():
            self.given = given = probabilities(self.network, pictures)
            accuracy = float((given.argmax(-1) == labels).mean())
            loss = float(-np.log(np.maximum(given[np.arange(len(labels)), labels], 1e-12)).mean())
            self.keeping.offer(accuracy, -loss)
        return {"accuracy": accuracy, "validation_loss": loss}


def _slow_down(optimizer: Any, network: keras.Model, factors: dict[str, float], progress: Any) -> None:
    """Let some layers learn at a part of the rate (Howard and Ruder 2018, section 3.2).

    Keras's optimizers for PyTorch update all weights at once, where a part of the rate has no place.
    """
    if keras.backend.backend() == "torch":
        progress.message("on PyTorch all layers that are fine-tuned learn at one rate")
        return
    # On TensorFlow an optimizer is handed the variable inside Keras's.
    inside = keras.backend.backend() == "tensorflow"
    by_variable = {
        id(variable.value if inside else variable): factors[layer.name]
        for layer in network.layers
        if layer.name in factors
        for variable in layer.trainable_variables
    }
    whole = optimizer.update_step

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        whole(gradient, variable, learning_rate * by_variable.get(id(variable), 1.0))

    optimizer.update_step = update_step

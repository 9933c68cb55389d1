"""How the captioner learns: cross-entropy on the captions of people, then by choice reward for its own.

After each epoch it describes the validation images without help, and everything needed to go on is written down, so
that a training that is killed and started again ends with the same weights to the bit.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from firstlight import metrics
from firstlight.data.batches import batched
from firstlight.data.vocabulary import END
from firstlight.errors import FirstlightError
from firstlight.systems.backend import compiles_each_shape, trains_under_xla
from firstlight.systems.captioner_batches import SAMPLES, Examples, Plan, Rewarding, Teaching
from firstlight.systems.captioner_networks import CaptionTrainer
from firstlight.systems.decoder import Decoder
from firstlight.systems.decoding import Search
from firstlight.systems.keeping import Keeping, check_finite, epochs_since_best, is_on_plateau
from firstlight.systems.optimization import Optimization, values_of
from firstlight.systems.system import History

__all__ = ["Training", "optimization"]

_STAGES = ("cross-entropy", "self-critical")
_VALIDATION_BEAM = 3
_MOST_WARM_UP = 300  # steps
_BETA_2 = 0.99  # a shorter memory than Keras's 0.999
_VALIDATION_BATCH = 64


class Training:
    """One training, from the first batch or from the last epoch that was written down.

    Args:
        front: image input -> memory and states.
        decoder: the next-word network.
        words: the vocabulary in order.
        train: what to learn from.
        validation: what decides which epoch is best.
        plan: how long and how fast.
        progress: is told what happens.
        folder: run folder for `checkpoints/` and `history.csv`; None keeps nothing.
        tensorboard: also write the numbers of each epoch for TensorBoard, into the run folder.
    """

    def __init__(
        self,
        front: keras.Model,
        decoder: keras.Model,
        words: Sequence[str],
        train: Examples,
        validation: Examples,
        plan: Plan,
        progress: Any,
        folder: Path | None,
        tensorboard: bool = False,
    ):
        self.front, self.decoder, self.words = front, decoder, words
        self.train, self.validation = train, validation
        self.plan, self.progress = plan, progress
        self.curves = _curves(folder) if tensorboard else None
        self.describe = Decoder(front, decoder)
        self.presence = _presence_layer(front, decoder) if plan.presence else None
        extra = self.presence.variables if self.presence else []
        self.keeping = Keeping([*front.variables, *decoder.variables, *extra], plan.average, folder)

    @property
    def history(self) -> History:
        """What was measured so far."""
        return self.keeping.history

    def run(self) -> History:
        """Learn until the last epoch, or until validation has not improved for `patience` epochs.

        Afterwards the networks hold the weights of the best epoch.
        """
        self.keeping.resume()
        done = len(self.history.rows)
        self.progress.start(self.plan.epochs + self.plan.self_critical_epochs, done)
        for stage, epochs in zip(_STAGES, (self.plan.epochs, self.plan.self_critical_epochs), strict=True):
            begun = self._epochs_of(stage)
            over = stage == "cross-entropy" and self._epochs_of("self-critical")
            if over or begun >= epochs or self._is_exhausted(stage):
                continue
            supply, trainer = self._prepare(stage)
            for number in range(begun, epochs):
                self._epoch(trainer, supply, stage, number)
                if self._is_exhausted(stage):
                    self.progress.message(f"{stage}: stopped, no better for {self.plan.patience} epochs")
                    break
        self.keeping.restore_best()
        return self.history

    def _epochs_of(self, stage: str) -> int:
        return sum(row["stage"] == stage for row in self.history.rows)

    def _is_exhausted(self, stage: str) -> bool:
        return bool(self.plan.patience) and self._waited(stage) >= self.plan.patience

    def _waited(self, stage: str) -> int:
        """Epochs of a stage since the best of all."""
        return min(epochs_since_best([row["cider"] for row in self.history.rows]), self._epochs_of(stage))

    def _prepare(self, stage: str) -> tuple[Teaching | Rewarding, CaptionTrainer]:
        """The batches of a stage, and the network compiled with its optimizer, in the state it was left in."""
        plan = self.plan
        supply: Teaching | Rewarding
        if stage == "cross-entropy":
            supply = Teaching(self.train, plan)
            trainer = CaptionTrainer(
                self.front, self.decoder, max(1, plan.together), plan.label_smoothing, self.presence
            )
            epochs = plan.epochs
        else:
            supply = Rewarding(self.train, plan, self.words, self.describe)
            trainer = CaptionTrainer(self.front, self.decoder, SAMPLES)
            epochs = plan.self_critical_epochs
        optimizer = optimization(plan, stage).make(epochs, supply.count())
        trainer.compile(optimizer=optimizer, jit_compile=trains_under_xla())
        optimizer.build(trainer.trainable_variables)
        if stage == "cross-entropy" and not compiles_each_shape():
            self._trace(trainer)
        if self._epochs_of(stage):
            self.keeping.continue_optimizer(optimizer)
        elif stage == "self-critical" and self.history.rows:
            self.keeping.restore_best()
            self.keeping.forget_mean()
        return supply, trainer

    def _trace(self, trainer: CaptionTrainer) -> None:
        """Make the program for batches of all shapes before the first of them, by two small batches without effect.

        TensorFlow makes one for the first shape and a general one at the second. They differ in the last bit, and a
        training that is taken up would meet the shapes in another order.
        """
        variables = [*trainer.variables, *trainer.optimizer.variables]
        values = values_of(variables)
        for size in (2, 3):
            images = np.resize(np.arange(len(self.train.references)), size)
            words = np.full((size * trainer.copies, size), END, "int32")
            trainer.train_on_batch({**self.train.inputs(images, None), "words": words}, words)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _epoch(self, trainer: CaptionTrainer, supply: Teaching | Rewarding, stage: str, number: int) -> None:
        epoch = len(self.history.rows)
        total, words, rewards = 0.0, 0, []
        self.progress.epoch_started(epoch, supply.count())
        for done, batch in enumerate(supply.epoch(number), 1):
            trainer.reset_metrics()
            logs = trainer.train_on_batch(batch.inputs, batch.targets, sample_weight=batch.weights, return_dict=True)
            loss, size = float(logs["cross_entropy"]), int(np.count_nonzero(batch.targets))
            check_finite(float(logs["loss"]), epoch + 1, done)
            total, words = total + loss * size, words + size
            rewards.append(batch.reward)
            self.keeping.stepped()
            self.progress.batch(done, loss, size)
        reward = float(np.mean(rewards)) if stage == "self-critical" else None
        row = {"epoch": epoch + 1, "stage": stage, "loss": total / max(words, 1), "reward": reward, **self._validate()}
        self.history.rows.append(row)
        how = optimization(self.plan, stage)
        if how.schedule == "plateau" and is_on_plateau(self._waited(stage)):
            how.lower(trainer.optimizer)
        self._write_down(trainer)
        self.progress.epoch_ended(epoch, {name: value for name, value in row.items() if value is not None})

    def _validate(self) -> dict[str, Any]:
        """Describe the validation images with the averaged weights, and keep the weights if they are the best."""
        with self.keeping.averaged():
            captions = self._described()
            scores = metrics.score(captions, self.validation.references, metrics=("bleu", "cider"))
            # Of equals the later: the CIDEr of a single image is always 0.
            self.keeping.offer(scores["cider"].value)
        distinct = metrics.diversity(captions)["distinct"]
        return {"cider": scores["cider"].value, "bleu_4": scores["bleu_4"].value, "distinct": distinct}

    def _described(self) -> list[list[str]]:
        """The words for each validation image."""
        search = Search(beam_width=_VALIDATION_BEAM, maximum_length=self.plan.maximum_length)
        count = len(self.validation.references)
        captions = []
        for images in batched(count, _VALIDATION_BATCH):
            # Every batch has the same size, so that one compiled loop serves all: the last is filled up.
            filled = np.resize(images, min(_VALIDATION_BATCH, count))
            tokens = self.describe(self.validation.inputs(filled, None), search)[0]
            captions += [[self.words[word] for word in row[0] if word > END] for row in tokens[: len(images)]]
        return captions

    def _write_down(self, trainer: CaptionTrainer) -> None:
        """All that the next epoch depends on, and the curves."""
        row = self.history.rows[-1]
        if self.curves is not None:
            for name in ("loss", "reward", "cider", "bleu_4", "distinct"):
                if row[name] is not None:
                    self.curves.add_scalar(name, row[name], step=row["epoch"])
            self.curves.flush()
        self.keeping.write_down(trainer.optimizer)


def optimization(plan: Plan, stage: str) -> Optimization:
    """How a stage learns. The rate of the second does not change; that of the first warms up over at most 300 steps."""
    first = stage == _STAGES[0]
    return Optimization(
        plan.optimizer,
        plan.learning_rate if first else plan.self_critical_rate,
        plan.schedule if first else "constant",
        plan.warm_up if first else 0.0,
        plan.learning_rate_floor,
        plan.momentum,
        plan.weight_decay,
        plan.clip_norm,
        most_warm_up=_MOST_WARM_UP,
        beta_2=_BETA_2,
    )


def _presence_layer(front: keras.Model, decoder: keras.Model) -> keras.layers.Dense:
    """What tells from a region which words the captions hold, see `CaptionTrainer`: the decoder's evidence, if any."""
    for layer in decoder.layers:
        if layer.name == "evidence":
            return layer
    rare = keras.initializers.Constant(-8.0)
    layer = keras.layers.Dense(decoder.output["logits"].shape[-1], bias_initializer=rare, name="presence")
    layer.build(front.output["memory"].shape)
    return layer


def _curves(folder: Path | None) -> Any:
    """What writes numbers for TensorBoard; the extra must be installed and there must be a folder."""
    if folder is None:
        raise FirstlightError("Expected a run folder for TensorBoard's curves. Received folder=None. Pass folder=...")
    try:
        from tensorboard.summary import Writer
    except ImportError as error:
        message = 'Expected TensorBoard to be installed. Received none. Run: pip install "firstlight[tensorboard]"'
        raise FirstlightError(message) from error
    return Writer(str(folder / "tensorboard"))

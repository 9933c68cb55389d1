"""How the captioner learns: cross-entropy on the captions of people, then by choice reward for its own.

After each epoch it describes the validation images without help, and everything needed to go on is written down, so
that a training that is killed and started again ends with the same weights to the bit.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from firstlight import metrics
from firstlight.data.batches import batched, grouped_by_length, pad, shuffled
from firstlight.data.vocabulary import END, START
from firstlight.errors import FirstlightError
from firstlight.systems.backend import compiles_each_shape, trains_under_xla
from firstlight.systems.captioner_networks import CaptionTrainer
from firstlight.systems.decoding import Decoder, Search
from firstlight.systems.system import History, write_safely

__all__ = ["Examples", "Plan", "Training"]

_SAMPLES = 5  # captions drawn for each image in self-critical training; their mean is the baseline of each
_SELF_CRITICAL_RATE = 5e-5
_VALIDATION_BEAM = 3
_AVERAGE_EVERY = 5

_Batch = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Examples:
    """Captions with the images they belong to.

    Args:
        inputs: gives what the front reads for these images, by position: `inputs(images, views) -> {name: array}`.
        views: how many views of each image there are; view 0 is the plain one.
        encoded: the captions as word indices, without start and end.
        owner: for each caption, the position of its image.
        references: for each image, its captions as tokens.
    """

    inputs: Callable[[np.ndarray, np.ndarray | int], dict[str, np.ndarray]]
    views: int
    encoded: Sequence[np.ndarray]
    owner: np.ndarray
    references: Sequence[Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn; see `Captioner.fit` and the settings of `Captioner`."""

    seed: int
    epochs: int
    self_critical_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    average: float
    patience: int
    maximum_length: int


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
        self.plan, self.progress, self.folder = plan, progress, folder
        self.curves = _curves(folder) if tensorboard else None
        self.history = History()
        self.variables = list({id(v): v for v in [*front.variables, *decoder.variables]}.values())
        self.floats = [v for v in self.variables if "float" in str(v.dtype)]
        self.average: list[np.ndarray] | None = None
        self.best: list[np.ndarray] | None = None
        self.best_score = -1.0
        self.steps = 0
        self.describe = Decoder(front, decoder)
        self.reward: metrics.CiderD | None = None

    def run(self) -> History:
        """Learn until the last epoch, or until validation has not improved for `patience` epochs.

        Afterwards the networks hold the weights of the best epoch.
        """
        plan = self.plan
        stages = [("cross-entropy", plan.epochs), ("self-critical", plan.self_critical_epochs)]
        done = self._resume()
        self.progress.start(plan.epochs + plan.self_critical_epochs, done)
        for stage, epochs in stages:
            here = sum(row["stage"] == stage for row in self.history.rows)
            later = any(row["stage"] != stage for row in self.history.rows) and stage == "cross-entropy"
            if later or here >= epochs:
                continue
            trainer = self._trainer(stage)
            if here:
                self._restore_optimizer(trainer)
            elif stage == "self-critical":
                self._assign(self.best or [])
                self.average = None
            for number in range(here, epochs):
                if self._is_exhausted(stage):
                    self.progress.message(f"{stage}: no better for {plan.patience} epochs, stopped")
                    break
                self._epoch(trainer, stage, number)
        if self.best is not None:
            self._assign(self.best)
        return self.history

    def _trainer(self, stage: str) -> CaptionTrainer:
        """The network to be trained, compiled with the optimizer of the stage."""
        plan = self.plan
        if stage == "cross-entropy":
            steps = plan.epochs * len(self._length_batches(0))
            warm_up = min(300, steps // 10)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, max(1, steps - warm_up), warmup_target=plan.learning_rate, warmup_steps=warm_up
            )
            trainer = CaptionTrainer(self.front, self.decoder, label_smoothing=plan.label_smoothing)
        else:
            rate = _SELF_CRITICAL_RATE
            trainer = CaptionTrainer(self.front, self.decoder, copies=_SAMPLES)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=plan.weight_decay, beta_2=0.99, global_clipnorm=1.0)
        trainer.compile(optimizer=optimizer, jit_compile=trains_under_xla())
        optimizer.build(trainer.trainable_variables)
        return trainer

    def _epoch(self, trainer: CaptionTrainer, stage: str, number: int) -> None:
        epoch = len(self.history.rows)
        supply = self._taught(number) if stage == "cross-entropy" else self._rewarded(number)
        total, words, rewards = 0.0, 0, []
        count = next(supply)
        self.progress.epoch_started(epoch, count)
        for done, (inputs, targets, weights) in enumerate(supply, 1):
            trainer.reset_metrics()
            logs = trainer.train_on_batch(inputs, targets, sample_weight=weights, return_dict=True)
            loss, size = float(logs["loss"]), int(np.count_nonzero(targets))
            if not np.isfinite(loss):
                raise FirstlightError(
                    f"Expected a finite loss. Received {loss} in epoch {epoch + 1}, batch {done}. "
                    "Pass a smaller learning_rate, or precision='float32'."
                )
            total, words = total + loss * size, words + size
            rewards.append(float(self.last_reward) if weights is not None else 0.0)
            self.steps += 1
            if self.steps % _AVERAGE_EVERY == 0:
                self._add_to_average()
            self.progress.batch(done, loss, size)
        row = {"epoch": epoch + 1, "stage": stage, "loss": total / max(words, 1)}
        row["reward"] = float(np.mean(rewards)) if stage == "self-critical" else None
        row.update(self._validate())
        self.history.rows.append(row)
        self._write_down(trainer)
        if self.curves is not None:
            for name, value in row.items():
                if isinstance(value, float):
                    self.curves.add_scalar(name, value, step=epoch + 1)
            self.curves.flush()
        self.progress.epoch_ended(epoch, {name: value for name, value in row.items() if value is not None})

    def _length_batches(self, number: int) -> list[np.ndarray]:
        lengths = [len(caption) for caption in self.train.encoded]
        return grouped_by_length(lengths, self.plan.batch_size, self.plan.seed, number)

    def _taught(self, number: int) -> Iterator[Any]:
        """The number of batches, then the batches of an epoch of teacher forcing."""
        random = np.random.default_rng([self.plan.seed, number, 1])
        batches = self._length_batches(number)
        views = [random.integers(0, self.train.views, len(rows)) for rows in batches]
        yield len(batches)

        def batch(place: int) -> _Batch:
            rows = batches[place]
            captions = [[START, *self.train.encoded[row], END] for row in rows]
            longest = max(map(len, captions))
            # Where each shape costs a compilation, lengths are rounded up to a multiple of four.
            length = -(-(longest - 1) // 4) * 4 + 1 if compiles_each_shape() else longest
            words = pad(captions, length=length)
            inputs = self.train.inputs(self.train.owner[rows], views[place])
            return {**inputs, "words": words[:, :-1]}, words[:, 1:], None

        yield from _ahead(batch, len(batches))

    def _rewarded(self, number: int) -> Iterator[Any]:
        """The number of batches, then batches of the network's own captions with how much better each is than its
        siblings: self-critical sequence training (Rennie et al. 2017) with the mean of the other samples as the
        baseline (Luo 2020), CIDEr-D as the reward, and the end of the sentence counted as a word."""
        plan, train = self.plan, self.train
        if self.reward is None:
            self.reward = metrics.CiderD([[[*tokens, "<end>"] for tokens in each] for each in train.references])
        random = np.random.default_rng([plan.seed, number, 2])
        order = shuffled(len(train.references), plan.seed, plan.epochs + number)
        size = max(1, plan.batch_size // _SAMPLES)
        batches = [order[rows] for rows in batched(len(order), size) if len(rows) == size] or [order]
        search = Search(beam_width=1, temperature=1.0, maximum_length=plan.maximum_length)
        yield len(batches)

        def inputs(place: int) -> dict[str, np.ndarray]:
            views = np.random.default_rng([plan.seed, number, 3, place]).integers(0, train.views, len(batches[place]))
            return train.inputs(batches[place], views)

        for place, given in enumerate(_ahead(inputs, len(batches))):
            images = batches[place]
            uniform = random.random((len(images) * _SAMPLES, plan.maximum_length + 1), dtype=np.float32)
            tokens = self.describe(given, search, uniform)[0].reshape(len(images) * _SAMPLES, -1)
            texts = [["<end>" if word == END else self.words[word] for word in row if word] for row in tokens]
            reward = self.reward.score(texts, np.repeat(images, _SAMPLES)).reshape(-1, _SAMPLES)
            self.last_reward = reward.mean()
            others = (reward.sum(axis=1, keepdims=True) - reward) / (_SAMPLES - 1)
            advantage = (reward - others).reshape(-1, 1).astype("float32")
            start = np.full((len(tokens), 1), START, "int32")
            words = np.concatenate([start, tokens[:, :-1]], axis=1)
            yield {**given, "words": words}, tokens, np.broadcast_to(advantage, tokens.shape)

    def _validate(self) -> dict[str, Any]:
        """Describe the validation images with the averaged weights, and keep the weights if they are the best."""
        now = [keras.ops.convert_to_numpy(v) for v in self.floats]
        judged = self.average or now
        self._assign(judged)
        search = Search(beam_width=_VALIDATION_BEAM, maximum_length=self.plan.maximum_length)
        captions = []
        for images in batched(len(self.validation.references), 64):
            # Every batch has the same size, so that one compiled loop serves all: the last is filled up.
            filled = np.resize(images, min(64, len(self.validation.references)))
            tokens = self.describe(self.validation.inputs(filled, 0), search)[0]
            captions += [[self.words[word] for word in row[0] if word > END] for row in tokens[: len(images)]]
        scores = metrics.score(captions, self.validation.references, metrics=("bleu", "cider"))
        score = scores["cider"].value
        if score > self.best_score:
            self.best_score, self.best = score, [value.copy() for value in judged]
        self._assign(now)
        distinct = metrics.diversity(captions)["distinct"]
        return {"cider": score, "bleu_4": scores["bleu_4"].value, "distinct": distinct}

    def _add_to_average(self) -> None:
        """Exponential moving average of the weights, begun after the first epoch of a stage."""
        if not self.plan.average or not self.history.rows:
            return
        now = [keras.ops.convert_to_numpy(v) for v in self.floats]
        if self.average is None:
            self.average = [value.copy() for value in now]
        share = 1 - self.plan.average**_AVERAGE_EVERY
        for mean, value in zip(self.average, now, strict=True):
            mean += share * (value - mean)

    def _is_exhausted(self, stage: str) -> bool:
        scores = [row["cider"] for row in self.history.rows]
        since_best = len(scores) - 1 - int(np.argmax(scores)) if scores else 0
        in_stage = sum(row["stage"] == stage for row in self.history.rows)
        return bool(self.plan.patience) and min(since_best, in_stage) >= self.plan.patience

    def _assign(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self.floats, values, strict=False):
            variable.assign(value)

    def _write_down(self, trainer: CaptionTrainer) -> None:
        if self.folder is None:
            return
        arrays: dict[str, np.ndarray] = {}
        optimizer = trainer.optimizer.variables
        for name, values in (("weight", self.variables), ("optimizer", optimizer)):
            arrays.update({f"{name}_{i}": keras.ops.convert_to_numpy(value) for i, value in enumerate(values)})
        for name, kept in (("average", self.average), ("best", self.best)):
            arrays.update({f"{name}_{i}": value for i, value in enumerate(kept or [])})
        state = {"rows": self.history.rows, "best_score": self.best_score, "steps": self.steps}
        arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, **arrays)

        write_safely(self.folder / "checkpoints" / "last.npz", write)
        self.history.save(self.folder / "history.csv")

    def _resume(self) -> int:
        """Take up the last epoch that was written down; returns how many there are."""
        path = None if self.folder is None else self.folder / "checkpoints" / "last.npz"
        if path is None or not path.exists():
            return 0
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        state = json.loads(arrays["state"].tobytes())
        for i, variable in enumerate(self.variables):
            variable.assign(arrays[f"weight_{i}"])
        self.history.rows, self.best_score, self.steps = state["rows"], state["best_score"], state["steps"]
        for name in ("average", "best"):
            kept = [arrays[f"{name}_{i}"] for i in range(len(self.floats)) if f"{name}_{i}" in arrays]
            setattr(self, name, kept or None)
        self._optimizer_state = [arrays[name] for name in _sorted_by_number(arrays, "optimizer")]
        return len(self.history.rows)

    def _restore_optimizer(self, trainer: CaptionTrainer) -> None:
        for variable, value in zip(trainer.optimizer.variables, self._optimizer_state, strict=True):
            variable.assign(value)


def _curves(folder: Path | None) -> Any:
    """What writes numbers for TensorBoard; the extra must be installed and there must be a folder."""
    if folder is None:
        raise FirstlightError(
            "Expected a run folder for the curves of TensorBoard. Received folder=None. Pass folder=..."
        )
    try:
        from tensorboard.summary import Writer
    except ImportError as error:
        message = 'Expected TensorBoard to be installed. Received none. Run: pip install "firstlight[tensorboard]"'
        raise FirstlightError(message) from error
    return Writer(str(folder / "tensorboard"))


def _sorted_by_number(names: Any, start: str) -> list[str]:
    """The names `start_0`, `start_1`, ... in the order of their numbers."""
    found = [name for name in names if name.startswith(f"{start}_")]
    return sorted(found, key=lambda name: int(name.rpartition("_")[2]))


def _ahead(make: Callable[[int], Any], count: int) -> Iterator[Any]:
    """`make(0)`, `make(1)`, ..., each prepared in a thread while the one before is in use."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(make, 0) if count else None
        for place in range(count):
            ready = coming.result()
            coming = thread.submit(make, place + 1) if place + 1 < count else None
            yield ready

"""How word vectors learn: threads that share the tables, epoch by epoch, written down after each.

NumPy lets go of Python's lock while it computes, so threads are enough, and nothing is copied between them.
"""

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from firstlight.errors import FirstlightError
from firstlight.systems.run_state import read_state, write_state
from firstlight.systems.system import History
from firstlight.systems.word_vectors_steps import Learning, Step
from firstlight.systems.word_vectors_subwords import SubwordTable
from firstlight.systems.word_vectors_supply import Supply
from firstlight.systems.word_vectors_tables import AdagradTable

__all__ = ["Tables", "Training", "first_vectors"]

_LOOKED_AT = 8  # the loss is that of one chunk in so many
_STATE = "last.npz"


@dataclass
class Tables:
    """What is learned: vectors of words (or of their parts) that tell, and of words that are told."""

    inputs: AdagradTable
    outputs: AdagradTable
    subwords: SubwordTable | None = None

    def word_vectors(self) -> np.ndarray:
        """The vector of each word, (words, width)."""
        return self.inputs.values if self.subwords is None else self.subwords.all_vectors()

    def for_thread(self) -> Any:
        """What a `Step` learns as its inputs."""
        return self.inputs if self.subwords is None else self.subwords.for_thread()

    def groups(self) -> dict[str, list[np.ndarray]]:
        """All arrays that a checkpoint holds."""
        both = (self.inputs, self.outputs)
        return {"values": [table.values for table in both], "squares": [table.squares for table in both]}


def first_vectors(rows: int, width: int, seed: int) -> AdagradTable:
    """Small vectors drawn by chance, as word2vec begins: each number within half of 1 / width."""
    values = np.random.default_rng(seed).random((rows, width), np.float32)
    return AdagradTable((values - np.float32(0.5)) / np.float32(width))


class Training:
    """One training, from the first word or from the last epoch that was written down.

    Args:
        tables: what is learned.
        supply: what to learn from.
        settings: of the system, by name.
        epochs: passes over the text.
        workers: threads; with one, the same seed gives the same bits.
        progress: is told what happens.
        folder: of checkpoints; None keeps nothing.
    """

    def __init__(
        self,
        tables: Tables,
        supply: Supply,
        settings: dict[str, Any],
        *,
        epochs: int,
        workers: int,
        progress: Any,
        folder: Path | None,
    ):
        self.tables, self.supply, self.settings = tables, supply, settings
        self.epochs, self.workers, self.progress, self.folder = epochs, workers, progress, folder
        self.history = History()

    def run(self) -> History:
        """Learn to the end of the last epoch."""
        self._resume()
        self.progress.start(self.epochs, len(self.history.rows), "words")
        with threadpool_limits(1):  # the workers are the threads
            for epoch in range(len(self.history.rows), self.epochs):
                self._epoch(epoch)
        return self.history

    def _epoch(self, epoch: int) -> None:
        self.progress.epoch_started(epoch, self.supply.pieces)
        loss, pairs = 0.0, 0.0
        for done, (lost, counted, words) in enumerate(_Crew(self, epoch).work(), 1):
            loss, pairs = loss + lost, pairs + counted
            self.progress.batch(done, loss / max(pairs, 1.0), words)
        mean = loss / max(pairs, 1.0)
        if not (math.isfinite(mean) and np.isfinite(self.tables.outputs.values).all()):
            raise FirstlightError(
                f"Expected a finite loss. Received {mean} in epoch {epoch + 1}. Pass a smaller learning_rate."
            )
        row = {"epoch": epoch + 1, "loss": mean, "learning_rate": self.rate(epoch, 0)}
        self.history.rows.append(row)
        self._write()
        self.progress.epoch_ended(epoch, {name: value for name, value in row.items() if name != "learning_rate"})

    def rate(self, epoch: int, piece: int) -> float:
        """The learning rate for a piece of an epoch."""
        return float(self.settings["learning_rate"])

    def step(self) -> Step:
        """The arrays of one thread."""
        settings = self.settings
        learning = Learning(
            self.tables.for_thread(),
            self.tables.outputs,
            settings["window"],
            settings["negatives"],
            settings["model"] == "cbow",
        )
        return Step(learning, self.supply.length, self.supply.sampling.shared)

    def _write(self) -> None:
        if self.folder is None:
            return
        write_state(self.folder / _STATE, self.tables.groups(), {"rows": self.history.rows})
        self.history.save(self.folder.parent / "history.csv")

    def _resume(self) -> None:
        found = None if self.folder is None else read_state(self.folder / _STATE, list(self.tables.groups()))
        if found is None:
            return
        arrays, numbers = found
        for name, group in self.tables.groups().items():
            for mine, kept in zip(group, arrays[name], strict=True):
                mine[...] = kept
        self.history.rows = numbers["rows"]


class _Crew:
    """The threads of one epoch, which share out its pieces; with one worker the pieces come in their order."""

    def __init__(self, training: Training, epoch: int):
        self.training, self.epoch = training, epoch
        self.todo = iter(range(training.supply.pieces))
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.told: SimpleQueue[Any] = SimpleQueue()

    def work(self) -> Any:
        """Loss, pairs and words of each piece, as they are done."""
        threads = [threading.Thread(target=self._thread, daemon=True) for _ in range(self.training.workers)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self.training.supply.pieces):
                found = self.told.get()
                if isinstance(found, BaseException):
                    raise found
                yield found
        finally:  # also where the reader is interrupted
            self.stopped.set()
            for thread in threads:
                thread.join()

    def _thread(self) -> None:
        try:
            step = self.training.step()
            while (piece := self._next()) is not None:
                self.told.put(self._piece(step, piece))
        except BaseException as error:  # told to the thread that waits, which raises it
            self.told.put(error)

    def _next(self) -> int | None:
        with self.lock:
            return next(self.todo, None)

    def _piece(self, step: Step, piece: int) -> tuple[float, float, int]:
        loss, pairs, words = 0.0, 0.0, 0
        rate = self.training.rate(self.epoch, piece)
        for number, chunk in enumerate(self.training.supply.chunks(self.epoch, piece)):
            if self.stopped.is_set():
                break
            lost, counted = step(chunk, rate, wanted=number % _LOOKED_AT == 0)
            loss, pairs, words = loss + lost, pairs + counted, words + chunk.read
        return loss, pairs, words

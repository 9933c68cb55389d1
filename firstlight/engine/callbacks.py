"""Callbacks: what is called while a network is trained: to stop, to save, to change the rate, to tell.

Names, arguments and moments are Keras's. `model` is set before training begins.
"""

import csv
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from firstlight.engine.callback import Callback
from firstlight.engine.watching import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from firstlight.errors import FirstlightError

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]


class History(Callback):
    """What was measured: `epoch`, a list of numbers, and `history`, a list for each name."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin with empty lists."""
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note down."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class LambdaCallback(Callback):
    """Functions for moments, by name: `LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))`."""

    def __init__(self, **functions: Callable[..., Any]):
        for name, function in functions.items():
            if not hasattr(Callback, name):
                raise FirstlightError(f"Expected a moment such as on_epoch_end. Received {name!r}.")
            setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops when the loss is not a number any more."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            print(f"Batch {batch}: the loss is {(logs or {})['loss']}; training stops.")
            self.model.stop_training = True


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch by `schedule(epoch, rate)`."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ask the schedule."""
        optimizer = self.model.optimizer
        optimizer.learning_rate = float(self.schedule(epoch, float(optimizer.learning_rate)))
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {float(optimizer.learning_rate):.3g}.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class CSVLogger(Callback):
    """Writes one line an epoch into a CSV file; with `append`, behind what it holds."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        self.filename, self.separator, self.append = filename, separator, append

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the file."""
        fresh = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename))
        self.file = open(self.filename, "w" if fresh else "a", newline="", encoding="utf-8")  # noqa: SIM115
        self.writer: Any = None
        self.fresh = fresh

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """One line."""
        row = {"epoch": epoch, **(logs or {})}
        if self.writer is None:
            self.writer = csv.DictWriter(self.file, list(row), delimiter=self.separator, extrasaction="ignore")
            if self.fresh:
                self.writer.writeheader()
        self.writer.writerow(row)
        self.file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the file."""
        self.file.close()


class ProgbarLogger(Callback):
    """Tells how far training is: a bar in a terminal, one line an epoch elsewhere."""

    def __init__(self, epochs: int, batches: Callable[[], int], verbose: int = 1):
        self.epochs, self.batches = epochs, batches
        self.bar = verbose == 1 and sys.stdout.isatty()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the clock."""
        self.epoch, self.began, self.told = epoch, time.perf_counter(), 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw the bar anew, ten times a second at most."""
        now = time.perf_counter()
        if self.bar and now - self.told > 0.1:
            self.told = now
            total = self.batches()
            done = math.floor(20 * (batch + 1) / total) if total else 0
            bar = "━" * done + "─" * (20 - done)
            print(f"\r{self._head()} {bar} {batch + 1}/{total or '?'}{_text(logs)}", end="", flush=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """The line of the epoch."""
        start = "\r\033[K" if self.bar else ""
        print(f"{start}{self._head()}  {time.perf_counter() - self.began:.1f} s{_text(logs)}")

    def _head(self) -> str:
        return f"Epoch {self.epoch + 1}/{self.epochs}"


def _text(logs: dict[str, Any] | None) -> str:
    return "".join(f"  {name} {value:.4g}" for name, value in (logs or {}).items())

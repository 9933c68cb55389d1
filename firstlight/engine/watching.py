"""Callbacks that watch a number of the logs: to stop, to lower the rate, to save when it has become better."""

from pathlib import Path
from typing import Any

import numpy as np

from firstlight.engine.callback import Callback
from firstlight.errors import FirstlightError

__all__ = ["EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"]


class _Watching(Callback):
    """Knows whether what it watches has become better.

    Args:
        monitor: a name in the logs.
        mode: "min", "max", or "auto": as the metric says of itself in `rises`.
        min_delta: less than this is no improvement.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float):
        if mode not in ("auto", "min", "max"):
            raise FirstlightError(f"Expected mode to be auto, min or max. Received {mode!r}.")
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self.best: float | None = None

    def seen(self, logs: dict[str, Any] | None) -> float:
        """The value that is watched.

        Raises:
            FirstlightError: it is not measured.
        """
        if self.monitor not in (logs or {}):
            raise FirstlightError(
                f"Expected {self.monitor!r} among what is measured. Received {', '.join(logs or {})}. "
                "Pass validation_data for names with val_, or another monitor."
            )
        return float((logs or {})[self.monitor])

    def better(self, value: float, than: float | None) -> bool:
        """Whether it is better than another by more than `min_delta`; anything is better than none."""
        sign = 1 if self._rises() else -1
        return than is None or sign * (value - than) > self.min_delta

    def _rises(self) -> bool:
        """Whether more is better. Only a model that has learned a batch knows its metrics."""
        if self.mode != "auto":
            return self.mode == "max"
        rises: bool | None = self.model.rises(self.monitor.removeprefix("val_"))
        if rises is None:
            raise FirstlightError(
                f"Expected mode='max' or 'min' beside monitor={self.monitor!r}, as nobody can tell whether more of it "
                "is better. Received 'auto'."
            )
        return rises


class EarlyStopping(_Watching):
    """Stops when what is watched has not become better for `patience` epochs.

    Args:
        monitor, min_delta, mode: what is watched, and what counts as better.
        patience: epochs without improvement that are borne.
        baseline: what must be beaten at all.
        restore_best_weights: put back the weights of the best epoch.
        start_from_epoch: look from this epoch on.
        verbose: 1 tells when it stops.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew."""
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best = None
        self.best_weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare, and stop if it is time."""
        if epoch < self.start_from_epoch:
            return
        value = self.seen(logs)
        self.wait += 1
        if self.better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Put back the best weights."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: no better {self.monitor} for {self.patience} epochs; stopped.")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(_Watching):
    """Lowers the learning rate by `factor` when what is watched has not become better for `patience` epochs.

    Args:
        monitor, min_delta, mode: what is watched, and what counts as better.
        factor: what the rate is multiplied by.
        patience: epochs without improvement that are borne.
        cooldown: epochs after a change that are not counted.
        min_lr: it is not lowered below this.
        verbose: 1 tells of changes.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            raise FirstlightError(f"Expected a factor below 1. Received {factor}.")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin anew."""
        self.best, self.wait, self.resting = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare, and lower the rate if it is time."""
        value = self.seen(logs)
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.resting:
            self.resting, self.wait = self.resting - 1, 0
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.resting:
            self.wait += 1
            rate = float(self.model.optimizer.learning_rate)
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.resting, self.wait = self.cooldown, 0
                if self.verbose:
                    print(f"Epoch {epoch + 1}: learning rate {self.model.optimizer.learning_rate:.3g}.")


class ModelCheckpoint(_Watching):
    """Saves the model, or its weights, after epochs.

    Args:
        filepath: may hold `{epoch:02d}` and names of the logs, `{val_loss:.2f}`.
        monitor, mode: what is watched where only the best is saved.
        save_best_only: overwrite only by a better one.
        save_weights_only: weights without the network; the path must end in .weights.h5.
        verbose: 1 tells of files.
        initial_value_threshold: only what is better than this is saved.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, 0)
        self.filepath, self.verbose = str(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.best = initial_value_threshold
        ending = ".weights.h5" if save_weights_only else ".keras"
        if not self.filepath.endswith(ending):
            raise FirstlightError(f"Expected a path that ends in {ending}. Received {self.filepath}.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save, if it is to be saved."""
        if self.save_best_only:
            value = self.seen(logs)
            if not self.better(value, self.best):
                return
            self.best = value
        path = Path(self.filepath.format(epoch=epoch + 1, **(logs or {})))
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: written {path}.")

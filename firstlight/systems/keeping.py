"""What a training keeps from epoch to epoch: its history, the running mean of the weights, and the best of them.

All that the next epoch depends on goes into one file, so that a training that is stopped and started again ends with
the same weights.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from firstlight.systems.optimization import DivergedError, WeightAverage, values_of
from firstlight.systems.run_state import read_state, write_state
from firstlight.systems.system import History

__all__ = ["Keeping", "check_finite", "epochs_since_best", "is_on_plateau"]

_GROUPS = ("weight", "optimizer", "average", "best")
_WAIT = 2  # epochs without improvement after which the schedule `plateau` lowers the rate


class Keeping:
    """The memory of a training.

    Args:
        variables: all that is written down; those of floating point have a running mean and a best value.
        momentum: of the running mean, 0 for none.
        folder: run folder for `checkpoints/` and `history.csv`; None keeps nothing on disk.

    Attributes:
        history: one row an epoch.
        steps: taken so far, over all epochs.
        best_score: of the best weights; the higher the better; None before the first.
    """

    def __init__(self, variables: Sequence[keras.Variable], momentum: float, folder: Path | None):
        self.variables = list({id(variable): variable for variable in variables}.values())
        self.floats = [variable for variable in self.variables if "float" in str(variable.dtype)]
        self.folder = folder
        self.history = History()
        self.steps = 0
        self.momentum = momentum
        self.average = WeightAverage(momentum)
        self.best: list[np.ndarray] | None = None
        self.best_score: tuple[float, ...] | None = None
        self._optimizer: list[np.ndarray] = []

    # -- within an epoch -----------------------------------------------------------------------------------------

    def stepped(self) -> None:
        """A step was taken: the running mean takes a look at every fifth, once the first epoch is over."""
        self.steps += 1
        if self.steps % self.average.every == 0 and self.history.rows:
            self.average.look(self.floats)

    def forget_mean(self) -> None:
        """Begin the running mean anew, as another stage does."""
        self.average = WeightAverage(self.momentum)

    # -- after an epoch ------------------------------------------------------------------------------------------

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within it the weights are their running mean, if there is one; afterwards they are as before."""
        now = values_of(self.floats)
        if self.average.mean is not None:
            self._assign(self.average.mean)
        try:
            yield
        finally:
            self._assign(now)

    def offer(self, *score: float) -> None:
        """Keep the weights as they are now if their score is the best; of equals the later."""
        if self.best_score is None or score >= self.best_score:
            self.best_score, self.best = score, values_of(self.floats)

    def restore_best(self) -> None:
        """Give the weights their best values."""
        if self.best is not None:
            self._assign(self.best)

    def _assign(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self.floats, values, strict=True):
            variable.assign(value)

    # -- on disk -------------------------------------------------------------------------------------------------

    def write_down(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Write everything that the next epoch depends on, and `history.csv`."""
        if self.folder is None:
            return
        self.history.save(self.folder / "history.csv")
        groups = {
            "weight": values_of(self.variables),
            "optimizer": values_of(optimizer.variables),
            "average": self.average.mean or [],
            "best": self.best or [],
        }
        numbers = {
            "rows": self.history.rows,
            "best_score": self.best_score,
            "steps": self.steps,
            "averaged": self.average.seen,
        }
        write_state(self.folder / "checkpoints" / "last.npz", groups, numbers)

    def resume(self) -> None:
        """Take up the last epoch that was written down, if there is one."""
        found = None if self.folder is None else read_state(self.folder / "checkpoints" / "last.npz", _GROUPS)
        if found is None:
            return
        groups, numbers = found
        self.history.rows, self.steps = numbers["rows"], numbers["steps"]
        self.best_score = None if numbers["best_score"] is None else tuple(numbers["best_score"])
        for variable, value in zip(self.variables, groups["weight"], strict=True):
            variable.assign(value)
        self.average.seen, self.average.mean = numbers["averaged"], groups["average"] or None
        self.best, self._optimizer = groups["best"] or None, groups["optimizer"]

    def continue_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Give an optimizer, built for the same weights, the state in which `resume` found it."""
        for variable, value in zip(optimizer.variables, self._optimizer, strict=True):
            variable.assign(value)


def check_finite(loss: float, epoch: int, batch: int) -> None:
    """Refuse to go on from a loss that is no number; both are counted from 1.

    Raises:
        DivergedError: says where, and what to do.
    """
    if not np.isfinite(loss):
        raise DivergedError(
            f"Expected a finite loss. Received {loss} in epoch {epoch}, batch {batch}. "
            "Pass a smaller learning_rate, or precision='float32'."
        )


def epochs_since_best(scores: Sequence[float]) -> int:
    """Epochs since the highest score, of equals the last; 0 without any."""
    return int(np.argmax(scores[::-1])) if len(scores) else 0


def is_on_plateau(waited: int) -> bool:
    """Whether the schedule `plateau` lowers the rate now, so many epochs after the best one."""
    return waited > 0 and waited % _WAIT == 0

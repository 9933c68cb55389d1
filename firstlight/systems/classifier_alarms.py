"""Alarms while a classifier learns: what goes wrong is told when it is seen, not after the last epoch.

Each alarm is told once. What is judged are the figures of an epoch and the probabilities for the held-out images.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["ClassifierAlarms"]

_BEGUN = 3  # epochs in which a network may still give one answer to everything, and be as good as that
_ENOUGH = 10  # held-out images: fewer tell nothing about accuracy
_RISES = 3  # epochs in a row
_RISE = 1.05  # by how much, at least, they make the loss larger
_SMALL = 0.01  # nats: a loss below this may go up and down


class ClassifierAlarms:
    """Looks at each epoch of a training; an ordinary object that keeps what it has seen and told.

    Args:
        labels: the classes of the held-out images, numbers (images,).
        epochs: of the whole training.
    """

    def __init__(self, labels: Any, epochs: int):
        labels = np.asarray(labels)
        self.epochs = epochs
        self.several = len(np.unique(labels)) > 1
        self.enough = len(labels) >= _ENOUGH
        self.majority = float(np.bincount(labels).max() / len(labels)) if len(labels) else 0.0
        self.losses: list[float] = []
        self.stage: Any = None
        self.told: set[str] = set()

    def look(self, row: Mapping[str, Any], predictions: Any) -> list[str]:
        """What is alarming about an epoch, a line each.

        Args:
            row: `epoch` from 1, `stage`, `loss`, `accuracy` on the held-out images.
            predictions: probabilities for these (images, classes).
        """
        given = np.asarray(predictions)
        if row.get("stage") != self.stage:
            self.stage, self.losses = row.get("stage"), []
        self.losses.append(float(row["loss"]))
        found = {
            "numbers": self._no_numbers(row, given),
            "rising": self._rising(),
            "constant": self._constant(row, given),
            "majority": self._no_better(row),
        }
        if found["numbers"]:
            found = {"numbers": found["numbers"]}  # nothing else means anything
        lines = [
            f"ALARM after epoch {row['epoch']}: {line}" for kind, line in found.items() if self._is_new(kind, line)
        ]
        return lines

    def _is_new(self, kind: str, line: str) -> bool:
        if not line or kind in self.told:
            return False
        self.told.add(kind)
        return True

    def _no_numbers(self, row: Mapping[str, Any], given: np.ndarray) -> str:
        if np.isfinite(given).all() and np.isfinite(self.losses[-1]):
            return ""
        return (
            f"the loss is {row['loss']:.3g} and not all probabilities are numbers. Pass a smaller learning_rate, or "
            "precision='float32'."
        )

    def _rising(self) -> str:
        last = self.losses[-_RISES - 1 :]
        rises = len(last) > _RISES and all(one < other for one, other in pairwise(last))
        if not rises or last[-1] < max(_SMALL, _RISE * last[0]):
            return ""
        return (
            f"the training loss has risen {_RISES} times in a row, from {last[0]:.3g} to {last[-1]:.3g}. Pass a "
            "smaller learning_rate, or clip_norm=1."
        )

    def _constant(self, row: Mapping[str, Any], given: np.ndarray) -> str:
        """The network is dead where even its probabilities are the same for every image."""
        if row["epoch"] < _BEGUN or not (self.several and self.enough):
            return ""
        if float(np.ptp(given, axis=0).max()) < 1e-6:
            return (
                "the network gives the same probabilities to every image; nothing of an image reaches its end. Pass a "
                "smaller learning_rate, or another normalization or initialization."
            )
        if len(np.unique(given.argmax(axis=-1))) == 1:
            return (
                "all held-out images are told to be of one class. More epochs, class_weights, or another learning_rate "
                "may help."
            )
        return ""

    def _no_better(self, row: Mapping[str, Any]) -> str:
        early = row["epoch"] < max(_BEGUN, self.epochs / 2)
        if early or not (self.several and self.enough) or row["accuracy"] > self.majority:
            return ""
        return (
            f"half of the epochs are over, and accuracy on the held-out images is {row['accuracy']:.1%}; always "
            f"telling their commonest class would give {self.majority:.1%}. Look at the images and labels "
            "(`firstlight data check`), or pass another learning_rate."
        )

"""Alarms while a GAN learns: what goes wrong is told when it is seen, not after the last epoch.

The losses of the two say nothing of this: they go up and down while all is well. Each alarm is told once.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["COLLAPSED", "WINS", "GanAlarms"]

_BEGUN = 2  # epochs in which pictures may still be all alike
COLLAPSED = 0.3  # of the variety of real pictures
WINS = 0.99  # of real and of drawn pictures told
_IN_A_ROW = 2  # epochs


class GanAlarms:
    """Looks at each epoch of a training; an ordinary object that keeps what it has seen and told."""

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.wins = 0

    def look(self, row: Mapping[str, Any]) -> list[str]:
        """The lines to tell after an epoch, with the numbers that the history has of it."""
        certain = min(row["real_accuracy"], row["fake_accuracy"]) >= WINS
        self.wins = self.wins + 1 if certain else 0
        found = []
        if row["epoch"] > _BEGUN and row["variety"] < COLLAPSED:
            found.append(
                (
                    "collapse",
                    f"ALARM: the drawn pictures are too much alike: their variety is {row['variety']:.0%} of that of "
                    "the real ones (mode collapse). Try r1 1, a smaller generator_rate, or a larger batch_size.",
                )
            )
        if self.wins >= _IN_A_ROW:
            found.append(
                (
                    "wins",
                    "ALARM: the discriminator tells nearly all pictures, so that the generator learns little. Try "
                    "augmentation shift, a larger r1, a smaller discriminator_rate, or spectral_normalization.",
                )
            )
        new = [(name, line) for name, line in found if name not in self.told]
        self.told |= {name for name, _ in new}
        return [line for _, line in new]

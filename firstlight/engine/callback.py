"""Callback: the moments of a training at which something may be done."""

from collections.abc import Sequence
from typing import Any

__all__ = ["Callback", "all_of"]


class Callback:
    """Does nothing at every moment; a subclass does something at some."""

    model: Any = None

    def set_model(self, model: Any) -> None:
        """Which model is trained."""
        self.model = model

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """After an epoch and its validation; `logs` has the loss and all metrics."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a batch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a batch."""


def all_of(callbacks: Sequence[Callback], moment: str, *arguments: Any) -> None:
    """Call one moment of all callbacks."""
    for callback in callbacks:
        getattr(callback, moment)(*arguments)

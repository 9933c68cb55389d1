"""How a network is taught: which optimizer, how its rate changes over the steps, what is clipped and averaged.

The same settings for every system; each optimizer and schedule is Keras's own where Keras has it.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from firstlight.errors import FirstlightError, nearest

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "DivergedError",
    "OneCycle",
    "Optimization",
    "WarmUp",
    "WeightAverage",
    "at_rates_of",
    "values_of",
]

OPTIMIZERS = {
    "sgd": "SGD",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamax": "Adamax",
    "nadam": "Nadam",
    "adamw": "AdamW",
    "lion": "Lion",
}
SCHEDULES = ("constant", "cosine", "one_cycle", "step", "exponential", "plateau")

_STEP_DOWN = 0.1  # what `step` multiplies by at a half and at three quarters of the way (He et al. 2016, section 4.2)
_EXPONENTIAL = 0.9  # what `exponential` multiplies by after each epoch
_PLATEAU = 0.5  # what `plateau` multiplies by
_RISE = 0.3  # share of the steps in which `one_cycle` rises
_WITH_BETA_2 = ("adam", "adamax", "nadam", "adamw")
_INSTEAD: ContextVar[Any] = ContextVar("_INSTEAD", default=None)


class DivergedError(FirstlightError):
    """The loss of a training is not a finite number, most often because the learning rate is too high."""


@contextmanager
def at_rates_of(schedule: keras.optimizers.schedules.LearningRateSchedule) -> Iterator[None]:
    """Give every optimizer that is made meanwhile this schedule, whatever its settings: for the range test."""
    token = _INSTEAD.set(schedule)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


@dataclass(frozen=True)
class Optimization:
    """One way to learn.

    Args:
        optimizer: one of `OPTIMIZERS`.
        learning_rate: the highest.
        schedule: one of `SCHEDULES`. Half a cosine down to `floor`; one cycle up and down; a tenth at a half and at
            three quarters; nine tenths after each epoch; half when validation has not improved.
        warm_up: share of all steps in which the rate rises from 0; `one_cycle` rises by itself, `plateau` has none.
        floor: share of the highest rate at which `cosine` and `one_cycle` end.
        momentum: of sgd and rmsprop; Nesterov's for sgd.
        weight_decay: decoupled from the gradient (Loshchilov and Hutter 2019).
        clip_norm: longest gradient of all weights together; 0 for none.
        most_warm_up: steps of `warm_up` at most; None for any number.
        beta_2: how long adam and its kin remember the squares of gradients; None for what Keras has.
    """

    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warm_up: float = 0.05
    floor: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    most_warm_up: int | None = None
    beta_2: float | None = None

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            FirstlightError: says which setting, what was expected and what came.
        """
        for name, known in (("optimizer", list(OPTIMIZERS)), ("schedule", list(SCHEDULES))):
            value = getattr(self, name)
            if value not in known:
                raise FirstlightError(
                    f"Expected {name} to be one of {', '.join(known)}. Received {value!r}.{nearest(value, known)}"
                )
        if self.learning_rate <= 0:
            raise FirstlightError(f"Expected a learning_rate above 0. Received {self.learning_rate}.")
        for name in ("warm_up", "floor", "momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise FirstlightError(f"Expected {name} to be at least 0 and below 1. Received {getattr(self, name)}.")

    def make(self, epochs: int, steps: int) -> keras.optimizers.Optimizer:
        """The optimizer for so many epochs of so many steps."""
        self.check()
        options: dict[str, Any] = {"weight_decay": self.weight_decay or None}
        if self.optimizer == "adamw":
            options["weight_decay"] = self.weight_decay
        if self.optimizer == "sgd":
            options |= {"momentum": float(self.momentum), "nesterov": self.momentum > 0}
        elif self.optimizer == "rmsprop":
            options["momentum"] = float(self.momentum)
        if self.clip_norm:
            options["global_clipnorm"] = self.clip_norm
        if self.beta_2 is not None and self.optimizer in _WITH_BETA_2:
            options["beta_2"] = self.beta_2
        kind = getattr(keras.optimizers, OPTIMIZERS[self.optimizer])
        return kind(learning_rate=self._rate(epochs, steps), **options)

    def _rate(self, epochs: int, steps: int) -> Any:
        """The rate as a function of the step, a number where it does not change by itself."""
        instead = _INSTEAD.get()
        if instead is not None:
            return instead
        schedules, rate, total = keras.optimizers.schedules, self.learning_rate, max(1, epochs * steps)
        warm = self._warm_up_steps(total)
        if self.schedule == "cosine":
            rising = {"warmup_target": rate, "warmup_steps": warm} if warm else {}
            return schedules.CosineDecay(0.0 if warm else rate, max(1, total - warm), alpha=self.floor, **rising)
        if self.schedule == "one_cycle":
            return OneCycle(rate, total, self.floor)
        if self.schedule == "plateau":
            return rate
        if self.schedule == "step":
            places = [total // 2, total * 3 // 4]
            rate = schedules.PiecewiseConstantDecay(places, [rate, rate * _STEP_DOWN, rate * _STEP_DOWN**2])
        elif self.schedule == "exponential":
            rate = schedules.ExponentialDecay(rate, steps, _EXPONENTIAL, staircase=True)
        return WarmUp(rate, warm) if warm else rate

    def _warm_up_steps(self, total: int) -> int:
        if self.most_warm_up is None:
            return round(self.warm_up * total)
        return min(self.most_warm_up, int(self.warm_up * total))

    def lower(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Half the rate, as `plateau` does when validation has not improved."""
        optimizer.learning_rate = float(ops.convert_to_numpy(optimizer.learning_rate)) * _PLATEAU


@keras.saving.register_keras_serializable("firstlight")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Up along half a cosine for three tenths of the steps, and down along another (Smith 2018, section 5).

    Args:
        highest: learning rate at the top; it begins at a 25th of it.
        steps: of the whole cycle.
        floor: share of the highest at which it ends.
    """

    def __init__(self, highest: float, steps: int, floor: float = 0.0):
        self.highest, self.steps, self.floor = highest, steps, floor

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        place = ops.cast(step, "float32") / self.steps
        up, down = place / _RISE, ops.minimum((place - _RISE) / (1 - _RISE), 1.0)
        rising = 1 / 25 + (1 - 1 / 25) * (1 - ops.cos(math.pi * up)) / 2
        falling = self.floor + (1 - self.floor) * (1 + ops.cos(math.pi * down)) / 2
        return self.highest * ops.where(place < _RISE, rising, falling)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"highest": self.highest, "steps": self.steps, "floor": self.floor}


@keras.saving.register_keras_serializable("firstlight")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """From 0 in a straight line to another schedule, or to a rate, in so many steps (Goyal et al. 2017, section 2.2).

    Args:
        after: a schedule, or a learning rate; the line is a growing share of it.
        steps: after which all of it counts.
    """

    def __init__(self, after: Any, steps: int):
        self.after, self.steps = after, steps

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        rate = self.after(step) if callable(self.after) else self.after
        return rate * ops.minimum(ops.cast(step, "float32") / self.steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"after": keras.saving.serialize_keras_object(self.after), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUp":
        """The schedule again, with what follows."""
        return cls(keras.saving.deserialize_keras_object(config["after"]), config["steps"])


class WeightAverage:
    """The running mean of weights over the steps, short at first and then longer, which is often better than the last.

    Args:
        momentum: what is kept of the mean at each step, at most; 0 for no mean.
        every: steps from one look to the next; the mean need not see each.
    """

    def __init__(self, momentum: float, every: int = 5):
        self.momentum, self.every = momentum, every
        self.seen = 0
        self.mean: list[np.ndarray] | None = None

    def look(self, variables: Sequence[keras.Variable]) -> None:
        """Take the weights as they are into the mean."""
        if not self.momentum:
            return
        self.seen += 1
        steps = self.seen * self.every
        momentum = min(self.momentum, (1 + steps) / (10 + steps))
        now = values_of(variables)
        if self.mean is None:
            self.mean = [value.copy() for value in now]
        share = 1 - momentum**self.every
        for mean, value in zip(self.mean, now, strict=True):
            mean += share * (value - mean)


def values_of(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Copies: PyTorch would hand out its own memory, which the next step writes to."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]

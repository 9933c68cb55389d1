"""Schedules: a learning rate that follows from the number of steps taken.

Large steps cover ground at first, small ones settle at last. Names and formulas are those of Keras.
"""

import math
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, Self

from firstlight.engine.lookup import look_up
from firstlight.errors import FirstlightError

__all__ = [
    "SCHEDULES",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "get",
]


class LearningRateSchedule:
    """Base of all schedules. A subclass stores its arguments by their names and defines `__call__`."""

    name: str

    def __call__(self, step: int) -> float:
        """The rate for a step, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __call__(step).")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A schedule made from what `get_config` gives."""
        return cls(**config)


def _positive(name: str, value: float) -> float:
    if value <= 0:
        raise FirstlightError(f"Expected {name} above 0. Received {value!r}.")
    return value


class _Decay(LearningRateSchedule):
    """A rate that falls from step to step.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: what counts as one time.
        decay_rate: how much falls in one time.
        staircase: fall only when all of these steps are done.
        name: for reports; by default the class.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ):
        self.initial_learning_rate, self.decay_rate, self.staircase = initial_learning_rate, decay_rate, staircase
        self.decay_steps, self.name = _positive("decay_steps", decay_steps), name or type(self).__name__

    def times(self, step: int) -> float:
        """How often `decay_steps` have gone by."""
        return step // self.decay_steps if self.staircase else step / self.decay_steps


class ExponentialDecay(_Decay):
    """initial_learning_rate * decay_rate^(step / decay_steps)."""

    def __call__(self, step: int) -> float:
        """The rate for a step."""
        return float(self.initial_learning_rate * self.decay_rate ** self.times(step))


class InverseTimeDecay(_Decay):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)."""

    def __call__(self, step: int) -> float:
        """The rate for a step."""
        return float(self.initial_learning_rate / (1 + self.decay_rate * self.times(step)))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and with step boundaries[0], then values[1] up to boundaries[1], and so on.

    Args:
        boundaries: steps, growing.
        values: rates, one more than boundaries.
        name: for reports.
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise FirstlightError(
                f"Expected one value more than boundaries. Received {len(values)} values and {len(boundaries)} "
                "boundaries."
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: int) -> float:
        """The rate for a step."""
        return float(self.values[sum(step > boundary for boundary in self.boundaries)])


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) (1 - step / decay_steps)^power + end: a line, where the power is 1.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: how many steps until the end, where it stays.
        end_learning_rate: at the end.
        power: how the curve bends.
        cycle: at the end, begin again with twice, three times, ... as many steps.
        name: for reports.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate, self.end_learning_rate = initial_learning_rate, end_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.power, self.cycle, self.name = power, cycle, name

    def __call__(self, step: int) -> float:
        """The rate for a step."""
        length = self.decay_steps * max(1, math.ceil(step / self.decay_steps)) if self.cycle else self.decay_steps
        done = min(step / length, 1.0)
        fall = self.initial_learning_rate - self.end_learning_rate
        return float(fall * (1 - done) ** self.power + self.end_learning_rate)


class CosineDecay(LearningRateSchedule):
    """Down half a wave of a cosine to the share `alpha`, after a line up (Loshchilov and Hutter 2017).

    Args:
        initial_learning_rate: at step 0.
        decay_steps: how many steps down.
        alpha: what is left at the end, as a share of where it began to fall.
        name: for reports.
        warmup_target: where the line up ends and the fall begins; None is no line up.
        warmup_steps: how many steps up.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: int) -> float:
        """The rate for a step."""
        start, top, before = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        if top is None:
            top, before = start, 0
        if step < before:
            return float(start + (top - start) * step / before)
        return float(top * _wave(min((step - before) / self.decay_steps, 1.0), self.alpha))


class CosineDecayRestarts(LearningRateSchedule):
    """Down half a wave again and again, each `t_mul` times as long and `m_mul` times as high as the one before.

    "SGDR" (Loshchilov and Hutter 2017).

    Args:
        initial_learning_rate: at step 0.
        first_decay_steps: how many steps the first fall takes.
        t_mul: factor of the length, at least 1.
        m_mul: factor of the height.
        alpha: what is left at the end of a fall, as a share.
        name: for reports.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        if t_mul < 1:
            raise FirstlightError(f"Expected t_mul of at least 1. Received {t_mul}: the falls would become too short.")
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul, self.m_mul = t_mul, m_mul

    def __call__(self, step: int) -> float:
        """The rate for a step."""
        left, length, restarts = float(step), float(self.first_decay_steps), 0
        if self.t_mul == 1:
            restarts = int(left // length)
            left -= restarts * length
        while left >= length:
            left, length, restarts = left - length, length * self.t_mul, restarts + 1
        return float(self.initial_learning_rate * _wave(left / length, self.alpha, self.m_mul**restarts))


def _wave(done: float, alpha: float, height: float = 1.0) -> float:
    """From `height` down to 0 as a cosine, all of it lifted so that `alpha` is the least."""
    return (1 - alpha) * height * 0.5 * (1 + math.cos(math.pi * done)) + alpha


SCHEDULES: dict[str, Callable[..., LearningRateSchedule]] = {
    kind.__name__: kind
    for kind in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def get(schedule: Any) -> Any:
    """The schedule of a description as Keras writes it; anything else, such as a number, as it is."""
    return look_up("a schedule", SCHEDULES, schedule)

"""The learning-rate range test: the rate grows from step to step until the loss does, which shows what it may be.

Any training can be tested: the core knows numbers only, and systems run it on a copy of themselves.

Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3.
"""

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.smoothing import running_mean, smoothed
from firstlight.systems.system import Silent, write_text_safely

__all__ = ["FindsLearningRate", "RangeTest", "Span", "range_test"]

_WORSE = 4.0  # times the lowest loss: what is called diverged
_FEWEST = 10  # steps before a loss may be called diverged
_RUNNING = 5  # steps over which the loss is smoothed while the test runs
_WIDTH = 0.06  # share of the steps over which it is smoothed afterwards
_JUDGED = 32  # images
_SAFE = 10.0  # what the rate of the lowest loss is divided by


@dataclass(frozen=True)
class Span:
    """The rates that are tried: `steps` of them, from the lowest to the highest, each a fixed factor above the last."""

    lowest: float = 1e-6
    highest: float = 10.0
    steps: int = 150

    def check(self) -> None:
        """Refuse what is no span.

        Raises:
            FirstlightError: says what was expected and what came.
        """
        if not 0 < self.lowest < self.highest:
            raise FirstlightError(
                f"Expected a lowest rate above 0 and below the highest. Received {self.lowest:g} and {self.highest:g}."
            )
        if self.steps < 2 * _FEWEST:
            raise FirstlightError(f"Expected {2 * _FEWEST} steps or more. Received {self.steps}.")

    def rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        return float(self.lowest * (self.highest / self.lowest) ** (step / (self.steps - 1)))


@dataclass(frozen=True)
class RangeTest:
    """What was found: the rate of each step and the loss before it was taken, (steps,) each.

    `ended` says why the test ended: `highest` (all rates were tried), `diverged` (the loss is four times its lowest) or
    `not finite`.
    """

    rates: np.ndarray
    losses: np.ndarray
    ended: str

    @property
    def smooth(self) -> np.ndarray:
        """The losses, each a mean of those around it."""
        return smoothed(self.losses, max(1.0, _WIDTH * len(self.losses)))

    @property
    def steepest(self) -> float:
        """The rate at which the smoothed loss falls fastest with the logarithm of the rate, before its minimum."""
        smooth = self.smooth
        until = max(2, int(smooth.argmin()) + 1)
        slopes = np.gradient(smooth[:until], np.log(self.rates[:until]))
        return float(self.rates[int(slopes.argmin())])

    @property
    def minimum(self) -> float:
        """The rate at which the smoothed loss is lowest: already too high, for the loss then grows."""
        return float(self.rates[int(self.smooth.argmin())])

    @property
    def tenth(self) -> float:
        """A tenth of the rate at the minimum."""
        return self.minimum / _SAFE

    @property
    def suggestion(self) -> float:
        """The smaller of `steepest` and `tenth`: a highest rate to begin with."""
        return min(self.steepest, self.tenth)

    def save(self, path: str | Path) -> None:
        """Write a CSV file with the columns `rate`, `loss` and `smoothed`."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["rate", "loss", "smoothed"])
        writer.writerows(zip(self.rates.tolist(), self.losses.tolist(), self.smooth.tolist(), strict=True))
        write_text_safely(Path(path), text.getvalue())


def range_test(step: Callable[[float], float], span: Span | None = None) -> RangeTest:
    """Call `step(rate)`, which gives the loss and then learns at that rate, with growing rates until the loss grows.

    Raises:
        FirstlightError: no span, or the very first losses are not finite.
    """
    span = span or Span()
    span.check()
    seen = _Seen(span)
    while seen.ended is None:
        seen.add(step(span.rate(len(seen.losses))))
    return seen.result()


class FindsLearningRate:
    """What a system has whose `fit` makes its optimizers by `Optimization`."""

    def find_learning_rate(
        self,
        split: Split,
        *,
        lowest: float = 1e-6,
        highest: float = 10.0,
        steps: int = 150,
        seed: int = 0,
        progress: Any = None,
    ) -> RangeTest:
        """The learning-rate range test: see how the loss of a copy goes while the rate grows; this one stays as it is.

        The copy has all settings of this one but schedule, warm-up and the mean of the weights, which would hide it.

        Args:
            split: what to learn from.
            lowest: rate of the first step.
            highest: rate of the last, which is not reached where the loss has grown to four times its lowest.
            steps: how many at most.
            seed: of everything that is drawn.
            progress: is told how far it is.

        Raises:
            FirstlightError: the data cannot be learned from, or the rates are none.
        """
        span = Span(lowest, highest, steps)
        span.check()
        seen = _Seen(span)
        _teach_copy(self, split, seed, _Watch(seen, progress or Silent()))
        return seen.result()


def _teach_copy(system: Any, split: Split, seed: int, watch: "_Watch") -> None:
    """Train a system like this one, from its beginning, at growing rates, until enough is seen."""
    from keras.optimizers.schedules import ExponentialDecay

    from firstlight.systems.optimization import DivergedError, at_rates_of

    plain = {"schedule": "constant", "warm_up": 0.0, "average": 0.0}
    settings = {name: value for name, value in plain.items() if name in system.settings}
    pupil = type(system)(**{**system.settings, **settings})
    span = watch.seen.span
    growing = ExponentialDecay(span.lowest, span.steps - 1, span.highest / span.lowest)
    few = split.take(range(min(len(split), _JUDGED)))  # what is judged after an epoch, which nobody asks for
    try:
        with at_rates_of(growing):
            # As many epochs as steps: each has one at least.
            pupil.fit(split, validation_data=few, epochs=span.steps, patience=0, seed=seed, progress=watch)
    except _EnoughError:
        pass
    except DivergedError:
        watch.seen.ended = "not finite"


class _Seen:
    """The losses so far, and whether they are enough."""

    def __init__(self, span: Span):
        self.span = span
        self.losses: list[float] = []
        self.ended: str | None = None

    def add(self, loss: float) -> None:
        """Take in the loss of the next step."""
        if not math.isfinite(loss):
            self.ended = "not finite"
            return
        self.losses.append(float(loss))
        now = running_mean(self.losses, _RUNNING)
        if len(self.losses) > _FEWEST and now[-1] > _WORSE * now.min():
            self.ended = "diverged"
        elif len(self.losses) == self.span.steps:
            self.ended = "highest"

    def result(self) -> RangeTest:
        """What was found.

        Raises:
            FirstlightError: there are too few losses.
        """
        if len(self.losses) < 3:
            raise FirstlightError(
                f"Expected finite losses at low rates. Received {len(self.losses)} of them. Pass a smaller lowest rate."
            )
        rates = np.array([self.span.rate(step) for step in range(len(self.losses))])
        return RangeTest(rates, np.array(self.losses), self.ended or "highest")


class _EnoughError(Exception):
    """The test is over: leaves `fit`, which knows nothing of it."""


class _Watch(Silent):
    """The progress of the copy: takes its losses, and ends it when they are enough."""

    def __init__(self, seen: _Seen, progress: Any):
        self.seen, self.progress = seen, progress
        self.done = progress.task("learning rates", seen.span.steps)

    def batch(self, done: int, loss: float, words: int) -> None:
        """A step is done."""
        self.seen.add(loss)
        self.done(len(self.seen.losses))
        if self.seen.ended is not None:
            raise _EnoughError

    def message(self, text: str) -> None:
        """What the copy has to say of its data. Later, that all goes wrong is what is wanted."""
        if not self.seen.losses:
            self.progress.message(text)

    def task(self, name: str, total: int) -> Callable[[int], None]:
        """What comes before the first step."""
        found: Callable[[int], None] = self.progress.task(name, total)
        return found

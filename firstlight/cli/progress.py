"""What a long task shows while it works: loss, words a second and the time left.

In a terminal a bar that moves (rich); anywhere else one plain line now and then, so that logs stay readable.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

__all__ = ["PlainProgress", "Progress", "TerminalProgress", "duration", "progress"]


class Progress(Protocol):
    """What `fit(progress=...)` calls. Epochs count from 0; `words` are those of the batches since the last call."""

    def start(self, total_epochs: int, first_epoch: int, unit: str = "words") -> None:
        """Training begins, or resumes at `first_epoch`. `unit` is what a system counts that learns no words."""

    def epoch_started(self, epoch: int, batches: int) -> None:
        """An epoch of so many batches begins."""

    def batch(self, done: int, loss: float, words: int) -> None:
        """So many batches of the epoch are done."""

    def epoch_ended(self, epoch: int, logs: dict[str, Any]) -> None:
        """The epoch is over and judged."""

    def message(self, text: str) -> None:
        """A line for the reader."""

    def task(self, name: str, total: int) -> Callable[[int], None]:
        """Another long task; the function that comes back is told how many of `total` are done."""

    def close(self) -> None:
        """Nothing more will be shown."""


def progress(stream: TextIO | None = None) -> "Progress":
    """The progress display for a stream (standard error): a moving bar in a terminal, plain lines elsewhere."""
    stream = stream or sys.stderr
    return TerminalProgress(stream) if stream.isatty() else PlainProgress(stream)


def duration(seconds: float) -> str:
    """Seconds as people write them: `0:07`, `12:30`, `1:02:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Clock:
    """How far a training is, how fast it goes, and how long the rest takes at that pace."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.total_epochs = self.epoch = self.batches = self.done = self.words = 0
        self.epoch_began = now()
        self.epoch_seconds: list[float] = []
        self.first_done, self.first_at = 0, now()
        self.loss = float("nan")
        self.unit = "words"

    def begin(self, epoch: int, batches: int) -> None:
        """A new epoch of so many batches."""
        self.epoch, self.batches, self.done, self.words = epoch, batches, 0, 0
        self.epoch_began = self.first_at = self.now()
        self.first_done = 0

    def step(self, done: int, loss: float, words: int) -> None:
        """So many batches of the epoch are done; the words are those learned from since the last step."""
        self.done, self.loss, self.words = done, loss, self.words + words
        if not self.first_done:
            self.first_done, self.first_at = done, self.now()

    def end(self) -> float:
        """The epoch is over; its seconds, validation included."""
        self.epoch_seconds.append(self.now() - self.epoch_began)
        return self.epoch_seconds[-1]

    @property
    def words_per_second(self) -> float:
        """Words learned from a second, in this epoch."""
        return self.words / max(self.now() - self.epoch_began, 1e-9)

    @property
    def seconds_left(self) -> float:
        """Until the last epoch ends: by the mean of past epochs, validation included; in the first, by its batches.

        The first batch does not count, for the network is compiled in it.
        """
        elapsed = self.now() - self.epoch_began
        if self.done > self.first_done:
            at_this_pace = (self.now() - self.first_at) * self.batches / (self.done - self.first_done)
        else:
            at_this_pace = elapsed * self.batches / max(self.done, 1)
        an_epoch = sum(self.epoch_seconds) / len(self.epoch_seconds) if self.epoch_seconds else at_this_pace
        return max(an_epoch - elapsed, 0.0) + an_epoch * (self.total_epochs - self.epoch - 1)

    def line(self) -> str:
        """Loss, words a second and time left, as they stand beside a bar."""
        pace = f"{self.words_per_second:,.0f} {self.unit}/s"
        return f"loss {self.loss:.3f}  {pace}  {duration(self.seconds_left)} left"

    def summary(self, logs: dict[str, Any]) -> str:
        """One epoch in one line: what was logged, in the order in which it was logged, and how long it took."""
        told = [str(value) if isinstance(value, str) else f"{name} {_number(value)}" for name, value in logs.items()]
        values = "  ".join(text for name, text in zip(logs, told, strict=True) if name != "epoch")
        return f"epoch {self.epoch + 1}/{self.total_epochs}  {values}  {duration(self.end())}"


def _number(value: Any) -> str:
    """A logged value in at most four figures: `3.214`, `0.4312`, `18,400`, `1e-05`."""
    if isinstance(value, float) and abs(value) >= 10_000:
        return f"{value:,.0f}"
    if isinstance(value, float) and abs(value) < 1e-9:
        return "0"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class _Display:
    """What both displays have: a clock, and how a training is announced."""

    clock: _Clock

    def start(self, total_epochs: int, first_epoch: int, unit: str = "words") -> None:
        """Training begins, or resumes at `first_epoch`. `unit` is what a system counts that learns no words."""
        self.clock.total_epochs, self.clock.unit = total_epochs, unit
        if first_epoch:
            self.message(f"resuming after epoch {first_epoch} of {total_epochs}")

    def message(self, text: str) -> None:
        """A line for the reader."""
        raise NotImplementedError


def _until(total: int, tell: Callable[[int], None]) -> Callable[[int], None]:
    """What is told how much of a task is done; once all of it is, nothing more is heard."""
    over = False

    def done(count: int) -> None:
        nonlocal over
        if not over:
            over = count >= total
            tell(count)

    return done


class PlainProgress(_Display):
    """One line an epoch, and within a long epoch or task one line every ten seconds."""

    def __init__(self, stream: TextIO, every: float = 10.0, now: Callable[[], float] = time.monotonic) -> None:
        self.stream, self.every, self.clock = stream, every, _Clock(now)
        self.last_line = now()

    def epoch_started(self, epoch: int, batches: int) -> None:
        """An epoch of so many batches begins."""
        self.clock.begin(epoch, batches)

    def batch(self, done: int, loss: float, words: int) -> None:
        """So many batches of the epoch are done."""
        self.clock.step(done, loss, words)
        if self._is_time():
            self.message(
                f"epoch {self.clock.epoch + 1}/{self.clock.total_epochs}  "
                f"{done}/{self.clock.batches}  {self.clock.line()}"
            )

    def epoch_ended(self, epoch: int, logs: dict[str, Any]) -> None:
        """The epoch is over and judged."""
        self.message(self.clock.summary(logs))

    def message(self, text: str) -> None:
        """A line for the reader."""
        self.last_line = self.clock.now()
        print(text, file=self.stream, flush=True)

    def task(self, name: str, total: int) -> Callable[[int], None]:
        """Another long task; the function that comes back is told how many of `total` are done."""
        began = self.clock.now()

        def tell(count: int) -> None:
            if count < total and not self._is_time():
                return
            left = (self.clock.now() - began) * (total - count) / max(count, 1)
            pace = f"{duration(left)} left" if count < total else duration(self.clock.now() - began)
            self.message(f"{name}  {count:,}/{total:,}  {pace}")

        return _until(total, tell)

    def close(self) -> None:
        """Nothing is left open by plain lines."""

    def _is_time(self) -> bool:
        return self.clock.now() - self.last_line >= self.every


class TerminalProgress(_Display):
    """A bar for the epoch with loss, words a second and time left; each finished epoch stays above it as a line."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.clock = _Clock(now)
        columns = (
            TextColumn("{task.description}", markup=False),  # names of files may hold square brackets
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}", style="cyan", markup=False),
        )
        self.display = Progress(*columns, console=Console(file=stream), transient=True)
        self.display.start()
        self.epoch_task: Any = None

    def epoch_started(self, epoch: int, batches: int) -> None:
        """An epoch of so many batches begins."""
        self.clock.begin(epoch, batches)
        name = f"epoch {epoch + 1}/{self.clock.total_epochs}"
        self.epoch_task = self.display.add_task(name, total=batches, pace="")

    def batch(self, done: int, loss: float, words: int) -> None:
        """So many batches of the epoch are done."""
        self.clock.step(done, loss, words)
        self.display.update(self.epoch_task, completed=done, pace=self.clock.line())

    def epoch_ended(self, epoch: int, logs: dict[str, Any]) -> None:
        """The epoch is over and judged: its bar becomes a line."""
        self.display.remove_task(self.epoch_task)
        self.message(self.clock.summary(logs))

    def message(self, text: str) -> None:
        """A line for the reader, above the bars."""
        self.display.console.print(text, markup=False, highlight=False)

    def task(self, name: str, total: int) -> Callable[[int], None]:
        """Another long task; the function that comes back is told how many of `total` are done."""
        began = self.clock.now()
        task = self.display.add_task(name, total=total, pace="")

        def tell(count: int) -> None:
            seconds = self.clock.now() - began
            self.display.update(
                task, completed=count, pace=f"{duration(seconds * (total - count) / max(count, 1))} left"
            )
            if count >= total:
                self.display.remove_task(task)
                self.message(f"{name}  {total:,}  {duration(seconds)}")

        return _until(total, tell)

    def close(self) -> None:
        """Give the terminal back."""
        self.display.stop()

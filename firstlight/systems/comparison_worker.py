"""A process that trains one run after the other: jobs come as lines of JSON, what happens is told as lines of JSON.

`python -m firstlight.systems.comparison_worker` is started by `comparison_pool`. It ends when its input does, in the
middle of a training too, so that nothing is left behind when the one who asked is gone.
"""

import contextlib
import json
import math
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from firstlight.systems.comparison_data import read_split
from firstlight.systems.system import Silent, write_text_safely

__all__ = ["Recorder", "main", "train_one"]

_DIGITS = 6  # of what is written down: more would be noise
_REASON = 1000  # characters
_EVERY = 0.5  # seconds from one word on how far it is to the next


class Recorder(Silent):
    """Keeps the loss of each step and when it was reached.

    Time begins at the end of the first step, for the network is compiled in it, and stands still from the last step of
    an epoch to the beginning of the next, while held-out images are judged.

    Args:
        tell: is called now and then with a dict: the `share` of the training that is done.
        now: the clock, in seconds.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], object], now: Callable[[], float] = time.monotonic):
        self.tell, self.now = tell, now
        self.losses: list[float] = []
        self.seconds: list[float] = []
        self.epochs: list[dict[str, Any]] = []
        self.images = 0  # after the first step
        self.total_epochs = self.batches = 0
        self.unit = "images"
        self._since: float | None = None
        self._told = -math.inf

    def start(self, total_epochs: int, first_epoch: int, unit: str = "words") -> None:
        """Training begins."""
        self.total_epochs, self.unit = total_epochs, unit

    def epoch_started(self, epoch: int, batches: int) -> None:
        """The clock goes on."""
        self.batches = batches
        self._since = self.now() if self.losses else None

    def batch(self, done: int, loss: float, words: int) -> None:
        """A step is done."""
        now = self.now()
        passed = 0.0 if self._since is None else now - self._since
        self.seconds.append((self.seconds[-1] if self.seconds else 0.0) + passed)
        self.losses.append(float(loss))
        self.images += words if len(self.losses) > 1 else 0
        self._since = now
        if now - self._told > _EVERY:
            self._told = now
            share = len(self.epochs) + done / max(self.batches, 1)
            self.tell({"share": share / max(self.total_epochs, 1)})

    def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
        """An epoch is over and judged."""
        self.epochs.append({name: _plain(value) for name, value in logs.items()})

    def record(self) -> dict[str, Any]:
        """What was seen, for JSON. `losses` and `seconds` have a number a step; `speed` is images (or words) a second.

        A loss that is not finite is None.
        """
        learned = self.seconds[-1] if self.seconds else 0.0
        each = learned / (len(self.seconds) - 1) if len(self.seconds) > 1 else None
        return {
            "losses": [_plain(loss) for loss in self.losses],
            "seconds": [round(second, 4) for second in self.seconds],
            "speed": _plain(self.images / learned) if learned else None,
            "unit": self.unit,
            "seconds_an_epoch": None if each is None else _plain(each * self.batches),
            "epochs": self.epochs,
        }


def train_one(job: dict[str, Any], tell: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Train one run and judge it on what is held out.

    Args:
        job: `system` ("module:Class"), `settings`, `training` (arguments of `fit`), `score` (of `evaluate`), and the
            files of both splits, `train` and `held`.
        tell: see `Recorder`.

    Returns:
        `status` (finished, diverged or failed), `reason` where it is not finished, `score`, `seconds_in_all` (all that
        happened, compilation included), and what `Recorder.record` gives.
    """
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()  # what another run left
    began = time.monotonic()
    recorder = Recorder(tell)
    found: dict[str, Any] = {"status": "finished", "reason": None, "score": None}
    try:
        module, _, name = job["system"].partition(":")
        system = getattr(import_module(module), name)(**job["settings"])
        train, held = read_split(Path(job["train"])), read_split(Path(job["held"]))
        system.fit(train, validation_data=held, progress=recorder, **job["training"])
        found["score"] = _plain(system.evaluate(held)[job["score"]])
        if found["score"] is None or not all(map(math.isfinite, recorder.losses)):
            found |= {"status": "diverged", "reason": "Expected a finite loss and score. Received others."}
    except Exception as error:  # whatever it is, it is the end of this run alone
        traceback.print_exc()
        text = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
        found |= {"status": "diverged" if _is_divergence(error) else "failed", "reason": text[:_REASON]}
    return {**found, "seconds_in_all": round(time.monotonic() - began, 3), **recorder.record()}


def main() -> None:
    """Serve jobs from standard input until it ends."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what others print would disturb the conversation
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()

    def tell(words: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            channel.write(json.dumps(words) + "\n")
            channel.flush()

    while True:
        job = json.loads(jobs.get())
        found = train_one(job, tell)
        text = json.dumps({**job["about"], **found}, ensure_ascii=False, allow_nan=False)
        write_text_safely(Path(job["file"]), text)
        tell({"done": job["file"]})


def _is_divergence(error: Exception) -> bool:
    """Whether a loss was no finite number; the module that says so is there if the system learns by Keras."""
    optimization = sys.modules.get("firstlight.systems.optimization")
    return optimization is not None and isinstance(error, optimization.DivergedError)


def _listen(jobs: "queue.Queue[str]") -> None:
    """Pass jobs on; at the end of the input, which may come in the middle of a training, so does the process."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def _plain(value: Any) -> Any:
    """A number as JSON can hold it, of a few digits; None for one that is not finite, anything else as it is."""
    if isinstance(value, str | bool | None):
        return value
    number = float(value)
    if isinstance(value, int):
        return value
    return float(f"{number:.{_DIGITS}g}") if math.isfinite(number) else None


if __name__ == "__main__":
    main()

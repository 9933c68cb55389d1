"""How a GAN learns: step by step, judged after each epoch by pictures drawn from the same random numbers.

After each epoch everything needed to go on is written down. The weights of the epoch whose pictures are nearest to real
ones, by the Fréchet distance of a few, are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from firstlight.errors import FirstlightError
from firstlight.metrics import frechet_distance, variety
from firstlight.systems.gan_alarms import GanAlarms
from firstlight.systems.gan_batches import GanSupply
from firstlight.systems.gan_features import FeatureSpace
from firstlight.systems.gan_folder import write_progress
from firstlight.systems.gan_pictures import draw
from firstlight.systems.gan_step import TOLD, GanStep
from firstlight.systems.optimization import DivergedError, WeightAverage, values_of
from firstlight.systems.run_state import read_state, write_state
from firstlight.systems.system import History

__all__ = ["EpochJudge", "GanTraining"]

_GROUPS = ("variable", "average", "best")
_SHOWN = 64  # pictures of an epoch that are kept to be seen


@dataclass(frozen=True, eq=False)
class EpochJudge:
    """What a generator is judged by after each epoch: as many pictures as there are real ones to compare with.

    Args:
        space: in which they are compared.
        real: features of held-out pictures, (pictures, features).
        latent: random numbers, the same in each epoch: (pictures, latent), the first of which are shown.
        labels: of the pictures to draw, (pictures,), or None.
    """

    space: FeatureSpace
    real: np.ndarray
    latent: np.ndarray
    labels: np.ndarray | None

    def look(self, generator: keras.Model) -> tuple[dict[str, float], np.ndarray]:
        """Fréchet distance and variety, and the pictures to show."""
        pictures = draw(generator, self.latent, self.labels)
        found = self.space.features(pictures[: len(self.real)])
        row = {"frechet_distance": frechet_distance(self.real, found), "variety": variety(self.real, found)}
        return row, pictures[:_SHOWN]


class GanTraining:
    """One training, from the first batch or from the last epoch that was written down.

    Args:
        step: both networks with their optimizers.
        supply: what to learn from.
        judge: what decides which epoch is best.
        epochs: passes over the pictures.
        average: momentum of the running mean of the generator's weights, 0 for none.
        progress: is told what happens.
        folder: run folder for `checkpoints/`, `progress/` and `history.csv`; None keeps nothing.
        watch: is called with the number of each epoch and its pictures, or None.
    """

    def __init__(
        self,
        step: GanStep,
        supply: GanSupply,
        judge: EpochJudge,
        epochs: int,
        *,
        average: float,
        progress: Any,
        folder: Path | None,
        watch: Any = None,
    ):
        self.step, self.supply, self.judge, self.epochs = step, supply, judge, epochs
        self.progress, self.folder, self.watch = progress, folder, watch
        self.own = [v for v in step.generator.variables if "float" in str(v.dtype)]
        self.history = History()
        self.average = WeightAverage(average)
        self.alarms = GanAlarms()
        self.best: list[np.ndarray] | None = None
        self.best_distance = float("inf")

    def run(self) -> History:
        """Learn to the last epoch; afterwards both networks hold the weights of the best one."""
        self._resume()
        done = len(self.history.rows)
        self.progress.start(self.epochs, done, "images")
        for number in range(done, self.epochs):
            self._epoch(number)
        if self.best is not None:
            _assign([*self.step.generator.variables, *self.step.discriminator.variables], self.best)
        return self.history

    def _epoch(self, number: int) -> None:
        count = self.supply.count()
        self.progress.epoch_started(number, count)
        totals: dict[str, list[float]] = {name: [] for name in TOLD}
        for place, batch in enumerate(self.supply.epoch(number)):
            told = self.step(batch, number * count + place)
            if not np.isfinite([told["discriminator_loss"], told["generator_loss"]]).all():
                raise DivergedError(
                    f"Expected finite losses. Received {told['discriminator_loss']} of the discriminator and "
                    f"{told['generator_loss']} of the generator in epoch {number + 1}, batch {place + 1}. Pass smaller "
                    "rates, r1 or spectral_normalization, or precision='float32'."
                )
            for name, value in told.items():
                totals[name].append(value)
            if (number * count + place + 1) % self.average.every == 0:
                self.average.look(self.own)
            self.progress.batch(place + 1, told["discriminator_loss"], self.supply.batch_size * self.supply.steps)
        row = {"epoch": number + 1, **{name: float(np.mean(values)) for name, values in totals.items()}}
        # Steps without a penalty tell 0; its mean is over the others.
        row["penalty"] = float(np.sum(totals["penalty"]) / max(1, np.count_nonzero(totals["penalty"])))
        row |= self._judge(number)
        self.history.rows.append(row)
        for line in self.alarms.look(row):
            self.progress.message(line)
        self._write_down()
        self.progress.epoch_ended(number, row)

    def _judge(self, number: int) -> dict[str, float]:
        """The figures of the pictures that the averaged generator draws, whose weights are kept if they are best."""
        now = values_of(self.own)
        _assign(self.own, self.average.mean or now)
        try:
            row, shown = self.judge.look(self.step.generator)
        except FirstlightError as error:
            raise DivergedError(f"Expected pictures of finite values after epoch {number + 1}. {error}") from error
        if row["frechet_distance"] <= self.best_distance:
            self.best_distance = row["frechet_distance"]
            self.best = values_of([*self.step.generator.variables, *self.step.discriminator.variables])
        _assign(self.own, now)
        if self.folder is not None:
            write_progress(self.folder, number + 1, shown)
        if self.watch is not None:
            self.watch(number + 1, shown)
        return row

    def _write_down(self) -> None:
        if self.folder is None:
            return
        self.history.save(self.folder / "history.csv")
        groups = {
            "variable": values_of(self.step.variables),
            "average": self.average.mean or [],
            "best": self.best or [],
        }
        numbers = {
            "rows": self.history.rows,
            "best_distance": self.best_distance,
            "averaged": self.average.seen,
            "told": sorted(self.alarms.told),
            "wins": self.alarms.wins,
        }
        write_state(self.folder / "checkpoints" / "last.npz", groups, numbers)

    def _resume(self) -> None:
        """Take up the last epoch that was written down, if there is one."""
        found = None if self.folder is None else read_state(self.folder / "checkpoints" / "last.npz", _GROUPS)
        if found is None:
            return
        groups, numbers = found
        self.history.rows, self.best_distance = numbers["rows"], numbers["best_distance"]
        _assign(self.step.variables, groups["variable"])
        self.average.seen, self.average.mean = numbers["averaged"], groups["average"] or None
        self.best = groups["best"] or None
        self.alarms.told, self.alarms.wins = set(numbers["told"]), numbers["wins"]


def _assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)

"""A whole training of a GAN: from prepared pictures to networks of stock layers."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from firstlight.systems.backend import make_repeatable
from firstlight.systems.gan_batches import GanSupply
from firstlight.systems.gan_features import FeatureSpace
from firstlight.systems.gan_networks import (
    GanPlan,
    build_discriminator,
    build_generator,
    stock_discriminator,
    stock_generator,
)
from firstlight.systems.gan_pictures import latents
from firstlight.systems.gan_preparation import PreparedGan
from firstlight.systems.gan_step import Aim, GanStep
from firstlight.systems.gan_training import EpochJudge, GanTraining
from firstlight.systems.system import History

if TYPE_CHECKING:
    from firstlight.systems.gan import GAN

__all__ = ["GanCourse", "plan_of", "untrained"]

_JUDGED = 2000  # pictures by which an epoch is judged, at most
_JUDGE_SEED = 54321  # of the random numbers that are judged after each epoch
_SHOWN = 64
_SHIFT = 8  # a side is moved by up to an eighth of it (Zhao et al. 2020, section 4)
_END = 0.1  # share of the rates at which `linear` ends


@dataclass(frozen=True)
class GanCourse:
    """A GAN, what it is to learn from, and how.

    Args:
        gan: whose settings count.
        prepared: pictures to learn from and to judge by.
        space: in which pictures are judged.
        chosen: what `auto` came to, as `system.json` has it: precision, mirror, shift, epochs.
        seed: of everything that is drawn.
        progress: is told what happens.
        folder: run folder; None keeps nothing.
    """

    gan: "GAN"
    prepared: PreparedGan
    space: FeatureSpace
    chosen: dict[str, Any]
    seed: int
    progress: Any
    folder: Path | None = None

    def teach(self) -> tuple[keras.Model, keras.Model, History]:
        """Train to the end: generator, discriminator and history."""
        judge = self.judge()  # first, so that the order of what is drawn does not depend on it
        make_repeatable(self.seed)
        plan = plan_of(self.gan, self.prepared.pictures.shape, self.prepared.classes, self.chosen["precision"])
        generator, discriminator = build_generator(plan, training=True), build_discriminator(plan, training=True)
        supply = self.supply()
        steps = self.chosen["epochs"] * supply.count()
        step = GanStep(generator, discriminator, self.optimizers(steps), self.aim(), self.gan.conditional)
        training = GanTraining(
            step,
            supply,
            judge,
            self.chosen["epochs"],
            average=self.gan.average,
            progress=self.progress,
            folder=self.folder,
            watch=self.gan.watch,
        )
        history = training.run()
        return stock_generator(plan, generator), stock_discriminator(plan, discriminator), history

    # -- what the settings come to -------------------------------------------------------------------------------

    def supply(self) -> GanSupply:
        """The training pictures in batches."""
        gan, pictures = self.gan, self.prepared.pictures.train
        return GanSupply(
            pictures,
            self.prepared.labels,
            len(self.prepared.classes),
            min(gan.batch_size, max(2, len(pictures))),
            gan.latent,
            gan.discriminator_steps,
            self.seed,
            self.chosen["mirror"],
            self._shift(),
        )

    def aim(self) -> Aim:
        """What both networks are to do."""
        gan = self.gan
        return Aim(
            gan.loss,
            gan.r1,
            penalty=gan.gradient_penalty,
            smoothing=gan.label_smoothing,
            shift=self._shift(),
        )

    def optimizers(self, steps: int) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]:
        """Of the generator and of the discriminator, each at its own rate (Heusel et al. 2017), for so many steps."""
        gan = self.gan

        def make(rate: float, each: int) -> keras.optimizers.Optimizer:
            falling = keras.optimizers.schedules.PolynomialDecay(rate, max(1, steps * each), _END * rate)
            return keras.optimizers.Adam(
                falling if gan.schedule == "linear" else rate, beta_1=gan.beta_1, beta_2=gan.beta_2
            )

        return make(gan.generator_rate, 1), make(gan.discriminator_rate, gan.discriminator_steps)

    def judge(self) -> EpochJudge:
        """What decides which epoch is best: held-out pictures, and as many drawn ones."""
        held_out = self.prepared.pictures.validation
        count = min(_JUDGED, len(held_out))
        places = np.unique(np.linspace(0, len(held_out) - 1, count).round().astype(int))
        real = self.space.features(held_out.take(places))
        real = np.resize(real, (max(2, len(real)), real.shape[1]))  # a single one has no spread
        drawn = max(len(real), _SHOWN)
        labels = None
        if self.gan.conditional:
            labels = np.resize(np.arange(len(self.prepared.classes)), drawn)
        return EpochJudge(self.space, real, latents(drawn, self.gan.latent, _JUDGE_SEED), labels)

    def _shift(self) -> int:
        return max(self.prepared.pictures.shape[:2]) // _SHIFT if self.chosen["shift"] else 0


def plan_of(gan: "GAN", shape: tuple[int, int, int], classes: list[str], precision: str) -> GanPlan:
    """What fixes the shape of both networks."""
    wanted = len(classes) if gan.conditional else 0
    return GanPlan(shape, gan.latent, gan.width, wanted, gan.spectral_normalization, precision)


def untrained(gan: "GAN", seed: int) -> keras.Model:
    """The generator as it was before it learned anything, as a yardstick."""
    keras.utils.set_random_seed(seed)
    return build_generator(plan_of(gan, gan.shape, gan.classes, "float32"))

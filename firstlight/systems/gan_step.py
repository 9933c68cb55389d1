"""One training step of a GAN: the discriminator learns to tell, then the generator learns to pass for real.

It is written once for all back ends; `gan_gradients` makes one compiled program of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from firstlight.systems.gan_gradients import compiled_step, with_input_gradient, with_way_back
from firstlight.systems.gan_losses import (
    discriminator_loss,
    generator_losses,
    gradient_penalty,
    r1_penalty,
    threshold,
)

__all__ = ["TOLD", "Aim", "GanBatch", "GanStep"]

TOLD = ("discriminator_loss", "generator_loss", "real_accuracy", "fake_accuracy", "penalty")


@dataclass(frozen=True)
class Aim:
    """What both networks are to do.

    Args:
        loss: one of `gan_losses.LOSSES`.
        r1: what the squared gradient at real pictures counts; 0 for nothing.
        r1_every: steps from one look at it to the next, which then counts for all of them (Karras et al. 2020, B).
        penalty: what the gradient penalty of `wgan_gp` counts.
        smoothing: how far real pictures are from counting as wholly real.
        shift: pixels by which all that the discriminator sees is moved.
    """

    loss: str = "non_saturating"
    r1: float = 0.0
    r1_every: int = 16
    penalty: float = 10.0
    smoothing: float = 0.0
    shift: int = 0


@dataclass(frozen=True)
class GanBatch:
    """What a step needs; the first axis counts the steps of the discriminator.

    Args:
        real: pictures (steps, batch, height, width, channels) float32, 0..255.
        real_labels: (steps, batch) int32.
        latent: random numbers (steps, batch, latent) float32; the generator learns with the last.
        labels: of the pictures to draw, (steps, batch) int32.
        shares: (steps, batch, 1, 1, 1) float32, for the gradient penalty.
        shifts: (steps, 3, batch, 2) int32: of real, of drawn, and of those the generator learns with.
    """

    real: np.ndarray
    real_labels: np.ndarray
    latent: np.ndarray
    labels: np.ndarray
    shares: np.ndarray
    shifts: np.ndarray

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All of them, in order."""
        return self.real, self.real_labels, self.latent, self.labels, self.shares, self.shifts


class GanStep:
    """Both networks, their optimizers and what they aim at.

    Args:
        generator: of `gan_networks.build_generator`.
        discriminator: of `gan_networks.build_discriminator`.
        optimizers: of the generator and of the discriminator, built here.
        aim: what both are to do.
        conditional: whether the networks look at labels.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        optimizers: tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer],
        aim: Aim,
        conditional: bool,
    ):
        self.generator, self.discriminator, self.aim, self.conditional = generator, discriminator, aim, conditional
        self.generator_optimizer, self.discriminator_optimizer = optimizers
        self.generator_optimizer.build(generator.trainable_variables)
        self.discriminator_optimizer.build(discriminator.trainable_variables)
        self.variables = [
            *generator.variables,
            *discriminator.variables,
            *self.generator_optimizer.variables,
            *self.discriminator_optimizer.variables,
        ]
        self._programs: dict[bool, Callable[..., np.ndarray]] = {}

    def __call__(self, batch: GanBatch, number: int) -> dict[str, float]:
        """Learn from a batch; `number` counts steps from 0. Returns the numbers of `TOLD`."""
        penalized = self.aim.loss == "wgan_gp" or (self.aim.r1 > 0 and number % self.aim.r1_every == 0)
        if penalized not in self._programs:
            self._programs[penalized] = compiled_step(
                lambda *arrays: self._learn(GanBatch(*arrays), penalized), self.variables
            )
        return dict(zip(TOLD, map(float, self._programs[penalized](*batch.arrays())), strict=True))

    def _learn(self, batch: GanBatch, penalized: bool) -> Any:
        generator, discriminator = self.generator, self.discriminator
        for step in range(batch.real.shape[0]):
            fake, to_generator = with_way_back(
                partial(self._draw, batch.latent[step], batch.labels[step]),
                generator.trainable_variables,
                generator.non_trainable_variables,
            )
            found, to_discriminator = with_way_back(
                partial(self._tell, batch, step, ops.stop_gradient(fake), penalized),
                discriminator.trainable_variables,
                discriminator.non_trainable_variables,
            )
            # The first number is made small; the others are only told.
            gradients = to_discriminator(ops.one_hot(0, 4, dtype="float32"))
            self.discriminator_optimizer.apply(gradients, discriminator.trainable_variables)
        # The pictures that the discriminator has just seen serve the generator, too: they need not be drawn again.
        losses, by_picture = with_input_gradient(partial(self._deceive, batch.labels[-1], batch.shifts[-1, 2]), fake)
        gradients = to_generator(by_picture / losses.shape[0])
        self.generator_optimizer.apply(gradients, generator.trainable_variables)
        loss, real, drawn, penalty = [found[place] for place in range(4)]
        return ops.stack([loss, ops.mean(losses), real, drawn, penalty])

    def _draw(self, latent: Any, labels: Any) -> Any:
        return self.generator([latent, labels] if self.conditional else latent, training=True)

    def _score(self, labels: Any, training: bool, pictures: Any) -> Any:
        """(batch,), larger for what looks real."""
        scores = self.discriminator([pictures, labels] if self.conditional else pictures, training=training)
        return scores[:, 0]

    def _tell(self, batch: GanBatch, step: int, fake: Any, penalized: bool) -> Any:
        """The discriminator's loss, the shares of real and drawn pictures that it tells, and the penalty."""
        aim, shifts, labels = self.aim, batch.shifts[step], batch.real_labels[step]
        real = _moved(batch.real[step], shifts[0], aim.shift)
        fake = _moved(fake, shifts[1], aim.shift)
        both = ops.concatenate([labels, batch.labels[step]])
        scores = self._score(both, True, ops.concatenate([real, fake]))
        of_real, of_fake = ops.split(scores, 2)
        loss = discriminator_loss(aim.loss, of_real, of_fake, aim.smoothing)
        middle = threshold(aim.loss, of_real, of_fake)
        told = [ops.mean(ops.cast(right, "float32")) for right in (of_real > middle, of_fake < middle)]
        penalty, weight = ops.zeros(()), 0.0
        if penalized and aim.loss == "wgan_gp":
            score = partial(self._score, labels, False)
            penalty, weight = gradient_penalty(score, real, fake, batch.shares[step]), aim.penalty
        elif penalized:
            penalty, weight = r1_penalty(partial(self._score, labels, False), real), aim.r1 * aim.r1_every
        return ops.stack([loss + weight * penalty, *told, penalty])

    def _deceive(self, labels: Any, shifts: Any, fake: Any) -> Any:
        """The generator's loss for each picture."""
        scores = self._score(labels, False, _moved(fake, shifts, self.aim.shift))
        return generator_losses(self.aim.loss, scores)


def _moved(pictures: Any, shifts: Any, most: int) -> Any:
    """Pictures (batch, height, width, channels) moved by whole pixels down and right (batch, 2); the edge goes on.

    Products with matrices of zeros and ones can be differentiated twice on every back end (Zhao et al. 2020: what the
    discriminator sees is changed alike, real or drawn, and the generator learns through the change).
    """
    if not most:
        return pictures
    height, width = pictures.shape[1:3]
    down, right = [
        ops.one_hot(ops.clip(ops.arange(side)[None] + shifts[:, axis : axis + 1], 0, side - 1), side, dtype="float32")
        for axis, side in enumerate((height, width))
    ]
    return ops.einsum("bhk,bwl,bklc->bhwc", down, right, pictures)

"""What the two networks of a GAN make small, and the penalties that keep the discriminator from being steep.

Scores are numbers (batch, 1) before any sigmoid. Each loss is a mean over the batch.
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from firstlight.systems.gan_gradients import with_input_gradient

__all__ = ["LOSSES", "discriminator_loss", "generator_losses", "gradient_penalty", "r1_penalty", "threshold"]

LOSSES = ("non_saturating", "hinge", "wgan_gp", "least_squares")


def discriminator_loss(kind: str, real: Any, fake: Any, smoothing: float = 0.0) -> Any:
    """The loss of scores for real and for drawn pictures.

    Goodfellow et al. 2014, equation 1, with `smoothing` of the real side alone (Salimans et al. 2016, section 3.4);
    hinge: Lim and Ye 2017, equation 18; `wgan_gp` without its penalty: Gulrajani et al. 2017, equation 3;
    least squares: Mao et al. 2017, equation 9.
    """
    target = 1.0 - smoothing
    if kind == "hinge":
        return ops.mean(ops.relu(target - real)) + ops.mean(ops.relu(1.0 + fake))
    if kind == "wgan_gp":
        return ops.mean(fake) - ops.mean(real)
    if kind == "least_squares":
        return 0.5 * (ops.mean(ops.square(real - target)) + ops.mean(ops.square(fake)))
    # With a target t: t softplus(-score) + (1 - t) softplus(score) = softplus(-score) + (1 - t) score.
    return ops.mean(ops.softplus(-real) + smoothing * real) + ops.mean(ops.softplus(fake))


def generator_losses(kind: str, fake: Any) -> Any:
    """The loss of each of the discriminator's scores for drawn pictures.

    The non-saturating one makes the probability of being real large (Goodfellow et al. 2014, section 3).
    """
    if kind in ("hinge", "wgan_gp"):
        return -fake
    if kind == "least_squares":
        return 0.5 * ops.square(fake - 1.0)
    return ops.softplus(-fake)


def threshold(kind: str, real: Any, fake: Any) -> Any:
    """The score above which a picture counts as told to be real; without a probability, the middle of both sides."""
    if kind == "wgan_gp":
        return 0.5 * (ops.mean(real) + ops.mean(fake))
    return 0.5 if kind == "least_squares" else 0.0


def r1_penalty(score: Callable[[Any], Any], real: Any) -> Any:
    """Half the mean squared length of the gradient of the scores at real pictures (Mescheder et al. 2018, equation 9).

    Pictures are 0..255, and lengths are those of pictures from -1 to 1.
    """
    return 0.5 * ops.mean(_squares(with_input_gradient(score, real)[1]))


def gradient_penalty(score: Callable[[Any], Any], real: Any, fake: Any, shares: Any) -> Any:
    """How far gradients between real and drawn pictures are from length 1 (Gulrajani et al. 2017, equation 3).

    `shares` (batch, 1, 1, 1) from 0 to 1 say where between.
    """
    between = ops.stop_gradient(shares * real + (1.0 - shares) * fake)
    lengths = ops.sqrt(_squares(with_input_gradient(score, between)[1]) + 1e-12)
    return ops.mean(ops.square(lengths - 1.0))


def _squares(gradients: Any) -> Any:
    gradients = 127.5 * ops.cast(gradients, "float32")  # by a picture of -1..1 in place of one of 0..255
    return ops.sum(ops.square(gradients), axis=(1, 2, 3))

"""What a GAN may be set to, and what it comes to where nothing is said."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from firstlight.errors import FirstlightError
from firstlight.systems.classifier_settings import check_kinds, check_least

if TYPE_CHECKING:
    from firstlight.systems.gan import GAN

__all__ = ["check_settings", "usual_epochs"]

_STEPS = 16_000  # of the generator, enough for digits
_MOST_EPOCHS = 400
_LEAST = {"latent": 1, "image_size": 8, "width": 4, "batch_size": 2, "discriminator_steps": 1}


def check_settings(gan: "GAN", training: Mapping[str, Any] | None = None) -> None:
    """Refuse settings that no GAN, and no training, can have.

    Raises:
        FirstlightError: says which setting, what was expected and what came.
    """
    check_kinds(gan)
    check_least({name: getattr(gan, name) for name in _LEAST}, _LEAST)
    check_least(training or {}, {"epochs": 1, "seed": 0})
    for name in ("beta_1", "beta_2", "average", "label_smoothing"):
        value = getattr(gan, name)
        if not 0 <= value < 1:
            raise FirstlightError(f"Expected {name} to be at least 0 and below 1. Received {value}.")
    for name in ("r1", "gradient_penalty"):
        if not getattr(gan, name) >= 0:
            raise FirstlightError(f"Expected {name} to be 0 or more. Received {getattr(gan, name)}.")
    for name in ("generator_rate", "discriminator_rate"):
        if not getattr(gan, name) > 0:
            raise FirstlightError(f"Expected {name} above 0. Received {getattr(gan, name)}.")
    if gan.label_smoothing and gan.loss == "wgan_gp":
        raise FirstlightError("Expected label_smoothing 0 with loss wgan_gp, which has no targets. Leave one out.")
    if gan.spectral_normalization and gan.loss == "wgan_gp" and gan.gradient_penalty:
        raise FirstlightError(
            "Expected spectral_normalization or the gradient penalty of wgan_gp, for both hold the discriminator to a "
            "slope of 1. Received both. Pass gradient_penalty=0, or spectral_normalization=False."
        )


def usual_epochs(images: int, gan: "GAN") -> int:
    """Passes over so many images where no number is given: what makes some 16,000 steps of the generator."""
    steps = max(1, images // (gan.batch_size * gan.discriminator_steps))
    return max(1, min(-(-_STEPS // steps), _MOST_EPOCHS))

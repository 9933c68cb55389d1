"""What an autoencoder may be set to, and what suits each architecture where nothing is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firstlight.errors import FirstlightError
from firstlight.systems.autoencoder_noise import NOISES
from firstlight.systems.classifier_settings import check_kinds, check_least

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["USUAL", "Usual", "check_settings", "check_size", "strength_of"]


@dataclass(frozen=True)
class Usual:
    """What an architecture has where no setting says otherwise."""

    width: int = 1
    depth: int = 1
    learning_rate: float = 2e-3
    dropout: float = 0.0
    batch_size: int = 64
    epochs: int = 60
    steps: int = 2500


USUAL = {
    "linear": Usual(learning_rate=2e-3, epochs=100, steps=4000),
    "dense": Usual(512, 3, 1e-3, epochs=250, steps=8000),
    "conv": Usual(32, 1),
    "deep": Usual(32, 1),
}


def check_settings(autoencoder: "Autoencoder", training: Mapping[str, Any] | None = None) -> None:
    """Refuse settings that no autoencoder, and no training, can have.

    Raises:
        FirstlightError: says which setting, what was expected and what came.
    """
    from firstlight.systems.optimization import Optimization

    check_kinds(autoencoder)
    least = {"code": 1, "image_size": 4, "width": 1, "depth": 1, "batch_size": 1, "refine": 0}
    check_least({name: getattr(autoencoder, name) for name in least}, least)
    check_least(training or {}, {"epochs": 1, "patience": 0, "seed": 0})
    for name in ("dropout", "average", "beta_warm_up"):
        value = getattr(autoencoder, name)
        if value is not None and not 0 <= value < 1:
            raise FirstlightError(f"Expected {name} to be at least 0 and below 1. Received {value}.")
    for name in ("noise_strength", "sparsity_weight", "beta", "weight_decay", "clip_norm"):
        value = getattr(autoencoder, name)
        if value is not None and not value >= 0:
            raise FirstlightError(f"Expected {name} to be 0 or more. Received {value}.")
    if autoencoder.noise in ("salt_and_pepper", "masking") and (autoencoder.noise_strength or 0) > 1:
        raise FirstlightError(f"Expected a share of pixels from 0 to 1. Received {autoencoder.noise_strength}.")
    if not 0 < autoencoder.active_share < 1:
        raise FirstlightError(f"Expected active_share between 0 and 1. Received {autoencoder.active_share}.")
    _check_together(autoencoder)
    rate = 1.0 if autoencoder.learning_rate is None else autoencoder.learning_rate
    Optimization(
        autoencoder.optimizer, rate, autoencoder.schedule, autoencoder.warm_up, momentum=autoencoder.momentum
    ).check()


def _check_together(autoencoder: "Autoencoder") -> None:
    """What single settings may be, but not together."""
    if autoencoder.variational and autoencoder.sparsity != "none":
        raise FirstlightError("Expected variational or sparsity. Received both. Leave one out.")
    if autoencoder.architecture == "linear" and (
        autoencoder.variational or autoencoder.sparsity != "none" or autoencoder.loss == "crossentropy"
    ):
        raise FirstlightError(
            "Expected a linear autoencoder without variational, sparsity and crossentropy, which bend it. Received one "
            "of these. Pass architecture='dense'."
        )
    if autoencoder.schedule == "one_cycle" and autoencoder.warm_up:
        raise FirstlightError(
            f"Expected warm_up 0 with schedule one_cycle, which rises by itself. Received {autoencoder.warm_up}."
        )


def check_size(autoencoder: "Autoencoder", shape: tuple[int, int, int]) -> None:
    """Refuse a code that could hold the picture itself, where neither noise nor sparsity keep it from being copied.

    Raises:
        FirstlightError: the code has as many units as a picture has values.
    """
    values = shape[0] * shape[1] * shape[2]
    if autoencoder.code >= values and autoencoder.noise == "none" and autoencoder.sparsity == "none":
        raise FirstlightError(
            f"Expected a code smaller than the {shape[0]} x {shape[1]} x {shape[2]} = {values} values of a picture, "
            f"which could be copied without learning anything. Received {autoencoder.code} units. Pass a smaller code, "
            "a larger image_size, or noise or sparsity."
        )


def strength_of(autoencoder: "Autoencoder") -> float:
    """How strong the noise is: as set, or what its kind has by default."""
    return NOISES[autoencoder.noise] if autoencoder.noise_strength is None else autoencoder.noise_strength

"""Pictures through the networks of an autoencoder, batch by batch: to codes, from codes, and there and back."""

from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.systems.autoencoder_refining import Refiner
from firstlight.systems.autoencoder_rows import in_batches

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["codes_of", "drawn", "spread_of", "to_bytes"]


def codes_of(autoencoder: "Autoencoder", pictures: np.ndarray) -> np.ndarray:
    """The codes (pictures, code) of pictures (pictures, height, width, channels) 0..255, uint8 or float32.

    They are bettered by as many steps as were chosen when it was trained.
    """
    codes = spread_of(autoencoder, pictures)[0]
    spread = np.sqrt(np.maximum(np.diag(autoencoder.code_covariance), 1e-12))
    steps = autoencoder.description["chosen"]["refine"]
    if autoencoder.refiner is None or autoencoder.refiner.decoder is not autoencoder.decoder:
        autoencoder.refiner = Refiner(autoencoder.decoder, steps)
    return autoencoder.refiner(codes, pictures, spread)


def spread_of(autoencoder: "Autoencoder", pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes of pictures, and for a variational autoencoder the logarithms of their variances, else zeros."""
    if not len(pictures):
        return np.zeros((0, autoencoder.code), np.float32), np.zeros((0, autoencoder.code), np.float32)

    def encode(places: np.ndarray) -> Any:
        return autoencoder.encoder.predict_on_batch(pictures[places].astype(np.float32))

    given = in_batches(encode, len(pictures), int(np.prod(autoencoder.shape)))
    return (given[0], given[1]) if autoencoder.variational else (given, np.zeros_like(given))


def drawn(autoencoder: "Autoencoder", codes: np.ndarray) -> np.ndarray:
    """The pictures of codes, (codes, height, width, channels) float32, cut to 0..1."""
    if not len(codes):
        return np.zeros((0, *autoencoder.shape), np.float32)
    values = int(np.prod(autoencoder.shape))
    given = in_batches(lambda places: autoencoder.decoder.predict_on_batch(codes[places]), len(codes), values)
    return np.clip(given / np.float32(255), 0, 1)


def to_bytes(pictures: np.ndarray) -> np.ndarray:
    """Pictures from 0 to 1 as uint8."""
    return np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)

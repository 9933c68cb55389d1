"""Pictures from a generator, batch by batch, and the random numbers that they are drawn from."""

import keras
import numpy as np

from firstlight.systems.autoencoder_pictures import to_bytes
from firstlight.systems.autoencoder_training import in_batches

__all__ = ["draw", "latents"]


def latents(count: int, units: int, seed: int) -> np.ndarray:
    """Standard normal numbers (count, units) float32; the first of a seed are the same for every count."""
    return np.random.default_rng(seed).standard_normal((count, units), dtype=np.float32)


def draw(generator: keras.Model, latent: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """The pictures (count, height, width, channels) uint8 of random numbers (count, latent), and of labels (count,)."""

    def given(places: np.ndarray) -> np.ndarray:
        inputs = latent[places] if labels is None else [latent[places], labels[places].astype("int32")]
        return np.asarray(keras.ops.convert_to_numpy(generator.predict_on_batch(inputs)))

    values = int(np.prod(generator.output_shape[1:]))
    return to_bytes(in_batches(given, len(latent), values) / np.float32(255))

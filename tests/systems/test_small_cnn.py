"""The small encoder learns, gives a grid of an eighth of any size, and sees what lies around a region."""

from pathlib import Path

import keras
import numpy as np
import pytest

from firstlight.systems.backbones import fingerprint
from firstlight.systems.small_cnn import small_cnn

SIZE = 64


def test_small_cnn_learns(tmp_path: Path) -> None:
    """Three colours on a noisy ground are told apart after a few steps, and the file opens in plain Keras."""
    keras.utils.set_random_seed(0)
    encoder = small_cnn(SIZE)
    assert encoder.output_shape == (None, 8, 8, 160)
    assert encoder.count_params() < 500_000
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 64)
    pictures = generator.integers(0, 100, (64, SIZE, SIZE, 3)).astype("float32")
    pictures[np.arange(64), 20:40, 20:40, labels] = 255
    head = keras.Sequential([encoder, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    head.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = [float(head.train_on_batch(pictures, labels)) for _ in range(12)]
    assert losses[-1] < 0.3 * losses[0]
    encoder.save(tmp_path / "encoder.keras")
    assert fingerprint(keras.models.load_model(tmp_path / "encoder.keras")) == fingerprint(encoder)


@pytest.mark.parametrize("size", [32, 50, 64, 72, 96])
def test_the_grid_is_an_eighth_of_any_size(size: int) -> None:
    assert small_cnn(size).output_shape == (None, -(-size // 8), -(-size // 8), 160)


def test_a_region_sees_what_lies_around_it() -> None:
    """A change in one corner reaches regions at half the picture's side, and not the opposite corner."""
    encoder = small_cnn(96)
    picture = np.random.default_rng(0).integers(0, 255, (1, 96, 96, 3)).astype("float32")
    changed = picture.copy()
    changed[0, :8, :8] = 0
    reached = np.abs(encoder.predict_on_batch(changed) - encoder.predict_on_batch(picture)).sum(axis=-1)[0] > 0
    assert reached[0, 0]
    assert reached[:6, :6].any(axis=0).sum() >= 5
    assert not reached[-2:, -2:].any()

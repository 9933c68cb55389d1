"""The fused batch normalization: Keras's values, gradients and running statistics, in float32 and bfloat16."""

from typing import Any

import keras
import numpy as np
import pytest

from firstlight.systems.batch_normalization import FusedBatchNormalization

X = np.random.default_rng(0).normal(3.0, 2.0, (6, 5, 4, 7)).astype("float32")
Y = np.random.default_rng(1).normal(size=X.shape).astype("float32")


def trained(kind: Any, precision: str, steps: int = 3) -> tuple[list[np.ndarray], np.ndarray]:
    """Weights after some steps of descent on a convolution and a normalization, and what the network then predicts."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            keras.layers.Conv2D(7, 3, padding="same", dtype=precision),
            kind(momentum=0.7, dtype=precision, name="normalization"),
        ]
    )
    network.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    for _ in range(steps):
        network.train_on_batch(X, Y)
    return [keras.ops.convert_to_numpy(v) for v in network.weights], keras.ops.convert_to_numpy(
        network.predict_on_batch(X)
    )


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-5), ("mixed_bfloat16", 2e-2)])
def test_training_goes_as_with_the_layer_of_keras(precision: str, tolerance: float) -> None:
    ours, told = trained(FusedBatchNormalization, precision)
    theirs, expected = trained(keras.layers.BatchNormalization, precision)
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, reference, atol=tolerance, rtol=tolerance)
    np.testing.assert_allclose(told.astype("float32"), expected.astype("float32"), atol=2 * tolerance, rtol=tolerance)


def test_frozen_it_keeps_its_statistics() -> None:
    layer = FusedBatchNormalization()
    layer.build(X.shape)
    layer.trainable = False
    frozen = layer(X, training=True)
    np.testing.assert_allclose(frozen, layer(X, training=False), atol=1e-6)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(7))
    layer.trainable = True
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.01 * X.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.99 + 0.01 * X.var((0, 1, 2)), rtol=1e-5)


def test_vectors_are_normalized_by_keras() -> None:
    rows = X.reshape(-1, 7)
    ours, theirs = FusedBatchNormalization(), keras.layers.BatchNormalization()
    np.testing.assert_allclose(ours(rows, training=True), theirs(rows, training=True), atol=1e-6)

"""Batch normalization in one pass over the memory while training; the weights and the formula are Keras's.

Keras computes it from a dozen operations on float32 copies, which costs more than the convolutions between. A network
trains with this layer; what is saved is the same network with Keras's own.
"""

from typing import Any

import keras

from firstlight.systems.backend import normalize_batch

__all__ = ["FusedBatchNormalization"]


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer for images (batch, height, width, channels), fused while training (Ioffe and Szegedy 2015, alg. 1).

    Weights, names and settings are those of `keras.layers.BatchNormalization`, so `set_weights` carries them over. In
    mixed precision, sums are taken in float32 as Keras does. Where the back end has no such operation, and while
    predicting, the layer is Keras's.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The same shape; while training the running mean and variance follow."""
        found = None
        if training and self.trainable and mask is None and len(inputs.shape) == 4:
            found = normalize_batch(inputs, self.gamma, self.beta, self.epsilon)
        if found is None:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = found
        for running, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + value * (1.0 - self.momentum))
        return outputs

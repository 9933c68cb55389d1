"""Layers whose largest singular value is held at 1 while training, and what they come to as stock layers.

A discriminator of such layers cannot grow steep, so that it leaves the generator something to learn from.
"""

from typing import Any

import keras
from keras import layers, ops

__all__ = ["SpectralConv2D", "SpectralDense", "folded_weights"]

_TINY = 1e-12


class _Spectral:
    """What both layers share: the kernel as a matrix, divided by its largest singular value.

    That is followed by one step of the power iteration in each training step (Miyato et al. 2018, algorithm 1): the
    left singular vector is kept in `direction`, and both vectors count as constants in the gradient.
    """

    def build(self: Any, input_shape: Any) -> None:
        super().build(input_shape)  # type: ignore[misc]
        self.direction = self.add_weight(
            shape=(self.kernel.shape[-1],),
            initializer=keras.initializers.RandomNormal(),
            trainable=False,
            autocast=False,
            name="direction",
        )

    def divided(self: Any, training: bool | None) -> Any:
        """The kernel over its largest singular value; while training the vector takes a step."""
        matrix = ops.cast(ops.reshape(self.kernel, (-1, self.kernel.shape[-1])), "float32")
        constant = ops.stop_gradient(matrix)
        right = _unit(ops.matmul(constant, self.direction))
        left = _unit(ops.matmul(right, constant))
        if training:
            self.direction.assign(left)
        largest = ops.sum(ops.matmul(right, matrix) * left)
        return self.kernel / ops.cast(largest, self.kernel.dtype)


def _unit(vector: Any) -> Any:
    return vector / (ops.norm(vector) + _TINY)


class SpectralConv2D(_Spectral, layers.Conv2D):
    """`keras.layers.Conv2D` without activation, its kernel divided by its largest singular value as a matrix."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """(batch, rows, columns, filters)."""
        outputs = self.convolution_op(inputs, self.divided(training))
        return outputs + self.bias if self.use_bias else outputs


class SpectralDense(_Spectral, layers.Dense):
    """`keras.layers.Dense` without activation, its kernel divided by its largest singular value."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """(batch, units)."""
        outputs = ops.matmul(inputs, self.divided(training))
        return outputs + self.bias if self.use_bias else outputs


def folded_weights(network: keras.Model) -> list[Any]:
    """The weights of a network for the same network of stock layers: kernels divided, directions left out."""
    found = []
    for layer in network.layers:
        values = layer.get_weights()
        if isinstance(layer, _Spectral):
            values = [ops.convert_to_numpy(layer.divided(False)), *values[1:-1]]
        found += values
    return found

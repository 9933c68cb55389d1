"""Dropout and noise: disturbances while training, so that no unit can rely on another; nothing at all afterwards.

What is drawn follows from `initializers.set_random_seed`, or from a layer's own seed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.initializers import generator
from firstlight.engine.layer import Layer
from firstlight.errors import FirstlightError

__all__ = ["AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D"]


class _Disturbance(Layer):
    """Keeps the shape, and does something while training only."""

    supports_masking = True

    def __init__(self, seed: int | None = None, **options: Any):
        super().__init__(**options)
        self.seed = seed
        self._random = None if seed is None else generator(seed)

    def call(self, inputs: Any, /, training: bool = False) -> Any:
        """The disturbed input while training, else the input."""
        return self.disturbed(inputs, self._random or generator()) if training else inputs

    def disturbed(self, inputs: Any, random: np.random.Generator) -> Any:
        """What comes out while training."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape


class Dropout(_Disturbance):
    """Sets a share of the numbers to 0 and divides the others by 1 - rate, so that the mean stays (Srivastava 2014).

    Args:
        rate: the share, from 0 to below 1.
        noise_shape: of what is drawn; 1 for an axis along which all are dropped together.
        seed: of the drawing.
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **options: Any
    ):
        super().__init__(seed, **options)
        if not 0 <= rate <= 1:
            raise FirstlightError(f"Expected a rate from 0 to 1. Received {rate}.")
        self.rate = rate
        self.noise_shape = noise_shape

    def disturbed(self, inputs: Any, random: np.random.Generator) -> Any:
        """x mask / (1 - rate)."""
        if self.rate == 0:
            return inputs
        shape = self.drawn(inputs.shape)
        keep = random.random(shape, dtype=np.float32) >= self.rate
        return ops.multiply(inputs, keep * inputs.dtype.type(1 / (1 - self.rate) if self.rate < 1 else 0))

    def drawn(self, shape: tuple[int, ...]) -> list[int]:
        """The shape of what is drawn for an input of a shape."""
        wanted = self.noise_shape or [None] * len(shape)
        return [n if given is None else given for n, given in zip(shape, wanted, strict=True)]


class _SpatialDropout(Dropout):
    """Keras's file has only these arguments of it."""

    def get_config(self) -> dict[str, Any]:
        """Rate, seed, name and dtype."""
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of a sequence (batch, time, channels) (Tompson et al. 2015)."""

    def drawn(self, shape: tuple[int, ...]) -> list[int]:
        """One number a channel."""
        return [shape[0], 1, shape[2]]


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images (batch, height, width, channels) (Tompson et al. 2015)."""

    def drawn(self, shape: tuple[int, ...]) -> list[int]:
        """One number a channel."""
        return [shape[0], 1, 1, shape[3]]


class GaussianNoise(_Disturbance):
    """Adds normal noise of standard deviation `stddev`."""

    def __init__(self, stddev: float, seed: int | None = None, **options: Any):
        super().__init__(seed, **options)
        self.stddev = stddev

    def disturbed(self, inputs: Any, random: np.random.Generator) -> Any:
        """x + noise."""
        return ops.add(inputs, (self.stddev * random.standard_normal(inputs.shape)).astype(inputs.dtype))


class GaussianDropout(_Disturbance):
    """Multiplies by normal noise of mean 1 and the variance that Dropout of this rate has (Srivastava et al. 2014)."""

    def __init__(self, rate: float, seed: int | None = None, **options: Any):
        super().__init__(seed, **options)
        self.rate = rate

    def disturbed(self, inputs: Any, random: np.random.Generator) -> Any:
        """x noise."""
        deviation = np.sqrt(self.rate / (1 - self.rate))
        return ops.multiply(inputs, random.normal(1, deviation, inputs.shape).astype(inputs.dtype))


class AlphaDropout(Dropout):
    """Dropout for selu: sets numbers to its lowest value and brings mean and variance back (Klambauer et al. 2017)."""

    def disturbed(self, inputs: Any, random: np.random.Generator) -> Any:
        """a (x mask + lowest (1 - mask)) + b."""
        lowest = -1.6732632423543772 * 1.0507009873554805
        keep = random.random(self.drawn(inputs.shape), dtype=np.float32) >= self.rate
        a = ((1 - self.rate) * (1 + self.rate * lowest**2)) ** -0.5
        b = -a * lowest * self.rate
        return ops.add(
            ops.multiply(inputs, (a * keep).astype(inputs.dtype)), (a * lowest * ~keep + b).astype(inputs.dtype)
        )

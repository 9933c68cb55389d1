"""Layers that move numbers about and compute nothing."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.layer import Layer
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = ["Flatten", "Masking", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """(batch, ...) -> (batch, all the rest)."""

    def __init__(self, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        if data_format not in (None, "channels_last"):
            raise FirstlightError(f"Expected data_format='channels_last'. Received {data_format!r}.")
        self.data_format = "channels_last"

    def call(self, inputs: Any, /) -> Any:
        """One row for each of the batch."""
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """None where an axis is not known."""
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))


class Reshape(Layer):
    """(batch, ...) -> (batch, *target_shape); -1 stands for what is left."""

    def __init__(self, target_shape: Sequence[int], **options: Any):
        super().__init__(**options)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any, /) -> Any:
        """The same numbers in another shape."""
        return ops.reshape(inputs, (inputs.shape[0], *self.target_shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """With -1 worked out."""
        if -1 not in self.target_shape or None in input_shape[1:]:
            return (input_shape[0], *(None if n == -1 else n for n in self.target_shape))
        left = math.prod(input_shape[1:]) // -math.prod(self.target_shape)
        return (input_shape[0], *(left if n == -1 else n for n in self.target_shape))


class Permute(Layer):
    """The axes after the batch in another order; `dims` counts them from 1."""

    def __init__(self, dims: Sequence[int], **options: Any):
        super().__init__(**options)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise FirstlightError(f"Expected each number from 1 to {len(self.dims)} once. Received {self.dims}.")

    def call(self, inputs: Any, /) -> Any:
        """Transposed."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The lengths in that order."""
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


class RepeatVector(Layer):
    """(batch, features) -> (batch, n, features)."""

    def __init__(self, n: int, **options: Any):
        super().__init__(**options)
        self.n = n

    def call(self, inputs: Any, /) -> Any:
        """n times the same."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """A new axis of n."""
        return (input_shape[0], self.n, input_shape[1])


class Masking(Layer):
    """Tells the layers behind to pass over steps in which all features equal `mask_value`, and sets these to 0."""

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **options: Any):
        super().__init__(**options)
        self.mask_value = mask_value

    def call(self, inputs: Any, /) -> Any:
        """x, and 0 where it is masked."""
        return ops.multiply(inputs, self.compute_mask(inputs)[..., None].astype(inputs.dtype))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where any feature differs."""
        return np.any(value_of(inputs) != self.mask_value, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape

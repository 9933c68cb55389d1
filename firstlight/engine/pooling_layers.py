"""Layers of pooling: they keep the largest or the mean of each window, or of all places.

They have no weights; the formulas stand beside the operations in `firstlight.engine.image_ops`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from firstlight.engine import ops
from firstlight.engine.conv_layers import channels_last
from firstlight.engine.image_ops import average_pool, max_pool
from firstlight.engine.layer import Layer
from firstlight.engine.tensor import value_of
from firstlight.engine.windows import each_axis, windows_over
from firstlight.errors import FirstlightError

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "MaxPooling1D",
    "MaxPooling2D",
]


class _Pooling(Layer):
    """One number for each window and channel.

    Args:
        pool_size: places of a window; one number, or one for each axis.
        strides: from one window to the next; by default `pool_size`, so that they lie side by side.
        padding: "valid" takes windows that lie within, "same" also those that stick out; padding does not count.
        data_format: only "channels_last".
    """

    axes: ClassVar[int]

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.pool_size = each_axis(pool_size, self.axes, "pool_size")
        self.strides = self.pool_size if strides is None else each_axis(strides, self.axes, "strides")
        self.padding, self.data_format = padding.lower(), channels_last(data_format)
        if self.padding not in ("valid", "same"):
            raise FirstlightError(f'Expected padding to be "valid" or "same". Received {padding!r}.')

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As many places as there are windows."""
        fields = zip(input_shape[1:-1], self.pool_size, self.strides, strict=True)
        places = [
            None if length is None else windows_over([length], [size], stride, self.padding).places[0]
            for length, size, stride in fields
        ]
        return (input_shape[0], *places, input_shape[-1])


class _MaxPooling(_Pooling):
    def call(self, inputs: Any, /) -> Any:
        """The largest in each window."""
        return max_pool(inputs, self.pool_size, self.strides, self.padding)


class _AveragePooling(_Pooling):
    def call(self, inputs: Any, /) -> Any:
        """The mean of each window."""
        return average_pool(inputs, self.pool_size, self.strides, self.padding)


class MaxPooling1D(_MaxPooling):
    """The largest of each window of time: (batch, time, channels) -> (batch, places, channels)."""

    axes = 1


class MaxPooling2D(_MaxPooling):
    """The largest of each window of a picture: (batch, height, width, channels) -> (batch, rows, columns, channels)."""

    axes = 2


class AveragePooling1D(_AveragePooling):
    """The mean of each window of time: (batch, time, channels) -> (batch, places, channels)."""

    axes = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window of a picture: (batch, height, width, channels) -> (batch, rows, columns, channels)."""

    axes = 2


class _GlobalPooling(Layer):
    """One number for each channel.

    Args:
        data_format: only "channels_last".
        keepdims: keep the axes of places, with length 1.
    """

    axes: ClassVar[int]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **options: Any):
        super().__init__(**options)
        self.data_format, self.keepdims = channels_last(data_format), keepdims

    @property
    def _over(self) -> tuple[int, ...]:
        return tuple(range(1, self.axes + 1))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, channels), or with ones between them."""
        return (input_shape[0], *((1,) * self.axes if self.keepdims else ()), input_shape[-1])


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over time: (batch, time, channels) -> (batch, channels). Padding that is masked does not count."""

    axes = 1
    supports_masking = True

    def call(self, inputs: Any, /, mask: Any = None) -> Any:
        """The sum of what counts over how many count."""
        if mask is None:
            return ops.mean(inputs, 1, self.keepdims)
        real = np.asarray(value_of(mask), bool)[:, :, None]
        count = real.sum(1, keepdims=self.keepdims).astype(inputs.dtype)
        return ops.divide(ops.sum(ops.where(real, inputs, 0.0), 1, self.keepdims), count)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: there is no time left to mask."""
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over a picture: (batch, height, width, channels) -> (batch, channels) (Lin et al. 2014)."""

    axes = 2

    def call(self, inputs: Any, /) -> Any:
        """The mean over all places."""
        return ops.mean(inputs, self._over, self.keepdims)


class _GlobalMaxPooling(_GlobalPooling):
    def call(self, inputs: Any, /) -> Any:
        """The largest of all places."""
        return ops.max(inputs, self._over, self.keepdims)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest over time: (batch, time, channels) -> (batch, channels)."""

    axes = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest over a picture: (batch, height, width, channels) -> (batch, channels)."""

    axes = 2

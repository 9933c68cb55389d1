"""Layers of convolution that see each channel alone, and of those that then mix the channels place by place.

They have far fewer weights than a full convolution, which phones are glad of (Howard et al. 2017).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from firstlight.engine import ops
from firstlight.engine.conv_layers import Convolution
from firstlight.engine.convolution import depthwise_conv, separable_conv

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]


class _DepthwiseConv(Convolution):
    """activation(x * K + b), where each channel is seen alone and gives `depth_multiplier` channels.

    Args:
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: see Convolution.
        depth_multiplier: how many filters each channel has.
    """

    made_of: ClassVar = {"depthwise": "glorot_uniform", "bias": "zeros"}

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        **options: Any,
    ):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **options)
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        """K (sizes, channels, multiplier) and b (channels * multiplier,)."""
        channels = self.channels(input_shape)
        self.kernel = _named(self, "depthwise", (*self.kernel_size, channels, self.depth_multiplier), "kernel")
        self.bias = self.add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any, /) -> Any:
        """activation(x * K + b)."""
        x = depthwise_conv(inputs, self.kernel, self.strides, self.padding, dilation_rate=self.dilation_rate)
        return self.activation(ops.add(x, self.bias) if self.use_bias else x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, places, channels * multiplier)."""
        return (input_shape[0], *self.places(input_shape), input_shape[-1] * self.depth_multiplier)


class DepthwiseConv1D(_DepthwiseConv):
    """Along time, each channel alone: (batch, time, channels) -> (batch, places, channels * depth_multiplier)."""

    axes = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Over pictures, each channel alone: (batch, height, width, channels) -> (batch, rows, columns, more channels)."""

    axes = 2


class _SeparableConv(Convolution):
    """activation((x * D) P + b): each channel alone with D, then each place alone with P (Chollet 2017).

    Args:
        filters: channels of the output.
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: see Convolution.
        depth_multiplier: how many channels D makes of each.
    """

    made_of: ClassVar = {"depthwise": "glorot_uniform", "pointwise": "glorot_uniform", "bias": "zeros"}

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        **options: Any,
    ):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **options)
        self.filters, self.depth_multiplier = filters, depth_multiplier

    def build(self, input_shape: Any) -> None:
        """D (sizes, channels, multiplier), P (1, ..., channels * multiplier, filters) and b (filters,)."""
        channels = self.channels(input_shape)
        self.depthwise_kernel = _named(self, "depthwise", (*self.kernel_size, channels, self.depth_multiplier))
        mixed = (*(1 for _ in self.kernel_size), channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = _named(self, "pointwise", mixed)
        self.bias = self.add_bias(self.filters)

    def call(self, inputs: Any, /) -> Any:
        """activation((x * D) P + b)."""
        settings: Any = {"strides": self.strides, "padding": self.padding, "dilation_rate": self.dilation_rate}
        return self.activation(
            separable_conv(inputs, self.depthwise_kernel, self.pointwise_kernel, bias=self.bias, **settings)
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, places, filters)."""
        return (input_shape[0], *self.places(input_shape), self.filters)


class SeparableConv1D(_SeparableConv):
    """Along time: (batch, time, channels) -> (batch, places, filters)."""

    axes = 1


class SeparableConv2D(_SeparableConv):
    """Over pictures: (batch, height, width, channels) -> (batch, rows, columns, filters)."""

    axes = 2


def _named(layer: Convolution, part: str, shape: Sequence[int], name: str = "") -> Any:
    """A weight whose arguments go by another name than itself: `depthwise_initializer` for `depthwise_kernel`."""
    return layer.add_weight(
        shape,
        getattr(layer, f"{part}_initializer"),
        name=name or f"{part}_kernel",
        regularizer=getattr(layer, f"{part}_regularizer"),
        constraint=getattr(layer, f"{part}_constraint"),
    )

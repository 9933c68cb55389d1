"""Layers of convolution: a kernel looks at a window, moves on, and looks again with the same weights.

Formulas and derivatives stand beside the operations in `firstlight.engine.convolution`; `call` only puts them together.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from firstlight.engine import activations
from firstlight.engine.convolution import conv, conv_transpose
from firstlight.engine.layer import Layer
from firstlight.engine.windows import each_axis, transposed_length, windows_over
from firstlight.errors import FirstlightError

__all__ = [
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution",
    "channels_last",
]


def channels_last(data_format: str | None) -> str:
    """The one order of axes that there is: (batch, places, channels).

    Raises:
        FirstlightError: another one is asked for.
    """
    if data_format not in (None, "channels_last"):
        raise FirstlightError(
            f'Expected data_format "channels_last", the only one here. Received {data_format!r}. '
            "Move the channels to the end: numpy.moveaxis(array, 1, -1)."
        )
    return "channels_last"


class Convolution(Layer):
    """What all layers of convolution have in common; none by itself.

    Args:
        kernel_size: how many places a window sees; one number, or one for each axis, as for strides and dilation.
        strides: from one window to the next.
        padding: "valid" takes windows that lie within, "same" gives as many places as come in (over the stride).
        data_format: only "channels_last".
        dilation_rate: from one place that a window sees to the next.
        activation: a name or function of `firstlight.engine.activations`.
        use_bias: whether each filter adds a number of its own.
    """

    axes: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        **options: Any,
    ):
        super().__init__(**options)
        self.kernel_size = each_axis(kernel_size, self.axes, "kernel_size")
        self.strides = each_axis(strides, self.axes, "strides")
        self.padding = padding.lower()
        self.data_format = channels_last(data_format)
        self.dilation_rate = each_axis(dilation_rate, self.axes, "dilation_rate")
        self.activation, self.use_bias = activations.get(activation), use_bias
        if self.padding not in self.paddings:
            raise FirstlightError(f"Expected padding to be one of {', '.join(self.paddings)}. Received {padding!r}.")

    def channels(self, input_shape: Any) -> int:
        """Of the input, which must have all axes."""
        if len(input_shape) != self.axes + 2 or input_shape[-1] is None:
            places = ["time"] if self.axes == 1 else ["depth", "height", "width"][-self.axes :]
            raise FirstlightError(
                f"Expected an input (batch, {', '.join(places)}, channels) for {self.name}, with the number of "
                f"channels known. Received shape {input_shape}."
            )
        return int(input_shape[-1])

    def places(self, input_shape: Any) -> tuple[int | None, ...]:
        """How many windows there are along each axis; None where that is not known."""
        fields = zip(input_shape[1:-1], self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return tuple(
            None if length is None else windows_over([length], [size], stride, self.padding, dilation).places[0]
            for length, size, stride, dilation in fields
        )

    def add_bias(self, filters: int) -> Any:
        """A bias for each filter, or None."""
        return self.add_weight((filters,), name="bias") if self.use_bias else None


class _Conv(Convolution):
    """activation(x * K + b): each of `filters` outputs is a weighed sum of all channels that a window sees.

    Args:
        filters: channels of the output.
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: see Convolution; along time
            also padding "causal", which sees nothing that comes later.
        groups: so many parts of the filters see so many parts of the channels.
    """

    made_of: ClassVar = {"kernel": "glorot_uniform", "bias": "zeros"}

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        **options: Any,
    ):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **options)
        self.filters, self.groups = filters, groups

    def build(self, input_shape: Any) -> None:
        """K (sizes, channels / groups, filters) and b (filters,)."""
        channels = self.channels(input_shape)
        if channels % self.groups or self.filters % self.groups:
            raise FirstlightError(
                f"Expected channels and filters of {self.name} to be multiples of {self.groups} groups. "
                f"Received {channels} channels and {self.filters} filters."
            )
        self.kernel = self.add_weight((*self.kernel_size, channels // self.groups, self.filters), name="kernel")
        self.bias = self.add_bias(self.filters)

    def call(self, inputs: Any, /) -> Any:
        """activation(x * K + b)."""
        settings: Any = {"strides": self.strides, "padding": self.padding, "dilation_rate": self.dilation_rate}
        return self.activation(conv(inputs, self.kernel, bias=self.bias, **settings))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, places, filters)."""
        return (input_shape[0], *self.places(input_shape), self.filters)


class Conv1D(_Conv):
    """Along time: (batch, time, channels) -> (batch, places, filters)."""

    axes = 1
    paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """Over pictures: (batch, height, width, channels) -> (batch, rows, columns, filters) (LeCun et al. 1998)."""

    axes = 2


class Conv3D(_Conv):
    """Over volumes: (batch, depth, height, width, channels) -> (batch, places along the three, filters)."""

    axes = 3


class _ConvTranspose(Convolution):
    """activation(x * K^T + b): every number is spread over a window, the way back of a convolution.

    Args:
        filters: channels of the output.
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: see Convolution.
        output_padding: places more at the end, fewer than the stride; by default as many as give whole strides.
    """

    made_of: ClassVar = {"kernel": "glorot_uniform", "bias": "zeros"}

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        **options: Any,
    ):
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **options)
        self.filters, self.output_padding = filters, None
        if output_padding is not None:
            self.output_padding = each_axis(output_padding, self.axes, "output_padding", 0)
            if any(more >= stride for more, stride in zip(self.output_padding, self.strides, strict=True)):
                raise FirstlightError(
                    f"Expected output_padding below the strides {self.strides}. Received {output_padding}."
                )

    def build(self, input_shape: Any) -> None:
        """K (sizes, filters, channels) and b (filters,)."""
        self.kernel = self.add_weight((*self.kernel_size, self.filters, self.channels(input_shape)), name="kernel")
        self.bias = self.add_bias(self.filters)

    def call(self, inputs: Any, /) -> Any:
        """activation(x * K^T + b)."""
        settings: Any = {"strides": self.strides, "padding": self.padding, "output_padding": self.output_padding}
        settings["dilation_rate"] = self.dilation_rate
        return self.activation(conv_transpose(inputs, self.kernel, bias=self.bias, **settings))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, lengths, filters)."""
        more = self.output_padding or (None,) * self.axes
        fields = zip(input_shape[1:-1], self.kernel_size, self.strides, more, self.dilation_rate, strict=True)
        lengths = [
            None if length is None else transposed_length(length, size, stride, self.padding, extra, dilation)
            for length, size, stride, extra, dilation in fields
        ]
        return (input_shape[0], *lengths, self.filters)


class Conv1DTranspose(_ConvTranspose):
    """Along time: (batch, places, channels) -> (batch, time, filters)."""

    axes = 1


class Conv2DTranspose(_ConvTranspose):
    """Over pictures: (batch, rows, columns, channels) -> (batch, height, width, filters) (Zeiler et al. 2010)."""

    axes = 2


class Conv3DTranspose(_ConvTranspose):
    """Over volumes: (batch, places along three axes, channels) -> (batch, depth, height, width, filters)."""

    axes = 3

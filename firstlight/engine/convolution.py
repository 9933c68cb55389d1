"""Convolutions with their derivatives: arrays (batch, places, channels), channels last, as in `keras.ops`.

Places may have any number of axes: time, or height and width. A convolution unfolds what each window sees into a row
and multiplies all rows by the kernel at once. Its way back and its transpose are made of the same three steps
(Dumoulin and Visin 2016).
"""

from math import prod
from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.parts import in_parts
from firstlight.engine.tensor import operation
from firstlight.engine.windows import Windows, each_axis, transposed_length, windows_over
from firstlight.errors import FirstlightError

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]

# -- the three steps ---------------------------------------------------------------------------------------------


def _row_bytes(windows: Windows, channels: int, dtype: np.dtype) -> int:
    return prod(windows.places) * prod(windows.sizes) * channels * dtype.itemsize


def _look(x: np.ndarray, kernel: np.ndarray, windows: Windows, bias: Any = None) -> np.ndarray:
    """y[p] = bias + sum over offsets o of x[p * stride + o * dilation - before] kernel[o]: unfold and multiply."""
    *_, channels, filters = kernel.shape
    y = np.empty((len(x), *windows.places, filters), np.result_type(x, kernel))
    matrix = kernel.reshape(-1, filters)

    def part(some: slice) -> None:
        rows = y[some].reshape(-1, filters)
        np.matmul(windows.seen(x[some]).reshape(-1, len(matrix)), matrix, out=rows)
        if bias is not None:
            rows += bias  # here, while they are still in the cache

    in_parts(part, len(x), _row_bytes(windows, channels, y.dtype))
    return y


def _look_back(g: np.ndarray, kernel: np.ndarray, windows: Windows) -> np.ndarray:
    """dL/dx: what each place of x gave to the windows that saw it, comes back from them through the same weight.

    dL/dx[q] = sum of g[p] kernel[o]^T over all p and o with p * stride + o * dilation - before = q. Where strides are
    1, that is a look at g through the kernel turned round. Else the rows g kernel^T are folded: each part of a row is
    added to the place that it was unfolded from.
    """
    *_, channels, filters = kernel.shape
    if all(stride == 1 for stride in windows.strides):
        turned = np.flip(kernel, tuple(range(kernel.ndim - 2))).swapaxes(-1, -2)
        return _look(g, np.ascontiguousarray(turned), windows.back)
    x = np.zeros((len(g), *windows.lengths, channels), np.result_type(g, kernel))
    matrix = kernel.reshape(-1, filters).T

    def part(some: slice) -> None:
        rows = (g[some].reshape(-1, filters) @ matrix).reshape(-1, *windows.places, *windows.sizes, channels)
        for offset, there, here in windows.meetings():
            x[some][there] += rows[(*here, *offset)]

    in_parts(part, len(g), _row_bytes(windows, channels, x.dtype))
    return x


def _weigh(x: np.ndarray, g: np.ndarray, windows: Windows) -> np.ndarray:
    """dL/dkernel[o] = sum over places p of x[p * stride + o * dilation - before]^T g[p]: unfold and multiply again."""
    channels, filters = x.shape[-1], g.shape[-1]

    def part(some: slice) -> np.ndarray:
        rows = g[some].reshape(-1, filters)
        return windows.seen(x[some]).reshape(len(rows), -1).T @ rows

    total = np.zeros((prod(windows.sizes) * channels, filters), np.result_type(x, g))
    for each in in_parts(part, len(x), _row_bytes(windows, channels, x.dtype)):
        total += each
    return total.reshape(*windows.sizes, channels, filters)


# -- convolution -------------------------------------------------------------------------------------------------


def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", *, dilation_rate: Any = 1, bias: Any = None
) -> Any:
    """Each output is a weighed sum of what a window sees: (batch, *lengths, channels) -> (batch, *places, filters).

    The kernel is (*sizes, channels, filters). If it has fewer channels, say half, there are that many groups: the first
    half of the filters sees the first half of the channels, the second half the second.

    Args:
        padding: see `windows_over`.
        bias: added to every output.
    """
    _check_axes(inputs, kernel)
    *sizes, width, filters = kernel.shape
    windows = windows_over(inputs.shape[1:-1], sizes, strides, padding, dilation_rate)
    if inputs.shape[-1] == width:
        return _conv(inputs, kernel, bias, windows=windows)
    groups = inputs.shape[-1] // width
    if inputs.shape[-1] % width or filters % groups:
        raise FirstlightError(
            f"Expected {width} channels for a kernel {kernel.shape}, or so many times {width} that its filters can be "
            f"shared out among as many groups. Received {inputs.shape[-1]} channels and {filters} filters."
        )
    share = filters // groups
    parts = [
        _conv(inputs[..., n * width : (n + 1) * width], kernel[..., n * share : (n + 1) * share], None, windows=windows)
        for n in range(groups)
    ]
    return ops.concatenate(parts) if bias is None else ops.add(ops.concatenate(parts), bias)


@operation
def _conv(x: Any, kernel: Any, bias: Any, /, windows: Windows) -> Any:
    y = _look(x, kernel, windows, bias)
    return y, lambda g: _look_back(g, kernel, windows), lambda g: _weigh(x, g, windows), lambda g: g


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    *,
    dilation_rate: Any = 1,
    bias: Any = None,
) -> Any:
    """The way back of a convolution, taken forth: (batch, *places, channels) -> (batch, *lengths, filters).

    Every number is spread over a window of the output. The kernel is (*sizes, filters, channels): that of the
    convolution from the output to the input. So the derivative of this operation is that convolution.

    Args:
        output_padding: places more at the end, less than the stride; by default, as many as give whole strides.
    """
    _check_axes(inputs, kernel)
    *sizes, _, channels = kernel.shape
    axes, given = len(sizes), inputs.shape[1:-1]
    if inputs.shape[-1] != channels:
        raise FirstlightError(f"Expected {channels} channels for a kernel {kernel.shape}. Received {inputs.shape}.")
    strides, dilation = each_axis(strides, axes, "strides"), each_axis(dilation_rate, axes, "dilation_rate")
    more = (None,) * axes if output_padding is None else each_axis(output_padding, axes, "output_padding", 0)
    lengths = [
        transposed_length(length, size, stride, padding, extra, step)
        for length, size, stride, extra, step in zip(given, sizes, strides, more, dilation, strict=True)
    ]
    windows = windows_over(lengths, sizes, strides, padding, dilation)
    if windows.places != given:
        raise FirstlightError(
            f"Expected an output that a convolution brings to {given}. Received output_padding {output_padding}, for "
            f"which it is {tuple(lengths)} and comes to {windows.places}. Use None or another output_padding."
        )
    return _conv_transpose(inputs, kernel, bias, windows=windows)


@operation
def _conv_transpose(x: Any, kernel: Any, bias: Any, /, windows: Windows) -> Any:
    y = _look_back(x, kernel, windows)
    if bias is not None:
        y += bias
    return y, lambda g: _look(g, kernel, windows), lambda g: _weigh(g, x, windows), lambda g: g


def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", *, dilation_rate: Any = 1
) -> Any:
    """A convolution for each channel alone: the kernel (*sizes, channels, multiplier) makes `multiplier` of each."""
    _check_axes(inputs, kernel)
    if inputs.shape[-1] != kernel.shape[-2]:
        raise FirstlightError(
            f"Expected {kernel.shape[-2]} channels for a kernel {kernel.shape}. Received {inputs.shape}."
        )
    return _depthwise_conv(
        inputs, kernel, windows=windows_over(inputs.shape[1:-1], kernel.shape[:-2], strides, padding, dilation_rate)
    )


@operation
def _depthwise_conv(x: Any, kernel: Any, /, windows: Windows) -> Any:
    """y[p] = sum_o x[p * stride + o * dilation - before] kernel[o], number by number, one offset after the other.

    There is no sum over channels, so that a product of matrices would gain nothing.
    """
    channels, multiplier = kernel.shape[-2:]
    y = np.zeros((len(x), *windows.places, channels, multiplier), np.result_type(x, kernel))
    meetings: list[Any] = [
        (there, (*here, slice(None), m), (*offset, slice(None), m))
        for offset, there, here in windows.meetings()
        for m in range(multiplier)
    ]

    def forth(some: slice) -> None:
        for there, here, weight in meetings:
            y[some][here] += x[some][there] * kernel[weight]

    def to_x(g: Any) -> Any:
        found = np.zeros_like(x, g.dtype)

        def part(some: slice) -> None:
            for there, here, weight in meetings:
                found[some][there] += g[some].reshape(y[some].shape)[here] * kernel[weight]

        in_parts(part, len(x), x[:1].nbytes)
        return found

    def to_kernel(g: Any) -> Any:
        def part(some: slice) -> np.ndarray:
            found = np.zeros_like(kernel, g.dtype)
            for there, here, weight in meetings:
                products = x[some][there] * g[some].reshape(y[some].shape)[here]
                found[weight] = products.reshape(-1, channels).sum(0)
            return found

        return sum(in_parts(part, len(x), x[:1].nbytes), np.zeros_like(kernel, g.dtype))

    in_parts(forth, len(x), x[:1].nbytes)
    return y.reshape(*y.shape[:-2], channels * multiplier), to_x, to_kernel


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    *,
    dilation_rate: Any = 1,
    bias: Any = None,
) -> Any:
    """First each channel alone, then each place alone: few weights in place of many (Chollet 2017)."""
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, dilation_rate=dilation_rate)
    return conv(x, pointwise_kernel, bias=bias)


def _check_axes(inputs: Any, kernel: Any) -> None:
    if len(inputs.shape) != len(kernel.shape):
        raise FirstlightError(
            f"Expected an input (batch, places, channels) of {len(kernel.shape)} axes for a kernel {kernel.shape}. "
            f"Received {inputs.shape}."
        )

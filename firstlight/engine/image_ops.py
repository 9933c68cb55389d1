"""Pooling and resizing of pictures, with their derivatives: arrays (batch, places, channels), channels last.

Pooling goes over the offsets of a window, not over the windows: a few operations on large arrays in place of many on
small ones. Resizing is a product with a matrix along each axis.
"""

from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.parts import in_parts
from firstlight.engine.tensor import operation
from firstlight.engine.windows import Windows, each_axis, windows_over
from firstlight.errors import FirstlightError

__all__ = ["average_pool", "max_pool", "resize"]

# -- pooling -----------------------------------------------------------------------------------------------------


def max_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid") -> Any:
    """The largest that each window sees of each channel; the first of equals alone gets the gradient.

    Args:
        strides: by default `pool_size`, so that every place belongs to one window.
    """
    return _max_pool(inputs, windows=_pools(inputs, pool_size, strides, padding))


def average_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid") -> Any:
    """The mean of what each window sees of each channel; padding does not count."""
    return _average_pool(inputs, windows=_pools(inputs, pool_size, strides, padding))


def _pools(inputs: Any, pool_size: Any, strides: Any, padding: str) -> Windows:
    sizes = each_axis(pool_size, len(inputs.shape) - 2, "pool_size")
    return windows_over(inputs.shape[1:-1], sizes, sizes if strides is None else strides, padding)


@operation
def _max_pool(x: Any, /, windows: Windows) -> Any:
    y = np.full((len(x), *windows.places, x.shape[-1]), -np.inf, np.result_type(x, np.float32))

    def forth(some: slice) -> None:
        for _, there, here in windows.meetings():
            np.maximum(y[some][here], x[some][there], out=y[some][here])

    def back(g: Any) -> Any:
        found = np.zeros_like(x, g.dtype)

        def part(some: slice) -> None:
            waiting = np.ones(y[some].shape, bool)  # windows whose largest has not been met yet
            for _, there, here in windows.meetings():
                met = (x[some][there] == y[some][here]) & waiting[here]
                waiting[here] ^= met
                found[some][there] += g[some][here] * met

        in_parts(part, len(x), x[:1].nbytes)
        return found

    in_parts(forth, len(x), x[:1].nbytes)
    return y, back


@operation
def _average_pool(x: Any, /, windows: Windows) -> Any:
    y = np.zeros((len(x), *windows.places, x.shape[-1]), np.result_type(x, np.float32))
    count = np.zeros((1, *windows.places, 1), y.dtype)
    for _, there, here in windows.meetings():
        y[here] += x[there]
        count[here] += 1

    def back(g: Any) -> Any:
        share, found = g / count, np.zeros_like(x, g.dtype)
        for _, there, here in windows.meetings():
            found[there] += share[here]
        return found

    return y / count, back


# -- resizing ----------------------------------------------------------------------------------------------------


def resize(inputs: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False) -> Any:
    """Pictures (..., height, width, channels) of another height and width, "nearest" or "bilinear".

    Along each axis, a new place is a weighed sum of old ones: a product with a matrix, and so is its way back.
    """
    *many, old_height, old_width, channels = inputs.shape
    height, width = each_axis(size, 2, "size")
    dtype = np.result_type(inputs.dtype, np.float32)
    rows = ops.reshape(inputs, (*many, old_height, old_width * channels))
    rows = ops.matmul(_weights(old_height, height, interpolation, antialias).astype(dtype), rows)
    rows = ops.reshape(rows, (*many, height, old_width, channels))
    return ops.matmul(_weights(old_width, width, interpolation, antialias).astype(dtype), rows)


def _weights(old: int, new: int, interpolation: str, antialias: bool) -> np.ndarray:
    """How much of each old place a new one takes, (new, old): less, the further their centres lie apart.

    Bilinear weights fall from 1 to 0 over one old place; with antialias over one new place, if that is larger, so
    that nothing is passed over.
    """
    ratio = old / new
    centres = (np.arange(new) + 0.5) * ratio
    if interpolation == "nearest":
        return np.eye(old)[np.minimum(centres.astype(int), old - 1)]
    if interpolation != "bilinear":
        raise FirstlightError(f'Expected interpolation to be "nearest" or "bilinear". Received {interpolation!r}.')
    apart = np.abs(np.arange(old) + 0.5 - centres[:, None])
    weights = np.maximum(0, 1 - apart / (max(1, ratio) if antialias else 1))
    return weights / weights.sum(1, keepdims=True)

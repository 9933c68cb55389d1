"""Layers that pad, crop and resize pictures and sequences, so that they fit what comes next.

They have no weights; the formula of resizing stands in `firstlight.engine.image_ops`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.conv_layers import channels_last
from firstlight.engine.image_ops import resize
from firstlight.engine.layer import Layer
from firstlight.engine.tensor import value_of
from firstlight.engine.windows import each_axis
from firstlight.errors import FirstlightError

__all__ = [
    "CenterCrop",
    "Cropping1D",
    "Cropping2D",
    "Resizing",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
]


def _ends(value: Any, name: str) -> tuple[tuple[int, ...], ...]:
    """Numbers (before, after) for height and width, of which one number may stand for both or for all."""
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2:
        raise FirstlightError(f"Expected {name} to be one number, two, or two pairs. Received {value!r}.")
    return tuple(each_axis(each, 2, name, 0) for each in pair)


class _ZeroPadding(Layer):
    padding: tuple[Any, ...]
    _pairs: tuple[tuple[int, ...], ...]

    def call(self, inputs: Any, /) -> Any:
        """Zeros around the input."""
        return ops.pad(inputs, ((0, 0), *self._pairs, (0, 0)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Longer by what is added."""
        lengths = [None if n is None else n + sum(ends) for n, ends in zip(input_shape[1:-1], self._pairs, strict=True)]
        return (input_shape[0], *lengths, input_shape[-1])


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after a sequence: `padding` is (before, after), or one number for both."""

    def __init__(self, padding: int | Sequence[int] = 1, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self.padding, self.data_format = each_axis(padding, 2, "padding", 0), channels_last(data_format)
        self._pairs = (self.padding,)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around a picture: `padding` is ((top, bottom), (left, right)), (height, width) or one number for all."""

    def __init__(self, padding: Any = 1, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self.padding, self.data_format = _ends(padding, "padding"), channels_last(data_format)
        self._pairs = self.padding


class _Cropping(Layer):
    cropping: tuple[Any, ...]
    _pairs: tuple[tuple[int, ...], ...]

    def call(self, inputs: Any, /) -> Any:
        """What is left within."""
        shape = self.compute_output_shape(inputs.shape)
        inside = [slice(before, before + n) for (before, _), n in zip(self._pairs, shape[1:-1], strict=True)]
        return inputs[(slice(None), *inside)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shorter by what is cut off."""
        pairs = zip(input_shape[1:-1], self._pairs, strict=True)
        lengths = [None if n is None else n - sum(ends) for n, ends in pairs]
        if any(n is not None and n <= 0 for n in lengths):
            raise FirstlightError(
                f"Expected an input larger than what {self.name} cuts off, {self.cropping}. Received {input_shape}."
            )
        return (input_shape[0], *lengths, input_shape[-1])


class Cropping1D(_Cropping):
    """A sequence without its ends: `cropping` is (before, after), or one number for both."""

    def __init__(self, cropping: int | Sequence[int] = 1, **options: Any):
        super().__init__(**options)
        self.cropping = each_axis(cropping, 2, "cropping", 0)
        self._pairs = (self.cropping,)


class Cropping2D(_Cropping):
    """A picture without its edges: `cropping` is ((top, bottom), (left, right)), (height, width) or one number."""

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self.cropping, self.data_format = _ends(cropping, "cropping"), channels_last(data_format)
        self._pairs = self.cropping


class UpSampling1D(Layer):
    """Every place of a sequence `size` times: (batch, time, channels) -> (batch, time * size, channels)."""

    def __init__(self, size: int = 2, **options: Any):
        super().__init__(**options)
        (self.size,) = each_axis(size, 1, "size")

    def call(self, inputs: Any, /) -> Any:
        """Repeat."""
        return ops.repeat(inputs, self.size, 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """`size` times as long."""
        batch, time, channels = input_shape
        return (batch, None if time is None else time * self.size, channels)


class UpSampling2D(Layer):
    """A picture enlarged by whole factors (height, width), by repeating places or by lines between them.

    Args:
        size: the factors, or one for both.
        data_format: only "channels_last".
        interpolation: "nearest" or "bilinear".
    """

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **options: Any,
    ):
        super().__init__(**options)
        self.size, self.data_format = each_axis(size, 2, "size"), channels_last(data_format)
        self.interpolation = _known(interpolation)

    def call(self, inputs: Any, /) -> Any:
        """Repeat, or weigh the neighbours."""
        if self.interpolation == "nearest":
            return ops.repeat(ops.repeat(inputs, self.size[0], 1), self.size[1], 2)
        return resize(inputs, self.compute_output_shape(inputs.shape)[1:3], self.interpolation)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """So many times as high and as wide."""
        lengths = [None if n is None else n * factor for n, factor in zip(input_shape[1:3], self.size, strict=True)]
        return (input_shape[0], *lengths, input_shape[3])


class Resizing(Layer):
    """Pictures (batch, height, width, channels), or one alone, of another height and width.

    Args:
        height, width: of the output.
        interpolation: "bilinear" or "nearest".
        crop_to_aspect_ratio: cut off what would be squeezed.
        pad_to_aspect_ratio: put `fill_value` around so that nothing is squeezed.
        fill_mode: only "constant".
        antialias: when pictures shrink, weigh all that goes into a new place.
        data_format: only "channels_last".
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.height, self.width, self.interpolation = height, width, _known(interpolation)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value, self.antialias = fill_mode, fill_value, antialias
        self.data_format = channels_last(data_format)
        if fill_mode != "constant" or (crop_to_aspect_ratio and pad_to_aspect_ratio):
            raise FirstlightError(
                'Expected fill_mode "constant", and one of crop_to_aspect_ratio and pad_to_aspect_ratio at most. '
                f"Received fill_mode {fill_mode!r}, crop {crop_to_aspect_ratio} and pad {pad_to_aspect_ratio}."
            )

    def call(self, inputs: Any, /) -> Any:
        """Cut or pad if asked to, then resize; whole numbers stay whole numbers."""
        size, old = (self.height, self.width), inputs.shape[-3:-1]
        if self.crop_to_aspect_ratio:
            inputs = _cut(inputs, _of_ratio(old, size, min))
        if self.pad_to_aspect_ratio:
            around = [(new - n) // 2 for new, n in zip(_of_ratio(old, size, max), old, strict=True)]
            ends = ((0, 0),) * (len(inputs.shape) - 3) + tuple((n, n) for n in around) + ((0, 0),)
            inputs = ops.pad(inputs, ends, self.fill_value)
        resized = resize(inputs, size, self.interpolation, self.antialias)
        return resized if inputs.dtype.kind == "f" else np.rint(value_of(resized)).astype(inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The new height and width."""
        return (*input_shape[:-3], self.height, self.width, input_shape[-1])


class CenterCrop(Layer):
    """The middle of pictures. Of one that is too small, the largest part of the same ratio is enlarged.

    Args:
        height, width: of the output.
        data_format: only "channels_last".
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **options: Any):
        super().__init__(**options)
        self.height, self.width, self.data_format = height, width, channels_last(data_format)

    def call(self, inputs: Any, /) -> Any:
        """Cut, or cut and enlarge."""
        size, old = (self.height, self.width), inputs.shape[-3:-1]
        inputs = ops.cast(inputs, self.dtype)
        if all(new <= n for new, n in zip(size, old, strict=True)):
            return _cut(inputs, size)
        return resize(_cut(inputs, _of_ratio(old, size, min)), size)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The new height and width."""
        return (*input_shape[:-3], self.height, self.width, input_shape[-1])


def _known(interpolation: str) -> str:
    if interpolation.lower() not in ("nearest", "bilinear"):
        raise FirstlightError(f'Expected interpolation to be "nearest" or "bilinear". Received {interpolation!r}.')
    return interpolation.lower()


def _of_ratio(old: Sequence[int], size: Sequence[int], choose: Callable[[int, int], int]) -> tuple[int, int]:
    """Height and width in the ratio of `size`: within the old ones (`choose` is min) or around them (max), not 0."""
    height, width = old
    return max(1, choose(height, width * size[0] // size[1])), max(1, choose(width, height * size[1] // size[0]))


def _cut(inputs: Any, size: Sequence[int]) -> Any:
    """The middle of pictures, of this height and width."""
    (top, left), (height, width) = [(n - new) // 2 for n, new in zip(inputs.shape[-3:-1], size, strict=True)], size
    return inputs[..., top : top + height, left : left + width, :]

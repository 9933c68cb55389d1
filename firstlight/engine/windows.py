"""Windows: what a kernel sees of a picture or a sequence, place after place, along any number of axes.

A window of 3 with stride 2 and dilation 1 sees places 0 1 2, then 2 3 4, then 4 5 6; with dilation 2, every second one.
Convolutions and pooling are sums, products and maxima over such windows; where the windows lie is worked out here.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from firstlight.errors import FirstlightError

__all__ = ["Windows", "each_axis", "span", "transposed_length", "windows_over"]


class Windows(NamedTuple):
    """Where windows lie over an input. Each field has a number for each axis of places (time; height and width).

    Args:
        sizes: how many places a window sees.
        strides: from the start of one window to that of the next.
        dilation: from one place that a window sees to the next.
        before: how far the first window sticks out before the first place.
        lengths: places of the input.
        places: how many windows there are, the places of the output.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    lengths: tuple[int, ...]
    places: tuple[int, ...]

    @property
    def spans(self) -> tuple[int, ...]:
        """From the first place that a window sees to the last, both counted."""
        return tuple([span(size, step) for size, step in zip(self.sizes, self.dilation, strict=True)])

    def meetings(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
        """For each place of the window, which windows see a real number there, and which numbers these are.

        Gives (offset, there, here): what the windows `output[here]` see at this offset is `input[there]`. Along an
        axis, window p sees place p * stride + offset * dilation - before; so none of the padding has to be made.
        """
        for offset in np.ndindex(*self.sizes):
            there, here = [slice(None)], [slice(None)]
            for o, stride, step, before, length, places in zip(offset, *self[1:], strict=True):
                start = o * step - before
                first = max(0, -(start // stride))  # rounded up
                count = max(0, min(places, (length - 1 - start) // stride + 1) - first)
                start += first * stride
                there.append(slice(start, start + count * stride, stride))
                here.append(slice(first, first + count))
            yield offset, tuple(there), tuple(here)

    def seen(self, x: np.ndarray) -> np.ndarray:
        """What each window sees: (batch, *lengths, channels) -> (batch, *places, *sizes, channels), a view of x.

        Nothing is copied, but for the padding. To reshape it is to unfold it: then every window has its numbers alone.

        Raises:
            FirstlightError: x is of other lengths than the windows are for.
        """
        if x.shape[1:-1] != self.lengths:
            raise FirstlightError(f"Expected (batch, *{self.lengths}, channels) for these windows. Received {x.shape}.")
        x = self._padded(x)
        batch, *steps, channel = x.strides  # bytes from one number to the next along each axis
        shape = (len(x), *self.places, *self.sizes, x.shape[-1])
        to_next_window = [step * stride for step, stride in zip(steps, self.strides, strict=True)]
        within_window = [step * dilation for step, dilation in zip(steps, self.dilation, strict=True)]
        return as_strided(x, shape, (batch, *to_next_window, *within_window, channel), writeable=False)

    def _padded(self, x: np.ndarray) -> np.ndarray:
        """Zeros around the input, so that every window lies within."""
        ends = [(n - 1) * stride + span for n, stride, span in zip(self.places, self.strides, self.spans, strict=True)]
        fields = list(zip(ends, self.before, self.lengths, strict=True))
        if all(before == 0 and end <= length for end, before, length in fields):
            return x
        padded = np.zeros((len(x), *[max(end, before + n) for end, before, n in fields], x.shape[-1]), x.dtype)
        padded[(slice(None), *[slice(before, before + n) for _, before, n in fields])] = x
        return padded

    @property
    def back(self) -> "Windows":
        """Which places of the output see each place of the input, where strides are 1: the windows turned round."""
        before = tuple([span - 1 - before for span, before in zip(self.spans, self.before, strict=True)])
        return self._replace(before=before, lengths=self.places, places=self.lengths)


def windows_over(
    lengths: Sequence[int], sizes: Sequence[int], strides: Any = 1, padding: str = "valid", dilation: Any = 1
) -> Windows:
    """The windows over an input of some lengths.

    Padding "valid" has none: every window lies within, (length - span) // stride + 1 of them. "same" and "causal" have
    length / stride of them, rounded up. Of the places that lack for it, "same" puts half before the input (the smaller
    half), "causal" span - 1, so that no window sees what comes after its own place.

    Raises:
        FirstlightError: a window is longer than the input, or there is no such padding.
    """
    strides, dilation = each_axis(strides, len(sizes), "strides"), each_axis(dilation, len(sizes), "dilation_rate")
    before, places = [], []
    for length, size, stride, step in zip(lengths, sizes, strides, dilation, strict=True):
        whole = span(size, step)
        if padding == "valid":
            if whole > length:
                raise FirstlightError(
                    f"Expected at least {whole} places for a window of {size} with dilation {step}. Received {length}. "
                    'Use padding="same", a smaller window, or a larger input.'
                )
            before.append(0)
            places.append((length - whole) // stride + 1)
        elif padding in ("same", "causal"):
            places.append(-(-length // stride))
            lack = max(0, (places[-1] - 1) * stride + whole - length)
            before.append(whole - 1 if padding == "causal" else lack // 2)
        else:
            raise FirstlightError(f'Expected padding to be "valid", "same" or "causal". Received {padding!r}.')
    return Windows(tuple(sizes), strides, dilation, tuple(before), tuple(lengths), tuple(places))


def transposed_length(
    length: int, size: int, stride: int, padding: str = "valid", more: int | None = None, dilation: int = 1
) -> int:
    """The length of the input over which `length` windows lie: of several that are possible, the one Keras takes.

    Args:
        more: `output_padding`; by default, as many places as belong to whole strides.
    """
    whole = span(size, dilation)
    if padding == "valid":
        return (length - 1) * stride + whole + (max(0, stride - whole) if more is None else more)
    return length * stride if more is None else (length - 1) * stride + whole % 2 + more


def span(size: int, dilation: int) -> int:
    """From the first place that a window of `size` sees to the last, both counted."""
    return (size - 1) * dilation + 1


def each_axis(value: Any, axes: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One whole number for each axis; a single one stands for all.

    Raises:
        FirstlightError: there are more or fewer, or one is below `least`.
    """
    numbers = (value,) * axes if isinstance(value, int | np.integer) else tuple(value)
    if len(numbers) != axes or any(not isinstance(n, int | np.integer) or n < least for n in numbers):
        raise FirstlightError(f"Expected {name} to be {axes} whole numbers from {least} on. Received {value!r}.")
    return tuple(int(n) for n in numbers)

"""Layers that make one array of several: side by side, summed, multiplied, compared."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.layer import Layer
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"]


class _Merge(Layer):
    """Takes a list of arrays that fit together by broadcasting, folds them by `join` from left to right."""

    supports_masking = True

    def join(self, a: Any, b: Any) -> Any:
        """Make one of two."""
        raise NotImplementedError

    def call(self, inputs: Any, /) -> Any:
        """All joined."""
        return functools.reduce(self.join, self.even(inputs))

    def even(self, inputs: Any) -> list[Any]:
        """The inputs with the same number of axes: those with fewer get new ones after the batch, as in Keras."""
        if not isinstance(inputs, list | tuple) or len(inputs) < 1:
            raise FirstlightError(f"Expected a list of arrays for {self.name}. Received {type(inputs).__name__}.")
        axes = max(x.ndim for x in inputs)
        return [ops.expand_dims(x, tuple(range(1, 1 + axes - x.ndim))) if x.ndim < axes else x for x in inputs]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where any has something; none where an input has no mask."""
        return _any(mask) if mask else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The longer of lengths of which one is 1; None where one is not known."""
        axes = max(map(len, input_shape))
        shapes = [(s[0], *(1,) * (axes - len(s)), *s[1:]) for s in input_shape]
        return tuple(_longest(lengths) for lengths in zip(*shapes, strict=True))


def _shown(inputs: Any, masks: Any) -> list[Any]:
    """The mask of each input with an axis for features; None where there is none, or where axes had to be added."""
    axes = max(x.ndim for x in inputs)
    return [
        None if mask is None or x.ndim < axes else np.asarray(value_of(mask), bool)[..., None]
        for x, mask in zip(inputs, masks or [None] * len(inputs), strict=True)
    ]


def _any(shown: Sequence[Any]) -> Any:
    """True where any of the masks is; None if one of them is None."""
    return None if any(each is None for each in shown) else functools.reduce(np.logical_or, shown)


def _longest(lengths: Sequence[int | None]) -> int | None:
    known = [n for n in lengths if n not in (None, 1)]
    return known[0] if known else None if None in lengths else 1


class Add(_Merge):
    """a + b + ..."""

    def join(self, a: Any, b: Any) -> Any:
        """a + b."""
        return ops.add(a, b)


class Subtract(_Merge):
    """a - b, of two."""

    def join(self, a: Any, b: Any) -> Any:
        """a - b."""
        return ops.subtract(a, b)


class Multiply(_Merge):
    """a b ... What a mask hides counts as 1; where all inputs have masks, what all of them hide is 0."""

    def call(self, inputs: Any, /, mask: Any = None) -> Any:
        """All multiplied; `mask` is a list with a mask, or None, for each input."""
        even, shown = self.even(inputs), _shown(inputs, mask)
        product = super().call(
            [x if each is None else ops.where(each, x, 1.0) for x, each in zip(even, shown, strict=True)]
        )
        together = _any(shown)
        return product if together is None else ops.where(together, product, 0.0)

    def join(self, a: Any, b: Any) -> Any:
        """a b."""
        return ops.multiply(a, b)


class _Extreme(_Merge):
    """Of two numbers of which a mask hides one, the other stays."""

    def call(self, inputs: Any, /, mask: Any = None) -> Any:
        """All joined; `mask` is a list with a mask, or None, for each input."""
        (output, *others), (seen, *masks) = self.even(inputs), _shown(inputs, mask)
        for x, shown in zip(others, masks, strict=True):
            x = x if shown is None else ops.where(shown, x, output)
            output = self.join(output if seen is None else ops.where(seen, output, x), x)
            seen = _any([seen, shown])
        return output


class Maximum(_Extreme):
    """The largest at each place."""

    def join(self, a: Any, b: Any) -> Any:
        """max(a, b)."""
        return ops.maximum(a, b)


class Minimum(_Extreme):
    """The smallest at each place."""

    def join(self, a: Any, b: Any) -> Any:
        """min(a, b)."""
        return ops.minimum(a, b)


class Average(_Merge):
    """The mean at each place."""

    def join(self, a: Any, b: Any) -> Any:
        """a + b; divided in the end."""
        return ops.add(a, b)

    def call(self, inputs: Any, /) -> Any:
        """The sum over the number."""
        return ops.divide(super().call(inputs), float(len(inputs)))


class Concatenate(_Merge):
    """One after the other along an axis."""

    def __init__(self, axis: int = -1, **options: Any):
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any, /) -> Any:
        """Joined along the axis."""
        return ops.concatenate(list(inputs), self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where any feature comes from where a mask is; an input without one counts as full."""
        if not mask or all(each is None for each in mask):
            return None
        full: list[Any] = [np.True_ if each is None else np.asarray(value_of(each), bool) for each in mask]
        stretched = [
            np.broadcast_to(each if each.ndim in (0, x.ndim) else each[..., None], x.shape)
            for x, each in zip(inputs, full, strict=True)
        ]
        return np.any(np.concatenate(stretched, self.axis), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The lengths along the axis added."""
        lengths = [shape[self.axis] for shape in input_shape]
        shape = list(input_shape[0])
        shape[self.axis] = None if None in lengths else sum(lengths)
        return tuple(shape)


class Dot(_Merge):
    """The dot products of two arrays along one axis of each.

    Args:
        axes: the axis of both, or a pair of axes.
        normalize: vectors are brought to length 1 first, so that cosines come out.
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **options: Any):
        super().__init__(**options)
        self.axes, self.normalize = axes, normalize

    def call(self, inputs: Any, /) -> Any:
        """(batch, others of a, others of b)."""
        a, b = inputs
        first, second = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        if self.normalize:
            a, b = (_unit(x, axis) for x, axis in ((a, first), (b, second)))
        a, b = _to_end(a, first), _to_end(b, second)
        left, right = a.shape[1:-1], b.shape[1:-1]
        rows = ops.reshape(a, (a.shape[0], -1, a.shape[-1]))
        columns = ops.reshape(b, (b.shape[0], -1, b.shape[-1]))
        found = ops.matmul(rows, ops.transpose(columns, (0, 2, 1)))
        return ops.reshape(found, (a.shape[0], *((*left, *right) or (1,))))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: what comes out has other axes."""
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The axes that are not summed over."""
        a, b = (list(shape) for shape in input_shape)
        first, second = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        del a[first], b[second]
        return (a[0], *((*a[1:], *b[1:]) or (1,)))


def _to_end(x: Any, axis: int) -> Any:
    order = [n for n in range(x.ndim) if n != axis % x.ndim]
    return ops.transpose(x, (*order, axis % x.ndim))


def _unit(x: Any, axis: int) -> Any:
    """Vectors of length 1; 1e-12 against division by zero, as in Keras."""
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), x.dtype.type(1e-12)))

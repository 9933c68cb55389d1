"""Operations: each formula with its derivative beside it. Arrays in, an array out; a tensor among them, a tensor out.

Each returns its value and then, for each input, a pull: given `g`, the gradient of a loss with respect to the value,
the gradient with respect to that input. Names and arguments are those of `keras.ops`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from firstlight.engine.backward import Part
from firstlight.engine.tensor import Tensor, operation, value_of
from firstlight.errors import FirstlightError

__all__ = [
    "abs",
    "add",
    "argmax",
    "broadcast_to",
    "cast",
    "clip",
    "concatenate",
    "cos",
    "divide",
    "exp",
    "expand_dims",
    "flip",
    "getitem",
    "log",
    "log1p",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "negative",
    "pad",
    "power",
    "prod",
    "repeat",
    "reshape",
    "sin",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "transpose",
    "unstack",
    "variance",
    "where",
]

Axes = int | Sequence[int] | None

# -- arithmetic, elementwise -------------------------------------------------------------------------------------


@operation
def add(a: Any, b: Any, /) -> Any:
    """a + b."""
    return a + b, lambda g: g, lambda g: g


@operation
def subtract(a: Any, b: Any, /) -> Any:
    """a - b."""
    return a - b, lambda g: g, lambda g: -g


@operation
def multiply(a: Any, b: Any, /) -> Any:
    """a b; each input weighs the gradient of the other."""
    return a * b, lambda g: g * b, lambda g: g * a


@operation
def divide(a: Any, b: Any, /) -> Any:
    """a / b; d/db = -a / b^2."""
    return a / b, lambda g: g / b, lambda g: -g * a / (b * b)


@operation
def power(a: Any, b: Any, /) -> Any:
    """a^b; d/da = b a^(b-1), d/db = a^b ln a, which is 0 at a = 0."""
    value = a**b
    return value, lambda g: g * b * a ** (b - 1), lambda g: g * value * np.log(np.where(a == 0, 1, a))


@operation
def negative(x: Any, /) -> Any:
    """-x."""
    return -x, lambda g: -g


@operation
def abs(x: Any, /) -> Any:
    """|x|; the derivative at 0 is taken as 0."""
    return np.abs(x), lambda g: g * np.sign(x)


@operation
def square(x: Any, /) -> Any:
    """x^2."""
    return x * x, lambda g: g * 2 * x


@operation
def sqrt(x: Any, /) -> Any:
    """The square root; d/dx = 1 / (2 sqrt(x))."""
    value = np.sqrt(x)
    return value, lambda g: g / (2 * value)


@operation
def exp(x: Any, /) -> Any:
    """e^x, which is its own derivative."""
    value = np.exp(x)
    return value, lambda g: g * value


@operation
def log(x: Any, /) -> Any:
    """The natural logarithm; d/dx = 1 / x."""
    return np.log(x), lambda g: g / x


@operation
def log1p(x: Any, /) -> Any:
    """ln(1 + x), precise where x is small."""
    return np.log1p(x), lambda g: g / (1 + x)


@operation
def sin(x: Any, /) -> Any:
    """The sine; its derivative is the cosine."""
    return np.sin(x), lambda g: g * np.cos(x)


@operation
def cos(x: Any, /) -> Any:
    """The cosine; its derivative is minus the sine."""
    return np.cos(x), lambda g: -g * np.sin(x)


@operation
def maximum(a: Any, b: Any, /) -> Any:
    """The larger of two, which alone gets the gradient; equals share it."""
    share = np.where(a == b, 0.5, a > b).astype(np.result_type(a, b))
    return np.maximum(a, b), lambda g: g * share, lambda g: g * (1 - share)


@operation
def minimum(a: Any, b: Any, /) -> Any:
    """The smaller of two, which alone gets the gradient; equals share it."""
    share = np.where(a == b, 0.5, a < b).astype(np.result_type(a, b))
    return np.minimum(a, b), lambda g: g * share, lambda g: g * (1 - share)


@operation
def clip(x: Any, /, x_min: float, x_max: float) -> Any:
    """x held between two bounds; no gradient comes from outside them."""
    return np.clip(x, x_min, x_max), lambda g: g * ((x >= x_min) & (x <= x_max))


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`; so goes the gradient."""
    return _where(a, b, condition=np.asarray(value_of(condition), bool))


@operation
def _where(a: Any, b: Any, /, condition: np.ndarray) -> Any:
    return np.where(condition, a, b), lambda g: np.where(condition, g, 0), lambda g: np.where(condition, 0, g)


# -- products of matrices ----------------------------------------------------------------------------------------


@operation
def matmul(a: Any, b: Any, /) -> Any:
    """a @ b: (..., m, k) and (..., k, n) give (..., m, n).

    With C = A B: dL/dA = dL/dC B^T and dL/dB = A^T dL/dC. A vector is a row at the left and a column at the right.
    """
    rows, columns = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)

    def full(g: Any) -> Any:
        g = g[..., None, :] if a.ndim == 1 and b.ndim > 1 else g
        return g[..., None] if b.ndim == 1 and a.ndim > 1 else g.reshape(1, 1) if a.ndim == b.ndim == 1 else g

    def to_a(g: Any) -> Any:
        found = _product(full(g), columns.swapaxes(-1, -2))
        return found[..., 0, :] if a.ndim == 1 else found

    def to_b(g: Any) -> Any:
        if columns.ndim == 2 and rows.ndim > 2:  # one matrix for all: sum over what stands before, in one product
            return (rows.reshape(-1, rows.shape[-1]).T @ full(g).reshape(-1, columns.shape[-1])).reshape(b.shape)
        found = rows.swapaxes(-1, -2) @ full(g)
        return found[..., 0] if b.ndim == 1 else found

    return _product(a, b), to_a, to_b


def _product(a: Any, b: Any) -> Any:
    """a @ b; many matrices by one matrix is one large product, which is faster than as many small ones."""
    if a.ndim > 2 and b.ndim == 2:
        return (a.reshape(-1, a.shape[-1]) @ b).reshape(*a.shape[:-1], b.shape[-1])
    return a @ b


# -- reductions --------------------------------------------------------------------------------------------------


def _spread(g: np.ndarray, x: np.ndarray, axis: Axes, keepdims: bool) -> np.ndarray:
    """The gradient of a reduced array, stretched over the axes that were reduced."""
    if not keepdims and axis is not None:
        g = np.expand_dims(g, tuple(axis) if isinstance(axis, Sequence) else axis)
    return np.broadcast_to(g, x.shape)


@operation
def sum(x: Any, /, axis: Axes = None, keepdims: bool = False) -> Any:
    """The sum over axes: every summand gets the gradient of the sum."""
    return np.sum(x, axis, keepdims=keepdims), lambda g: _spread(g, x, axis, keepdims)


@operation
def mean(x: Any, /, axis: Axes = None, keepdims: bool = False) -> Any:
    """The mean over axes: every one of n numbers gets 1/n of the gradient."""
    value = np.mean(x, axis, keepdims=keepdims)
    share = value.size / x.size
    return value, lambda g: _spread(g * g.dtype.type(share), x, axis, keepdims)


@operation
def variance(x: Any, /, axis: Axes = None, keepdims: bool = False) -> Any:
    """Mean squared distance from the mean; d/dx_i = 2 (x_i - mean) / n."""
    distance = x - np.mean(x, axis, keepdims=True)
    value = np.mean(distance * distance, axis, keepdims=keepdims)
    share = 2 * value.size / x.size
    return value, lambda g: _spread(g, x, axis, keepdims) * distance * distance.dtype.type(share)


@operation
def prod(x: Any, /, axis: int | None = None, keepdims: bool = False) -> Any:
    """The product over an axis; d/dx_i is the product of the others, also where one of them is 0."""
    flat = x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1)
    ones = np.ones_like(flat[..., :1])
    before = np.cumprod(np.concatenate([ones, flat[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([ones, flat[..., :0:-1]], -1), -1)[..., ::-1]
    others = before * after
    others = others.reshape(x.shape) if axis is None else np.moveaxis(others, -1, axis)
    return np.prod(x, axis, keepdims=keepdims), lambda g: _spread(g, x, axis, keepdims) * others


def _extreme(x: np.ndarray, value: np.ndarray, axis: Axes, keepdims: bool) -> Callable[[np.ndarray], np.ndarray]:
    """The gradient goes to the number that was chosen; equals share it."""

    def pull(g: Any) -> Any:
        chosen = x == _spread(value, x, axis, keepdims)
        count = chosen.sum(tuple(axis) if isinstance(axis, Sequence) else axis, keepdims=True)
        return _spread(g, x, axis, keepdims) * (chosen / count).astype(g.dtype)

    return pull


@operation
def max(x: Any, /, axis: Axes = None, keepdims: bool = False) -> Any:
    """The largest over axes."""
    value = np.max(x, axis, keepdims=keepdims)
    return value, _extreme(x, value, axis, keepdims)


@operation
def min(x: Any, /, axis: Axes = None, keepdims: bool = False) -> Any:
    """The smallest over axes."""
    value = np.min(x, axis, keepdims=keepdims)
    return value, _extreme(x, value, axis, keepdims)


@operation
def logsumexp(x: Any, /, axis: Axes = None, keepdims: bool = False) -> Any:
    """ln sum e^x, with the largest taken out first, so that nothing overflows; its derivative is the softmax."""
    top = np.max(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    shares = np.exp(x - top)
    total = shares.sum(axis, keepdims=True)
    value = np.log(total) + top
    value = value if keepdims else np.squeeze(value, axis)
    return value, lambda g: _spread(g, x, axis, keepdims) * (shares / total)


@operation
def cast(x: Any, /, dtype: Any) -> Any:
    """Numbers of another type; the gradient comes back in the first one."""
    return np.asarray(x).astype(dtype), lambda g: g


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest is: an index, which has no gradient."""
    return np.argmax(value_of(x), axis, keepdims=keepdims)


# -- shapes ------------------------------------------------------------------------------------------------------


@operation
def reshape(x: Any, /, newshape: Sequence[int]) -> Any:
    """The same numbers in another shape; -1 stands for what is left."""
    return np.reshape(x, newshape), lambda g: g.reshape(x.shape)


@operation
def transpose(x: Any, /, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order, by default reversed; the gradient takes them back."""

    def back(g: Any) -> Any:
        return g.transpose(None if axes is None else np.argsort([axis % x.ndim for axis in axes]))

    return np.transpose(x, axes), back


@operation
def expand_dims(x: Any, /, axis: int | Sequence[int]) -> Any:
    """A new axis of length 1."""
    return np.expand_dims(x, axis), lambda g: g.reshape(x.shape)


@operation
def squeeze(x: Any, /, axis: Axes = None) -> Any:
    """Without axes of length 1."""
    return np.squeeze(x, axis), lambda g: g.reshape(x.shape)


@operation
def broadcast_to(x: Any, /, shape: Sequence[int]) -> Any:
    """Stretched to a shape; the gradient is summed over the copies, as everywhere."""
    return np.broadcast_to(x, shape), lambda g: g


@operation
def flip(x: Any, /, axis: int | tuple[int, ...] | None = None) -> Any:
    """Backwards along axes."""
    return np.flip(x, axis), lambda g: np.flip(g, axis)


@operation
def repeat(x: Any, /, repeats: int, axis: int) -> Any:
    """Every entry of an axis so many times in a row."""
    axis %= x.ndim
    parts = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    return np.repeat(x, repeats, axis), lambda g: g.reshape(parts).sum(axis + 1)


@operation
def pad(x: Any, /, pad_width: Sequence[Sequence[int]], constant_values: float = 0.0) -> Any:
    """A constant before and after each axis; `pad_width` has a pair (before, after) for each."""
    inside = tuple(slice(before, before + n) for (before, _), n in zip(pad_width, x.shape, strict=True))
    return np.pad(x, pad_width, constant_values=constant_values), lambda g: g[inside]


def concatenate(xs: Sequence[Any], axis: int = -1) -> Any:
    """One after the other along an axis; the gradient is cut at the same places."""
    return _concatenate(*xs, axis=axis)


@operation
def _concatenate(*xs: Any, axis: int) -> Any:
    ends = np.cumsum([x.shape[axis] for x in xs])
    parts = [slice(end - x.shape[axis], end) for x, end in zip(xs, ends, strict=True)]
    return np.concatenate(xs, axis), *[
        lambda g, part=part: np.moveaxis(np.moveaxis(g, axis, 0)[part], 0, axis) for part in parts
    ]


def stack(xs: Sequence[Any], axis: int = 0) -> Any:
    """One beside the other along a new axis."""
    return _stack(*xs, axis=axis)


@operation
def _stack(*xs: Any, axis: int) -> Any:
    return np.stack(xs, axis), *[lambda g, place=place: np.moveaxis(g, axis, 0)[place] for place in range(len(xs))]


def unstack(x: Any, axis: int = 0) -> list[Any]:
    """The entries of an axis, one by one."""
    before = (slice(None),) * (axis % x.ndim)
    return [getitem(x, index=(*before, place)) for place in range(x.shape[axis])]


# -- parts -------------------------------------------------------------------------------------------------------


@operation
def getitem(x: Any, /, index: Any) -> Any:
    """`x[index]` with all that NumPy takes as an index. What was not taken has no gradient."""
    index = tuple(value_of(i) for i in index) if isinstance(index, tuple) else value_of(index)
    index = np.asarray(index) if isinstance(index, list) else index
    return x[index], lambda g: Part(index, g)


@operation
def take(x: Any, /, indices: Any, axis: int = 0) -> Any:
    """Entries of an axis by their number, as from a table; a row taken twice gets the sum of both gradients."""
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise FirstlightError(
            f"Expected whole numbers as indices. Received {indices.dtype}. Use array.astype('int32')."
        )
    before = (slice(None),) * (axis % x.ndim)
    return x.take(indices, axis), lambda g: Part((*before, indices) if before else indices, g)


@operation
def take_along_axis(x: Any, /, indices: Any, axis: int = -1) -> Any:
    """For each place the entry of an axis that `indices`, of as many axes as x, names there."""
    indices = np.asarray(indices)
    places = list(np.indices(indices.shape, sparse=True))
    places[axis] = indices
    return np.take_along_axis(x, indices, axis), lambda g: Part(tuple(places), g)


_SWAPPED = {"__radd__": add, "__rsub__": subtract, "__rmul__": multiply, "__rtruediv__": divide, "__rpow__": power}
_OPERATORS: dict[str, Callable[..., Any]] = {
    "__add__": add,
    "__sub__": subtract,
    "__mul__": multiply,
    "__truediv__": divide,
    "__pow__": power,
    "__matmul__": matmul,
    "__neg__": negative,
    "__abs__": abs,
    "__getitem__": getitem,
    "__iter__": lambda x: iter(unstack(x)),
    "__lt__": lambda a, b: a.array < value_of(b),
    "__le__": lambda a, b: a.array <= value_of(b),
    "__gt__": lambda a, b: a.array > value_of(b),
    "__ge__": lambda a, b: a.array >= value_of(b),
    "sum": sum,
    "mean": mean,
    "reshape": lambda x, *shape: reshape(x, shape[0] if len(shape) == 1 else shape),
    "T": property(transpose),  # type: ignore[dict-item]
    **{name: lambda b, a, op=op: op(a, b) for name, op in {**_SWAPPED, "__rmatmul__": matmul}.items()},
}
for _name, _function in _OPERATORS.items():
    setattr(Tensor, _name, _function)

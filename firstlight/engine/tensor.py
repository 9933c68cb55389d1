"""Tensor: an array that remembers how it was computed; and `backward`, the way back through that memory.

An operation on tensors (see `firstlight.engine.ops`) gives a tensor that knows its parents and, for each of them, how a
gradient goes back to it. `backward` starts at the loss and visits every operation once, the latest first.
"""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from heapq import heappop, heappush
from inspect import Parameter, signature
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from firstlight.errors import FirstlightError

__all__ = [
    "Gradients",
    "Part",
    "Tensor",
    "Watcher",
    "backward",
    "check_finite",
    "named",
    "no_gradients",
    "operation",
    "value_of",
    "watched_by",
    "watcher",
]

Pull = Callable[[np.ndarray], Any]
"""Takes the gradient of a result, gives the gradient of one input: the chain rule for one operation."""

_ENGINE = str(Path(__file__).parent)
_number = itertools.count()


class Watcher(Protocol):
    """Who looks on while something is computed; see `watched_by`."""

    def operation(self, name: str, arguments: tuple[Any, ...], settings: dict[str, Any], result: Any) -> None:
        """An operation has been computed."""

    def layer(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], compute: Callable[..., Any]) -> Any:
        """A layer has been called; `compute(args, kwargs)` gives what it gives, and so must this."""


class _Mode:
    records = True  # False within no_gradients()
    checks = False  # True within check_finite()
    watcher: Watcher | None = None  # set within watched_by()


class Tensor:
    """An array of floats that takes part in differentiation.

    A tensor that you make is a leaf: `backward` finds the gradient of a loss with respect to it. Plain arrays and
    numbers are constants, which may stand beside tensors in every operation.

    Args:
        value: array, number or nested list of floats, copied; float32 and float64 are kept.
        name: for errors and pictures.
        constant: treat it as a plain array: no gradient is wanted.

    Raises:
        FirstlightError: the value does not consist of floats.
    """

    __slots__ = (
        "__weakref__",
        "array",
        "constant",
        "mask",
        "name",
        "number",
        "origin",
        "parents",
        "place",
        "pulls",
        "version",
    )
    __array_ufunc__ = None  # `array * tensor` is left to the tensor

    def __init__(self, value: Any, name: str = "", constant: bool = False):
        array = np.array(value_of(value))
        if array.dtype.kind != "f":
            raise FirstlightError(
                f"Expected floats for a tensor. Received {array.dtype} of shape {array.shape}. Gradients need floats: "
                "write 3.0 for 3, or array.astype('float32'). A constant needs no Tensor: use the array itself."
            )
        self.array = array
        self.name = name
        self.constant = constant
        self.mask: np.ndarray | None = None  # (batch, time), False where there is only padding; layers pass it on
        self.version = 0  # how often `assign` changed the array
        self.number = next(_number)
        self.origin = ""  # the operation that gave it; a leaf has none
        self.parents: tuple[tuple[Tensor, int] | None, ...] = ()  # with their versions; None stands for a constant
        self.pulls: tuple[Pull, ...] | None = ()
        self.place: tuple[str, int] | None = None

    @property
    def value(self) -> np.ndarray:
        """The array, to be read. `assign` changes it, so that a graph which needs the old one can tell."""
        view = self.array.view()
        view.flags.writeable = False
        return view

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.array.size

    def numpy(self) -> np.ndarray:
        """A copy of the array."""
        return self.array.copy()

    def assign(self, value: Any) -> None:
        """Write another value of the same shape into a leaf.

        Raises:
            FirstlightError: the shape differs, or an operation gave this tensor.
        """
        value = value_of(value)
        if self.origin:
            raise FirstlightError(f"Expected a leaf. Received what {self.origin!r} gave. Compute a new tensor instead.")
        if np.shape(value) != self.shape:
            raise FirstlightError(f"Expected a value of shape {self.shape}. Received {np.shape(value)}.")
        self.array[...] = value
        self.version += 1

    # Operators are thin names for operations, written down at the end of ops.py. `==` is left as it is: tensors are
    # keys of mappings, so it asks whether two are the same one.
    __add__: ClassVar[Any]
    __sub__: ClassVar[Any]
    __mul__: ClassVar[Any]
    __truediv__: ClassVar[Any]
    __pow__: ClassVar[Any]
    __matmul__: ClassVar[Any]
    __neg__: ClassVar[Any]
    __getitem__: ClassVar[Any]

    def __len__(self) -> int:
        return len(self.array)

    def __bool__(self) -> bool:
        return bool(self.array)

    def __float__(self) -> float:
        return float(self.array.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array, dtype) if copy or dtype not in (None, self.dtype) else self.value

    def __repr__(self) -> str:
        text = np.array2string(self.array, threshold=20, prefix="Tensor(")
        what = [str(self.dtype)] * (self.dtype != np.float64)
        what += [f"name={self.name!r}"] * bool(self.name) + [f"from {self.origin}"] * bool(self.origin)
        return f"Tensor({', '.join([text, *what])})"


def value_of(x: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return x.array if isinstance(x, Tensor) else x


# -- remembering -------------------------------------------------------------------------------------------------


def operation(function: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    """Make an operation on tensors of a function on arrays that returns its value and its derivative.

        @operation
        def multiply(a, b, /):
            return a * b, lambda g: g * b, lambda g: g * a

    Arguments before the slash, or *all, are inputs; after the value comes a pull for each of them, or one for all that
    returns a tuple. Where an input was broadcast, a pull need not care. The operation gives a tensor if any input is
    one, else a plain array.
    """
    name = function.__name__.strip("_")
    kinds = [parameter.kind for parameter in signature(function).parameters.values()]
    inputs = None if Parameter.VAR_POSITIONAL in kinds else kinds.count(Parameter.POSITIONAL_ONLY)

    @wraps(function)
    def apply(*arguments: Any, **settings: Any) -> Any:
        arrays = [x.array if isinstance(x, Tensor) else x for x in arguments]
        try:
            value, *pulls = function(*arrays, **settings)
        except FirstlightError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            raise _unfit(name, arrays[:inputs], error) from error
        if _Mode.checks:
            _check(value, f"{name} gave", _caller())
        if _Mode.records:
            parents = tuple(
                [(x, x.version) if isinstance(x, Tensor) and not x.constant else None for x in arguments[:inputs]]
            )
            if any(parents):
                value = _remembered(value, name, parents, pulls)
        if _Mode.watcher is not None:
            _Mode.watcher.operation(name, arguments, settings, value)
        return value

    return apply


def _remembered(value: Any, name: str, parents: tuple[Any, ...], pulls: Sequence[Pull]) -> Tensor:
    tensor = Tensor.__new__(Tensor)
    tensor.array = value if isinstance(value, np.ndarray) else np.asarray(value)
    tensor.name, tensor.constant, tensor.mask, tensor.version = "", False, None, 0
    tensor.number = next(_number)
    tensor.origin, tensor.parents, tensor.pulls = name, parents, tuple(pulls)
    tensor.place = _caller()
    return tensor


def _caller() -> tuple[str, int]:
    """File and line of the code outside the engine that asked for the operation."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_ENGINE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _at(place: tuple[str, int] | None) -> str:
    return f"{Path(place[0]).name}, line {place[1]}" if place else "an unknown place"


def _unfit(name: str, inputs: Sequence[Any], error: Exception) -> FirstlightError:
    got = ", ".join(f"{np.shape(x)} {np.asarray(x).dtype}" for x in inputs)
    return FirstlightError(
        f"Expected inputs that fit together for {name} at {_at(_caller())}. Received {got}: {error}."
    )


def _check(value: Any, what: str, place: tuple[str, int] | None) -> None:
    bad = ~np.isfinite(value)
    if np.any(bad):
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise FirstlightError(
            f"Expected finite numbers. Received {np.asarray(value)[first]}: {what} {np.count_nonzero(bad)} of "
            f"{np.size(value)} that are not finite, the first at {first}, at {_at(place)}."
        )


@contextmanager
def no_gradients() -> Iterator[None]:
    """Within, operations remember nothing and give plain arrays: for prediction."""
    before, _Mode.records = _Mode.records, False
    try:
        yield
    finally:
        _Mode.records = before


@contextmanager
def check_finite() -> Iterator[None]:
    """Within, the first operation or gradient with NaN or infinity in it raises an error that names it."""
    before, _Mode.checks = _Mode.checks, True
    try:
        with np.errstate(all="ignore"):  # the error says more than NumPy's warning
            yield
    finally:
        _Mode.checks = before


@contextmanager
def watched_by(someone: Watcher) -> Iterator[None]:
    """Within, someone is told of every operation and every call of a layer."""
    before, _Mode.watcher = _Mode.watcher, someone
    try:
        yield
    finally:
        _Mode.watcher = before


def watcher() -> Watcher | None:
    """Who looks on, if anyone does."""
    return _Mode.watcher


def named(name: str, x: Any) -> Any:
    """The same, with a name for pictures if it is a tensor: a gate, the weights of attention."""
    if isinstance(x, Tensor):
        x.name = name
    return x


# -- the way back ------------------------------------------------------------------------------------------------


class Part:
    """The gradient of an input of which an operation took only `input[index]`: zero everywhere else."""

    def __init__(self, index: Any, gradient: np.ndarray):
        self.index, self.gradient = index, gradient

    def add_to(self, total: np.ndarray) -> None:
        """Add it where it belongs. An index may name the same place several times."""
        index = self.index
        if isinstance(index, np.ndarray) and index.dtype.kind in "iu":
            # Rows of a table: sort them, so that equal ones stand together and are summed at once.
            flat = index.reshape(-1) % len(total)
            rows = self.gradient.reshape(len(flat), *total.shape[1:])
            order = np.argsort(flat, kind="stable")
            starts = np.flatnonzero(np.diff(flat[order], prepend=-1))
            if len(starts):
                total[flat[order][starts]] += np.add.reduceat(rows[order], starts)
        elif any(isinstance(i, np.ndarray | list) for i in (index if isinstance(index, tuple) else (index,))):
            np.add.at(total, index, self.gradient)
        else:
            total[index] += self.gradient


class Gradients(Mapping[Tensor, np.ndarray]):
    """Of a loss, by tensor: `gradients[kernel]` is an array of the kernel's shape and dtype."""

    def __init__(self, found: dict[Tensor, np.ndarray]):
        self._found = found

    def __getitem__(self, tensor: Tensor) -> np.ndarray:
        if tensor not in self._found:
            what = "an intermediate tensor" if getattr(tensor, "origin", "") else "a leaf that the loss does not use"
            raise FirstlightError(
                f"Expected a tensor with a gradient. Received {what}, {tensor!r}. "
                "Ask for intermediate ones: backward(loss, wanted=[tensor])."
            )
        return self._found[tensor]

    def __contains__(self, tensor: object) -> bool:
        return tensor in self._found

    def get(self, tensor: Tensor, default: Any = None) -> Any:
        """The gradient, or `default` where the loss does not depend on the tensor."""
        return self._found.get(tensor, default)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def backward(loss: Tensor, *, gradient: Any = None, wanted: Sequence[Tensor] = (), keep: bool = False) -> Gradients:
    """Gradients of a loss with respect to all leaves that it was computed from (reverse-mode differentiation).

    Every operation is visited once, after all that used its result, so that its gradient is complete. Its memory is
    freed at once, unless `keep`.

    Args:
        loss: a tensor with one number; with `gradient`, of the shape of the loss, any tensor.
        gradient: what to start with in place of 1.
        wanted: intermediate tensors whose gradients are wanted too.
        keep: keep the graph for another walk.

    Raises:
        FirstlightError: the loss has no memory or several numbers; a value was changed since it was used.
    """
    start = _start(loss, gradient)
    kept = {tensor for tensor in wanted if tensor.origin}
    found: dict[Tensor, np.ndarray] = {loss: start}
    own: set[Tensor] = set()  # whose gradient nobody else holds, so that it may be added to in place
    waiting, seen = [(-loss.number, loss)], {loss}
    while waiting:
        _, tensor = heappop(waiting)
        if not tensor.origin:
            continue
        g = found[tensor] if tensor in kept else found.pop(tensor)
        for parent, contribution in _pulled(tensor, g):
            if _Mode.checks and not isinstance(contribution, Part):
                _check(contribution, f"the gradient through {tensor.origin} has", tensor.place)
            _add(found, own, parent, contribution)
            if parent not in seen:
                seen.add(parent)
                heappush(waiting, (-parent.number, parent))
        if not keep:
            tensor.parents, tensor.pulls = (), None
    return Gradients(found)


def _start(loss: Any, gradient: Any) -> np.ndarray:
    if not isinstance(loss, Tensor):
        raise FirstlightError(
            f"Expected a tensor as the loss. Received a {type(loss).__name__}, which remembers no operations: it was "
            "computed from arrays alone or within no_gradients(). Gradients are arrays too: there are no derivatives "
            "of derivatives here."
        )
    if gradient is None and loss.size != 1:
        raise FirstlightError(
            f"Expected a loss of one number. Received shape {loss.shape}. Take its sum or mean, or pass gradient=..."
        )
    start = np.asarray(1 if gradient is None else value_of(gradient), loss.dtype)
    return start if start.shape == loss.shape else np.broadcast_to(start, loss.shape)


def _pulled(tensor: Tensor, g: np.ndarray) -> Iterator[tuple[Tensor, Any]]:
    """The parents of a tensor, each with what a gradient `g` of the tensor contributes to its own."""
    if tensor.pulls is None:
        raise FirstlightError(
            f"Expected a graph that backward has not been through. Received one whose {tensor.origin} of "
            f"{_at(tensor.place)} has been freed. Compute it again, or pass keep=True the first time."
        )
    for parent in tensor.parents:
        if parent is not None and parent[0].version != parent[1]:
            raise FirstlightError(
                f"Expected {parent[0].name or 'a tensor'} as it was when {tensor.origin} used it at "
                f"{_at(tensor.place)}. Received one that was assigned since. Call backward before you assign."
            )
    if len(tensor.pulls) == len(tensor.parents):
        for parent, pull in zip(tensor.parents, tensor.pulls, strict=True):
            if parent is not None:
                yield parent[0], pull(g)
    else:
        for parent, contribution in zip(tensor.parents, tensor.pulls[0](g), strict=True):
            if parent is not None:
                yield parent[0], contribution


def _add(found: dict[Tensor, np.ndarray], own: set[Tensor], tensor: Tensor, contribution: Any) -> None:
    """A tensor that was used several times has the sum of what comes back from each use."""
    if isinstance(contribution, Part):
        if tensor not in own:
            found[tensor] = np.array(found[tensor]) if tensor in found else np.zeros_like(tensor.array)
            own.add(tensor)
        contribution.add_to(found[tensor])
        return
    array = tensor.array
    if contribution.shape != array.shape:
        contribution = _unbroadcast(contribution, array.shape)
    if contribution.dtype != array.dtype:
        contribution = contribution.astype(array.dtype)
    if tensor not in found:
        found[tensor] = contribution
    elif tensor in own:
        found[tensor] += contribution
    else:
        found[tensor] = found[tensor] + contribution
        own.add(tensor)


def _unbroadcast(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Where a value was stretched to fit the others, its gradient is the sum over the copies."""
    before = g.ndim - len(shape)
    if g.shape[before:] == shape:  # as a product with a row of ones, which is the fastest sum over rows
        rows = g.reshape(prod(g.shape[:before]), prod(shape))
        return (np.ones(len(rows), g.dtype) @ rows).reshape(shape)
    g = g.sum(axis=tuple(range(before)))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1), keepdims=True)

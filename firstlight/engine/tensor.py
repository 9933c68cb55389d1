"""Tensor: an array that remembers how it was computed.

An operation on tensors (see `firstlight.engine.ops`) gives a tensor that knows its parents and, for each of them, how a
gradient goes back to it. The way back through that memory is in `backward.py`.
"""

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from firstlight.errors import FirstlightError

__all__ = [
    "Mode",
    "Tensor",
    "Watcher",
    "check_finite",
    "check_numbers",
    "named",
    "no_gradients",
    "operation",
    "place_text",
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


class Mode:
    """How operations work at the moment; see `no_gradients`, `check_finite` and `watched_by`."""

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
        if Mode.checks:
            check_numbers(value, f"{name} gave", _caller())
        if Mode.records:
            parents = tuple(
                [(x, x.version) if isinstance(x, Tensor) and not x.constant else None for x in arguments[:inputs]]
            )
            if any(parents):
                value = _remembered(value, name, parents, pulls)
        if Mode.watcher is not None:
            Mode.watcher.operation(name, arguments, settings, value)
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


def place_text(place: tuple[str, int] | None) -> str:
    """A file and a line in words."""
    return f"{Path(place[0]).name}, line {place[1]}" if place else "an unknown place"


def _unfit(name: str, inputs: Sequence[Any], error: Exception) -> FirstlightError:
    got = ", ".join(f"{np.shape(x)} {np.asarray(x).dtype}" for x in inputs)
    return FirstlightError(
        f"Expected inputs that fit together for {name} at {place_text(_caller())}. Received {got}: {error}."
    )


def check_numbers(value: Any, what: str, place: tuple[str, int] | None) -> None:
    """Refuse NaN and infinity, with where the first one is."""
    bad = ~np.isfinite(value)
    if np.any(bad):
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise FirstlightError(
            f"Expected finite numbers. Received {np.asarray(value)[first]}: {what} {np.count_nonzero(bad)} of "
            f"{np.size(value)} that are not finite, the first at {first}, at {place_text(place)}."
        )


@contextmanager
def no_gradients() -> Iterator[None]:
    """Within, operations remember nothing and give plain arrays: for prediction."""
    before, Mode.records = Mode.records, False
    try:
        yield
    finally:
        Mode.records = before


@contextmanager
def check_finite() -> Iterator[None]:
    """Within, the first operation or gradient with NaN or infinity in it raises an error that names it."""
    before, Mode.checks = Mode.checks, True
    try:
        with np.errstate(all="ignore"):  # the error says more than NumPy's warning
            yield
    finally:
        Mode.checks = before


@contextmanager
def watched_by(someone: Watcher) -> Iterator[None]:
    """Within, someone is told of every operation and every call of a layer."""
    before, Mode.watcher = Mode.watcher, someone
    try:
        yield
    finally:
        Mode.watcher = before


def watcher() -> Watcher | None:
    """Who looks on, if anyone does."""
    return Mode.watcher


def named(name: str, x: Any) -> Any:
    """The same, with a name for pictures if it is a tensor: a gate, the weights of attention."""
    if isinstance(x, Tensor):
        x.name = name
    return x

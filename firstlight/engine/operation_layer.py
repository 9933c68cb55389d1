"""An operation as a step of a graph: `x * 2` or `ops.softmax(x)` on a symbol, as Keras's files have them."""

import math
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from firstlight.engine import activations, ops
from firstlight.engine.layer import Layer
from firstlight.engine.naming import number_name
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.symbols import KerasTensor
from firstlight.engine.tensor import no_gradients, value_of
from firstlight.errors import FirstlightError, nearest

__all__ = ["OperationLayer"]

# What compares numbers or makes masks has no gradient. Keras writes the masks of a network down as such operations.
_OF_TRUTH = (
    *("all", "any", "equal", "greater", "greater_equal", "less", "less_equal", "not_equal"),
    *("logical_and", "logical_not", "logical_or", "ones_like", "zeros_like"),
)
_LARGEST_TRIAL = 1 << 29  # a file may name any shape
_KERAS_NAMES = {"get_item": "getitem", "true_divide": "divide", "absolute": "abs", "var": "variance", "amax": "max"}


class OperationLayer(Layer):
    """Calls an operation on what comes in; it has no weights.

    Args:
        operation: name of a function of `firstlight.engine.ops` or of an activation.
        settings: further arguments of it, by name.
        name: of this step.

    Raises:
        FirstlightError: there is no such operation.
    """

    is_operation = True

    def __init__(self, operation: str, settings: dict[str, Any] | None = None, name: str | None = None):
        super().__init__(name=name or operation)
        self.operation = _KERAS_NAMES.get(operation, operation)
        of_truth = {each: partial(_without_gradient, getattr(np, each)) for each in _OF_TRUTH}
        known = {**{each: getattr(ops, each) for each in ops.__all__}, **activations.ACTIVATIONS, **of_truth}
        if self.operation not in known:
            raise FirstlightError(
                f"Expected an operation that can be read: {', '.join(known)}. Received {operation!r}."
                f"{nearest(operation, known)}"
            )
        self.function = known[self.operation]
        taken = signature(self.function).parameters
        self.settings = {key: x for key, x in (settings or {}).items() if key in taken or not _is_unset(x)}
        self.built = True

    def call(self, *inputs: Any, **more: Any) -> Any:
        """The operation."""
        settings = {name: _as_tuple(value) for name, value in {**self.settings, **more}.items()}
        return self.function(*map(_as_tuple, inputs), **settings)

    def get_config(self) -> dict[str, Any]:
        """Its settings and name."""
        return {**self.settings, "name": self.name}

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.call(*args, **kwargs)

    def symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The shape is found by a trial on ones, twice, so that lengths that are not known show."""

        def trial(unknown: int) -> Any:
            def ones(x: Any) -> Any:
                if not isinstance(x, KerasTensor):
                    return x
                shape = [unknown if n is None else n for n in x.shape]
                if math.prod(shape) > _LARGEST_TRIAL:
                    raise FirstlightError(
                        f"Expected an input of {self.name} with at most {_LARGEST_TRIAL:,} numbers in {unknown} "
                        f"examples. Received shape {x.shape}."
                    )
                return np.ones(shape, x.dtype)

            with no_gradients():
                found = self.call(*map_structure(ones, args), **map_structure(ones, kwargs))
            return map_structure(lambda x: np.asarray(value_of(x)), found)

        def symbol(short: np.ndarray, long: np.ndarray) -> KerasTensor:
            shape = [m if m == n else None for m, n in zip(short.shape, long.shape, strict=True)]
            return KerasTensor(shape, str(short.dtype))

        return map_structure(symbol, trial(8), trial(9))


def _without_gradient(function: Any, *inputs: Any, **settings: Any) -> Any:
    return function(*map(value_of, inputs), **settings)


def _is_unset(setting: Any) -> bool:
    """Keras writes down all settings, also those that change nothing; "constant" is the usual way to pad."""
    return setting is None or setting is False or setting == "constant"


def _as_tuple(x: Any) -> Any:
    """Axes and indices are tuples; JSON made lists of them."""
    plain = isinstance(x, list) and not any(hasattr(each, "shape") for each in leaves(x))
    return tuple(map(_as_tuple, x)) if plain else x


# -- operators on symbols ----------------------------------------------------------------------------------------


def _operator(operation: str, swapped: bool = False) -> Any:
    """What `x * 2` does where x is a symbol: it notes the call of an operation."""

    def noted(*inputs: Any) -> Any:
        return OperationLayer(operation, name=number_name(operation))(*(inputs[::-1] if swapped else inputs))

    return noted


_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "matmul": "matmul",
}
for _name, _operation in _OPERATORS.items():
    setattr(KerasTensor, f"__{_name}__", _operator(_operation))
    setattr(KerasTensor, f"__r{_name}__", _operator(_operation, swapped=True))
for _name, _operation in {"neg": "negative", "abs": "abs", "getitem": "getitem"}.items():
    setattr(KerasTensor, f"__{_name}__", _operator(_operation))
KerasTensor.__array_ufunc__ = None  # `array * symbol` is left to the symbol

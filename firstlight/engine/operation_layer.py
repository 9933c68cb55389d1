"""An operation as a step of a graph: `x * 2` or `ops.softmax(x)` on a symbol, as Keras's files have them."""

from typing import Any

import numpy as np

from firstlight.engine import activations, ops
from firstlight.engine.layer import Layer
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.symbols import KerasTensor
from firstlight.engine.tensor import no_gradients, value_of
from firstlight.errors import FirstlightError, nearest

__all__ = ["OperationLayer"]

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
        known = {**{each: getattr(ops, each) for each in ops.__all__}, **activations.ACTIVATIONS}
        if self.operation not in known:
            raise FirstlightError(
                f"Expected an operation that can be read: {', '.join(known)}. Received {operation!r}."
                f"{nearest(operation, known)}"
            )
        self.function = known[self.operation]
        self.settings = settings or {}
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
                return np.ones([unknown if n is None else n for n in x.shape], x.dtype)

            with no_gradients():
                return np.shape(value_of(self.call(*map_structure(ones, args), **map_structure(ones, kwargs))))

        return KerasTensor([m if m == n else None for m, n in zip(trial(8), trial(9), strict=True)])


def _as_tuple(x: Any) -> Any:
    """Axes and indices are tuples; JSON made lists of them."""
    plain = isinstance(x, list) and not any(hasattr(each, "shape") for each in leaves(x))
    return tuple(map(_as_tuple, x)) if plain else x

"""A row of the table of what is proven equal: a layer, its configuration, and the shape of its input.

Arrays are drawn from a seed when a test asks for them. `Case("Dense", {"units": 3}, (4,))` is a Dense layer on an input
of shape (batch, 4); several inputs are a list of shapes, as the layer takes them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

BATCH = 3


class Wrapped(NamedTuple):
    """A layer as an argument of another: `Case("Bidirectional", {"layer": Wrapped("LSTM", {"units": 3})}, (4, 2))`."""

    layer: str
    config: dict[str, Any]


class Case(NamedTuple):
    """One row.

    Args:
        layer: name in `keras.layers` and `firstlight.engine.layers`.
        config: arguments of the constructor, of plain types, or Wrapped.
        shape: of the input without the batch; a list of shapes for a layer that takes a list.
        arguments: further arguments of the call, by name: a shape makes an array of floats, arrays and bools stay.
        training: call it as in training (only where nothing is drawn at random).
        integers: the input is whole numbers below this.
        mask: call it with this mask, (BATCH, time) of bool.
        tolerance: relative to the largest number, for float32.
        coarse: finite differences say nothing, as numbers lose digits on the way: a score that is lowered by 1e9 does.
        not_on: back ends of Keras that give something else here than TensorFlow, which the engine follows.
    """

    layer: str
    config: dict[str, Any]
    shape: Any
    arguments: Mapping[str, Any] = MappingProxyType({})
    training: bool = False
    integers: int = 0
    mask: Any = None
    tolerance: float = 1e-5
    coarse: bool = False
    not_on: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For the report of a test: the layer and what is not as by default."""
        parts = [f"{key}={value}" for key, value in self.config.items()]
        parts += [str(self.shape)] + [f"{key}={_short(value)}" for key, value in self.arguments.items()]
        parts += ["training"] * self.training + [f"mask={_short(self.mask)}"] * (self.mask is not None)
        return f"{self.layer}({', '.join(parts)})".replace(" ", "")


def _short(value: Any) -> str:
    """An array as its shape and how many places of it are not 0."""
    if isinstance(value, list):
        return f"[{', '.join(_short(each) for each in value)}]"
    return f"{value.shape}:{np.count_nonzero(value)}" if isinstance(value, np.ndarray) else str(value)


def made(source: Any, layer: str, config: dict[str, Any], **more: Any) -> Any:
    """A layer of a row, of `keras.layers` or of the engine's, which makes those that it wraps too."""

    def value(x: Any) -> Any:
        if isinstance(x, Wrapped):
            return made(source, x.layer, x.config, **more)
        return [value(each) for each in x] if isinstance(x, list) else x

    return getattr(source, layer)(**{key: value(x) for key, x in config.items()}, **more)


def draw(case: Case, dtype: str = "float32", batch: int = 0) -> tuple[Any, dict[str, Any]]:
    """The input (or list of inputs) and the further arguments of a row; other numbers for another `batch`."""
    random = np.random.default_rng(len(case.name) + 1000 * batch)

    def array(shape: Any) -> Any:
        if isinstance(shape, np.ndarray | bool):
            return shape
        if isinstance(shape, list):
            return [array(each) for each in shape]
        if case.integers:
            return random.integers(0, case.integers, (BATCH, *shape))
        return random.normal(size=(BATCH, *shape)).astype(dtype)

    inputs = array(case.shape)
    more = {key: array(case.arguments[key]) for key in sorted(case.arguments)}
    if case.mask is not None:
        more["mask"] = np.asarray(case.mask)
    return inputs, more

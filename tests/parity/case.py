"""A row of the table of what is proven equal: a layer, its configuration, and the shape of its input.

Arrays are drawn from a seed when a test asks for them. `Case("Dense", {"units": 3}, (4,))` is a Dense layer on an input
of shape (batch, 4); several inputs are a list of shapes, as the layer takes them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

BATCH = 3


class Case(NamedTuple):
    """One row.

    Args:
        layer: name in `keras.layers` and `firstlight.engine.layers`.
        config: arguments of the constructor, of plain types.
        shape: of the input without the batch; a list of shapes for a layer that takes a list.
        arguments: further arguments of the call, by name: a shape makes an array of floats, an array stays.
        training: call it as in training (only where nothing is drawn at random).
        integers: the input is whole numbers below this.
        mask: call it with this mask, (BATCH, time) of bool.
        tolerance: relative to the largest number, for float32.
    """

    layer: str
    config: dict[str, Any]
    shape: Any
    arguments: Mapping[str, Any] = MappingProxyType({})
    training: bool = False
    integers: int = 0
    mask: Any = None
    tolerance: float = 1e-5

    @property
    def name(self) -> str:
        """For the report of a test: the layer and what is not as by default."""
        parts = [f"{key}={value}" for key, value in self.config.items()]
        parts += [str(self.shape)] + list(self.arguments) + ["training"] * self.training
        return f"{self.layer}({', '.join(parts)}{', mask' if self.mask is not None else ''})".replace(" ", "")


def draw(case: Case, dtype: str = "float32") -> tuple[Any, dict[str, Any]]:
    """The input (or list of inputs) and the further arguments of a row."""
    random = np.random.default_rng(len(case.name))

    def array(shape: Any) -> Any:
        if isinstance(shape, list):
            return [array(each) for each in shape]
        if case.integers:
            return random.integers(0, case.integers, (BATCH, *shape))
        return random.normal(size=(BATCH, *shape)).astype(dtype)

    inputs = array(case.shape)
    more = {key: value if isinstance(value, np.ndarray) else array(value) for key, value in case.arguments.items()}
    if case.mask is not None:
        more["mask"] = np.asarray(case.mask)
    return inputs, more

"""Symbols: what stands for arrays while a functional model is put together, and the notes of calls on them."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from firstlight.engine.structure import leaves, map_structure

__all__ = ["KerasTensor", "Node", "shape_of", "shape_symbols"]


class KerasTensor:
    """What stands for an array while a functional model is put together: a shape, and the call that will give it.

    Args:
        shape: with None where any length will do, as for the batch.
        dtype: of the array to come.
        node: the call of a layer.
        index: which of its outputs this is.
    """

    # Operators are noted as calls of operations, see the end of operation_layer.py.
    __array_ufunc__: ClassVar[Any]
    __add__: ClassVar[Any]
    __sub__: ClassVar[Any]
    __mul__: ClassVar[Any]
    __truediv__: ClassVar[Any]
    __pow__: ClassVar[Any]
    __matmul__: ClassVar[Any]
    __neg__: ClassVar[Any]
    __getitem__: ClassVar[Any]

    def __init__(self, shape: Sequence[int | None], dtype: str = "float32", node: Any = None, index: int = 0):
        self.shape, self.dtype, self.node, self.index = tuple(shape), dtype, node, index

    def __repr__(self) -> str:
        return f"KerasTensor(shape={self.shape}, dtype={self.dtype})"


class Node:
    """One call of a layer on symbols: its arguments, and the symbols it gave."""

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
        self.layer, self.args, self.kwargs = layer, args, kwargs
        self.outputs: Any = None

    @property
    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Those by position, and those by name."""
        return self.args, self.kwargs

    @property
    def parents(self) -> list[KerasTensor]:
        """The symbols among the arguments."""
        return [x for x in leaves([self.args, self.kwargs]) if isinstance(x, KerasTensor)]


def shape_of(x: Any) -> Any:
    """The shape of an array or symbol; of a structure of them, the structure of shapes; None of what has none."""
    if isinstance(x, list | tuple | dict):
        return map_structure(shape_of, x)
    return tuple(x.shape) if hasattr(x, "shape") else None


def shape_symbols(shape: Any) -> Any:
    """A structure of shapes as a structure of symbols: a shape is a tuple too, so it could not be told from one."""
    if isinstance(shape, dict):
        return {name: shape_symbols(each) for name, each in shape.items()}
    if all(n is None or isinstance(n, int | np.integer) for n in shape):
        return KerasTensor(shape)
    return type(shape)(shape_symbols(each) for each in shape)

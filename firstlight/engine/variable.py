"""Variable: a weight of a layer; and how many bytes of them a file from elsewhere may ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from firstlight.engine.tensor import Tensor
from firstlight.errors import FirstlightError

__all__ = ["Variable", "spend", "weight_budget"]


class _Budget:
    left: float = float("inf")  # bytes that `weight_budget` still allows
    source = ""


class Variable(Tensor):
    """A weight: a leaf that a layer owns and an optimizer changes.

    Args:
        value: array of floats.
        name: `kernel`, `bias`, ... as Keras calls it.
        trainable: whether a gradient is wanted.
        regularizer: makes of the weight what is added to the loss.
        constraint: makes of the weight what the optimizer puts in its place after each step.
    """

    __slots__ = ("constraint", "learns", "regularizer")

    def __init__(
        self, value: Any, name: str, trainable: bool = True, regularizer: Any = None, constraint: Any = None
    ) -> None:
        super().__init__(value, name, constant=not trainable)
        self.learns = trainable  # `constant` also says whether its layer is frozen
        self.regularizer = regularizer
        self.constraint = constraint


@contextmanager
def weight_budget(size: int, source: str) -> Iterator[None]:
    """Within, layers may make weights of so many bytes together: no more than the file has that describes them."""
    before = _Budget.left, _Budget.source
    _Budget.left, _Budget.source = size, source
    try:
        yield
    finally:
        _Budget.left, _Budget.source = before


def spend(size: int, name: str) -> None:
    """Take bytes for the weights of a layer from the budget.

    Raises:
        FirstlightError: more than it has.
    """
    _Budget.left -= size
    if _Budget.left < 0:
        raise FirstlightError(
            f"Expected a description of as many weights as {_Budget.source} holds. Received more: {name} alone is to "
            f"have {size:,} bytes. The file is damaged, or made to fill the memory."
        )

"""Sums of products told by letters: the operation `einsum`, and EinsumDense, a Dense layer over any axes.

In "abc,cd->abd" each letter is an axis; a letter that the result lacks is summed over. A row of axes that all stay
may be written "...".
"""

import math
from collections.abc import Sequence
from string import ascii_letters
from typing import Any, ClassVar

import numpy as np

from firstlight.engine import activations, ops
from firstlight.engine.initializers import VarianceScaling
from firstlight.engine.layer import Layer
from firstlight.engine.tensor import operation
from firstlight.errors import FirstlightError

__all__ = ["EinsumDense", "einsum"]


def einsum(subscripts: str, a: Any, b: Any) -> Any:
    """The sum of products of two arrays that the subscripts describe; see this module."""
    return _einsum(a, b, subscripts=subscripts)


@operation
def _einsum(a: Any, b: Any, /, subscripts: str) -> Any:
    """The derivative is such a sum again: with C = (A,B->C), dL/dA = (C,B->A) and dL/dB = (A,C->B), for a change of
    one number of A moves every product that it is a factor of by the other factor.
    """
    left, right, result = _spelled(subscripts, a.ndim)
    return (
        np.einsum(f"{left},{right}->{result}", a, b, optimize=True),
        lambda g: np.einsum(f"{result},{right}->{left}", g, b, optimize=True),
        lambda g: np.einsum(f"{left},{result}->{right}", a, g, optimize=True),
    )


def _spelled(subscripts: str, rank: int) -> tuple[str, str, str]:
    """The letters of both inputs and of the result, with letters in place of "..." for a first input of a rank.

    Raises:
        FirstlightError: they are not of the form "ab,bc->ac".
    """
    inputs, arrow, result = subscripts.replace(" ", "").partition("->")
    left, comma, right = inputs.partition(",")
    own = left.replace("...", "")
    rest = [letter for letter in ascii_letters if letter not in subscripts][: max(0, rank - len(own))]
    texts = [part.replace("...", "".join(rest)) for part in (left, right, result)]
    known = set(texts[0]) & set(texts[1]), set(texts[2])
    alone = (set(texts[0]) ^ set(texts[1])) - known[1]
    if not (arrow and comma and all(text.isalpha() for text in texts)) or alone or len(texts[0]) != rank:
        raise FirstlightError(
            f"Expected an equation of two inputs such as 'abc,cd->abd' for an input of {rank} axes, with every letter "
            f"in two of its three parts at least. Received {subscripts!r}."
        )
    return texts[0], texts[1], texts[2]


class EinsumDense(Layer):
    """activation(einsum(x, W) + b): a Dense layer over axes that letters name.

    Args:
        equation: of x and W, as "abc,cd->abd" for a Dense layer on sequences.
        output_shape: without the batch and "..."; None for axes that are as in the input.
        activation: name or function of `firstlight.engine.activations`.
        bias_axes: letters of the result along which b differs; None for no b.
    """

    made_of: ClassVar = {"kernel": "glorot_uniform", "bias": "zeros"}

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.equation, self.bias_axes = equation, bias_axes
        self.output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.activation = activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """W with an axis for each of its letters, and b with those of `bias_axes`."""
        _, kernel, result = _spelled(self.equation, len(input_shape))
        sizes = self._sizes(input_shape)
        if None in (sizes[letter] for letter in kernel):
            raise FirstlightError(
                f"Expected the lengths of all axes {kernel!r} of the kernel of {self.name} to be known. Received an "
                f"input of shape {input_shape} and output_shape={self.output_shape}."
            )
        shape = [sizes[letter] for letter in kernel]
        self.kernel = self.add_weight(shape, self._first_kernel(kernel, result), name="kernel")
        self.bias = None
        if self.bias_axes is not None:
            first = min(result.index(letter) for letter in self.bias_axes)
            shape = [sizes[letter] if letter in self.bias_axes else 1 for letter in result[first:]]
            self.bias = self.add_weight(shape, name="bias")

    def _first_kernel(self, kernel: str, result: str) -> Any:
        """The initializer. One that asks how many inputs and outputs there are is shown a matrix of them."""
        initializer = self.kernel_initializer  # type: ignore[attr-defined]
        inputs, outputs = ("".join(x for x in kernel if (x in result) == kept) for kept in (False, True))

        def drawn(shape: Sequence[int], dtype: Any) -> np.ndarray:
            sizes = dict(zip(kernel, shape, strict=True))
            matrix = initializer([math.prod(sizes[x] for x in part) for part in (inputs, outputs)], dtype)
            return np.einsum(f"{inputs}{outputs}->{kernel}", matrix.reshape([sizes[x] for x in inputs + outputs]))

        return drawn if isinstance(initializer, VarianceScaling) else initializer

    def _sizes(self, input_shape: Any) -> dict[str, Any]:
        """The length of each axis by its letter; None where it is not known."""
        left, _, _ = _spelled(self.equation, len(input_shape))
        sizes: dict[str, Any] = dict(zip(left, input_shape, strict=True))
        result = self.equation.partition("->")[2].strip()
        own = result[3:] if result.startswith("...") else result[1:].replace("...", "")  # the batch comes first
        if len(own) != len(self.output_shape):
            raise FirstlightError(f"Expected output_shape to have {len(own)} axes. Received {self.output_shape}.")
        for letter, size in zip(own, self.output_shape, strict=True):
            if size is not None and sizes.get(letter) not in (None, size):
                raise FirstlightError(
                    f"Expected output_shape to agree with the input at {letter!r}. Received {size} and {sizes[letter]}."
                )
            sizes[letter] = sizes.get(letter) if size is None else size
        return sizes

    def call(self, inputs: Any, /) -> Any:
        """activation(einsum(x, W) + b)."""
        x = einsum(self.equation, inputs, self.kernel)
        return self.activation(x if self.bias is None else ops.add(x, self.bias))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The axes of the result."""
        sizes = self._sizes(input_shape)
        return tuple(sizes[letter] for letter in _spelled(self.equation, len(input_shape))[2])

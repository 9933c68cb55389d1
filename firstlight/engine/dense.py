"""Dense layers, tables of vectors, and activations as layers.

Formulas stand in `call`; the derivatives beside the operations that it uses.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from firstlight.engine import activations, ops
from firstlight.engine.layer import Layer
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = [
    "ELU",
    "Activation",
    "Dense",
    "Embedding",
    "Identity",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "ReversibleEmbedding",
    "Softmax",
]


class Dense(Layer):
    """activation(x W + b): (..., inputs) -> (..., units).

    Args:
        units: width of the output.
        activation: a name or function of `firstlight.engine.activations`.
        use_bias: whether b is there.
    """

    supports_masking = True
    made_of: ClassVar = {"kernel": "glorot_uniform", "bias": "zeros"}

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True, **options: Any):
        super().__init__(**options)
        self.units, self.activation, self.use_bias = units, activations.get(activation), use_bias

    def build(self, input_shape: Any) -> None:
        """W (inputs, units) and b (units,)."""
        if input_shape[-1] is None:
            raise FirstlightError(f"Expected the last axis of the input of {self.name} to be known. Received None.")
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.units,), name="bias")

    def call(self, inputs: Any, /) -> Any:
        """activation(x W + b)."""
        x = ops.matmul(inputs, self.kernel)
        return self.activation(ops.add(x, self.bias) if self.use_bias else x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The last axis becomes `units`."""
        return (*input_shape[:-1], self.units)


class Embedding(Layer):
    """A vector for each word: whole numbers (...) -> the rows of a table, (..., output_dim).

    Args:
        input_dim: rows of the table; numbers go from 0 to input_dim - 1.
        output_dim: width of a row.
        mask_zero: 0 is padding, which the layers behind pass over.
    """

    made_of: ClassVar = {"embeddings": "uniform"}

    def __init__(self, input_dim: int, output_dim: int, mask_zero: bool = False, **options: Any):
        super().__init__(**options)
        self.input_dim, self.output_dim, self.mask_zero = input_dim, output_dim, mask_zero
        self.supports_masking = mask_zero

    def build(self, input_shape: Any) -> None:
        """The table (input_dim, output_dim)."""
        self.embeddings = self.add_weight((self.input_dim, self.output_dim), name="embeddings")

    def call(self, inputs: Any, /) -> Any:
        """Take a row for each number."""
        numbers = np.asarray(value_of(inputs)).astype(np.int64)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < self.input_dim:
            raise FirstlightError(
                f"Expected numbers from 0 to {self.input_dim - 1} for {self.name}. "
                f"Received {numbers.min()} to {numbers.max()}."
            )
        return ops.take(self.embeddings, numbers)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where there is a word."""
        return np.asarray(value_of(inputs)) != 0 if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """One more axis, of `output_dim`."""
        return (*input_shape, self.output_dim)


class ReversibleEmbedding(Embedding):
    """An Embedding that can also tell words: with `reverse`, vectors (..., output_dim) -> logits (..., input_dim).

    A logit is the dot product with the row of the word (Press and Wolf 2017).

    Args:
        input_dim, output_dim, mask_zero: see Embedding.
        tie_weights: False has another table for the way back.
        logit_soft_cap: c keeps logits within -c and c, as c tanh(x / c).
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        mask_zero: bool = False,
        logit_soft_cap: float | None = None,
        **options: Any,
    ):
        super().__init__(input_dim, output_dim, mask_zero, **options)
        self.tie_weights, self.logit_soft_cap = tie_weights, logit_soft_cap

    def build(self, input_shape: Any) -> None:
        """The table, and by need the one for the way back (output_dim, input_dim)."""
        super().build(input_shape)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            usual = getattr(self, "embeddings_initializer")  # noqa: B009
            self.reverse_embeddings = self.add_weight(shape, usual, name="reverse_embeddings")

    def call(self, inputs: Any, /, reverse: bool = False) -> Any:
        """Rows for numbers, or logits for vectors."""
        if not reverse:
            return super().call(inputs)
        table = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        logits = ops.matmul(inputs, table)
        cap = self.logit_soft_cap
        return activations.tanh(logits / cap) * cap if cap else logits

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where there is a word; vectors have no mask."""
        return None if np.asarray(value_of(inputs)).dtype.kind == "f" else super().compute_mask(inputs, mask)


class Identity(Layer):
    """x."""

    supports_masking = True

    def call(self, inputs: Any, /) -> Any:
        """x."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape


class Activation(Identity):
    """An activation by itself, by name or as a function."""

    def __init__(self, activation: Any, **options: Any):
        super().__init__(**options)
        self.activation = activations.get(activation)

    def call(self, inputs: Any, /) -> Any:
        """activation(x)."""
        return self.activation(inputs)


class ReLU(Identity):
    """relu with its bounds and slopes; see `activations.relu`."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **options: Any
    ):
        super().__init__(**options)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any, /) -> Any:
        """relu(x)."""
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


class LeakyReLU(Identity):
    """x above 0, negative_slope x below."""

    def __init__(self, negative_slope: float = 0.3, **options: Any):
        super().__init__(**options)
        self.negative_slope = negative_slope

    def call(self, inputs: Any, /) -> Any:
        """leaky_relu(x)."""
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class PReLU(Identity):
    """x above 0, alpha x below, with a slope alpha that is learned for each unit (He et al. 2015).

    Args:
        shared_axes: axes along which one slope serves all, such as (1, 2) for images.
    """

    made_of: ClassVar = {"alpha": "zeros"}

    def __init__(self, shared_axes: Sequence[int] | int | None = None, **options: Any):
        super().__init__(**options)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes

    def build(self, input_shape: Any) -> None:
        """alpha, of the input's shape without the batch and with 1 for shared axes."""
        shared = self.shared_axes or ()
        self.alpha = self.add_weight(
            [1 if axis in shared else n for axis, n in enumerate(input_shape) if axis], name="alpha"
        )

    def call(self, inputs: Any, /) -> Any:
        """max(0, x) - alpha max(0, -x)."""
        return activations.relu(inputs) - self.alpha * activations.relu(ops.negative(inputs))


class ELU(Identity):
    """x above 0, alpha (e^x - 1) below."""

    def __init__(self, alpha: float = 1.0, **options: Any):
        super().__init__(**options)
        self.alpha = alpha

    def call(self, inputs: Any, /) -> Any:
        """elu(x)."""
        return activations.elu(inputs, alpha=self.alpha)


class Softmax(Identity):
    """Shares that sum to 1 along an axis; masked places get none."""

    def __init__(self, axis: int = -1, **options: Any):
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any, /, mask: Any = None) -> Any:
        """softmax(x); 0 where `mask` is False, even where it is False everywhere."""
        if mask is None:
            return activations.softmax(inputs, axis=self.axis)
        seen = np.asarray(value_of(mask), bool)
        return ops.where(seen, activations.softmax(ops.where(seen, inputs, -1e9), axis=self.axis), 0.0)

"""Attention in several heads: each looks for something else, with projections of its own.

MultiHeadAttention has keys and values for each head; in GroupQueryAttention several heads share them.
"""

import math
from typing import Any, ClassVar

import numpy as np

from firstlight.engine import ops
from firstlight.engine.attention import causal, shares, together
from firstlight.engine.dropout import Dropout
from firstlight.engine.einsum import EinsumDense
from firstlight.engine.layer import Layer
from firstlight.engine.symbols import KerasTensor
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = ["GroupQueryAttention", "MultiHeadAttention"]


class _HeadAttention(Layer):
    """softmax(Q K^T / sqrt(d)) V for each of several heads, whose means are then brought together.

    Q = query W_q + b_q and so on, with a W for each head; the scores are divided by sqrt(d), with the width d of a
    key, for a dot product of d random numbers is about so large (Vaswani et al. 2017).
    """

    supports_masking = True
    made_of: ClassVar = {"kernel": "glorot_uniform", "bias": "zeros"}

    def __init__(
        self,
        *,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        use_gate: bool = False,
        seed: int | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        if sliding_window is not None and sliding_window <= 0:
            raise FirstlightError(f"Expected sliding_window above 0 or None. Received {sliding_window}.")
        self.dropout, self.use_bias, self.sliding_window, self.seed = dropout, use_bias, sliding_window, seed
        self.use_gate = use_gate
        self._dropout_layer = Dropout(dropout, seed=seed, dtype=self.dtype)

    def _projections(self, shapes: Any, heads: int, key_heads: int, widths: tuple[int, int], out: Any) -> list[Any]:
        """Those to queries, keys, the gate and values (batch, time, heads, width), and the one back."""
        for name, shape in zip(("query", "value", "key"), shapes, strict=True):
            if len(shape) != 3:
                raise FirstlightError(
                    f"Expected (batch, time, features) as the {name} of {self.name}. Received shape {shape}."
                )
        query, value, key = shapes
        into, key_width, value_width = "abc,cde->abde", *widths
        gate = self._dense("gate", into, (None, heads, value_width), query, "sigmoid") if self.use_gate else None
        letters = "efghij"[: len(out)]
        back = f"abcd,cd{letters}->ab{letters}"
        return [
            self._dense("query", into, (None, heads, key_width), query),
            self._dense("key", into, (None, key_heads, key_width), key),
            gate,
            self._dense("value", into, (None, key_heads, value_width), value),
            self._dense("attention_output", back, (None, *out), (*query[:2], heads, value_width)),
        ]

    def _made(self) -> tuple[Any, ...]:
        """What `_projections` gave. Each subclass has it under the names of Keras, which stand in Keras's files."""
        raise NotImplementedError

    def _dense(self, name: str, equation: str, shape: Any, input_shape: Any, activation: Any = None) -> EinsumDense:
        kinds = [f"{weight}_{kind}" for weight in self.made_of for kind in ("initializer", "regularizer", "constraint")]
        bias_axes = equation.partition("->ab")[2] if self.use_bias else None
        dense = EinsumDense(
            equation,
            shape,
            activation,
            bias_axes,
            name=name,
            dtype=self.dtype,
            trainable=self.trainable,
            **{kind: getattr(self, kind) for kind in kinds},
        )
        dense.build_once(input_shape)
        return dense

    def call(  # type: ignore[override]
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The means of values for queries, and by wish the weights (batch, heads, queries, values).

        Masks of query, value and key are (batch, time) and come along with the inputs if they are not given.
        `attention_mask` (batch, queries, values) is True where a query may see a value.
        """
        key = value if key is None else key
        masks = [
            getattr(x, "mask", None) if mask is None else mask
            for x, mask in ((query, query_mask), (value, value_mask), (key, key_mask))
        ]
        seen = self._seen(query.shape[1], value.shape[1], masks, attention_mask, use_causal_mask)
        to_query, to_key, gate, to_value, back = self._made()
        q = ops.transpose(to_query(query), (0, 2, 1, 3))  # heads before time: a product of matrices for each
        k, v = (self._for_heads(x, q.shape[1]) for x in (to_key(key), to_value(value)))
        scores = ops.matmul(ops.multiply(q, 1 / math.sqrt(q.shape[-1])), ops.transpose(k, (0, 1, 3, 2)))
        weights = shares(scores, seen)
        if seen is not None and (self.dropout or return_attention_scores):
            # A query that may see nothing: here it gets zeros, otherwise the mean of all values. So it is in Keras.
            weights = ops.where(seen, weights, 0.0)
        means = ops.transpose(ops.matmul(self._dropout_layer(weights), v), (0, 2, 1, 3))
        output = back(means if gate is None else ops.multiply(means, gate(query)))
        return (output, weights) if return_attention_scores else output

    def symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """With weights where they are asked for: (batch, heads, queries, values)."""
        found = super().symbols(args, kwargs)
        named = {**dict(zip(("query", "value"), args, strict=False)), **kwargs}
        query, value = named["query"], named["value"]
        heads = vars(self).get("num_heads") or vars(self)["num_query_heads"]
        weights = KerasTensor((query.shape[0], heads, query.shape[1], value.shape[1]), self.dtype)
        return [found, weights] if kwargs.get("return_attention_scores") else found

    def _for_heads(self, x: Any, heads: int) -> Any:
        """(batch, time, heads, width) -> (batch, heads, time, width); shared heads are repeated."""
        x = ops.transpose(x, (0, 2, 1, 3))
        return x if x.shape[1] == heads else ops.repeat(x, heads // x.shape[1], 1)

    def _seen(self, queries: int, values: int, masks: list[Any], attention_mask: Any, use_causal_mask: bool) -> Any:
        """Which query may see which value, (batch, heads, queries, values) with 1 for axes that do not matter."""
        seen = None
        for mask, axis in zip(masks, (2, 1, 1), strict=True):
            if mask is not None:
                seen = together(seen, np.expand_dims(np.asarray(value_of(mask), bool), axis))
        if use_causal_mask:
            seen = together(seen, causal(queries, values))
        if self.sliding_window is not None:
            distance = np.abs(np.arange(queries)[:, None] - np.arange(values))
            seen = together(seen, distance < self.sliding_window)
        seen = None if seen is None else np.expand_dims(np.broadcast_to(seen, (1,) * (3 - seen.ndim) + seen.shape), 1)
        if attention_mask is not None:
            mask = np.asarray(value_of(attention_mask), bool)
            seen = together(seen, mask if mask.ndim == 4 else mask[:, None] if mask.ndim == 3 else mask[None, None])
        return seen


class MultiHeadAttention(_HeadAttention):
    """softmax(Q K^T / sqrt(d)) V in several heads, each with projections of its own (Vaswani et al. 2017).

    Args:
        num_heads: how many.
        key_dim: width d of a query and a key in a head.
        value_dim: width of a value in a head; by default key_dim.
        output_shape: width of what comes out; by default that of the query.
        attention_axes: None; it is time that attention goes over.
        options: dropout, use_bias, sliding_window (see only so near), use_gate, seed; and those of the weights.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        **options: Any,
    ):
        super().__init__(dropout=dropout, use_bias=use_bias, **options)
        for name, value in (("num_heads", num_heads), ("key_dim", key_dim), ("value_dim", value_dim)):
            if value is not None and value <= 0:
                raise FirstlightError(f"Expected {name} above 0. Received {value}.")
        if attention_axes not in (None, 1, (1,), [1]):
            raise FirstlightError(f"Expected attention_axes to be None, over time. Received {attention_axes!r}.")
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim or key_dim
        self.output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.attention_axes = attention_axes

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        """The projections."""
        shapes = query_shape, value_shape, key_shape or value_shape
        heads, widths = self.num_heads, (self.key_dim, self.value_dim)
        made = self._projections(shapes, heads, heads, widths, self.output_shape or query_shape[-1:])
        self.query_dense, self.key_dense, self._gate_dense, self.value_dense, self.output_dense = made

    def _made(self) -> tuple[Any, ...]:
        return self.query_dense, self.key_dense, self._gate_dense, self.value_dense, self.output_dense

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        """That of the query, but for a last axis as `output_shape` says."""
        return (*query_shape[:-1], *(self.output_shape or query_shape[-1:]))


class GroupQueryAttention(_HeadAttention):
    """MultiHeadAttention in which several heads of queries share one of keys and values (Ainslie et al. 2023).

    Args:
        head_dim: width of queries, keys and values in a head.
        num_query_heads: heads of queries.
        num_key_value_heads: heads of keys and values, by which the former can be divided.
        options: dropout, use_bias, sliding_window (see only so near), use_gate, seed; and those of the weights.
    """

    keras_class = "GroupedQueryAttention"  # so Keras calls it among the weights of a file, and nowhere else

    def __init__(self, head_dim: int, num_query_heads: int, num_key_value_heads: int, **options: Any):
        super().__init__(**options)
        if num_query_heads % num_key_value_heads:
            raise FirstlightError(
                f"Expected num_query_heads to be a multiple of num_key_value_heads. Received {num_query_heads} and "
                f"{num_key_value_heads}."
            )
        self.head_dim, self.num_query_heads, self.num_key_value_heads = head_dim, num_query_heads, num_key_value_heads

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        """The projections."""
        shapes = query_shape, value_shape, key_shape or value_shape
        heads, widths = (self.num_query_heads, self.num_key_value_heads), (self.head_dim, self.head_dim)
        made = self._projections(shapes, *heads, widths, query_shape[-1:])
        self._query_dense, self._key_dense, self._gate_dense, self._value_dense, self._output_dense = made

    def _made(self) -> tuple[Any, ...]:
        return self._query_dense, self._key_dense, self._gate_dense, self._value_dense, self._output_dense

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        """That of the query."""
        return query_shape

"""Attention: a mean of values, weighed by how well the key of each value answers a query.

With queries Q, keys K and values V, one a row: softmax(scores(Q, K)) V. The layers differ in the scores, and in what
they make of their inputs beforehand.
"""

from typing import Any

import numpy as np

from firstlight.engine import activations, ops
from firstlight.engine.dropout import Dropout
from firstlight.engine.layer import Layer
from firstlight.engine.symbols import KerasTensor
from firstlight.engine.tensor import named, value_of
from firstlight.errors import FirstlightError

__all__ = ["AdditiveAttention", "Attention", "causal", "shares", "together"]

_NEVER = -1e9  # a score that leaves no share: e^-1e9 is 0


class Attention(Layer):
    """softmax(Q K^T) V (Luong et al. 2015): [query, value] or [query, value, key] -> (batch, queries, width of value).

    Inputs are (batch, queries, width), (batch, values, width) and (batch, values, width); the key is by default the
    value.

    Args:
        use_scale: multiply scores by a number that is learned.
        score_mode: "dot" for q k, "concat" for w sum(tanh(scale (q + k))) with a number w that is learned.
        dropout: share of the weights that is dropped while training.
        seed: of the drawing.
    """

    supports_masking = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        if score_mode not in ("dot", "concat"):
            raise FirstlightError(f"Expected score_mode to be 'dot' or 'concat'. Received {score_mode!r}.")
        self.use_scale, self.score_mode, self.dropout, self.seed = use_scale, score_mode, dropout, seed
        self._dropout_layer = Dropout(dropout, seed=seed, dtype=self.dtype)

    def build(self, input_shape: Any) -> None:
        """The numbers that are learned."""
        _inputs(self, input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else 1.0
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def call(
        self, inputs: Any, /, mask: Any = None, return_attention_scores: bool = False, use_causal_mask: bool = False
    ) -> Any:
        """The means of values, and by wish the weights (batch, queries, values).

        `mask` is a list of the masks of query and value, or None for either. With `use_causal_mask` a query sees no
        value that stands after it.
        """
        query, value, key = _inputs(self, inputs)
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        scores = self.scores(query, key)
        seen = None if value_mask is None else np.asarray(value_of(value_mask), bool)[:, None]
        if use_causal_mask:
            seen = together(seen, causal(*scores.shape[-2:]))
        if seen is not None:  # lowered, not replaced, as in Keras: where nothing may be seen, gradients still flow
            scores = ops.where(seen, scores, ops.add(scores, _NEVER))
        weights = shares(scores, None)
        output = ops.matmul(self._dropout_layer(weights), value)
        if query_mask is not None:
            output = ops.where(np.asarray(value_of(query_mask), bool)[..., None], output, 0.0)
        return (output, weights) if return_attention_scores else output

    def scores(self, query: Any, key: Any) -> Any:
        """How well each key answers each query: (batch, queries, values)."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.transpose(key, (0, 2, 1)))
            return ops.multiply(scores, self.scale) if self.use_scale else scores
        total = ops.add(ops.expand_dims(query, 2), ops.expand_dims(key, 1))
        bent = activations.tanh(ops.multiply(total, self.scale) if self.use_scale else total)
        return ops.multiply(ops.sum(bent, -1), self.concat_score_weight)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As many as queries, as wide as values."""
        return (*input_shape[0][:-1], input_shape[1][-1])

    def symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """With scores where they are asked for: (batch, queries, keys)."""
        found = super().symbols(args, kwargs)
        query, value = args[0][:2]
        scores = KerasTensor((*query.shape[:-1], value.shape[1]), self.dtype)
        return [found, scores] if kwargs.get("return_attention_scores") else found

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the query."""
        return mask[0] if isinstance(mask, list | tuple) else None


class AdditiveAttention(Attention):
    """softmax(sum(scale tanh(q + k))) V, with a vector `scale` that is learned (Bahdanau et al. 2015).

    Args:
        use_scale: whether `scale` is there.
        dropout: share of the weights that is dropped while training.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **options: Any):
        super().__init__(use_scale, dropout=dropout, **options)

    def build(self, input_shape: Any) -> None:
        """The vector, as wide as the query."""
        _inputs(self, input_shape)
        self.scale = self.add_weight((input_shape[0][-1],), name="scale") if self.use_scale else 1.0

    def scores(self, query: Any, key: Any) -> Any:
        """A small network looks at each pair: (batch, queries, values)."""
        bent = activations.tanh(ops.add(ops.expand_dims(query, 2), ops.expand_dims(key, 1)))
        return ops.matmul(bent, self.scale) if self.use_scale else ops.sum(bent, -1)

    def get_config(self) -> dict[str, Any]:
        """The arguments, among which there is no score_mode."""
        return {name: value for name, value in super().get_config().items() if name != "score_mode"}


def _inputs(layer: Layer, inputs: Any) -> tuple[Any, Any, Any]:
    """Query, value and key, or their shapes."""
    if not isinstance(inputs, list | tuple) or len(inputs) not in (2, 3) or inputs[0] is None:
        raise FirstlightError(
            f"Expected a list [query, value] or [query, value, key] for {layer.name}. Received a "
            f"{type(inputs).__name__}."
        )
    return inputs[0], inputs[1], inputs[-1]


def causal(queries: int, values: int) -> np.ndarray:
    """(queries, values): no query sees what stands after it."""
    return np.tri(queries, values, dtype=bool)


def together(seen: Any, mask: np.ndarray) -> np.ndarray:
    """What both masks let through; the first may be None."""
    return mask if seen is None else seen & mask


def shares(scores: Any, seen: Any) -> Any:
    """The softmax of the scores (..., queries, values) that may be seen."""
    return named("attention", activations.softmax(scores if seen is None else ops.where(seen, scores, _NEVER)))

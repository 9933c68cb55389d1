"""Rows of the table for layers of sequences and attention; see case.py."""

from typing import Any

import numpy as np

from tests.parity.case import Case, Wrapped

ENDS = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
"""Sequences that end sooner or later, for a time of 5."""
HOLES = np.array([[0, 1, 1, 0, 1], [0, 0, 1, 1, 0], [1, 1, 0, 1, 1]], bool)
"""Sequences that begin later, and with steps left out."""
STEPS = np.stack([ENDS, HOLES], axis=1)
"""A mask for each of 2 times 5 steps."""
SHORTER = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0]], bool)
"""For a time of 4."""
SEES = np.random.default_rng(0).random((3, 5, 4)) < 0.6
SEES[..., 0] |= ~SEES.any(-1)

ALL: dict[str, Any] = {"return_sequences": True, "return_state": True}


def recurrent(name: str, states: int) -> list[Case]:
    """Rows that each of SimpleRNN, LSTM and GRU has."""
    start = {"initial_state": [(3,)] * states if states > 1 else (3,)}
    rows: list[tuple[dict[str, Any], dict[str, Any], Any]] = [
        ({}, {}, None),
        ({"return_sequences": True}, {}, None),
        ({"return_state": True}, {}, None),
        ({"go_backwards": True, **ALL}, {}, None),
        ({"use_bias": False, **ALL}, {}, None),
        ({"activation": "softplus"}, {}, None),
        ({"activation": "relu", **ALL}, {}, HOLES),
        ({}, {}, ENDS),
        (ALL, {}, ENDS),
        ({"go_backwards": True}, {}, HOLES),
        ({"go_backwards": True, "zero_output_for_mask": True, **ALL}, {}, HOLES),
        ({"go_backwards": True, **ALL}, {}, ENDS),
        (ALL, start, None),
        ({"return_state": True}, start, HOLES),
        ({"zero_output_for_mask": True, **ALL}, start, HOLES),
        ({"zero_output_for_mask": True}, {}, ENDS),
    ]
    # What comes out of a first step that is masked: zeros on TensorFlow, the initial state on JAX.
    disputed = [
        (ALL, start, HOLES),
        ({"unroll": True, "zero_output_for_mask": True, "activation": "gelu"}, start, HOLES),
    ]
    return [
        Case(name, {"units": 3, **config}, (5, 4), more, mask=mask, not_on=not_on)
        for several, not_on in ((rows, ()), (disputed, ("jax",)))
        for config, more, mask in several
    ]


def bidirectional() -> list[Case]:
    """Rows of Bidirectional."""
    plain, every, both = ({"units": 3, **config} for config in ({}, {"return_sequences": True}, ALL))
    modes = ("concat", "sum", "mul", "ave", None)
    rows: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], Any]] = [
        *(("LSTM", every, {"merge_mode": mode}, {}, None) for mode in modes),
        *(("GRU", plain, {"merge_mode": mode}, {}, None) for mode in modes),
        *(("GRU", both, {"merge_mode": mode}, {}, None) for mode in ("concat", None)),
        ("LSTM", both, {}, {"initial_state": [(3,)] * 4}, None),
        ("SimpleRNN", both, {"merge_mode": "sum"}, {"initial_state": [(3,)] * 2}, None),
        ("LSTM", every, {}, {}, ENDS),
        ("LSTM", plain, {}, {}, ENDS),
        ("GRU", every, {"merge_mode": "ave"}, {}, HOLES),
        ("LSTM", plain, {"backward_layer": Wrapped("GRU", {"units": 3, "go_backwards": True})}, {}, None),
    ]
    return [
        Case("Bidirectional", {"layer": Wrapped(name, inner), **outer}, (5, 4), more, mask=mask)
        for name, inner, outer, more, mask in rows
    ]


HEADS: dict[str, Any] = {"num_heads": 2, "key_dim": 3}
GROUPS: dict[str, Any] = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
OTHER: dict[str, Any] = {"value": (4, 7)}
ALIKE: dict[str, Any] = {"value": (4, 6)}  # in a functional model, Keras wants it as wide as the query
SCORES: dict[str, Any] = {"return_attention_scores": True}


def heads(name: str, config: dict[str, Any], other: dict[str, Any]) -> list[Case]:
    """Rows that both attentions of several heads have; `other` has the value."""
    rows: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, other),
        ({}, {**other, **SCORES}),
        ({}, {**other, "key": (4, 5)}),
        ({"use_bias": False}, other),
        ({"use_gate": True}, {**other, **SCORES}),
        ({}, {**other, "attention_mask": SEES}),
        ({}, {**other, "attention_mask": SEES[0]}),
        ({}, {**other, **SCORES, "attention_mask": SEES[:, None]}),
        ({}, {**other, **SCORES, "value_mask": SHORTER}),
        ({}, {**other, "key": (4, 5), "value_mask": SHORTER, "key_mask": SHORTER[::-1]}),
        ({}, {**other, "value_mask": SHORTER & False}),
        ({}, {**other, **SCORES, "value_mask": SHORTER & False}),
        ({"dropout": 0.5}, {**other, "value_mask": SHORTER & False}),
        ({}, {**other, "use_causal_mask": True}),
        ({}, {**other, **SCORES, "use_causal_mask": True, "attention_mask": SEES | True}),
        ({"sliding_window": 2}, {"value": (5, 6), **SCORES}),
        ({"sliding_window": 2}, {"value": (5, 6), "use_causal_mask": True}),
    ]
    return [Case(name, {**config, **more}, (5, 6), arguments) for more, arguments in rows]


def attention(name: str, configs: list[dict[str, Any]]) -> list[Case]:
    """Rows of attention in one head; its inputs are lists."""
    pair: list[tuple[int, ...]] = [(5, 6), (4, 6)]
    rows: list[tuple[list[tuple[int, ...]], dict[str, Any]]] = [
        (pair, {}),
        ([(5, 6), (4, 3), (4, 6)], {}),
        (pair, SCORES),
        (pair, {"use_causal_mask": True}),
        (pair, {"mask": [ENDS, SHORTER]}),
        (pair, {"mask": [HOLES, SHORTER | [[1, 0, 0, 0]]], "use_causal_mask": True, **SCORES}),
    ]
    blind = {"mask": [ENDS, SHORTER & [[1], [0], [1]]]}  # one of the three sees nothing
    return [
        *(Case(name, config, shape, arguments) for config in configs for shape, arguments in rows),
        *(Case(name, config, pair, blind, coarse=True) for config in configs),
    ]


CASES: list[Case] = [
    *recurrent("SimpleRNN", 1),
    *recurrent("LSTM", 2),
    *recurrent("GRU", 1),
    Case("LSTM", {"units": 3, "recurrent_activation": "hard_sigmoid", "unit_forget_bias": False, **ALL}, (5, 4)),
    Case("GRU", {"units": 3, "recurrent_activation": "hard_sigmoid", **ALL}, (5, 4)),
    Case("GRU", {"units": 3, "reset_after": False, **ALL}, (5, 4)),
    Case("GRU", {"units": 3, "reset_after": False, "use_bias": False}, (5, 4), {"initial_state": (3,)}, mask=HOLES),
    Case("LSTM", {"units": 3, "kernel_regularizer": "l2", "recurrent_constraint": "unit_norm"}, (5, 4)),
    Case("SimpleRNNCell", {"units": 3}, (4,), {"states": [(3,)]}),
    Case("LSTMCell", {"units": 3}, (4,), {"states": [(3,), (3,)]}),
    Case("LSTMCell", {"units": 3, "activation": "relu", "use_bias": False}, (4,), {"states": [(3,), (3,)]}),
    Case("GRUCell", {"units": 3}, (4,), {"states": [(3,)]}),
    Case("GRUCell", {"units": 3, "reset_after": False}, (4,), {"states": [(3,)]}),
    Case(
        "StackedRNNCells",
        {"cells": [Wrapped("GRUCell", {"units": 3}), Wrapped("LSTMCell", {"units": 2})]},
        (4,),
        {"states": [[(3,)], [(2,), (2,)]]},
    ),
    Case("RNN", {"cell": Wrapped("LSTMCell", {"units": 3}), **ALL}, (5, 4), mask=ENDS),
    Case("RNN", {"cell": [Wrapped("GRUCell", {"units": 3}), Wrapped("LSTMCell", {"units": 2})]}, (5, 4)),
    Case(
        "RNN",
        {"cell": [Wrapped("LSTMCell", {"units": 3}), Wrapped("SimpleRNNCell", {"units": 2})], **ALL},
        (5, 4),
        mask=HOLES,
    ),
    *bidirectional(),
    Case("TimeDistributed", {"layer": Wrapped("Dense", {"units": 3})}, (5, 4)),
    Case("TimeDistributed", {"layer": Wrapped("LSTM", {"units": 3})}, (2, 5, 4)),
    Case("TimeDistributed", {"layer": Wrapped("GRU", {"units": 3})}, (2, 5, 4), mask=STEPS),
    Case("TimeDistributed", {"layer": Wrapped("Conv2D", {"filters": 2, "kernel_size": 2})}, (2, 3, 4, 2)),
    Case("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"}, (4,)),
    Case("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 3), "activation": "tanh"}, (5, 4)),
    Case("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y"}, (2, 5, 4)),
    Case("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 3, "bias_axes": "c"}, (4, 5, 2)),
    Case("EinsumDense", {"equation": "abc,bcde->ade", "output_shape": (3, 2), "bias_axes": "e"}, (5, 4)),
    Case("EinsumDense", {"equation": "abc,bcd->abd", "output_shape": (5, 3), "bias_axes": "bd"}, (5, 4)),
    *heads("MultiHeadAttention", HEADS, OTHER),
    # On JAX, Keras refuses values of another width than keys.
    Case("MultiHeadAttention", {**HEADS, "value_dim": 4}, (5, 6), OTHER, not_on=("jax",)),
    Case("MultiHeadAttention", {**HEADS, "output_shape": 3}, (5, 6), OTHER),
    Case(
        "MultiHeadAttention",
        {**HEADS, "output_shape": (3, 2), "use_gate": True, "value_dim": 4},
        (5, 6),
        OTHER,
        not_on=("jax",),
    ),
    *heads("GroupQueryAttention", GROUPS, ALIKE),
    Case("GroupQueryAttention", {**GROUPS, "num_key_value_heads": 1}, (5, 6), ALIKE),
    *attention("Attention", [{}, {"use_scale": True}, {"score_mode": "concat"}]),
    Case("Attention", {"use_scale": True, "score_mode": "concat"}, [(5, 6), (4, 6)]),
    *attention("AdditiveAttention", [{}, {"use_scale": False}]),
]

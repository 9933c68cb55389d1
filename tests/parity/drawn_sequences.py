"""Drawn rows for layers of sequences and attention; see drawn_cases.py."""

from typing import Any

from hypothesis import strategies as st

from tests.parity.case import BATCH, Case, Wrapped
from tests.parity.drawing import Draw, bools, pieces

RECURRENT = pieces(
    use_bias=st.booleans(),
    return_sequences=st.booleans(),
    return_state=st.booleans(),
    go_backwards=st.booleans(),
    zero_output_for_mask=st.booleans(),
    unroll=st.booleans(),
    activation=st.sampled_from(["tanh", "softplus", "sigmoid"]),
)


@st.composite
def recurrent(draw: Draw) -> Case:
    name = draw(st.sampled_from(["SimpleRNN", "LSTM", "GRU"]))
    units, time = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    config = {"units": units, **draw(RECURRENT)}
    if config.get("go_backwards") and config.get("zero_output_for_mask"):
        config.pop("unroll", None)  # with all three, Keras sets other steps to 0 than without `unroll`
    if name == "GRU":
        config |= draw(pieces(reset_after=st.booleans()))
    start: dict[str, Any] = {}
    if draw(st.booleans()):
        start = {"initial_state": [(units,)] * 2 if name == "LSTM" else (units,)}
    mask = bools(draw, BATCH, time) if draw(st.booleans()) else None
    return Case(name, config, (time, draw(st.integers(1, 3))), start, mask=mask)


@st.composite
def bidirectional(draw: Draw) -> Case:
    name = draw(st.sampled_from(["SimpleRNN", "LSTM", "GRU"]))
    time = draw(st.integers(1, 4))
    inner = {"units": draw(st.integers(1, 3)), **draw(RECURRENT)}
    inner.pop("unroll", None)  # as above, for one of the two goes backwards
    merge = draw(st.sampled_from(["concat", "sum", "mul", "ave", None]))
    mask = bools(draw, BATCH, time) if draw(st.booleans()) else None
    config = {"layer": Wrapped(name, inner), "merge_mode": merge}
    return Case("Bidirectional", config, (time, draw(st.integers(1, 3))), mask=mask)


@st.composite
def heads(draw: Draw) -> Case:
    width, queries, values = (draw(st.integers(1, 4)) for _ in range(3))
    grouped = draw(st.booleans())
    config: dict[str, Any] = draw(pieces(use_bias=st.booleans(), use_gate=st.booleans()))
    # Not of width 1: as many heads as steps then mislead Keras on TensorFlow to add their bias along time.
    dim = st.integers(2, 3)
    if grouped:
        shared, times = draw(st.integers(1, 2)), draw(st.integers(1, 3))
        config |= {
            "head_dim": draw(dim),
            "num_query_heads": shared * times,
            "num_key_value_heads": shared,
        }
    else:
        config |= {"num_heads": draw(st.integers(1, 3)), "key_dim": draw(dim)}
        config |= draw(pieces(value_dim=dim, output_shape=st.integers(1, 3)))
    if draw(st.booleans()):
        config["sliding_window"] = draw(st.integers(1, 3))
    arguments: dict[str, Any] = {"value": (values, width)}
    if draw(st.booleans()):
        arguments["key"] = (values, width)
    if draw(st.booleans()):
        arguments["attention_mask"] = bools(draw, BATCH, queries, values)
    if draw(st.booleans()):
        arguments["value_mask"] = bools(draw, BATCH, values)  # a query_mask that is passed, Keras writes over
    for name in ("use_causal_mask", "return_attention_scores"):
        if draw(st.booleans()):
            arguments[name] = True
    return Case("GroupQueryAttention" if grouped else "MultiHeadAttention", config, (queries, width), arguments)


@st.composite
def attention(draw: Draw) -> Case:
    width, queries, values = (draw(st.integers(1, 4)) for _ in range(3))
    name = draw(st.sampled_from(["Attention", "AdditiveAttention"]))
    config = draw(pieces(use_scale=st.booleans()))
    if name == "Attention":
        config |= draw(pieces(score_mode=st.sampled_from(["dot", "concat"])))
    shapes = [(queries, width), (values, draw(st.integers(1, 4))), (values, width)]
    if draw(st.booleans()):
        shapes = [(queries, width), (values, width)]
    arguments: dict[str, Any] = {}
    if draw(st.booleans()):
        arguments["mask"] = [bools(draw, BATCH, queries), bools(draw, BATCH, values)]
    for setting in ("use_causal_mask", "return_attention_scores"):
        if draw(st.booleans()):
            arguments[setting] = True
    return Case(name, config, shapes, arguments)

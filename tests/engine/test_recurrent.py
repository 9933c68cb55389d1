"""Recurrent layers beside what the table of parity proves: whole sequences against the loop, states, dropout, cells."""

from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import Tensor, backward, gradcheck, ops, recurrent_ops
from firstlight.engine.cells import GRUCell, LSTMCell, SimpleRNNCell
from firstlight.engine.initializers import set_random_seed
from firstlight.engine.layer import Layer
from firstlight.engine.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Dense,
    SimpleRNN,
    TimeDistributed,
)
from firstlight.engine.structure import leaves
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

HOLES = np.array([[0, 1, 1, 0, 1], [0, 0, 1, 1, 0], [1, 1, 0, 1, 1]], bool)
KINDS = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def values_and_gradients(layer: Any, x: np.ndarray, starts: list[np.ndarray], mask: Any) -> list[np.ndarray]:
    tensors = [Tensor(x), *(Tensor(start) for start in starts)]
    outputs = list(leaves(layer(tensors[0], initial_state=tensors[1:], mask=mask)))
    total = sum((output * draw(*output.shape, seed=7)).sum() for output in outputs)
    gradients = backward(total)
    return [value_of(x) for x in outputs] + [gradients[x] for x in [*tensors, *layer.trainable_weights]]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_at_once_equals_the_loop_over_the_cell(
    kind: str, every: bool, masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = KINDS[kind](4, return_sequences=every, return_state=True, bias_initializer="normal", dtype="float64")
    arguments = (
        draw(3, 5, 2),
        [draw(3, 4, seed=n) for n in range(2 if kind == "LSTM" else 1)],
        HOLES if masked else None,
    )
    operations = []
    name = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[kind]
    original = getattr(recurrent_ops, name)
    monkeypatch.setattr(recurrent_ops, name, lambda *a, **k: operations.append(name) or original(*a, **k))
    at_once = values_and_gradients(layer, *arguments)
    assert operations == [name]
    monkeypatch.setattr(type(layer.cell), "plain", lambda self: False)
    stepped = values_and_gradients(layer, *arguments)
    assert operations == [name]
    assert len(at_once) == len(stepped)
    for one, other in zip(at_once, stepped, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mask", [None, HOLES.T[..., None]], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru"])
def test_derivatives_of_the_operations(name: str, mask: Any) -> None:
    gates, states = {"simple_rnn": (1, 1), "lstm": (4, 2), "gru": (3, 1)}[name]
    inputs = [draw(5, 3, gates * 2), *(draw(3, 2, seed=n) for n in range(states)), draw(2, gates * 2, seed=5)]
    inputs += [draw(gates * 2, seed=6)] * (name == "gru")
    worst = gradcheck(lambda *x: getattr(recurrent_ops, name)(*x, mask=mask), inputs)
    assert worst.error < 1e-8, worst
    given = getattr(recurrent_ops, name)(*(Tensor(x.astype("float32")) for x in inputs), mask=mask)
    assert given.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_two_calls_of_a_stateful_layer_equal_one_long_call(kind: str) -> None:
    x = draw(2, 6, 3).astype("float32")
    stateful, plain = KINDS[kind](4, stateful=True, return_sequences=True), KINDS[kind](4, return_sequences=True)
    whole = plain(x)
    stateful(x)
    stateful.set_weights(plain.get_weights())
    stateful.reset_state()
    parts = [stateful(x[:, :2]), stateful(x[:, 2:])]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-5, atol=1e-6)
    with pytest.raises(FirstlightError, match=r"Expected states for the 1 sequences.*reset_state"):
        stateful(x[:1])
    stateful.reset_state()
    np.testing.assert_allclose(stateful(x[:1]), whole[:1], rtol=1e-5, atol=1e-6)


def test_a_stateful_layer_equals_that_of_keras() -> None:
    x = draw(2, 6, 3).astype("float32")
    ours, theirs = LSTM(4, stateful=True), keras.layers.LSTM(4, stateful=True)
    theirs(x)
    theirs.reset_state()
    ours.build(x.shape)
    ours.built = True
    ours.set_weights(theirs.get_weights())
    for part in (x[:, :2], x[:, 2:]):
        np.testing.assert_allclose(ours(part), keras.ops.convert_to_numpy(theirs(part)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_drawn_once_for_all_steps(kind: str) -> None:
    layer = KINDS[kind](4, dropout=0.5, recurrent_dropout=0.5, seed=3)
    steps = []
    x = np.ones((2, 5, 6), "float32")
    layer(x)
    project, step = layer.cell.project, layer.cell.step
    layer.cell.project = lambda inputs: steps.append(np.array(inputs)) or project(inputs)
    kept = []
    layer.cell.step = lambda x_t, states, mask: kept.append(mask) or step(x_t, states, mask)
    layer(x, training=True)
    assert len(steps) == 1
    np.testing.assert_array_equal(np.unique(steps[0]), [0, 2])
    np.testing.assert_array_equal(steps[0], np.broadcast_to(steps[0][:1], steps[0].shape))
    assert len(kept) == 5
    assert all(mask is kept[0] for mask in kept)
    np.testing.assert_array_equal(np.unique(kept[0]), [0, 2])
    layer(x, training=True)
    assert not np.array_equal(steps[0], steps[1])
    layer(x)
    assert (steps[2] == 1).all()
    assert kept[-1] is kept[5]  # without training, the sequence goes at once


def test_dropout_follows_from_the_seed() -> None:
    x = draw(2, 5, 3).astype("float32")
    layer = GRU(4, dropout=0.5)
    drawn = []
    for _ in range(2):
        set_random_seed(1)
        layer(x) if not layer.built else None
        set_random_seed(2)
        drawn.append(layer(x, training=True))
    np.testing.assert_array_equal(*drawn)


class MinimalCell(Layer):
    def __init__(self, units: int, **options: Any):
        super().__init__(**options)
        self.state_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight((input_shape[-1] + self.state_size, self.state_size), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        output = ops.matmul(ops.concatenate([inputs, states[0]]), self.kernel)
        return output, [output]


def test_a_cell_of_ones_own() -> None:
    x = draw(3, 5, 2).astype("float32")
    layer = RNN(MinimalCell(4), return_sequences=True)
    given = layer(x, mask=HOLES)
    kernel = layer.get_weights()[0]
    h, y = np.zeros((3, 4)), np.zeros((3, 4))
    for t in range(5):
        new = np.concatenate([x[:, t], h], 1) @ kernel
        h, y = (np.where(HOLES[:, t : t + 1], new, before) for before in (h, y))
        np.testing.assert_allclose(value_of(given)[:, t], y, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(given.mask, HOLES)
    assert RNN([MinimalCell(4), GRUCell(3)])(x).shape == (3, 3)


def test_a_subclass_of_a_cell_may_compute_otherwise() -> None:
    class Doubled(LSTMCell):
        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            output, states = super().call(inputs, states, training)
            return output * 2, states

    x = draw(3, 5, 2).astype("float32")
    doubled, plain = RNN(Doubled(4)), RNN(LSTMCell(4))
    doubled(x), plain(x)
    doubled.set_weights(plain.get_weights())
    np.testing.assert_allclose(doubled(x), 2 * plain(x), rtol=1e-5, atol=1e-6)


def test_stacked_cells_equal_layers_on_top_of_each_other() -> None:
    x = draw(3, 5, 2).astype("float32")
    stack = RNN([LSTMCell(4), GRUCell(3), SimpleRNNCell(2)], return_state=True)
    output, *states = stack(x, mask=HOLES)
    layers = [LSTM(4, return_sequences=True), GRU(3, return_sequences=True), SimpleRNN(2)]
    y, weights = x, iter(stack.get_weights())
    for layer in layers:
        layer.build(y.shape)
        layer.built = True
        layer.set_weights([next(weights) for _ in layer.weights])
        y = value_of(layer(y, mask=HOLES))
    np.testing.assert_allclose(output, y, rtol=1e-6)
    assert [x.shape for x in leaves(states)] == [(3, 4), (3, 4), (3, 3), (3, 2)]
    np.testing.assert_array_equal(states[2][0], output)
    again, *_ = stack(x, mask=HOLES, initial_state=stack.get_initial_state(3))
    np.testing.assert_array_equal(output, again)
    one, _ = stack.cell(x[:, 0], stack.get_initial_state(3))
    assert one.shape == (3, 2)


def test_masks_go_on_where_time_is_still_there() -> None:
    x = Tensor(draw(3, 5, 2).astype("float32"))
    x.mask = HOLES
    assert SimpleRNN(2, return_sequences=True)(x).mask is HOLES
    assert SimpleRNN(2)(x).mask is None
    output, state = SimpleRNN(2, return_sequences=True, return_state=True)(x)
    assert (output.mask is HOLES, state.mask) == (True, None)
    assert Bidirectional(GRU(2, return_sequences=True))(x).mask is HOLES
    both = Bidirectional(GRU(2, return_sequences=True, return_state=True), merge_mode=None)(x)
    assert [each.mask is HOLES for each in both] == [True, True, False, False]
    assert TimeDistributed(Dense(3))(x).mask is HOLES
    twice = GRU(2)(SimpleRNN(2, return_sequences=True)(x))
    assert twice.shape == (3, 2)


def test_weights_are_nested_as_in_keras() -> None:
    layer = Bidirectional(LSTM(2))
    layer.build((None, 5, 3))
    assert [each.name.split("_")[0] for each in layer.layers] == ["forward", "backward"]
    assert [each.name for each in layer.layers[0].layers] == ["lstm_cell"]
    assert [w.name for w in layer.forward_layer.cell.weights] == ["kernel", "recurrent_kernel", "bias"]
    np.testing.assert_array_equal(layer.forward_layer.cell.bias.array, [0, 0, 1, 1, 0, 0, 0, 0])
    layer.trainable = False
    assert not layer.trainable_weights


def test_states_of_both_directions_begin_anew_together() -> None:
    x = draw(2, 4, 3).astype("float32")
    layer = Bidirectional(GRU(2, stateful=True))
    first = layer(x)
    assert not np.array_equal(first, layer(x))
    layer.reset_state()
    np.testing.assert_array_equal(first, layer(x))


def test_time_distributed_sees_all_steps_as_one_batch() -> None:
    x = draw(4, 5, 3).astype("float32")
    given = value_of(TimeDistributed(BatchNormalization())(x, training=True))
    np.testing.assert_allclose(given.mean((0, 1)), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LSTM(0), "Expected units above 0"),
        (lambda: LSTM(2, activition="relu"), "Did you mean 'activation'"),
        (lambda: RNN(Dense(3)), "Expected a cell: a layer with state_size"),
        (lambda: RNN(3), "Expected a cell"),
        (lambda: GRU(2)(np.ones((3, 4), "float32")), r"Expected sequences \(batch, time, features\)"),
        (lambda: Bidirectional(Dense(3)), "Expected a recurrent layer"),
        (lambda: Bidirectional(GRU(2), merge_mode="max"), "Expected merge_mode to be one of 'concat'.*'max'"),
        (lambda: Bidirectional(GRU(2), backward_layer=GRU(2)), "goes the other way"),
        (
            lambda: Bidirectional(GRU(2), backward_layer=GRU(2, go_backwards=True, return_state=True)),
            "Expected return_state to be the same",
        ),
        (lambda: TimeDistributed(3), "Expected a layer"),
        (lambda: TimeDistributed(Dense(3))(np.ones((3, 4), "float32")), r"Expected \(batch, time, ...\)"),
        (lambda: LSTM(2)(np.ones((3, 4, 5), "float32"), initial_state=[np.ones((2, 2))] * 2), "for the 3 sequences"),
    ],
)
def test_errors_say_what_was_expected(make: Any, message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        make()

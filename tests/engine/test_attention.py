"""Attention beside what the table of parity proves: masks that come with tensors, dropout, einsum, errors."""

from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import Tensor, backward, gradcheck
from firstlight.engine.einsum import einsum
from firstlight.engine.initializers import set_random_seed
from firstlight.engine.layers import (
    AdditiveAttention,
    Attention,
    EinsumDense,
    Embedding,
    GroupQueryAttention,
    MultiHeadAttention,
)
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

QUERY_MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
VALUE_MASK = np.array([[1, 1, 0, 0], [1, 1, 1, 0]], bool)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("subscripts", "a", "b"),
    [
        ("ab,bc->ac", (3, 4), (4, 2)),
        ("abc,cde->abde", (2, 3, 4), (4, 2, 3)),
        ("abcd,cde->abe", (2, 3, 4, 2), (4, 2, 3)),
        ("btnh,bsnh->bnts", (2, 3, 2, 4), (2, 5, 2, 4)),
        ("bnts,bsnh->btnh", (2, 2, 3, 5), (2, 5, 2, 4)),
        ("...x,xy->...y", (2, 3, 4), (4, 5)),
        ("ab...,bc->ac...", (2, 3, 4, 5), (3, 2)),
        ("ab,bc->ca", (3, 4), (4, 2)),
    ],
)
def test_einsum(subscripts: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    x, y = draw(*a), draw(*b, seed=1)
    np.testing.assert_allclose(einsum(subscripts, x, y), np.einsum(subscripts, x, y), rtol=1e-5, atol=1e-6)
    worst = gradcheck(lambda p, q: einsum(subscripts, p, q), [x, y])
    assert worst.error < 1e-8, worst
    assert einsum(subscripts, Tensor(x), y).dtype == np.float32


def test_the_first_kernel_of_many_axes_is_as_wide_as_that_of_a_matrix() -> None:
    layer = EinsumDense("abc,cde->abde", (None, 8, 16), bias_axes="de")
    layer.build((None, 5, 64))
    theirs = keras.layers.EinsumDense("abc,cde->abde", (None, 8, 16), bias_axes="de")
    theirs.build((None, 5, 64))
    bound = np.sqrt(6 / (64 + 8 * 16))
    for kernel in (layer.kernel.array, keras.ops.convert_to_numpy(theirs.kernel)):
        assert 0.99 * bound < np.abs(kernel).max() <= bound


@pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning")
@pytest.mark.parametrize(
    ("make", "theirs"),
    [
        (lambda: MultiHeadAttention(2, 3), lambda: keras.layers.MultiHeadAttention(2, 3)),
        (lambda: GroupQueryAttention(3, 4, 2), lambda: keras.layers.GroupQueryAttention(3, 4, 2)),
    ],
)
def test_masks_that_come_with_the_inputs(make: Any, theirs: Any) -> None:
    words, others = np.array([[3, 1, 2, 0, 0], [1, 2, 3, 1, 2]]), np.array([[1, 2, 0, 0], [3, 2, 1, 0]])
    ours, peer = make(), theirs()
    table, their_table = Embedding(4, 6, mask_zero=True), keras.layers.Embedding(4, 6, mask_zero=True)
    ours(table(words), table(others))
    peer(their_table(words), their_table(others))
    their_table.set_weights(table.get_weights())
    peer.set_weights(ours.get_weights())
    given = ours(table(words), table(others))
    expected = keras.ops.convert_to_numpy(peer(their_table(words), their_table(others)))
    np.testing.assert_allclose(value_of(given), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(given.mask, words != 0)
    explicit = ours(table(words).array, table(others).array, query_mask=words != 0, value_mask=others != 0)
    np.testing.assert_array_equal(value_of(explicit), value_of(given))


def test_masks_of_a_list_of_inputs() -> None:
    query, value = Tensor(draw(2, 5, 3)), Tensor(draw(2, 4, 3))
    plain = Attention()([query, value], mask=[QUERY_MASK, VALUE_MASK])
    query.mask, value.mask = QUERY_MASK, VALUE_MASK
    given, weights = Attention()([query, value], return_attention_scores=True)
    np.testing.assert_array_equal(given.value, plain.value)
    assert given.mask is QUERY_MASK
    assert (weights.value[0, :, 2:] == 0).all()
    assert (given.value[0, 3:] == 0).all()


@pytest.mark.parametrize(
    "layer",
    [
        lambda: MultiHeadAttention(2, 3, dropout=0.5, seed=1),
        lambda: GroupQueryAttention(3, 4, 2, dropout=0.5, seed=1),
        lambda: Attention(dropout=0.5, seed=1),
        lambda: AdditiveAttention(dropout=0.5, seed=1),
    ],
)
def test_dropout_takes_weights_while_training(layer: Any) -> None:
    set_random_seed(0)
    first, second = layer(), layer()
    x, y = draw(2, 5, 3), draw(2, 4, 3)

    def call(each: Any, **options: Any) -> Any:
        return each([x, y], **options) if isinstance(each, Attention) else each(x, y, **options)

    call(first), call(second)
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(call(first), call(first))
    while_training = call(first, training=True)
    np.testing.assert_array_equal(while_training, call(second, training=True))
    assert not np.array_equal(while_training, call(first))


def test_no_query_sees_what_comes_after_it() -> None:
    layer, x = MultiHeadAttention(2, 3), Tensor(draw(1, 5, 4))
    output = layer(x, x, use_causal_mask=True)
    found = backward(output[0, 2].sum())[x]
    assert np.abs(found[0, :3]).min() > 0
    assert not found[0, 3:].any()


@pytest.mark.parametrize(("layer", "before"), [(MultiHeadAttention(2, 3), ""), (GroupQueryAttention(3, 2, 1), "_")])
def test_projections_have_the_names_of_keras(layer: Any, before: str) -> None:
    layer.build((None, 5, 6), (None, 4, 7))
    names = ["query", "key", "value", "attention_output"]
    assert [each.name for each in layer.layers if each.weights] == names
    for name in ("query", "key", "value", "output"):
        assert isinstance(vars(layer)[f"{before}{name}_dense"], EinsumDense)
    layer.trainable = False
    assert not layer.trainable_weights


def test_shapes_of_symbols() -> None:
    assert MultiHeadAttention(2, 3, output_shape=5).compute_output_shape((None, 4, 6)) == (None, 4, 5)
    assert Attention().compute_output_shape([(None, 4, 6), (None, 3, 2), (None, 3, 6)]) == (None, 4, 2)
    assert EinsumDense("...x,xy->...y", 3).compute_output_shape((None, 4, 6)) == (None, 4, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Attention(score_mode="cosine"), "Expected score_mode to be 'dot' or 'concat'"),
        (lambda: Attention()(draw(2, 3, 4)), r"Expected a list \[query, value\]"),
        (lambda: MultiHeadAttention(0, 3), "Expected num_heads above 0"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=2), "Expected attention_axes to be None"),
        (lambda: MultiHeadAttention(2, 3, sliding_window=0), "Expected sliding_window above 0"),
        (lambda: MultiHeadAttention(2, 3)(draw(2, 3), draw(2, 3)), r"Expected \(batch, time, features\) as the query"),
        (lambda: GroupQueryAttention(3, 4, 3), "to be a multiple of num_key_value_heads"),
        (lambda: EinsumDense("ab,bc", 3)(draw(2, 3)), "Expected an equation of two inputs"),
        (lambda: EinsumDense("ab,bc->ac", 3)(draw(2, 3, 4)), "for an input of 3 axes"),
        (lambda: EinsumDense("abc,cd->ad", 3)(draw(2, 3, 4)), "every letter"),
        (lambda: EinsumDense("ab,bc->ac", (3, 2))(draw(2, 3)), "Expected output_shape to have 1 axes"),
        (lambda: EinsumDense("abc,cd->abd", (4, 2))(draw(2, 3, 4)), "agree with the input at 'b'. Received 4 and 3"),
        (lambda: EinsumDense("abc,bcd->abd", (None, 2)).build((None, None, 4)), "Expected the lengths of all axes"),
    ],
)
def test_errors_say_what_was_expected(make: Any, message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        make()

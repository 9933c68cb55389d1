"""Networks put together from symbols: order, shapes, several ends, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from firstlight.engine import layers
from firstlight.engine.functional import Graph, Input
from firstlight.engine.model import Model, Sequential
from firstlight.engine.naming import clear_session
from firstlight.engine.symbols import KerasTensor
from firstlight.errors import FirstlightError


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    clear_session()


def test_a_call_on_a_symbol_computes_nothing_and_knows_the_shape() -> None:
    x = Input((4, 3))
    y = layers.Dense(5)(x)
    assert isinstance(y, KerasTensor)
    assert (x.shape, y.shape) == ((None, 4, 3), (None, 4, 5))


def test_layers_come_in_the_order_of_keras() -> None:
    import keras

    orders = []
    for library in (layers, keras.layers):
        clear_session()
        keras.backend.clear_session()
        make_input, make_model = (Input, Model) if library is layers else (keras.Input, keras.Model)
        a, b = make_input((3,), name="a"), make_input((3,), name="b")
        shared = library.Dense(4, name="shared")
        left = library.Dense(2, name="left")(shared(a))
        right = library.Activation("tanh", name="bent")(library.Dense(2, name="right")(shared(b)))
        total = library.Add(name="total")([left, right])
        end = library.Dense(1, name="end")(library.Concatenate(name="all")([total, left, shared(a)]))
        orders.append([layer.name for layer in make_model([b, a], [end, right]).layers])
    assert orders[0] == orders[1]


def test_several_ends_in_any_structure() -> None:
    a, b = Input((2,), name="first"), Input((2,), name="second")
    both = layers.Add()([a, b])
    model = Model({"one": a, "two": b}, {"sum": both, "parts": [a, b]})
    x, y = np.ones((3, 2), "float32"), np.full((3, 2), 2, "float32")
    found = model({"one": x, "two": y})
    assert found["sum"].tolist() == [[3, 3]] * 3
    assert found["parts"][1].tolist() == y.tolist()
    by_name = Model([a, b], both)({"first": x, "second": y, "third": y})
    assert by_name.tolist() == [[3, 3]] * 3


def test_a_model_is_a_layer_and_layers_may_be_shared() -> None:
    x = Input((3,))
    inner = Model(x, layers.Dense(2, use_bias=False, name="core")(x), name="inner")
    a, b = Input((3,)), Input((3,))
    outer = Model([a, b], layers.Subtract()([inner(a), inner(b)]))
    assert [weight.name for weight in outer.weights] == ["kernel"]
    ones = np.ones((2, 3), "float32")
    assert outer([ones, ones]).value.tolist() == [[0, 0], [0, 0]]
    inner.trainable = False
    assert outer.trainable_weights == []


def test_a_part_of_a_network_is_a_network() -> None:
    x = Input((3,))
    hidden = layers.Dense(4, name="hidden")(x)
    whole = Model(x, layers.Dense(1)(hidden))
    front = Model(whole.input, whole.get_layer("hidden").nodes[0].outputs)
    back = Model(hidden, whole.output)
    ones = np.ones((2, 3), "float32")
    np.testing.assert_allclose(back(front(ones)).value, whole(ones).value)


def test_a_deep_network_is_no_matter_of_recursion() -> None:
    first = x = Input((1,))
    for _ in range(3000):
        x = layers.Identity()(x)
    assert Graph(first, x).run(np.ones((1, 1), "float32")).tolist() == [[1]]


def test_what_cannot_be_put_together() -> None:
    a, b = Input((2,), name="a"), Input((2,), name="b")
    with pytest.raises(FirstlightError, match="needs 'b' too"):
        Model(a, layers.Add()([a, b]))
    with pytest.raises(FirstlightError, match="Received a ndarray"):
        Model(a, np.ones(2))
    with pytest.raises(FirstlightError, match="two that are called 'same'"):
        Model(a, layers.Dense(1, name="same")(layers.Dense(1, name="same")(a)))
    model = Model([a, b], layers.Add()([a, b]))
    with pytest.raises(FirstlightError, match=r"Expected 2 inputs \(a, b\)\. Received 1"):
        model(np.ones((1, 2), "float32"))
    with pytest.raises(FirstlightError, match="none for b"):
        model({"a": np.ones((1, 2), "float32")})
    with pytest.raises(FirstlightError, match=r"Received 'dence'\. Did you mean 'dense"):
        Sequential([Input((2,)), layers.Dense(1)]).get_layer("dence")
    with pytest.raises(
        FirstlightError, match=r"arguments that Dense has.*Received 'activaton'\. Did you mean 'activation'"
    ):
        layers.Dense(1, activaton="relu")


def test_sequential_is_built_by_its_first_input() -> None:
    model = Sequential([layers.Dense(3), layers.Dense(2)])
    assert model.weights == []
    assert model(np.ones((5, 4), "float32")).shape == (5, 2)
    assert [weight.shape for weight in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
    assert model.output.shape == (5, 2)
    model.pop()
    assert model(np.ones((5, 4), "float32")).shape == (5, 3)
    told = Sequential([Input((4,)), layers.Dense(3)])
    assert (told.count_params(), told.output.shape) == (15, (None, 3))
    with pytest.raises(FirstlightError, match="an input as the first"):
        told.add(Input((4,)))
    with pytest.raises(FirstlightError, match=r"Expected a layer\. Received a function"):
        told.add(lambda x: x)


def test_a_subclass_finds_its_layers_in_attributes_lists_and_dicts() -> None:
    class Tower(Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = layers.Dense(3)
            self.more = [layers.Dense(3), layers.Dense(3)]
            self.named = {"last": layers.Dense(1)}

        def call(self, inputs: object, /) -> object:
            x = self.first(inputs)
            for layer in self.more:
                x = layer(x)
            return self.named["last"](x)

    model = Tower()
    assert model(np.ones((2, 2), "float32")).shape == (2, 1)
    assert [weight.shape for weight in model.weights[::2]] == [(2, 3), (3, 3), (3, 3), (3, 1)]


def test_masks_go_from_layer_to_layer() -> None:
    model = Sequential([layers.Embedding(5, 2, mask_zero=True), layers.Dense(2), layers.Dropout(0.5)])
    words = np.array([[1, 2, 0], [3, 0, 0]])
    assert model(words).mask.tolist() == [[True, True, False], [True, False, False]]
    assert layers.Flatten()(model(words)).mask is None


def test_operators_on_symbols_are_calls_that_keras_reads_too(tmp_path: Path) -> None:
    import keras

    x, z = Input((4,)), Input((4,))
    h = layers.Dense(4)(x)
    y = -((2.0 * h + 1.0 - z / 3) ** 2) + np.ones(4, "float32") * abs(h)
    model = Model([x, z], [y, y[:, 1:3], 1 - h])
    assert [output.shape for output in model.outputs] == [(None, 4), (None, 2), (None, 4)]
    random = np.random.default_rng(0)
    arrays = [random.normal(size=(2, 4)).astype("float32") for _ in range(2)]
    found = model.predict(arrays)
    hidden = arrays[0] @ model.get_layer("dense").kernel.array
    expected = -((2 * hidden + 1 - arrays[1] / 3) ** 2) + np.abs(hidden)
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    np.testing.assert_array_equal(found[1], found[0][:, 1:3])
    model.save(tmp_path / "operators.keras")
    for ours, theirs in zip(found, keras.models.load_model(tmp_path / "operators.keras")(arrays), strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-6)

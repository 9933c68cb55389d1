"""Networks put together in awkward ways: files of both libraries have the same arrays under the same paths."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from firstlight import engine
from firstlight.engine.structure import leaves

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

# Each takes a library, engine or keras, and its layers.


def names_of_users(k: Any, n: Any) -> Any:
    stack = [n.Dense(3, name="right"), n.Dense(3, name="left"), n.Dropout(0.5, name="dense"), n.Dense(2, name="a")]
    return k.Sequential([k.Input((6,)), *stack])


def models_in_a_stack(k: Any, n: Any) -> Any:
    x, y = k.Input((6,)), k.Input((3,))
    inner = k.Model(x, n.Dense(3)(n.Dense(4)(x)), name="inner")
    stack = [n.Dense(6), inner, k.Model(y, n.Dense(3)(y)), k.Sequential([n.Dense(5), n.Dense(2)])]
    return k.Sequential([k.Input((6,)), *stack])


def models_within_models(k: Any, n: Any) -> Any:
    def nested(depth: int) -> Any:
        x = k.Input((6,))
        h = n.Dense(6)(x)
        return k.Model(x, nested(depth - 1)(h) if depth else h)

    return nested(3)


def a_model_called_twice(k: Any, n: Any) -> Any:
    x, y = k.Input((6,)), k.Input((6,))
    inner = k.Model(x, n.Dense(6, activation="tanh")(x))
    first = inner(y)
    return k.Model(y, [first, inner(n.Dense(6)(first))])


def a_stack_called_twice(k: Any, n: Any) -> Any:
    x = k.Input((6,))
    stack = k.Sequential([n.Dense(6), n.BatchNormalization()])
    return k.Model(x, n.Add()([stack(stack(x)), k.Sequential([k.Input((6,)), n.Dense(6)], name="s")(x)]))


def layers_called_twice(k: Any, n: Any) -> Any:
    x, d, e = k.Input((6,)), n.Dense(6), n.Dense(6, name="zero")
    return k.Model(x, n.Concatenate()([d(d(x)), e(d(e(x)))]))


def stacked_cells(k: Any, n: Any) -> Any:
    cells = n.StackedRNNCells([n.SimpleRNNCell(2), n.SimpleRNNCell(3)])
    lists = [n.LSTMCell(3), n.GRUCell(4), n.LSTMCell(2)]
    return k.Sequential([k.Input((6, 4)), n.RNN(lists, return_sequences=True), n.RNN(cells)])


def wrappers(k: Any, n: Any) -> Any:
    both = n.Bidirectional(n.RNN(n.LSTMCell(3), return_sequences=True))
    per_step = n.TimeDistributed(k.Sequential([k.Input((2,)), n.Dense(3), n.BatchNormalization()]))
    other = n.Bidirectional(n.GRU(3), backward_layer=n.GRU(3, go_backwards=True, name="back"), merge_mode="sum")
    return k.Sequential([k.Input((6, 4)), both, n.TimeDistributed(n.Dense(2)), per_step, other])


def attention_in_a_block(k: Any, n: Any) -> Any:
    x, y = k.Input((6, 8)), k.Input((6, 8))
    h = n.LayerNormalization()(x)
    block = k.Model(x, n.Dense(8)(n.Add()([x, n.MultiHeadAttention(2, 4)(h, h)])), name="block")
    z = block(block(y))
    return k.Model(y, n.GroupQueryAttention(4, 4, 2)(z, z))


def frozen_parts(k: Any, n: Any) -> Any:
    x = k.Input((6,))
    inner = k.Sequential([k.Input((6,)), n.Dense(4), n.BatchNormalization(center=False)])
    whole = k.Model(x, n.Dense(6)(x))
    inner.trainable = whole.trainable = False
    norm = n.BatchNormalization()
    norm.trainable = False
    return k.Sequential([k.Input((6,)), whole, inner, norm, n.Dense(2)])


def masks(k: Any, n: Any) -> Any:
    x = k.Input((6,), dtype="int32")
    h = n.Concatenate()([n.Embedding(7, 4, mask_zero=True)(x), n.Embedding(7, 2, mask_zero=True)(x)])
    h = n.TimeDistributed(n.Dense(3))(n.Bidirectional(n.LSTM(2, return_sequences=True))(h))
    h = n.Masking()(n.Add()([n.MultiHeadAttention(2, 2)(h, h), h]))
    return k.Model(x, n.LSTM(4, dropout=0.5)(h))


def outputs_by_name(k: Any, n: Any) -> Any:
    x = k.Input((6,), name="x")
    return k.Model(x, {"z": n.Dense(2, name="b")(x), "y": n.Dense(2, name="a")(x)})


def attributes(k: Any, n: Any) -> Any:
    class Block(n.Layer):  # type: ignore[name-defined,misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.second, self.first = n.Dense(6), n.Dense(6)

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight((6,), initializer="ones", name="scale")
            self.count = self.add_weight((1,), initializer="zeros", name="count", trainable=False)
            self.shift = self.add_weight((6,), initializer="zeros", name="shift")

        def call(self, x: Any) -> Any:
            return self.first(self.second(x)) * self.scale + self.shift + self.count

    class Own(k.Model):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.zero, self.all, self._hidden = n.Dense(6), n.Dense(6), n.Dense(6)
            self.blocks = [Block(), n.Dense(6), Block(name="block"), n.BatchNormalization()]
            self.also = (self.blocks[1], n.Dense(6))
            self.by_name = {"b": n.Dense(6), "a": n.Dense(6)}
            self.nested = {"q": [n.Dense(6)], "p": {"x": n.Dense(2)}}
            self.stack = [k.Sequential([n.Dense(6), n.Dense(6)]), n.Dense(6)]

        @property
        def hidden(self) -> Any:
            return self._hidden

        @property
        def broken(self) -> Any:
            raise ValueError("not yet")

        def call(self, x: Any) -> Any:
            steps = [self.zero, self.all, self._hidden, *self.blocks, *self.also, *self.by_name.values(), *self.stack]
            for step in steps:
                x = step(x)
            return self.nested["p"]["x"](self.nested["q"][0](x))

    return Own()


MODELS = [
    *(names_of_users, models_in_a_stack, models_within_models, a_model_called_twice, a_stack_called_twice),
    *(layers_called_twice, stacked_cells, wrappers, attention_in_a_block, frozen_parts, masks, outputs_by_name),
]
SHAPES = {"stacked_cells": (3, 6, 4), "wrappers": (3, 6, 4), "attention_in_a_block": (3, 6, 8)}


def made(make: Callable[..., Any], library: Any, x: np.ndarray) -> Any:
    model = make(library, library.layers)
    model(x)
    draw = np.random.default_rng(0)
    model.set_weights([draw.uniform(0.2, 0.9, w.shape).astype("float32") for w in model.get_weights()])
    return model


def arrays_at(path: Path) -> dict[str, tuple[int, ...]]:
    """Where in a file there are arrays, of which shapes."""
    content: Any = path
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(archive.read("model.weights.h5"))
    found = {}
    with h5py.File(content) as file:
        file.visititems(lambda name, held: found.update({name: held.shape}) if hasattr(held, "shape") else None)
    return found


def outputs(model: Any, x: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(each) for each in leaves(model(x, training=False))]


@pytest.mark.parametrize("make", [*MODELS, attributes])
def test_files_have_the_same_paths(make: Callable[..., Any], tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=SHAPES.get(make.__name__, (3, 6))).astype("float32")
    x = np.random.default_rng(1).integers(0, 7, (3, 6)) if make is masks else x
    suffix = ".weights.h5" if make is attributes else ".keras"
    for first, second in ((keras, engine), (engine, keras)):
        model, path = made(make, first, x), tmp_path / f"{first.__name__}{suffix}"
        if make is attributes:
            model.save_weights(path)
            other = made(make, second, x)
            other.set_weights([w * 0 for w in other.get_weights()])
            other.load_weights(path)
        else:
            model.save(path)
            other = keras.models.load_model(path) if second is keras else engine.load(path)
        for mine, found in zip(outputs(model, x), outputs(other, x), strict=True):
            np.testing.assert_allclose(found, mine, rtol=1e-5, atol=1e-5)
        assert len(other.trainable_weights) == len(model.trainable_weights)
    assert arrays_at(tmp_path / f"keras{suffix}") == arrays_at(tmp_path / f"firstlight.engine{suffix}")


def test_a_layer_that_two_models_share(tmp_path: Path) -> None:
    """Keras cannot read what it wrote of such a model itself; of ours it can."""
    layers = engine.layers
    x = engine.Input((6,))
    hidden = layers.Dense(4, name="hidden")(x)
    whole, part = engine.Model(x, layers.Dense(2)(hidden)), engine.Model(x, hidden)
    model = engine.Model(x, layers.Concatenate()([part(x), whole(x)]))
    model.save(tmp_path / "x.keras")
    values = np.random.default_rng(1).normal(size=(3, 6)).astype("float32")
    for other in (engine.load(tmp_path / "x.keras"), keras.models.load_model(tmp_path / "x.keras")):
        assert len(other.weights) == len(model.weights) == 4
        np.testing.assert_allclose(outputs(other, values)[0], outputs(model, values)[0], rtol=1e-5, atol=1e-6)


def test_what_a_layer_does_while_training_is_not_fixed_by_a_file(tmp_path: Path) -> None:
    """Keras writes training=False for each recurrent layer that was called without."""
    x = keras.Input((6, 4))
    keras.Model(x, keras.layers.LSTM(3, dropout=0.5)(x)).save(tmp_path / "x.keras")
    model = engine.load(tmp_path / "x.keras")
    ones = np.ones((2, 6, 4), "float32")
    assert not np.allclose(model(ones, training=True), model(ones, training=True))
    np.testing.assert_array_equal(model(ones), model(ones))


def test_operations_go_both_ways(tmp_path: Path) -> None:
    ops, x = keras.ops, keras.Input((5, 4))
    y = ops.logsumexp(x, axis=-1, keepdims=True) + ops.var(x, axis=-1, keepdims=True) + ops.log1p(ops.square(x))
    y = y + ops.cast(ops.argmax(ops.tanh(x), axis=-1, keepdims=True), "float32") + ops.max(x, axis=1, keepdims=True)
    y = ops.concatenate([y[:, 1:3], x[..., ::2, :]], axis=1)
    y = ops.unstack(ops.where(ops.greater(y, 0.0), y, y * 0.1), axis=2)
    theirs = keras.Model(x, ops.leaky_relu(ops.stack(y, axis=-1)[:, None]))
    theirs.save(tmp_path / "theirs.keras")
    ours = engine.load(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    values = np.random.default_rng(1).normal(size=(2, 5, 4)).astype("float32")
    for other in (ours, keras.models.load_model(tmp_path / "ours.keras")):
        np.testing.assert_allclose(outputs(other, values)[0], outputs(theirs, values)[0], rtol=1e-5, atol=1e-5)


def test_models_have_configs() -> None:
    for make in (models_in_a_stack, layers_called_twice):
        model = made(make, engine, np.zeros((1, 6), "float32"))
        again = type(model).from_config(model.get_config())
        assert [w.shape for w in again.weights] == [w.shape for w in model.weights]
        assert again.name == model.name

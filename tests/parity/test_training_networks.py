"""Whole networks in training, built by one function for both libraries: a hundred steps from the same weights.

The scripts in scripts/ show the same for `fit`; here every step is looked at, and all weights in the end. Rounding
differs from the first step on, and what is learned from it makes more of it: after a hundred steps, losses and weights
agree within 2e-3 of the largest.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from firstlight import engine
from tests.parity.pair import close
from tests.parity.proven import Proven

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
]
STEPS, BATCH = 100, 16
Data = tuple[Any, np.ndarray]


def residual(library: Any, random: np.random.Generator) -> tuple[Any, Data]:
    """Convolutions with batch normalization, one of them strided, one depthwise, around which the input is carried."""
    layers = library.layers
    picture = library.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(picture)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.Conv2D(8, 1)(layers.Activation("silu")(layers.BatchNormalization(momentum=0.9)(y)))
    x = layers.Add()([x, y])
    x = layers.Dense(12, activation="gelu", kernel_regularizer="l2")(layers.GlobalAveragePooling2D()(x))
    model = library.Model(picture, layers.Dense(3, activation="softmax")(x))
    model.compile(library.optimizers.Adam(0.003), loss="sparse_categorical_crossentropy")
    classes = random.integers(0, 3, STEPS * BATCH)
    pictures = random.normal(size=(STEPS * BATCH, 8, 8, 3)) + np.eye(3)[classes][:, None, None]
    return model, (pictures.astype("float32"), classes)


def captioner(library: Any, random: np.random.Generator) -> tuple[Any, Data]:
    """An LSTM that begins with the whole picture, and at each word looks at its regions by additive attention."""
    layers = library.layers
    regions, words = library.Input((9, 6)), library.Input((5, 8))
    seen = layers.Dense(12, activation="relu")(regions)
    mean = layers.GlobalAveragePooling1D()(seen)
    starts = [layers.Dense(12, activation="tanh")(mean), layers.Dense(12)(mean)]
    read = layers.LSTM(12, return_sequences=True)(words, initial_state=starts)
    looked = layers.AdditiveAttention()([read, seen])
    hidden = layers.LayerNormalization()(layers.Concatenate()([read, looked]))
    model = library.Model([regions, words], layers.Dense(10, activation="softmax")(hidden))
    model.compile(library.optimizers.AdamW(0.003, clipnorm=1.0), loss="sparse_categorical_crossentropy")
    pictures = random.normal(size=(STEPS * BATCH, 9, 6)).astype("float32")
    texts = random.integers(0, 10, (STEPS * BATCH, 5))
    vectors = random.normal(size=(10, 8)).astype("float32")
    return model, ([pictures, vectors[texts]], (texts + 1) % 10)


def tagger(library: Any, random: np.random.Generator) -> tuple[Any, Data]:
    """A bidirectional GRU on top of a bidirectional LSTM, over sequences that end sooner or later."""
    layers = library.layers
    words = library.Input((6, 5))
    x = layers.Masking()(words)
    x = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(x)
    x = layers.Bidirectional(layers.GRU(5, return_sequences=True), merge_mode="sum")(x)
    model = library.Model(words, layers.TimeDistributed(layers.Dense(1))(x))
    model.compile(library.optimizers.RMSprop(0.003), loss="huber")
    vectors = random.normal(size=(STEPS * BATCH, 6, 5)).astype("float32")
    vectors *= (np.arange(6) < random.integers(1, 7, STEPS * BATCH)[:, None])[..., None]
    return model, (vectors, np.cumsum(vectors[..., :1], axis=1))


def transformer(library: Any, random: np.random.Generator) -> tuple[Any, Data]:
    """A block of a Transformer with heads that share keys, which tells the mean of what it saw so far.

    Without biases: that of the keys has no gradient but rounding, since a softmax does not feel it, and Nadam would
    make whole steps of that.
    """
    layers = library.layers
    steps = library.Input((6, 8))
    asked = layers.RMSNormalization()(steps)
    x = layers.Add()([steps, layers.GroupQueryAttention(4, 4, 2, use_bias=False)(asked, asked, use_causal_mask=True)])
    wide = layers.Dense(16, activation="silu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(8)(wide)])
    model = library.Model(steps, layers.Dense(2)(layers.MultiHeadAttention(2, 3, use_bias=False)(x, x)))
    model.compile(library.optimizers.Nadam(0.003), loss="mse")
    vectors = random.normal(size=(STEPS * BATCH, 6, 8)).astype("float32")
    return model, (vectors, np.cumsum(vectors[..., :2], axis=1) / np.arange(1, 7)[:, None])


NETWORKS: dict[str, Callable[..., tuple[Any, Data]]] = {
    function.__name__: function for function in (residual, captioner, tagger, transformer)
}


def learn(library: Any, name: str) -> tuple[list[float], list[np.ndarray]]:
    """The loss of each step, and the weights in the end."""
    model, (x, y) = NETWORKS[name](library, np.random.default_rng(0))
    random = np.random.default_rng(1)
    first = [random.normal(0, 0.3, w.shape) if np.ptp(w) else w for w in model.get_weights()]
    model.set_weights([w.astype("float32") for w in first])
    found = []
    for start in range(0, STEPS * BATCH, BATCH):
        batch = slice(start, start + BATCH)
        given = [part[batch] for part in x] if isinstance(x, list) else x[batch]
        model.reset_metrics()
        found.append(float(np.ravel(model.train_on_batch(given, y[batch]))[0]))
    return found, model.get_weights()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hundred_steps_stay_together(name: str, proven: Proven) -> None:
    (ours, our_weights), (theirs, their_weights) = learn(engine, name), learn(keras, name)
    assert np.mean(ours[-10:]) < 0.9 * np.mean(ours[:10])
    worst = close(ours, theirs, 2e-3)
    for mine, wanted in zip(our_weights, their_weights, strict=True):
        worst = max(worst, close(mine, wanted, 2e-3))
    proven.note("network", name, worst)

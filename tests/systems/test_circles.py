"""A published exercise: logistic regression on two circles, its figures digit by digit, with Keras."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.circles import FROM, Circles, read


@pytest.fixture
def circles(shared: Path) -> Circles:
    return read(shared)


def regression(weights: Sequence[float], optimizer: Any = "sgd") -> Any:
    """One sigmoid unit with these weights, the last of them the bias, ready to learn."""
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, activation="sigmoid")])
    model.set_weights([np.array(weights[:5])[:, None], np.array(weights[5:])])
    model.compile(optimizer=optimizer, loss="binary_crossentropy")
    return model


def gradients(weights: Sequence[float], features: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """What a step of rate 1 takes from the weights, on whichever back end."""
    model = regression(weights, keras.optimizers.SGD(1.0))
    before = model.get_weights()
    model.train_on_batch(features, labels)
    return [old - new for old, new in zip(before, model.get_weights(), strict=True)]


def descend(circles: Circles, optimizer: Any, *, begun: bool = False) -> float:
    """The loss on all points after 100 steps on four points each, drawn as the exercise draws them.

    `begun` fills the average of squared gradients with the first of them, where Keras's begins at 0: then the first
    step leaves it as it is, rho g^2 + (1 - rho) g^2.
    """
    model = regression(FROM, optimizer)
    for step, (features, labels) in enumerate(circles.batches()):
        if begun and not step:
            optimizer.build(model.trainable_variables)
            averages = [variable for variable in optimizer.variables if "velocity" in variable.path]
            for average, gradient in zip(averages, gradients(FROM, features, labels), strict=True):
                average.assign(gradient**2)
        model.train_on_batch(features, labels)
    return float(model.evaluate(circles.features, circles.labels, batch_size=len(circles.labels), verbose=0))


def test_probability_loss_and_gradient(circles: Circles) -> None:
    weights = np.linspace(-1, 1, 6).tolist()
    model = regression(weights)
    loss = model.evaluate(circles.features, circles.labels, batch_size=len(circles.labels), verbose=0)
    found = gradients(weights, circles.features, circles.labels)
    assert f"{model.predict(circles.features[:1], verbose=0)[0, 0]:.5f}" == "0.38040"
    assert f"{loss:.5f}" == "1.01856"
    assert f"{np.linalg.norm(np.concatenate([gradient.ravel() for gradient in found])):.5f}" == "0.64017"


def test_plain_descent(circles: Circles) -> None:
    assert f"{descend(circles, keras.optimizers.SGD(0.1)):.5f}" == "0.30428"


def test_momentum(circles: Circles) -> None:
    assert f"{descend(circles, keras.optimizers.SGD(0.05, momentum=0.9)):.5f}" == "0.23246"


def test_rmsprop(circles: Circles) -> None:
    """Epsilon stands inside the root in Keras, too; only how the average begins is the exercise's own."""
    rmsprop = keras.optimizers.RMSprop(0.1, rho=0.9, epsilon=1e-8)
    assert f"{descend(circles, rmsprop, begun=True):.5f}" == "0.22558"


def test_how_the_average_begins_matters(circles: Circles) -> None:
    """So the figure above is not one that any RMSprop would give."""
    assert abs(descend(circles, keras.optimizers.RMSprop(0.1, rho=0.9, epsilon=1e-8)) - 0.22558) > 1e-3

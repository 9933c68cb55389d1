"""A published exercise: logistic regression on two circles, its figures digit by digit, with the engine's own parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.engine import Input, Sequential, backward, layers, losses, optimizers
from firstlight.engine.naming import clear_session
from tests.circles import FROM, Circles, read


@pytest.fixture
def circles(shared: Path) -> Circles:
    return read(shared)


LOSS = losses.BinaryCrossentropy(from_logits=True)


def regression(weights: Sequence[float]) -> Any:
    """One unit with these weights, the last of them the bias; it gives logits."""
    clear_session()
    model = Sequential([Input((5,)), layers.Dense(1, dtype="float64")])
    model.set_weights([np.array(weights[:5], float)[:, None], np.array(weights[5:], float)])
    return model


def gradients(model: Any, features: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    found = backward(LOSS(labels, model(features)))
    return [found[weight] for weight in model.trainable_weights]


def descend(circles: Circles, optimizer: Any, *, begun: bool = False) -> float:
    """The loss on all points after 100 steps on four points each, drawn as the exercise draws them.

    `begun` fills the average of squared gradients with the first of them, where Keras's begins at 0: then the first
    step leaves it as it is, rho g^2 + (1 - rho) g^2.
    """
    model = regression(FROM)
    for step, (features, labels) in enumerate(circles.batches()):
        found = gradients(model, features, labels)
        if begun and not step:
            optimizer.build(model.trainable_weights)
            states = [state.array for state in optimizer.variables]
            optimizer.set_weights([*states[:-2], *[gradient**2 for gradient in found]])
        optimizer.apply(found, model.trainable_weights)
    return float(LOSS(circles.labels, model(circles.features)))


def test_probability_loss_and_gradient(circles: Circles) -> None:
    model = regression(np.linspace(-1, 1, 6).tolist())
    logits = model(circles.features)
    found = gradients(model, circles.features, circles.labels)
    norm = np.linalg.norm(np.concatenate([gradient.ravel() for gradient in found]))
    assert f"{1 / (1 + np.exp(-logits.value[0, 0])):.5f}" == "0.38040"
    assert f"{float(LOSS(circles.labels, logits)):.5f}" == "1.01856"
    assert f"{norm:.5f}" == "0.64017"


def test_plain_descent(circles: Circles) -> None:
    assert f"{descend(circles, optimizers.SGD(0.1)):.5f}" == "0.30428"


def test_momentum(circles: Circles) -> None:
    assert f"{descend(circles, optimizers.SGD(0.05, momentum=0.9)):.5f}" == "0.23246"


def test_rmsprop(circles: Circles) -> None:
    """Epsilon stands inside the root, as in Keras; only how the average begins is the exercise's own."""
    rmsprop = optimizers.RMSprop(0.1, rho=0.9, epsilon=1e-8)
    assert f"{descend(circles, rmsprop, begun=True):.5f}" == "0.22558"


def test_how_the_average_begins_matters(circles: Circles) -> None:
    """So the figure above is not one that any RMSprop would give."""
    assert abs(descend(circles, optimizers.RMSprop(0.1, rho=0.9, epsilon=1e-8)) - 0.22558) > 1e-3

"""Every activation against Keras in value and gradient, by finite differences, and far out, where e^x overflows."""

from collections.abc import Callable
from functools import partial
from math import erf
from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import Tensor, activations, backward, gradcheck
from firstlight.errors import FirstlightError
from tests.parity.peer import value_and_gradients

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    *[(name, {}) for name in activations.ACTIVATIONS],
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 1.0}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 0.5}),
    ("relu", {"negative_slope": 0.1, "max_value": 1.5, "threshold": 0.5}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("elu", {"alpha": 0.7}),
    ("celu", {"alpha": 0.7}),
    ("gelu", {"approximate": True}),
    ("softmax", {"axis": 1}),
    ("log_softmax", {"axis": 0}),
]
IDS = [f"{name} {settings}" for name, settings in SETTINGS]


def pair(name: str, settings: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    theirs = {"swish": "silu", "hard_swish": "hard_silu"}.get(name, name)
    return partial(activations.get(name), **settings), partial(getattr(keras.activations, theirs), **settings)


def compare(name: str, settings: dict[str, Any], x: np.ndarray, tolerance: float) -> None:
    ours, theirs = pair(name, settings)
    (expected,), back = value_and_gradients(theirs, [x], [])
    tensor = Tensor(x)
    given = ours(tensor)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given.array, expected, rtol=tolerance, atol=tolerance)
    start = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    found = backward(given, gradient=start)[tensor]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, back([start])[0][0], rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(ours(x), given.array)


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_value_and_gradient_equal_those_of_keras(name: str, settings: dict[str, Any]) -> None:
    x = 3 * np.random.default_rng(0).normal(size=(5, 6, 7)).astype("float32")
    compare(name, settings, x, 5e-6 if name in ("gelu", "exponential") else 2e-6)


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_far_out_all_is_finite(name: str, settings: dict[str, Any]) -> None:
    x = np.array([[1e4, -1e4, 0.4], [-1e4, 50.0, -50.0], [100.0, -100.0, 1e4]], "float32")
    if name == "exponential":
        x = np.minimum(x, 80)  # beyond, e^x is infinite for Keras too
    ours, _ = pair(name, settings)
    tensor = Tensor(x)
    given = ours(tensor)
    gradient = backward(given, gradient=np.ones(given.shape))[tensor] if given is not tensor else x
    assert np.isfinite(given.array).all()
    assert np.isfinite(gradient).all()
    compare(name, settings, x, 1e-5)


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_gradient_equals_finite_differences(name: str, settings: dict[str, Any]) -> None:
    ours, _ = pair(name, settings)
    numbers = np.linspace(-4.05, 4.1, 40)  # none near a kink
    x = np.random.default_rng(0).permutation(numbers).reshape(4, 2, 5)
    worst = gradcheck(lambda t: ours(t) * 1.0, [x])
    assert worst.error < 1e-7, worst


def test_probabilities_sum_to_1() -> None:
    x = Tensor(np.array([[1e4, 1e4, -1e4], [1.0, 2.0, 3.0]]))
    shares = activations.softmax(x)
    np.testing.assert_allclose(shares.array.sum(-1), 1)
    assert shares.array[0].tolist() == [0.5, 0.5, 0.0]
    np.testing.assert_allclose(np.exp(activations.log_softmax(x).array), shares.array, atol=1e-15)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-15), ("float32", 4e-7)])
def test_gelu_knows_the_normal_distribution(dtype: str, tolerance: float) -> None:
    x = np.linspace(-9, 9, 4001).astype(dtype)
    expected = [t * 0.5 * (1 + erf(t / 2**0.5)) for t in x.tolist()]
    given = activations.gelu(x)
    assert given.dtype == dtype
    np.testing.assert_allclose(given, expected, rtol=tolerance, atol=8 * tolerance)


def test_names() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get(activations.tanh) is activations.tanh
    for name, function in activations.ACTIVATIONS.items():
        assert activations.get(activations.name_of(function)) is function
        assert keras.activations.get(activations.name_of(activations.get(name)))
    with pytest.raises(FirstlightError, match="Did you mean 'sigmoid'"):
        activations.get("sigmoyd")
    with pytest.raises(FirstlightError, match="that have a name"):
        activations.name_of(lambda x: x)

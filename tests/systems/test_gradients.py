"""How a function of rows changes with each row: by formula, by differences, and on another back end."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from firstlight.systems.gradients import gradient_function, gradient_of

ROOT = Path(__file__).resolve().parents[2]


def cubes(x: Any) -> Any:
    """Each number from its own row: the sum of its cubes."""
    return ops.sum(x**3, axis=-1)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_gradient_is_that_of_the_formula(compiled: bool) -> None:
    function = gradient_function(cubes, compiled)
    for rows in (4, 4, 2):
        x = np.random.default_rng(rows).normal(size=(rows, 3))
        values, gradients = function(x)
        np.testing.assert_allclose(values, (x**3).sum(axis=1), rtol=1e-5)
        np.testing.assert_allclose(gradients, 3 * x**2, rtol=1e-5)
        assert values.dtype == gradients.dtype == np.float32


def test_a_network_agrees_with_differences() -> None:
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Conv2D(3, 3, activation="tanh"), keras.layers.Flatten()]
    )
    network.add(keras.layers.Dense(2))
    random = np.random.default_rng(0)
    x, direction = random.normal(size=(2, 5, 6, 6, 1))

    def second(pixels: Any) -> Any:
        return network(pixels, training=False)[:, 1]

    values, gradients = gradient_of(second, x)
    np.testing.assert_allclose(values, network.predict_on_batch(x)[:, 1], rtol=1e-4, atol=1e-5)
    step = 1e-2
    ahead, behind = (gradient_of(second, x + sign * step * direction)[0] for sign in (1, -1))
    along = (gradients * direction).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(along, (ahead - behind) / (2 * step), rtol=2e-2, atol=2e-3)


def test_what_does_not_look_at_its_rows_does_not_change_with_them() -> None:
    values, gradients = gradient_of(lambda x: ops.ones(3), np.ones((3, 2)))
    assert values.tolist() == [1, 1, 1]
    assert not gradients.any()
    assert gradients.shape == (3, 2)


@pytest.mark.slow
def test_jax_finds_the_same() -> None:
    program = """
import numpy as np
from firstlight.systems.gradients import gradient_function
from keras import backend, ops
x = np.arange(6.0).reshape(2, 3)
for compiled in (False, True):
    values, gradients = gradient_function(lambda x: ops.sum(x**3, axis=-1), compiled)(x)
    np.testing.assert_allclose(values, (x**3).sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(gradients, 3 * x**2, rtol=1e-5)
print(backend.backend())
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["jax"]

"""The Keras solver: any optimizer, exact zeros, the same result for the same seed, and losses that fall."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes

from firstlight.systems import LinearRegression, LogisticRegression

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adagrad", "Lion"])
def test_any_optimizer_learns_by_name(optimizer: str) -> None:
    x, y = load_breast_cancer(return_X_y=True)
    rate = None if optimizer == "sgd" else 0.02
    model = LogisticRegression(solver="sgd", optimizer=optimizer, learning_rate=rate, batch_size=64, epochs=30)
    losses = model.fit(x, y).history_["loss"]
    assert len(losses) == model.n_iter_ == 30
    assert losses[-1] < 0.5 * losses[0]
    assert model.score(x, y) > 0.96


@pytest.mark.parametrize("momentum", [0, np.float32(0.5)])
def test_momentum_may_be_any_number(momentum: float) -> None:
    x, y = load_diabetes(return_X_y=True)
    one, other = (
        LinearRegression(solver="sgd", epochs=3, momentum=each).fit(x, y) for each in (momentum, float(momentum))
    )
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_an_optimizer_may_be_an_object_with_a_schedule() -> None:
    x, y = load_diabetes(return_X_y=True)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 100, 0.7)
    given = keras.optimizers.Adam(schedule, beta_1=0.8)
    model = LinearRegression(solver="sgd", optimizer=given, batch_size=100, epochs=200)
    assert clone(model).fit(x, y).score(x, y) == pytest.approx(LinearRegression().fit(x, y).score(x, y), abs=1e-3)
    assert not given.built, "the user's own optimizer is not trained with"
    configured: Any = keras.optimizers.serialize(given)
    other = LinearRegression(solver="sgd", optimizer=configured, batch_size=100, epochs=200)
    np.testing.assert_array_equal(model.fit(x, y).coef_, other.fit(x, y).coef_)


def test_the_penalty_leaves_exact_zeros() -> None:
    x, y = load_diabetes(return_X_y=True)
    exact = LinearRegression(alpha=4.0, l1_ratio=1.0).fit(x, y)
    for optimizer, rate in (("sgd", None), ("adam", 0.05)):
        model = LinearRegression(
            solver="sgd", alpha=4.0, l1_ratio=1.0, optimizer=optimizer, learning_rate=rate, batch_size=128, epochs=300
        ).fit(x, y)
        assert 0 < (exact.coef_ == 0).sum() < 10
        assert (model.coef_ == 0).tolist() == (exact.coef_ == 0).tolist()
        np.testing.assert_allclose(model.coef_, exact.coef_, atol=0.01 * np.abs(exact.coef_).max())


def test_the_same_seed_gives_the_same_and_another_another_order() -> None:
    x, y = load_breast_cancer(return_X_y=True)

    def fitted(seed: int) -> np.ndarray:
        return LogisticRegression(solver="sgd", batch_size=32, epochs=3, seed=seed).fit(x, y).coef_

    np.testing.assert_array_equal(fitted(1), fitted(1))
    assert (fitted(1) != fitted(2)).any()


def test_float32_columns_are_learned_in_float32() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    settings: dict[str, Any] = {"solver": "sgd", "batch_size": 64, "epochs": 20, "alpha": 0.01}
    single, double = (LogisticRegression(**settings).fit(x.astype(dtype), y) for dtype in (np.float32, np.float64))
    assert (single.coef_ != double.coef_).any()
    np.testing.assert_allclose(single.coef_ * single.scale_, double.coef_ * double.scale_, atol=1e-3)


def test_one_step_is_that_of_the_formula() -> None:
    """Plain gradient descent over all rows, by hand."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(30, 3)), random.normal(size=30)
    model = LinearRegression(
        solver="sgd", optimizer=keras.optimizers.SGD(0.1), standardize=False, fit_intercept=False, epochs=2, alpha=0.5
    ).fit(x, y)
    spread = np.sqrt(np.mean(y**2))
    weights = np.zeros(3)
    for _ in range(2):
        weights -= 0.1 * (x.T @ (x @ weights - y / spread) / 30 + 0.5 * weights)
    np.testing.assert_allclose(model.coef_, weights * spread, rtol=1e-6)


@pytest.mark.slow
def test_jax_learns_the_same() -> None:
    program = """
import keras, numpy as np
from sklearn.datasets import load_wine
from firstlight.systems import LogisticRegression
x, y = load_wine(return_X_y=True)
settings = {"alpha": 0.02, "l1_ratio": 0.5}
model = LogisticRegression(solver="sgd", batch_size=64, epochs=300, **settings).fit(x, y)
exact = LogisticRegression(**settings).fit(x, y)
print(keras.backend.backend(), np.abs(model.coef_ - exact.coef_).max() / np.abs(exact.coef_).max())
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    backend, far = done.stdout.split()
    assert backend == "jax"
    assert float(far) < 0.02

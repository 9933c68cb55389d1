"""Initializers have the distributions of Keras; regularizers and constraints have its values."""

import math
from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import Tensor, backward, constraints, gradcheck, initializers, regularizers
from firstlight.engine.initializers import set_random_seed
from firstlight.errors import FirstlightError
from tests.parity.peer import value_and_gradients

DRAWN: list[tuple[str, dict[str, Any]]] = [
    ("RandomNormal", {"mean": 0.3, "stddev": 0.2}),
    ("RandomUniform", {"minval": -0.2, "maxval": 0.6}),
    ("TruncatedNormal", {"mean": -0.3, "stddev": 0.2}),
    ("GlorotUniform", {}),
    ("GlorotNormal", {}),
    ("HeUniform", {}),
    ("HeNormal", {}),
    ("LecunUniform", {}),
    ("LecunNormal", {}),
    *[
        ("VarianceScaling", {"scale": 0.7, "mode": mode, "distribution": distribution})
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("truncated_normal", "untruncated_normal", "uniform")
    ],
]
FIXED: list[tuple[str, dict[str, Any]]] = [
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {"value": 0.3}),
    ("Identity", {"gain": 2.0}),
]


@pytest.mark.parametrize("shape", [(300, 100), (3, 3, 40, 100), (30_000,)])
@pytest.mark.parametrize(("name", "config"), DRAWN, ids=str)
def test_what_is_drawn_is_distributed_as_in_keras(name: str, config: dict[str, Any], shape: tuple[int, ...]) -> None:
    given = getattr(initializers, name)(**config, seed=1)(shape)
    theirs = np.asarray(getattr(keras.initializers, name)(**config, seed=1)(shape))
    assert given.dtype == np.float32
    assert given.shape == shape
    spread, count = float(theirs.std()), given.size
    assert given.mean() == pytest.approx(float(theirs.mean()), abs=6 * spread / math.sqrt(count))
    assert given.std() == pytest.approx(spread, rel=6 / math.sqrt(count))
    levels = np.linspace(0.02, 0.98, 25)  # a sample's share below a quantile is off by about 1 / (2 sqrt(n))
    ours_below = [(given <= quantile).mean() for quantile in np.quantile(theirs, levels)]
    np.testing.assert_allclose(ours_below, levels, atol=5 * 0.5 * math.sqrt(2 / count))
    if "uniform" in name.lower() + str(config.get("distribution")):
        assert given.max() == pytest.approx(float(theirs.max()), rel=0.01, abs=1e-4)
        assert given.min() == pytest.approx(float(theirs.min()), rel=0.01, abs=1e-4)
    if name == "TruncatedNormal":
        assert np.abs(given - config["mean"]).max() <= 2 * config["stddev"] + 1e-6


@pytest.mark.parametrize(("name", "config"), FIXED, ids=str)
@pytest.mark.parametrize("shape", [(3, 4), (4, 4), (5, 2)])
def test_what_is_fixed_equals_keras(name: str, config: dict[str, Any], shape: tuple[int, ...]) -> None:
    given = getattr(initializers, name)(**config)(shape)
    np.testing.assert_array_equal(given, np.asarray(getattr(keras.initializers, name)(**config)(shape)))
    assert given.dtype == np.float32


@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8), (2, 3, 4), (3, 3, 2, 5)])
def test_orthogonal_changes_no_length(shape: tuple[int, ...]) -> None:
    given = initializers.Orthogonal(gain=2.0, seed=0)(shape, "float64")
    assert given.shape == shape
    matrix = given.reshape(-1, shape[-1])
    rows, columns = matrix.shape
    product = matrix @ matrix.T if rows < columns else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_is_uniform_over_all_such_matrices() -> None:
    corners = [initializers.Orthogonal(seed=seed)((4, 4))[0, 0] for seed in range(800)]
    assert np.mean(corners) == pytest.approx(0, abs=0.1)  # the variance of an entry is 1 / 4
    assert np.var(corners) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(("name", "config"), [*DRAWN, *FIXED, ("Orthogonal", {"gain": 1.5})], ids=str)
def test_config(name: str, config: dict[str, Any]) -> None:
    ours = getattr(initializers, name)(**config)
    given = ours.get_config()
    theirs = getattr(keras.initializers, name).from_config(given).get_config()
    assert {key: theirs.get(key, value) for key, value in given.items()} == given
    again = initializers.get({"class_name": name, "config": given})
    assert type(again) is type(ours)
    assert again.get_config() == given


def test_seeds() -> None:
    one, other = initializers.GlorotUniform(seed=3), initializers.GlorotUniform(seed=3)
    np.testing.assert_array_equal(one((3, 4)), other((3, 4)))
    drawn = []
    for _ in range(2):
        set_random_seed(7)
        drawn.append([initializers.get("he_normal")((3, 4)) for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0][0], drawn[0][1])


def test_names() -> None:
    for name in set(initializers.INITIALIZERS) - {"constant"}:  # to which Keras gives no value by default
        assert type(keras.initializers.get(name)).__name__ == type(initializers.get(name)).__name__
    for table, theirs in ((regularizers, keras.regularizers), (constraints, keras.constraints)):
        for name, kind in vars(table)[table.__name__.rpartition(".")[2].upper()].items():
            assert type(theirs.get(name)).__name__ == type(table.get(name)).__name__ == kind.__name__
        assert table.get(None) is None
    with pytest.raises(FirstlightError, match="Did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(FirstlightError, match="mode to be one of"):
        initializers.VarianceScaling(mode="fan")


REGULARIZERS: list[tuple[str, dict[str, Any]]] = [
    ("L1", {"l1": 0.3}),
    ("L2", {"l2": 0.2}),
    ("L1L2", {"l1": 0.3, "l2": 0.2}),
    ("L1L2", {}),
    ("OrthogonalRegularizer", {"factor": 0.5}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]


@pytest.mark.parametrize(("name", "config"), REGULARIZERS, ids=str)
def test_regularizers_equal_those_of_keras(name: str, config: dict[str, Any]) -> None:
    ours, theirs = getattr(regularizers, name)(**config), getattr(keras.regularizers, name)(**config)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    (expected,), back = value_and_gradients(theirs, [x], [])
    tensor = Tensor(x)
    given = ours(tensor)
    np.testing.assert_allclose(float(given), expected, rtol=1e-6)
    if isinstance(given, Tensor):
        assert given.dtype == np.float32
        np.testing.assert_allclose(backward(given)[tensor], back([np.ones((), "float32")])[0][0], rtol=1e-5, atol=1e-6)
        assert gradcheck(ours, [x]).error < 1e-7
    np.testing.assert_allclose(float(ours(x)), expected, rtol=1e-6)
    again = regularizers.get({"class_name": name, "config": ours.get_config()})
    assert again.get_config() == ours.get_config()
    for key, value in theirs.get_config().items():
        assert ours.get_config()[key] == pytest.approx(value) if not isinstance(value, str) else value == ours.mode


CONSTRAINTS: list[tuple[str, dict[str, Any]]] = [
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MaxNorm", {"max_value": 1.5}),
    ("MaxNorm", {"max_value": 1.0, "axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.9, "max_value": 1.5, "rate": 0.4, "axis": 1}),
]


@pytest.mark.parametrize(("name", "config"), CONSTRAINTS, ids=str)
def test_constraints_equal_those_of_keras(name: str, config: dict[str, Any]) -> None:
    ours, theirs = getattr(constraints, name)(**config), getattr(keras.constraints, name)(**config)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    x[:, 2] = 0
    given = ours(x)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, np.asarray(theirs(keras.ops.convert_to_tensor(x))), rtol=1e-6, atol=1e-6)
    assert ours.get_config() == theirs.get_config()
    assert constraints.get({"class_name": name, "config": ours.get_config()}).get_config() == ours.get_config()

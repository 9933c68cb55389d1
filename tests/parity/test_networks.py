"""Whole networks as Keras saved them: those of keras.applications, and the captioner's own, compute the same here."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from firstlight import engine
from firstlight.systems.captioner_networks import CELLS, Design, build_bridge, build_decoder
from firstlight.systems.small_cnn import small_cnn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
]
APPLICATIONS = ["MobileNetV2", "ResNet50", "EfficientNetB0", "VGG16"]


def randomized(model: Any) -> Any:
    """Weights under which signals neither die nor explode, with moving averages that matter."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        if weight.name in ("gamma", "moving_variance", "variance"):
            value = random.uniform(0.5, 1.5, weight.shape)
        elif len(weight.shape) > 1:
            value = random.normal(0, (1 / np.prod(weight.shape[:-1])) ** 0.5, weight.shape)
        else:
            value = random.normal(0, 0.1, weight.shape)
        weight.assign(value)
    return model


def compare(theirs: Any, path: Path, tolerance: float = 1e-4) -> None:
    """float32 sums in another order; deep networks multiply the difference, hence 1e-4 of the largest output."""
    theirs.save(path)
    ours = engine.load(path)
    random = np.random.default_rng(1)
    inputs = {}
    for symbol in theirs.inputs:
        unknown = 0 if symbol.name.startswith("past_") else 5  # the mask of the Transformer counts what was before
        shape = [2, *(unknown if n is None else n for n in symbol.shape[1:])]
        kind = str(symbol.dtype)
        if "int" in kind:
            inputs[symbol.name] = random.integers(0, 5, shape)
        elif kind == "bool":
            inputs[symbol.name] = np.ones(shape, bool)
        else:
            inputs[symbol.name] = random.uniform(0, 1, shape).astype("float32")
    given = inputs if isinstance(theirs.input, dict) else next(iter(inputs.values()))
    expected, found = theirs(given, training=False), ours.predict_on_batch(given)
    pairs = [(found[name], expected[name]) for name in expected] if isinstance(expected, dict) else [(found, expected)]
    for mine, wanted in pairs:
        wanted = keras.ops.convert_to_numpy(wanted)
        assert np.isfinite(wanted).all()
        assert np.ptp(wanted) > 0
        np.testing.assert_allclose(mine, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize("name", APPLICATIONS)
def test_applications(name: str, tmp_path: Path) -> None:
    network = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(64, 64, 3))
    compare(randomized(network), tmp_path / "x.keras")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("attention", [True, False], ids=["attention", "vector"])
def test_the_captioner(cell: str, attention: bool, tmp_path: Path) -> None:
    design = Design((3, 3, 8), 20, cell, 16, 12, attention, evidence=cell != "transformer", maximum_length=6)
    compare(randomized(build_bridge(design)), tmp_path / "bridge.keras", 1e-5)
    compare(randomized(build_decoder(design)), tmp_path / "decoder.keras", 1e-5)


def test_its_encoder(tmp_path: Path) -> None:
    compare(randomized(small_cnn(32)), tmp_path / "backbone.keras")

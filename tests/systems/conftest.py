"""Tiny scenes and one tiny captioner trained on them, shared by all tests of the systems."""

from typing import Any

import pytest

from firstlight import data
from firstlight.data.table import Dataset
from firstlight.systems import Captioner


@pytest.fixture(scope="session")
def tiny_settings() -> dict[str, Any]:
    """Settings of a captioner that trains in seconds."""
    return {
        "backbone": "small_cnn",
        "image_size": 32,
        "units": 16,
        "embedding": 20,
        "batch_size": 10,
        "maximum_length": 10,
        "precision": "float32",
    }


@pytest.fixture(scope="session")
def tiny_scenes() -> Dataset:
    return data.load("scenes", train=24, validation=6, test=6, unseen=0, size=32)


@pytest.fixture(scope="session")
def _trained(tiny_scenes: Dataset, tiny_settings: dict[str, Any]) -> tuple[Captioner, dict[str, list[Any]]]:
    captioner = Captioner(**tiny_settings)
    history = captioner.fit(tiny_scenes.train, validation_data=tiny_scenes.validation, epochs=2, seed=1)
    return captioner, history.history


@pytest.fixture(scope="session")
def captioner(_trained: tuple[Captioner, dict[str, list[Any]]]) -> Captioner:
    """Trained for two epochs: what it says is nonsense, but all of its parts are there."""
    return _trained[0]


@pytest.fixture(scope="session")
def history(_trained: tuple[Captioner, dict[str, list[Any]]]) -> dict[str, list[Any]]:
    """The columns of the history of that training."""
    return _trained[1]

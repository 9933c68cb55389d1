"""Figures of a classifier from what it said, however sure it was."""

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from firstlight.data.table import Split
from firstlight.systems.classifier_judging import Answers, evaluate


def test_a_mistake_of_which_it_was_certain_does_not_make_the_log_loss_infinite() -> None:
    split = Split("test", {"names": ["1", "2"], "images": [None, None], "labels": ["cat", "dog"]})
    classifier: Any = SimpleNamespace(classes=["cat", "dog"])
    found = evaluate(classifier, split, Answers([0, 1], np.array([[1, 0], [1, 0]], "float32"), []))
    assert found["log_loss"] == pytest.approx(-math.log(1e-15) / 2)
    json.dumps(found, allow_nan=False)

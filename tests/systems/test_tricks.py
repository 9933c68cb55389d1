"""The ladder of tricks: each changes what it says, is added to those below, and is judged by its own change."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight import data
from firstlight.errors import FirstlightError
from firstlight.systems import ImageClassifier
from firstlight.systems.tricks import LADDERS, compare_tricks, ladder


def test_every_trick_changes_what_a_classifier_has() -> None:
    plain = LADDERS["classifier"][0]
    system = ImageClassifier(**plain.settings)
    for trick in LADDERS["classifier"][1:]:
        assert trick.text.endswith(".")
        assert trick.source
        for name, value in trick.settings.items():
            assert name in plain.settings, "the plain network says how it is without"
            assert plain.settings[name] != value
            assert getattr(system, name) == plain.settings[name]


def test_tricks_by_name_and_in_the_order_asked_for() -> None:
    assert [trick.name for trick in ladder("classifier", ["schedule", "average"])] == ["plain", "schedule", "average"]
    with pytest.raises(FirstlightError, match="Did you mean 'schedule'"):
        ladder("classifier", ["shedule"])
    with pytest.raises(FirstlightError, match="ladder of tricks: classifier"):
        ladder("captioner")


@pytest.mark.slow
def test_each_trick_is_added_to_those_below_and_left_out_of_all(tmp_path: Path) -> None:
    digits = data.load("digits", task="labels").train
    options: dict[str, Any] = {
        "epochs": 1,
        "seeds": 2,
        "images": 60,
        "processes": 1,
        "settings": {"width": 4, "depth": 1},
    }
    names = ["normalization", "schedule"]
    found = compare_tricks("classifier", digits, folder=tmp_path, tricks=names, leave_one_out=True, **options)
    assert [rung.variant for rung in found.rungs] == ["plain", "+ normalization", "+ schedule"]
    variants = found.comparison.plan.variants
    assert variants["+ normalization"] == {**variants["plain"], "normalization": "batch"}
    assert variants["without normalization"] == {**variants["+ schedule"], "normalization": "none"}
    assert [rung.variant for rung in found.without] == ["without normalization", "+ normalization"]
    assert found.rungs[0].change is None
    scores = {each.variant: each.scores for each in found.comparison.summaries()}
    for rung, below in zip(found.rungs[1:], found.rungs, strict=False):
        assert rung.change is not None
        wanted = np.mean([scores[rung.variant][seed] - scores[below.variant][seed] for seed in (0, 1)])
        assert rung.change.mean == pytest.approx(wanted)
    with pytest.raises(FirstlightError, match="'normalization', which plain, normalization sets"):
        compare_tricks("classifier", digits, folder=tmp_path / "b", tricks=names, settings={"normalization": "group"})

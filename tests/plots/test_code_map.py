"""The map of codes: pictures stand where their codes lie, and none covers another."""

from pathlib import Path

import numpy as np
import pytest

from firstlight import plots
from firstlight.errors import FirstlightError
from tests.plots.pictures import near, pixels


def test_pictures_stand_where_their_codes_lie() -> None:
    places = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [0.0, 0.01]])
    shown = [np.full((8, 8), value, np.uint8) for value in (10, 60, 110, 160)]
    drawn = plots.map_picture(places, shown, side=300, thumb=40)
    assert drawn.shape == (300, 300, 3)
    rows = {value: np.argwhere((drawn == value).all(-1)).mean(0) for value in (10, 60, 110)}
    assert rows[10][0] > 200 > 100 > rows[110][0], "the second number grows upwards"
    assert rows[60][1] > 200 > 100 > rows[10][1]
    assert not (drawn == 160).all(-1).any(), "it would cover the first"


def test_a_figure_of_thumbnails_and_classes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    places = random.standard_normal((60, 2))
    shown = [random.integers(0, 255, (8, 8, 3), np.uint8) for _ in places]
    labels = [str(number % 12) for number in range(60)]
    plots.code_map(places, tmp_path / "map.png", pictures=shown, labels=labels)
    assert near(pixels(tmp_path / "map.png"), "#1768ac").sum() > 20
    for wrong in ({"pictures": shown[:3]}, {}):
        with pytest.raises(FirstlightError):
            plots.code_map(places, tmp_path / "none.png", **wrong)

"""The figures of what a network sees show what they were given."""

from pathlib import Path

import numpy as np
import pytest

from firstlight import plots
from firstlight.plots import classifiers
from tests.plots.pictures import near, pixels


def test_heat_glows_where_it_is(tmp_path: Path) -> None:
    image = np.full((40, 40, 3), 120, np.uint8)
    heat = np.zeros((10, 10))
    heat[:5, :5] = 3
    plots.heat(image, {"none": np.zeros((10, 10)), "corner": heat}, tmp_path / "new" / "heat.png", "a picture")
    drawn = pixels(tmp_path / "new" / "heat.png")
    glowing = (drawn[..., 0] - drawn[..., 2]) > 90
    rows, columns = np.nonzero(glowing)
    assert glowing.sum() > 1000
    assert columns.min() > drawn.shape[1] * 2 / 3 - 5, "in the last panel alone"
    assert rows.max() < drawn.shape[0] * 0.65
    assert columns.max() < drawn.shape[1] * 0.9
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["heat.png"]


def test_filters_keep_their_pixels(tmp_path: Path) -> None:
    pictures = np.full((10, 3, 3, 3), 255, np.uint8)
    pictures[4, 1, 1] = 200, 30, 30
    plots.filters(pictures, tmp_path / "filters.png", names=list("abcdefghij"), title="First weights")
    red = near(pixels(tmp_path / "filters.png"), "#c81e1e", 6)
    rows, columns = np.nonzero(red)
    assert red.sum() == pytest.approx(np.ptp(rows) * np.ptp(columns), rel=0.15), "one square with hard edges"


def test_the_strongest_maps_are_drawn(tmp_path: Path) -> None:
    maps = np.zeros((6, 6, 50))
    maps[2:4, 2:4, 45] = 5
    plots.feature_maps(maps, tmp_path / "maps.png", most=4)
    plots.feature_maps(maps[..., :40], tmp_path / "dark.png", most=4)
    bright, dark = (near(pixels(tmp_path / name), "#fcfdbf").sum() for name in ("maps.png", "dark.png"))
    assert bright > 500 > dark


def test_mistakes_of_any_size_and_grey(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 255, shape, np.uint8) for shape in ((8, 8, 1), (200, 300, 3), (30, 20, 3))]
    plots.mistakes(
        images, ["1", "dog", "a long name of a class"], ["7", "cat", "x"], [0.9, 0.8, 0.7], tmp_path / "m.png"
    )
    assert pixels(tmp_path / "m.png").std() > 30
    plots.mistakes([], [], [], [], tmp_path / "none.png")
    assert (tmp_path / "none.png").stat().st_size > 500


def test_bars_of_classes_tell_recall_and_precision(tmp_path: Path) -> None:
    def told(recall: float | None, precision: float | None) -> dict[str, object]:
        ends = [0.4, 0.9]
        return {"recall": recall, "recall_interval": ends, "precision": precision, "precision_interval": ends}

    plots.class_bars({"cat": told(0.9, 0.8), "dog": told(0.5, None), "none": told(None, None)}, tmp_path / "bars.png")
    drawn = pixels(tmp_path / "bars.png")
    for colour in classifiers._COLOURS[:2]:
        assert near(drawn, colour).sum() > 200
    one = {"cat": told(0.9, 0.8)}
    plots.class_bars(one, tmp_path / "one.png")
    plots.class_bars({**one, "none": told(None, None)}, tmp_path / "same.png")
    assert (pixels(tmp_path / "one.png") == pixels(tmp_path / "same.png")).all()
    plots.class_bars({str(number): told(number / 50, 0.5) for number in range(50)}, tmp_path / "most.png", most=5)
    assert pixels(tmp_path / "most.png").shape[0] < 600

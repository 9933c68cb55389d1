"""Films, strips, frames and grids: what is in the files is what was given, enlarged by whole factors."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstlight import plots
from firstlight.errors import FirstlightError


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Six pictures of 5 x 4 pixels, from dark to light."""
    return [np.full((5, 4, 1), 40 * number, np.uint8) for number in range(6)]


def test_a_film_shows_every_picture_there_and_back(pictures: list[np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "way.gif"
    plots.film(pictures, path, seconds=0.6, there_and_back=True)
    with Image.open(path) as film:
        assert film.n_frames == 10
        assert film.size == (4 * 51, 5 * 51)
        assert film.info["loop"] == 0
        seen, durations = [], []
        for number in range(film.n_frames):
            film.seek(number)
            seen.append(int(np.asarray(film.convert("L")).mean()))
            durations.append(film.info["duration"])
    assert seen == pytest.approx([0, 40, 80, 120, 160, 200, 160, 120, 80, 40], abs=3)
    assert durations[:6] == [400, 100, 100, 100, 100, 400]
    assert [each.name for each in path.parent.iterdir()] == ["way.gif"]


def test_colours_stay_in_a_film(tmp_path: Path) -> None:
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    plots.film([np.full((6, 6, 3), colour, np.uint8) for colour in colours], tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as film:
        for number, colour in enumerate(colours):
            film.seek(number)
            assert np.abs(np.asarray(film.convert("RGB")).reshape(-1, 3).mean(0) - colour).max() < 8


def test_a_strip_and_a_grid(pictures: list[np.ndarray], tmp_path: Path) -> None:
    plots.strip(pictures, tmp_path / "strip.png")
    strip = np.asarray(Image.open(tmp_path / "strip.png"))
    assert strip.shape == (5 * 19 + 8, 6 * (4 * 19 + 4) + 4, 3)
    plots.picture_grid(pictures, tmp_path / "grid.png", columns=4, cell=10)
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    assert grid.shape == (2 * 14 + 4, 4 * 12 + 4, 3)
    assert grid[5, 5 + 12, 0] == 40
    assert grid[5 + 14, 5, 0] == 160
    assert (grid[-10:, -20:] == 255).all(), "nothing where there is no picture"


def test_frames_replace_those_of_an_earlier_way(pictures: list[np.ndarray], tmp_path: Path) -> None:
    plots.frames(pictures, tmp_path / "way")
    (tmp_path / "way" / "mine.txt").write_text("stays")
    paths = plots.frames(pictures[:2], tmp_path / "way")
    assert sorted(each.name for each in (tmp_path / "way").iterdir()) == ["frame-000.png", "frame-001.png", "mine.txt"]
    assert np.asarray(Image.open(paths[1])).shape == (5, 4, 3), "single frames keep their size"
    assert [each.name for each in tmp_path.iterdir()] == ["way"]


def test_what_cannot_be_shown_is_told(pictures: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match=r"film \.gif"):
        plots.film(pictures, tmp_path / "way.mp4")
    with pytest.raises(FirstlightError, match="one size"):
        plots.strip([pictures[0], np.zeros((2, 2), np.uint8)], tmp_path / "a.png")
    with pytest.raises(FirstlightError, match="one size"):
        plots.film([], tmp_path / "a.gif")
    with pytest.raises(FirstlightError, match="uint8"):
        plots.strip([np.zeros((2, 2))], tmp_path / "a.png")
    with pytest.raises(FirstlightError, match="16,000 pixels"):
        plots.strip([np.zeros((2, 90), np.uint8)] * 200, tmp_path / "a.png")

"""Figures and films of descents: every path is in them, they are small, appear whole, and films move."""

from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from firstlight import plots
from firstlight.errors import FirstlightError
from firstlight.plots import paths as module
from tests.plots.pictures import near, pixels


def bowl(names: tuple[str, ...] = ("one", "two"), steps: int = 40, **others: object) -> plots.Descent:
    """Spirals into a bowl, each a little faster than the one before."""
    columns, rows = np.linspace(-3, 3, 61), np.linspace(-2, 2, 41)
    times = np.arange(steps + 1)
    paths = {}
    for place, name in enumerate(names):
        angle = 0.3 * times + place
        reach = 1.9 * (0.9 - 0.03 * place) ** times
        positions = np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
        paths[name] = (positions, (positions**2).sum(axis=1) + 5)
    values = columns[None] ** 2 + rows[:, None] ** 2 + 5
    return plots.Descent("Bowl", "L = x² + y² + 5", columns, rows, values, np.zeros((1, 2)), 5.0, paths, **others)  # type: ignore[arg-type]


def test_every_path_is_on_the_map_and_on_the_curve(tmp_path: Path) -> None:
    plots.descent([bowl(("one", "two", "three"))], tmp_path / "new" / "still.png")
    picture = pixels(tmp_path / "new" / "still.png")
    half = picture.shape[1] // 2
    for colour in module._COLOURS[:3]:
        found = near(picture, colour, within=6)
        assert found[:, :half].sum() > 150, "on the map"
        assert found[:, half:].sum() > 150, "on the curve"
    for colour in module._COLOURS[3:8]:
        assert near(picture, colour, within=6).sum() < 50, "nobody else's"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["still.png"]


def test_a_row_for_each_descent(tmp_path: Path) -> None:
    plots.descent([bowl()], tmp_path / "one.png")
    plots.descent([bowl(), bowl(("three",))], tmp_path / "two.png")
    one, two = pixels(tmp_path / "one.png"), pixels(tmp_path / "two.png")
    assert two.shape[0] == pytest.approx(2 * one.shape[0], abs=2)
    assert (tmp_path / "two.png").stat().st_size < 300_000


def test_the_map_is_brightest_around_the_minimum(tmp_path: Path) -> None:
    plots.descent([bowl(())], tmp_path / "map.png")
    picture = pixels(tmp_path / "map.png")
    ink = np.argwhere(near(picture, module._INK, within=3)[60:, : picture.shape[1] // 2])
    row, column = (int(place) for place in np.median(ink, axis=0))
    ray = picture[60 + row, column + 20 : int(0.4 * picture.shape[1])]
    shades = [np.flatnonzero(near(ray, colour, within=3)) for colour in module._SHADES]
    found = [places.mean() for places in shades if len(places)]
    assert len(found) >= 3
    assert found == sorted(found)


def test_the_height_is_that_above_the_least_loss(tmp_path: Path) -> None:
    """The loss itself never falls below 5; the curve falls by three decades."""
    with matplotlib.rc_context(module.STYLE):
        figure, moving = module._draw([bowl()])
        figure.canvas.draw()
    heights = moving[0].lines[1].get_ydata()
    np.testing.assert_allclose(heights, 1.9**2 * 0.81 ** np.arange(41), rtol=1e-6)
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert {"10⁰", "10⁻²"} <= set(labels)


def test_the_legend_tells_rates_and_who_diverged() -> None:
    each = bowl(rates={"one": 0.25}, lost=frozenset({"two"}))
    figure, _ = module._draw([each])
    legend = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert legend == ["one 0.25", "two (diverged)", "minimum", "start"]


def test_a_drawing_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plots.descent([bowl()], tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    tree = ElementTree.parse(tmp_path / "one.svg")
    assert module._COLOURS[0] in ElementTree.tostring(tree.getroot(), "unicode")


def test_a_film_grows(tmp_path: Path) -> None:
    plots.descent_film([bowl()], tmp_path / "film.gif", frames=12, seconds=1.2)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 12
        drawn, pauses = [], []
        for place in range(film.n_frames):
            film.seek(place)
            pauses.append(film.info["duration"])
            picture = np.asarray(film.convert("RGB")).astype(int)
            drawn.append(near(picture[:, : picture.shape[1] // 2], module._COLOURS[0], within=6).sum())
    assert pauses == [100] * 11 + [2000]
    assert drawn[0] < drawn[3] < drawn[-1]
    assert near(picture, "#ffffff", within=0).mean() > 0.4, "white stays white"
    assert (tmp_path / "film.gif").stat().st_size < 3_000_000


def test_a_film_has_no_more_pictures_than_steps(tmp_path: Path) -> None:
    plots.descent_film([bowl(steps=4)], tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 5


def test_many_paths_are_told_apart(tmp_path: Path) -> None:
    names = tuple(f"path {number}" for number in range(11))
    _, moving = module._draw([bowl(names, steps=3)])
    looks = {(each.lines[0].get_color(), each.lines[0].get_marker()) for each in moving}
    assert len(looks) == 11


def test_global_settings_stay_as_they_are(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    plots.descent([bowl()], tmp_path / "still.png")
    assert dict(matplotlib.rcParams) == before


def test_other_files_and_no_descents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match=r"figure \.png or \.svg. Received still\.pdf"):
        plots.descent([bowl()], tmp_path / "still.pdf")
    with pytest.raises(FirstlightError, match=r"film \.gif. Received still\.png"):
        plots.descent_film([bowl()], tmp_path / "still.png")
    with pytest.raises(FirstlightError, match="Received none"):
        plots.descent([], tmp_path / "still.png")
    assert list(tmp_path.iterdir()) == []

"""The figures of comparisons show what they were given."""

from pathlib import Path

import numpy as np

from firstlight import plots
from firstlight.plots import comparisons
from tests.plots.pictures import near, pixels


def band(level: float, steps: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    mean = level * np.exp(-np.arange(steps) / 30)
    return np.arange(1, steps + 1), mean, 0.9 * mean, 1.1 * mean


def test_ten_curves_have_a_colour_and_the_others_are_grey(tmp_path: Path) -> None:
    curves = {f"variant {number}": band(1 + 0.4 * number) for number in range(12)}
    plots.loss_curves(curves, tmp_path / "new" / "curves.png")
    picture = pixels(tmp_path / "new" / "curves.png")
    for colour in comparisons._COLOURS:
        assert near(picture, colour).sum() > 200, colour
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["curves.png"]
    plots.loss_curves(dict(list(curves.items())[:10]), tmp_path / "ten.png")
    grey = [near(shown, comparisons._OTHERS, 6).sum() for shown in (picture, pixels(tmp_path / "ten.png"))]
    assert grey[0] > grey[1] + 500


def test_the_axis_of_losses_is_logarithmic(tmp_path: Path) -> None:
    """On it a loss that falls by a factor falls along a straight line."""
    places = np.arange(100)
    falling = np.exp(-places / 10.0)
    plots.loss_curves({"a": (places, falling, falling, falling)}, tmp_path / "line.png", "seconds")
    drawn = near(pixels(tmp_path / "line.png"), comparisons._COLOURS[0])
    drawn[:, int(0.75 * drawn.shape[1]) :] = False  # the legend
    columns = np.nonzero(drawn.any(axis=0))[0]
    rows = np.array([np.nonzero(drawn[:, column])[0].mean() for column in columns])
    straight = np.polyval(np.polyfit(columns, rows, 1), columns)
    assert np.abs(rows - straight).max() < 0.02 * np.ptp(rows)


def test_the_best_cell_is_the_darkest_and_what_failed_is_crossed_out(tmp_path: Path) -> None:
    values = np.array([[10.0, 90.0], [50.0, np.nan]])
    plots.heat_map(values, ["sgd", "adam"], ["0.1", "0.01"], tmp_path / "map.png", "accuracy", "learning rate")
    dark = near(pixels(tmp_path / "map.png"), "#08306b")
    columns, rows = np.nonzero(dark.sum(axis=0) > 20)[0], np.nonzero(dark.sum(axis=1) > 20)[0]
    assert columns.mean() > dark.shape[1] / 2, "on the right"
    assert rows.mean() < dark.shape[0] / 2, "above"
    plots.heat_map(np.full((1, 2), np.nan), ["sgd"], ["1", "2"], tmp_path / "none.png", "accuracy")
    plots.heat_map(np.full((1, 2), 3.0), ["sgd"], ["1", "2"], tmp_path / "same.png", "accuracy")
    assert near(pixels(tmp_path / "none.png"), "#08306b").sum() == 0


def test_changes_beyond_chance_have_a_colour(tmp_path: Path) -> None:
    scores = {"plain": [50.0, 52.0], "+ a": [60.0, 61.0], "+ b": [55.0, 56.0], "+ c": [55.0, 57.0], "+ d": []}
    changes = {"+ a": (10.0, 8.0, 12.0), "+ b": (-5.0, -6.0, -4.0), "+ c": (0.5, -1.0, 2.0)}
    plots.score_ladder(scores, tmp_path / "ladder.png", "accuracy", changes)
    picture = pixels(tmp_path / "ladder.png")
    for colour in (comparisons._UP, comparisons._DOWN, comparisons._OPEN):
        assert near(picture, colour).sum() > 50
    plots.score_ladder(scores, tmp_path / "scores.png")
    plain = pixels(tmp_path / "scores.png")
    assert plain.shape[1] < picture.shape[1]
    assert near(plain, comparisons._UP).sum() == 0
    plots.score_ladder({"plain": [1.0]}, tmp_path / "one.png", changes={"plain": (0.1, None, None)})


def test_rates_and_their_marks(tmp_path: Path) -> None:
    rates = np.geomspace(1e-5, 10, 100)
    losses = 2 - np.exp(-((np.log10(rates) + 1) ** 2))
    for place, mark in enumerate((1e-3, 1.0)):
        plots.learning_rates(rates, losses, losses, {"steepest": mark}, tmp_path / f"{place}.png")
    lines = [near(pixels(tmp_path / f"{place}.png"), comparisons._COLOURS[1]).sum(axis=0).argmax() for place in (0, 1)]
    assert lines[1] - lines[0] > 300
    assert near(pixels(tmp_path / "0.png"), comparisons._COLOURS[0]).sum() > 500

"""The figures of classifiers and models show what they were given."""

from pathlib import Path

import numpy as np
import pytest

from firstlight import metrics, plots
from firstlight.plots import classifiers, models
from tests.plots.pictures import near, pixels


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    probabilities = random.random(400)
    return random.random(400) < probabilities, probabilities


def test_roc_draws_every_curve(case: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    curve = metrics.roc_curve(*case)
    one = (curve.false_positive_rate, curve.true_positive_rate)
    perfect = (np.array([0.0, 0, 1]), np.array([0.0, 1, 1]))
    plots.roc({"model": one, "perfect": perfect}, tmp_path / "new" / "roc.png")
    picture = pixels(tmp_path / "new" / "roc.png")
    for colour in classifiers._COLOURS[:2]:
        assert near(picture, colour).sum() > 500
    highest = [np.nonzero(near(picture, colour).sum(axis=1) > 300)[0] for colour in classifiers._COLOURS[:2]]
    assert len(highest[1]) > len(highest[0]) == 0, "only the perfect curve runs along the top"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["roc.png"]
    plots.roc({}, tmp_path / "empty.png")


def test_calibration_draws_points_and_intervals(case: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    curve = metrics.calibration_curve(*case)
    plain = (curve.predicted, curve.observed, curve.observed, curve.observed)
    plots.calibration({"model": plain}, tmp_path / "plain.png")
    plots.calibration({"model": (*plain[:2], curve.low, curve.high)}, tmp_path / "with.png")
    plain_ink, ink = ((pixels(tmp_path / name).min(axis=-1) < 200).sum() for name in ("plain.png", "with.png"))
    assert ink > plain_ink + 500


def test_confusion_is_dark_on_the_diagonal_of_a_good_classifier(tmp_path: Path) -> None:
    plots.confusion(np.diag([50, 60, 70]), ["cat", "dog", "a longer name"], tmp_path / "good.png")
    plots.confusion(np.full((3, 3), 20), ["cat", "dog", "a longer name"], tmp_path / "bad.png")
    good, bad = (near(pixels(tmp_path / name), "#08306b").sum() for name in ("good.png", "bad.png"))
    assert good > 10_000 > bad
    plots.confusion(np.zeros((30, 30), int), range(30), tmp_path / "many.png")


def test_a_path_shows_every_coefficient(tmp_path: Path) -> None:
    alphas = np.geomspace(1, 1e-3, 20)
    coefficients = np.maximum(np.outer(np.linspace(0, 1, 20), [3.0, -2.0, 0.1]), -1.5)
    names = ["age", "size", "weight"]
    plots.regularization_path(alphas, coefficients, names, tmp_path / "path.png")
    plots.regularization_path(alphas[::-1], coefficients[::-1], names, tmp_path / "turned.png")
    assert (pixels(tmp_path / "path.png") == pixels(tmp_path / "turned.png")).all()
    plots.regularization_path(alphas, coefficients[:, :2], names, tmp_path / "two.png")
    assert (pixels(tmp_path / "path.png") != pixels(tmp_path / "two.png")).any()
    assert models._named(np.array([3.0, 2.99, -2.0]), [0, 1, 2]) == [0, 2]


def test_a_learning_curve_shows_both_scores(tmp_path: Path) -> None:
    scores = np.array([[0.6, 0.7], [0.8, 0.85]])
    plots.learning_curve([10, 100], scores + 0.1, scores, tmp_path / "curve.png", "accuracy")
    picture = pixels(tmp_path / "curve.png")
    for colour in (models._TRAIN, models._TEST):
        assert near(picture, colour).sum() > 300

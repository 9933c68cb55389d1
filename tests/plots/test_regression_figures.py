"""The figures of a regression show every row, and what is systematic in its errors."""

from pathlib import Path

import numpy as np
import pytest

from firstlight import plots
from firstlight.plots import regression
from tests.plots.pictures import near, pixels


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    true = random.uniform(0, 100, 300)
    return true, true + random.normal(0, 5, 300)


def ink(path: Path) -> np.ndarray:
    """Where points are: bluish, however faint."""
    picture = pixels(path)
    return (picture[..., 2] - picture[..., 0]) > 40


def test_right_predictions_lie_on_the_diagonal(case: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    plots.predicted_against_true(case[0], case[0], tmp_path / "new" / "right.png")
    plots.predicted_against_true(*case, tmp_path / "new" / "near.png", "price")
    plots.predicted_against_true(case[0], 100 - case[0], tmp_path / "new" / "wrong.png")
    slopes = []
    for name in ("right", "near", "wrong"):
        rows, columns = np.nonzero(ink(tmp_path / "new" / f"{name}.png"))
        slopes.append(np.corrcoef(columns, -rows)[0, 1])
    assert slopes[0] > 0.999
    assert 0.95 < slopes[1] < slopes[0]
    assert slopes[2] < -0.99
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["near.png", "right.png", "wrong.png"]


def test_residuals_show_the_mean_of_similar_predictions(case: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    plots.residuals(*case, tmp_path / "many.png", "price")
    plots.residuals(case[0][:5], case[1][:5], tmp_path / "few.png")
    many, few = (near(pixels(tmp_path / name), regression._SHARE).sum() for name in ("many.png", "few.png"))
    assert many > 1000 > few == 0
    bent = np.linspace(-1, 1, 160)
    middles, means = regression._means(bent, bent**2)
    assert len(middles) == 8
    assert means[0] > 0.7 > 0.1 > means[3]
    assert regression._means(bent[:19], bent[:19])[0].size == 0


def test_single_rows_and_very_many_can_be_drawn(tmp_path: Path) -> None:
    one = np.array([3.0])
    plots.predicted_against_true(one, one, tmp_path / "one.png")
    plots.residuals(one, one, tmp_path / "one residual.png")
    true = np.random.default_rng(0).normal(size=50_000)
    plots.predicted_against_true(true, true + 1, tmp_path / "many.png")
    assert (pixels(tmp_path / "many.png").min(axis=-1) < 250).sum() > 10_000
    assert (tmp_path / "many.png").stat().st_size < 300_000

"""Figures for drawn pictures, on clouds of which the right answer is known."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from firstlight import metrics
from firstlight.errors import FirstlightError


def cloud(count: int, units: int = 6, seed: int = 0, spread: float = 1.0, mean: float = 0.0) -> np.ndarray:
    return mean + spread * np.random.default_rng(seed).standard_normal((count, units))


def test_the_frechet_distance_of_known_normal_distributions() -> None:
    # Spreads 1 and 3, means 0 and 2, in each of 4 dimensions that do not depend on each other: 4 (2^2 + (3 - 1)^2).
    found = metrics.frechet_of_moments(np.zeros(4), np.eye(4), np.full(4, 2.0), 9 * np.eye(4))
    assert found == pytest.approx(32)


def test_the_frechet_distance_with_a_root_by_scipy() -> None:
    random = np.random.default_rng(1)
    one, other = [matrix @ matrix.T for matrix in random.standard_normal((2, 5, 5))]
    mean, second = random.standard_normal((2, 5))
    expected = np.square(mean - second).sum() + np.trace(one + other - 2 * sqrtm(one @ other).real)
    assert metrics.frechet_of_moments(mean, one, second, other) == pytest.approx(expected)


def test_the_frechet_distance_of_samples_nears_that_of_their_distributions() -> None:
    found = metrics.frechet_distance(cloud(20_000), cloud(20_000, seed=1, spread=2.0, mean=1.0))
    assert found == pytest.approx(6 * (1 + 1), rel=0.05)
    assert metrics.frechet_distance(cloud(500), cloud(500)) == pytest.approx(0, abs=1e-9)
    # A singular covariance: fewer pictures than features.
    assert metrics.frechet_distance(cloud(4, 20), cloud(4, 20)) == pytest.approx(0, abs=1e-6)


def test_one_feature_alone() -> None:
    one, other = np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]])
    assert metrics.frechet_distance(one, other) == pytest.approx(9)


def test_variety_is_the_share_of_the_spread() -> None:
    assert metrics.variety(cloud(5000), cloud(5000, seed=1, spread=0.5)) == pytest.approx(0.25, rel=0.05)
    assert metrics.variety(cloud(50), np.ones((50, 6))) == 0
    assert metrics.variety(np.ones((50, 6)), cloud(50)) == 1


def test_two_halves_of_one_cloud_are_alike() -> None:
    found = metrics.fidelity(cloud(1500, 3), cloud(1500, 3, seed=1))
    assert found.precision > 0.85
    assert found.recall > 0.85
    assert found.density == pytest.approx(1, abs=0.06)
    # Naeem et al. 2020, equation 9: 1 - 1/2^k, nearly.
    assert found.coverage == pytest.approx(1 - 0.5**5, abs=0.02)


def test_the_same_cloud_and_clouds_far_apart() -> None:
    same = metrics.fidelity(cloud(200), cloud(200))
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    apart = metrics.fidelity(cloud(200), cloud(200, mean=100.0))
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)


def test_half_of_what_is_real_left_out() -> None:
    real = np.concatenate([cloud(400, 3), cloud(400, 3, seed=1, mean=50.0)])
    found = metrics.fidelity(real, cloud(800, 3, seed=2))
    assert found.precision > 0.8
    assert found.recall < 0.55
    assert found.coverage < 0.55
    assert found.recall > 0.4


def test_precision_and_recall_by_hand() -> None:
    """On a line: every second whole number is real, and 20 drawn points lie at known places."""
    real = np.arange(0.0, 40, 2)[:, None]
    drawn = np.concatenate([np.full(10, 11.0), np.full(10, 1000.0)])[:, None]
    found = metrics.fidelity(real, drawn)
    assert found.precision == 0.5
    # Inside, the third nearest is 4 away, the fifth 6: 8, 10, 12, 14 are within reach by 3, and 6, 16 by 5.
    assert found.coverage == 6 / 20
    assert found.density == 10 * 6 / (5 * 20)
    assert found.recall == 0  # the drawn ones lie on each other, so that their neighbourhoods are points


def test_copies_are_found() -> None:
    train, held_out = cloud(400).astype("float32"), cloud(100, seed=1).astype("float32")
    copied = metrics.memorisation(train[:100], held_out, train)
    assert copied.ratio < 0.01
    assert copied.nearer > 0.99
    honest = metrics.memorisation(cloud(100, seed=2), held_out, train)
    assert honest.ratio == pytest.approx(1, abs=0.15)
    assert honest.nearer == pytest.approx(0.5, abs=0.1)
    far = metrics.memorisation(cloud(100, seed=2, spread=3.0), held_out, train)
    assert far.ratio > 1.5
    assert far.nearer < 0.2
    assert metrics.memorisation(held_out, held_out, train).nearer == 0.5


def test_the_nearest_rows_are_those_of_all_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, others = cloud(30), cloud(70, seed=3)
    monkeypatch.setattr("firstlight.metrics.generation._BLOCK", 200)  # in several blocks
    distances, places = metrics.nearest_rows(rows, others, 3)
    every = np.linalg.norm(rows[:, None] - others[None], axis=2)
    np.testing.assert_array_equal(places, np.argsort(every, axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :3])


@pytest.mark.parametrize(
    ("real", "drawn", "words"),
    [
        (cloud(50), cloud(50, 5), "one space"),
        (cloud(50), cloud(3), "6 pictures or more"),
        (cloud(50), np.full((50, 6), np.nan), "not finite"),
        (cloud(50), np.zeros(50), r"\(pictures, features\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(real: np.ndarray, drawn: np.ndarray, words: str) -> None:
    with pytest.raises(FirstlightError, match=words):
        metrics.fidelity(real, drawn)

"""Calibration, Brier score and log loss against scikit-learn, by hand, and on probabilities that hold."""

import numpy as np
import pytest
from sklearn import metrics as peers
from sklearn.calibration import calibration_curve

from firstlight import metrics
from firstlight.errors import FirstlightError


@pytest.fixture
def honest() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are kept."""
    random = np.random.default_rng(0)
    probabilities = random.random(20_000)
    return (random.random(20_000) < probabilities).astype(int), probabilities


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_the_curve_is_that_of_scikit_learn(honest: tuple[np.ndarray, np.ndarray], strategy: str) -> None:
    true, probabilities = (part[:500] for part in honest)
    found = metrics.calibration_curve(true, probabilities**2, bins=8, strategy=strategy)
    observed, predicted = calibration_curve(true, probabilities**2, n_bins=8, strategy=strategy)
    np.testing.assert_allclose(found.predicted, predicted)
    np.testing.assert_allclose(found.observed, observed)
    assert found.counts.sum() == 500
    assert (found.low <= found.observed).all()
    assert (found.observed <= found.high).all()


def test_kept_promises_have_no_error_and_broken_ones_have(honest: tuple[np.ndarray, np.ndarray]) -> None:
    true, probabilities = honest
    assert metrics.calibration_error(true, probabilities) < 0.02
    sure = np.where(probabilities > 0.5, 0.99, 0.01)
    assert metrics.calibration_error(true, sure) == pytest.approx(0.24, abs=0.01)
    curve = metrics.calibration_curve(true, probabilities)
    assert ((curve.low <= curve.predicted) & (curve.predicted <= curve.high)).sum() >= 8


def test_several_classes_are_judged_by_the_one_predicted() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])
    found = metrics.calibration_curve([0, 1, 0, 1], probabilities, bins=2)
    np.testing.assert_allclose(found.predicted, [0.4, 0.8])
    np.testing.assert_allclose(found.observed, [0, 2 / 3])
    assert metrics.calibration_error([0, 1, 0, 1], probabilities, bins=2) == pytest.approx(
        0.4 / 4 + 3 / 4 * (0.8 - 2 / 3)
    )


def test_scores_are_those_of_scikit_learn(honest: tuple[np.ndarray, np.ndarray]) -> None:
    assert metrics.brier_score(*honest) == pytest.approx(peers.brier_score_loss(*honest))
    assert metrics.log_loss(*honest) == pytest.approx(peers.log_loss(*honest))
    random = np.random.default_rng(1)
    true, table = random.integers(0, 3, 50), random.dirichlet(np.ones(3), 50)
    assert metrics.log_loss(true, table) == pytest.approx(peers.log_loss(true, table))
    assert metrics.brier_score(true, table) == pytest.approx(((table - np.eye(3)[true]) ** 2).sum() / 50)
    assert metrics.log_loss([1], [0.0]) == np.inf


def test_mistakes_are_told() -> None:
    with pytest.raises(FirstlightError, match=r"from 0 to 1\. Received others"):
        metrics.calibration_curve([0, 1], [-3.0, 5.0])
    with pytest.raises(FirstlightError, match="1 bin or more"):
        metrics.calibration_curve([0, 1], [0.5, 0.5], bins=0)
    with pytest.raises(FirstlightError, match="true == label"):
        metrics.brier_score(["a"], [0.5])
    with pytest.raises(FirstlightError, match=r"classes from 0 to 1\. Received 0 to 2"):
        metrics.log_loss([0, 2], [[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(FirstlightError, match="number of each row's class"):
        metrics.log_loss([0.5], [[0.5, 0.5]])

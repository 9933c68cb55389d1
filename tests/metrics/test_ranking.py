"""ROC and precision-recall curves and their areas, against scikit-learn and by counting pairs."""

import numpy as np
import pytest
from sklearn import metrics as peers

from firstlight import metrics
from firstlight.errors import FirstlightError


@pytest.fixture(params=[None, 1], ids=["distinct", "tied"])
def case(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Truth and scores, the second time rounded so that many are equal."""
    random = np.random.default_rng(0)
    true = random.random(200) < 0.3
    scores = random.normal(size=200) + true
    return true, scores if request.param is None else scores.round(request.param)


def test_the_roc_curve_is_that_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    found = metrics.roc_curve(*case)
    false_rate, true_rate, thresholds = peers.roc_curve(*case, drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive_rate, false_rate)
    np.testing.assert_allclose(found.true_positive_rate, true_rate)
    np.testing.assert_allclose(found.thresholds, thresholds)


def test_the_area_is_the_share_of_pairs_in_order(case: tuple[np.ndarray, np.ndarray]) -> None:
    true, scores = case
    gaps = scores[true][:, None] - scores[~true]
    found = metrics.roc_auc(true, scores)
    assert found.value == pytest.approx((gaps > 0).mean() + (gaps == 0).mean() / 2)
    assert found.value == pytest.approx(peers.roc_auc_score(true, scores))
    assert found.low < found.value < found.high


def test_the_interval_is_delongs() -> None:
    """The variance written out pair by pair, as the paper has it."""
    true = np.array([1, 1, 1, 0, 0, 0, 0])
    scores = np.array([0.9, 0.4, 0.6, 0.5, 0.1, 0.6, 0.3])
    above = np.array([[float(a > b) + 0.5 * (a == b) for b in scores[true == 0]] for a in scores[true == 1]])
    variance = above.mean(axis=1).var(ddof=1) / 3 + above.mean(axis=0).var(ddof=1) / 4
    found = metrics.roc_auc(true, scores)
    assert found.value == pytest.approx(above.mean())
    assert found.low == pytest.approx(above.mean() - 1.959964 * variance**0.5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    true = np.arange(100) < 40
    wanted = 0.7602499  # of two normal distributions one deviation apart: Phi(1 / sqrt(2))
    areas = [metrics.roc_auc(true, random.normal(size=100) + true) for _ in range(1000)]
    assert 0.92 < np.mean([area.low <= wanted <= area.high for area in areas]) < 0.98


def test_precision_and_recall_are_those_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    found = metrics.precision_recall_curve(*case)
    precision, recall, thresholds = peers.precision_recall_curve(*case)
    np.testing.assert_allclose(found.precision[::-1], precision[:-1])
    np.testing.assert_allclose(found.recall[::-1], recall[:-1])
    np.testing.assert_allclose(found.thresholds[::-1], thresholds)
    assert metrics.average_precision(*case) == pytest.approx(peers.average_precision_score(*case))


def test_every_class_against_the_others() -> None:
    random = np.random.default_rng(0)
    true, probabilities = random.integers(0, 3, 90), random.dirichlet(np.ones(3), 90)
    areas = metrics.roc_auc_by_class(true, probabilities)
    mean = np.mean([area.value for area in areas])
    assert mean == pytest.approx(peers.roc_auc_score(true, probabilities, multi_class="ovr"))
    assert str(metrics.roc_auc([0, 1], [0.0, 1.0])) == "1.000 (1.000 to 1.000)"


def test_mistakes_are_told() -> None:
    with pytest.raises(FirstlightError, match="truth of 0 and 1, with rows of both"):
        metrics.roc_curve([1, 1], [0.1, 0.2])
    with pytest.raises(FirstlightError, match="true == label"):
        metrics.roc_auc(["a", "b"], [0.1, 0.2])
    with pytest.raises(FirstlightError, match="NaN in 1 rows"):
        metrics.roc_auc([0, 1], [0.1, np.nan])
    with pytest.raises(FirstlightError, match="give one column"):
        metrics.roc_auc([0, 1], [[0.1, 0.9], [0.5, 0.5]])
    with pytest.raises(FirstlightError, match=r"probabilities \(rows, classes\)"):
        metrics.roc_auc_by_class([0, 1], [0.1, 0.9])

"""Accuracy, top-k, confusion, precision and recall against scikit-learn, and intervals that hold what they promise."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as peers

from firstlight import metrics
from firstlight.errors import FirstlightError


@pytest.fixture
def labels() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    true = random.integers(0, 4, 300)
    return true, np.where(random.random(300) < 0.7, true, random.integers(0, 4, 300))


@pytest.fixture
def probabilities() -> np.ndarray:
    return np.random.default_rng(1).dirichlet(np.ones(4), 300)


def test_the_confusion_matrix_is_that_of_scikit_learn(labels: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(metrics.confusion_matrix(*labels), peers.confusion_matrix(*labels))
    names = np.array(["cat", "dog", "eel", "fox"])
    found = metrics.confusion_matrix(*(names[part] for part in labels), classes=["fox", "cat", "dog", "eel"])
    np.testing.assert_array_equal(found, peers.confusion_matrix(*labels, labels=[3, 0, 1, 2]))
    assert metrics.confusion_matrix([1, 1], [1, 1], classes=[0, 1]).tolist() == [[0, 0], [0, 2]]


def test_precision_and_recall_are_those_of_scikit_learn(labels: tuple[np.ndarray, np.ndarray]) -> None:
    report = metrics.class_report(*labels)
    precision, recall, f1, support = peers.precision_recall_fscore_support(*labels)
    np.testing.assert_allclose([part.precision.value for part in report], precision)
    np.testing.assert_allclose([part.recall.value for part in report], recall)
    np.testing.assert_allclose([part.f1 for part in report], f1)
    assert [part.support for part in report] == support.tolist()
    assert [part.label for part in report] == [0, 1, 2, 3]
    for part in report:
        assert part.precision.low < part.precision.value < part.precision.high
        assert part.recall.cases == part.support


def test_what_no_row_decides_is_nan() -> None:
    never, absent = metrics.class_report([0, 0, 1], [0, 0, 0], classes=[0, 1, 2])[1:]
    assert math.isnan(never.precision.value)
    assert (never.precision.low, never.precision.high) == (0, 1)
    assert never.recall.value == never.f1 == 0
    assert math.isnan(absent.f1)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_top_k_is_that_of_scikit_learn(
    labels: tuple[np.ndarray, np.ndarray], probabilities: np.ndarray, k: int
) -> None:
    found = metrics.top_k_accuracy(labels[0], probabilities, k)
    wanted = peers.top_k_accuracy_score(labels[0], probabilities, k=k, labels=range(4)) if k < 4 else 1.0
    assert found.value == pytest.approx(wanted)
    names = ["a", "b", "c", "d"]
    assert metrics.top_k_accuracy(np.array(names)[labels[0]], probabilities, k, classes=names) == found


def test_of_equal_probabilities_the_earlier_class_comes_first() -> None:
    assert metrics.top_k_accuracy([0, 1, 2], np.full((3, 3), 1 / 3), k=2).value == pytest.approx(2 / 3)


@pytest.mark.parametrize(("successes", "cases"), [(0, 10), (3, 10), (10, 10), (999, 1000)])
def test_the_interval_is_wilsons(successes: int, cases: int) -> None:
    wanted = stats.binomtest(successes, cases).proportion_ci(method="wilson")
    found = metrics.proportion(successes, cases)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert found.value == successes / cases


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    shares = [metrics.proportion(int(random.binomial(60, 0.9)), 60) for _ in range(2000)]
    assert 0.93 < np.mean([share.low <= 0.9 <= share.high for share in shares]) < 0.97


def test_accuracy_prints() -> None:
    assert str(metrics.accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"])) == "0.750 (0.301 to 0.954, n=4)"


def test_mistakes_are_told() -> None:
    with pytest.raises(FirstlightError, match=r"Received shapes \(2,\) and \(3,\)"):
        metrics.accuracy([1, 2], [1, 2, 3])
    with pytest.raises(FirstlightError, match=r"others: \[7\]"):
        metrics.confusion_matrix([1, 7], [1, 1], classes=[1, 2])
    with pytest.raises(FirstlightError, match=r"k from 1 to the 3 classes\. Received 5"):
        metrics.top_k_accuracy([0], [[0.2, 0.3, 0.5]])
    with pytest.raises(FirstlightError, match="a class for each of 3 columns"):
        metrics.top_k_accuracy([0], [[0.2, 0.3, 0.5]], 1, classes=[0])
    with pytest.raises(FirstlightError, match=r"labels \(rows,\) and probabilities"):
        metrics.top_k_accuracy([0], [0.2, 0.3, 0.5])
    with pytest.raises(FirstlightError, match="successes from 0"):
        metrics.proportion(3, 2)

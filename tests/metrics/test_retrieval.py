"""Metrics of rankings, against values by hand, scikit-learn, and what must hold for any ranking."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from firstlight import metrics
from firstlight.errors import FirstlightError


def test_values_by_hand() -> None:
    relevant = metrics.relevance(["a", "b"], ["a", "b", "a", "b"], [[0, 1, 2, 3], [0, 2, 3, 1]])
    assert relevant.tolist() == [[True, False, True, False], [False, False, True, True]]
    found = metrics.mean_average_precision(relevant)
    assert found.each.tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 / 3 + 2 / 4) / 2])
    assert metrics.precision_at_k(relevant, 3).each.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert metrics.recall_at_k(relevant, 1).each.tolist() == [0.5, 0.0]


def test_a_ranking_that_is_cut_counts_what_it_leaves_out() -> None:
    relevant = [[True, False]]
    assert metrics.mean_average_precision(relevant, [4]).value == 0.25
    assert metrics.recall_at_k(relevant, 2, [4]).value == 0.25
    assert metrics.mean_average_precision([[False, False]]).value == 0.0


def test_average_precision_equals_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels, true, scores = random.integers(0, 4, 60), random.integers(0, 4, 9), random.normal(size=(9, 60))
    relevant = metrics.relevance(true, labels, np.argsort(-scores, axis=1))
    expected = [average_precision_score(labels == label, each) for label, each in zip(true, scores, strict=True)]
    assert metrics.mean_average_precision(relevant).each.tolist() == pytest.approx(expected)


def test_the_interval_holds_the_value_and_shrinks_with_more_queries() -> None:
    random = np.random.default_rng(1)
    widths = []
    for queries in (20, 500):
        score = metrics.precision_at_k(random.random((queries, 5)) < 0.4, 5)
        low, high = metrics.bootstrap({"p": score})["p"]
        assert low < score.value < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_recall_of_true_neighbours() -> None:
    assert metrics.neighbour_recall([[3, 1, 9], [5, 6, 7]], [[1, 2, 3], [7, 6, 5]]).each.tolist() == [2 / 3, 1.0]
    assert metrics.neighbour_recall([[]], [[1, 2]]).value == 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.relevance(["a"], ["a", "b"], [[0, 2]]),
        lambda: metrics.relevance(["a", "b"], ["a"], [[0]]),
        lambda: metrics.mean_average_precision([[0.5, 1.0]]),
        lambda: metrics.mean_average_precision(np.zeros((0, 3))),
        lambda: metrics.mean_average_precision([[1, 1]], [1]),
        lambda: metrics.precision_at_k([[1, 0]], 3),
        lambda: metrics.neighbour_recall([[1]], [[]]),
        lambda: metrics.neighbour_recall([[1]], [[1], [2]]),
    ],
)
def test_wrong_input_is_told(call: object) -> None:
    with pytest.raises(FirstlightError, match="Expected"):
        call()  # type: ignore[operator]

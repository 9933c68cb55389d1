"""Precision and recall of facts, counted by hand."""

import pytest

from firstlight import metrics
from firstlight.errors import FirstlightError

TRUE = [
    {("thing", "boat"), ("color", "boat", "red"), ("number", "boat", 2)},
    {("thing", "tree"), ("place", "tree", "left")},
    {("thing", "cat")},
]
CLAIMED = [
    {("thing", "boat"), ("color", "boat", "blue")},
    {("thing", "tree"), ("thing", "boat"), ("size", "tree", "big")},  # the boat is true of another image only
    set(),
]


def test_counts_by_hand():
    found = metrics.fact_scores(CLAIMED, TRUE)
    assert (found["claimed"], found["true"], found["correct"]) == (5, 6, 2)
    assert (found["precision"], found["recall"]) == (2 / 5, 2 / 6)
    kinds = found["kinds"]
    assert list(kinds) == ["color", "number", "place", "size", "thing"]
    assert kinds["thing"] == {"precision": 2 / 3, "recall": 2 / 3, "claimed": 3, "true": 3, "correct": 2}
    assert kinds["color"] == {"precision": 0, "recall": 0, "claimed": 1, "true": 1, "correct": 0}
    assert kinds["size"] == {"precision": 0, "recall": 0, "claimed": 1, "true": 0, "correct": 0}
    assert kinds["number"]["claimed"] == 0
    for count in ("claimed", "true", "correct"):
        assert sum(kind[count] for kind in kinds.values()) == found[count]


def test_the_truth_and_silence():
    truth = metrics.fact_scores(TRUE, TRUE)
    assert (truth["precision"], truth["recall"]) == (1, 1)
    silence = metrics.fact_scores([set(), frozenset(), set()], TRUE)
    assert (silence["precision"], silence["recall"], silence["claimed"]) == (0, 0, 0)
    assert metrics.fact_scores([], []) == {
        "precision": 0, "recall": 0, "claimed": 0, "true": 0, "correct": 0, "kinds": {},
    }  # fmt: skip


def test_bad_input_is_told():
    with pytest.raises(FirstlightError, match="Received 1 and 3 sets"):
        metrics.fact_scores(CLAIMED[:1], TRUE)
    for fact in ("boat", ()):
        with pytest.raises(FirstlightError, match="tuple that starts with its kind"):
            metrics.fact_scores([{fact}], [set()])


def test_scores_have_the_values_of_the_counts_and_resample_exactly():
    precision, recall = metrics.fact_precision(CLAIMED, TRUE), metrics.fact_recall(CLAIMED, TRUE)
    found = metrics.fact_scores(CLAIMED, TRUE)
    assert (precision.value, recall.value) == (found["precision"], found["recall"])
    assert precision.each.tolist() == [1 / 2, 1 / 3, 0], "a share of nothing is 0"
    draws = [[0, 0, 2], [1, 1, 1], [2, 2, 2]]
    for images, one, other in zip(draws, precision.resampled(draws), recall.resampled(draws), strict=True):
        drawn = metrics.fact_scores([CLAIMED[image] for image in images], [TRUE[image] for image in images])
        assert (one, other) == (pytest.approx(drawn["precision"]), pytest.approx(drawn["recall"]))


def test_intervals_hold_the_value_and_shrink_with_more_images():
    scores = [metrics.fact_precision(CLAIMED * times, TRUE * times) for times in (10, 1000)]
    (few_low, few_high), (many_low, many_high) = (metrics.bootstrap({"p": score})["p"] for score in scores)
    assert few_low < many_low < 2 / 5 < many_high < few_high
    with pytest.raises(FirstlightError, match="same images"):
        metrics.fact_precision(CLAIMED, TRUE[:2])

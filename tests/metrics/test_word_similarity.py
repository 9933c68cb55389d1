"""Rank correlation and analogies, against SciPy and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from firstlight.errors import FirstlightError
from firstlight.metrics import solve_analogies, spearman


@pytest.mark.parametrize("digits", [0, 6])
def test_spearman_is_scipys_ties_included(digits: int):
    random = np.random.default_rng(1)
    first = random.normal(size=80).round(digits)
    second = (first + random.normal(size=80)).round(digits)
    found = spearman(first, second)
    assert found.value == pytest.approx(stats.spearmanr(first, second)[0], abs=1e-12)
    assert found.low < found.value < found.high
    assert found.pairs == 80


def test_the_interval_holds_the_truth_as_often_as_it_says():
    random = np.random.default_rng(2)
    true = 6 / math.pi * math.asin(0.5 / 2)  # of a normal pair with correlation 0.5
    inside = 0
    for _ in range(400):
        first = random.normal(size=60)
        second = 0.5 * first + math.sqrt(0.75) * random.normal(size=60)
        found = spearman(first, second)
        inside += found.low <= true <= found.high
    assert 0.92 < inside / 400 < 0.98


def test_nothing_to_correlate_has_no_value():
    assert math.isnan(spearman([], []).value)
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]).value)
    assert spearman([1, 2, 3], [1, 2, 3]).value == 1
    assert spearman([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]).high == -1
    with pytest.raises(FirstlightError, match="one length"):
        spearman([1, 2], [1, 2, 3])


@pytest.mark.parametrize("method", ["add", "multiply"])
def test_analogies_on_a_grid_are_solved(method: str):
    random = np.random.default_rng(0)
    kinds, forms = random.normal(size=(20, 50)), random.normal(size=(3, 50))
    vectors = (kinds[:, None] + forms).reshape(60, 50)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = np.array([[3 * a, 3 * a + 1, 3 * b] for a in range(20) for b in range(20) if a != b])
    answers = solve_analogies(vectors.astype(np.float32), asked, method)  # type: ignore[arg-type]
    assert (answers == asked[:, 2] + 1).mean() > 0.97


def test_a_word_of_the_question_is_never_the_answer():
    vectors = np.eye(4, dtype=np.float32)
    assert solve_analogies(vectors, np.array([[0, 1, 2]])).tolist() == [3]

"""Bootstrap intervals: against a plain loop, and against what they promise."""

import numpy as np
import pytest

from firstlight import metrics
from firstlight.errors import FirstlightError
from firstlight.metrics import intervals

TEXTS = ["a dog runs", "two dogs play in the snow", "a man rides a bike on a road", "a girl in a red dress smiles"]


def a_set(seed: int, images: int = 50) -> dict[str, metrics.Score]:
    random = np.random.default_rng(seed)
    words = " ".join(TEXTS).split()
    references = [[TEXTS[i % 4], TEXTS[(i + 1) % 4]] for i in range(images)]
    candidates = []
    for captions in references:
        tokens = captions[0].split()
        tokens[random.integers(len(tokens))] = random.choice(words)
        candidates.append(" ".join(tokens[: random.integers(2, len(tokens) + 1)]))
    return metrics.score(candidates, references)


def test_intervals_equal_a_plain_loop():
    scores = a_set(0)
    random = np.random.default_rng(3)
    draws = random.integers(50, size=(200, 50))
    found = metrics.bootstrap(scores, level=0.9, samples=200, seed=3)
    for name, score in scores.items():
        values = [float(score.resampled(images)) for images in draws]
        assert found[name] == pytest.approx((np.quantile(values, 0.05), np.quantile(values, 0.95)))
        assert found[name][0] < score.value < found[name][1]


def test_memory_is_bounded_without_changing_the_result(monkeypatch: pytest.MonkeyPatch):
    scores = a_set(0)
    whole = metrics.bootstrap(scores, samples=100)
    monkeypatch.setattr(intervals, "_TOGETHER", 7 * 50)
    assert metrics.bootstrap(scores, samples=100) == whole


def test_a_seed_repeats_and_another_does_not():
    scores = a_set(0)
    assert metrics.bootstrap(scores, seed=1) == metrics.bootstrap(scores, seed=1)
    assert metrics.bootstrap(scores, seed=1) != metrics.bootstrap(scores, seed=2)


def test_intervals_hold_the_true_mean_as_often_as_promised():
    random = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        each = random.exponential(size=80)
        low, high = metrics.bootstrap({"x": metrics.Score("x", each.mean(), each)}, samples=300, seed=trial)["x"]
        held += low < 1 < high
    assert 0.88 < held / 200 < 0.98


def test_a_paired_difference_is_narrower_than_two_intervals():
    random = np.random.default_rng(0)
    hard = random.normal(size=200)
    one = {"x": metrics.Score("x", 0.0, hard + 0.1)}
    other = {"x": metrics.Score("x", 0.0, hard + random.normal(scale=0.1, size=200))}
    low, high = metrics.bootstrap_difference(one, other)["x"]
    assert 0 < low < 0.1 < high < 0.15
    assert metrics.bootstrap_difference(one, one)["x"] == (0, 0)
    wide = metrics.bootstrap(one)["x"]
    assert wide[1] - wide[0] > 5 * (high - low)


def test_bad_input_is_told():
    scores = a_set(0)
    with pytest.raises(FirstlightError, match="over the same images"):
        metrics.bootstrap({"x": scores["cider"], "y": a_set(0, 20)["cider"]})
    with pytest.raises(FirstlightError, match="over the same images"):
        metrics.bootstrap_difference(scores, a_set(0, 20))
    with pytest.raises(FirstlightError, match="Received none"):
        metrics.bootstrap({})
    with pytest.raises(FirstlightError, match="Received cider and rouge_l"):
        metrics.bootstrap_difference({"cider": scores["cider"]}, {"rouge_l": scores["rouge_l"]})
    for options in ({"level": 1.0}, {"level": 0.0}, {"samples": 0}):
        with pytest.raises(FirstlightError, match="level between 0 and 1"):
            metrics.bootstrap(scores, **options)

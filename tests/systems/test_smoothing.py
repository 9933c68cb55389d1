"""Smoothed losses: means of what came before, and of what is around."""

import numpy as np
import pytest

from firstlight.systems.smoothing import running_mean, smoothed


def test_a_running_mean_is_the_weighted_mean_of_what_came_before() -> None:
    values = np.random.default_rng(0).normal(size=40)
    found = running_mean(values, 5.0)
    for step in (0, 1, 17, 39):
        weights = np.exp(-np.arange(step, -1, -1) / 5.0)
        assert found[step] == pytest.approx(np.average(values[: step + 1], weights=weights))
    np.testing.assert_allclose(running_mean([3.0] * 9, 2.0), 3.0)
    np.testing.assert_allclose(running_mean([1.0, 5.0, 2.0], 0), [1.0, 5.0, 2.0])
    assert len(running_mean([], 3.0)) == 0


def test_smoothing_shifts_nothing() -> None:
    steps = np.arange(30.0)
    hill = np.exp(-(((steps - 12) / 3) ** 2))
    found = smoothed(hill, 2.0)
    assert found.argmax() == 12
    assert found.max() < hill.max()
    np.testing.assert_allclose(found[6:19], found[18:5:-1], atol=1e-12)
    np.testing.assert_allclose(smoothed([4.0] * 7, 3.0), 4.0)


@pytest.mark.parametrize(("place", "width"), [(0, 1.0), (7, 2.5), (2, 40.0)])
def test_each_value_is_the_mean_by_a_normal_curve(place: int, width: float) -> None:
    values = np.random.default_rng(1).normal(size=10)
    distance = np.arange(10) - place
    weights = np.where(np.abs(distance) <= np.ceil(3 * width), np.exp(-0.5 * (distance / width) ** 2), 0)
    assert smoothed(values, width)[place] == pytest.approx(np.average(values, weights=weights))


def test_nothing_to_smooth_comes_back_as_a_copy() -> None:
    values = np.array([1.0, 3.0])
    found = smoothed(values, 0)
    found[0] = 7
    assert values.tolist() == [1.0, 3.0]
    assert smoothed([2.0], 5.0).tolist() == [2.0]
    assert smoothed([], 5.0).tolist() == []

"""Ways between pictures: even ones, ones that jump, and middles that are or are not like real pictures."""

import numpy as np
import pytest

from firstlight import metrics
from firstlight.errors import FirstlightError


def test_an_even_way_and_one_that_jumps() -> None:
    even = np.linspace(0, 1, 5)[:, None, None] * np.ones((5, 3, 3))
    assert metrics.largest_step(even) == pytest.approx(1)
    jumping = np.array([0, 0, 0, 1, 1])[:, None, None] * np.ones((5, 3, 3))
    assert metrics.largest_step(jumping) == pytest.approx(4)
    assert metrics.largest_step(np.zeros((3, 2))) == 1
    with pytest.raises(FirstlightError, match="two frames"):
        metrics.largest_step(np.zeros((1, 2)))


def test_real_pictures_on_a_circle() -> None:
    """The middle of a way around is real; that of a straight one, which plain blending takes, lies inside."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    real = np.stack([np.cos(angles), np.sin(angles)], 1)
    ends = np.array([[0, 10], [5, 15]])
    middles = real[[5, 10]]
    blends = real[ends].mean(axis=1)
    around = metrics.realism(middles, blends, real, apart=ends)
    assert around.value == pytest.approx(0, abs=1e-6)
    assert metrics.realism(blends, blends, real, apart=ends).value == pytest.approx(1)
    assert len(around.each) == 2


def test_the_ends_of_a_way_do_not_count() -> None:
    real = np.array([[0.0], [1.0], [5.0]])
    np.testing.assert_allclose(metrics.nearest_distances([[0.4]], real), [0.4])
    np.testing.assert_allclose(metrics.nearest_distances([[0.4]], real, apart=[[0, 1]]), [4.6])
    with pytest.raises(FirstlightError, match="beside the ends"):
        metrics.nearest_distances([[0.4]], real[:2], apart=[[0, 1]])

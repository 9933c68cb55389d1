"""R2, RMSE and MAE beside scikit-learn's, and the values that resampling gives."""

import numpy as np
import pytest
from sklearn import metrics as peer

from firstlight import metrics
from firstlight.errors import FirstlightError


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    true = random.normal(1e6, 3, 200)
    return true, true + random.normal(0.5, 2, 200)


def test_values_are_those_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    assert metrics.r_squared(*case).value == pytest.approx(peer.r2_score(*case))
    assert metrics.root_mean_squared_error(*case).value == pytest.approx(peer.root_mean_squared_error(*case))
    assert metrics.mean_absolute_error(*case).value == pytest.approx(peer.mean_absolute_error(*case))


def test_resampling_is_exact(case: tuple[np.ndarray, np.ndarray]) -> None:
    rows = np.random.default_rng(1).integers(200, size=(5, 200))
    for ours, theirs in (
        (metrics.r_squared, peer.r2_score),
        (metrics.root_mean_squared_error, peer.root_mean_squared_error),
        (metrics.mean_absolute_error, peer.mean_absolute_error),
    ):
        expected = [theirs(case[0][draw], case[1][draw]) for draw in rows]
        np.testing.assert_allclose(ours(*case).resampled(rows), expected, rtol=1e-9)
    found = metrics.bootstrap({"r2": metrics.r_squared(*case), "rmse": metrics.root_mean_squared_error(*case)})
    assert found["r2"][0] < peer.r2_score(*case) < found["r2"][1]
    assert found["rmse"][0] < peer.root_mean_squared_error(*case) < found["rmse"][1]


def test_what_has_no_value_is_nan_and_what_is_wrong_is_told() -> None:
    assert np.isnan(metrics.r_squared([2.0, 2.0], [1.0, 3.0]).value)
    assert np.isnan(metrics.r_squared([2.0, 3.0], [2.0, 3.0]).resampled([[0, 0]])).all()
    with pytest.raises(FirstlightError, match=r"Received shapes \(2,\) and \(1,\)"):
        metrics.r_squared([1, 2], [1])
    with pytest.raises(FirstlightError, match="Received NaN or infinity"):
        metrics.mean_absolute_error([1, np.nan], [1, 2])

"""Errors of pictures by hand and by definition, and principal components beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from firstlight import metrics
from firstlight.errors import FirstlightError


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 0.8, (5, 16, 14, 3))


def test_squared_error_and_decibels(pictures: np.ndarray) -> None:
    other = pictures + np.array([0.1, 0.01, 0, 0.2, -0.1])[:, None, None, None]
    error = metrics.squared_error(pictures, other)
    np.testing.assert_allclose(error.each, [0.01, 0.0001, 0, 0.04, 0.01], atol=1e-12)
    assert error.value == pytest.approx(0.01202)
    np.testing.assert_allclose(metrics.peak_signal_to_noise(pictures, other).each, [20, 40, 100, 13.979, 20], atol=1e-3)


def test_bytes_are_taken_for_what_they_show(pictures: np.ndarray) -> None:
    bytes_ = np.rint(pictures * 255).astype(np.uint8)
    assert metrics.squared_error(bytes_, bytes_ / 255).value == pytest.approx(0, abs=1e-15)
    grey = bytes_[..., 0]
    assert metrics.squared_error(grey, 255 - grey).value > 0.01


def test_structural_similarity_of_what_is_known(pictures: np.ndarray) -> None:
    assert metrics.structural_similarity(pictures, pictures).value == pytest.approx(1)
    inverted = metrics.structural_similarity(pictures, 1 - pictures).value
    assert inverted < -0.5
    flat = np.full((1, 12, 12), 0.5)
    # Of pictures without structure only the brightness counts: (2ab + c) / (a2 + b2 + c), equation 6 of the source.
    expected = (2 * 0.5 * 0.25 + 1e-4) / (0.25 + 0.0625 + 1e-4)
    assert metrics.structural_similarity(flat, flat / 2).value == pytest.approx(expected)
    assert metrics.structural_similarity(flat[:, :4, :3], flat[:, :4, :3]).value == pytest.approx(1)


@pytest.mark.parametrize("shape", [(60, 20), (15, 40)])
def test_principal_components_are_those_of_scikit_learn(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    rows = random.standard_normal(shape) @ np.diag(np.geomspace(5, 0.1, shape[1])) + 3
    found, peer = metrics.principal_components(rows, 6), PCA(6, svd_solver="full").fit(rows)
    np.testing.assert_allclose(found.variances, peer.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(np.abs((found.components * peer.components_).sum(1)), 1, atol=1e-4)
    back = found.inverse_transform(found.transform(rows))
    np.testing.assert_allclose(back, peer.inverse_transform(peer.transform(rows)), atol=1e-3)
    np.testing.assert_array_equal(found.first(2).components, found.components[:2])


def test_no_more_components_than_there_are() -> None:
    rows = np.random.default_rng(0).standard_normal((4, 30))
    found = metrics.principal_components(rows, 10)
    assert len(found.variances) == 3
    np.testing.assert_allclose(found.inverse_transform(found.transform(rows)), rows, atol=1e-5)
    assert len(metrics.principal_components(np.ones((5, 4)), 3).variances) == 0


def test_a_ratio_of_errors_is_one_of_sums() -> None:
    own, other = (metrics.Score("e", float(np.mean(each)), np.array(each)) for each in ([1.0, 3.0], [2.0, 2.0]))
    ratio = metrics.error_ratio(own, other)
    assert ratio.value == 1
    np.testing.assert_allclose(ratio.resampled([[0, 0], [1, 1], [0, 1]]), [0.5, 1.5, 1])
    low, high = metrics.bootstrap({"ratio": ratio})["ratio"]
    assert (low, high) == (0.5, 1.5)


def test_what_does_not_fit_is_told(pictures: np.ndarray) -> None:
    with pytest.raises(FirstlightError, match="pictures of one shape"):
        metrics.squared_error(pictures, pictures[:, :4])
    with pytest.raises(FirstlightError, match="rows"):
        metrics.principal_components(np.ones(5), 2)
    score, shorter = metrics.squared_error(pictures, pictures), metrics.squared_error(pictures[:2], pictures[:2])
    with pytest.raises(FirstlightError, match="same pictures"):
        metrics.error_ratio(score, shorter)

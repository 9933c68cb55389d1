"""The exact solvers on what is hard: ill-conditioned and dependent columns, big tables, many classes."""

import numpy as np
import pytest
from sklearn import linear_model

from firstlight.errors import FirstlightError
from firstlight.systems import LinearRegression, LogisticRegression, linear_blocks, linear_least_squares, linear_newton
from firstlight.systems.linear_blocks import Design, moments, summed
from firstlight.systems.linear_lasso import lowest, shrunk
from firstlight.systems.linear_least_squares import least_squares


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_nearly_dependent_columns_are_solved_by_rotations(random: np.random.Generator) -> None:
    """Sums of products lose all digits at this condition; a factorization of the table does not."""
    x = random.normal(size=(300, 4))
    x[:, 3] = x[:, 0] + 1e-9 * random.normal(size=300)
    wanted = np.array([1.0, -2.0, 3.0, 4.0])
    model = LinearRegression().fit(x, x @ wanted)
    np.testing.assert_allclose(model.coef_, wanted, rtol=1e-5)
    peer = linear_model.LinearRegression().fit(x, x @ wanted)
    assert np.abs(model.coef_ - wanted).max() <= 2 * np.abs(peer.coef_ - wanted).max() + 1e-6


@pytest.mark.parametrize("rows", [40, 5])
def test_dependent_columns_get_the_shortest_coefficients(random: np.random.Generator, rows: int) -> None:
    x = random.normal(size=(rows, 6)) * np.geomspace(1, 100, 6)
    x[:, 5] = x[:, 0] - 2 * x[:, 1]
    y = random.normal(size=rows)
    model = LinearRegression(standardize=False).fit(x, y)
    np.testing.assert_allclose(model.coef_, linear_model.LinearRegression().fit(x, y).coef_, atol=1e-9)
    with pytest.raises(FirstlightError, match="columns that do not depend on each other"):
        model.summary()


@pytest.mark.parametrize("rows", [40, 5])
def test_ridge_where_products_are_not_safe(random: np.random.Generator, rows: int) -> None:
    x = random.normal(size=(rows, 6))
    x[:, 5] = x[:, 0]
    y = random.normal(size=rows)
    model = LinearRegression(standardize=False, alpha=1e-9 / rows).fit(x, y)
    peer = linear_model.Ridge(alpha=1e-9, solver="svd").fit(x, y)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-6)


def test_constant_columns_get_nothing(random: np.random.Generator) -> None:
    x = random.normal(size=(50, 3))
    x[:, 1] = 7.1
    y = random.normal(size=50)
    for model in (LinearRegression(), LinearRegression(alpha=0.1, l1_ratio=0.5), LogisticRegression()):
        target = y if isinstance(model, LinearRegression) else y > 0
        assert model.fit(x, target).coef_.ravel()[1] == pytest.approx(0, abs=1e-12)


def test_moments_do_not_cancel(random: np.random.Generator) -> None:
    x = random.normal(size=(5000, 3)) * [1, 1e-3, 5] + [1e8, 1, 0]
    weights = random.uniform(size=5000)
    mean, scale = moments(x, weights / weights.sum())
    wanted = np.average(x, axis=0, weights=weights)
    np.testing.assert_allclose(mean, wanted, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(scale, np.sqrt(np.average((x - wanted) ** 2, axis=0, weights=weights)), rtol=1e-8)


def test_threads_add_up_the_same_every_time(random: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x = random.normal(size=(20_000, 5))

    def work(rows: slice) -> tuple[np.ndarray, ...]:
        return (x[rows].T @ x[rows], x[rows].sum(axis=0))

    alone = summed(len(x), 5, work)
    monkeypatch.setattr(linear_blocks, "_WORTH_THREADS", 1)
    monkeypatch.setattr(linear_blocks, "_CELLS", 1000)
    first, second = summed(len(x), 5, work), summed(len(x), 5, work)
    for one, other, plain in zip(first, second, alone, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, plain, atol=1e-8)


def test_there_may_be_fewer_rows_than_cores(random: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_blocks.os, "cpu_count", lambda: 16)
    monkeypatch.setattr(linear_blocks, "_WORTH_THREADS", 1)
    x = random.normal(size=(4, 50))
    (found,) = summed(4, 50, lambda rows: (x[rows].sum(axis=0),))
    np.testing.assert_allclose(found, x.sum(axis=0))
    mean, scale = moments(x, None)
    np.testing.assert_allclose([mean, scale], [x.mean(axis=0), x.std(axis=0)])


def test_blocks_and_order_of_memory_change_nothing(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = random.normal(size=(1000, 4)), random.integers(0, 3, 1000)
    whole = LogisticRegression().fit(x, y).coef_
    monkeypatch.setattr(linear_blocks, "_CELLS", 300)
    np.testing.assert_allclose(LogisticRegression().fit(np.asfortranarray(x), y).coef_, whole, rtol=1e-10)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_big_table_begins_with_a_sample(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    x = random.normal(size=(4000, 5))
    y = (x @ random.normal(size=(5, classes)) + random.gumbel(size=(4000, classes))).argmax(axis=1)
    plain = LogisticRegression(alpha=1e-3).fit(x, y)
    monkeypatch.setattr(linear_newton, "_SAMPLE", 500)
    sampled = LogisticRegression(alpha=1e-3).fit(x, y)
    assert sampled.n_iter_ < plain.n_iter_
    np.testing.assert_allclose(sampled.coef_, plain.coef_, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("classes", [2, 4])
def test_conjugate_gradients_find_what_the_matrix_finds(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    x, y = random.normal(size=(500, 6)), random.integers(0, classes, 500)
    direct = LogisticRegression(alpha=1e-3).fit(x, y)
    monkeypatch.setattr(linear_newton, "_DIRECT", 1)
    by_products = LogisticRegression(alpha=1e-3).fit(x, y)
    np.testing.assert_allclose(by_products.coef_, direct.coef_, rtol=1e-5, atol=1e-8)
    monkeypatch.setattr(linear_newton, "_MOST", 1)
    with pytest.raises(FirstlightError, match="at most 1 weights for an L1 penalty"):
        LogisticRegression(l1_ratio=1).fit(x, y)


def test_the_lowest_point_against_small_steps(random: np.random.Generator) -> None:
    """Coordinate descent with Newton's steps, and thousands of proximal steps of a hundredth."""
    table = random.normal(size=(40, 12))
    hessian, linear = table.T @ table / 40, 2 * random.normal(size=12)
    thresholds = np.where(np.arange(12) < 3, 0.0, 1.0)
    found = lowest(hessian, linear, thresholds, np.zeros(12))
    slow = np.zeros(12)
    rate = 1 / np.linalg.norm(hessian, 2)
    for _ in range(20_000):
        slow = shrunk(slow - rate * (hessian @ slow - linear), rate * thresholds)
    np.testing.assert_allclose(found, slow, atol=1e-8)
    assert ((found == 0) == (slow == 0)).all()
    assert 0 < (found == 0).sum() < 9


def test_l1_with_more_columns_than_rows(random: np.random.Generator) -> None:
    x, y = random.normal(size=(30, 80)), random.normal(size=30)
    model = LinearRegression(alpha=0.05, l1_ratio=1.0, standardize=False).fit(x, y)
    peer = linear_model.Lasso(alpha=0.05, tol=1e-14, max_iter=1_000_000).fit(x, y)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-8)


@pytest.mark.parametrize("safe", [0.0, 1.0])
def test_the_factor_is_that_of_the_products_and_the_penalty(
    random: np.random.Generator, monkeypatch: pytest.MonkeyPatch, safe: float
) -> None:
    """R'R = Z'SZ + diag(l2), by Cholesky and by rotations."""
    monkeypatch.setattr(linear_least_squares, "_SAFE", safe)
    x, y = random.normal(size=(100, 3)), random.normal(size=100)
    design, l2 = Design(x, *moments(x, None)), np.array([0.5, 0.0, 2.0])
    found = least_squares(design, y, np.zeros(3), l2, False)
    z = design.block(slice(None))
    assert found.factor is not None
    np.testing.assert_allclose(found.factor.T @ found.factor, z.T @ z / 100 + np.diag(l2), atol=1e-12)


def test_both_ways_of_least_squares_agree(random: np.random.Generator) -> None:
    x, y = random.normal(size=(100, 4)), random.normal(size=100)
    design = Design(x, *moments(x, None))
    zeros = np.zeros(4)
    by_products = least_squares(design, y, zeros, zeros, True)
    wide = Design(np.hstack([x, x[:, :1]]), *moments(np.hstack([x, x[:, :1]]), None))
    by_rotations = least_squares(wide, y, np.zeros(5), np.zeros(5), False)
    assert by_products.factor is not None
    assert by_rotations.factor is None, "of five columns, four tell everything"
    np.testing.assert_allclose(
        design.block(slice(None)) @ by_products.weights, wide.block(slice(None)) @ by_rotations.weights
    )

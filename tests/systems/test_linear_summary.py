"""Standard errors, tests and intervals against the formulas of the textbook, written out with full matrices."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from firstlight.errors import FirstlightError
from firstlight.systems import LinearRegression, LogisticRegression


def column(table: Any, name: str) -> np.ndarray:
    return np.array([row[name] for row in table])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_regression(weighted: bool, intercept: bool) -> None:
    x, y = load_diabetes(return_X_y=True)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else np.ones(len(y))
    model = LinearRegression(fit_intercept=intercept).fit(x, y, weights if weighted else None)
    table = model.summary()

    full = np.column_stack([x, np.ones(len(y))]) if intercept else x
    covariance = np.linalg.inv(full.T @ (weights[:, None] * full))
    found = covariance @ full.T @ (weights * y)
    squares = weights @ (y - full @ found) ** 2
    degrees = len(y) - full.shape[1]
    errors = np.sqrt(np.diagonal(covariance) * squares / degrees)
    reach = stats.t.ppf(0.975, degrees) * errors
    np.testing.assert_allclose(column(table, "coefficient"), found, rtol=1e-9)
    np.testing.assert_allclose(column(table, "standard_error"), errors, rtol=1e-9)
    np.testing.assert_allclose(column(table, "t"), found / errors, rtol=1e-9)
    np.testing.assert_allclose(column(table, "p_value"), 2 * stats.t.sf(np.abs(found / errors), degrees), rtol=1e-8)
    np.testing.assert_allclose(column(table, "low"), found - reach, rtol=1e-8)
    np.testing.assert_allclose(column(table, "high"), found + reach, rtol=1e-8)

    middle = np.average(y, weights=weights) if intercept else 0
    total = weights @ (y - middle) ** 2
    slopes = x.shape[1]
    density = stats.norm.logpdf(y, full @ found, np.sqrt(squares / len(y) / weights)).sum()
    assert table.facts["r_squared"] == pytest.approx(1 - squares / total)
    assert table.facts["f"] == pytest.approx((total - squares) / slopes / (squares / degrees))
    assert table.facts["log_likelihood"] == pytest.approx(density)
    assert table.facts["aic"] == pytest.approx(2 * full.shape[1] - 2 * density)
    assert table.facts["degrees_of_freedom"] == degrees


def test_two_classes() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :5]
    model = LogisticRegression(alpha=0).fit(x, y)
    table = model.summary()
    full = np.column_stack([x, np.ones(len(y))])
    chance = model.predict_proba(x)[:, 1]
    size = np.abs(full).max(axis=0)
    scaled = full / size
    covariance = np.linalg.inv(scaled.T @ ((chance * (1 - chance))[:, None] * scaled)) / np.outer(size, size)
    errors = np.sqrt(np.diagonal(covariance))
    found = np.append(model.coef_, model.intercept_)
    np.testing.assert_allclose(scaled.T @ (chance - y), 0, atol=1e-6)
    np.testing.assert_allclose(column(table, "standard_error"), errors, rtol=1e-6)
    np.testing.assert_allclose(column(table, "z"), found / errors, rtol=1e-6)
    np.testing.assert_allclose(column(table, "p_value"), 2 * stats.norm.sf(np.abs(found / errors)), rtol=1e-5)
    np.testing.assert_allclose(column(table, "high"), found + stats.norm.ppf(0.975) * errors, rtol=1e-6)
    likelihood = np.log(np.where(y == 1, chance, 1 - chance)).sum()
    alone = np.log(np.where(y == 1, y.mean(), 1 - y.mean())).sum()
    assert table.facts["log_likelihood"] == pytest.approx(likelihood)
    assert table.facts["mcfadden_r_squared"] == pytest.approx(1 - likelihood / alone)
    assert table.facts["likelihood_ratio"] == pytest.approx(2 * (likelihood - alone))
    assert table.facts["likelihood_ratio_p_value"] == pytest.approx(stats.chi2.sf(2 * (likelihood - alone), 5))
    assert table.facts["bic"] == pytest.approx(np.log(len(y)) * 6 - 2 * likelihood)


def test_several_classes_against_a_reference() -> None:
    x, y = load_wine(return_X_y=True)
    x = x[:, [2, 4, 8]]
    model = LogisticRegression(alpha=0).fit(x, y)
    table = model.summary(reference=0)
    assert [row["class"] for row in table] == ["1"] * 4 + ["2"] * 4
    full = np.column_stack([x, np.ones(len(y))])
    chance = model.predict_proba(x)[:, 1:]
    blocks = [
        [full.T @ ((chance[:, k] * ((k == j) - chance[:, j]))[:, None] * full) for j in range(2)] for k in range(2)
    ]
    errors = np.sqrt(np.diagonal(np.linalg.inv(np.block(blocks))))
    np.testing.assert_allclose(column(table, "standard_error"), errors, rtol=1e-6)
    both = np.column_stack([model.coef_, model.intercept_])
    np.testing.assert_allclose(column(table, "coefficient"), (both[1:] - both[0]).ravel(), rtol=1e-9)

    plain = model.summary()
    assert len(plain) == 12
    np.testing.assert_allclose(column(plain, "coefficient").reshape(3, 4).sum(axis=0), 0, atol=1e-9)
    with pytest.raises(FirstlightError, match="one of the classes"):
        model.summary(reference="barolo")


def test_the_table_prints_and_is_a_list() -> None:
    x, y = load_diabetes(return_X_y=True)
    table = LinearRegression().fit(x, y).summary()
    lines = str(table).splitlines()
    assert lines[0].split() == ["term", "coefficient", "standard", "error", "t", "p", "value", "low", "high"]
    assert lines[1].startswith("x0 ")
    assert "<1e-4" in lines[3]
    assert lines[-1].startswith("bic: ")
    assert isinstance(table, list)
    assert set(table[0]) == {"term", "coefficient", "standard_error", "t", "p_value", "low", "high"}


@pytest.mark.parametrize(
    "model", [LinearRegression(alpha=0.1), LinearRegression(solver="sgd", epochs=2), LogisticRegression()]
)
def test_a_penalty_or_sgd_leaves_no_standard_errors(model: Any) -> None:
    model.fit(np.random.default_rng(0).normal(size=(20, 2)), [0, 1] * 10)
    with pytest.raises(FirstlightError, match="alpha=0 and solver='exact'"):
        model.summary()
    with pytest.raises(FirstlightError, match="more rows than coefficients"):
        LinearRegression().fit(np.eye(3), [1.0, 2.0, 3.0]).summary()

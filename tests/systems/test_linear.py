"""Linear and logistic regression as their users meet them: scikit-learn's protocol, its numbers, and what is saved."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from firstlight import engine
from firstlight.errors import FirstlightError
from firstlight.systems import LinearRegression, LogisticRegression
from firstlight.systems.linear_model import LinearModel

CLASSES: dict[str, Callable[..., Any]] = {"cancer": load_breast_cancer, "digits": load_digits, "wine": load_wine}


def distance(found: Any, wanted: Any) -> float:
    """The largest difference, relative to the largest number."""
    return float(np.abs(np.subtract(found, wanted)).max() / np.abs(wanted).max())


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The peers' matrix products crawl on a machine with other work, when their threads wait for each other."""
    with threadpool_limits(1):
        yield


def scaled(x: np.ndarray) -> np.ndarray:
    return StandardScaler().fit_transform(x)


@parametrize_with_checks(
    [
        LinearRegression(),
        LinearRegression(alpha=0.01, l1_ratio=0.5),
        LinearRegression(solver="sgd", epochs=100),
        LogisticRegression(),
        LogisticRegression(alpha=0.01, l1_ratio=0.5),
        LogisticRegression(solver="sgd", epochs=100),
    ]
)
def test_every_check_of_scikit_learn_passes(estimator: LinearModel, check: Callable[[Any], None]) -> None:
    check(estimator)


# -- the numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "peer"),
    [
        ({}, linear_model.LinearRegression()),
        ({"alpha": 0.01}, linear_model.Ridge(alpha=0.01 * 442, tol=1e-12)),
        ({"alpha": 0.1, "l1_ratio": 1.0}, linear_model.Lasso(alpha=0.1, tol=1e-14, max_iter=100_000)),
        ({"alpha": 0.01, "l1_ratio": 0.4}, linear_model.ElasticNet(alpha=0.01, l1_ratio=0.4, tol=1e-14)),
        ({"fit_intercept": False}, linear_model.LinearRegression(fit_intercept=False)),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_regression_equals_scikit_learn(settings: dict[str, Any], peer: Any, weighted: bool) -> None:
    x, y = load_diabetes(return_X_y=True)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    if weighted and isinstance(peer, linear_model.Ridge):
        peer = linear_model.Ridge(alpha=0.01 * weights.sum(), tol=1e-12)
    ours = LinearRegression(standardize=False, **settings).fit(x, y, weights)
    peer.fit(x, y, weights)
    assert distance(ours.coef_, peer.coef_) < 1e-8
    assert ours.intercept_ == pytest.approx(peer.intercept_, rel=1e-8)
    assert (ours.coef_ == 0).tolist() == (peer.coef_ == 0).tolist()


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_classes_equal_scikit_learn(name: str, weighted: bool) -> None:
    x, y = CLASSES[name](return_X_y=True)
    x = scaled(x)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    total = weights.sum() if weighted else len(y)
    ours = LogisticRegression(alpha=1e-3, standardize=False).fit(x, y, weights)
    peer = linear_model.LogisticRegression(C=1 / (1e-3 * total), solver="newton-cholesky", tol=1e-10)
    peer.fit(x, y, weights)
    assert distance(ours.coef_, peer.coef_) < 1e-5
    assert distance(ours.intercept_, peer.intercept_) < 1e-5
    np.testing.assert_allclose(ours.predict_proba(x), peer.predict_proba(x), atol=1e-6)
    np.testing.assert_allclose(ours.predict_log_proba(x), peer.predict_log_proba(x), rtol=1e-4, atol=1e-6)
    assert (ours.predict(x) == peer.predict(x)).all()
    assert ours.decision_function(x).shape == peer.decision_function(x).shape


def test_l1_of_classes_equals_scikit_learn() -> None:
    x, y = load_wine(return_X_y=True)
    x = scaled(x)
    ours = LogisticRegression(alpha=0.01, l1_ratio=1).fit(x, y)
    peer = linear_model.LogisticRegression(
        C=1 / (0.01 * len(y)), l1_ratio=1, solver="saga", tol=1e-10, max_iter=20_000, random_state=0
    ).fit(x, y)
    assert distance(ours.coef_, peer.coef_) < 1e-5
    assert (ours.coef_ == 0).sum() == (peer.coef_ == 0).sum() > 10


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", ["cancer", "wine"])
def test_the_optimum_meets_its_conditions(name: str, l1_ratio: float) -> None:
    """Independent of any solver: the gradient of the loss is what the penalty pulls with."""
    x, y = CLASSES[name](return_X_y=True)
    x = scaled(x)
    model = LogisticRegression(alpha=0.02, l1_ratio=l1_ratio).fit(x, y)
    chance = model.predict_proba(x)
    gradient = (chance - np.eye(chance.shape[1])[y]).T @ x / len(y)
    gradient = gradient[1:] if name == "cancer" else gradient
    pull = -gradient - 0.02 * (1 - l1_ratio) * model.coef_
    inside = model.coef_ == 0
    np.testing.assert_allclose(pull[~inside], 0.02 * l1_ratio * np.sign(model.coef_[~inside]), atol=1e-7)
    assert (np.abs(pull[inside]) <= 0.02 * l1_ratio + 1e-7).all()


@pytest.mark.parametrize("name", ["diabetes", *CLASSES])
def test_sgd_comes_to_the_exact_solution(name: str) -> None:
    x, y = (load_diabetes if name == "diabetes" else CLASSES[name])(return_X_y=True)
    alpha = 0.0 if name == "diabetes" else 0.01
    kind = LinearRegression if name == "diabetes" else LogisticRegression
    model = kind(solver="sgd", alpha=alpha, batch_size=2048, epochs=1000).fit(x, y)
    if name == "diabetes":
        peer: Any = linear_model.LinearRegression()
    else:
        peer = linear_model.LogisticRegression(C=1 / (alpha * len(y)), solver="newton-cholesky", tol=1e-10)
    pipeline = make_pipeline(StandardScaler(), peer).fit(x, y)
    wanted = peer.coef_ / pipeline[0].scale_
    assert distance(model.coef_ * pipeline[0].scale_, wanted * pipeline[0].scale_) < 1e-3
    assert model.score(x, y) == pytest.approx(pipeline.score(x, y), abs=1e-3)


def test_coefficients_are_told_in_the_units_of_the_columns() -> None:
    x, y = load_diabetes(return_X_y=True)
    units = np.geomspace(1e-3, 1e3, x.shape[1])
    for settings in ({"alpha": 0.1}, {"alpha": 0.1, "l1_ratio": 1.0}, {"solver": "sgd", "epochs": 50}):
        plain = LinearRegression(**settings).fit(x, y)
        other = LinearRegression(**settings).fit(x * units + 5, y)
        np.testing.assert_allclose(other.coef_ * units, plain.coef_, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(other.predict(x * units + 5), plain.predict(x), rtol=1e-8)


def test_float32_columns_are_computed_in_float64() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    single = x.astype(np.float32)
    one, other = LogisticRegression().fit(single, y), LogisticRegression().fit(single.astype(np.float64), y)
    assert one.coef_.dtype == np.float64
    np.testing.assert_array_equal(one.coef_, other.coef_)


# -- weights -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["exact", "sgd"])
@pytest.mark.parametrize("name", ["cancer", "wine"])
def test_class_weights_are_weights_of_rows(name: str, solver: str) -> None:
    x, y = CLASSES[name](return_X_y=True)
    settings = {"solver": solver, "batch_size": 1000, "epochs": 20, "alpha": 0.01}
    counts = np.bincount(y)
    balanced = LogisticRegression(class_weight="balanced", **settings).fit(x, y)
    by_rows = LogisticRegression(**settings).fit(x, y, 1 / counts[y])
    by_dict = LogisticRegression(class_weight=dict(enumerate(1 / counts)), **settings).fit(x, y)
    assert distance(balanced.coef_, by_rows.coef_) < 1e-6
    assert distance(by_dict.coef_, by_rows.coef_) < 1e-6


def test_classes_may_be_texts() -> None:
    x, y = load_wine(return_X_y=True)
    names = np.array(["barolo", "grignolino", "barbera"])
    model = LogisticRegression(class_weight={"barolo": 2.0}).fit(x, names[y])
    assert model.classes_.tolist() == ["barbera", "barolo", "grignolino"]
    assert model.score(x, names[y]) > 0.98


# -- tables and mistakes -----------------------------------------------------------------------------------------


def test_a_data_frame_keeps_its_names() -> None:
    x, y = load_diabetes(return_X_y=True)
    table = pyarrow.table({f"measure {number}": column for number, column in enumerate(x.T)})
    model = LinearRegression().fit(table, y)
    assert model.feature_names_in_.tolist() == table.column_names
    assert [row["term"] for row in model.summary()] == [*table.column_names, "intercept"]
    np.testing.assert_array_equal(model.predict(table), LinearRegression().fit(x, y).predict(x))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table.select(table.column_names[::-1]))


def test_text_and_missing_cells_are_told_by_column() -> None:
    table = pyarrow.table(
        {"age": [1.0, None, 3.0, 4.0], "city": ["Rome", "7", "Paris", "Rome"], "size": [1.0, 2.0, np.inf, 4.0]}
    )
    y = [0, 1, 0, 1]
    with pytest.raises(FirstlightError, match=r"text in column 'city' \(3 of 4 rows, such as 'Rome'\).*OneHotEncoder"):
        LogisticRegression().fit(table, y)
    with pytest.raises(FirstlightError, match=r"NaN\) in column 'age' \(1 of 4 rows\); infinite.*'size' \(1 of 4"):
        LogisticRegression().fit(table.select(["age", "size"]), y)
    with pytest.raises(FirstlightError, match=r"text in column 1 \(2 of 2 rows"):
        LinearRegression().fit([[1, "a"], [2, "b"]], [1.0, 2.0])
    model = LinearRegression().fit(np.eye(3), [1.0, 2.0, 3.0])
    with pytest.raises(FirstlightError, match=r"NaN\) in column 0 \(1 of 1 rows\)"):
        model.predict([[np.nan, 1, 1]])


@pytest.mark.parametrize("kind", [LinearRegression, LogisticRegression])
def test_missing_targets_are_counted(kind: type[LinearModel]) -> None:
    with pytest.raises(FirstlightError, match="missing in 2 rows"):
        kind().fit(np.eye(4), [None, 1, 0, None])
    with pytest.raises(FirstlightError, match="missing in 1 rows"):
        kind().fit(np.eye(4), [np.nan, 1, 0, 1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "exakt"}, "Expected solver to be 'exact' or 'sgd'. Received 'exakt'. Did you mean 'exact'"),
        ({"alpha": -1}, "alpha to be 0 or more. Received -1"),
        ({"l1_ratio": 2}, "l1_ratio to be from 0 to 1"),
        ({"epochs": 0}, "epochs to be 1 or more"),
        ({"solver": "sgd", "optimizer": "sdg"}, "optimizer to be a name.*'sdg'"),
        ({"class_weight": {5: 1.0}}, r"classes among \[0, 1\]"),
        ({"class_weight": {0: 0.0}}, "class weights above 0"),
        ({"alpha": "a"}, "alpha to be 0 or more. Received 'a'"),
        ({"alpha": np.inf}, "alpha to be 0 or more. Received inf"),
        ({"tol": None}, "tol to be 0 or more. Received None"),
        ({"momentum": 1}, "momentum to be from 0 to below 1. Received 1"),
        ({"learning_rate": 0}, "learning_rate to be above 0. Received 0"),
        ({"learning_rate": -0.01}, "learning_rate to be above 0. Received -0.01"),
        ({"batch_size": 2.5}, "batch_size to be 1 or more, a whole number. Received 2.5"),
        ({"max_iter": "many"}, "max_iter to be 1 or more, a whole number. Received 'many'"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        LogisticRegression(**settings).fit(np.eye(4), [0, 1, 0, 1])


def test_weights_that_cannot_be_are_told() -> None:
    with pytest.raises(FirstlightError, match="weight on every class"):
        LogisticRegression().fit(np.eye(4), [0, 1, 0, 1], [1, 0, 1, 0])
    with pytest.raises(FirstlightError, match="1 negative"):
        LinearRegression().fit(np.eye(4), [0, 1, 0, 1], [1, -1, 1, 0])
    with pytest.raises(FirstlightError, match="infinite weights with learning_rate"):
        LinearRegression(solver="sgd", learning_rate=1e9).fit(np.eye(4), [0, 1, 0, 1])


def test_separated_classes_without_a_penalty_are_told() -> None:
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    with pytest.warns(ConvergenceWarning, match="separate the classes"):
        model = LogisticRegression(alpha=0).fit(x, [0, 0, 1, 1])
    assert model.score(x, [0, 0, 1, 1]) == 1
    with pytest.raises(FirstlightError, match="classes that the columns do not separate"):
        model.summary()


# -- among scikit-learn's tools ----------------------------------------------------------------------------------


def test_pipelines_searches_and_validation() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__alpha": [1e-3, 10.0]}, cv=3
    ).fit(x, y)
    assert search.best_params_ == {"logisticregression__alpha": 1e-3}
    assert search.best_score_ > 0.97
    assert cross_val_score(LinearRegression(alpha=0.01), *load_diabetes(return_X_y=True), cv=3).mean() > 0.45


def test_a_learning_curve_comes_as_arrays() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    curve = LogisticRegression(alpha=0.01).learning_curve(x, y, sizes=[0.1, 1.0], folds=4, seed=1)
    assert curve.sizes.tolist() == [42, 426]
    assert curve.train.shape == curve.test.shape == (2, 4)
    assert curve.test[1].mean() > curve.test[0].mean()
    weights = np.where(np.arange(len(y)) % 2, 1.0, 1e-9)
    y = np.where(np.arange(len(y)) % 2, y, 1 - y)  # the rows that hardly count have the other label
    weighted = LogisticRegression(alpha=0.01).learning_curve(x, y, sizes=[1.0], folds=4, seed=1, sample_weight=weights)
    assert weighted.train[0].mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("solver", ["exact", "sgd"])
def test_a_path_is_every_fit_of_its_own(solver: str) -> None:
    x, y = load_diabetes(return_X_y=True)
    settings = {"solver": solver, "l1_ratio": 1.0, "batch_size": 500, "epochs": 400}
    path = LinearRegression(**settings).regularization_path(x, y, [0.5, 5.0, 30.0])
    assert path.alphas.tolist() == [30.0, 5.0, 0.5]
    for alpha, coefficients, intercept in zip(path.alphas, path.coefficients, path.intercepts, strict=True):
        alone = LinearRegression(**{**settings, "alpha": alpha}).fit(x, y)
        assert distance(coefficients, alone.coef_) < (1e-9 if solver == "exact" else 1e-2)
        assert intercept == pytest.approx(alone.intercept_)


@pytest.mark.parametrize("name", ["cancer", "wine"])
def test_a_path_begins_where_nothing_is_left(name: str) -> None:
    x, y = CLASSES[name](return_X_y=True)
    path = LogisticRegression(l1_ratio=1.0).regularization_path(x, y)
    used = np.count_nonzero(path.coefficients.reshape(50, -1), axis=1)
    assert used[0] == 0 < used[1] < used[-1]
    one = LogisticRegression(l1_ratio=1.0, alpha=path.alphas[20]).fit(x, y)
    assert distance(path.coefficients[20].reshape(one.coef_.shape), one.coef_) < 1e-5
    for wrong in ([-1.0], 0.1, [], [[0.1]], [np.nan]):
        with pytest.raises(FirstlightError, match="list of alphas of 0 or more"):
            LogisticRegression().regularization_path(x, y, wrong)


# -- saved -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("name", ["diabetes", "cancer", "wine"])
def test_the_engine_opens_the_network_with_equal_predictions(name: str, standardize: bool, tmp_path: Path) -> None:
    x, y = (load_diabetes if name == "diabetes" else CLASSES[name])(return_X_y=True)
    kind = LinearRegression if name == "diabetes" else LogisticRegression
    model = kind(alpha=0.01, standardize=standardize).fit(x, y)
    network = model.to_keras()
    network.save(tmp_path / "model.keras")
    wanted = model.predict(x) if name == "diabetes" else model.predict_proba(x)
    wanted = wanted[:, 1] if name == "cancer" else wanted
    found = engine.load(tmp_path / "model.keras").predict(x, verbose=0).squeeze()
    assert distance(found, wanted) < 1e-5
    assert distance(network.predict(x, verbose=0).squeeze(), wanted) < 1e-5


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        LogisticRegression(alpha=0, class_weight={0: 2.0, 1: 1.0, 2: 1.0}),
        LogisticRegression(solver="sgd", optimizer="adam", learning_rate=0.1, epochs=3),
    ],
    ids=["squares", "classes", "sgd"],
)
def test_a_record_holds_the_whole_model(model: LinearModel) -> None:
    x, y = load_wine(return_X_y=True)
    table = pyarrow.table({"ash": x[:, 2], "magnesium": x[:, 4], "proanthocyanins": x[:, 8]})
    model = model.fit(table, y)
    again = type(model).from_record(json.loads(json.dumps(model.to_record())))
    np.testing.assert_array_equal(again.predict(table), model.predict(table))
    assert again.get_params() == model.get_params()
    assert again.history_ == model.history_
    if not model.alpha:
        assert str(again.summary()) == str(model.summary())
    with pytest.raises(FirstlightError, match="Expected the record of a"):
        (LinearRegression if isinstance(model, LogisticRegression) else LogisticRegression).from_record(
            model.to_record()
        )

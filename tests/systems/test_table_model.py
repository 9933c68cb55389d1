"""Models of tables: equal to pipelines of scikit-learn, at home in a folder, and plain about what they cannot use."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.linear_model as peer
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from firstlight import data, systems
from firstlight.data.bundled import BUNDLED
from firstlight.errors import FirstlightError
from firstlight.systems import ESTIMATORS, TableClassifier, TableRegressor
from firstlight.systems.system import read_description
from firstlight.systems.table_curves import TableCurves
from firstlight.systems.table_folder import coefficient_rows
from tests.systems.tables import Cells, flowers, patients, write_csv, write_parquet

ROOT = Path(__file__).resolve().parent.parent.parent


def encoded(columns: Cells, numbers: list[str], texts: list[str], drop: str | None) -> tuple[Any, np.ndarray]:
    """scikit-learn's own encoder, and the columns as an array of objects."""
    table = np.array([columns[name] for name in [*numbers, *texts]], dtype=object).T
    places = list(range(len(numbers))), list(range(len(numbers), len(numbers) + len(texts)))
    steps = [("numbers", "passthrough", places[0]), ("texts", OneHotEncoder(drop=drop, sparse_output=False), places[1])]
    return ColumnTransformer(steps), table


@pytest.mark.parametrize(("baseline", "drop"), [(True, "first"), (False, None)])
def test_classes_are_those_of_a_pipeline_of_scikit_learn(baseline: bool, drop: str | None) -> None:
    columns = flowers()
    model = TableClassifier(alpha=1e-2, target="species", baseline=baseline)
    model.fit(columns, hold_out=0)
    encoder, table = encoded(columns, ["sepal length", "sepal width"], ["size"], drop)
    theirs = peer.LogisticRegression(C=1 / (1e-2 * len(table)), tol=1e-10, solver="newton-cg", max_iter=1000)
    pipeline = make_pipeline(encoder, StandardScaler(), theirs).fit(table, columns["species"])
    found = model.predict(columns)
    assert found.classes == list(pipeline.classes_)
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, pipeline.predict_proba(table), atol=1e-6)
    assert found.values.tolist() == pipeline.predict(table).tolist()
    ours = {(row["class"], row["term"]): row["standardized"] for row in coefficient_rows(model)}
    names = [term.name for term in model.columns.terms]
    assert names == [
        "sepal length",
        "sepal width",
        *(f"size={level}" for level in ["large", "medium", "small"][baseline:]),
    ]
    for label, row in zip(found.classes, theirs.coef_, strict=True):
        np.testing.assert_allclose([ours[label, name] for name in names], row, atol=1e-5)


def test_numbers_and_their_tests_are_those_of_scikit_learn_and_of_the_estimator() -> None:
    columns = patients()
    model = TableRegressor(target="progression")
    model.fit(columns, hold_out=0)
    encoder, table = encoded(columns, ["age", "bmi", "pressure"], ["sex", "clinic"], "first")
    pipeline = make_pipeline(encoder, peer.LinearRegression()).fit(table, columns["progression"])
    np.testing.assert_allclose(model.predict(columns).values, pipeline.predict(table), rtol=1e-9)
    rows = {row["term"]: row for row in coefficient_rows(model)}
    assert list(rows)[-1] == "intercept"
    theirs = dict(
        zip(["age", "bmi", "pressure", "sex=woman", "clinic=south", "clinic=west"], pipeline[-1].coef_, strict=True)
    )
    assert set(rows) == {*theirs, "intercept"}
    for name, value in theirs.items():
        assert rows[name]["coefficient"] == pytest.approx(value)
        assert rows[name]["low"] < value < rows[name]["high"]
    assert rows["bmi"]["p_value"] < 1e-10 < rows["clinic=west"]["p_value"]
    assert [row["term"] for row in model.summary()] == [term.name for term in model.columns.terms] + ["intercept"]
    weights = (columns["sex"], np.std([sex == "woman" for sex in columns["sex"]]))
    assert rows["sex=woman"]["standardized"] == pytest.approx(theirs["sex=woman"] * weights[1])


def test_missing_cells_are_filled_as_by_an_imputer_or_their_rows_left_out() -> None:
    columns = patients()
    for row in (3, 40, 41):
        columns["bmi"][row] = None
    columns["clinic"][7] = None
    filled = TableRegressor(target="progression", features=["bmi", "age"], missing="mean")
    filled.fit(columns, hold_out=0)
    table = np.array([columns["bmi"], columns["age"]], dtype=np.float64).T
    theirs = make_pipeline(SimpleImputer(), peer.LinearRegression()).fit(table, columns["progression"])
    np.testing.assert_allclose(filled.predict(columns).values, theirs.predict(table), rtol=1e-9)
    assert "3 missing cells" in " ".join(filled.description["notes"])
    dropped = TableRegressor(target="progression", missing="drop")
    dropped.fit(columns, hold_out=0)
    counts = {"table": 442, "train": 438, "held_out": 0, "without_target": 0, "dropped": 4, "filled_cells": 0}
    assert dropped.description["rows"] == counts
    found = dropped.predict(columns)
    assert [str(problem) for problem in found.problems] == [
        "table:4: bmi has no value",
        "table:8: clinic has no value",
        "table:41: bmi has no value",
        "table:42: bmi has no value",
    ]
    assert len(found.rows) == len(found.values) == 438
    with pytest.raises(FirstlightError, match=r"bmi \(3 rows: line 4, 41, 42\), clinic \(1 row: line 8\)"):
        TableRegressor(target="progression").fit(columns)


def test_a_weight_of_two_counts_as_the_row_twice() -> None:
    columns = patients(60)
    twice = {name: [*values, *values[:30]] for name, values in columns.items()}
    weighted = TableRegressor(target="progression", sample_weight="weight", alpha=0.1)
    weighted.fit({**columns, "weight": [2.0] * 30 + [1.0] * 30}, hold_out=0)
    repeated = TableRegressor(target="progression", alpha=0.1)
    repeated.fit(twice, hold_out=0)
    assert "weight" not in [term.name for term in weighted.columns.terms]
    np.testing.assert_allclose(weighted.predict(columns).values, repeated.predict(columns).values, rtol=1e-9)
    with pytest.raises(FirstlightError, match=r"weight of 0 or more in 'weight'.*lines 1\)"):
        TableRegressor(target="progression", sample_weight="weight").fit({**columns, "weight": [-1.0] + [1.0] * 59})


def test_held_out_rows_are_the_same_again_and_of_every_class_alike(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "flowers.csv", flowers())
    model = TableClassifier(target="species", seed=3)
    model.fit(table, hold_out=0.2)
    held = model.held_out_of(table)
    assert held is not None
    assert np.bincount(held["species"].codes).tolist() == [10, 10, 10]  # type: ignore[union-attr]
    assert held.lines == model.held_out_of(table).lines  # type: ignore[union-attr]
    learned = model.learned_from(table)
    assert sorted([*held.lines, *learned.lines]) == list(range(2, 152))
    other = TableClassifier(target="species", seed=4)
    other.fit(table, hold_out=0.2)
    assert other.held_out_of(table).lines != held.lines  # type: ignore[union-attr]
    report = model.evaluate(held)
    assert report["rows"] == 30
    low, high = report["intervals"]["accuracy"]
    assert 0.4 < low < report["accuracy"] < high <= 1
    assert np.sum(report["confusion"]) == 30
    assert json.loads(json.dumps(report)) == report


@pytest.mark.slow
def test_a_run_folder_opens_again_in_keras_and_in_the_engine(tmp_path: Path) -> None:
    import keras

    from firstlight import engine

    for model, columns, target in (
        (TableRegressor(target="progression"), patients(), "progression"),
        (TableClassifier(target="species", class_weight={"setosa": 2.0}), flowers(), "species"),
    ):
        folder = tmp_path / target
        table = write_parquet(tmp_path / f"{target}.parquet", columns)
        model.fit(table, folder=folder, data={"source": str(table)})
        loaded: Any = systems.load(folder)
        assert type(loaded) is type(model)
        assert loaded.settings == model.settings
        assert repr(loaded) == repr(model)
        expected = model.predict(table)
        assert loaded.predict(table).values.tolist() == expected.values.tolist()
        assert loaded.evaluate(table) == model.evaluate(table)
        x = loaded.columns.encode(data.load(table, task="table")).x.astype(np.float32)
        wanted = expected.values[:, None] if expected.probabilities is None else expected.probabilities
        told = keras.models.load_model(folder / "network.keras").predict(x, verbose=0)
        np.testing.assert_allclose(told, wanted, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(engine.load(folder / "network.keras")(x).numpy(), wanted, rtol=1e-4, atol=1e-5)
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["README.md", "coefficients.csv", "model.json", "network.keras", "system.json"]
        assert b"\x80\x04" not in (folder / "model.json").read_bytes()
        record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        assert record["names"] == [term["name"] for term in read_description(folder)["terms"]]
        assert "firstlight predict" in (folder / "README.md").read_text(encoding="utf-8")
        assert {"scikit-learn", "firstlight", "keras"} <= set(read_description(folder)["versions"])


def test_a_run_of_other_settings_or_of_another_model_is_refused(tmp_path: Path) -> None:
    model = TableRegressor(target="progression", alpha=0.5)
    model.fit(patients())
    model._write_description(tmp_path)
    assert model.begun_in(tmp_path, {"hold_out": 0.2})["settings"]["alpha"] == 0.5
    with pytest.raises(FirstlightError, match=r"alpha \(0\.5 there, 1\.0 here\)"):
        TableRegressor(target="progression", alpha=1.0).begun_in(tmp_path, {"hold_out": 0.2})
    with pytest.raises(FirstlightError, match=r"hold_out \(0\.2 there, 0\.3 here\)"):
        model.begun_in(tmp_path, {"hold_out": 0.3})
    with pytest.raises(FirstlightError, match="which holds a TableRegressor"):
        TableClassifier(target="progression").begun_in(tmp_path, {})
    with pytest.raises(FirstlightError, match=r"Received .*without it"):
        systems.load(tmp_path)


def test_what_new_tables_may_hold() -> None:
    model = TableRegressor(target="progression")
    model.fit(patients(), hold_out=0)
    new = patients(6)
    expected = model.predict(new).values
    del new["progression"]
    turned = {name: new[name] for name in reversed(new)}
    np.testing.assert_array_equal(model.predict({"more": ["x"] * 6, **turned}).values, expected)
    new["clinic"][1] = "east"
    new["age"] = [str(age) for age in new["age"]]
    new["age"][2] = new["age"][3] = "old"  # so many texts that the column is read as one of texts
    new["age"][4] = None
    new["bmi"][4] = None
    found = model.predict(new)
    assert found.rows.tolist() == [0, 5]
    np.testing.assert_allclose(found.values, expected[[0, 5]])
    assert [str(problem) for problem in found.problems] == [
        "table:2: clinic: 'east' was not there in training",
        "table:3: age: 'old' is no number",
        "table:4: age: 'old' is no number",
        "table:5: age has no value; bmi has no value",
    ]
    nothing = model.predict({name: values[1:2] for name, values in new.items()})
    assert len(nothing.rows) == len(nothing.values) == 0
    del new["bmi"]
    with pytest.raises(FirstlightError, match=r"without 'bmi'; it has 'bmj'.*Did you mean 'bmj'"):
        model.predict({"bmj": [1.0], **{name: values[:1] for name, values in new.items()}})


def test_levels_that_look_like_numbers_are_found_again() -> None:
    columns: Cells = {"code": ["1", "2", "x", "1", "2", "x"] * 5, "y": [1.0, 2.0, 3.0, 1.1, 2.1, 3.1] * 5}
    model = TableRegressor(target="y")
    model.fit(columns, hold_out=0)
    assert [term.name for term in model.columns.terms] == ["code=2", "code=x"]
    found = model.predict({"code": [1, 2.0, 3]})
    np.testing.assert_allclose(found.values, [1.05, 2.05])
    assert [str(problem) for problem in found.problems] == ["table:3: code: '3' was not there in training"]


def test_labels_that_training_had_not_are_told_and_left_out() -> None:
    columns = flowers()
    model = TableClassifier(target="species")
    model.fit(columns)
    other = {name: values[:4] + values[-4:] for name, values in columns.items()}
    other["species"][1], other["species"][2] = "rose", None
    report = model.evaluate(other)
    assert report["rows"] == 6
    assert report["passed_over"] == [
        "table:2: species: training had no class 'rose'",
        "table:3: species has no value",
    ]
    one = model.evaluate({name: values[:5] for name, values in columns.items()})
    assert "roc_auc" not in one, "rows of a single class have no curve"
    assert one["classes"]["virginica"]["recall"] is None
    with pytest.raises(FirstlightError, match=r"rows that can be judged.*no class 'rose'"):
        model.evaluate({name: values[1:3] for name, values in other.items()})
    with pytest.raises(FirstlightError, match=r"no column 'species'"):
        model.evaluate({name: values for name, values in columns.items() if name != "species"})


def test_classes_may_be_numbers() -> None:
    table = data.bundled.load_bundled("digits")
    rows = [row for row in range(600) if table["digit"][row] in ("1", "7")]
    columns = {name: table[name][rows].tolist() for name in ("pixel_2_2", "pixel_3_4")}
    columns["digit"] = [int(str(table["digit"][row])) for row in rows]
    model = TableClassifier(target="digit", class_weight="balanced")
    model.fit(columns)
    assert model.classes == ["1", "7"]
    report = model.evaluate(columns)
    assert report["accuracy"] > 0.7
    low, high = report["intervals"]["roc_auc"]
    assert 0.6 < low < report["roc_auc"] < high < 1


REFUSED = {
    "a text target for a regression": (TableRegressor, {"target": "sex"}, r"Received texts: 'man', 'woman'.*logistic"),
    "numbers as classes": (TableClassifier, {"target": "progression"}, r"different numbers.*linear-regression"),
    "an unknown target": (TableRegressor, {"target": "progresion"}, r"Did you mean 'progression'"),
    "an unknown feature": (TableRegressor, {"target": "progression", "features": ["bni"]}, r"Did you mean 'bmi'"),
    "an unknown column to ignore": (TableRegressor, {"target": "progression", "ignore": ["agee"]}, r"mean 'age'"),
    "the target as a feature": (TableRegressor, {"target": "bmi", "features": ["bmi"]}, r"target 'bmi' among"),
    "an unknown setting": (TableRegressor, {"target": "bmi", "alhpa": 1}, r"Received 'alhpa'. Did you mean 'alpha'"),
    "a setting out of bounds": (TableRegressor, {"target": "bmi", "alpha": -1}, r"alpha to be 0 or more"),
    "a way with missing cells": (TableRegressor, {"target": "bmi", "missing": "guess"}, r"missing to be 'refuse'"),
    "weights that are texts": (TableRegressor, {"target": "bmi", "sample_weight": "clinic"}, r"weights 'clinic'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learned_is_refused(case: str) -> None:
    kind, settings, message = REFUSED[case]
    with pytest.raises(FirstlightError, match=message):
        kind(**settings).fit(patients())


def test_tables_that_cannot_be_learned_from_are_refused(tmp_path: Path) -> None:
    columns = flowers()
    with pytest.raises(FirstlightError, match=r"two classes or more.*Received 'setosa' in all 40 rows"):
        TableClassifier(target="species").fit({name: values[:40] for name, values in columns.items()})
    with pytest.raises(FirstlightError, match=r"2 rows or more to learn from\. Received 1"):
        TableRegressor(target="bmi").fit(patients(1))
    named = {**patients(), "name": [f"patient {row}" for row in range(442)]}
    with pytest.raises(FirstlightError, match=r"'name' with 354 different texts in 354 rows.*--ignore 'name'"):
        TableRegressor(target="bmi").fit(named)
    with pytest.raises(FirstlightError, match=r"beside the target 'bmi'. Received same \(one value in all rows\)"):
        TableRegressor(target="bmi").fit({"same": [1] * 20, "bmi": list(range(20))})
    with pytest.raises(FirstlightError, match="hold_out from 0 to below 1"):
        TableRegressor(target="bmi").fit(patients(), hold_out=1)
    with pytest.raises(FirstlightError, match="Expected a table: a path"):
        TableRegressor(target="bmi").fit(7)
    with pytest.raises(FirstlightError, match="columns of one length"):
        TableRegressor(target="y").fit({"x": [1], "y": [1, 2]})
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(FirstlightError, match="at least two columns and one row"):
        TableRegressor().fit(empty)
    twice = tmp_path / "twice.csv"
    twice.write_text("a,a,y\n1,2,3\n4,5,6\n")
    with pytest.raises(FirstlightError, match="'a' 2 times"):
        TableRegressor().fit(twice)
    with pytest.raises(FirstlightError, match="Expected a fitted TableRegressor"):
        TableRegressor().predict(patients())


def test_a_model_learns_from_one_table_after_another() -> None:
    model = TableRegressor()
    columns = patients(60)
    model.fit(columns, hold_out=0)
    model.fit({"a": [1.0, 2.0, 4.0], "cost": [2.0, 4.0, 8.0]}, hold_out=0)
    assert (model.target, model.settings["target"], model.description["target"]) == (None, None, "cost")
    with pytest.raises(FirstlightError, match="Received texts"):
        model.fit({"a": [1.0, 2.0], "name": ["x", "y"]})
    assert model.description["target"] == "cost", "a table that is refused changes nothing"
    np.testing.assert_allclose(model.predict({"a": [3.0]}).values, [6.0])


def test_what_is_not_fitted_knows_no_classes() -> None:
    with pytest.raises(FirstlightError, match="Expected a fitted TableClassifier"):
        _ = TableClassifier().classes
    with pytest.raises(FirstlightError, match=r"texts or optimizers of Keras\. Received <object"):
        TableRegressor(target="progression", optimizer=object()).fit(patients(20))


def test_constant_columns_are_left_out_and_told() -> None:
    columns: Cells = {**patients(), "same": [1.0] * 442, "empty": [None] * 442}
    model = TableRegressor(target="progression")
    model.fit(columns)
    assert model.description["left_out"] == {"same": "one value in all rows", "empty": "no value in any row"}
    assert "Column 'same' is left out: one value in all rows." in model.description["notes"]
    assert {"same", "empty"}.isdisjoint(column.name for column in model.columns.columns)
    assert len(model.predict(patients(5)).rows) == 5, "what was left out is not asked for again"


def test_a_separation_is_told() -> None:
    columns = {name: values[:100] for name, values in flowers().items()}
    columns["length"] = [float(label == "setosa") + 0.01 * row for row, label in enumerate(columns["species"])]
    model = TableClassifier(target="species", alpha=0.0)
    model.fit({"length": columns["length"], "species": columns["species"]}, hold_out=0)
    assert any("separate the classes" in note for note in model.description["notes"])


class Shown:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def task(self, name: str, total: int) -> Any:
        return lambda done: self.told.append((done, total))

    def message(self, text: str) -> None:
        pass


@pytest.mark.slow
def test_descent_shows_its_steps_and_comes_near() -> None:
    shown = Shown()
    model = TableRegressor(target="progression", solver="sgd", batch_size=64, epochs=150)
    history = model.fit(patients(), hold_out=0, progress=shown)
    assert shown.told[-1] == (150 * 7, 150 * 7)
    assert len(history.rows) == 150
    exact = TableRegressor(target="progression")
    exact.fit(patients(), hold_out=0)
    mine, theirs = (found.predict(patients()).values for found in (model, exact))
    assert np.abs(mine - theirs).max() < 0.05 * np.std(theirs)


def test_curves_are_those_of_the_training_rows() -> None:
    model = TableRegressor(target="progression")
    model.fit(patients())
    curves = TableCurves(model, patients())
    path, errors = curves.path(), curves.errors()
    assert path is not None
    assert errors is not None
    assert (path.kind, path.rows) == ("L1", 354)
    np.testing.assert_allclose(path.coefficients[0], 0, atol=1e-9)
    ours = {row["term"]: row["standardized"] for row in coefficient_rows(model)}
    np.testing.assert_allclose(path.coefficients[-1], [ours[name] for name in path.names], atol=0.1)
    assert errors.train.shape == errors.validation.shape == (len(errors.sizes), 5)
    assert errors.train[0].mean() < errors.train[-1].mean() < errors.validation[-1].mean() < errors.validation[0].mean()
    small = TableClassifier(target="species")
    few = {name: values[45:53] for name, values in flowers().items()}
    small.fit(few, hold_out=0)
    assert TableCurves(small, few).errors() is not None
    lonely = {name: values[45:51] for name, values in flowers().items()}
    small.fit(lonely, hold_out=0)
    assert TableCurves(small, lonely).errors() is None, "a class of one row cannot be in two folds"


@pytest.mark.parametrize("name", BUNDLED)
def test_tables_that_come_along(name: str) -> None:
    table = data.bundled.load_bundled(name)
    rows = {"diabetes": 442, "breast_cancer": 569, "wine": 178, "iris": 150, "digits": 1797}
    assert table.target == BUNDLED[name]
    assert len(table) == len(table[table.target]) == rows[name]
    with pytest.raises(FirstlightError, match=f"Did you mean {name!r}"):
        data.bundled.load_bundled(name[:-1])


def test_the_labels_of_a_bundled_table_are_right() -> None:
    from sklearn import datasets

    for name in ("breast_cancer", "digits", "wine"):
        table, found = data.bundled.load_bundled(name), getattr(datasets, f"load_{name}")()
        assert table[table.target].texts == [str(found.target_names[number]) for number in found.target]


def test_a_table_without_a_target_may_have_one_column(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "one.csv", {"bmi": [20.5, 30.5]})
    frame = data.frames.load_table(path, "")
    assert (frame.target, frame.features, frame.lines, frame.problems) == ("", ["bmi"], [2, 3], [])
    assert frame.take([1]).lines == [3]
    with pytest.raises(FirstlightError, match="at least two columns"):
        data.frames.load_table(path)


def test_every_setting_is_told_in_the_document_with_its_defaults() -> None:
    text = (ROOT / "docs" / "linear.md").read_text(encoding="utf-8")
    told = {
        name: (one, other) for name, one, other in re.findall(r"^\| `(\w+)` \| ([^|]*?) \| ([^|]*?) \|", text, re.M)
    }
    wanted: dict[str, list[str]] = {}
    for place, kind in enumerate((TableRegressor, TableClassifier)):
        for name, value in kind().settings.items():
            wanted.setdefault(name, ["", ""])[place] = "none" if value is None else str(value)
    for name, defaults in wanted.items():
        assert [cell.replace("`", "").replace("–", "") for cell in told[name]] == defaults, name
    assert set(told) == set(wanted)
    assert {place.partition(":")[2] for place in ESTIMATORS.values()} <= set(re.findall(r"\w+", text))
    assert "hold_out" in inspect.signature(TableRegressor.fit).parameters

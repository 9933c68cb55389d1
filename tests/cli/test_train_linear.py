"""`firstlight train linear-regression` and the like, `predict` and `evaluate`: from a table to answers and a report."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight import systems
from firstlight.cli.train_table import _class_weight, _names
from firstlight.data.bundled import load_bundled
from firstlight.errors import FirstlightError
from tests.systems.tables import flowers, patients, write_csv, write_parquet


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def price(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A table with semicolons and the run that the command makes of it."""
    from click.testing import CliRunner

    from firstlight.cli import main

    root = tmp_path_factory.mktemp("price")
    columns = patients()
    columns["clinic"][-1] = "lonely <b>"
    table = write_csv(root / "patients.csv", columns, ";")
    arguments = ["--data", table, "--target", "progression", "--out", root / "run"]
    result = CliRunner().invoke(main, ["train", "linear-regression", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    assert "R²" in result.stdout
    assert "sex=woman" in result.stdout
    return table, root / "run"


@pytest.mark.slow
def test_a_run_holds_all_of_a_trained_model(price: tuple[Path, Path]) -> None:
    table, run = price
    names = {path.name for path in run.iterdir()}
    assert {"system.json", "model.json", "network.keras", "coefficients.csv", "README.md", "report.html"} <= names
    assert {"predicted_against_true.png", "residuals.png", "regularization_path.png", "learning_curve.png"} <= names
    description = json.loads((run / "system.json").read_text())
    assert description["data"]["source"] == str(table)
    assert description["settings"]["alpha"] == 0.0
    assert description["training"] == {"hold_out": 0.2}
    assert [column["kind"] for column in description["columns"]] == [
        *("number", "category", "number", "number", "category")
    ]
    kept = json.loads((run / "metrics.json").read_text())
    assert set(kept) == {"patients/held-out", "patients/train", "judged"}
    low, high = kept["patients/held-out"]["intervals"]["r_squared"]
    assert 0 < low < kept["patients/held-out"]["r_squared"] < high < 1
    coefficients = rows_of((run / "coefficients.csv").read_text())
    assert coefficients[0]["term"] == "bmi"
    assert float(coefficients[0]["p_value"]) < 1e-9
    page = (run / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "Predicted against true" in page


@pytest.mark.slow
def test_the_same_command_again_says_so_and_other_settings_are_refused(
    price: tuple[Path, Path], firstlight: Any
) -> None:
    table, run = price
    before = (run / "model.json").stat().st_mtime_ns
    command = ["train", "linear-regression", "--data", table, "--target", "progression", "--out", run]
    again = firstlight(*command)
    assert again.exit_code == 0, again.output
    assert "was trained with these settings" in again.stdout
    assert "Root mean squared error" in again.stdout
    assert (run / "model.json").stat().st_mtime_ns == before
    other = firstlight(*command, "--alpha", 0.1)
    assert other.exit_code == 2
    assert "alpha (0.0 there, 0.1 here)" in other.stderr
    held = firstlight(*command, "--hold-out", 0.3)
    assert "hold_out (0.2 there, 0.3 here)" in held.stderr
    kind = firstlight("train", "logistic-regression", "--data", table, "--target", "sex", "--out", run)
    assert kind.exit_code == 2
    assert "which holds a TableRegressor" in kind.stderr


@pytest.mark.slow
def test_predict_and_evaluate(price: tuple[Path, Path], firstlight: Any, tmp_path: Path) -> None:
    table, run = price
    model: Any = systems.load(run)
    expected = model.predict(table)
    columns = patients(6)
    del columns["progression"]
    whole = firstlight("predict", run, write_csv(tmp_path / "new.csv", columns))
    assert whole.exit_code == 0, whole.output
    assert [row["row"] for row in rows_of(whole.stdout)] == list("123456")
    np.testing.assert_allclose([float(row["prediction"]) for row in rows_of(whole.stdout)], expected.values[:6])

    lines = (tmp_path / "new.csv").read_text().splitlines()
    torn = tmp_path / "torn.csv"
    torn.write_text("\n".join([*lines[:3], "1,2", *lines[3:]]) + "\n")
    for form, read in (("csv", rows_of), ("json", json.loads)):
        told = firstlight("predict", run, torn, "--to", form)
        assert told.exit_code == 1, "a row was passed over"
        assert "torn.csv:4: 2 cells instead of" in told.stderr
        assert [str(row["row"]) for row in read(told.stdout)] == list("124567")

    columns["clinic"][1], columns["bmi"][4] = "east", ""
    columns["prediction"] = [f"mine {row}" for row in range(6)]
    some = firstlight("predict", run, write_csv(tmp_path / "new.csv", columns), "--keep")
    assert some.exit_code == 1
    assert "new.csv:3: clinic: 'east' was not there in training" in some.stderr
    assert "new.csv:6: bmi has no value" in some.stderr
    found = rows_of(some.stdout)
    assert [row["row"] for row in found] == list("1346")
    assert found[1]["prediction"] == "mine 2", "a column that was there keeps its name"
    assert float(found[1]["prediction_"]) == pytest.approx(expected.values[2])
    assert (found[1]["sex"], found[1]["age"]) == (columns["sex"][2], f"{columns['age'][2]:.0f}")

    out = tmp_path / "answers.json"
    told = firstlight("predict", run, tmp_path / "new.csv", "--to", "json", "--keep", "--out", out)
    assert (told.exit_code, told.stdout) == (1, "")
    assert json.loads(out.read_text())[1]["columns"]["bmi"] == columns["bmi"][2]
    none = firstlight("predict", run, write_csv(tmp_path / "none.csv", {name: [c[1]] for name, c in columns.items()}))
    assert (none.exit_code, none.stdout) == (2, "")
    lacking = firstlight("predict", run, write_csv(tmp_path / "lacking.csv", {"age": [1], "bmi": [2]}))
    assert lacking.exit_code == 2
    assert "without 'sex', 'pressure', 'clinic'" in lacking.stderr

    kept = json.loads((run / "metrics.json").read_text())["patients/held-out"]
    own = firstlight("evaluate", run, "--json")
    assert own.exit_code == 0, own.output
    assert json.loads(own.stdout) == kept
    more = patients(60)
    more["clinic"][3] = "east"
    judged = firstlight(
        "evaluate", run, "--data", write_parquet(tmp_path / "more.parquet", more), "--out", tmp_path / "o"
    )
    assert judged.exit_code == 0, judged.output
    assert "59 rows of another table" in " ".join(judged.stdout.split())
    assert "'east' was not there in training" in judged.stderr
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"metrics.json", "report-more.html"}
    assert "1 row was not judged" in (tmp_path / "o" / "report-more.html").read_text()
    assert "too good" in firstlight("evaluate", run, table, "--json", "--out", tmp_path / "o").stdout
    assert "has no splits" in firstlight("evaluate", run, "--split", "test").stderr
    assert "--beam is for captioners" in firstlight("evaluate", run, "--beam", "2").stderr
    assert "not both" in firstlight("evaluate", run, table, "--data", table).stderr
    wrong = firstlight("evaluate", run, write_csv(tmp_path / "wrong.csv", {"age": [1], "progresion": [2]}))
    assert wrong.exit_code == 2
    assert "Did you mean 'progression'" not in wrong.stderr
    assert "no column 'progression'" in wrong.stderr
    assert "Did you mean 'progresion'" in wrong.stderr


@pytest.mark.slow
def test_a_table_that_has_changed_is_told(firstlight: Any, tmp_path: Path) -> None:
    columns = patients(100)
    columns["rate [/h]"] = columns.pop("bmi")
    table, run = write_csv(tmp_path / "table.csv", columns), tmp_path / "run"
    command = ["train", "linear-regression", "--data", table, "--target", "progression", "--out", run, "--no-curves"]
    trained = firstlight(*command)
    assert trained.exit_code == 0, trained.output
    assert "rate [/h]" in trained.stdout, "a name is no mark-up"
    assert not (run / "learning_curve.png").exists()
    write_csv(table, patients(99))
    assert "has changed since" in firstlight("evaluate", run).stderr
    assert "checksum (sha256:" in firstlight(*command).stderr
    assert firstlight(*command, "--restart", "--alpha", -1).exit_code == 2
    assert "has changed since" in firstlight("evaluate", run).stderr, "the run is still there"
    anew = firstlight(*command, "--restart")
    assert anew.exit_code == 0, anew.output
    assert json.loads((run / "system.json").read_text())["rows"]["table"] == 99


@pytest.mark.slow
def test_classes_from_a_parquet_file_and_a_table_to_judge_on(firstlight: Any, tmp_path: Path) -> None:
    columns = flowers()
    order = np.random.default_rng(0).permutation(150)
    parts = [
        {name: [values[row] for row in rows] for name, values in columns.items()} for rows in (order[:110], order[110:])
    ]
    parts[1]["species"][0] = "rose"
    learn, test = write_parquet(tmp_path / "learn.parquet", parts[0]), write_csv(tmp_path / "test.csv", parts[1])
    run = tmp_path / "run"
    result = firstlight(
        *("train", "logistic-regression", "--data", learn, "--test", test, "--target", "species", "--out", run),
        *("--features", "sepal length,size", "--class-weight", "setosa=2", "--no-baseline", "--seed", 5),
    )
    assert result.exit_code == 0, result.output
    assert "training had no class 'rose'" in result.stderr
    description = json.loads((run / "system.json").read_text())
    assert description["settings"]["class_weight"] == {"setosa": 2.0}
    assert [term["name"] for term in description["terms"]] == [
        *("sepal length", "size=large", "size=medium", "size=small")
    ]
    report = json.loads((run / "metrics.json").read_text())["test/all"]
    assert report["rows"] == 39
    assert {"roc.png", "calibration.png", "confusion.png"} <= {path.name for path in run.iterdir()}
    told = firstlight("predict", run, test)
    shares = [
        sum(float(row[f"probability_{name}"]) for name in set(columns["species"])) for row in rows_of(told.stdout)
    ]
    np.testing.assert_allclose(shares, 1, atol=1e-5)
    records = json.loads(firstlight("predict", run, test, "--to", "json").stdout)
    assert all(
        record["prediction"] == max(record["probabilities"], key=record["probabilities"].get) for record in records
    )
    assert json.loads(firstlight("evaluate", run, "--json").stdout)["rows"] == 39
    assert (
        firstlight(
            "train", "logistic-regression", "--data", learn, "--test", test, "--hold-out", 0.1, "--out", run
        ).exit_code
        == 2
    )


@pytest.mark.slow
def test_a_table_by_name_with_descent(firstlight: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["train", "linear-regression", "--data", "diabetes", "--out", run, "--solver", "sgd", "--epochs", 5]
    result = firstlight(*command, "--no-curves", "--hold-out", 0)
    assert result.exit_code == 0, result.output
    assert "steps of SGD  10/10" in result.stderr
    assert "so that the figures are too good" in " ".join(result.stdout.split())
    assert "--solver exact" in (run / "report.html").read_text()


BAD = {
    "a,b\n": "at least two columns and one row",
    "": "at least two columns and one row",
    "a,a,y\n1,2,3\n": "'a' 2 times",
    "a,y\n1,2\n": "2 rows or more",
    "a,y\n1,2\n,3\n4,5\n": "a (1 row: line 3)",
    "a,y\n1,\n2,3\n4,5\n": "y (1 row: line 2)",
    "a,y\n1,u\n2,v\n4,u\n": "Received texts: 'u', 'v'",
}


@pytest.mark.parametrize("content", BAD)
def test_bad_tables_are_told_in_a_line_and_leave_nothing_behind(content: str, firstlight: Any, tmp_path: Path) -> None:
    table, run = tmp_path / "table.csv", tmp_path / "run"
    table.write_text(content)
    result = firstlight("train", "linear-regression", "--data", table, "--out", run)
    assert result.exit_code == 2
    assert BAD[content] in result.stderr
    assert not run.exists()


def test_a_target_or_a_file_that_is_not_there(firstlight: Any, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "table.csv", patients(20))
    result = firstlight(
        "train", "linear-regression", "--data", table, "--target", "progresion", "--out", tmp_path / "run"
    )
    assert (result.exit_code, "Did you mean 'progression'?" in result.stderr) == (2, True)
    result = firstlight("train", "linear-regression", "--data", "diabetis", "--out", tmp_path / "run")
    assert (result.exit_code, "Did you mean 'diabetes'?" in result.stderr) == (2, True)
    one = write_csv(tmp_path / "one.csv", {"x": [1, 2, 3], "kind": ["a", "a", "a"]})
    result = firstlight("train", "logistic-regression", "--data", one, "--out", tmp_path / "run")
    assert (result.exit_code, "two classes or more" in result.stderr) == (2, True)


def test_every_setting_is_an_option_with_its_help(firstlight: Any) -> None:
    for noun, kind in (
        ("linear-regression", systems.LinearRegression),
        ("logistic-regression", systems.LogisticRegression),
    ):
        text = " ".join(firstlight("train", noun, "--help").output.split())
        for name in kind().get_params():
            assert f"--{name.replace('_', '-')}" in text
        assert "Rows of a step. [default: 256]" in text
        assert ("--class-weight" in text) is (noun == "logistic-regression")


def test_class_weights_and_names_as_they_are_typed() -> None:
    assert _class_weight("balanced") == "balanced"
    assert _class_weight("a=b=2, c=0.5") == {"a=b": 2.0, "c": 0.5}
    assert _class_weight(None) is None
    with pytest.raises(FirstlightError, match="class weights such as"):
        _class_weight("a=x")
    frame = load_bundled("iris")
    assert _names(("sepal length (cm),petal width (cm)", "species"), frame) == [
        *("sepal length (cm)", "petal width (cm)", "species")
    ]
    assert _names((), frame) is None

"""The run folder of a model of a table: whole or not there, taken up by its own run alone."""

from pathlib import Path

import keras
import numpy as np
import pytest

from firstlight import systems
from firstlight.errors import FirstlightError
from firstlight.systems import TableClassifier, TableRegressor
from firstlight.systems.system import read_description
from tests.systems.tables import flowers, patients


@pytest.mark.slow
def test_an_optimizer_and_numbers_of_numpy_are_settings_that_a_folder_keeps(tmp_path: Path) -> None:
    settings = {"batch_size": np.int64(64), "alpha": np.float32(0.5), "features": ("bmi", "age")}
    model = TableRegressor(
        target="progression", solver="sgd", optimizer=keras.optimizers.Adam(0.05), epochs=2, **settings
    )
    model.fit(patients(100), folder=tmp_path)
    written = read_description(tmp_path)["settings"]
    assert (written["batch_size"], written["alpha"], written["features"]) == (64, 0.5, ["bmi", "age"])
    assert written["optimizer"]["class_name"] == "Adam"
    loaded = systems.load(tmp_path)
    assert loaded.settings == model.settings
    assert loaded.predict(patients(5)).values.tolist() == model.predict(patients(5)).values.tolist()
    loaded.fit(patients(100), folder=tmp_path)  # the same run, from its own settings


def test_a_folder_is_taken_up_by_its_own_run_alone(tmp_path: Path) -> None:
    model = TableRegressor(alpha=0.5)
    model.fit(patients(100), folder=tmp_path)
    assert read_description(tmp_path)["data"]["checksum"].startswith("sha256:")
    (tmp_path / "metrics.json").write_text("{}")
    before = (tmp_path / "model.json").read_bytes()
    TableRegressor(alpha=0.5).fit(patients(100), folder=tmp_path)
    assert (tmp_path / "model.json").read_bytes() == before
    for refused, columns, told in (
        (TableRegressor(alpha=1.0), patients(100), r"alpha \(0\.5 there, 1\.0 here\)"),
        (TableRegressor(alpha=0.5), patients(99), r"checksum \(sha256"),
        (TableClassifier(), flowers(), "which holds a TableRegressor"),
    ):
        with pytest.raises(FirstlightError, match=told):
            refused.fit(columns, folder=tmp_path)
        assert (tmp_path / "model.json").read_bytes() == before
    with pytest.raises(FirstlightError, match=r"hold_out \(0\.2 there, 0\.5 here\)"):
        TableRegressor(alpha=0.5).fit(patients(100), hold_out=0.5, folder=tmp_path)


def test_what_no_folder_can_keep_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match=r"JSON.*PosixPath"):
        TableRegressor(target="progression").fit(patients(50), folder=tmp_path / "run", data={"source": tmp_path})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", ["not json", '{"class": "LinearRegression"}'])
def test_a_folder_with_something_else_says_what_to_do(tmp_path: Path, content: str) -> None:
    TableRegressor(target="progression").fit(patients(50), folder=tmp_path)
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(FirstlightError, match=r"Expected a fitted estimator in .*Train again with --restart"):
        systems.load(tmp_path)

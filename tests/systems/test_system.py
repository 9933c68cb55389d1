"""Settings that are only stored, files that are whole or not there, and a folder that tells what it holds."""

import csv
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems import SYSTEMS, Captioner, load
from firstlight.systems.system import History, System, plain, read_description, write_safely, write_text_safely


class Pencil(System):
    """A system with next to nothing in it; a second stage gives it its colour."""

    later_stages: ClassVar = {"polish": ("colour",)}

    def __init__(self, colour: str = "red", length: int = 3):
        self.colour, self.length = colour, length

    def fit(self) -> None:
        self.description = self.describe(training={"seed": 1})

    def _save_parts(self, folder: Path) -> None:
        write_text_safely(folder / "lead.txt", self.colour)

    def _load_parts(self, folder: Path) -> None:
        self.lead = (folder / "lead.txt").read_text(encoding="utf-8")


def test_the_constructor_only_stores_settings() -> None:
    pencil = Pencil(length=5)
    assert pencil.settings == {"colour": "red", "length": 5}
    assert repr(pencil) == "Pencil(length=5)"


def test_save_and_load(tmp_path: Path) -> None:
    pencil = Pencil("blue")
    pencil.fit()
    pencil.save(tmp_path / "new" / "run")
    loaded = Pencil.load(tmp_path / "new" / "run")
    assert (loaded.settings, loaded.lead, loaded.description) == (pencil.settings, "blue", pencil.description)
    written = json.loads((tmp_path / "new" / "run" / "system.json").read_text(encoding="utf-8"))
    assert written["training"] == {"seed": 1}
    assert {"firstlight", "python", "keras", "numpy"} <= written["versions"].keys()
    assert sorted(path.name for path in (tmp_path / "new" / "run").iterdir()) == ["lead.txt", "system.json"]


def test_numbers_of_numpy_are_settings_like_any_other(tmp_path: Path) -> None:
    pencil = Pencil(length=np.int64(5))  # type: ignore[arg-type]
    pencil.description = pencil.describe(training={"seeds": np.arange(2), "rate": np.float32(0.5)})
    pencil.save(tmp_path)
    loaded = Pencil.load(tmp_path)
    assert loaded.settings == pencil.settings == {"colour": "red", "length": 5}
    assert loaded.description["training"] == {"seeds": [0, 1], "rate": 0.5}
    assert pencil.begun_in(tmp_path, {"rate": np.float32(0.5)})
    found = plain({np.int64(1): (np.bool_(True), [np.array(2)]), "path": tmp_path})
    assert found == {1: (True, [2]), "path": tmp_path}
    assert type(found[1][0]) is bool


def test_what_json_cannot_hold_is_told_before_a_file_is_written(tmp_path: Path) -> None:
    pencil = Pencil(colour={"red", "blue"})  # type: ignore[arg-type]
    pencil.fit()
    with pytest.raises(FirstlightError, match=r"Expected settings.*Received others: .*type set.*Pass numbers"):
        pencil.save(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_not_fitted_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match=r"Expected a fitted Pencil.*Pencil\.load"):
        Pencil().save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_setting_names_the_nearest(tmp_path: Path) -> None:
    pencil = Pencil()
    pencil.fit()
    pencil.save(tmp_path)
    path = tmp_path / "system.json"
    path.write_text(path.read_text().replace('"colour"', '"color"'))
    with pytest.raises(FirstlightError, match=r"Received 'color'\. Did you mean 'colour'"):
        Pencil.load(tmp_path)


@pytest.mark.parametrize("content", [None, "not json", "[1, 2]", '{"class": "x"}'])
def test_a_folder_that_holds_no_system(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "system.json").write_text(content)
    for opening in (read_description, load, Captioner.load):
        with pytest.raises(FirstlightError, match=r"Expected (the folder|a description) of a"):
            opening(tmp_path)


def test_a_class_that_is_not_ours_is_not_imported(tmp_path: Path) -> None:
    description = {"class": "os:system", "settings": {}, "versions": {}}
    (tmp_path / "system.json").write_text(json.dumps(description))
    with pytest.raises(FirstlightError, match=r"Expected one of the systems .*Received 'os:system'"):
        load(tmp_path)


def test_the_systems_are_there() -> None:
    assert SYSTEMS["captioner"] == f"{Captioner.__module__}:{Captioner.__name__}"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_safely(path, lambda file: file.write_text("old"))

    def fail(file: Path) -> Any:
        file.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_safely(path, fail)
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"


def test_history_has_columns_and_a_table(tmp_path: Path) -> None:
    history = History([{"epoch": 1, "loss": 2.5}, {"epoch": 2, "loss": 0.1 + 0.2, "reward": 1.0}])
    assert history.history == {"epoch": [1, 2], "loss": [2.5, 0.1 + 0.2], "reward": [None, 1.0]}
    history.save(tmp_path / "history.csv")
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[1]["loss"]) == 0.1 + 0.2
    assert rows[0]["reward"] == ""


def test_a_run_folder_is_taken_up_only_with_its_own_settings(tmp_path: Path) -> None:
    assert Pencil("blue").begun_in(tmp_path, {}) == {}
    pencil = Pencil(length=5)
    pencil.description = pencil.describe(training={"seed": 1, "polish": 0}, data={"source": "shop"})
    pencil.save(tmp_path)
    same = {"seed": 1, "source": "shop", "unheard_of": 3}
    assert pencil.begun_in(tmp_path, same)["settings"]["length"] == 5
    message = r"length \(5 there, 6 here\), seed \(1 there, 2 here\), source \(shop there, mine here\).*--restart"
    with pytest.raises(FirstlightError, match=message):
        Pencil(length=6).begun_in(tmp_path, {**same, "seed": 2, "source": "mine"})


def test_a_later_stage_may_still_be_asked_for_with_settings_of_its_own(tmp_path: Path) -> None:
    pencil = Pencil()
    pencil.description = pencil.describe(training={"polish": 0})
    pencil.save(tmp_path)
    assert Pencil("blue").begun_in(tmp_path, {"polish": 2})
    with pytest.raises(FirstlightError, match=r"polish \(0 there, -1 here\)"):
        pencil.begun_in(tmp_path, {"polish": -1})
    pencil.description = pencil.describe(training={"polish": 2})
    pencil.save(tmp_path)
    with pytest.raises(FirstlightError, match=r"colour \(red there, blue here\)"):
        Pencil("blue").begun_in(tmp_path, {"polish": 3})

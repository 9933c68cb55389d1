"""Columns that a user has in hand, as a table: names of any kind, and a target where none is named."""

from typing import Any

import pyarrow
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems import TableRegressor
from firstlight.systems.table_frames import as_frame, checksum
from tests.systems.tables import patients


@pytest.mark.parametrize(("name", "note"), [("target", ""), ("Label", ""), ("progression", "'progression'")])
def test_the_usual_target_is_found_without_a_file(name: str, note: str) -> None:
    columns = patients(30)
    columns[name] = columns.pop("progression")
    if not note:  # by its name, wherever it stands
        columns = {name: columns[name], **columns}
    for table in (columns, pyarrow.table(columns)):
        frame = as_frame(table, None)
        assert frame.target == name
        assert any(note in problem.message for problem in frame.problems if problem.kind == "note") is bool(note)
        model = TableRegressor()
        model.fit(table, hold_out=0)
        assert model.description["target"] == name
    assert as_frame(columns, "").target == ""


class Numbered:
    """A data frame whose columns have numbers for names, as pandas makes them."""

    columns = (0, 1)

    def __getitem__(self, name: Any) -> list[float]:
        return {0: [1.0, 2.0, 4.0], 1: [2.0, 4.0, 8.0]}[name]


@pytest.mark.parametrize("table", [Numbered(), {0: [1.0, 2.0, 4.0], 1: [2.0, 4.0, 8.0]}], ids=["frame", "dict"])
def test_columns_may_be_called_by_numbers(table: Any) -> None:
    assert list(as_frame(table, "1").columns) == ["0", "1"]
    model = TableRegressor()
    model.fit(table, hold_out=0)
    assert model.predict({"0": [3.0]}).values == pytest.approx([6.0])


def test_names_that_are_the_same_as_texts_are_told() -> None:
    with pytest.raises(FirstlightError, match=r"different name for each column\. Received '0' 2 times"):
        as_frame({0: [1.0, 2.0], "0": [3.0, 4.0], "y": [1.0, 2.0]}, "y")


def test_the_checksum_tells_tables_apart() -> None:
    one, other = patients(20), patients(20)
    assert checksum(as_frame(one, "bmi")) == checksum(as_frame(pyarrow.table(other), "age"))
    other["clinic"][3] = "east"
    assert checksum(as_frame(one, "")) != checksum(as_frame(other, ""))

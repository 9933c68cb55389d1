"""Columns as a linear model takes them, learned from one table and found again in another."""

import numpy as np
import pytest

from firstlight.data.frame_columns import Categories
from firstlight.data.frames import Frame
from firstlight.errors import FirstlightError
from firstlight.systems import TableRegressor
from firstlight.systems.table_columns import Columns, TableColumn, as_texts, chosen_names
from tests.systems.tables import Cells, patients


def test_levels_are_found_by_the_number_that_they_mean() -> None:
    columns: Cells = {"code": ["01", "007", "1.50", "x"] * 6, "y": [1.0, 2.0, 3.0, 4.0] * 6}
    model = TableRegressor(target="y")
    model.fit(columns, hold_out=0)
    found = model.predict({"code": [1, 7, 1.5, 2]})
    np.testing.assert_allclose(found.values, [1, 2, 3])
    assert [str(problem) for problem in found.problems] == ["table:4: code: '2' was not there in training"]


def test_a_number_that_two_levels_mean_is_the_one_that_is_written_so() -> None:
    numbers = np.array([1.0, 2.0, np.nan, 0.5])
    assert as_texts(numbers, ["01", "1", "02", "2.0", ".5"]) == ["1", "2", None, ".5"]
    assert as_texts(numbers) == ["1", "2", None, "0.5"]
    columns = Columns((TableColumn("code", "category", ("01", "1", "02", "2.0")),), baseline=False)
    encoded = columns.encode(Frame("t", {"code": numbers[:2]}, ""))
    assert encoded.x.tolist() == [[0, 1, 0, 0]]
    assert "'2' was not there" in str(encoded.problems[0])


def test_no_feature_is_none_and_not_all() -> None:
    with pytest.raises(FirstlightError, match="column to learn from beside the target 'progression'"):
        TableRegressor(target="progression", features=[]).fit(patients(20))
    frame = Frame("t", {"a": np.zeros(2), "b": np.zeros(2), "y": np.zeros(2)}, "y")
    assert chosen_names(frame, None, ["b"]) == ["a"]
    assert chosen_names(frame, ["b", "a"], []) == ["b", "a"]
    assert chosen_names(frame, [], []) == []


def test_cells_that_are_filled_are_counted_of_the_rows_that_are_used() -> None:
    columns = Columns(
        (TableColumn("size", "number", fill=2.0), TableColumn("kind", "category", ("a", "b"), "a")), baseline=True
    )
    table = {"size": np.array([np.nan, np.nan, 5.0]), "kind": Categories(["b", "other"], np.array([0, 1, -1]))}
    encoded = columns.encode(Frame("t", table, ""))
    assert encoded.rows.tolist() == [0, 2]
    assert encoded.x.tolist() == [[2.0, 1.0], [5.0, 0.0]]
    assert encoded.filled == 2

"""Rows that are left out before anything is learned."""

import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems import TableRegressor
from tests.systems.tables import Cells, patients


def test_columns_are_learned_from_the_rows_that_are_kept() -> None:
    """A level that stands only in dropped rows is no term, and does not count as the level to compare with."""
    columns = patients(60)
    columns["clinic"][5] = "alone"
    columns["bmi"][5] = None
    columns["only"] = [float(row == 5) for row in range(60)]
    model = TableRegressor(target="progression", missing="drop")
    model.fit(columns, hold_out=0)
    assert {"north", "south", "west"} == set(model.columns.columns[-1].levels)
    assert model.description["left_out"] == {"only": "one value in all rows"}
    assert model.description["rows"]["dropped"] == 1
    without = TableRegressor(target="progression", ignore=["only"])
    without.fit({name: values[:5] + values[6:] for name, values in columns.items()}, hold_out=0)
    new = patients(10)
    np.testing.assert_allclose(model.predict(new).values, without.predict(new).values)


def test_a_column_that_is_left_out_costs_no_rows() -> None:
    columns: Cells = {**patients(60), "flag": ["yes"] + [None] * 59}
    model = TableRegressor(target="progression", missing="drop")
    model.fit(columns, hold_out=0)
    assert model.description["left_out"] == {"flag": "one value in all rows"}
    assert (model.description["rows"]["train"], model.description["rows"]["dropped"]) == (60, 0)


def test_rows_that_are_all_dropped_are_told() -> None:
    columns: Cells = {"a": [1.0, None, 3.0, None], "b": [None, 2.0, None, 4.0], "y": [1.0, 2.0, 3.0, 4.0]}
    with pytest.raises(FirstlightError, match=r"2 rows or more without missing values\. Received 0 of 4"):
        TableRegressor(target="y", missing="drop").fit(columns, hold_out=0)

"""The column that is predicted: what is refused of a table to learn from, and what a later one may hold."""

import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems import TableClassifier
from tests.systems.tables import Cells


def kinds(count: int, rows: int) -> Cells:
    """So many classes with so many rows each, which a number tells apart."""
    numbers = [float(number) for number in range(count) for _ in range(rows)]
    noise = np.random.default_rng(0).normal(0, 0.1, len(numbers))
    names = [f"kind {number:.0f}" for number in numbers]
    return {"x": (numbers + noise).tolist(), "z": noise.tolist(), "kind": names}


def test_many_classes_are_judged_on_few_rows() -> None:
    columns = kinds(30, 5)
    model = TableClassifier(target="kind")
    model.fit(columns, hold_out=0.2)
    held = model.held_out_of(columns)
    assert held is not None
    assert model.evaluate(held)["rows"] == len(held) == 30
    few = {name: values[:25] for name, values in columns.items()}
    assert model.evaluate(few)["rows"] == 25


def test_the_whole_table_says_whether_there_are_classes() -> None:
    model = TableClassifier(target="kind")
    with pytest.warns(UserWarning, match="unique classes is greater than 50%"):  # of scikit-learn
        model.fit(kinds(21, 2), hold_out=0.2)
    assert model.description["rows"]["train"] < 2 * 21, "of the rows that are left, most classes have one"
    assert len(model.classes) == 21
    with pytest.raises(FirstlightError, match=r"each of several rows, in the target 'kind'.*30 different texts in 30"):
        TableClassifier(target="kind").check(kinds(30, 1))
    with pytest.raises(FirstlightError, match=r"at most 100 classes.*101 different texts"):
        TableClassifier(target="kind").fit(kinds(101, 3))


def test_labels_that_look_like_numbers_are_found_again_in_a_table_of_numbers() -> None:
    columns: Cells = {"x": [0.0, 1.0, 2.0] * 10, "code": ["01", "02", "x"] * 10}
    model = TableClassifier(target="code")
    model.fit(columns, hold_out=0)
    assert model.classes == ["01", "02", "x"]
    report = model.evaluate({"x": [0.0, 1.0, 1.0, 2.0], "code": [1, 2, 2, 7]})
    assert (report["rows"], report["accuracy"]) == (3, 1)
    assert report["passed_over"] == ["table:4: code: training had no class '7'"]
    model.fit({"x": [0.0, 1.0] * 10, "code": [1, 2] * 10}, hold_out=0)
    assert model.classes == ["1", "2"], "what was learned before does not name what is learned now"

"""How a model of a table comes about, where rows are many, a class is rare, and rows have weights."""

import numpy as np
import pytest

from firstlight.systems import TableClassifier, TableRegressor, table_curves
from firstlight.systems.table_curves import TableCurves
from tests.systems.tables import Cells, patients


def rare(rows: int, some: int) -> Cells:
    random = np.random.default_rng(0)
    labels = ["yes" if row < some else "no" for row in range(rows)]
    x = random.normal(size=rows) + [2.0 * (label == "yes") for label in labels]
    return {"x": x.tolist(), "z": random.normal(size=rows).tolist(), "label": labels}


@pytest.mark.parametrize("weight", [None, "weight"])
def test_a_rare_class_is_in_the_sample(monkeypatch: pytest.MonkeyPatch, weight: str | None) -> None:
    monkeypatch.setattr(table_curves, "_ROWS", 50)
    columns: Cells = {**rare(600, 6), "weight": [0.0, 0.0, 0.0, 0.0, 0.0, 1.0] + [1.0] * 594}
    model = TableClassifier(target="label", sample_weight=weight, ignore=None if weight else ["weight"])
    model.fit(columns, hold_out=0)
    curves = TableCurves(model, columns)
    assert len(curves.target) == pytest.approx(50, abs=1)
    assert 1 <= (curves.target == "yes").sum() < 5
    path = curves.path()
    assert path is not None
    assert np.abs(path.coefficients[0]).max() < 0.01 < np.abs(path.coefficients[-1]).max()
    assert curves.errors() is None, "one row of a class cannot be on both sides"


def test_the_share_of_a_class_in_the_sample_is_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_curves, "_ROWS", 100)
    columns = rare(400, 100)
    model = TableClassifier(target="label")
    model.fit(columns, hold_out=0)
    curves = TableCurves(model, columns)
    assert (curves.target == "yes").sum() == 25
    errors = curves.errors()
    assert errors is not None
    assert errors.validation.shape[1] == 5


def test_the_learning_curve_knows_the_weights() -> None:
    """Half of the rows are wrong, and their weights say so: learned with them, the curve is that of the other half."""
    columns = patients(200)
    good = np.arange(200) % 2 == 0
    columns["progression"] = [y if keep else 1000 - y for y, keep in zip(columns["progression"], good, strict=True)]
    trusted = {**columns, "weight": np.where(good, 1.0, 1e-9).tolist()}
    model = TableRegressor(target="progression", sample_weight="weight")
    model.fit(trusted, hold_out=0)
    weighted = TableCurves(model, trusted).errors()
    model = TableRegressor(target="progression")
    model.fit(columns, hold_out=0)
    plain = TableCurves(model, columns).errors()
    assert weighted is not None
    assert plain is not None
    assert weighted.train[-1].mean() > 1.3 * plain.train[-1].mean(), "the wrong rows are judged, but not learned"

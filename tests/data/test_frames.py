"""Tables of numbers and texts: kinds of columns, missing values, the target, and lines that do not fit."""

import csv
import io
import json
import math
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from caption_files import kinds, write, write_parquet
from sklearn import datasets

from firstlight.data.frame_columns import Categories, to_column
from firstlight.data.frames import Frame, load_table
from firstlight.errors import FirstlightError

FLOWERS = """petal;colour;sepal;class
1,5;red;3;a
2,5;;4;b
NA;blue;5;a
4;red;6;b
"""


def numbers(frame: Frame, name: str) -> list[float]:
    column = frame[name]
    assert isinstance(column, np.ndarray)
    assert column.dtype == np.float64
    return column.tolist()


def texts(frame: Frame, name: str) -> list[str | None]:
    column = frame[name]
    assert isinstance(column, Categories)
    return column.texts


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ";"), ("tsv", "\t"), ("txt", "|"), ("data", ",")])
def test_columns_are_numbers_or_categories(tmp_path: Path, ending: str, delimiter: str) -> None:
    text = FLOWERS if delimiter == ";" else FLOWERS.replace(",", ".").replace(";", delimiter)
    frame = load_table(write(tmp_path / f"flowers.{ending}", text))
    assert (frame.name, len(frame), frame.target, frame.features) == (
        "flowers",
        4,
        "class",
        ["petal", "colour", "sepal"],
    )
    petal = numbers(frame, "petal")
    assert petal[:2] == [1.5, 2.5]
    assert math.isnan(petal[2])
    assert texts(frame, "colour") == ["red", None, "blue", "red"]
    colour = frame["colour"]
    assert isinstance(colour, Categories)
    assert (colour.values, colour.codes.tolist(), colour[0], colour[1]) == (["blue", "red"], [1, -1, 0, 1], "red", None)
    assert frame.problems == []


def test_the_report_of_each_column(tmp_path: Path) -> None:
    frame = load_table(write(tmp_path / "f.csv", FLOWERS))
    found = [(column.name, column.kind, column.missing, column.distinct) for column in frame.report]
    assert found == [
        ("petal", "number", 1, 3),
        ("colour", "category", 1, 2),
        ("sepal", "number", 0, 4),
        ("class", "category", 0, 2),
    ]
    assert frame.report[0].range == "1.5 to 4, median 2.5"
    assert frame.report[1].range == "red (2), blue (1)"
    assert "f: 4 rows, 4 columns, target 'class'" in str(frame)
    assert "colour  category          1         2  red (2), blue (1)" in str(frame)


def test_the_target(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Target,x\n1,2\n3,4\n")
    assert load_table(path).target == "Target"
    assert load_table(path, target="x").target == "x"
    with pytest.raises(FirstlightError, match=r"no column 'X'\. It has: Target, x\."):
        load_table(path, target="X")
    last = load_table(write(tmp_path / "b.csv", "u,v\n1,2\n3,4\n"))
    assert last.target == "v"
    assert [problem.kind for problem in last.problems] == ["note"]
    assert "the last column, 'v', is taken as the target" in str(last.problems[0])


def test_rows_of_a_table_keep_the_codes_of_their_texts(tmp_path: Path) -> None:
    part = load_table(write(tmp_path / "f.csv", FLOWERS)).take([3, 0])
    assert (numbers(part, "sepal"), texts(part, "class"), len(part)) == ([6, 3], ["b", "a"], 2)
    colour = part["colour"]
    assert isinstance(colour, Categories)
    assert (colour.values, colour.codes.tolist()) == (["blue", "red"], [1, 1])


def test_lines_that_do_not_fit_are_told_with_their_number(tmp_path: Path) -> None:
    text = 'x,text,y\n1,"two\nlines",3\n\n1,2\n1,b,3,4\n4,c,\n5,"a ""quote""",6\n'
    frame = load_table(write(tmp_path / "f.csv", text))
    assert texts(frame, "text") == ["two\nlines", "c", 'a "quote"']
    assert [(problem.line, problem.message) for problem in frame.problems if problem.kind == "malformed line"] == [
        (5, "2 cells instead of 3"),
        (6, "4 cells instead of 3"),
    ]
    told = [problem for problem in frame.problems if problem.kind == "target missing"]
    assert [(problem.line, problem.message) for problem in told] == [(7, "1 rows have no value of the target 'y'")]


def test_a_quote_that_is_never_closed_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match=r"f\.csv:3\. Received a record that cannot be read"):
        load_table(write(tmp_path / "f.csv", 'x,y\n1,2\n"3,4\n5,6\n'))


def test_a_slip_in_a_column_of_numbers_is_told(tmp_path: Path) -> None:
    rows = [f"{number},{number % 3}" for number in range(30)]
    rows[7], rows[9] = "1O,1", "inf,1"
    frame = load_table(write(tmp_path / "f.csv", "\n".join(["x,y", *rows])))
    assert np.isnan(numbers(frame, "x")).nonzero()[0].tolist() == [7, 9]
    told = [(problem.line, problem.message) for problem in frame.problems if problem.kind == "not a number"]
    assert told == [
        (9, "x: '1O' is no number and counts as missing"),
        (11, "x: 'inf' is no number and counts as missing"),
    ]
    assert texts(load_table(write(tmp_path / "g.csv", "x,y\n1,1\na,2\n1_0,3\n")), "x") == ["1", "a", "1_0"]


def test_a_table_without_a_header_and_one_with_an_index(tmp_path: Path) -> None:
    frame = load_table(write(tmp_path / "f.csv", "1.5,2\n3,4\n"))
    assert (list(frame.columns), numbers(frame, "1")) == (["1", "2"], [1.5, 3])
    frame = load_table(write(tmp_path / "c.csv", "1,5;2,5;3,5\n2,5;?;4\n"))
    assert list(frame.columns) == ["1", "2", "3"]
    assert (numbers(frame, "1"), numbers(frame, "3"), math.isnan(numbers(frame, "2")[1])) == (
        [1.5, 2.5],
        [3.5, 4],
        True,
    )
    frame = load_table(write(tmp_path / "m.csv", ",x,y\n0,5,6\n1,7\n2,7,8\n"))
    assert list(frame.columns) == ["x", "y"], "a line that does not fit makes no feature of the index"
    frame = load_table(write(tmp_path / "h.csv", ",x,y\n0,5,6\n0,7,8\n"))
    assert len(frame.columns) == 3, "this does not count"
    frame = load_table(write(tmp_path / "g.csv", ",x,y\n0,5,6\n1,7,8\n"))
    assert list(frame.columns) == ["x", "y"]
    assert any("counts the rows; it is left out" in str(problem) for problem in frame.problems)


def test_columns_that_say_nothing_are_noted(tmp_path: Path) -> None:
    rows = [f"7,,name{number},{number}" for number in range(30)]
    frame = load_table(write(tmp_path / "f.csv", "\n".join(["same,empty,id,y", *rows])))
    notes = [problem.message for problem in frame.problems]
    assert notes == [
        "column 'same' has one value in all rows",
        "column 'empty' has no value in all rows",
        "column 'id' has another text in every row: perhaps a name, not a property",
    ]
    assert frame.report[1].missing == 30


class NotAvailable:
    """As the NA of pandas: nobody can say whether it is equal to anything."""

    def __eq__(self, other: object) -> Any:
        return self

    __ne__ = __eq__
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


def test_what_cannot_be_compared_is_missing() -> None:
    told: list[str] = []
    column = to_column([1, NotAvailable(), 3, float("nan"), None], lambda row, message: told.append(message))
    np.testing.assert_array_equal(np.asarray(column), [1, np.nan, 3, np.nan, np.nan])
    labels = to_column(["a", NotAvailable(), "b"], lambda row, message: told.append(message))
    assert isinstance(labels, Categories)
    assert labels.texts == ["a", None, "b"]
    assert told == []


def test_parquet(tmp_path: Path) -> None:
    rows = [
        {"x": 1, "z": 0.5, "flag": True, "text": "a", "list": [1], "y": 3},
        {"x": None, "z": float("nan"), "flag": False, "text": None, "list": [2], "y": 4},
    ]
    write_parquet(tmp_path / "f.parquet", rows)
    frame = load_table(tmp_path / "f.parquet")
    np.testing.assert_array_equal(frame["x"], [1, np.nan])
    np.testing.assert_array_equal(frame["z"], [0.5, np.nan])
    assert (texts(frame, "flag"), texts(frame, "text")) == (["true", "false"], ["a", None])
    assert kinds(frame) == {"column passed over": 1}  # type: ignore[arg-type]
    (tmp_path / "g.parquet").write_bytes(b"no table")
    with pytest.raises(FirstlightError, match=r"Expected a Parquet table in .*g\.parquet"):
        load_table(tmp_path / "g.parquet")


def test_a_table_in_an_archive_or_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/f.csv", FLOWERS)
    assert load_table(tmp_path / "a.zip").target == "class"
    assert load_table(f"{tmp_path}/a.zip/in/f.csv").name == "f"
    write(tmp_path / "g.csv", FLOWERS)
    with pytest.raises(FirstlightError, match=r"Received 2: a\.zip/in/f\.csv, g\.csv\. Name the file"):
        load_table(tmp_path)


@pytest.mark.parametrize("text", ["", "x,y\n", "x\n1\n2\n", "x,x\n1,2\n"])
def test_what_is_no_table_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(FirstlightError, match=r"f\.csv"):
        load_table(write(tmp_path / "f.csv", text))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match="Expected a readable file"):
        load_table(tmp_path / "none.csv")


def test_the_tables_of_scikit_learn_come_back_bit_for_bit(tmp_path: Path) -> None:
    bunch = datasets.load_breast_cancer()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*bunch.feature_names, "target"])
    writer.writerows([*map(repr, row), label] for row, label in zip(bunch.data.tolist(), bunch.target, strict=True))
    frame = load_table(write(tmp_path / "cancer.csv", text.getvalue()))
    found = np.column_stack([np.asarray(frame[name]) for name in frame.features])
    np.testing.assert_array_equal(found, bunch.data)
    np.testing.assert_array_equal(np.asarray(frame["target"]), bunch.target)
    assert frame.problems == []
    json.dumps([vars(column) for column in frame.report])


def test_fifty_thousand_rows_load_in_seconds(tmp_path: Path) -> None:
    rows = [f"{number},{number / 7},{number % 5},colour{number % 9}" for number in range(50_000)]
    path = write(tmp_path / "big.csv", "\n".join(["a,b,c,label", *rows]))
    start = time.perf_counter()
    assert len(load_table(path)) == 50_000
    assert time.perf_counter() - start < 8

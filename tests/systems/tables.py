"""Real tables for tests, written from scikit-learn's bundled sets: numbers, texts, and what people do to them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

Cells = dict[str, list[Any]]


def patients(rows: int = 442) -> Cells:
    """The diabetes set in its own units, with sex as text and a made-up clinic beside it."""
    found = datasets.load_diabetes(scaled=False)
    clinics = np.random.default_rng(0).choice(["north", "south", "west"], len(found.target)).tolist()
    return {
        "age": found.data[:rows, 0].tolist(),
        "sex": ["woman" if value == 2 else "man" for value in found.data[:rows, 1]],
        "bmi": found.data[:rows, 2].tolist(),
        "pressure": found.data[:rows, 3].tolist(),
        "clinic": clinics[:rows],
        "progression": found.target[:rows].tolist(),
    }


def flowers() -> Cells:
    """The iris set with a text column made of one of its numbers."""
    found = datasets.load_iris()
    return {
        "sepal length": found.data[:, 0].tolist(),
        "sepal width": found.data[:, 1].tolist(),
        "size": ["large" if value > 4.9 else "medium" if value > 3 else "small" for value in found.data[:, 2]],
        "species": [str(found.target_names[number]) for number in found.target],
    }


def write_csv(path: Path, columns: Mapping[str, Sequence[Any]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def write_parquet(path: Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)
    return path

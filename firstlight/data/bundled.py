"""The small tables that scikit-learn carries, by name: something to try a model of tables on, without a download.

Columns have scikit-learn's names, classes are texts.
"""

import numpy as np

from firstlight.data.frame_columns import Categories, Column
from firstlight.data.frames import Frame
from firstlight.errors import FirstlightError, nearest

__all__ = ["BUNDLED", "load_bundled"]

# The name of the column to predict, which scikit-learn calls target in each.
BUNDLED = {
    "diabetes": "progression",  # of diabetes in a year, 442 patients
    "breast_cancer": "diagnosis",  # tumours that are malignant or benign, 569 cells
    "wine": "cultivar",  # three, by chemical analysis, 178 wines
    "iris": "species",  # three, by the size of their leaves, 150 flowers
    "digits": "digit",  # handwritten, of 8 x 8 pixels, 1,797 rows
}


def load_bundled(name: str, target: str | None = None) -> Frame:
    """The table of this name; `target` is the column to predict, where it is another than the usual one.

    Raises FirstlightError for a name, or a column, that does not exist.
    """
    from sklearn import datasets

    if name not in BUNDLED:
        raise FirstlightError(
            f"Expected one of the tables {', '.join(BUNDLED)}. Received {name!r}.{nearest(name, BUNDLED)}"
        )
    found = getattr(datasets, f"load_{name}")()
    usual = BUNDLED[name]
    columns: dict[str, Column] = {
        str(column): np.asarray(found.data[:, place], np.float64) for place, column in enumerate(found.feature_names)
    }
    if name == "diabetes":
        columns[usual] = np.asarray(found.target, np.float64)
    else:
        columns[usual] = _classes([str(label) for label in found.target_names], found.target)
    chosen = usual if target is None else target
    if chosen and chosen not in columns:
        raise FirstlightError(
            f"Table {name!r} has no column {chosen!r}. It has: {', '.join(columns)}.{nearest(chosen, columns)}"
        )
    rows = len(found.target)
    return Frame(name, columns, chosen, name, [], list(range(1, rows + 1)))


def _classes(names: list[str], numbers: object) -> Categories:
    order = sorted(range(len(names)), key=lambda place: names[place])
    places = np.argsort(order)
    return Categories([names[place] for place in order], places[np.asarray(numbers, np.int64)].astype(np.int64))

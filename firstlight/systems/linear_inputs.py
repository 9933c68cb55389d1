"""What a linear model can learn from, and what is said when a table holds something else.

scikit-learn checks the table; where it refuses one, the columns and rows at fault are named here.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, validate_data

from firstlight.errors import FirstlightError

__all__ = ["checked", "checked_weights", "column_names", "listed", "term_names"]

_NOTHING: Any = object()
_NAMED = 8  # things that a message names


def checked(model: BaseEstimator, table: Any, target: Any = _NOTHING, numeric_target: bool = False) -> Any:
    """The table as an array (rows, columns) of float32 or float64, and beside it the target where there is one.

    An array of floats is handed on as it is, without a copy. With a target the model takes down the number and the
    names of the columns; without, they are compared with those.

    Raises:
        FirstlightError: columns hold text, or cells are missing or infinite; names the columns and counts the rows.
        ValueError: of scikit-learn, for a table or a target of another shape.
    """
    if target is None:
        raise FirstlightError(
            f"Expected a value of y for every row. Received None; {type(model).__name__} requires y to be passed, but "
            "the target y is None. Call fit(X, y)."
        )
    dtypes = [np.float64, np.float32]
    try:
        if target is _NOTHING:
            return validate_data(model, table, reset=False, dtype=dtypes)
        if np.asarray(target).dtype.kind == "O":
            _explain_target(target, None)  # None among labels is no label, but scikit-learn lets it pass
        return validate_data(model, table, target, dtype=dtypes, y_numeric=numeric_target)
    except (ValueError, TypeError) as error:
        _explain(table, error)
        if target is not _NOTHING:
            _explain_target(target, error)
        raise


def checked_weights(weights: Any, x: np.ndarray) -> np.ndarray | None:
    """Weights of the rows as float64 (rows,), none of them negative and not all zero; None stays None."""
    if weights is None:
        return None
    found = _check_sample_weight(weights, x, dtype=np.float64, copy=False)
    if (found < 0).any():
        raise FirstlightError(
            f"Expected sample weights of 0 or more. Received {int((found < 0).sum())} negative ones. Correct them."
        )
    if not found.any():
        raise FirstlightError("Expected sample weights of which one at least is not zero. Received only zeros.")
    return found


def term_names(model: Any) -> list[str]:
    """The names of the columns: those of the data frame, or x0, x1 and so on."""
    names = getattr(model, "feature_names_in_", None)
    return [f"x{column}" for column in range(model.n_features_in_)] if names is None else [str(name) for name in names]


def column_names(table: Any) -> list[Any] | None:
    """The names of the columns of a data frame of pandas, polars or pyarrow; None of anything else."""
    if isinstance(table, np.ndarray) or not hasattr(table, "__getitem__"):
        return None
    names = getattr(table, "column_names", None)  # pyarrow
    names = getattr(table, "columns", None) if names is None else names
    return None if names is None else list(names)


def listed(names: Iterable[str]) -> str:
    """The first names with commas, and how many more there are."""
    given = list(names)
    more = len(given) - _NAMED
    return ", ".join(given[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _explain(table: Any, error: Exception) -> None:
    """Raise an error that names the columns at fault, where there are any."""
    texts, missing, infinite = [], [], []
    for name, cells in _columns(table):
        found = [cell for cell in cells.tolist() if _is_text(cell)]
        if found:
            texts.append(f"{name} ({len(found)} of {len(cells)} rows, such as {found[0]!r})")
        absent, endless = sum(map(_is_missing, cells)), sum(map(_is_infinite, cells))
        if absent:
            missing.append(f"{name} ({absent} of {len(cells)} rows)")
        if endless:
            infinite.append(f"{name} ({endless} of {len(cells)} rows)")
    parts = [
        ("text in column", texts),
        ("missing values (NaN) in column", missing),
        ("infinite values (inf) in column", infinite),
    ]
    told = [f"{kind} {listed(found)}" for kind, found in parts if found]
    if not told:
        return
    encode = "Encode text, for example with sklearn.preprocessing.OneHotEncoder in a ColumnTransformer. "
    fill = "Fill what is missing, for example with sklearn.impute.SimpleImputer in a pipeline. "
    raise FirstlightError(
        f"Expected a finite number in every cell. Received {'; '.join(told)}. {encode if texts else ''}"
        f"{fill if missing or infinite else ''}Or leave these columns or rows out."
    ) from error


def _explain_target(target: Any, error: Exception | None) -> None:
    cells = np.asarray(target, dtype=object)
    if cells.ndim != 1:
        return
    absent, endless = sum(map(_is_missing, cells)), sum(map(_is_infinite, cells))
    if absent or endless:
        raise FirstlightError(
            f"Expected a value of y for every row. Input y contains NaN or is missing in {absent} rows, and is "
            f"infinity in {endless} rows, of {len(cells)}. Leave these rows out."
        ) from error


def _columns(table: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Each column as (name as a message tells it, cells), of frames by name and of everything else by number."""
    names = column_names(table)
    if names is not None:
        for name in names:
            if (cells := np.asarray(table[name], dtype=object)).ndim == 1:
                yield repr(name), cells
        return
    try:
        array = np.asarray(table, dtype=None if isinstance(table, np.ndarray) else object)
    except (ValueError, TypeError):
        return
    if array.ndim != 2 or not array.size:
        return
    for number in range(array.shape[1]):
        yield str(number), array[:, number]


def _is_text(cell: Any) -> bool:
    if not isinstance(cell, str | bytes):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _is_missing(cell: Any) -> bool:
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):  # of pandas
        return True
    return isinstance(cell, float | np.floating) and math.isnan(cell)


def _is_infinite(cell: Any) -> bool:
    return isinstance(cell, float | np.floating) and math.isinf(cell)

"""The column that is to be predicted, and the weights of rows: what of a table can be learned from.

Numbers for a regression; for classes texts, or numbers taken as names.
"""

from collections.abc import Sequence

import numpy as np

from firstlight.data.frame_columns import Categories
from firstlight.data.frames import Frame
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError
from firstlight.systems.linear_inputs import listed
from firstlight.systems.table_columns import as_texts, line_of

__all__ = ["check_classes", "labels_of", "numbers_of", "passed", "weights_of"]

_MOST_CLASSES = 100
_FEW = 20  # different numbers that may be classes


def numbers_of(frame: Frame) -> np.ndarray:
    """The target as numbers (rows,), NaN where there is none.

    Raises:
        FirstlightError: it holds texts.
    """
    column = frame[frame.target]
    if isinstance(column, Categories):
        raise FirstlightError(
            f"Expected numbers in the target {frame.target!r}. Received texts: "
            f"{listed(map(repr, column.values))}. For classes: firstlight train logistic-regression; "
            "for numbers, name another target."
        )
    return column


def labels_of(frame: Frame, known: Sequence[str] = ()) -> np.ndarray:
    """The target as texts (rows,), None where there is none; numbers as the `known` classes that mean them."""
    return np.array(as_texts(frame[frame.target], known), dtype=object)


def check_classes(frame: Frame) -> None:
    """Whether the target of a whole table to learn from may be classes; a part, or a later table, holds what it does.

    Raises:
        FirstlightError: it holds so many different values that they are none.
    """
    column = frame[frame.target]
    texts = as_texts(column)
    kinds = {text for text in texts if text is not None}
    if not isinstance(column, Categories):
        fractions = any("." in text or "e" in text for text in kinds)
        if len(kinds) > _MOST_CLASSES or (fractions and len(kinds) > _FEW):
            raise FirstlightError(
                f"Expected classes in the target {frame.target!r}. Received {len(kinds):,} different numbers. "
                "For numbers: firstlight train linear-regression; for classes, name another target."
            )
    elif len(kinds) > _MOST_CLASSES or (len(kinds) > _FEW and len(kinds) > len(texts) / 2):
        raise FirstlightError(
            f"Expected at most {_MOST_CLASSES} classes, each of several rows, in the target {frame.target!r}. "
            f"Received {len(kinds):,} different texts in {len(texts):,} rows. Name another target."
        )


def weights_of(frame: Frame, name: str | None) -> np.ndarray | None:
    """The weights of the rows; None where no column of weights is named.

    Raises:
        FirstlightError: a weight is missing, negative or a text.
    """
    if name is None:
        return None
    weights = frame[name]
    if isinstance(weights, Categories):
        raise FirstlightError(
            f"Expected numbers in the column of weights {name!r}. Received texts: {listed(map(repr, weights.values))}. "
            "Name another column."
        )
    bad = np.flatnonzero(~(weights >= 0))
    if len(bad):
        lines = [str(line_of(frame, row)) for row in bad.tolist()]
        raise FirstlightError(
            f"Expected a weight of 0 or more in {name!r} for each row. Received none or a negative one in "
            f"{len(bad):,} rows of {frame.source or frame.name} (lines {listed(lines)}). Correct or delete them."
        )
    return weights


def passed(frame: Frame, row: int, reason: str) -> Problem:
    """A row that is left out, and why."""
    return Problem("row passed over", reason, frame.source, line_of(frame, row))

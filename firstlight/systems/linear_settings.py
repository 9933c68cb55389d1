"""The settings of a linear model: what they may be, and how a file keeps them.

Constructors only store; `fit` checks, as scikit-learn wants it.
"""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from firstlight.errors import FirstlightError, nearest
from firstlight.systems.system import plain

__all__ = ["check_settings", "recorded_setting", "stored_setting"]

_SOLVERS = ("exact", "sgd")
_RANGES: dict[str, tuple[type, str, Callable[[Any], bool]]] = {
    "alpha": (Real, "0 or more", lambda value: 0 <= value < math.inf),
    "l1_ratio": (Real, "from 0 to 1", lambda value: 0 <= value <= 1),
    "tol": (Real, "0 or more", lambda value: 0 <= value < math.inf),
    "momentum": (Real, "from 0 to below 1", lambda value: 0 <= value < 1),
    "learning_rate": (Real, "above 0", lambda value: 0 < value < math.inf),
    **dict.fromkeys(
        ("max_iter", "batch_size", "epochs"), (Integral, "1 or more, a whole number", lambda value: value >= 1)
    ),
}
_OPTIONAL = ("learning_rate", "epochs")


def check_settings(model: Any) -> None:
    """Whether the solver is one that there is, and every number within its bounds.

    Raises:
        FirstlightError: one is not; names it.
    """
    if model.solver not in _SOLVERS:
        hint = nearest(str(model.solver), _SOLVERS)
        raise FirstlightError(f"Expected solver to be 'exact' or 'sgd'. Received {model.solver!r}.{hint}")
    for name, (kind, bounds, fits) in _RANGES.items():
        value = getattr(model, name)
        if not (value is None and name in _OPTIONAL) and not (isinstance(value, kind) and fits(value)):
            raise FirstlightError(f"Expected {name} to be {bounds}. Received {value!r}.")


def stored_setting(value: Any) -> Any:
    """A setting as JSON can hold it: NumPy's numbers as Python's, an optimizer as its configuration.

    Raises:
        FirstlightError: it is something else.
    """
    value = plain(value)
    if value is None or isinstance(value, str | int | float | list | tuple | dict):
        return value
    import keras

    try:
        return keras.optimizers.serialize(value)
    except TypeError as error:
        raise FirstlightError(
            f"Expected settings that are numbers, texts or optimizers of Keras. Received {value!r}. Pass another."
        ) from error


def recorded_setting(value: Any) -> Any:
    """The same in a record, class weights as pairs: labels may be numbers, which no key of JSON is."""
    found = stored_setting(value)
    return list(map(list, found.items())) if isinstance(found, dict) and "class_name" not in found else found

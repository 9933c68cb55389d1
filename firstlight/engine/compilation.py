"""Compilations: how a model is to learn, as the JSON that Keras 3 writes; and back again.

Optimizer, loss and metrics stand there by their names, or as descriptions of objects. Of a function there is but the
name: one of Keras is found again here, one of the user's own is not, for no code is in the file.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from firstlight.engine import losses, metrics, optimizers
from firstlight.engine.loss import Loss
from firstlight.engine.metric import Metric
from firstlight.engine.optimizer import Optimizer
from firstlight.errors import FirstlightError

__all__ = ["describe_compilation", "rebuild_compilation"]

_HOMES = {Optimizer: "keras.optimizers", Loss: "keras.losses", Metric: "keras.metrics"}
_MOST_THRESHOLDS = 1 << 20  # a metric has arrays of so many numbers


def describe_compilation(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile` as JSON can hold them.

    Raises:
        FirstlightError: something has no name or description, such as a function without a name.
    """
    return {name: _described(value) for name, value in arguments.items()}


def rebuild_compilation(described: Any) -> dict[str, Any]:
    """The arguments of `compile` from their description; what changes nothing here is left out.

    Raises:
        FirstlightError: an optimizer, a loss or a metric is not known here; says which.
    """
    if not isinstance(described, dict):
        raise FirstlightError(f"Expected a description of how a model learns. Received {str(described)[:80]}.")
    readers = {
        "optimizer": _reader("an optimizer", _optimizer),
        "loss": _reader("a loss", losses.get),
        "loss_weights": _factor,
        "metrics": _reader("a metric", _metric),
        "weighted_metrics": _reader("a metric", _metric),
    }
    return {name: _each(described[name], read) for name, read in readers.items() if described.get(name) is not None}


# -- the way there -----------------------------------------------------------------------------------------------


def _described(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_described(each) for each in value]
    if isinstance(value, dict):
        return {name: _described(each) for name, each in value.items()}
    if isinstance(value, type):
        value = value()  # a class in place of an object, as `compile` takes it
    if hasattr(value, "get_config"):
        return _described_object(value)
    name = getattr(value, "__name__", "<lambda>")
    if name == "<lambda>":
        raise FirstlightError(
            f"Expected a function with a name, or an object with a get_config, to write it down. Received {value!r}. "
            "Define it with def."
        )
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _described_object(value: Any) -> dict[str, Any]:
    """What is made here has the name that it has in Keras; what a user made is found by those who have it."""
    kind = type(value)
    home = next((home for base, home in _HOMES.items() if isinstance(value, base)), None)
    ours = home is not None and kind.__module__.startswith(f"{__package__}.")
    return {
        "module": home if ours else kind.__module__,
        "class_name": kind.__name__,
        "config": _described(value.get_config()),
        "registered_name": None if ours else kind.__name__,
    }


# -- and back ----------------------------------------------------------------------------------------------------


def _each(described: Any, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of each description in lists and dicts of them."""
    if isinstance(described, list):
        return [_each(each, read) for each in described]
    if isinstance(described, dict) and "class_name" not in described:
        return {name: _each(each, read) for name, each in described.items()}
    return None if described is None else read(described)


def _reader(what: str, get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What makes an object of a description; a name stays one, after a look whether there is something of it."""

    def read(described: Any) -> Any:
        if isinstance(described, dict) and described.get("class_name") == "function":
            described = described.get("config")
        if not isinstance(described, str | dict):
            raise FirstlightError(f"Expected the name or description of {what}. Received {str(described)[:80]}.")
        try:
            found = get(described)
        except FirstlightError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise FirstlightError(
                f"Expected a description of {what}. Received {str(described)[:80]}, of which none can be made: {error}."
            ) from error
        return described if isinstance(described, str) else found

    return read


def _optimizer(described: Any) -> Any:
    if isinstance(described, dict) and described.get("class_name") == "LossScaleOptimizer":
        described = described["config"]["inner_optimizer"]  # the other one guards 16 bits, which are not used here
    return optimizers.get(described)


def _metric(described: Any) -> Any:
    if isinstance(described, str) and described.lower() in ("accuracy", "acc"):
        return described  # which one is seen beside the outputs
    config = described.get("config") if isinstance(described, dict) else None
    if isinstance(config, dict) and (config.get("num_thresholds") or 0) > _MOST_THRESHOLDS:
        raise FirstlightError(
            f"Expected at most {_MOST_THRESHOLDS:,} thresholds of a metric. Received {config['num_thresholds']:,}. "
            "The file may be made to fill the memory."
        )
    return metrics.get(described)


def _factor(described: Any) -> float:
    if isinstance(described, bool) or not isinstance(described, int | float):
        raise FirstlightError(f"Expected a number as the weight of a loss. Received {str(described)[:80]}.")
    return described

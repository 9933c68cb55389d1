"""Names for things: "adam", "l2" or "glorot_uniform" in place of an object, and the descriptions in Keras's files."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from firstlight.errors import FirstlightError, nearest

__all__ = ["layer_of", "look_up"]


def look_up(what: str, table: Mapping[str, Callable[..., Any]], value: Any) -> Any:
    """The object of a name in `table`, or of a description `{"class_name": ..., "config": ...}`; else `value` itself.

    Args:
        what: "an initializer", for the error.
        table: classes by name.
        value: name, description, object, or None.

    Raises:
        FirstlightError: the table has no such name; says which there are, and the nearest.
    """
    if isinstance(value, dict):
        name, config, known = value.get("class_name"), value.get("config") or {}, _by_class(table)
    elif isinstance(value, str):
        name, config, known = value, {}, dict(table)
    else:
        return value
    if name not in known:
        raise FirstlightError(f"Expected {what}: {', '.join(known)}. Received {name!r}.{nearest(str(name), known)}")
    arguments = signature(known[name]).parameters
    idle = {key for key, setting in config.items() if key not in arguments and setting is None}
    return known[name](**{key: setting for key, setting in config.items() if key not in idle})


def layer_of(value: Any) -> Any:
    """The layer of a description as a config holds it; a layer as it is."""
    from firstlight.engine import layers  # not before it is needed: that module gathers all others

    return look_up("a layer", {name: getattr(layers, name) for name in layers.__all__}, value)


def _by_class(table: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    return {kind.__name__: kind for kind in table.values()}

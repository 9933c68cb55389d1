"""Nested structures: a layer may take and give one array, or lists, tuples and dicts of them, to any depth."""

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["leaves", "map_structure"]


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """The same structure with `function` of what stands at each place, in several structures of one form."""
    first = structures[0]
    if isinstance(first, dict):
        return {name: map_structure(function, *(each[name] for each in structures)) for name in first}
    if isinstance(first, list | tuple):
        return type(first)(map_structure(function, *parts) for parts in zip(*structures, strict=True))
    return function(*structures)


def leaves(structure: Any) -> Iterator[Any]:
    """What stands at each place; a dict in the order of its sorted names, as in Keras."""
    if isinstance(structure, dict):
        for name in sorted(structure):
            yield from leaves(structure[name])
    elif isinstance(structure, list | tuple):
        for part in structure:
            yield from leaves(part)
    else:
        yield structure

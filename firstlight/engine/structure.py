"""Nested structures: a layer may take and give one array, or lists, tuples and dicts of them, to any depth."""

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["NESTED", "contains", "leaves", "map_structure"]

NESTED = (list, tuple, dict)
"""What has places within; all else stands at a place."""


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """The same structure with `function` of what stands at each place, in several structures of one form."""
    first = structures[0]
    if not isinstance(first, NESTED):
        return function(*structures)
    if isinstance(first, dict):
        return {name: map_structure(function, *[each[name] for each in structures]) for name in first}
    places = zip(*structures, strict=True)
    return type(first)([map_structure(function, *x) if isinstance(x[0], NESTED) else function(*x) for x in places])


def leaves(structure: Any) -> Iterator[Any]:
    """What stands at each place; a dict in the order of its sorted names, as in Keras."""
    if isinstance(structure, dict):
        structure = [structure[name] for name in sorted(structure)]
    if isinstance(structure, NESTED):
        for part in structure:
            if isinstance(part, NESTED):
                yield from leaves(part)
            else:
                yield part
    else:
        yield structure


def contains(structure: Any, kind: type) -> bool:
    """Whether something of a kind stands at any place."""
    if not isinstance(structure, NESTED):
        return isinstance(structure, kind)
    for part in structure.values() if isinstance(structure, dict) else structure:
        if isinstance(part, kind) or (isinstance(part, NESTED) and contains(part, kind)):
            return True
    return False

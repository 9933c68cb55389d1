"""Nested structures: one thing, or lists, tuples and dicts of things."""

from typing import Any

import pytest

from firstlight.engine.structure import contains, leaves, map_structure

NESTED: list[Any] = [1, [], [1, 2], (1, (2, [3])), {"b": 2, "a": [1, {"c": 3}]}, [{}, ()]]


@pytest.mark.parametrize("structure", NESTED)
def test_a_map_keeps_the_form(structure: Any) -> None:
    assert map_structure(lambda x: x, structure) == structure
    assert type(map_structure(lambda x: x, structure)) is type(structure)


def test_a_map_takes_several_structures_of_one_form() -> None:
    pair = {"a": (1, [2]), "b": 3}
    assert map_structure(lambda x, y: x * 10 + y, pair, pair) == {"a": (11, [22]), "b": 33}
    with pytest.raises(ValueError, match="shorter"):
        map_structure(lambda x, y: x, [1, 2], [1])


def test_leaves_of_a_dict_stand_in_the_order_of_its_names() -> None:
    assert list(leaves({"b": [3, {"z": 5, "y": 4}], "a": (1, 2)})) == [1, 2, 3, 4, 5]
    assert list(leaves(7)) == [7]


@pytest.mark.parametrize("structure", ["x", ["x"], [1, (2, {"a": "x"})], {"a": [], "b": ("x",)}])
def test_what_is_contained_is_found_at_any_depth(structure: Any) -> None:
    assert contains(structure, str)
    assert not contains(structure, float)


def test_nothing_contains_nothing() -> None:
    assert not contains([], str)
    assert not contains({"names are not looked at": 1}, str)

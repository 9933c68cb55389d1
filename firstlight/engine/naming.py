"""Names of layers: the class in snake case, numbered, as Keras gives them."""

import re
from collections import Counter

__all__ = ["clear_session", "number_name", "snake_case"]

_used_names: Counter[str] = Counter()


def clear_session() -> None:
    """Begin numbering names anew: `dense`, `dense_1`, ..."""
    _used_names.clear()


def snake_case(name: str) -> str:
    """`Conv2DTranspose` is `conv2d_transpose`, as Keras writes it."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def number_name(name: str) -> str:
    """`dense`, then `dense_1`, `dense_2`, ..."""
    _used_names[name] += 1
    return name if _used_names[name] == 1 else f"{name}_{_used_names[name] - 1}"

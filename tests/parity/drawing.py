"""What the families of drawn rows share: pieces of settings, lengths of axes, masks; see drawn_cases.py."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

Draw = st.DrawFn
SMOOTH = st.sampled_from([None, "tanh", "sigmoid", "gelu"])


def per_axis(axes: int, least: int, most: int) -> st.SearchStrategy[Any]:
    """A number for all axes, or one for each."""
    number = st.integers(least, most)
    return number | st.tuples(*[number] * axes) if axes > 1 else number


def each(value: Any, axes: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * axes


def bools(draw: Draw, *shape: int) -> np.ndarray:
    count = math.prod(shape)
    return np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool).reshape(shape)


def shape_of(draw: Draw, least: int, most: int, longest: int = 4) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(1, longest), min_size=least, max_size=most)))


def pieces(**settings: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the settings; those that are left out are as by default."""
    return st.fixed_dictionaries({}, optional=settings)


def places(draw: Draw, kernel: tuple[int, ...], dilation: tuple[int, ...], padding: str) -> list[int]:
    """Lengths of axes: where nothing is padded, at least as long as what a window spans."""
    spans = [(size - 1) * rate + 1 if padding == "valid" else 1 for size, rate in zip(kernel, dilation, strict=True)]
    return [draw(st.integers(span, span + 4)) for span in spans]

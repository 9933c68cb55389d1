"""Families of layers whose settings are drawn: each is a strategy of hypothesis that gives rows of the table.

A strategy draws what the layer's documentation allows, and a little more: what Keras refuses is left out by the test.
"""

import math

from hypothesis import strategies as st

from tests.parity.case import BATCH, Case
from tests.parity.drawing import SMOOTH, Draw, pieces, shape_of
from tests.parity.drawn_images import convolution, depthwise, edges, pooling, resizing, transposed
from tests.parity.drawn_sequences import attention, bidirectional, heads, recurrent


@st.composite
def dense(draw: Draw) -> Case:
    config = {"units": draw(st.integers(1, 5)), **draw(pieces(activation=SMOOTH, use_bias=st.booleans()))}
    return Case("Dense", config, shape_of(draw, 1, 3, 5))


@st.composite
def normalization(draw: Draw) -> Case:
    name = draw(st.sampled_from(["Batch", "Layer", "Group", "RMS", "Unit"]))
    shape = shape_of(draw, 1, 3, 5)
    axis = st.integers(1, len(shape)) | st.integers(-len(shape), -1)
    several = st.lists(st.integers(1, len(shape)), min_size=1, unique=True).map(sorted)
    epsilon = st.sampled_from([1e-3, 1e-2, 0.1])
    flags = {"center": st.booleans(), "scale": st.booleans(), "epsilon": epsilon}
    training = False
    if name == "Batch":
        config, training = draw(pieces(axis=axis, **flags)), draw(st.booleans())
    elif name == "Layer":
        config = draw(pieces(axis=axis | several, **flags))
    elif name == "Group":
        place = draw(axis)
        channels = shape[place - 1 if place > 0 else place]
        groups = [-1, *(n for n in range(1, channels + 1) if channels % n == 0)]
        config = {"axis": place, "groups": draw(st.sampled_from(groups)), **draw(pieces(**flags))}
    elif name == "RMS":
        first = draw(st.integers(1, len(shape)))  # up to the last: its scale Keras multiplies from the right
        config = {"epsilon": 1e-3, "axis": list(range(first, len(shape) + 1))}
    else:
        config = draw(pieces(axis=axis | several))
    # One over the root of epsilon is the factor by which rounding grows where numbers are all but alike.
    return Case(f"{name}Normalization", config, shape, training=training, tolerance=1e-4)


@st.composite
def reshaping(draw: Draw) -> Case:
    name = draw(st.sampled_from(["Reshape", "Permute", "Flatten", "RepeatVector"]))
    shape = shape_of(draw, 1, 4)
    if name == "Reshape":
        target = list(draw(st.permutations(shape)))
        if draw(st.booleans()):
            target = [math.prod(target[:2]), *target[2:]]
        if draw(st.booleans()):
            target[draw(st.integers(0, len(target) - 1))] = -1
        return Case(name, {"target_shape": tuple(target)}, shape)
    if name == "Permute":
        return Case(name, {"dims": tuple(draw(st.permutations(range(1, len(shape) + 1))))}, shape)
    return Case(name, {"n": draw(st.integers(1, 4))}, shape[:1]) if name == "RepeatVector" else Case(name, {}, shape)


@st.composite
def merging(draw: Draw) -> Case:
    name = draw(st.sampled_from(["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"]))
    shape = shape_of(draw, 1, 3)
    count = 2 if name in ("Subtract", "Dot") else draw(st.integers(2, 4))
    if name == "Concatenate":
        axis = draw(st.integers(1, len(shape)))
        shapes = [(*shape[: axis - 1], draw(st.integers(1, 3)), *shape[axis:]) for _ in range(count)]
        return Case(name, {"axis": draw(st.sampled_from([axis, axis - len(shape) - 1]))}, shapes)
    if name == "Dot":
        other = list(shape_of(draw, 1, 3))
        first, second = draw(st.integers(1, len(shape))), draw(st.integers(1, len(other)))
        other[second - 1] = shape[first - 1]
        axes = first if first == second and draw(st.booleans()) else (first, second)
        # The unit vector along an axis of one place has gradients that cancel out, up to one over its length.
        return Case(
            name, {"axes": axes, **draw(pieces(normalize=st.booleans()))}, [shape, tuple(other)], tolerance=1e-4
        )
    # No axis as long as the batch: Keras on TensorFlow would take (batch, 1, 1) for a bias of that axis.
    shape = tuple(n if n != BATCH else n + 2 for n in shape)
    shapes = [tuple(draw(st.sampled_from([n, n, n, 1])) for n in shape) for _ in range(count)]
    return Case(name, {}, shapes)


FAMILIES: dict[str, st.SearchStrategy[Case]] = {
    "convolution": convolution(),
    "transposed convolution": transposed(),
    "depthwise and separable convolution": depthwise(),
    "pooling": pooling(),
    "padding, cropping, enlarging": edges(),
    "resizing": resizing(),
    "recurrent": recurrent(),
    "bidirectional": bidirectional(),
    "dense": dense(),
    "normalization": normalization(),
    "attention with heads": heads(),
    "attention": attention(),
    "reshaping": reshaping(),
    "merging": merging(),
}
"""By name, a strategy for rows."""

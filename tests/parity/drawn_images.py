"""Drawn rows for layers of images; see drawn_cases.py."""

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.parity.case import Case
from tests.parity.drawing import SMOOTH, Draw, each, per_axis, pieces, places


@st.composite
def convolution(draw: Draw) -> Case:
    axes = draw(st.sampled_from([1, 1, 2, 2, 2, 3]))
    config = draw(
        st.fixed_dictionaries(
            {"kernel_size": per_axis(axes, 1, 3), "padding": st.sampled_from(["valid", "same"])},
            optional={"activation": SMOOTH, "use_bias": st.booleans()},
        )
    )
    if axes == 1 and draw(st.booleans()):
        config["padding"] = "causal"
    config |= draw(
        st.sampled_from([{"strides": per_axis(axes, 1, 3)}, {"dilation_rate": per_axis(axes, 1, 3)}]).flatmap(
            st.fixed_dictionaries
        )
    )
    groups = draw(st.sampled_from([1, 1, 2, 3])) if axes < 3 else 1
    if groups > 1:
        config["groups"] = groups
    kernel, dilation = each(config["kernel_size"], axes), each(config.get("dilation_rate", 1), axes)
    shape = places(draw, kernel, dilation, config["padding"])
    return Case(
        f"Conv{axes}D",
        {"filters": groups * draw(st.integers(1, 3)), **config},
        (*shape, groups * draw(st.integers(1, 3))),
    )


@st.composite
def transposed(draw: Draw) -> Case:
    axes = draw(st.sampled_from([1, 2, 2, 3]))
    strides = draw(per_axis(axes, 1, 3))
    config = draw(
        st.fixed_dictionaries(
            {"kernel_size": per_axis(axes, 1, 4), "padding": st.sampled_from(["valid", "same"])},
            optional={"activation": SMOOTH, "use_bias": st.booleans()},
        )
    )
    if draw(st.booleans()):
        most = min(each(strides, axes)) - 1
        config["output_padding"] = draw(per_axis(axes, 0, most))
    shape = [draw(st.integers(1, 4)) for _ in range(axes)]
    if "output_padding" in config:
        fields = (each(config[name], axes) for name in ("kernel_size", "output_padding"))
        for length, step, size, more in zip(shape, each(strides, axes), *fields, strict=True):
            assume((length - 1) * step + size + more > 2 * (size // 2) * (config["padding"] == "same"))  # not empty
    config |= {"filters": draw(st.integers(1, 3)), "strides": strides}
    return Case(f"Conv{axes}DTranspose", config, (*shape, draw(st.integers(1, 3))))


@st.composite
def depthwise(draw: Draw) -> Case:
    axes = draw(st.integers(1, 2))
    kind = draw(st.sampled_from(["Depthwise", "Separable"]))
    padding = draw(
        st.sampled_from(["valid", "same", "causal"] if (axes, kind) == (1, "Separable") else ["valid", "same"])
    )
    config = draw(pieces(activation=SMOOTH, use_bias=st.booleans(), depth_multiplier=st.integers(1, 3)))
    moves = draw(st.sampled_from(["strides", "dilation_rate"]))
    config |= {"kernel_size": draw(per_axis(axes, 1, 3)), "padding": padding, moves: draw(st.integers(1, 3))}
    if kind == "Separable":
        config["filters"] = draw(st.integers(1, 3))
    shape = places(draw, each(config["kernel_size"], axes), each(config.get("dilation_rate", 1), axes), padding)
    return Case(f"{kind}Conv{axes}D", config, (*shape, draw(st.integers(1, 3))))


@st.composite
def pooling(draw: Draw) -> Case:
    axes = draw(st.integers(1, 2))
    name = draw(st.sampled_from(["Max", "Average"]))
    config = draw(
        st.fixed_dictionaries(
            {"pool_size": per_axis(axes, 1, 4), "padding": st.sampled_from(["valid", "same"])},
            optional={"strides": per_axis(axes, 1, 4)},
        )
    )
    shape = places(draw, each(config["pool_size"], axes), (1,) * axes, config["padding"])
    return Case(f"{name}Pooling{axes}D", config, (*shape, draw(st.integers(1, 2))))


@st.composite
def edges(draw: Draw) -> Case:
    name = draw(st.sampled_from(["ZeroPadding", "Cropping", "UpSampling"]))
    axes = draw(st.integers(1, 2))
    shape = tuple(draw(st.integers(1, 6)) for _ in range(axes + 1))
    pair = st.tuples(st.integers(0, 2), st.integers(0, 2))
    if name == "UpSampling":
        config: dict[str, Any] = {"size": draw(per_axis(axes, 1, 3))}
        if axes == 2:
            config["interpolation"] = draw(st.sampled_from(["nearest", "bilinear"]))
    else:
        value = st.integers(0, 2) | pair
        config = {
            "padding" if name == "ZeroPadding" else "cropping": draw(
                value | st.tuples(pair, pair) if axes == 2 else value
            )
        }
    return Case(f"{name}{axes}D", config, shape)


@st.composite
def resizing(draw: Draw) -> Case:
    config = draw(
        st.fixed_dictionaries(
            {"height": st.integers(1, 7), "width": st.integers(1, 7)},
            optional={"interpolation": st.sampled_from(["nearest", "bilinear"]), "antialias": st.booleans()},
        )
    )
    config |= draw(st.sampled_from([{}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}]))
    return Case("Resizing", config, (draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(st.integers(1, 2))))

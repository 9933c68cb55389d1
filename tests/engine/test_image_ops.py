"""Convolutions, pooling and resizing against a slow, obvious reference with loops, and against finite differences."""

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

from firstlight.engine import Tensor, backward, gradcheck, layers, parts
from firstlight.engine.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from firstlight.engine.image_ops import average_pool, max_pool, resize
from firstlight.engine.windows import windows_over
from firstlight.errors import FirstlightError


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers apart from each other, so that no two are the largest of a window."""
    random = np.random.default_rng(seed)
    return random.permutation(np.linspace(-2.0, 2.0, int(np.prod(shape)))).reshape(shape)


# -- the reference -----------------------------------------------------------------------------------------------


def ends(length: int, size: int, stride: int, padding: str, dilation: int) -> tuple[int, int, int]:
    """How many windows there are, and how many places must be put before and after."""
    span = (size - 1) * dilation + 1
    if padding == "valid":
        return (length - span) // stride + 1, 0, 0
    count = int(np.ceil(length / stride))
    lack = max(0, (count - 1) * stride + span - length)
    before = span - 1 if padding == "causal" else lack // 2
    return count, before, max(0, lack - before)


def seen(x: np.ndarray, sizes: Any, strides: Any, padding: str, dilation: Any, fill: float = 0.0) -> Any:
    """Each place of the output, with what its window sees: (batch, *sizes, channels)."""
    parts = [ends(*each) for each in zip(x.shape[1:-1], sizes, strides, [padding] * len(sizes), dilation, strict=True)]
    padded = np.pad(x, [(0, 0), *((before, after) for _, before, after in parts), (0, 0)], constant_values=fill)
    for place in product(*(range(count) for count, _, _ in parts)):
        window = [
            [p * stride + o * step for o in range(size)]
            for p, size, stride, step in zip(place, sizes, strides, dilation, strict=True)
        ]
        yield place, padded[np.ix_(range(len(x)), *window, range(x.shape[-1]))]


def gathered(found: dict[Any, np.ndarray]) -> np.ndarray:
    counts = np.max(list(found), axis=0) + 1
    return np.stack([found[place] for place in product(*map(range, counts))], 1).reshape(
        -1, *counts, found[(0,) * len(counts)].shape[-1]
    )


def slow_conv(x: Any, kernel: Any, strides: Any, padding: str = "valid", dilation: Any = (1, 1)) -> np.ndarray:
    """With groups: filter f sees the channels of its group."""
    sizes, (width, filters) = kernel.shape[:-2], kernel.shape[-2:]
    groups = x.shape[-1] // width
    found = {}
    for place, window in seen(x, sizes, strides, padding, dilation):
        columns = []
        for f in range(filters):
            first = f // (filters // groups) * width
            columns.append((window[..., first : first + width] * kernel[..., f]).reshape(len(x), -1).sum(1))
        found[place] = np.stack(columns, -1)
    return gathered(found)


def slow_depthwise(x: Any, kernel: Any, strides: Any, padding: str, dilation: Any) -> np.ndarray:
    found = {}
    for place, window in seen(x, kernel.shape[:-2], strides, padding, dilation):
        products = window[..., None] * kernel
        found[place] = products.reshape(len(x), -1, *kernel.shape[-2:]).sum(1).reshape(len(x), -1)
    return gathered(found)


def slow_transpose(x: Any, kernel: Any, strides: Any, lengths: Any, before: Any) -> np.ndarray:
    """Every number is spread over a window; what falls outside of `lengths` is lost."""
    y = np.zeros((len(x), *lengths, kernel.shape[-2]))
    for place in np.ndindex(*x.shape[1:-1]):
        for offset in np.ndindex(*kernel.shape[:-2]):
            there = [p * s + o - b for p, s, o, b in zip(place, strides, offset, before, strict=True)]
            if all(0 <= n < length for n, length in zip(there, lengths, strict=True)):
                y[(slice(None), *there)] += x[(slice(None), *place)] @ kernel[offset].T
    return y


def slow_pool(x: Any, sizes: Any, strides: Any, padding: str, over: Callable[..., Any]) -> np.ndarray:
    windows = seen(x, sizes, strides, padding, (1,) * len(sizes), np.nan)
    return gathered({place: over(window, tuple(range(1, window.ndim - 1))) for place, window in windows})


# -- the cases ---------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    function: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]


def convolution(x: Any, kernel: Any, strides: Any, padding: str, dilation: Any) -> Case:
    return Case(
        lambda a, b: conv(a, b, strides, padding, dilation_rate=dilation),
        lambda a, b: slow_conv(a, b, strides, padding, dilation),
        (draw(*x), draw(*kernel, seed=1)),
    )


def depthwise(x: Any, kernel: Any, strides: Any, padding: str, dilation: Any) -> Case:
    return Case(
        lambda a, b: depthwise_conv(a, b, strides, padding, dilation_rate=dilation),
        lambda a, b: slow_depthwise(a, b, strides, padding, dilation),
        (draw(*x), draw(*kernel, seed=1)),
    )


def transposed(x: Any, kernel: Any, strides: Any, padding: str, lengths: Any, before: Any, more: Any = None) -> Case:
    return Case(
        lambda a, b: conv_transpose(a, b, strides, padding, more),
        lambda a, b: slow_transpose(a, b, strides, lengths, before),
        (draw(*x), draw(*kernel, seed=1)),
    )


def pool(function: Any, over: Any, x: Any, sizes: Any, strides: Any, padding: str) -> Case:
    return Case(
        lambda a: function(a, sizes, strides, padding),
        lambda a: slow_pool(a, sizes, strides, padding, over),
        (draw(*x),),
    )


BIAS = draw(4, seed=2)
CASES = {
    "conv along time": convolution((2, 7, 3), (3, 3, 4), (1,), "valid", (1,)),
    "conv along time, causal": convolution((2, 7, 3), (3, 3, 4), (1,), "causal", (2,)),
    "conv along time, causal, strided": convolution((2, 8, 3), (3, 3, 4), (3,), "causal", (2,)),
    "conv": convolution((2, 5, 6, 3), (3, 2, 3, 4), (1, 1), "valid", (1, 1)),
    "conv, same": convolution((2, 5, 6, 3), (3, 2, 3, 4), (1, 1), "same", (1, 1)),
    "conv, even, same": convolution((2, 5, 6, 3), (4, 4, 3, 4), (1, 1), "same", (1, 1)),
    "conv, strided": convolution((2, 8, 7, 3), (3, 2, 3, 4), (2, 3), "same", (1, 1)),
    "conv, strides larger than the kernel": convolution((2, 8, 7, 3), (2, 2, 3, 4), (3, 3), "same", (1, 1)),
    "conv, dilated": convolution((2, 8, 7, 3), (3, 2, 3, 4), (1, 1), "same", (2, 3)),
    "conv, dilated and strided": convolution((2, 8, 7, 3), (3, 2, 3, 4), (2, 2), "valid", (2, 3)),
    "conv, kernel larger than the input": convolution((2, 2, 3, 3), (5, 4, 3, 4), (1, 1), "same", (1, 1)),
    "conv, one place": convolution((2, 3, 4, 3), (1, 1, 3, 4), (1, 1), "valid", (1, 1)),
    "conv, one place, strided": convolution((2, 3, 4, 3), (1, 1, 3, 4), (2, 2), "valid", (1, 1)),
    "conv, two groups": convolution((2, 5, 4, 6), (2, 3, 3, 4), (1, 1), "same", (1, 1)),
    "conv, a group for each channel": convolution((2, 5, 4, 3), (2, 3, 1, 6), (2, 1), "same", (1, 1)),
    "conv, groups, dilated and strided": convolution((2, 7, 9, 4), (2, 3, 2, 4), (2, 2), "same", (2, 2)),
    "conv of volumes": convolution((2, 4, 3, 5, 2), (2, 3, 2, 2, 3), (2, 1, 1), "same", (1, 1, 2)),
    "conv, bias": Case(
        lambda x, k, b: conv(x, k, bias=b),
        lambda x, k, b: slow_conv(x, k, (1, 1)) + b,
        (draw(2, 5, 6, 3), draw(3, 2, 3, 4, seed=1), BIAS),
    ),
    "conv, groups, bias": Case(
        lambda x, k, b: conv(x, k, bias=b),
        lambda x, k, b: slow_conv(x, k, (1, 1)) + b,
        (draw(2, 5, 6, 6), draw(3, 2, 3, 4, seed=1), BIAS),
    ),
    "conv_transpose along time": transposed((2, 4, 3), (3, 2, 3), (1,), "valid", (6,), (0,)),
    "conv_transpose": transposed((2, 3, 4, 3), (3, 2, 2, 3), (1, 1), "valid", (5, 5), (0, 0)),
    "conv_transpose, same": transposed((2, 3, 4, 3), (3, 2, 2, 3), (1, 1), "same", (3, 4), (1, 0)),
    "conv_transpose, strided": transposed((2, 3, 4, 3), (3, 2, 2, 3), (2, 3), "valid", (7, 12), (0, 0)),
    "conv_transpose, strided, same": transposed((2, 3, 4, 3), (4, 3, 2, 3), (2, 2), "same", (6, 8), (1, 0)),
    "conv_transpose, output_padding": transposed((2, 3, 4, 3), (3, 3, 2, 3), (2, 3), "valid", (8, 14), (0, 0), (1, 2)),
    "conv_transpose, bias": Case(
        lambda x, k, b: conv_transpose(x, k, 2, bias=b),
        lambda x, k, b: slow_transpose(x, k, (2, 2), (7, 8), (0, 0)) + b,
        (draw(2, 3, 4, 3), draw(3, 2, 4, 3, seed=1), BIAS),
    ),
    "depthwise_conv": depthwise((2, 5, 6, 3), (3, 2, 3, 1), (1, 1), "same", (1, 1)),
    "depthwise_conv, two of each": depthwise((2, 5, 6, 3), (3, 2, 3, 2), (2, 1), "valid", (1, 1)),
    "depthwise_conv, dilated and strided": depthwise((2, 7, 6, 3), (3, 2, 3, 2), (2, 2), "same", (2, 2)),
    "separable_conv": Case(
        lambda x, d, p: separable_conv(x, d, p, 2, "same"),
        lambda x, d, p: slow_conv(slow_depthwise(x, d, (2, 2), "same", (1, 1)), p, (1, 1)),
        (draw(2, 5, 6, 3), draw(3, 3, 3, 2, seed=1), draw(1, 1, 6, 4, seed=2)),
    ),
    "max_pool": pool(max_pool, np.max, (2, 4, 6, 3), (2, 2), (2, 2), "valid"),
    "max_pool, over one another": pool(max_pool, np.nanmax, (2, 5, 6, 3), (3, 2), (2, 1), "same"),
    "max_pool along time": pool(max_pool, np.nanmax, (2, 7, 3), (2,), (3,), "same"),
    "average_pool": pool(average_pool, np.mean, (2, 4, 6, 3), (2, 2), (2, 2), "valid"),
    "average_pool, over one another": pool(average_pool, np.nanmean, (2, 5, 6, 3), (3, 2), (2, 1), "same"),
    "average_pool along time": pool(average_pool, np.nanmean, (2, 7, 3), (4,), (2,), "same"),
    "resize, nearest": Case(
        lambda x: resize(x, (6, 2), "nearest"), lambda x: np.repeat(x, 2, 1)[:, :, [1, 3]], (draw(2, 3, 4, 2),)
    ),
    "resize, the same size": Case(lambda x: resize(x, (3, 4)), lambda x: x, (draw(2, 3, 4, 2),)),
    "resize, halved": Case(
        lambda x: resize(x, (2, 3)), lambda x: x.reshape(2, 2, 2, 3, 2, 2).mean((2, 4)), (draw(2, 4, 6, 2),)
    ),
    "resize, one picture": Case(
        lambda x: resize(x, (2, 3)), lambda x: x.reshape(2, 2, 3, 2, 2).mean((1, 3)), (draw(4, 6, 2),)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_value_equals_the_slow_reference(name: str) -> None:
    case = CASES[name]
    expected = case.reference(*case.inputs)
    given = case.function(*case.inputs)
    assert not isinstance(given, Tensor)
    np.testing.assert_allclose(given, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(case.function(*(Tensor(x) for x in case.inputs)).value, given)


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_finite_differences(name: str) -> None:
    case = CASES[name]
    worst = gradcheck(case.function, case.inputs)
    assert worst.error < 1e-8, worst


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name: str) -> None:
    case = CASES[name]
    inputs = [Tensor(x.astype("float32")) for x in case.inputs]
    given = case.function(*inputs)
    assert given.dtype == np.float32
    gradients = backward(given, gradient=np.ones(given.shape))
    assert {gradients[x].dtype for x in inputs} == {np.dtype("float32")}
    assert [gradients[x].shape for x in inputs] == [x.shape for x in inputs]


@pytest.mark.parametrize("name", CASES)
def test_parts_of_a_batch_give_what_the_whole_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    inputs = [Tensor(x) for x in case.inputs]
    whole = case.function(*inputs)
    expected = backward(whole.sum())
    monkeypatch.setattr(parts, "_CACHE", 1)
    monkeypatch.setattr(parts, "_TWO_THREADS", True)
    pieces = case.function(*inputs)
    np.testing.assert_allclose(pieces.value, whole.value, rtol=1e-12, atol=1e-12)
    gradients = backward(pieces.sum())
    for x in inputs:
        np.testing.assert_allclose(gradients[x], expected[x], rtol=1e-10, atol=1e-10)


def test_the_first_of_equals_gets_the_gradient_of_max_pool() -> None:
    x = Tensor(np.zeros((1, 2, 4, 1)))
    found = backward(max_pool(x, 2).sum())[x]
    assert found[0, :, :, 0].tolist() == [[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


def test_an_empty_batch_gives_an_empty_batch() -> None:
    x, kernel = Tensor(np.zeros((0, 4, 4, 2))), Tensor(draw(3, 3, 2, 5))
    y = conv(x, kernel)
    assert y.shape == (0, 2, 2, 5)
    np.testing.assert_array_equal(backward(y.sum())[kernel], np.zeros((3, 3, 2, 5)))


def test_antialias_weighs_all_that_goes_into_a_place() -> None:
    x = np.zeros((1, 8, 1, 1))
    x[0, 1] = 1.0
    assert resize(x, (2, 1))[0, 0, 0, 0] == 0.5
    np.testing.assert_allclose(resize(x, (2, 1), antialias=True)[0, 0, 0, 0], 0.875 / 3.5)


def test_layers_of_groups_equal_their_parts() -> None:
    layer = layers.Conv2D(6, 3, groups=3, dtype="float64")
    x = draw(2, 5, 5, 6)
    y = layer(x)
    assert layer.kernel.shape == (3, 3, 2, 6)
    np.testing.assert_allclose(y, slow_conv(x, layer.kernel.array, (1, 1)), rtol=1e-10, atol=1e-10)
    assert layer.compute_output_shape((None, None, 5, 6)) == (None, None, 3, 6)


IMAGE = np.zeros((2, 4, 4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv(IMAGE, draw(5, 1, 3, 2)), "at least 5 places for a window of 5 with dilation 1. Received 4"),
        (lambda: conv(IMAGE, draw(3, 3, 2)), r"of 3 axes for a kernel \(3, 3, 2\). Received \(2, 4, 4, 3\)"),
        (lambda: conv(IMAGE, draw(3, 3, 2, 4)), "Expected 2 channels.* Received 3 channels and 4 filters"),
        (lambda: conv(IMAGE, draw(3, 3, 1, 4)), "Expected 1 channels.* Received 3 channels and 4 filters"),
        (lambda: conv(IMAGE, draw(3, 3, 3, 4), padding="full"), "Received 'full'"),
        (lambda: conv(IMAGE, draw(3, 3, 3, 4), (1, 2, 1)), "strides to be 2 whole numbers from 1 on"),
        (lambda: conv(IMAGE, draw(3, 3, 3, 4), bias=np.zeros(3)), "inputs that fit together for conv"),
        (lambda: depthwise_conv(IMAGE, draw(3, 3, 2, 1)), "Expected 2 channels"),
        (lambda: conv_transpose(IMAGE, draw(3, 3, 4, 2)), "Expected 2 channels"),
        (lambda: conv_transpose(IMAGE, draw(2, 2, 4, 3), 1, "same", 0), "Use None or another output_padding"),
        (lambda: max_pool(IMAGE, 5), "at least 5 places"),
        (lambda: resize(IMAGE, (2, 0)), "size to be 2 whole numbers from 1 on"),
        (lambda: resize(IMAGE, (2, 2), "bicubic"), "Received 'bicubic'"),
        (lambda: layers.Conv2D(4, 3)(np.zeros((2, 4, 3))), r"\(batch, height, width, channels\) for conv2d"),
        (lambda: layers.Conv2D(4, 3, groups=2)(IMAGE), "multiples of 2 groups. Received 3 channels"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), "one of valid, same. Received 'causal'"),
        (lambda: layers.Conv2D(4, 3, data_format="channels_first"), "Expected data_format"),
        (lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2), "output_padding below the strides"),
        (lambda: layers.MaxPooling2D(padding="full"), "Received 'full'"),
        (lambda: layers.Cropping2D(2)(IMAGE), "larger than what cropping2d.* cuts off"),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), "one number, two, or two pairs"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), "Received 'cubic'"),
        (lambda: layers.Resizing(4, 4, fill_mode="wrap"), "Received fill_mode 'wrap'"),
    ],
)
def test_what_does_not_fit_is_told(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        call()


def test_windows_do_not_look_beyond_the_array() -> None:
    over = windows_over((8, 8), (3, 3), padding="same")
    with pytest.raises(FirstlightError, match="Expected \\(batch, \\*\\(8, 8\\), channels\\)"):
        over.seen(np.zeros((1, 7, 8, 2)))

"""Every operation against NumPy, or Keras where NumPy has none, and its derivative against finite differences."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from firstlight.engine import Tensor, backward, gradcheck, ops
from firstlight.errors import FirstlightError


def draw(*shape: int, seed: int = 0, positive: bool = False) -> np.ndarray:
    """Numbers apart from each other and from 0, so that kinks and ties are not met."""
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    numbers = np.linspace(0.3, 2.0, count) * (1 if positive else random.choice([-1, 1], count))
    return random.permutation(numbers).reshape(shape)


class Case(NamedTuple):
    function: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]


A, B, P = draw(3, 4), draw(3, 4, seed=1), draw(3, 4, seed=2, positive=True)
T = draw(2, 3, 4, seed=3)
ROWS = np.array([[0, 2], [2, 2]])
CASES = {
    "add": Case(ops.add, np.add, (A, B)),
    "subtract": Case(ops.subtract, np.subtract, (A, B)),
    "multiply": Case(ops.multiply, np.multiply, (A, B)),
    "multiply, broadcast": Case(ops.multiply, np.multiply, (draw(3, 1), draw(2, 1, 4))),
    "divide": Case(ops.divide, np.divide, (A, B)),
    "divide by a scalar": Case(ops.divide, np.divide, (A, np.array(3.0))),
    "power": Case(ops.power, np.power, (P, B)),
    "power of a constant": Case(lambda x: ops.power(x, 3), lambda x: x**3, (A,)),
    "power to a constant base": Case(lambda x: ops.power(2.0, x), lambda x: 2.0**x, (A,)),
    "negative": Case(ops.negative, np.negative, (A,)),
    "abs": Case(ops.abs, np.abs, (A,)),
    "square": Case(ops.square, np.square, (A,)),
    "sqrt": Case(ops.sqrt, np.sqrt, (P,)),
    "exp": Case(ops.exp, np.exp, (A,)),
    "log": Case(ops.log, np.log, (P,)),
    "log1p": Case(ops.log1p, np.log1p, (P,)),
    "sin": Case(ops.sin, np.sin, (A,)),
    "cos": Case(ops.cos, np.cos, (A,)),
    "maximum": Case(ops.maximum, np.maximum, (A, B)),
    "minimum": Case(ops.minimum, np.minimum, (A, B)),
    "clip": Case(lambda x: ops.clip(x, x_min=-1.0, x_max=0.7), lambda x: np.clip(x, -1.0, 0.7), (A,)),
    "where": Case(lambda a, b: ops.where(P > 1, a, b), lambda a, b: np.where(P > 1, a, b), (A, B)),
    "matmul": Case(ops.matmul, np.matmul, (A, draw(4, 2))),
    "matmul, many by one": Case(ops.matmul, np.matmul, (T, draw(4, 2))),
    "matmul, many by many": Case(ops.matmul, np.matmul, (T, draw(2, 4, 5))),
    "matmul, one by many": Case(ops.matmul, np.matmul, (A, draw(2, 4, 5))),
    "matmul, stretched": Case(ops.matmul, np.matmul, (draw(2, 1, 3, 4), draw(5, 4, 2))),
    "matmul, vector by vector": Case(ops.matmul, np.matmul, (draw(4), draw(4, seed=1))),
    "matmul, vector by matrix": Case(ops.matmul, np.matmul, (draw(3), A)),
    "matmul, vector by many": Case(ops.matmul, np.matmul, (draw(3), T)),
    "matmul, matrix by vector": Case(ops.matmul, np.matmul, (A, draw(4))),
    "matmul, many by vector": Case(ops.matmul, np.matmul, (T, draw(4))),
    "sum": Case(ops.sum, np.sum, (A,)),
    "sum over an axis": Case(lambda x: ops.sum(x, 1), lambda x: np.sum(x, 1), (T,)),
    "sum over two axes": Case(lambda x: ops.sum(x, (0, -1)), lambda x: np.sum(x, (0, -1)), (T,)),
    "sum, axis kept": Case(lambda x: ops.sum(x, 1, True), lambda x: np.sum(x, 1, keepdims=True), (T,)),
    "mean": Case(lambda x: ops.mean(x, (0, 2)), lambda x: np.mean(x, (0, 2)), (T,)),
    "variance": Case(lambda x: ops.variance(x, (0, 2)), lambda x: np.var(x, (0, 2)), (T,)),
    "prod": Case(ops.prod, np.prod, (A,)),
    "prod with a zero": Case(lambda x: ops.prod(x, 0), lambda x: np.prod(x, 0), (np.where(A.max() == A, 0, A),)),
    "max": Case(lambda x: ops.max(x, (1, 2)), lambda x: np.max(x, (1, 2)), (T,)),
    "min": Case(ops.min, np.min, (T,)),
    "logsumexp": Case(lambda x: ops.logsumexp(x, -1), lambda x: np.log(np.sum(np.exp(x), -1)), (T,)),
    "logsumexp, kept": Case(
        lambda x: ops.logsumexp(x, 0, True), lambda x: np.log(np.exp(x).sum(0, keepdims=True)), (T,)
    ),
    "reshape": Case(lambda x: ops.reshape(x, (4, -1)), lambda x: x.reshape(4, -1), (T,)),
    "transpose": Case(ops.transpose, np.transpose, (T,)),
    "transpose, ordered": Case(lambda x: ops.transpose(x, (1, 2, 0)), lambda x: x.transpose(1, 2, 0), (T,)),
    "transpose, from behind": Case(lambda x: ops.transpose(x, (0, -1, 1)), lambda x: x.transpose(0, -1, 1), (T,)),
    "expand_dims": Case(lambda x: ops.expand_dims(x, 1), lambda x: x[:, None], (T,)),
    "squeeze": Case(lambda x: ops.squeeze(x, 1), lambda x: x[:, 0], (draw(3, 1, 2),)),
    "broadcast_to": Case(lambda x: ops.broadcast_to(x, (5, 3, 4)), lambda x: np.broadcast_to(x, (5, 3, 4)), (A,)),
    "flip": Case(lambda x: ops.flip(x, (0, 2)), lambda x: np.flip(x, (0, 2)), (T,)),
    "repeat": Case(lambda x: ops.repeat(x, 3, -1), lambda x: np.repeat(x, 3, -1), (T,)),
    "pad": Case(
        lambda x: ops.pad(x, ((1, 0), (0, 2)), 7.0), lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=7.0), (A,)
    ),
    "concatenate": Case(lambda a, b: ops.concatenate([a, b], 0), lambda a, b: np.concatenate([a, b]), (A, draw(2, 4))),
    "stack": Case(lambda a, b: ops.stack([a, b], -1), lambda a, b: np.stack([a, b], -1), (A, B)),
    "unstack": Case(lambda x: ops.unstack(x, -1)[2] * 2, lambda x: x[..., 2] * 2, (T,)),
    "getitem, slices": Case(lambda x: x[1:, ..., None, ::-2], lambda x: x[1:, ..., None, ::-2], (T,)),
    "getitem, rows twice": Case(lambda x: x[[0, 2, 2]], lambda x: x[[0, 2, 2]], (A,)),
    "getitem, pairs twice": Case(lambda x: x[[0, 0, 1], [3, 3, 2]], lambda x: x[[0, 0, 1], [3, 3, 2]], (A,)),
    "getitem, mask": Case(lambda x: x[P > 1], lambda x: x[P > 1], (A,)),
    "getitem, negative": Case(lambda x: x[np.array([-1, 2, 0])], lambda x: x[[-1, 2, 0]], (A,)),
    "take": Case(lambda x: ops.take(x, ROWS), lambda x: np.take(x, ROWS, 0), (A,)),
    "take, last axis": Case(lambda x: ops.take(x, ROWS, -1), lambda x: np.take(x, ROWS, -1), (A,)),
    "take_along_axis": Case(
        lambda x: ops.take_along_axis(x, ROWS[:, :1] % 4, 1),
        lambda x: np.take_along_axis(x, ROWS[:, :1] % 4, 1),
        (draw(2, 4),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_value(name: str) -> None:
    case = CASES[name]
    expected = case.reference(*case.inputs)
    from_arrays = case.function(*case.inputs) if "getitem" not in name else None
    if from_arrays is not None:
        assert not isinstance(from_arrays, Tensor)
        np.testing.assert_allclose(from_arrays, expected, rtol=1e-12)
    given = case.function(*(Tensor(x) for x in case.inputs))
    assert isinstance(given, Tensor)
    assert given.shape == np.shape(expected)
    np.testing.assert_allclose(given.value, expected, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
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


def test_operators_are_names_for_operations() -> None:
    a, b = Tensor(P), Tensor(draw(3, 4, seed=5, positive=True))
    pairs = [
        (a + b, P + b.value), (a - b, P - b.value), (a * b, P * b.value), (a / b, P / b.value), (a**b, P**b.value),
        (2 + a, 2 + P), (2 - a, 2 - P), (2 * a, 2 * P), (2 / a, 2 / P), (2**a, 2**P),
        (P + a, P + P), (P - b, P - b.value), (P * a, P * P), (P / a, P / P),
        (-a, -P), (abs(-a), P), (a @ b.T, P @ b.value.T), (P @ b.T, P @ b.value.T),
        (a.sum(0), P.sum(0)), (a.mean(1, keepdims=True), P.mean(1, keepdims=True)), (a.reshape(2, 6), P.reshape(2, 6)),
    ]  # fmt: skip
    for given, expected in pairs:
        assert isinstance(given, Tensor)
        np.testing.assert_allclose(given.value, expected)
    assert ((a > b) == (b.value < P)).all()
    assert ((a <= 1) == (P <= 1)).all()
    assert [row.shape for row in a] == [(4,)] * 3
    assert (a == a, a == b) == (True, False)


@pytest.mark.parametrize("large", [1e4, -1e4])
def test_logsumexp_is_safe(large: float) -> None:
    x = Tensor([large, 0.0, -large])
    y = ops.logsumexp(x)
    assert float(y) == 1e4
    np.testing.assert_array_equal(backward(y)[x], np.array([large, 0.0, -large]) == 1e4)


def test_equals_share_the_gradient() -> None:
    x = Tensor([1.0, 3.0, 3.0])
    assert backward(ops.max(x))[x].tolist() == [0.0, 0.5, 0.5]
    y = Tensor([1.0, 2.0, 3.0])
    gradients = backward(ops.maximum(x, y).sum())
    assert gradients[x].tolist() == [0.5, 1.0, 0.5]
    assert gradients[y].tolist() == [0.5, 0.0, 0.5]


def test_what_does_not_fit_names_the_operation_and_the_line() -> None:
    with pytest.raises(
        FirstlightError, match=r"for matmul at test_ops.py, line \d+\. Received \(3, 4\) float64, \(3,\)"
    ):
        ops.matmul(Tensor(A), np.ones(3))
    with pytest.raises(FirstlightError, match=r"for reshape at test_ops.py.*cannot reshape"):
        ops.reshape(Tensor(A), (5, 5))
    with pytest.raises(FirstlightError, match=r"for getitem at test_ops.py.*out of bounds"):
        Tensor(A)[7]
    with pytest.raises(FirstlightError, match="whole numbers as indices"):
        ops.take(Tensor(A), np.array([1.0]))

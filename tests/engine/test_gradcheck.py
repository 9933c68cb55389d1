"""The check finds a wrong derivative and says where it is."""

import numpy as np
import pytest

from firstlight.engine import Tensor, gradcheck, ops
from firstlight.engine.tensor import operation
from firstlight.errors import FirstlightError


@operation
def nearly_square(x: np.ndarray, /) -> tuple:
    """Its derivative is wrong at one place."""
    wrong = np.zeros_like(x)
    wrong[1, 2] = 0.01
    return x * x, lambda g: g * 2 * x + wrong


def test_right_and_wrong() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    assert gradcheck(lambda x: x * x, [x]).error < 1e-9
    worst = gradcheck(lambda first, second: nearly_square(first) + second, {"first": x, "second": x})
    assert (worst.input, worst.place) == ("first", (1, 2))
    assert worst.error > 1e-3
    assert worst.gradient == pytest.approx(worst.difference + 0.01, abs=1e-6)


def test_a_forgotten_input_is_found() -> None:
    x = np.ones(3)
    worst = gradcheck(lambda a, b: a * b.array, [x, x])
    assert worst.input == "input 1"


def test_what_cannot_be_checked() -> None:
    random = np.random.default_rng(0)
    with pytest.raises(FirstlightError, match="Received a int64 from it"):
        gradcheck(ops.argmax, [np.ones(3)])
    with pytest.raises(FirstlightError, match="repeats itself"):
        gradcheck(lambda x: x * random.normal(), [np.ones(3)])


def test_a_tensor_within_the_function_does_no_harm() -> None:
    assert gradcheck(lambda x: Tensor(2.0) * x, [np.float32(3)]).error < 1e-9

"""The memory of a computation and the way back through it: what is found, what is freed, what is refused."""

import gc
import weakref

import numpy as np
import pytest

from firstlight.engine import Tensor, backward, check_finite, no_gradients, ops
from firstlight.errors import FirstlightError


def test_gradients_are_a_mapping() -> None:
    x, y, unused = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor(1.0, name="unused")
    gradients = backward((x * x * y).sum())
    assert gradients[x].tolist() == [6.0, 16.0]
    assert gradients[y].tolist() == [1.0, 4.0]
    assert set(gradients) == {x, y}
    assert unused not in gradients
    assert gradients.get(unused) is None
    with pytest.raises(FirstlightError, match=r"a leaf that the loss does not use.*unused"):
        gradients[unused]


def test_a_tensor_used_often_gets_the_sum() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    y = x + x
    z = y * x + y[1:].sum() + ops.take(x, [0, 0]).sum() + x
    assert backward(z.sum())[x].tolist() == [4 + 6 + 1, 8 + 6 + 1, 12 + 6 + 1]


def test_what_comes_back_is_added_but_never_into_what_others_hold() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    total = x + y  # both get the very same array
    gradients = backward((total + x + x).sum())
    assert gradients[x].tolist() == [3.0, 3.0]
    assert gradients[y].tolist() == [1.0, 1.0]


def test_intermediate_gradients_on_request() -> None:
    x = Tensor([1.0, 2.0])
    y = x * x
    z = (y * 3).sum()
    assert y not in backward(z, keep=True)
    assert backward(z, wanted=[y])[y].tolist() == [3.0, 3.0]


def test_the_start_may_be_given() -> None:
    x = Tensor([1.0, 2.0])
    assert backward(x * x, gradient=[1.0, 10.0])[x].tolist() == [2.0, 40.0]


def test_a_long_chain() -> None:
    x = y = Tensor(1.0)
    for _ in range(100_000):
        y = y + 1e-5
    assert backward(y)[x] == 1.0


def test_a_long_chain_is_dropped_without_a_walk() -> None:
    y = Tensor(1.0)
    for _ in range(100_000):
        y = y * 1.0
    del y
    gc.collect()


def test_memory_is_freed_on_the_way() -> None:
    x = Tensor(np.ones(10))
    y = x * 2
    z = y * 3
    loss = z.sum()
    watched = [weakref.ref(y), weakref.ref(z)]
    del y, z
    assert all(each() is not None for each in watched)
    backward(loss)
    assert all(each() is None for each in watched)


def test_a_graph_is_walked_once_unless_kept() -> None:
    x = Tensor(2.0)
    loss = x * x
    assert backward(loss, keep=True)[x] == 4.0
    assert backward(loss)[x] == 4.0
    with pytest.raises(FirstlightError, match=r"multiply of test_tensor.py, line \d+ has been freed.*keep=True"):
        backward(loss)


def test_without_gradients_nothing_is_remembered() -> None:
    x = Tensor([1.0, 2.0])
    with no_gradients():
        y = x * x
    assert type(y) is np.ndarray
    assert isinstance(x * x, Tensor)
    with pytest.raises(FirstlightError, match="no_gradients"):
        backward(y)


def test_constants_have_no_gradient() -> None:
    x, constant = Tensor([1.0, 2.0]), Tensor([3.0, 4.0], constant=True)
    gradients = backward((x * constant * np.array([5.0, 6.0])).sum())
    assert set(gradients) == {x}
    assert type(constant * 2) is np.ndarray


def test_floats_are_kept_and_nothing_else_is_taken() -> None:
    assert Tensor([1.0]).dtype == np.float64
    x = Tensor(np.ones(2, "float32"))
    assert (x * 2.0 + 1).dtype == np.float32
    assert backward((x * 2.0).sum())[x].dtype == np.float32
    assert backward((x * np.ones(2)).sum())[x].dtype == np.float32
    with pytest.raises(FirstlightError, match=r"Expected floats for a tensor. Received int64 of shape \(3,\)"):
        Tensor([1, 2, 3])


def test_a_tensor_owns_its_array() -> None:
    array = np.ones(2)
    x = Tensor(array)
    array[0] = 5
    assert x.value.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 5


def test_what_was_assigned_since_is_told() -> None:
    x = Tensor([1.0, 2.0], name="kernel")
    y = (x * x).sum()
    x.assign([3.0, 4.0])
    assert x.value.tolist() == [3.0, 4.0]
    with pytest.raises(FirstlightError, match=r"Expected kernel as it was when multiply used it at test_tensor.py"):
        backward(y)
    with pytest.raises(FirstlightError, match=r"shape \(2,\). Received \(3,\)"):
        x.assign([1.0, 2.0, 3.0])
    with pytest.raises(FirstlightError, match=r"Expected a leaf\. Received what 'multiply' gave"):
        (x * x).assign([1.0, 2.0])


def test_a_loss_is_one_number_of_a_tensor() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(FirstlightError, match=r"a loss of one number. Received shape \(2,\)"):
        backward(x * x)
    with pytest.raises(FirstlightError, match="no derivatives of derivatives"):
        backward(backward((x * x).sum())[x])


def test_check_finite_names_the_operation_and_the_line() -> None:
    x = Tensor([1.0, 0.0])
    with (
        check_finite(),
        pytest.raises(FirstlightError, match=r"-inf: log gave 1 of 2.*first at \(1,\), at test_tensor"),
    ):
        ops.log(x)
    with np.errstate(all="ignore"):
        y = ops.sqrt(x).sum()
    with check_finite(), pytest.raises(FirstlightError, match=r"the gradient through sqrt has 1 of 2"):
        backward(y)
    assert np.isfinite(ops.exp(x).value).all()


def test_arrays_leave_operators_to_tensors() -> None:
    x = Tensor([1.0, 2.0])
    for y in (np.ones(2) + x, np.float64(2) * x, np.ones((2, 2)) @ x):
        assert isinstance(y, Tensor)
    assert np.asarray(x).tolist() == [1.0, 2.0]
    assert repr(Tensor([1.0], name="bias")) == "Tensor([1.], name='bias')"
    assert repr(x * np.float32(1)) == "Tensor([1. 2.], from multiply)"

"""Every loss against Keras: value and gradient, weights, masks and reductions; and what is too large for exp."""

from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from firstlight.engine import Tensor, activations, backward, gradcheck, losses, ops
from firstlight.errors import FirstlightError
from tests.parity.peer import value_and_gradients

RANDOM = np.random.default_rng(0)


def shares(*shape: int) -> np.ndarray:
    x = RANDOM.uniform(0.05, 1.0, shape)
    return x / x.sum(-1, keepdims=True)


def one_hot(*shape: int) -> np.ndarray:
    return np.eye(shape[-1])[RANDOM.integers(0, shape[-1], shape[:-1])]


class Case(NamedTuple):
    name: str
    config: dict[str, Any]
    y_true: np.ndarray
    y_pred: np.ndarray


REAL, OTHER = RANDOM.normal(size=(2, 6, 5, 4))
BITS = RANDOM.integers(0, 2, (6, 5, 4))
SIGNS = BITS * 2 - 1
LABELS = RANDOM.integers(0, 4, (6, 5))
CASES = [
    Case("MeanSquaredError", {}, REAL, OTHER),
    Case("MeanAbsoluteError", {}, REAL, OTHER),
    Case("Huber", {}, REAL, OTHER),
    Case("Huber", {"delta": 0.3}, REAL, OTHER),
    Case("LogCosh", {}, REAL, 3 * OTHER),
    Case("Poisson", {}, RANDOM.integers(0, 5, (6, 5, 4)), RANDOM.uniform(0.2, 4, (6, 5, 4))),
    Case("KLDivergence", {}, shares(6, 5, 4), shares(6, 5, 4)),
    Case("KLDivergence", {}, one_hot(6, 5, 4), shares(6, 5, 4)),
    Case("CosineSimilarity", {}, REAL, OTHER),
    Case("CosineSimilarity", {"axis": 1}, REAL, OTHER),
    Case("Hinge", {}, SIGNS, OTHER),
    Case("Hinge", {}, BITS, OTHER),
    Case("SquaredHinge", {}, BITS, OTHER),
    Case("SquaredHinge", {}, SIGNS, OTHER),
    Case("CategoricalHinge", {}, one_hot(6, 5, 4), OTHER),
    Case("BinaryCrossentropy", {}, BITS, RANDOM.uniform(0.01, 0.99, (6, 5, 4))),
    Case("BinaryCrossentropy", {"from_logits": True}, BITS, 3 * OTHER),
    Case("BinaryCrossentropy", {"label_smoothing": 0.2, "from_logits": True, "axis": 1}, BITS, OTHER),
    Case("BinaryCrossentropy", {"label_smoothing": 0.2}, BITS, RANDOM.uniform(0.01, 0.99, (6, 5, 4))),
    Case("CategoricalCrossentropy", {}, one_hot(6, 5, 4), shares(6, 5, 4)),
    Case("CategoricalCrossentropy", {"from_logits": True}, one_hot(6, 5, 4), 3 * OTHER),
    Case("CategoricalCrossentropy", {"from_logits": True}, shares(6, 5, 4), OTHER),
    Case("CategoricalCrossentropy", {"label_smoothing": 0.1}, one_hot(6, 5, 4), RANDOM.uniform(0.1, 2, (6, 5, 4))),
    Case("CategoricalCrossentropy", {"label_smoothing": 0.1, "from_logits": True}, one_hot(6, 5, 4), OTHER),
    Case(
        "CategoricalCrossentropy", {"axis": 1}, np.moveaxis(one_hot(6, 4, 5), -1, 1), RANDOM.uniform(0.1, 2, (6, 5, 4))
    ),
    Case("SparseCategoricalCrossentropy", {}, LABELS, shares(6, 5, 4)),
    Case("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS, 3 * OTHER),
    Case("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS[..., None], OTHER),
    Case("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 2}, LABELS, OTHER),
    Case("SparseCategoricalCrossentropy", {"ignore_class": -1}, np.where(LABELS == 1, -1, LABELS), shares(6, 5, 4)),
]
IDS = [f"{n} {case.name} {case.config}" for n, case in enumerate(CASES)]
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]


def arrays(case: Case) -> tuple[np.ndarray, np.ndarray]:
    y_true = case.y_true if case.y_true.dtype.kind == "i" else case.y_true.astype("float32")
    return y_true, case.y_pred.astype("float32")


def compare(case: Case, reduction: Any, weight: Any = None, mask: Any = None) -> None:
    y_true, y_pred = arrays(case)
    ours = getattr(losses, case.name)(**case.config, reduction=reduction)
    theirs = getattr(keras.losses, case.name)(**case.config, reduction=reduction)
    x = Tensor(y_pred)
    x.mask = mask

    def their_call(p: Any) -> Any:
        if mask is not None:
            keras.src.backend.set_keras_mask(p, keras.ops.convert_to_tensor(mask))
        return theirs(y_true, p, sample_weight=weight)

    given = ours(y_true, x, sample_weight=weight)
    (expected,), back = value_and_gradients(their_call, [y_pred], [])
    assert given.dtype == np.float32
    assert given.shape == expected.shape
    np.testing.assert_allclose(given.value, expected, rtol=1e-5, atol=1e-6)
    constant = Tensor(y_pred, constant=True)
    constant.mask = mask
    np.testing.assert_array_equal(ours(y_true, constant, sample_weight=weight), given.value)
    start = np.random.default_rng(1).normal(size=expected.shape).astype("float32")
    (to_prediction,), _ = back([start])
    found = backward(given, gradient=start)[x]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, to_prediction, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_value_and_gradient_equal_those_of_keras(case: Case, reduction: Any) -> None:
    compare(case, reduction)


def _sizes(case: Case) -> tuple[int, ...]:
    return (6, 4) if case.config.get("axis") == 1 else (6, 5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_with_weights_as_keras(case: Case, reduction: Any) -> None:
    weight = np.random.default_rng(3).uniform(0, 2, _sizes(case)).astype("float32")
    compare(case, reduction, weight)
    compare(case, reduction, weight[:, :1])
    compare(case, reduction, 0.5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_with_masks_as_keras(case: Case, reduction: Any) -> None:
    mask = np.random.default_rng(4).integers(0, 2, _sizes(case)).astype(bool)
    weight = np.random.default_rng(3).uniform(0, 2, _sizes(case)).astype("float32")
    compare(case, reduction, mask=mask)
    compare(case, reduction, weight, mask)
    compare(case, reduction, mask=np.zeros_like(mask))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_gradients_equal_finite_differences(case: Case) -> None:
    loss = getattr(losses, case.name)(**case.config, reduction="none")
    worst = gradcheck(lambda p: loss(case.y_true, p), [case.y_pred])
    assert worst.error < 1e-6, worst


@pytest.mark.parametrize(
    "case", [c for c in CASES if "Sparse" not in c.name and "Hinge" not in c.name], ids=lambda c: f"{c.name}{c.config}"
)
def test_gradients_for_the_truth_equal_finite_differences(case: Case) -> None:
    loss = getattr(losses, case.name)(**case.config, reduction="none")
    truth = shares(6, 5, 4) if case.name == "KLDivergence" else case.y_true.astype(float)
    worst = gradcheck(lambda t: loss(t, Tensor(case.y_pred, constant=True)), [truth])
    assert worst.error < 1e-6, worst


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_arrays_give_arrays_and_functions_give_a_value_for_each_sample(case: Case) -> None:
    y_true, y_pred = arrays(case)
    loss = getattr(losses, case.name)(**case.config, reduction="none")
    given = loss(y_true, y_pred)
    assert isinstance(given, np.ndarray)
    function = getattr(losses, keras.src.utils.naming.to_snake_case(case.name))
    np.testing.assert_array_equal(function(y_true, y_pred, **case.config), given)


@pytest.mark.parametrize("size", [1e4, 1e30])
@pytest.mark.parametrize(
    "name", ["BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy", "LogCosh", "Huber"]
)
def test_large_numbers_are_safe(name: str, size: float) -> None:
    sparse, logits = name.startswith("Sparse"), "entropy" in name
    kind: Any = getattr(losses, name)
    loss = kind(from_logits=True, reduction="sum") if logits else kind(reduction="sum")
    y_pred = Tensor(np.array([[size, -size, 0.0], [-size, size, 1.0]], "float32"))
    y_true = np.array([1, 1]) if sparse else np.array([[0, 1, 0], [0, 1, 0]], "float32")
    given = loss(y_true, y_pred)
    gradient = backward(given)[y_pred]
    assert np.isfinite(given.value)
    assert np.isfinite(gradient).all()
    if name.endswith("CategoricalCrossentropy"):
        assert float(given) == pytest.approx(2 * size)
        np.testing.assert_array_equal(gradient, [[1, -1, 0], [0, 0, 0]])


@pytest.mark.parametrize("name", ["BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"])
def test_probabilities_of_0_and_1_are_held(name: str) -> None:
    y_true: Any = np.array([1, 1]) if name.startswith("Sparse") else np.array([[0, 1, 0], [0, 1, 0]])
    case = Case(name, {}, y_true, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    compare(case, "none")


def test_the_gradient_of_logits_is_what_was_predicted_minus_what_is_true() -> None:
    logits, truth = OTHER[0], one_hot(5, 4)
    x = Tensor(logits)
    loss = losses.CategoricalCrossentropy(from_logits=True, reduction="sum")(truth, x)
    assert loss.parents[0][0].origin == "categorical_of_logits"
    np.testing.assert_allclose(backward(loss)[x], activations.softmax(logits) - truth, atol=1e-12)


def test_cross_entropy_through_a_softmax() -> None:
    y_true, logits = LABELS, Tensor(OTHER)
    other = Tensor(OTHER)
    through = losses.SparseCategoricalCrossentropy()(y_true, activations.softmax(logits))
    joined = losses.SparseCategoricalCrossentropy(from_logits=True)(y_true, other)
    assert float(through) == pytest.approx(float(joined))
    np.testing.assert_allclose(backward(through)[logits], backward(joined)[other], atol=1e-12)


def test_shapes_are_brought_together() -> None:
    flat, column = RANDOM.normal(size=6), RANDOM.normal(size=(6, 1))
    for a, b in ((flat, column), (column, flat)):
        expected = keras.losses.MeanSquaredError()(a, b)
        assert float(losses.MeanSquaredError()(a, Tensor(b))) == pytest.approx(float(expected), rel=1e-5)
    assert losses.mean_squared_error([1, 2], [3, 4]) == 4.0
    labels = np.zeros((3, 4), int)
    with pytest.raises(FirstlightError, match="take a sparse loss"):
        losses.categorical_crossentropy(labels[0], OTHER)
    with pytest.raises(FirstlightError, match=r"labels \(...,\) and predictions"):
        losses.sparse_categorical_crossentropy(labels, OTHER)
    with pytest.raises(FirstlightError, match=r"labels from 0 to 3.*from 0 to 4"):
        losses.sparse_categorical_crossentropy(np.array([0, 4]), OTHER[0, :2])
    with pytest.raises(FirstlightError, match="several classes"):
        losses.categorical_crossentropy(column, column)


def test_a_weight_for_each_sample_holds_for_all_of_its_steps() -> None:
    weight = np.array([1.0, 0, 0, 0, 0, 0])
    given = losses.MeanSquaredError(reduction="sum")(REAL, OTHER, weight)
    assert given == pytest.approx(losses.MeanSquaredError(reduction="sum")(REAL[0], OTHER[0]))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_config(case: Case) -> None:
    loss = getattr(losses, case.name)(**case.config, reduction="sum")
    config = loss.get_config()
    assert losses.get({"class_name": case.name, "config": config}).get_config() == config
    theirs = getattr(keras.losses, case.name).from_config(config)
    assert theirs.get_config().items() <= config.items()
    assert type(loss)().name == getattr(keras.losses, case.name)().name


def test_names() -> None:
    for name in losses.LOSSES:
        found = keras.losses.get(name)
        y_true, y_pred = arrays(CASES[25] if "parse" in name else CASES[6])
        expected = np.mean(np.asarray(found(y_true, y_pred)))
        np.testing.assert_allclose(losses.get(name)(y_true, y_pred), expected, rtol=1e-4)
    same = losses.Huber(2.0)
    assert losses.get(same) is same
    assert losses.get(None) is None
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    with pytest.raises(FirstlightError, match="Did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")
    with pytest.raises(FirstlightError, match="Did you mean 'sum'"):
        losses.Huber(reduction="summ")


def test_a_function_is_a_loss() -> None:
    def weighted(y_true: Any, y_pred: Any, factor: float = 1.0) -> Any:
        return ops.mean(ops.abs(y_pred - y_true), -1) * factor

    assert losses.get(weighted).name == "weighted"
    given = losses.LossFunctionWrapper(weighted, factor=2.0)(REAL, OTHER)
    assert given == pytest.approx(2 * losses.MeanAbsoluteError()(REAL, OTHER))
    assert losses.LossFunctionWrapper(weighted, factor=2.0).get_config()["factor"] == 2.0


def test_a_dtype_is_kept_or_asked_for() -> None:
    assert losses.MeanSquaredError()(REAL, Tensor(OTHER)).dtype == np.float64
    assert losses.MeanSquaredError(dtype="float32")(REAL, Tensor(OTHER)).dtype == np.float32

"""Every metric against Keras, batch by batch, with and without weights and masks."""

from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from firstlight.engine import Tensor, losses, metrics
from firstlight.errors import FirstlightError

RANDOM = np.random.default_rng(0)
BATCHES = 3


def shares(*shape: int) -> np.ndarray:
    x = RANDOM.uniform(0.05, 1.0, shape)
    return (x / x.sum(-1, keepdims=True)).astype("float32")


def one_hot(*shape: int) -> np.ndarray:
    return np.eye(shape[-1], dtype="float32")[RANDOM.integers(0, shape[-1], shape[:-1])]


class Case(NamedTuple):
    name: str
    config: dict[str, Any]
    y_true: np.ndarray  # (batches, samples, ...)
    y_pred: np.ndarray


N = (BATCHES, 12)
REAL, OTHER = RANDOM.normal(size=(2, *N, 5)).astype("float32")
BITS = RANDOM.integers(0, 2, (*N, 5))
PART = RANDOM.uniform(0, 1, (*N, 5)).astype("float32")
LABELS = RANDOM.integers(0, 5, N)
STEPS = RANDOM.integers(0, 5, (*N, 4))
MEANS = [
    Case("MeanSquaredError", {}, REAL, OTHER),
    Case("MeanAbsoluteError", {}, REAL, OTHER),
    Case("RootMeanSquaredError", {}, REAL, OTHER),
    Case("RootMeanSquaredError", {}, REAL[..., 0], OTHER[..., :1]),
    Case("LogCoshError", {}, REAL, OTHER),
    Case("CosineSimilarity", {}, REAL, OTHER),
    Case("KLDivergence", {}, shares(*N, 5), shares(*N, 5)),
    Case("Poisson", {}, RANDOM.integers(0, 4, (*N, 5)).astype("float32"), PART),
    Case("Hinge", {}, BITS, OTHER),
    Case("SquaredHinge", {}, BITS, OTHER),
    Case("CategoricalHinge", {}, one_hot(*N, 5), OTHER),
    Case("BinaryCrossentropy", {}, BITS, PART),
    Case("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, BITS, OTHER),
    Case("CategoricalCrossentropy", {}, one_hot(*N, 5), shares(*N, 5)),
    Case("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, one_hot(*N, 5), OTHER),
    Case("SparseCategoricalCrossentropy", {}, LABELS, shares(*N, 5)),
    Case("SparseCategoricalCrossentropy", {"from_logits": True}, STEPS, RANDOM.normal(size=(*N, 4, 5))),
    Case("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 2}, LABELS, OTHER),
    Case("Accuracy", {}, BITS, RANDOM.integers(0, 2, (*N, 5))),
    Case("Accuracy", {}, LABELS, RANDOM.integers(0, 5, (*N, 1))),
    Case("BinaryAccuracy", {}, BITS, PART),
    Case("BinaryAccuracy", {"threshold": 0.2}, BITS[..., 0], PART[..., :1]),
    Case("CategoricalAccuracy", {}, one_hot(*N, 5), PART),
    Case("CategoricalAccuracy", {}, one_hot(*N, 4, 5), RANDOM.normal(size=(*N, 4, 5))),
    Case("SparseCategoricalAccuracy", {}, LABELS, PART),
    Case("SparseCategoricalAccuracy", {}, LABELS[..., None], PART),
    Case("SparseCategoricalAccuracy", {}, STEPS, RANDOM.normal(size=(*N, 4, 5))),
    Case("TopKCategoricalAccuracy", {"k": 2}, one_hot(*N, 5), PART),
    Case("TopKCategoricalAccuracy", {"k": 3}, one_hot(*N, 5), np.round(PART, 1)),
    Case("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS, PART),
    Case("SparseTopKCategoricalAccuracy", {"k": 3}, STEPS, RANDOM.normal(size=(*N, 4, 5)).astype("float32")),
]
DECISIONS = [
    Case("Precision", {}, BITS, PART),
    Case("Precision", {"thresholds": 0.3}, BITS[..., 0], PART[..., 0]),
    Case("Precision", {"thresholds": [0.7, 0.2, 0.9]}, BITS, PART),
    Case("Precision", {"thresholds": [0.0, 0.5, 1.0]}, BITS, PART),
    Case("Precision", {"top_k": 2}, BITS, PART),
    Case("Precision", {"top_k": 2, "thresholds": 0.6}, BITS, PART),
    Case("Precision", {"class_id": 3}, BITS, PART),
    Case("Recall", {}, BITS, PART),
    Case("Recall", {"thresholds": [0.7, 0.2]}, BITS, PART),
    Case("Recall", {"top_k": 2}, BITS, PART),
    Case("Recall", {"top_k": 3, "class_id": 1}, BITS, PART),
    Case("AUC", {}, BITS, PART),
    Case("AUC", {}, BITS[..., 0], PART[..., :1]),
    Case("AUC", {"num_thresholds": 20, "summation_method": "minoring"}, BITS, PART),
    Case("AUC", {"num_thresholds": 20, "summation_method": "majoring"}, BITS, PART),
    Case("AUC", {"curve": "PR"}, BITS, PART),
    Case("AUC", {"curve": "PR", "num_thresholds": 20, "summation_method": "minoring"}, BITS, PART),
    Case("AUC", {"curve": "PR", "num_thresholds": 20, "summation_method": "majoring"}, BITS, PART),
    Case("AUC", {"thresholds": [0.9, 0.1, 0.35]}, BITS, PART),
    Case("AUC", {"from_logits": True}, BITS, OTHER),
    Case("AUC", {"multi_label": True}, BITS, PART),
    Case("AUC", {"multi_label": True, "curve": "PR", "label_weights": [1.0, 2.0, 0.5, 0.0, 1.0]}, BITS, PART),
    Case("F1Score", {}, one_hot(*N, 5), PART),
    Case("F1Score", {"average": "micro", "threshold": 0.4}, BITS, PART),
    Case("F1Score", {"average": "macro"}, one_hot(*N, 5), PART),
    Case("F1Score", {"average": "weighted"}, one_hot(*N, 5), PART),
    Case("FBetaScore", {"beta": 2.0, "threshold": 0.4}, BITS, PART),
]
CASES = [*MEANS, *DECISIONS]
IDS = [f"{n} {case.name} {case.config}" for n, case in enumerate(CASES)]


def pair(case: Case) -> tuple[Any, Any]:
    return getattr(metrics, case.name)(**case.config), getattr(keras.metrics, case.name)(**case.config)


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours.result(), np.asarray(theirs.result()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_batch_by_batch_as_keras(case: Case) -> None:
    ours, theirs = pair(case)
    assert ours.name == theirs.name.removesuffix(f"_{theirs.name.rpartition('_')[2]}") or ours.name == theirs.name
    for y_true, y_pred in zip(case.y_true, case.y_pred, strict=True):
        ours.update_state(y_true, Tensor(y_pred) if y_pred.dtype.kind == "f" else y_pred)
        theirs.update_state(y_true, y_pred)
        close(ours, theirs)
    ours.reset_state()
    theirs.reset_state()
    close(ours, theirs)
    again = ours(case.y_true[0], case.y_pred[0])
    np.testing.assert_allclose(again, np.asarray(theirs(case.y_true[0], case.y_pred[0])), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_with_weights_as_keras(case: Case) -> None:
    weights = np.random.default_rng(3).uniform(0, 2, N).astype("float32")
    ours, theirs = pair(case)
    for y_true, y_pred, weight in zip(case.y_true, case.y_pred, weights, strict=True):
        ours.update_state(y_true, y_pred, sample_weight=weight)
        theirs.update_state(y_true, y_pred, sample_weight=weight)
        close(ours, theirs)


@pytest.mark.parametrize("case", [case for case in CASES if case.y_true.ndim == 3 and "F" not in case.name], ids=str)
def test_with_a_weight_for_each_number_as_keras(case: Case) -> None:
    ours, theirs = pair(case)
    of_each = (*[each.name for each in DECISIONS], "Accuracy", "BinaryAccuracy", "RootMeanSquaredError")
    shape = case.y_true.shape if case.name in of_each or case.y_pred.ndim == 4 else (*case.y_true.shape[:2], 1)
    weights = np.random.default_rng(3).uniform(0, 2, shape).astype("float32")
    if case.config.get("class_id") is not None:
        pytest.skip("Keras takes weights for each sample here")
    for y_true, y_pred, weight in zip(case.y_true, case.y_pred, weights, strict=True):
        ours.update_state(y_true, y_pred, sample_weight=weight)
        theirs.update_state(y_true, y_pred, sample_weight=weight)
        close(ours, theirs)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "name", ["SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy"]
)
def test_with_masks_as_keras(name: str, weighted: bool) -> None:
    ours, theirs = pair(Case(name, {}, STEPS, STEPS))
    for y_true in STEPS:
        mask = RANDOM.integers(0, 2, y_true.shape).astype(bool)
        weight = RANDOM.uniform(0, 2, y_true.shape).astype("float32") if weighted else None
        y_pred = Tensor(shares(*y_true.shape, 5))
        y_pred.mask = mask
        prediction = keras.ops.convert_to_tensor(y_pred.value)
        keras.src.backend.set_keras_mask(prediction, keras.ops.convert_to_tensor(mask))
        ours.update_state(y_true, y_pred, weight)
        theirs.update_state(y_true, prediction, weight)
        close(ours, theirs)


@pytest.mark.parametrize("weight", [None, 0.5, np.arange(4.0), np.arange(12.0).reshape(4, 3), np.ones((4, 1))])
@pytest.mark.parametrize("shape", [(), (4,), (4, 3), (4, 3, 2)])
def test_the_mean_as_keras(shape: tuple[int, ...], weight: Any) -> None:
    if weight is not None and np.ndim(weight) > len(shape):
        pytest.skip("weights for numbers that there are not")
    ours, theirs = metrics.Mean(), keras.metrics.Mean()
    assert ours.result() == 0.0
    for values in (RANDOM.normal(size=shape), RANDOM.normal(size=shape)):
        ours.update_state(values, weight)
        theirs.update_state(values, weight)
        close(ours, theirs)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_config(case: Case) -> None:
    ours, theirs = pair(case)
    config = ours.get_config()
    assert type(ours).from_config(config).get_config() == config
    expected = type(theirs).from_config(config).get_config()
    for key, value in expected.items():
        if key != "label_weights":
            assert config.get(key, value) == pytest.approx(value) if key == "thresholds" else config[key] == value, key


def test_names() -> None:
    for name in metrics.METRICS:
        assert type(keras.metrics.get(name)).__name__ == type(metrics.get(name)).__name__
    assert metrics.get(None) is None
    same = metrics.AUC()
    assert metrics.get(same) is same
    described = metrics.get({"class_name": "AUC", "config": {"curve": "PR"}})
    assert described.curve == "PR"
    assert isinstance(metrics.get(metrics.AUC), metrics.AUC)
    with pytest.raises(FirstlightError, match="Did you mean 'precision'"):
        metrics.get("precison")


def test_a_loss_is_a_metric() -> None:
    for fn in (losses.huber, losses.Huber(delta=1.0)):
        metric = metrics.get(fn)
        metric.update_state(REAL[0], Tensor(OTHER[0]))
        assert metric.result() == pytest.approx(float(losses.Huber()(REAL[0], OTHER[0])))
    assert metrics.get(losses.huber).name == "huber"
    config = metrics.MeanMetricWrapper(losses.huber, delta=2.0).get_config()
    assert config == {"fn": losses.huber, "name": "huber", "dtype": "float32", "delta": 2.0}


@pytest.mark.parametrize("name", ["accuracy", "acc", "Accuracy", "ACC"])
@pytest.mark.parametrize(
    ("truth", "prediction"),
    [((8, 1), (8, 1)), ((8,), (8, 1)), ((8,), (8, 5)), ((8, 1), (8, 5)), ((8, 5), (8, 5)), ((8, 4), (8, 4, 5))],
)
def test_which_accuracy_is_meant_depends_on_the_shapes(
    name: str, truth: tuple[int, ...], prediction: tuple[int, ...]
) -> None:
    from keras.src.trainers.compile_utils import get_metric

    y_true, y_pred = np.zeros(truth), np.zeros(prediction)
    ours, theirs = metrics.get_metric(name, y_true, y_pred), get_metric(name, y_true, y_pred)
    assert type(ours).__name__ == type(theirs).__name__
    assert ours.name == theirs.name == name


def test_other_metrics_do_not_depend_on_shapes() -> None:
    y = np.zeros((2, 1))
    assert metrics.get_metric("mse", y, y).name == "mse"
    assert metrics.get_metric(losses.huber, y, y).name == "huber"
    same = metrics.Recall(name="found")
    assert metrics.get_metric(same, y, y) is same
    assert same.name == "found"
    with pytest.raises(FirstlightError, match="Received None"):
        metrics.get_metric(None, y, y)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=1.5), "thresholds from 0 to 1"),
        (lambda: metrics.AUC(curve="XY"), "ROC or PR"),
        (lambda: metrics.AUC(num_thresholds=1), "two or more"),
        (lambda: metrics.AUC(summation_method="mean"), "summation_method"),
        (lambda: metrics.F1Score(average="mean"), "average"),
        (lambda: metrics.F1Score(threshold=2.0), "threshold above 0"),
        (lambda: metrics.F1Score()(np.zeros(3), np.zeros(3)), r"\(samples, classes\)"),
        (lambda: metrics.Metric().update_state(), "update_state"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises((FirstlightError, NotImplementedError), match=message):
        make()

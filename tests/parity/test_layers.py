"""Every row of the table: the engine and Keras give the same values and gradients from the same weights.

Nothing here is about one layer; a new row in cases.py is proven without further code.
"""

from typing import Any

import keras
import numpy as np
import pytest

from firstlight import engine
from firstlight.engine import layers
from firstlight.engine.layer import training_phase
from firstlight.engine.naming import clear_session
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import Tensor, value_of
from tests.parity.case import Case, draw, made
from tests.parity.cases import CASES
from tests.parity.peer import value_and_gradients

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


def engine_layer(case: Case, dtype: str = "float32") -> Any:
    clear_session()
    return made(layers, case.layer, case.config, dtype=dtype)


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def is_floats(x: Any) -> bool:
    return is_array(x) and x.dtype.kind == "f"


def call(layer: Any, case: Case, inputs: Any, more: dict[str, Any]) -> Any:
    """The outputs in a flat list."""
    takes_training = {"training": True} if case.training else {}
    return layer(inputs, **more, **takes_training)


def randomize(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Other weights than the first ones, so that biases and scales count; variances stay positive."""
    random = np.random.default_rng(1)
    return [np.abs(w) + random.uniform(0.1, 0.5, w.shape).astype(w.dtype) if w.ndim < 2 else w for w in weights]


def close(given: Any, expected: Any, tolerance: float) -> None:
    given, expected = np.asarray(given), np.asarray(expected)
    assert given.shape == expected.shape
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(given, expected, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients_equal_those_of_keras(name: str) -> None:
    case = CASES[name]
    if keras.backend.backend() in case.not_on:
        pytest.skip(f"on {keras.backend.backend()}, Keras differs from itself on TensorFlow here")
    inputs, more = draw(case)
    theirs = made(keras.layers, case.layer, case.config)
    ours = engine_layer(case)
    call(theirs, case, inputs, more)
    call(ours, case, inputs, more)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [w.constant for w in ours.weights] == [not w.trainable for w in theirs.weights]
    values = randomize(theirs.get_weights())
    theirs.set_weights(values)
    ours.set_weights(values)

    def rebuilt(arrays: tuple[Any, ...]) -> tuple[Any, dict[str, Any]]:
        supply = iter(arrays)
        return map_structure(lambda x: next(supply) if is_array(x) else x, (inputs, more))

    def their_call(*arrays: Any) -> Any:
        given, others = rebuilt(arrays)
        return call(theirs, case, given, others)

    arrays = [x for x in leaves((inputs, more)) if is_array(x)]
    expected, back = value_and_gradients(their_call, arrays, theirs.trainable_weights)
    theirs.set_weights(values)  # a call in training changes moving averages
    tensors = [Tensor(x) if is_floats(x) else x for x in arrays]
    given, others = rebuilt(tuple(tensors))
    outputs = list(leaves(call(ours, case, given, others)))
    assert len(outputs) == len(expected)
    for output, wanted in zip(outputs, expected, strict=True):
        close(value_of(output), wanted, case.tolerance)

    random = np.random.default_rng(2)
    starts = [random.normal(size=x.shape).astype("float32") for x in expected]
    to_inputs, to_weights = back(starts)
    total = sum((output * start).sum() for output, start in zip(outputs, starts, strict=True))
    if not isinstance(total, Tensor):
        assert not to_weights
        return
    gradients = engine.backward(total)
    leaf_inputs = [x for x in tensors if isinstance(x, Tensor)]
    pairs = [*zip(leaf_inputs, to_inputs, strict=True), *zip(ours.trainable_weights, to_weights, strict=True)]
    for tensor, wanted in pairs:
        found = gradients.get(tensor, np.zeros(tensor.shape))
        close(found, np.zeros(tensor.shape) if wanted is None else wanted, 3 * case.tolerance)


@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_finite_differences(name: str) -> None:
    case = CASES[name]
    inputs, more = draw(case, "float64")
    layer = engine_layer(case, "float64")
    call(layer, case, inputs, more)
    layer.set_weights(randomize(layer.get_weights()))
    moving = [weight.array.copy() for weight in layer.non_trainable_weights]
    floats = [x for x in leaves((inputs, more)) if is_floats(x)]
    arrays = {f"x{n}": x for n, x in enumerate(floats)}
    arrays |= {f"weight {n} {w.name}": w.array for n, w in enumerate(layer.trainable_weights)}

    def function(**tensors: Any) -> Any:
        for weight, value in zip(layer.non_trainable_weights, moving, strict=True):
            weight.assign(value)
        supply = iter([tensors[f"x{n}"] for n in range(len(floats))])
        given, others = map_structure(lambda x: next(supply) if is_floats(x) else x, (inputs, more))
        with Replaced(layer, [tensors[key] for key in arrays if key.startswith("weight ")]):
            outputs = [x for x in leaves(call(layer, case, given, others)) if isinstance(x, Tensor)]
        return sum(((output * output).sum() for output in outputs[1:]), (outputs[0] * outputs[0]).sum())

    if not arrays:
        pytest.skip("no floats go in and there are no weights")
    worst = engine.gradcheck(function, arrays, directions=2)
    assert worst.error < 1e-6, worst


class Replaced:
    """Within, a layer computes with other tensors in place of its trainable weights."""

    def __init__(self, layer: Any, tensors: list[Tensor]):
        self.swaps = dict(zip(layer.trainable_weights, tensors, strict=True))
        self.layer = layer

    def __enter__(self) -> None:
        self._swap(self.layer, self.swaps)

    def __exit__(self, *_: Any) -> None:
        self._swap(self.layer, {tensor: weight for weight, tensor in self.swaps.items()})

    def _swap(self, layer: Any, swaps: dict[Any, Any]) -> None:
        for name, value in vars(layer).items():
            if isinstance(value, Tensor) and value in swaps:
                setattr(layer, name, swaps[value])
        for each in layer.layers:
            self._swap(each, swaps)


@pytest.mark.parametrize("name", CASES)
def test_the_shape_is_known_beforehand(name: str) -> None:
    case = CASES[name]
    inputs, more = draw(case)
    layer = engine_layer(case)
    with training_phase(case.training):
        outputs = layer(inputs, **more)
    if more:
        return
    shapes = map_structure(lambda x: (None, *x.shape[1:]), inputs)
    told = layer.compute_output_shape(shapes)
    told = [told] if not isinstance(outputs, list | tuple | dict) else list(told)
    assert [tuple(t)[1:] for t in told] == [tuple(x.shape)[1:] for x in leaves(outputs)]


@pytest.mark.parametrize("name", CASES)
def test_the_config_makes_the_same_layer_here_and_in_keras(name: str) -> None:
    case = CASES[name]
    layer = engine_layer(case)
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    theirs = getattr(keras.layers, case.layer).from_config(config)
    known = theirs.get_config()
    for key, value in config.items():
        if key in known and not isinstance(value, dict) and key != "dtype":
            same = (
                np.ravel(known[key]).tolist() == np.ravel(value).tolist() if value is not None else known[key] is None
            )
            assert same, key

"""A row as two layers, Keras's and the engine's, with the same weights; and what it means that they are equal."""

from typing import Any

import keras
import numpy as np

from firstlight import engine
from firstlight.engine import layers
from firstlight.engine.naming import clear_session
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import Tensor, value_of
from tests.parity import peer
from tests.parity.case import Case, draw, made

Arguments = tuple[Any, dict[str, Any]]
"""The input (or list of inputs) of a row and the further arguments of its call."""


class RefusedError(Exception):
    """Keras makes no such layer, or does not call it so."""


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def is_floats(x: Any) -> bool:
    return is_array(x) and x.dtype.kind == "f"


def arrays_in(arguments: Arguments) -> list[np.ndarray]:
    return [x for x in leaves(arguments) if is_array(x)]


def with_arrays(arguments: Arguments, arrays: Any) -> Arguments:
    """The same arguments with others in place of their arrays, in order."""
    supply = iter(arrays)
    replaced: Arguments = map_structure(lambda x: next(supply) if is_array(x) else x, arguments)
    return replaced


def engine_layer(case: Case, dtype: str = "float32") -> Any:
    clear_session()
    return made(layers, case.layer, case.config, dtype=dtype)


def call(layer: Any, case: Case, arguments: Arguments) -> Any:
    takes_training = {"training": True} if case.training else {}
    return layer(arguments[0], **arguments[1], **takes_training)


def randomize(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Other weights than the first ones, so that biases and scales count; variances stay positive."""
    random = np.random.default_rng(1)
    added = [random.uniform(0.1, 0.5, w.shape).astype(w.dtype) for w in weights]
    return [np.abs(w) + more if w.ndim < 2 or not np.ptp(w) else w for w, more in zip(weights, added, strict=True)]


def close(given: Any, expected: Any, tolerance: float) -> float:
    """Fails where two arrays differ; returns how much they do, relative to the largest number if that is above 1."""
    given, expected = np.asarray(given), np.asarray(expected)
    assert given.shape == expected.shape
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(given, expected, rtol=tolerance, atol=tolerance * scale)
    difference = np.subtract(given, expected, dtype="float64")  # of bools too
    return float(np.max(np.abs(difference), initial=0.0)) / scale


class Pair:
    """Both layers of a row, built, with the same weights.

    Raises:
        RefusedError: Keras does not take these settings.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.arguments = draw(case)
        try:
            self.theirs = made(keras.layers, case.layer, case.config)
            peer.build(self._their_call, arrays_in(self.arguments))
        except Exception as error:
            raise RefusedError(str(error)) from error
        self.ours = engine_layer(case)
        call(self.ours, case, self.arguments)
        self.values = randomize(self.theirs.get_weights())
        assert [w.shape for w in self.ours.weights] == [tuple(w.shape) for w in self.theirs.weights]
        assert [w.name for w in self.ours.weights] == [w.name for w in self.theirs.weights]
        assert [w.constant for w in self.ours.weights] == [not w.trainable for w in self.theirs.weights]
        self.reset()

    def _their_call(self, *arrays: Any) -> Any:
        return call(self.theirs, self.case, with_arrays(self.arguments, arrays))

    def reset(self) -> None:
        """The first weights again: a call in training changes moving averages."""
        self.theirs.set_weights(self.values)
        self.ours.set_weights(self.values)

    def compare(self) -> tuple[float, float]:
        """Values, and gradients with respect to inputs and weights, are equal; the largest error of both."""
        self.reset()
        arrays = arrays_in(self.arguments)
        expected, back = peer.value_and_gradients(self._their_call, arrays, self.theirs.trainable_weights)
        tensors = [Tensor(x) if is_floats(x) else x for x in arrays]
        outputs = list(leaves(call(self.ours, self.case, with_arrays(self.arguments, tensors))))
        assert len(outputs) == len(expected)
        pairs = zip(outputs, expected, strict=True)
        of_values = max(close(value_of(output), wanted, self.case.tolerance) for output, wanted in pairs)

        random = np.random.default_rng(2)
        starts = [random.normal(size=x.shape).astype("float32") for x in expected]
        to_inputs, to_weights = back(starts)
        total = sum((output * start).sum() for output, start in zip(outputs, starts, strict=True))
        if not isinstance(total, Tensor):
            assert not to_weights
            return of_values, 0.0
        gradients = engine.backward(total)
        leaf_inputs = [x for x in tensors if isinstance(x, Tensor)]
        wanted = [*zip(leaf_inputs, to_inputs, strict=True), *zip(self.ours.trainable_weights, to_weights, strict=True)]
        of_gradients = 0.0
        for tensor, theirs in wanted:
            zeros = np.zeros(tensor.shape)
            error = close(gradients.get(tensor, zeros), zeros if theirs is None else theirs, 3 * self.case.tolerance)
            of_gradients = max(of_gradients, error)
        return of_values, of_gradients

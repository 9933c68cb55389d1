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
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import Tensor
from tests.parity.case import draw
from tests.parity.cases import CASES
from tests.parity.pair import Pair, call, engine_layer, is_floats, randomize
from tests.parity.proven import Proven

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


def test_there_is_a_row_for_each_layer() -> None:
    assert {case.layer for case in CASES.values()} == set(layers.__all__) - {"Layer"}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients_equal_those_of_keras(name: str, proven: Proven) -> None:
    case = CASES[name]
    if keras.backend.backend() in case.not_on:
        pytest.skip(f"on {keras.backend.backend()}, Keras differs from itself on TensorFlow here")
    of_values, of_gradients = Pair(case).compare()
    proven.note("value", name, of_values)
    proven.note("gradients", name, of_gradients)


@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_finite_differences(name: str, proven: Proven) -> None:
    case = CASES[name]
    inputs, more = draw(case, "float64")
    layer = engine_layer(case, "float64")
    call(layer, case, (inputs, more))
    layer.set_weights(randomize(layer.get_weights()))
    moving = [weight.array.copy() for weight in layer.non_trainable_weights]
    floats = [x for x in leaves((inputs, more)) if is_floats(x)]
    arrays = {f"x{n}": x for n, x in enumerate(floats)}
    arrays |= {f"weight {n} {w.name}": w.array for n, w in enumerate(layer.trainable_weights)}

    def function(**tensors: Any) -> Any:
        for weight, value in zip(layer.non_trainable_weights, moving, strict=True):
            weight.assign(value)
        supply = iter([tensors[f"x{n}"] for n in range(len(floats))])
        given = map_structure(lambda x: next(supply) if is_floats(x) else x, (inputs, more))
        with Replaced(layer, [tensors[key] for key in arrays if key.startswith("weight ")]):
            outputs = [x for x in leaves(call(layer, case, given)) if isinstance(x, Tensor)]
        return sum(((output * output).sum() for output in outputs[1:]), (outputs[0] * outputs[0]).sum())

    if not arrays or case.coarse:
        return
    worst = engine.gradcheck(function, arrays, directions=2)
    assert worst.error < 1e-6, worst
    proven.note("finite differences", name, worst.error)


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

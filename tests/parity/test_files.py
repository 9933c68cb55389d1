"""Every row as a file: a model of its layer, saved here, opens in Keras; saved by Keras, it opens here again."""

from pathlib import Path
from typing import Any

import keras
import pytest

from firstlight import engine
from firstlight.engine.naming import clear_session
from firstlight.engine.structure import leaves
from tests.parity.case import draw
from tests.parity.cases import CASES
from tests.parity.pair import arrays_in, call, close, engine_layer, randomize, with_arrays
from tests.parity.proven import Proven

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


def one_layer(name: str) -> Any:
    """A functional model of the engine: an Input for each array of the call, and the layer of a row."""
    clear_session()
    case = CASES[name]
    arguments = draw(case)
    layer = engine_layer(case)
    arrays = arrays_in(arguments)
    inputs = [engine.Input(batch_shape=x.shape, dtype=str(x.dtype), name=f"x{n}") for n, x in enumerate(arrays)]
    outputs = call(layer, case, with_arrays(arguments, inputs))
    model = engine.Model(inputs, outputs)
    model.set_weights(randomize(model.get_weights()))
    return model


@pytest.mark.parametrize("name", CASES)
def test_files_go_both_ways(name: str, tmp_path: Path, proven: Proven) -> None:
    case = CASES[name]
    model = one_layer(name)
    arrays = arrays_in(draw(case))
    expected = list(leaves(model(arrays)))
    model.save(tmp_path / "ours.keras")
    theirs = keras.models.load_model(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    again = engine.load(tmp_path / "theirs.keras")
    worst = 0.0
    for given in (keras.tree.flatten(theirs(arrays)), list(leaves(again(arrays)))):
        assert len(given) == len(expected)
        for mine, wanted in zip(given, expected, strict=True):
            worst = max(worst, close(keras.ops.convert_to_numpy(mine), wanted, case.tolerance))
    proven.note("files", name, worst)

"""One script, two libraries: each file in scripts/ is run as it is, and with its import changed to Keras.

They train for some 100 steps from the same weights, and must stay together all the way. Those with an Embedding learn
by SGD: on TensorFlow, Keras hands the gradient of a table to Adam in pieces, one for each use of a row, and these are
squared before they are summed; on JAX, where they are summed first, Adam agrees too.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
]
SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def run(script: Path, library: str) -> dict[str, Any]:
    """The `result` of a script."""
    text = script.read_text(encoding="utf-8")
    assert text.count("from firstlight.engine import") == 1
    names: dict[str, Any] = {}
    exec(compile(text.replace("from firstlight.engine import", f"from {library} import"), str(script), "exec"), names)
    found: dict[str, Any] = names["result"]
    return found | {f"weight {n}": weight for n, weight in enumerate(names["model"].get_weights())}


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_the_same_script_learns_the_same(script: Path) -> None:
    keras.utils.set_random_seed(0)
    ours, theirs = run(script, "firstlight.engine"), run(script, "keras")
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        np.testing.assert_allclose(ours[name], expected, rtol=2e-3, atol=2e-3, err_msg=name)
    assert ours["loss"][-1] < 0.9 * ours["loss"][0]

"""What differs between the back ends of Keras: compiled functions see the weights of the moment."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

from firstlight.systems.backend import compiled, fast_precision, make_repeatable

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("fuse", [False, True])
def test_a_compiled_function_equals_the_plain_one_and_follows_the_weights(fuse: bool) -> None:
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(3, activation="tanh")
    dense.build((None, 4))
    program = compiled(lambda x: dense(x), dense.variables, fuse)
    for rows in (2, 5, 2):
        x = np.random.default_rng(rows).normal(size=(rows, 4)).astype("float32")
        np.testing.assert_allclose(program(x), dense(x), atol=1e-6)
        dense.kernel.assign(dense.kernel * 2)


def test_a_seed_repeats_what_is_drawn() -> None:
    drawn = []
    for _ in range(2):
        make_repeatable(4)
        drawn.append([keras.ops.convert_to_numpy(keras.random.normal((3,))), np.random.normal(size=3)])
    np.testing.assert_array_equal(drawn[0], drawn[1])


def test_the_faster_precision_is_one_of_two() -> None:
    assert fast_precision(size=64) in ("float32", "mixed_bfloat16")


def test_importing_a_system_does_not_load_keras() -> None:
    program = """
        import sys
        from firstlight.systems import Captioner
        captioner = Captioner(cell="lstm", units=8)
        print(captioner, "keras" in sys.modules, "tensorflow" in sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "Captioner(cell='lstm', units=8) False False"

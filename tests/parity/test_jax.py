"""The table on the JAX back end of Keras: the first row of each layer, in a process of its own.

All rows: `KERAS_BACKEND=jax python -m pytest tests/parity/test_layers.py -k value`, some three minutes.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_row_of_each_layer_is_equal_on_jax() -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PARITY_ROWS": "first", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/parity/test_layers.py"]
    done = subprocess.run(
        [*command, "-k", "equal_those_of_keras"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 60

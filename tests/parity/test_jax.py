"""The table on the JAX back end of Keras, in a process of its own that runs beside the other tests: see conftest.py.

It takes the first row of each layer; with `--write-proven` all rows.
"""

import re

import pytest

from tests.parity.conftest import OnJax
from tests.parity.proven import Proven


@pytest.mark.slow
def test_a_row_of_each_layer_is_equal_on_jax(proven: Proven, on_jax: OnJax | None) -> None:
    if on_jax is None:
        pytest.skip("needs jax")
    code = on_jax.process.wait(timeout=1800)
    output = on_jax.output.read_text(encoding="utf-8")
    assert code == 0, output[-4000:]
    passed = re.search(r"(\d+) passed", output)
    assert passed is not None
    assert int(passed[1]) > 60
    proven.read(on_jax.notes, "value", "JAX")

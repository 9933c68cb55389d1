"""Settings and shapes that nobody chose: rows are drawn, and proven by the same code as those of the table.

A usual run draws the same few of each family every time; `--drawn 500` draws more. What Keras refuses is left out;
what Keras takes, the engine has to take.
"""

from typing import Any

import keras
import pytest
from hypothesis import HealthCheck, given, settings

from tests.parity.drawn_cases import FAMILIES
from tests.parity.pair import Pair, RefusedError
from tests.parity.proven import Proven

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="what differs on JAX is not left out"),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_drawn_rows_are_equal(family: str, proven: Proven, request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--drawn", 12)

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(FAMILIES[family])
    def check(case: Any) -> None:
        try:
            pair = Pair(case)
        except RefusedError:
            proven.note("refused", family, 0.0)
            return
        proven.note("drawn", family, max(pair.compare()))

    check()
    assert proven.counts["drawn"][family] > 0.5 * count

"""The table of what is proven equal: a row a layer and configuration. What each gets for free stands in test_layers.py.

A row is proven by writing it down; see case.py for what it says.
"""

import os

from tests.parity import core_cases, image_cases, sequence_cases

CASES = {case.name: case for case in [*core_cases.CASES, *image_cases.CASES, *sequence_cases.CASES]}

FIRST_ONLY = os.environ.get("PARITY_ROWS") == "first"
if FIRST_ONLY:
    # One row a layer, for a back end on which every operation is compiled first: see test_jax.py.
    CASES = {case.name: case for case in {case.layer: case for case in reversed(CASES.values())}.values()}

"""Rows of the table for layers of vectors, shapes and activations; see case.py."""

from tests.parity.case import Case

CASES: list[Case] = [
    Case("Dense", {"units": 5}, (4,)),
    Case("Dense", {"units": 5, "activation": "tanh", "use_bias": False}, (3, 4)),
]

"""Rows of the table for layers of sequences and attention; see case.py."""

from tests.parity.case import Case

CASES: list[Case] = []

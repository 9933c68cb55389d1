"""Rows of the table for layers of images; see case.py."""

from tests.parity.case import Case

CASES: list[Case] = []

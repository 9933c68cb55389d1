"""The page of what is proven lists the layers and rows that there are."""

import re

import pytest

from tests.parity.cases import CASES, FIRST_ONLY
from tests.parity.drawn_cases import FAMILIES
from tests.parity.proven import PAGE, rows_of_layers


def test_the_page_lists_the_rows_that_there_are(request: pytest.FixtureRequest) -> None:
    if FIRST_ONLY or request.config.getoption("--write-proven", False):
        return  # a part of the table, or the page is yet to be written
    text = PAGE.read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+), \S+ \| (\d+), \S+ \|", text, re.MULTILINE)
    expected = [(layer, *[str(len(rows))] * 3) for layer, rows in rows_of_layers().items()]
    assert told == expected, "write it anew: python -m pytest tests/parity --write-proven"
    assert re.search(rf"^\| all \| {len(CASES)} \|", text, re.MULTILINE)
    assert all(re.search(rf"^\| {family} \|", text, re.MULTILINE) for family in FAMILIES)

"""The page of a search: one file that asks for nothing, escapes every text, and can be filtered."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.pages import Hit, Search, search_page
from tests.pages.browsing import fits, visible

EVIL = "<script>document.title = 'taken over'</script>"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (60, 80, 3), np.uint8) for _ in range(3)]
    found = [
        Hit("photos/one.jpg", pictures[0], 0.0, "a dog & a cat"),
        Hit(f"photos/{EVIL}.jpg", pictures[1], 0.25),
        Hit("gone\nand caf\udce9.jpg", None, 0.5),
    ]
    path = tmp_path / "deep" / "page.html"
    search_page(path, "Search", "3 images", [Search(EVIL, [Hit("query.jpg", pictures[2])], found)])
    return path


def test_one_file_that_asks_for_nothing_and_escapes(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]*)""", text)
    assert len(addresses) == 4
    assert all(address.startswith("data:") for address in addresses)
    assert text.count("<script>") == 1, "the page's own"
    assert "a dog &amp; a cat" in text
    assert "gone\\nand caf\\udce9.jpg" in text
    assert "cannot be read" in text


def test_bars_compare_distances(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"width:([\d.]+)%\"", text) == ["0.0", "50.0", "100.0"]
    assert "<span>0.2500</span>" in text


def test_a_page_of_nothing_and_of_equal_pictures(tmp_path: Path) -> None:
    search_page(tmp_path / "none.html", "Groups", "none", [])
    assert "<h1>Groups</h1>" in (tmp_path / "none.html").read_text()
    hit = Hit("a", np.zeros((4, 4, 3), np.uint8), 0.0)
    search_page(tmp_path / "same.html", "Groups", "one", [Search("Group 1", [], [hit, hit])])
    assert "Looked for" not in (tmp_path / "same.html").read_text()


@pytest.mark.slow
def test_the_page_works_in_a_browser(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    assert browser.title == "Search", "no script in a text has run"
    assert len(visible(browser, "article.found")) == 3
    browser.find_element("css selector", "input").send_keys("S/ONE")
    assert visible(browser, "article.found .name") == ["one.jpg"]
    browser.find_element("css selector", "input").send_keys("rous")
    assert visible(browser, "#empty") == ["No picture here has this in its name."]
    assert len(visible(browser, "article.wanted")) == 1
    assert browser.get_log("browser") == []
    for width in (360, 800, 1400):
        assert fits(browser, page, width)

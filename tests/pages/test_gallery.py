"""The gallery: one file that asks for nothing, escapes every text, and works in a real browser."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight.pages import Example, Metric, gallery
from firstlight.pages.document import _IMAGE_SIDE
from tests.pages.browsing import fits, visible

EVIL = "<script>document.title = 'taken over'</script>"


def example(name: str, caption: str, score: float = 50.0, shape: tuple[int, int] = (60, 80)) -> Example:
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    words = [(word, 0.9 - 0.1 * place) for place, word in enumerate(caption.split())]
    return Example(name, image, words, ["a reference & more", EVIL], score)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "gallery.html"
    examples = {
        "best": [example("one.jpg", "a dog runs"), example("two.jpg", "a cat sleeps", shape=(1200, 900))],
        "worst": [example(EVIL, f"a {EVIL}", 0.0)],
    }
    metrics = [Metric("BLEU-4", 19.8, 18.5, 21.0), Metric("CIDEr", 47.9)]
    gallery(path, f"runs & {EVIL}", metrics, "1,000 images; beam 3", examples)
    return path


def test_one_file_that_asks_for_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["gallery.html"]
    addresses = re.findall(r"""(?:src|href|url|action)\s*[=(]\s*["']?([^"')\s>]*)""", text)
    assert len(addresses) == 4
    assert all(address.startswith("data:") for address in addresses)
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "default-src 'none'" in text


def test_a_name_that_is_no_utf_8_is_shown_with_an_escape(tmp_path: Path) -> None:
    gallery(tmp_path / "gallery.html", "runs", [], "so", {"best": [example("caf\udce9.jpg", "a dog runs")]})
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.html"]
    assert "caf\\udce9.jpg" in (tmp_path / "gallery.html").read_text(encoding="utf-8")


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "gallery.html").mkdir()
    with pytest.raises(OSError, match=r"gallery\.html"):
        gallery(tmp_path / "gallery.html", "runs", [], "so", {})
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.html"]


def test_every_text_is_escaped(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<script>") == 1, "the page's own"
    assert "&lt;script&gt;document.title" in text
    assert "a reference &amp; more" in text


def test_pictures_are_small_jpegs_of_the_right_shape(page: Path) -> None:
    found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page.read_text(encoding="utf-8"))
    sizes = [Image.open(io.BytesIO(base64.b64decode(data))).size for data in found]
    assert sizes == [(80, 60), (_IMAGE_SIDE * 3 // 4, _IMAGE_SIDE), (80, 60)]


def test_metrics_and_doubt_of_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert '<dt>BLEU-4</dt><dd class="value">19.8</dd><dd class="interval">18.5 to 21.0</dd>' in text
    assert '<dt>CIDEr</dt><dd class="value">47.9</dd></div>' in text
    assert 'style="--doubt:10%" title="90% sure">a</span>' in text
    assert 'alt="a cat sleeps"' in text


def test_a_page_without_examples_is_a_page(tmp_path: Path) -> None:
    gallery(tmp_path / "empty.html", "nothing", [], "0 images", {})
    assert "<h1>nothing</h1>" in (tmp_path / "empty.html").read_text()


@pytest.mark.slow
def test_the_page_works_in_a_browser(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    assert browser.title == f"runs & {EVIL}", "the title is text, and no script in a text has run"
    assert visible(browser, ".caption") == ["a dog runs", "a cat sleeps", f"a {EVIL}"]
    widths = browser.execute_script("return [...document.images].map(image => image.naturalWidth)")
    assert all(widths)

    browser.find_element("css selector", "button[data-section=worst]").click()
    assert visible(browser, "h2") == ["Worst"]
    browser.find_element("css selector", "button[data-section=all]").click()
    search = browser.find_element("css selector", "input")
    search.send_keys("CAT")
    assert visible(browser, ".caption") == ["a cat sleeps"]
    assert visible(browser, "h2") == ["Best"]
    search.send_keys("erpillar")
    assert visible(browser, "article") == []
    assert visible(browser, "#empty") == ["No caption here has this word."]

    requests = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in requests if not name.startswith("data:")] == []
    assert browser.get_log("browser") == []


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "light"), [("light", True), ("dark", False)])
def test_light_and_dark_have_contrast(page: Path, browser: Any, scheme: str, light: bool) -> None:
    """WCAG's contrast of at least 4.5 for captions on the ground of full doubt, and for faint text on the card."""
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(page.as_uri())

    def luminance(variable: str) -> float:
        script = "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim()"
        colour = browser.execute_script(script, variable)
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        low, high = sorted([luminance(one), luminance(other)])
        return (high + 0.05) / (low + 0.05)

    assert (luminance("--paper") > 0.5) is light
    for ink, ground in [
        ("--ink", "--doubt-ground"),
        ("--soft", "--card"),
        ("--soft", "--paper"),
        ("--accent", "--card"),
    ]:
        assert contrast(ink, ground) >= 4.5, (ink, ground)


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_runs_over_the_side(page: Path, browser: Any, width: int) -> None:
    assert fits(browser, page, width)

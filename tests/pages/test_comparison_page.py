"""The page of a comparison: one file that asks for nothing, escapes every text, and holds the table and the figures."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from firstlight.pages import Column, comparison_page

EVIL = "<script>document.title = 'taken over'</script>"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    Image.new("RGB", (60, 40), "red").save(tmp_path / "figure.png")
    columns = [
        Column("accuracy", ["91.20", "–"], [1.0, None], 'mean of "seeds"'),
        Column("final loss", ["0.31", EVIL]),
        Column("", ["", f"1 of 2: diverged {EVIL}"]),
    ]
    figures = {"Loss & steps": tmp_path / "figure.png", "not drawn": tmp_path / "nowhere.png"}
    path = tmp_path / "deep" / "comparison.html"
    comparison_page(path, f"Compared {EVIL}", "2 seeds", ["adam", EVIL], columns, figures, ["A note & more."])
    return path


def test_one_file_that_asks_for_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["comparison.html"]
    addresses = re.findall(r"""(?:src|href|url|action)\s*[=(]\s*["']?([^"')\s>]*)""", text)
    assert len(addresses) == 2
    assert all(address.startswith("data:") for address in addresses)
    assert "<script" not in text


def test_the_table_has_a_row_a_variant(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count('<th scope="row">') == 2
    assert '<td class="bar" style="--share:100.0%">91.20</td>' in text
    assert "<td>–</td>" in text, "no bar where there is no score"
    assert 'title="mean of &quot;seeds&quot;"' in text
    assert "<li>A note &amp; more.</li>" in text


def test_figures_are_inside_as_they_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    (found,) = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    assert Image.open(io.BytesIO(base64.b64decode(found))).size == (60, 40)
    assert 'alt="Loss &amp; steps"' in text
    assert "not drawn" not in text


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_a_browser(page: Path, browser: Any, scheme: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(page.as_uri())
    assert browser.title.startswith("Compared <script>")
    assert browser.get_log("browser") == []
    sides = browser.execute_script(
        "const image = document.querySelector('figure img'); return [image.naturalWidth, image.clientWidth]"
    )
    assert sides == [60, 60]
    wide = browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert wide, "only the table scrolls"

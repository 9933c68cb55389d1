"""The report of an autoencoder: one file that asks for nothing, escapes every text, and shows every picture."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.pages import AutoencoderReport, Gallery, Metric, PictureRows, autoencoder_report
from tests.pages.browsing import fits

EVIL = "<script>document.title = 'taken over'</script>"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    shown = [random.integers(0, 255, (12, 10, 3), np.uint8) for _ in range(10)]
    report = AutoencoderReport(
        metrics=[Metric("Error", 4.321, 4.0, 4.6, ".3f")],
        protocol=f"300 images of split {EVIL}",
        summary=f"Less is lost. {EVIL}",
        checks=[{"name": EVIL, "passed": passed, "message": EVIL} for passed in (True, False, None)],
        parts=[PictureRows(f"There {EVIL}", EVIL, {EVIL: shown, "back": shown}, below=[EVIL] * 10)],
        spectrum={"principal components": [9.0, 4.0, 2.0], "this autoencoder": [3.0, 3.0, 3.0]},
        code_map=(random.integers(0, 255, (300, 300, 3), np.uint8), EVIL),
        samples=Gallery("New", EVIL, shown),
        history={"loss": ["1.0", "0.5"], "val_loss": ["1.1", ""], "squared_error": ["0.2", "0.1"]},
        facts={"Data": EVIL},
        passed_over=[EVIL],
    )
    path = tmp_path / "deep" / "report.html"
    autoencoder_report(path, f"faces {EVIL}", report)
    return path


def test_one_file_that_asks_for_nothing_and_runs_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    addresses = re.findall(r"""\b(?:src|href|action)\s*=\s*["']?([^"')\s>]*)""", text)
    assert all(address.startswith(("data:", "#part")) for address in addresses)
    assert sum(address.startswith("data:") for address in addresses) == 32, "and the icon"
    assert "<script" not in text
    assert text.count("<polyline") == 5
    assert "4.000 to 4.600" in text


def test_it_can_be_read_on_small_screens(page: Path, browser: Any) -> None:
    assert fits(browser, page, 360)
    assert fits(browser, page, 1280)

"""The report of a linear model: one file that asks for nothing, escapes every text, and can be read anywhere."""

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight import plots
from firstlight.pages import LinearReport, Metric, Picture, linear_report

EVIL = "<script>document.title = 'taken over'</script>"


def row(term: str, size: float | None, **more: Any) -> dict[str, Any]:
    tested = {"standard_error": 0.5, "t": -2.345, "p_value": 0.019, "low": -3.25, "high": -0.75}
    return {"term": term, "coefficient": -2.0, "standardized": size, **tested, **more}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    true = np.linspace(0, 10, 40)
    plots.residuals(true, true + np.sin(true), tmp_path / "residuals.png")
    rows = [row(EVIL, -8.0, p_value=1e-9), row("age", 4.0), *(row(f"x{n}", 0.1) for n in range(40)), row("end", None)]
    shares = {"precision": 0.75, "precision_interval": [0.5, 0.9], "recall": None, "recall_interval": [0, 1]}
    report = LinearReport(
        metrics=[Metric("R²", 0.5226, 0.34, 0.6454, ".3f"), Metric("Log loss", 0.1)],
        protocol="88 rows; every row counts the same",
        facts={"Data": f"/data/{EVIL}.csv", "Rows": "442"},
        coefficients=rows,
        notes=[f"Column {EVIL!r} is left out."],
        classes={EVIL: {"support": 7, **shares, "roc_auc": 0.9912}},
        pictures=[Picture("Residuals", tmp_path / "residuals.png", "True & predicted")],
        passed_over=[f"new.csv:3: colour: {EVIL!r} was not there in training"] * 210,
    )
    path = tmp_path / "deep" / "report.html"
    linear_report(path, f"price {EVIL}", report)
    return path


def test_one_file_that_asks_for_nothing_and_runs_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    addresses = re.findall(r"""(?:src|href|url|action)\s*[=(]\s*["']?([^"')\s>]*)""", text)
    assert len(addresses) == 2
    assert all(address.startswith("data:") for address in addresses)
    assert "<script" not in text
    assert text.count("&lt;script&gt;document.title") == 6 + 200
    assert "default-src 'none'" in text


def test_it_tells_what_it_was_given(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert '<dt>R²</dt><dd class="value">0.523</dd><dd class="interval">0.340 to 0.645</dd>' in text
    assert '<dt>Log loss</dt><dd class="value">0.1</dd></div>' in text
    assert "<td>75.0 <small>50.0 to 90.0</small></td><td>–</td><td>0.991</td>" in text
    assert "<summary>210 rows were not judged</summary>" in text
    assert "<li>and 10 more</li>" in text
    assert "<summary>13 smaller ones</summary>" in text
    assert "<td>&lt;0.0001</td>" in text
    assert "<td>−2.35</td>" in text or "<td>−2.34</td>" in text
    assert "<td>−3.25 to −0.75</td>" in text
    image = base64.b64decode(re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)[0])
    assert image == (page.parent.parent / "residuals.png").read_bytes()


def test_bars_are_as_long_as_coefficients_are_large(page: Path) -> None:
    bars = re.findall(r'<i class="(plus|minus)" style="width:([\d.]+)%">', page.read_text(encoding="utf-8"))
    assert bars[:3] == [("minus", "50.0"), ("plus", "25.0"), ("plus", "0.6")]
    assert len(bars) == 42, "the intercept has none"


def test_without_tests_there_are_no_empty_columns_but_a_reason(tmp_path: Path) -> None:
    rows = [{"term": "a", "class": "cat", "coefficient": 1.0, "standardized": 0.0}]
    linear_report(tmp_path / "plain.html", "x", LinearReport([], "", {}, rows, untested="for the penalty"))
    text = (tmp_path / "plain.html").read_text()
    assert "for the penalty" in text
    assert "95 % interval</th>" not in text
    assert '<th class="name">Class</th>' in text
    assert "<figure>" not in text
    linear_report(tmp_path / "empty.html", "x", LinearReport([], "", {}, []))
    assert "Coefficients" not in (tmp_path / "empty.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_works_in_a_browser(page: Path, browser: Any, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())
    assert browser.title == f"price {EVIL}", "the title is text, and no script in a text has run"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert all(browser.execute_script("return [...document.images].map(image => image.naturalWidth)"))
    tables = browser.find_elements("css selector", ".coefficients")
    assert [table.is_displayed() for table in tables] == [True, False]
    browser.find_elements("css selector", "summary")[-1].click()
    assert tables[1].is_displayed()
    assert browser.get_log("browser") == []

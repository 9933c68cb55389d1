"""The page of descents: one file that asks for nothing, whole without its script, and moving with it."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.pages import descent_page
from firstlight.plots import Descent
from tests.pages.browsing import fits

EVIL = "</script><script>document.title = 'taken over'</script>"
STEPS = 40


def bowl(names: tuple[str, ...], lost: frozenset[str] = frozenset()) -> Descent:
    columns, rows = np.linspace(-3, 3, 61), np.linspace(-2, 2, 41)
    paths = {}
    for place, name in enumerate(names):
        times = np.arange(STEPS + 1 if name not in lost else 11)
        reach, angle = 1.9 * 0.9**times, 0.3 * times + place
        positions = np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
        paths[name] = (positions, (positions**2).sum(axis=1) + 5)
    values = columns[None] ** 2 + rows[:, None] ** 2 + 5
    formula = f"L = x² + y² + 5 {EVIL}"
    return Descent(f"Bowl & {EVIL}", formula, columns, rows, values, np.zeros((1, 2)), 5.0, paths, lost, {"sgd": 0.25})


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "paths.html"
    descent_page(path, [bowl(("sgd", EVIL)), bowl(("adam", "sgd"), frozenset({"sgd"}))], protocol="40 steps")
    return path


def test_one_file_that_asks_for_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["paths.html"]
    assert "default-src 'none'" in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert re.findall(r"""\b(?:src|href)\s*=\s*["']?([^"'\s>]*)""", text) == ["data:,"]
    assert text.count("<script>") == 1, "the page's own"


def test_all_is_there_without_the_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8").partition("<script>")[0]
    lines = re.findall(r'<polyline class="path" data-path="(\d)"[^>]* points="([^"]*)"', text)
    assert [int(place) for place, _ in lines] == [0, 1, 0, 1, 2, 0, 2, 0], "on map and curve; sgd has one colour"
    assert [len(points.split()) for _, points in lines] == [41, 41, 41, 41, 41, 11, 41, 11]
    assert text.count('class="contour"') >= 20
    assert text.count('class="band"') >= 10


def test_places_are_where_the_axes_say(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    data = json.loads(re.search(r"const DATA = (.*);\n", text)[1])  # type: ignore[index]
    track = data["descents"][0][0]
    ticks = re.findall(
        r'<text x="([\d.]+)" y="371" text-anchor="middle">(-?\d+)</text>', text.partition("</svg>\n</svg>")[0]
    )
    (zero, one) = (next(float(x) for x, label in ticks if label == wanted) for wanted in ("0", "1"))
    assert track["places"][0][0] == pytest.approx(zero + 1.9 * (one - zero), abs=0.3)
    assert track["numbers"][0] == [1.9, 0, 8.61]
    assert data["last"] == STEPS
    assert [[each["lost"] for each in tracks] for tracks in data["descents"]] == [[False, False], [False, True]]


def cells(browser: Any, path: int, section: int = 0) -> list[str]:
    rows = browser.find_elements("css selector", f'section[data-descent="{section}"] tr[data-path="{path}"] td')
    return [cell.text for cell in rows]


def points(browser: Any, selector: str) -> int:
    return len(browser.find_element("css selector", selector).get_attribute("points").split())


def move(browser: Any, step: int) -> None:
    browser.execute_script(
        "const slider = document.getElementById('slider'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input'))",
        step,
    )


@pytest.mark.slow
def test_the_page_works_in_a_browser(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    assert browser.title == "How optimizers descend", "no script in a text has run"
    assert browser.find_element("css selector", "h2").text == f"Bowl & {EVIL}"
    assert browser.find_element("id", "step").text == "step 40 of 40"
    assert points(browser, ".path") == 41

    move(browser, 4)
    assert browser.find_element("id", "step").text == "step 4 of 40"
    assert points(browser, ".path") == 5
    place = 1.9 * 0.9**4 * np.array([np.cos(1.2), np.sin(1.2)])
    assert cells(browser, 0) == ["0.25", *(f"{value:.4f}" for value in place), f"{(place**2).sum() + 5:.4f}"]
    end = browser.find_element("css selector", ".end")
    last = browser.find_element("css selector", ".path").get_attribute("points").split()[-1]
    assert f"{float(end.get_attribute('cx')):g},{float(end.get_attribute('cy')):g}" == last

    move(browser, 30)
    assert cells(browser, 0, section=1)[-1] == "diverged"
    assert cells(browser, 2, section=1)[-1] != "diverged"

    toggle = browser.find_element("css selector", '.toggle[data-path="0"]')
    toggle.click()
    shown = browser.find_elements("css selector", '.path[data-path="0"], .end[data-path="0"], tr[data-path="0"]')
    assert len(shown) == 10
    assert not any(part.is_displayed() for part in shown)
    assert toggle.get_attribute("aria-pressed") == "false"
    toggle.click()
    assert all(part.is_displayed() for part in shown)

    requests = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in requests if not name.startswith("data:")] == []
    assert browser.get_log("browser") == []


@pytest.mark.slow
def test_it_plays_pauses_and_ends(page: Path, browser: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(page.as_uri())
    play = browser.find_element("id", "play")
    assert play.text == "Replay"
    browser.execute_script("document.getElementById('speed').value = '5'")
    play.click()
    assert play.text == "Pause"
    told = browser.find_element("id", "step")
    WebDriverWait(browser, 10, 0.05).until(lambda _: 0 < int(told.text.split()[1]) < 40)
    play.click()
    assert play.text == "Play"
    rests = told.text
    browser.execute_async_script("setTimeout(arguments[0], 200)")
    assert told.text == rests
    browser.execute_script("document.getElementById('speed').value = '100'")
    play.click()
    WebDriverWait(browser, 10, 0.05).until(lambda _: play.text == "Replay")
    assert told.text == "step 40 of 40"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_stand_out_from_the_map(page: Path, browser: Any, scheme: str) -> None:
    """WCAG's contrast of at least 3 for what is drawn, against the card."""
    from firstlight.pages import paths_page

    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(page.as_uri())
    script = "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim()"

    def luminance(colour: str) -> float:
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    ground = luminance(browser.execute_script(script, "--card"))
    colours = [pair[scheme == "dark"] for pair in paths_page._COLOURS]
    assert [browser.execute_script(script, f"--path-{place}") for place in range(3)] == colours[:3]
    assert len(set(colours)) == 11
    for colour in colours:
        low, high = sorted([luminance(colour), ground])
        assert (high + 0.05) / (low + 0.05) >= 3, colour


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_runs_over_the_side(page: Path, browser: Any, width: int) -> None:
    assert fits(browser, page, width)

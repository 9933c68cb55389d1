"""The report of a classifier: escaped, small, for two classes and a thousand, and it works in a real browser."""

import base64
import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight import pages
from firstlight.pages import cases
from firstlight.pages.cases import heat_uri
from firstlight.pages.charts import line_chart
from tests.pages.browsing import fits, visible

EVIL = "<script>document.title = 'taken over'</script>"


def picture(side: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (side, side + 2, 3), np.uint8)


def case(true: str, told: str, side: int = 8) -> pages.Case:
    heat = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    shares = [(told, 0.8), (true, 0.15)] if told != true else [(told, 0.4)]
    return pages.Case(f"{true}.png", picture(side), told, shares, true, {"Told class": heat, "Other class": heat.T})


def report(classes: list[str], **changes: Any) -> pages.ClassifierReport:
    count = len(classes)
    matrix = np.diag(np.full(count, 9)) + np.eye(count, k=1, dtype=int)
    rows = [
        pages.ClassRow(label, 30 + place, 10, (0.9, 0.6, 0.98), (place / count, 0.0, 1.0), [picture()] * 2)
        for place, label in enumerate(classes)
    ]
    pairs = [pages.Pair(one, other, 1, [(f"{one}.png", picture(seed=1), 0.7)]) for one, other in pairwise(classes)]
    bins = np.array([0.55, 0.95])
    return pages.ClassifierReport(
        **{
            "metrics": [pages.Metric("Accuracy, %", 90.0, 85.0, 94.0)],
            "protocol": "20 images",
            "summary": "18 of 20 were told rightly.",
            "classes": rows,
            "pairs": pairs[:20],
            "matrix": matrix if count <= 30 else None,
            "checks": [
                {"name": "majority class", "passed": True, "message": "90 against 50"},
                {"name": "shuffled images", "passed": False, "message": f"no {EVIL}"},
                {"name": "overlap", "passed": None, "message": "nobody can tell"},
            ],
            "heats": ["Told class", "Other class"],
            "mistakes": [case(classes[0], classes[1]), case(classes[0], classes[1], 200)],
            "unsure": [case(classes[1], classes[1])],
            "calibration": (bins, bins - 0.1, bins - 0.2, bins, np.array([4, 16])),
            "history": {"loss": ["1.0", "0.5"], "validation_loss": ["", "0.6"], "accuracy": ["0.4", "0.8"]},
            "facts": {"Network": f"cnn {EVIL}", "Seed": "0"},
            "inside": [pages.Gallery("First weights", "Orange speaks for it.", [picture(3)] * 3)],
            "passed_over": [f"broken {EVIL}.png"],
            **changes,
        }
    )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "report.html"
    pages.classifier_report(path, f"runs & {EVIL}", report(["cat", EVIL, "a longer name"]))
    return path


def test_one_file_in_which_every_text_is_escaped(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    assert text.count("<script>") == 1, "the page's own"
    addresses = re.findall(r"""(?:src|href|url|action)\s*[=(]\s*["']?([^"')\s>]*)""", text)
    assert all(address.startswith(("data:", "#part", "#pair")) for address in addresses)
    assert "default-src 'none'" in text


def test_small_pictures_stay_pixel_by_pixel(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    first, second = re.findall(r'<img class="photo ?(\w*)" src="data:image/(\w+);base64,([^"]+)"', text)[:2]
    assert (first[0], first[1], second[0], second[1]) == ("pixels", "png", "", "jpeg")
    kept = np.asarray(Image.open(io.BytesIO(base64.b64decode(first[2]))))
    np.testing.assert_array_equal(kept, picture())
    assert Image.open(io.BytesIO(base64.b64decode(second[2]))).size == (202, 200)


def test_grey_pictures_take_one_channel() -> None:
    grey = np.repeat(picture()[..., :1], 3, -1)
    data = re.findall(r"base64,([^\"]+)", cases.picture(grey, 100))[0]
    found = Image.open(io.BytesIO(base64.b64decode(data)))
    assert found.mode == "L"
    np.testing.assert_array_equal(np.asarray(found), grey[..., 0])


def test_a_heat_is_see_through_where_there_is_none() -> None:
    heat = np.zeros((10, 10), np.float32)
    heat[:, 6:] = 1
    drawn = Image.open(io.BytesIO(base64.b64decode(heat_uri(heat, (50, 100, 3)).partition(",")[2]))).convert("RGBA")
    assert drawn.size == (96, 48), "the proportions of the picture"
    opacity = np.asarray(drawn)[..., 3]
    assert opacity[:, :48].max() < 20
    assert opacity[:, 70:].min() > 180


def test_figures_are_as_given(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert '<dd class="value">90.0</dd><dd class="interval">85.0 to 94.0</dd>' in text
    assert '<li class="alarm"><b>ALARM</b><span>shuffled images: no &lt;script&gt;' in text
    assert '<li class="unsure"><b>?</b><span>overlap' in text
    assert '<td class="bar" data-value="0.900000" title="60.0 to 98.0">' in text
    assert "told 55 %, true 45 % (35 to 55) of 4" in text
    assert "1 image was not judged" in text


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    bare = pages.ClassifierReport([], "0 images", "", [pages.ClassRow("a", None, 0, (None, 0, 1), (None, 0, 1))], [])
    pages.classifier_report(tmp_path / "bare.html", "bare", bare)
    text = (tmp_path / "bare.html").read_text()
    assert "There are none." in text
    assert 'class="toggle"' not in text
    assert "How it was trained" not in text
    assert "Learned from" not in text
    assert line_chart({"loss": [None]}, "Loss") == ""


def test_a_thousand_classes(tmp_path: Path) -> None:
    many = [f"class {number}" for number in range(1000)]
    path = tmp_path / "many.html"
    pages.classifier_report(path, "many", report(many))
    text = path.read_text()
    assert 'class="matrix' not in text
    assert text.count('<figure class="pair"') == 20
    assert text.count('<th scope="row">class ') == 1000
    assert path.stat().st_size < 5_000_000


@pytest.mark.slow
def test_it_works_in_a_browser(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    assert browser.title == f"runs & {EVIL}", "the title is text, and no script in a text has run"
    script = "return [...document.images].map(image => {image.loading = 'eager'; return image.src.slice(0, 5)})"
    assert set(browser.execute_script(script)) == {"data:"}

    assert visible(browser, ".pair figcaption") == [f"cat taken for {EVIL}, once"]
    browser.find_elements("css selector", "a[data-pair]")[1].click()
    assert visible(browser, ".pair figcaption") == [f"{EVIL} taken for a longer name, once"]

    def opacity(place: int) -> float:
        return float(
            browser.execute_script(
                "document.querySelectorAll('.heat').forEach(heat => heat.style.transition = 'none');"
                f"return getComputedStyle(document.querySelector('.heat{place}')).opacity"
            )
        )

    assert (opacity(1), opacity(2)) == (0, 0)
    browser.find_element("css selector", "[data-heat='2']").click()
    assert (opacity(1), opacity(2)) == (0, 1)
    browser.find_element("css selector", "[data-heat='0']").click()
    assert (opacity(1), opacity(2)) == (0, 0)

    heads = browser.find_elements("css selector", ".classes thead button")
    browser.execute_script("arguments[0].click(); arguments[0].click()", heads[3])
    assert visible(browser, ".classes tbody th") == ["a longer name", EVIL, "cat"], "by recall, the highest first"
    browser.execute_script("arguments[0].click()", heads[1])
    assert visible(browser, ".classes tbody th") == ["cat", EVIL, "a longer name"]
    assert browser.get_log("browser") == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("count", [2, 30, 31])
def test_nothing_runs_over_the_side(count: int, width: int, browser: Any, tmp_path: Path) -> None:
    classes = [f"a rather long name of class {number}" for number in range(count)]
    pages.classifier_report(tmp_path / "page.html", "page", report(classes))
    assert fits(browser, tmp_path / "page.html", width)
    assert browser.get_log("browser") == []


@pytest.mark.slow
def test_a_page_of_explanations(tmp_path: Path, browser: Any) -> None:
    cards = [
        pages.Case(EVIL, picture(), "cat", [("cat", 0.9), (EVIL, 0.1)], None, {"Saliency": np.eye(4, dtype=np.float32)})
    ]
    pages.explanations(tmp_path / "page.html", "one image", "pixels", cards, ["Saliency"], [f"broken {EVIL}"])
    browser.get((tmp_path / "page.html").as_uri())
    assert browser.title == "one image"
    assert visible(browser, ".verdict") == ["cat"]
    assert visible(browser, ".toggle button") == ["Picture", "Saliency"]
    assert f"broken {EVIL}" in visible(browser, "li")
    assert browser.get_log("browser") == []

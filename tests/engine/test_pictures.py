"""What the pages of the engine are made of: PNG files that others open, colours, layouts without overlap, charts."""

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from firstlight.engine import charts
from firstlight.engine.diagram import Box, diagram
from firstlight.engine.figures import figures_of
from firstlight.engine.picture import data_uri, png, shaded, tiled
from firstlight.errors import FirstlightError

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("colours", "mode"), [(2, "P"), (256, "P"), (10**9, "RGB")])
def test_a_png_is_what_pillow_reads(colours: int, mode: str) -> None:
    random = np.random.default_rng(0)
    palette = random.integers(0, 256, (min(colours, 4000), 3), np.uint8)
    pixels = palette[random.integers(0, len(palette), (37, 53))]
    with Image.open(io.BytesIO(png(pixels))) as read:
        assert read.mode == mode
        np.testing.assert_array_equal(np.asarray(read.convert("RGB")), pixels)


@pytest.mark.parametrize("wrong", [np.zeros((3, 3)), np.zeros((0, 3, 3), np.uint8), np.zeros((3, 3, 4), np.uint8)])
def test_other_pixels_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(FirstlightError, match="Expected pixels"):
        png(wrong)


def test_colours_go_from_dark_to_light_or_around_white() -> None:
    rising = shaded(np.linspace(0, 1, 9)[None]).astype(int).sum(-1)[0]
    assert (np.diff(rising) > 0).all()
    blue, white, orange = shaded(np.array([[-2.0, 0.0, 2.0]]))[0].astype(int)
    assert blue[2] > blue[0]
    assert white.min() > 240
    assert orange[0] > orange[2]
    assert shaded(np.array([[np.nan, 1.0]]))[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(shaded(np.array([[5.0]]), largest=1.0), shaded(np.array([[1.0]]), largest=1.0))


def test_tiles_are_magnified_and_set_apart() -> None:
    tiles = [np.full((2, 3, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = tiled(tiles, 2, scale=4)
    assert sheet.shape == (2 * 8 + 2, 2 * 12 + 2, 3)
    assert sheet[0, 0, 0] == 10
    assert sheet[7, 25, 0] == 20
    assert sheet[17, 0, 0] == 30
    assert sheet[8, 0, 0] == 128


def boxes_of(svg: str) -> dict[str, tuple[float, float, float, float]]:
    root = ElementTree.fromstring(svg)
    found = {}
    for group in root.iter(f"{SVG}g"):
        rect, text = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert rect is not None
        assert text is not None
        x, y, width, height = (float(rect.get(name) or 0) for name in ("x", "y", "width", "height"))
        found[str(text.text)] = (x, y, x + width, y + height)
    return found


def test_boxes_do_not_overlap_and_arrows_lead_on() -> None:
    random = np.random.default_rng(0)
    edges = sorted({(int(a), int(b)) for a, b in random.integers(0, 24, (60, 2)) if a < b})
    boxes = [Box([f"n{n}", "x" * int(random.integers(1, 20))]) for n in range(24)]
    for across in (False, True):
        places = boxes_of(diagram(boxes, edges, across))
        for a, b in edges:
            before, after = places[f"n{a}"], places[f"n{b}"]
            assert before[2 if across else 3] < after[0 if across else 1]
        found = list(places.values())
        for number, one in enumerate(found):
            assert min(one) >= 0
            for other in found[number + 1 :]:
                apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
                assert apart


def test_a_circle_is_refused() -> None:
    with pytest.raises(FirstlightError, match="circle"):
        diagram([Box(["a"]), Box(["b"])], [(0, 1), (1, 0)])


def test_a_diagram_escapes_and_links() -> None:
    svg = diagram([Box(["<a>"], link='#"x"')], [], title="a & b")
    assert list(boxes_of(svg)) == ["<a>"]
    assert ElementTree.fromstring(svg).get("aria-label") == "a & b"
    assert ElementTree.fromstring(svg).find(f"{SVG}a").get("href") == '#"x"'  # type: ignore[union-attr]


def test_bars_share_a_scale() -> None:
    text = charts.bars({"up": 3.0, "down": -1.0, "none": float("nan")})
    assert re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", text) == [
        ("25.0", "75.0"),
        ("0.0", "25.0"),
        ("25.0", "0.0"),
    ]


def test_a_histogram_counts() -> None:
    svg = charts.histogram(np.array([0.0, 0.0, 0.0, 1.0, np.inf]), "of four", bins=2, width=20, height=30)
    assert "M0.0 30 v-30.0" in svg
    assert "M10.0 30 v-10.0" in svg
    assert "0 to 1" in svg
    assert charts.histogram(np.array([np.nan]), "of none") == ""


def test_lines_leave_gaps() -> None:
    svg = charts.lines({"size": [1.0, None, 10.0, 100.0]}, list("abcd"), ["#a", "#b", "#c", "#d"])
    (path,) = re.findall(r'class="series0" d="([^"]+)"', svg)
    assert path.count("M") == 2
    assert svg.count("<circle") == 3
    assert charts.lines({"none": [None, 0.0]}, ["a", "b"], ["#a", "#b"]) == ""


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((1, 3), 'class="bars"'),
        ((2, 100), "width="),
        ((1, 5, 30), "width="),
        ((1, 30, 5), "turned"),
        ((1, 6, 6, 40), "the first 24 of 40 maps"),
        ((), 'class="bars"'),
    ],
)
def test_arrays_of_every_rank_have_a_figure(shape: tuple[int, ...], told: str) -> None:
    (figure,) = figures_of("output", np.random.default_rng(0).normal(size=shape).astype("float32"))
    assert told in figure


def test_outliers_do_not_set_the_scale() -> None:
    x = np.ones((1, 1000))
    x[0, 0] = 1e6
    (figure,) = figures_of("output", x)
    assert "0 to 1, at most 1e+06" in figure
    assert figures_of("output", np.zeros((1, 0))) == []


def test_a_picture_as_text() -> None:
    assert data_uri(np.zeros((1, 1, 3), np.uint8)).startswith("data:image/png;base64,iVBOR")

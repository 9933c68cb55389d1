"""Images of a split as pixels: held or read again, grey or in colour, and what cannot be read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstlight.errors import FirstlightError
from firstlight.systems import pictures
from firstlight.systems.pictures import Pictures, image_name, is_grey, pixels_of, spread


def files(folder: Path, count: int, grey: bool = False) -> list[Path]:
    """Images of 6 x 8 pixels and one file that is none, in second place."""
    random = np.random.default_rng(0)
    paths = []
    for number in range(count):
        pixels = random.integers(0, 256, (6, 8) if grey else (6, 8, 3), np.uint8)
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    paths.insert(1, folder / "broken.png")
    paths[1].write_text("no image")
    return paths


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_the_same_held_or_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int) -> None:
    images = [*files(tmp_path, 5), np.full((6, 8, 3), 9, np.uint8)]
    lines: list[str] = []
    counted: list[int] = []
    held = Pictures(images, (6, 8, channels), lines.append, counted.append)
    monkeypatch.setattr(pictures, "_MEMORY", 0)
    read_again = Pictures(images, (6, 8, channels))
    assert (held.held, read_again.held, read_again.pixels) == (True, False, None)
    assert held.rows == read_again.rows == [0, 2, 3, 4, 5, 6]
    assert len(held) == len(read_again) == 6
    assert counted == sorted(counted)
    assert counted[-1] == 7
    (line,) = lines
    assert line.startswith("passed over: ")
    assert "broken.png" in line
    for places in ([0, 3, 5], [4, 4], np.array([2])):
        found = held.take(places)
        assert found.shape == (len(places), 6, 8, channels)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, read_again.take(places))
    wanted = np.asarray(Image.open(images[4]))
    np.testing.assert_array_equal(held.take([3])[0], pixels_of(wanted, channels))


def test_where_nothing_can_be_read_the_first_reason_is_told(tmp_path: Path) -> None:
    broken = files(tmp_path, 1)[1]
    with pytest.raises(FirstlightError, match=r"Received 2, none of them readable\. First: .*broken\.png"):
        Pictures([broken, tmp_path / "none.png"], (6, 8, 3))


def test_brightness_is_the_weighted_sum_of_the_colours() -> None:
    """ITU-R BT.601, section 2.5.1."""
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 10, 10]]], np.uint8)
    assert pixels_of(colours, 3) is colours
    found = pixels_of(colours, 1)
    assert (found.shape, found.dtype) == ((1, 4, 1), np.uint8)
    assert found.ravel().tolist() == [76, 150, 29, 10]


def test_images_are_spread_from_the_first_to_the_last() -> None:
    assert spread(range(100), 5) == [0, 25, 50, 74, 99]
    assert spread("abc", 8) == ["a", "b", "c"]
    assert spread([7], 1) == [7]


def test_grey_is_what_has_no_colour(tmp_path: Path) -> None:
    grey = files(tmp_path, 3, grey=True)
    assert is_grey(grey)
    assert is_grey([np.stack([np.arange(12).reshape(3, 4).astype(np.uint8)] * 3, axis=-1)])
    red = np.zeros((4, 4, 3), np.uint8)
    red[0, 0, 0] = 3
    assert not is_grey([*grey, red]), "one pixel with a colour is enough"
    assert is_grey([red // 2]), "a step or two is what a JPEG makes of grey"
    assert not is_grey([grey[1]]), "of what cannot be read nothing is known"


def test_names_of_images() -> None:
    assert [image_name(image, 7) for image in ("a/b.zip/c.jpg", Path("d/e.png"), np.zeros((2, 2)))] == [
        *("c.jpg", "e.png", "7")
    ]

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from firstlight.data import scenes
from firstlight.data.scenes.backdrops import BACKDROPS, backdrop
from firstlight.data.scenes.pen import Pen, bend, mix, smooth
from firstlight.data.scenes.things import PAINTERS
from firstlight.data.scenes.world import COLORS, SETTINGS, THINGS, colors_for
from firstlight.errors import FirstlightError


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("facing", [1, -1])
def test_a_thing_stays_in_its_box_and_shows_its_color(thing: str, facing: int) -> None:
    kind, scale, color = THINGS[thing], 200, COLORS["red"]
    image = Image.new("RGB", (600, 600), (0, 90, 90))
    PAINTERS[thing](Pen(ImageDraw.Draw(image, "RGBA"), 300, 400, scale, facing), color)
    picture = np.asarray(image).astype(int)
    rows, columns = np.nonzero(np.abs(picture - (0, 90, 90)).max(-1) > 40)
    assert columns.min() >= 300 - scale * (kind.width / 2 + 0.03)
    assert columns.max() <= 300 + scale * (kind.width / 2 + 0.03)
    assert rows.min() >= 400 - scale * (kind.height + 0.03)
    assert rows.max() <= 400 + scale * 0.07
    assert len(rows) > 0.3 * scale**2 * kind.width * kind.height  # a clear silhouette
    reddish = picture[rows, columns]
    assert np.mean((reddish[:, 0] > 1.6 * reddish[:, 1]) & (reddish[:, 0] > 90)) > 0.4  # one colour is the main one


def test_every_allowed_color_stands_out_at_64_pixels() -> None:
    for setting, world in SETTINGS.items():
        for thing in world.things:
            kind = THINGS[thing]
            scale = 0.225 * kind.scale
            foot = {"sky": 0.36, "ground": 0.9, "water": 0.66 if setting == "beach" else 0.8}[kind.zone]
            empty = scenes.draw(scenes.Scene("s", setting, 0, ()), 64).astype(int)
            for color in colors_for(setting, thing):
                group = scenes.Group(thing, color, "small", (scenes.Spot(0.5, foot, scale),))
                drawn = scenes.draw(scenes.Scene("s", setting, 0, (group,)), 64)
                difference = np.abs(drawn - empty).max(-1)
                area = (64 * scale) ** 2 * kind.width * kind.height
                assert (difference > 30).sum() > 0.35 * area, (setting, thing, color)
                assert (difference > 60).sum() > 40, (setting, thing, color)


@pytest.mark.parametrize("size", [32, 64, 97, 384])
def test_any_size_shows_the_same_scene(size: int) -> None:
    scene = scenes.compose("sizes")
    small = Image.fromarray(scenes.draw(scene, size)).resize((16, 16), Image.Resampling.BOX)
    large = Image.fromarray(scenes.draw(scene, 192)).resize((16, 16), Image.Resampling.BOX)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(large)).mean() < 6


def test_edges_are_smooth() -> None:
    group = scenes.Group("ball", "red", "large", (scenes.Spot(0.5, 0.9, 0.36),))
    picture = scenes.draw(scenes.Scene("s", "snow", 0, (group,)), 96)
    assert len(np.unique(picture[60:90, 30:66].reshape(-1, 3), axis=0)) > 60  # many mixed tones along the border


def test_drawing_leaves_the_backdrop_alone() -> None:
    before = np.asarray(backdrop("sea", 1, 96)).copy()
    group = scenes.Group("boat", "red", "large", (scenes.Spot(0.5, 0.8, 0.36),))
    scenes.draw(scenes.Scene("s", "sea", 1, (group,)), 32)
    assert np.array_equal(before, np.asarray(backdrop("sea", 1, 96)))


def test_backdrops_differ_within_a_setting_and_more_between_settings() -> None:
    pictures = {
        setting: np.stack([np.asarray(backdrop(setting, number, 48)).astype(int) for number in range(BACKDROPS)])
        for setting in SETTINGS
    }
    for setting, own in pictures.items():
        assert len({picture.tobytes() for picture in own}) == BACKDROPS
        within = np.abs(own - own.mean(0)).mean()
        others = [np.abs(own.mean(0) - other.mean(0)).mean() for name, other in pictures.items() if name != setting]
        assert within < min(others)


def test_a_known_picture() -> None:
    group = scenes.Group("house", "red", "large", (scenes.Spot(0.5, 0.9, 0.38),))
    picture = scenes.draw(scenes.Scene("s", "meadow", 0, (group,)), 96)
    assert picture[4, 48].tolist() == pytest.approx([105, 184, 235], abs=3)  # sky
    assert picture[70, 42].tolist() == pytest.approx(COLORS["red"], abs=3)  # wall
    assert picture[92, 10].tolist() == pytest.approx([157, 209, 96], abs=4)  # grass


def test_a_picture_too_small_is_refused() -> None:
    with pytest.raises(FirstlightError, match="at least 16 pixels"):
        scenes.draw(scenes.compose(0), 8)


def test_drawing_is_fast() -> None:
    drawn = scenes.split_scenes("train", 300)
    for scene in drawn:
        scenes.draw(scene)
    start = time.process_time()
    for scene in drawn:
        scenes.draw(scene)
    assert (time.process_time() - start) / len(drawn) < 0.006  # about 0.5 ms; the margin is for a busy machine


def test_smooth_and_bend_keep_the_shape() -> None:
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    assert smooth(square, 1)[:2] == ((0.25, 0.0), (0.75, 0.0))
    assert len(smooth(square, 3)) == 32
    corner = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    assert bend(corner)[0] == corner[0]
    assert bend(corner)[-1] == corner[-1]


def test_mix_of_two_colors() -> None:
    assert mix((0, 100, 200), (200, 100, 0), 0.25) == (50, 100, 150)

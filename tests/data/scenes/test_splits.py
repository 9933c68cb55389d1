import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from firstlight.data import scenes
from firstlight.data.scenes.world import COLORS, SETTINGS, THINGS, WITHHELD, colors_for
from firstlight.errors import FirstlightError

# Of the first 200 training scenes of seed 0; a change of either is a change of the data set. There is no checksum of
# pixels: within one release of Pillow they repeat, but its floating-point edges may round differently elsewhere.
DESCRIPTIONS_SHA256 = "ebe24c81a859c15049acdf1a5eae8b681a19b2e6b70b9ebd5045a3a07d54b708"
CAPTIONS_SHA256 = "4e752197c9541d5f7052375fd97a232afdebe2c3dda5284e0d59ad34a220e0aa"


@pytest.fixture(scope="module")
def many() -> dict[str, list[scenes.Scene]]:
    return {name: scenes.split_scenes(name, 2000) for name in ("train", "validation", "test", "unseen")}


def pairs(scene: scenes.Scene) -> set[tuple[str, str]]:
    return {(group.thing, group.color) for group in scene.groups}


def test_scenes_and_captions_are_the_same_on_every_machine() -> None:
    first = scenes.split_scenes("train", 200)
    descriptions = "\n".join(repr(scene) for scene in first)
    captions = "\n".join(caption for scene in first for caption in scenes.captions(scene))
    assert hashlib.sha256(descriptions.encode()).hexdigest() == DESCRIPTIONS_SHA256
    assert hashlib.sha256(captions.encode()).hexdigest() == CAPTIONS_SHA256


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib; from firstlight.data import scenes;"
        "part = scenes.load(20, 0, 0, 5, size=48, seed=3);"
        "print(hashlib.sha256(b''.join(i.tobytes() for s in part.splits.values() for i in s.images)).hexdigest())"
    )
    root = Path(scenes.__file__).parents[3]
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    part = scenes.load(20, 0, 0, 5, size=48, seed=3)
    images = b"".join(image.tobytes() for split in part.splits.values() for image in split.images)
    assert answer.stdout.strip() == hashlib.sha256(images).hexdigest()


def test_a_longer_training_split_changes_nothing_else() -> None:
    short, long = scenes.load(4, 3, 3, 3, size=32), scenes.load(9, 3, 3, 3, size=32)
    assert long.train.captions[:4] == short.train.captions
    for name in ("validation", "test", "unseen"):
        assert long[name].captions == short[name].captions
        assert all(np.array_equal(a, b) for a, b in zip(long[name].images, short[name].images, strict=True))


def test_another_seed_gives_other_scenes() -> None:
    assert scenes.split_scenes("test", 5, seed=0) != scenes.split_scenes("test", 5, seed=1)


def test_columns_of_a_split() -> None:
    part = scenes.load(3, 2, 2, 2, size=40)
    assert list(part.splits) == ["train", "validation", "test", "unseen"]
    assert [len(split) for split in part.splits.values()] == [3, 2, 2, 2]
    row = part.train[0]
    assert list(row) == ["names", "images", "captions", "facts", "true_facts"]
    assert row["images"].shape == (40, 40, 3)
    assert row["images"].dtype == np.uint8
    assert len(set(row["captions"])) == 5
    assert row["facts"] < row["true_facts"]
    assert len(set(part.train.names)) == 3


def test_withheld_pairs_are_only_in_unseen(many: dict[str, list[scenes.Scene]]) -> None:
    for name in ("train", "validation", "test"):
        assert not any(pairs(scene) & WITHHELD for scene in many[name])
    assert all(pairs(scene) & WITHHELD for scene in many["unseen"])
    assert set().union(*map(pairs, many["unseen"])) >= WITHHELD


def test_things_and_colors_of_withheld_pairs_are_well_trained_apart() -> None:
    seen = Counter(pair for scene in scenes.split_scenes("train", 4000) for pair in pairs(scene))
    for thing, color in WITHHELD:
        assert sum(count for (other, _), count in seen.items() if other == thing) > 200
        assert sum(count for (_, other), count in seen.items() if other == color) > 200
    possible = {
        (thing, color) for name in SETTINGS for thing in SETTINGS[name].things for color in colors_for(name, thing)
    }
    assert set(seen) == possible - WITHHELD


def test_no_scene_of_one_split_is_in_another(many: dict[str, list[scenes.Scene]]) -> None:
    looks = {name: {(scene.setting, scene.groups) for scene in split} for name, split in many.items()}
    assert all(len(look) == 2000 for look in looks.values())
    for name in ("validation", "test", "unseen"):
        assert not looks["train"] & looks[name]
    assert not looks["validation"] & looks["test"]


def test_no_picture_of_the_test_split_is_in_the_training_split() -> None:
    part = scenes.load(600, 0, 200, 0, size=32)
    train, test = ({image.tobytes() for image in split.images} for split in (part.train, part.test))
    assert len(train) == 600
    assert not train & test


def test_scenes_hold_one_to_four_things_that_suit_the_setting(many: dict[str, list[scenes.Scene]]) -> None:
    for scene in many["train"] + many["unseen"]:
        assert 1 <= len(scene.groups) <= 3
        assert 1 <= sum(group.count for group in scene.groups) <= 4
        assert len({group.thing for group in scene.groups}) == len(scene.groups)
        assert [group.thing for group in scene.groups] == sorted(
            (group.thing for group in scene.groups), key=list(THINGS).index
        )
        for group in scene.groups:
            assert group.thing in SETTINGS[scene.setting].things
            assert group.color in colors_for(scene.setting, group.thing)
            assert group.color in COLORS


def test_things_stay_in_the_picture_apart_and_large_enough(many: dict[str, list[scenes.Scene]]) -> None:
    for scene in many["train"] + many["unseen"]:
        boxes = []
        for group in scene.groups:
            kind = THINGS[group.thing]
            for spot in group.spots:
                half = spot.scale * kind.width / 2
                boxes.append((spot.x - half, spot.x + half, spot.y - spot.scale * kind.height, spot.y))
                assert spot.scale * 64 * max(kind.width, kind.height) >= 12
        for left, right, top, bottom in boxes:
            assert left >= 0
            assert right <= 1
            assert top >= 0.019
            assert bottom <= 0.96
        for index, (left, right, top, bottom) in enumerate(boxes):
            for other_left, other_right, other_top, other_bottom in boxes[:index]:
                assert right < other_left or other_right < left or bottom < other_top or other_bottom < top


def test_true_facts_hold_the_facts_and_more() -> None:
    spots = (scenes.Spot(0.2, 0.8, 0.22), scenes.Spot(0.3, 0.8, 0.22))
    scene = scenes.Scene("s", "sea", 0, (scenes.Group("boat", "red", "small", spots),))
    assert scene.facts == {("place", "sea"), ("thing", "boat"), ("color", "boat", "red"), ("number", "boat", 2)}
    assert scene.true_facts - scene.facts == {
        ("size", "boat", "small"),
        ("place", "boat", "water"),
        ("place", "boat", "left"),
    }


@pytest.mark.parametrize("counts", [{"train": -1}, {"unseen": -3}])
def test_a_negative_length_is_refused(counts: dict[str, int]) -> None:
    with pytest.raises(FirstlightError, match=r"Expected a number of scenes of 0 or more"):
        scenes.load(**counts)


def test_an_unknown_split_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(FirstlightError, match="Did you mean 'validation'"):
        scenes.split_scenes("validate", 1)

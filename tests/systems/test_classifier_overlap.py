"""Images in two parts: the same file, the same picture saved otherwise, and pictures that are merely alike."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from firstlight import data
from firstlight.data.table import Split
from firstlight.systems.classifier_overlap import Pair, overlap

RANDOM = np.random.default_rng(0)


def scene(number: int) -> Image.Image:
    """A picture with a few shapes, different for each number."""
    random = np.random.default_rng(number)
    picture = Image.new("RGB", (120, 90), tuple(random.integers(60, 200, 3).tolist()))
    brush = ImageDraw.Draw(picture)
    for _ in range(6):
        left, top = random.integers(0, 80, 2).tolist()
        brush.ellipse((left, top, left + 40, top + 30), fill=tuple(random.integers(0, 255, 3).tolist()))
    return picture


def split_of(images: dict[str, Any]) -> Split:
    return Split("any", {"names": list(images), "images": list(images.values())})


def test_the_same_file_and_the_same_picture_are_found(tmp_path: Path) -> None:
    for number in range(20):
        scene(number).save(tmp_path / f"{number}.png")
    scene(3).resize((60, 45)).save(tmp_path / "smaller.png")
    scene(4).save(tmp_path / "compressed.jpg", quality=50)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(tmp_path / "5.png", "copy.png")
    train = split_of({f"{number}.png": str(tmp_path / f"{number}.png") for number in range(10)})
    others = {f"{number}.png": str(tmp_path / f"{number}.png") for number in range(10, 20)}
    judged = split_of(
        {
            "copy.png": f"{tmp_path}/packed.zip/copy.png",
            **others,
            "smaller.png": str(tmp_path / "smaller.png"),
            "compressed.jpg": str(tmp_path / "compressed.jpg"),
            "broken.png": str(tmp_path / "nowhere.png"),
        }
    )
    assert overlap(train, judged) == [
        Pair("copy.png", "5.png", True),
        Pair("smaller.png", "3.png", False),
        Pair("compressed.jpg", "4.png", False),
    ]


def test_arrays_and_pictures_of_one_colour() -> None:
    noise = RANDOM.integers(0, 255, (8, 8)).astype(np.uint8)
    flat = np.full((8, 8), 100, np.uint8)
    train = split_of({"noise": noise, "flat": flat})
    judged = split_of({"same": noise.copy(), "flat, too": flat.copy(), "flatter": flat + 1, "brighter": noise // 2})
    assert overlap(train, judged) == [Pair("same", "noise", True), Pair("flat, too", "flat", True)]
    assert overlap(split_of({"flat": flat}), split_of({"flatter": flat + 1})) == []


def test_real_photos_of_one_class_are_not_the_same(shared: Path) -> None:
    flowers = data.load(shared / "data" / "flowers", task="labels")
    assert overlap(flowers.train, flowers.test.take(range(0, 300, 3))) == []

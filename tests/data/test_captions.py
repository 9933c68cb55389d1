"""Captions brought together with their images: looked up, told where missing; the real Flickr8k, the size of COCO."""

import time
import zipfile
from pathlib import Path

import pytest
from caption_files import draw, draw_all, found, kinds, lines_of, write_json, write_table

from firstlight.data.captions import load_captions
from firstlight.errors import FirstlightError


def test_a_missing_image_is_not_replaced_by_another_of_the_same_name(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "1.jpg")
    (tmp_path / "test").mkdir()
    write_table(tmp_path / "a.csv", [["image", "caption"], ["train/1.jpg", "One"], ["test/1.jpg", "Another"]])
    dataset = load_captions(tmp_path)
    assert found(dataset) == {"1.jpg": ["One"]}
    assert lines_of(dataset, "missing image") == [3]


def test_images_of_the_same_name_in_two_folders_keep_their_folders_as_names(tmp_path: Path) -> None:
    for part in ("train", "test"):
        draw(tmp_path / part / "1.jpg")
        write_table(tmp_path / part / "metadata.csv", [["file_name", "text"], ["1.jpg", f"In {part}"]])
    dataset = load_captions(tmp_path)
    assert (dataset.train.names, dataset.test.names) == (["train/1.jpg"], ["test/1.jpg"])
    assert dataset.test.captions == [["In test"]]


def test_a_folder_in_a_reference_decides_and_else_the_ambiguity_is_told(tmp_path: Path) -> None:
    draw(tmp_path / "images" / "a" / "1.jpg")
    draw(tmp_path / "images" / "b" / "1.jpg")
    write_table(tmp_path / "a.csv", [["image", "caption"], ["b/1.jpg", "B"]])
    dataset = load_captions(tmp_path)
    assert [image for split in dataset.splits.values() for image in split.images] == [f"{tmp_path}/images/b/1.jpg"]
    assert "ambiguous image" not in kinds(dataset)
    write_table(tmp_path / "a.csv", [["image", "caption"], ["1.jpg", "Which?"]])
    dataset = load_captions(tmp_path)
    assert [image for split in dataset.splits.values() for image in split.images] == [f"{tmp_path}/images/a/1.jpg"]
    assert lines_of(dataset, "ambiguous image") == [2]


def test_captions_of_one_image_may_stand_in_several_tables(tmp_path: Path) -> None:
    draw_all(tmp_path / "images")
    write_table(tmp_path / "english" / "a.csv", [["image", "caption"], ["dog.jpg", "A dog runs"]])
    write_table(tmp_path / "german" / "b.csv", [["image", "caption"], ["dog.jpg", "Ein Hund läuft"]])
    assert found(load_captions(tmp_path)) == {"dog.jpg": ["A dog runs", "Ein Hund läuft"]}


# The real thing


def test_the_real_flickr8k(shared: Path) -> None:
    dataset = load_captions(shared / "data" / "flickr8k")
    assert dataset.layout == "flickr8k"
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 6000, "validation": 1000}
    assert {len(texts) for split in dataset.splits.values() for texts in split.captions} == {5}
    assert kinds(dataset) == {"missing image": 1000, "malformed line": 1, "no split": 1}
    malformed = next(problem for problem in dataset.problems if problem.kind == "malformed line")
    assert (malformed.line, malformed.message[:7]) == (6731, "5 lines")
    unused = next(problem for problem in dataset.problems if problem.kind == "no split")
    assert unused.message.startswith("91 images are in no split and are not used")
    assert dataset.train.names[0] == "1000268201_693b08cb0e.jpg"
    assert dataset.train.images[0].endswith("images_train_1.zip/Images/1000268201_693b08cb0e.jpg")
    with pytest.raises(FirstlightError, match="It has: train"):
        _ = dataset.test


# Size


def test_captions_of_the_size_of_coco_load_in_seconds(tmp_path: Path) -> None:
    count = 20_000  # a sixth of COCO; the bound leaves a slow machine ten times what is needed
    with zipfile.ZipFile(tmp_path / "train2017.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"train2017/{number:012}.jpg", b"never opened while loading")
    value = {
        "images": [{"id": number, "file_name": f"{number:012}.jpg"} for number in range(count)],
        "annotations": [
            {"id": number, "image_id": number // 5, "caption": f"A caption of number {number} ."}
            for number in range(5 * count)
        ],
    }
    write_json(tmp_path / "annotations" / "captions_train2017.json", value)
    start = time.perf_counter()
    dataset = load_captions(tmp_path)
    assert (len(dataset.train), len(dataset.train.captions[7])) == (count, 5)
    assert time.perf_counter() - start < 15

"""Labelled images brought into splits, by the data or by a hash in every class; what is odd is told; real data."""

import time
import zipfile
from pathlib import Path

import pytest
from caption_files import draw, kinds, splits_of, write, write_table
from label_files import EXPECTED, counts, flat_folders, folders

from firstlight.data.labels import load_labels
from firstlight.errors import FirstlightError


def test_a_given_split_is_kept_and_no_validation_is_made_up(tmp_path: Path) -> None:
    folders(tmp_path)
    dataset = load_labels(tmp_path)
    assert list(dataset.splits) == ["train", "test"]
    assert counts(dataset) == EXPECTED
    assert dataset.train.labels == ["cat", "cat", "dog", "dog"]
    assert dataset.train.classes == dataset.classes == ["cat", "dog"]


def test_without_a_split_every_class_is_divided(tmp_path: Path) -> None:
    flat_folders(tmp_path, classes=3, images=20)
    dataset = load_labels(tmp_path)
    assert {name: set(per.values()) for name, per in counts(dataset).items()} == {
        "train": {16},
        "validation": {2},
        "test": {2},
    }
    assert any("a hash of each image's name makes one in every class" in str(problem) for problem in dataset.problems)


def test_added_images_move_few_of_the_others(tmp_path: Path) -> None:
    flat_folders(tmp_path, classes=2, images=40)
    before = splits_of(load_labels(tmp_path))
    for number in range(40, 50):
        draw(tmp_path / "class0" / f"photo0_{number}.jpg")
    after = splits_of(load_labels(tmp_path))
    assert sum(after[name] != split for name, split in before.items()) <= 4


def test_images_of_one_name_in_several_folders_keep_their_folders(tmp_path: Path) -> None:
    folders(tmp_path)
    draw(tmp_path / "test" / "cat" / "alone.jpg")
    dataset = load_labels(tmp_path)
    assert dataset.train.names == [f"train/{label}/{number}.jpg" for label in ("cat", "dog") for number in (1, 2)]
    assert dataset.test.names == ["test/cat/3.jpg", "alone.jpg", "test/dog/3.jpg"]


def test_a_label_that_training_does_not_know_is_kept_out(tmp_path: Path) -> None:
    folders(tmp_path)
    for number in range(3):
        draw(tmp_path / "test" / "owl" / f"o{number}.jpg")
    dataset = load_labels(tmp_path)
    assert counts(dataset) == EXPECTED
    told = [str(problem) for problem in dataset.problems if problem.kind == "label unseen in training"]
    assert len(told) == 1
    assert "3 images of 'owl' in test: no training image has this label (first: o0.jpg)" in told[0]


def test_labels_alike_and_names_in_two_splits_are_noted(tmp_path: Path) -> None:
    for label in ("Cat", "cat", "hot dog", "hotdog"):
        draw(tmp_path / "train" / label / "sunny.jpg")
    draw(tmp_path / "test" / "cat" / "sunny.jpg")
    notes = [problem.message for problem in load_labels(tmp_path).problems if problem.kind == "note"]
    assert any("'Cat' and 'cat'" in note for note in notes)
    assert any("'hot dog' and 'hotdog'" in note for note in notes)
    assert any(note.startswith("1 images have the name and the class of one in another split") for note in notes)


def test_decomposed_letters_are_one_class(tmp_path: Path) -> None:
    draw(tmp_path / "images" / "a.jpg")
    draw(tmp_path / "images" / "b.jpg")
    write_table(tmp_path / "l.csv", [["image", "label"], ["a.jpg", "caf\u00e9"], ["b.jpg", " cafe\u0301 "]])
    assert load_labels(tmp_path).classes == ["caf\u00e9"]


def test_numbers_are_ordered_by_their_value(tmp_path: Path) -> None:
    for label in ("10", "9", "x", "A"):
        draw(tmp_path / label / f"{label}_.jpg")
    assert load_labels(tmp_path).classes == ["9", "10", "A", "x"]


def test_one_class_and_one_image_load(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "1.jpg")
    dataset = load_labels(tmp_path)
    assert counts(dataset) == {"train": {"cat": 1}}
    assert any("no image fell into validation; no image fell into test" in str(item) for item in dataset.problems)


def test_images_in_no_split_are_told(tmp_path: Path) -> None:
    folders(tmp_path)
    rows = [["train/cat/1.jpg", "cat", "train"], ["train/dog/1.jpg", "dog", ""]]
    write_table(tmp_path / "l.csv", [["image", "label", "split"], *rows])
    dataset = load_labels(tmp_path)
    assert counts(dataset) == {"train": {"cat": 1}}
    assert kinds(dataset)["no split"] == 1


def test_what_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match="which does not exist"):
        load_labels(tmp_path / "none")
    with pytest.raises(
        FirstlightError, match=r"Received no files; no known layout matches(.|\n)*folders: a folder a class"
    ):
        load_labels(tmp_path)
    write(tmp_path / "l.csv", "image,label\na.jpg,cat\nb.jpg,dog\n")
    with pytest.raises(FirstlightError, match=r"Received 2 that are missing\. First: .*l.csv:2: a.jpg is not there"):
        load_labels(tmp_path)


# Size


def test_a_thousand_classes_of_twenty_thousand_images_load_in_seconds(tmp_path: Path) -> None:
    count = 20_000  # 100,000 take five times as long; the bound leaves a slow machine ten times what is needed
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"set/class{number % 1000:03}/photo{number:06}.jpg", b"never opened while loading")
    start = time.perf_counter()
    dataset = load_labels(tmp_path / "set.zip")
    assert time.perf_counter() - start < 8
    assert {name: len(split) for name, split in dataset.splits.items()} == {
        "train": 16_000,
        "validation": 2000,
        "test": 2000,
    }
    assert {len(split.classes) for split in dataset.splits.values()} == {1000}


# The real thing


def test_real_digits_photos_and_flowers(shared: Path) -> None:
    mnist = load_labels(shared / "data" / "mnist" / "mnist.npz")
    assert {name: len(split) for name, split in mnist.splits.items()} == {"train": 60_000, "test": 10_000}
    assert mnist.train.images[0].shape == (28, 28)
    assert mnist.train.labels[:5] == ["5", "0", "4", "1", "9"]
    cifar = load_labels(shared / "data" / "cifar10" / "cifar10_10k_2k_jpg.zip")
    assert set(counts(cifar)["train"].values()) == {1000}
    assert cifar.classes[:3] == ["airplane", "automobile", "bird"]
    flowers = load_labels(shared / "data" / "flowers")
    assert counts(flowers)["test"] == dict.fromkeys(["daisy", "dandelion", "roses", "sunflowers", "tulips"], 60)
    assert [dataset.problems for dataset in (mnist, cifar, flowers)] == [[], [], []]

"""The report on labelled images: its numbers, and each kind of fault that must come to light."""

import json
from pathlib import Path

import numpy as np
import pytest
from caption_files import write_table
from label_files import flat_folders
from PIL import Image

from firstlight.data.check import check
from firstlight.data.check_images import Range
from firstlight.data.check_labels import LabelReport
from firstlight.data.labels import load_labels
from firstlight.data.table import Dataset


@pytest.fixture
def faulty(tmp_path: Path) -> Dataset:
    """Seven images: one is no image, one stands in both splits, one under two labels, one is missing."""
    rows = [
        ("a.png", "cat", "train"),
        ("b.png", "cat", "train"),
        ("b2.png", "dog", "train"),
        ("c.png", "dog", "train"),
        ("text.png", "dog", "train"),
        ("a2.png", "cat", "test"),
        ("d.png", "dog", "test"),
        ("gone.png", "dog", "test"),
    ]
    for number, name in enumerate(["a.png", "b.png", "c.png", "d.png"]):
        noise = np.random.default_rng(number).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
    (tmp_path / "a2.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "b2.png").write_bytes((tmp_path / "b.png").read_bytes())
    (tmp_path / "text.png").write_bytes(b"hello")
    write_table(tmp_path / "labels.csv", [["image", "label", "split"], *map(list, rows)])
    return load_labels(tmp_path)


def report_on(dataset: Dataset) -> LabelReport:
    report = check(dataset)
    assert isinstance(report, LabelReport)
    return report


def test_the_numbers(faulty: Dataset) -> None:
    report = report_on(faulty)
    train, test = report.splits["train"], report.splits["test"]
    assert (train.images, train.classes, train.images_a_class) == (5, 2, Range(2, 2.5, 3))
    assert (test.images, test.classes, test.images_a_class) == (2, 2, Range(1, 1, 1))
    assert report.classes == {"cat": {"train": 2, "test": 1}, "dog": {"train": 3, "test": 1}}


def test_the_faults(faulty: Dataset) -> None:
    report = report_on(faulty)
    assert [Path(problem.file).name for problem in report.broken] == ["text.png"]
    assert [(Path(problem.file).name, problem.line) for problem in report.missing] == [("labels.csv", 9)]
    doubled = [[(split, Path(file).name) for split, file in found.images] for found in report.duplicates]
    assert doubled == [[("train", "a.png"), ("test", "a2.png")], [("train", "b.png"), ("train", "b2.png")]]
    assert [found.across for found in report.duplicates] == [True, False]
    called = [[(label, split, Path(file).name) for label, split, file in two.images] for two in report.two_labels]
    assert called == [[("cat", "train", "b.png"), ("dog", "train", "b2.png")]]


def test_the_text_and_the_json(faulty: Dataset) -> None:
    report = report_on(faulty)
    text = str(report)
    assert "train               5        2  2 to 3, median 2.5" in text
    assert "cat                 2        1" in text
    assert "missing images: 1; images that do not open: 1" in text
    assert "images that occur under several labels: 1" in text
    assert "b.png (cat) = " in text
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["classes"]["dog"] == {"train": 3, "test": 1}
    assert plain["splits"]["test"]["images_a_class"]["maximum"] == 1
    assert plain["two_labels"][0]["images"][0]["label"] == "cat"


def test_of_many_classes_the_ends_are_told(tmp_path: Path) -> None:
    flat_folders(tmp_path, classes=60, images=1)
    text = str(report_on(load_labels(tmp_path)))
    assert "... 44 classes between" in text
    assert text.count("\nclass") == 1 + 16  # the heading, and eight at each end


def test_images_in_memory_are_called_by_their_names() -> None:
    from firstlight.data import load

    digits = load("digits")
    report = report_on(digits)
    assert (report.broken, report.missing) == ([], [])
    assert all(file.endswith("(not a file)") for found in report.duplicates for _, file in found.images)


def test_the_real_flowers(shared: Path) -> None:
    report = report_on(load_labels(shared / "data" / "flowers"))
    assert (report.splits["train"].images, report.splits["test"].images) == (800, 300)
    assert (report.broken, report.two_labels) == ([], [])

"""The report on a caption data set: its numbers, and each kind of fault that must come to light."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstlight.data.captions import load_captions
from firstlight.data.check import check
from firstlight.data.check_images import Range
from firstlight.data.table import Dataset, Problem, Split


@pytest.fixture
def faulty(tmp_path: Path) -> Dataset:
    """Six images in two splits: one is cut short, one is no image, one stands in both splits under two names."""
    rows = [
        ("a.png", "A red ball .", "train"),
        ("a.png", "The ball is red and round .", "train"),
        ("b.png", "A dog .", "train"),
        ("c.png", "A dog, again", "train"),
        ("cut.png", "Cut short", "train"),
        ("d.png", "A  dog!", "test"),
        ("text.png", "No image", "test"),
        ("gone.png", "Gone", "test"),
    ]
    for number, name in enumerate(["a.png", "b.png", "c.png", "cut.png"]):
        noise = np.random.default_rng(number).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:200])
    (tmp_path / "d.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "text.png").write_bytes(b"hello")
    lines = ["image\tcaption\tsplit", *("\t".join(row) for row in rows), "b.png\tone cell too few"]
    (tmp_path / "captions.tsv").write_text("\n".join(lines))
    return load_captions(tmp_path)


def test_the_numbers(faulty: Dataset) -> None:
    report = check(faulty)
    assert (report.layout, report.name) == ("table", faulty.name)
    train, test = report.splits["train"], report.splits["test"]
    assert (train.images, train.captions, test.images, test.captions) == (4, 5, 2, 2)
    assert train.captions_an_image == Range(1, 1, 2)
    assert train.words_a_caption == Range(2, 3, 6)
    # a red ball the is and round dog again cut short
    assert (report.vocabulary_split, report.vocabulary, report.frequent_words) == ("train", 11, 0)


def test_the_faults(faulty: Dataset) -> None:
    report = check(faulty)
    assert sorted(Path(problem.file).name for problem in report.broken) == ["cut.png", "text.png"]
    assert [[(split, Path(file).name) for split, file in found.images] for found in report.duplicates] == [
        [("train", "a.png"), ("test", "d.png")]
    ]
    assert report.duplicates[0].across
    assert [(item.caption, item.train, item.split, item.image) for item in report.shared_captions] == [
        ("a dog", "b.png", "test", "d.png")
    ]
    assert [(Path(problem.file).name, problem.line) for problem in report.missing] == [("captions.tsv", 9)]
    assert [(problem.kind, problem.line) for problem in report.passed_over] == [("malformed line", 10)]


def test_the_text_names_each_fault_with_its_place(faulty: Dataset) -> None:
    text = str(check(faulty))
    assert "train               4         5  1 to 2, median 1        2 to 6, median 3" in text
    assert "vocabulary of train: 11 words, 0 of them at least 5 times" in text
    assert "missing images: 1; images that do not open: 2" in text
    assert "images that occur more than once: 1, of these in several splits: 1" in text
    assert "captions that occur in train and in test: 1" in text
    assert "captions.tsv:9: gone.png is not there" in text
    assert "a.png (train) = " in text
    assert "Passed over: malformed line (1)" in text


def test_the_report_as_json(faulty: Dataset) -> None:
    plain = json.loads(json.dumps(check(faulty).to_dict()))
    assert plain["splits"]["train"]["captions_an_image"] == {"minimum": 1, "median": 1, "maximum": 2}
    assert plain["missing"][0]["line"] == 9
    assert [image["split"] for image in plain["duplicates"][0]["images"]] == ["train", "test"]
    assert plain["shared_captions"][0]["caption"] == "a dog"


def test_progress_counts_every_image_in_order(faulty: Dataset) -> None:
    calls: list[tuple[int, int]] = []
    one = check(faulty, progress=lambda done, total: calls.append((done, total)), threads=1)
    assert calls == [(number, 6) for number in range(1, 7)]
    assert one == check(faulty, threads=8)


def test_images_in_memory_and_frequent_words() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    captions = [["a cat"] * 5, ["a cat"]]
    split = Split("mine", {"names": ["1", "2"], "images": [image, image.copy()], "captions": captions})
    report = check(Dataset("made", {"mine": split}, problems=[Problem("note", "made by hand")]))
    assert (report.vocabulary_split, report.vocabulary, report.frequent_words) == ("mine", 2, 2)
    assert (report.broken, len(report.duplicates), report.duplicates[0].across) == ([], 1, False)
    assert "Notes (1)\n  made by hand" in str(report)


def test_long_lists_are_cut_in_the_text_but_not_in_the_json(faulty: Dataset) -> None:
    many = [Problem("missing image", f"{number}.jpg is not there", "list.csv", number) for number in range(12)]
    report = check(Dataset(faulty.name, faulty.splits, problems=many))
    assert "  ... and 7 more" in str(report)
    assert len(report.to_dict()["missing"]) == 12


def test_the_real_validation_photos(shared: Path) -> None:
    dataset = load_captions(shared / "data" / "flickr8k")
    report = check(
        Dataset(dataset.name, {"validation": dataset.validation}, dataset.layout, dataset.source, dataset.problems)
    )
    assert (report.splits["validation"].images, report.splits["validation"].captions) == (1000, 5000)
    assert (report.broken, report.duplicates, len(report.missing)) == ([], [], 1000)
    assert report.splits["validation"].captions_an_image == Range(5, 5, 5)

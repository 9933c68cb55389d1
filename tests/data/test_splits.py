"""Names of splits in every spelling, and the split by hash where nobody gives one."""

from collections import Counter
from pathlib import Path

from caption_files import draw, splits_of, write

from firstlight.data.captions import load_captions
from firstlight.data.splits import split_by_hash, split_of_directory, split_of_file, standard_split


def test_the_names_of_splits() -> None:
    given = [
        "train",
        "Training",
        "restval",
        "val",
        "VALID",
        "dev",
        "val2017",
        "images_test",
        "unseen",
        "trainval",
        "foo",
        "",
    ]
    assert [standard_split(name) for name in given] == [
        *("train", "train", "train", "validation", "validation", "validation", "validation", "test", "unseen"),
        *(None, None, None),
    ]
    assert split_of_file("annotations/captions_val2014.json") == "validation"
    assert split_of_file("dev_and_test.csv") is None
    assert split_of_directory("data/validation/x/1.jpg") == "validation"
    assert split_of_directory("test.zip/1.jpg") == "test"
    assert split_of_directory("contest/train.jpg") is None


def test_the_hash_split_is_stable_and_near_its_shares() -> None:
    names = [f"{number}.jpg" for number in range(10_000)]
    shares = Counter(map(split_by_hash, names))
    assert all(
        abs(shares[split] - share) < 150 for split, share in {"train": 8000, "validation": 1000, "test": 1000}.items()
    )
    # These must never change: a user's runs would no longer be comparable.
    assert [split_by_hash(f"{number}.jpg") for number in range(12)] == [
        "train",
        "train",
        "train",
        "validation",
        "train",
        "train",
        "train",
        "train",
        "train",
        "train",
        "validation",
        "train",
    ]
    assert split_by_hash("a/b/7.jpg") == split_by_hash("7.jpg")
    assert split_by_hash("cafe\u0301.jpg") == split_by_hash("caf\u00e9.jpg")


def test_adding_images_moves_none_of_the_others(tmp_path: Path) -> None:
    for number in range(40):
        write(draw(tmp_path / f"{number}.jpg").with_suffix(".txt"), f"Number {number}")
    before = splits_of(load_captions(tmp_path))
    for number in range(40, 80):
        write(draw(tmp_path / "more" / f"{number}.jpg").with_suffix(".txt"), f"Number {number}")
    draw(tmp_path / "more" / "3.jpg")
    write(tmp_path / "more" / "3.txt", "The same name once more")
    after = load_captions(tmp_path)
    assert len(before) == 40
    assert {name: split for name, split in splits_of(after).items() if name in before} == before
    assert sum(map(len, after.splits.values())) == 81

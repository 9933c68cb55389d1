"""Names of splits in every spelling, and the split by hash where nobody gives one."""

from collections import Counter
from pathlib import Path

import pytest
from caption_files import draw, splits_of, write
from sklearn.model_selection import train_test_split

from firstlight.data.captions import load_captions
from firstlight.data.splits import (
    split_by_hash,
    split_of_directory,
    split_of_file,
    standard_split,
    stratified,
    stratified_by_hash,
)
from firstlight.errors import FirstlightError


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


def test_other_spellings_of_the_folders_of_splits() -> None:
    given = ["train_set", "training set", "testdata", "Validation-images", "dataset", "testament"]
    assert [standard_split(name) for name in given] == ["train", "train", "test", "validation", None, None]


# Labels


def held_by_label(labels: list[str], held: list[int]) -> Counter[str]:
    return Counter(labels[row] for row in held)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize(
    "sizes", [[50, 30, 20], [1, 2, 3, 4, 5], [1000, 1], [1, 1, 1, 7], [4] * 100, [2, 2, 2]], ids=str
)
def test_a_stratified_part_is_as_even_as_can_be(sizes: list[int], share: float) -> None:
    labels = [f"class{number}" for number, size in enumerate(sizes) for _ in range(size)]
    kept, held = stratified(labels, share, seed=0)
    assert sorted(kept + held) == list(range(len(labels)))
    assert (kept, held) == (sorted(kept), sorted(held))
    counts = held_by_label(labels, held)
    possible = sum(size - 1 for size in sizes)
    assert abs(len(held) - min(share * len(labels), possible)) <= 1
    for number, size in enumerate(sizes):
        count = counts[f"class{number}"]
        assert count < size  # every class is learned
        assert abs(count - share * size) <= 1 + 1e-9
    assert stratified(labels, share, seed=0) == (kept, held)


def test_the_stratified_part_of_scikit_learn_has_the_same_size_in_every_class() -> None:
    labels = ["a"] * 57 + ["b"] * 30 + ["c"] * 13
    _, theirs = train_test_split(range(100), test_size=0.2, stratify=labels, random_state=0)
    _, ours = stratified(labels, 0.2, seed=0)
    assert held_by_label(labels, ours) == held_by_label(labels, theirs)


def test_classes_of_one_and_two_images() -> None:
    assert stratified(["a"], 0.5, seed=0) == ([0], [])
    assert stratified([], 0.5, seed=0) == ([], [])
    kept, held = stratified(["a", "b", "b"], 0.1, seed=0)
    assert (len(kept), len(held)) == (2, 1)
    assert 0 in kept


def test_the_seed_draws_and_the_share_is_checked() -> None:
    labels = ["a", "b"] * 50
    assert len({tuple(stratified(labels, 0.1, seed=seed)[1]) for seed in range(10)}) == 10
    for share in (0, 1, -0.1, 2):
        with pytest.raises(FirstlightError, match="a share between 0 and 1"):
            stratified(labels, share, seed=0)


def test_the_hash_within_classes_is_stable_and_even() -> None:
    names = [f"{number}.jpg" for number in range(1000)]
    labels = [f"class{number % 7}" for number in range(1000)]
    splits = stratified_by_hash(names, labels)
    assert Counter(splits) == {"train": 800, "validation": 100, "test": 100}
    for label in set(labels):
        per = Counter(split for split, other in zip(splits, labels, strict=True) if other == label)
        assert abs(per["train"] - 114) <= 2
        assert abs(per["validation"] - 14) <= 1
        assert abs(per["test"] - 14) <= 1
    shuffled = list(reversed(range(1000)))
    again = stratified_by_hash([names[row] for row in shuffled], [labels[row] for row in shuffled])
    assert [again[999 - row] for row in range(1000)] == splits
    # These must never change: a user's runs would no longer be comparable.
    assert splits[:12] == [
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


def test_the_hash_within_small_classes_leaves_training_images() -> None:
    names = [f"{number}.jpg" for number in range(400)]
    splits = stratified_by_hash(names, [f"class{number % 100}" for number in range(400)])
    assert Counter(splits) == {"train": 320, "validation": 40, "test": 40}
    for kind in range(100):
        assert splits[kind::100].count("train") >= 3
    assert stratified_by_hash(["a.jpg"], ["a"]) == ["train"]
    assert sorted(stratified_by_hash(["a.jpg", "b.jpg"], ["a", "a"])) == ["test", "train"]

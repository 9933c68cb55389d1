"""Images without labels, from folders, archives, lists and arrays: all are found, and splits that are named stay."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from caption_files import draw, kaggle, write, write_parquet, write_table
from label_files import CODES, EXPECTED, IMAGES, LAYOUTS, NUMBERED, PIXELS, counts, folders

from firstlight import data
from firstlight.data.image_sets import only_images
from firstlight.errors import FirstlightError


def load(path: Path, **options: str) -> data.Dataset:
    dataset = data.load(path, task="images", **options)
    for split in dataset.splits.values():
        assert len(set(split.names)) == len(split.images) > 0
        assert "captions" not in split.columns
    return dataset


def sizes(dataset: data.Dataset) -> dict[str, int]:
    return {name: len(split) for name, split in dataset.splits.items()}


@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_every_layout_of_labels_keeps_its_labels_and_splits(make: object, tmp_path: Path) -> None:
    make(tmp_path)  # type: ignore[operator]
    found = counts(load(tmp_path))
    assert {name: sum(split.values()) for name, split in found.items()} == {"train": 4, "test": 2}
    assert found in (EXPECTED, NUMBERED)


def test_a_folder_is_listed_however_deep_and_mixed(tmp_path: Path) -> None:
    for place in ("a.jpg", "2019/b.png", "2019/may/c.webp", "2020/d.bmp", "2020/a.jpg"):
        draw(tmp_path / place)
    write(tmp_path / "2019" / "notes.txt", "not an image")
    dataset = load(tmp_path)
    names = {name for split in dataset.splits.values() for name in split.names}
    assert names == {"a.jpg", "b.png", "c.webp", "d.bmp", "2020/a.jpg"}
    assert "labels" not in dataset.train.columns
    assert dataset.layout == "files"


def test_without_splits_a_hash_makes_them_and_they_stay(tmp_path: Path) -> None:
    for number in range(30):
        draw(tmp_path / f"{number}.jpg")
    first = load(tmp_path)
    assert sizes(first) == {"train": 24, "validation": 3, "test": 3}
    assert load(tmp_path).test.names == first.test.names


def test_folders_of_splits_without_classes(tmp_path: Path) -> None:
    for place in ("train/1.jpg", "train/2.jpg", "valid/3.jpg", "loose.jpg"):
        draw(tmp_path / place)
    dataset = load(tmp_path)
    assert sizes(dataset) == {"train": 2, "validation": 1}
    assert [problem.kind for problem in dataset.problems] == ["no split"]


def test_a_folder_called_test_among_others_is_no_split(tmp_path: Path) -> None:
    for place in ("test/1.jpg", "2019/2.jpg", "2020/3.jpg", "2020/4.jpg"):
        draw(tmp_path / place)
    assert sum(sizes(load(tmp_path)).values()) == 4


def test_a_zip_of_photos(tmp_path: Path) -> None:
    draw(tmp_path / "a.jpg")
    draw(tmp_path / "b.jpg")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(tmp_path / "a.jpg", "holiday/a.jpg")
        archive.write(tmp_path / "b.jpg", "holiday/deep/b.jpg")
    dataset = load(tmp_path / "photos.zip")
    paths = [path for split in dataset.splits.values() for path in split.images]
    assert sorted(path.rsplit("/", 1)[-1] for path in paths) == ["a.jpg", "b.jpg"]
    assert data.read(paths[0]).shape == (6, 8, 3)


def test_arrays_without_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "faces.npz", faces=PIXELS)
    np.savez(tmp_path / "parts.npz", x_train=PIXELS[:4], y_train=CODES[:4], x_test=PIXELS[4:])
    np.save(tmp_path / "one.npy", PIXELS / 255)
    np.save(tmp_path / "two.npy", PIXELS[:2])
    faces = load(tmp_path / "faces.npz")
    assert faces.layout == "arrays"
    assert sum(sizes(faces).values()) == 6
    assert (faces.train.images[0] == PIXELS[int(faces.train.names[0][-5:])]).all()
    assert sum(sizes(load(tmp_path / "one.npy")).values()) == 6
    assert sizes(load(tmp_path / "parts.npz", layout="arrays")) == {"train": 4, "test": 2}


def test_names_of_persons_are_names_and_no_classes(tmp_path: Path) -> None:
    people = np.array(["Ann", "Ben", "Cem", "Dan", "Eva", "Fay"])
    np.savez(tmp_path / "faces.npz", faces=PIXELS, names=people)
    dataset = load(tmp_path / "faces.npz")
    assert sum(sizes(dataset).values()) == 6
    assert set(dataset.train.names) < set(people.tolist())
    assert "labels" not in dataset.train.columns


def test_an_npz_without_images_says_what_it_holds(tmp_path: Path) -> None:
    np.savez(tmp_path / "numbers.npz", scores=np.arange(5), table=np.ones((3, 7)))
    with pytest.raises(FirstlightError, match=r"no images.* among its arrays \(scores \(5,\), table \(3, 7\)\)"):
        load(tmp_path / "numbers.npz")


def test_lists_of_names(tmp_path: Path) -> None:
    for number in range(4):
        draw(tmp_path / "photos" / f"{number}.jpg")
    write(tmp_path / "list.txt", "0.jpg\n2.jpg\n2.jpg\ngone.jpg\n")
    write(tmp_path / "names.csv", "file\n1.jpg\n3.jpg\n")
    write_table(tmp_path / "split.csv", [["image", "split"], ["0.jpg", "train"], ["1.jpg", "train"], ["3.jpg", "test"]])
    write_parquet(tmp_path / "frame.parquet", [{"path": f"photos/{number}.jpg", "size": 3} for number in range(3)])
    listed = load(tmp_path / "list.txt")
    assert {name for split in listed.splits.values() for name in split.names} == {"0.jpg", "2.jpg"}
    assert {problem.kind for problem in listed.problems} >= {"missing image", "duplicate row"}
    assert sum(sizes(load(tmp_path / "names.csv")).values()) == 2
    assert sizes(load(tmp_path / "split.csv")) == {"train": 2, "test": 1}
    assert sum(sizes(load(tmp_path / "frame.parquet")).values()) == 3


def test_captions_are_dropped(tmp_path: Path) -> None:
    kaggle(tmp_path)
    assert sum(sizes(load(tmp_path)).values()) == 3


def test_names_of_the_catalogue() -> None:
    digits = data.load("digits", task="images")
    assert digits.train.images[0].shape == (8, 8)
    assert "labels" in digits.train.columns
    scenes = data.load("scenes", task="images", train=2, validation=1, test=1, unseen=1)
    assert list(scenes.train.columns) == ["names", "images"]
    assert only_images(scenes).train.names == scenes.train.names


def test_one_image_is_a_training_part(tmp_path: Path) -> None:
    draw(tmp_path / "one.jpg")
    assert sizes(load(tmp_path)) == {"train": 1}


def test_an_empty_folder_and_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match="no known layout matches"):
        load(tmp_path)
    write(tmp_path / "list.txt", "gone.jpg\n")
    with pytest.raises(FirstlightError, match=r"Expected images in .*list.txt. Received none.*gone.jpg is not there"):
        load(tmp_path / "list.txt")


def test_labels_of_classes_are_kept_with_the_splits_of_the_folders(tmp_path: Path) -> None:
    folders(tmp_path)
    draw(tmp_path / "loose.jpg")
    dataset = load(tmp_path)
    assert len(dataset.train) == sum(split == "train" for split, _, _ in IMAGES)
    assert "labels" not in dataset.train.columns  # not every image has one

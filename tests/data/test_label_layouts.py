"""Every layout of labelled images on files in that form, from a folder, a zip and a tar of it."""

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from caption_files import draw, kinds, lines_of, write, write_parquet, write_table
from label_files import EXPECTED, IMAGES, LAYOUTS, NUMBERED, counts, flat_folders, folders, imagefolder, table

from firstlight.data.images import read
from firstlight.data.label_layouts import LAYOUTS as KNOWN
from firstlight.data.labels import load_labels
from firstlight.errors import FirstlightError


@pytest.mark.parametrize("packed", ["folder", "zip", "tgz"])
@pytest.mark.parametrize("build", LAYOUTS, ids=lambda build: build.__name__)
def test_a_layout_is_recognised_and_read(tmp_path: Path, build: Callable[[Path], None], packed: str) -> None:
    build(tmp_path / "photos")
    source = tmp_path / "photos"
    if packed == "zip":
        source = tmp_path / "packed.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in sorted((tmp_path / "photos").rglob("*")):
                archive.write(path, path.relative_to(tmp_path))
    elif packed == "tgz":
        source = tmp_path / "packed.tgz"
        with tarfile.open(source, "w:gz") as tar:
            tar.add(tmp_path / "photos", "photos")
    dataset = load_labels(source)
    assert dataset.layout == build.__name__
    assert dataset.name == ("photos" if packed == "folder" else "packed")
    assert counts(dataset) == (NUMBERED if build.__name__ in ("idx", "numpy") else EXPECTED)
    assert kinds(dataset) == {}
    assert len({name for split in dataset.splits.values() for name in split.names}) == 6
    shapes = {read(image).shape for split in dataset.splits.values() for image in split.images}
    assert shapes in ({(6, 8, 3)}, {(5, 4, 3)}, {(32, 32, 3)})
    again = load_labels(source, layout=dataset.layout)
    assert [split.names for split in again.splits.values()] == [split.names for split in dataset.splits.values()]


def test_the_layouts_of_the_tests_are_those_of_the_program() -> None:
    assert [build.__name__ for build in LAYOUTS] == list(KNOWN)


# Class folders


@pytest.mark.parametrize(
    "place",
    ["{split}/{label}", "deep/er/{split}/{label}", "{split}_set/{split}_set/{label}", "{split}/images/{label}/more"],
)
def test_class_folders_at_any_depth(tmp_path: Path, place: str) -> None:
    for split, label, number in IMAGES:
        draw(tmp_path / place.format(split=split, label=label) / f"{number}.jpg")
    assert counts(load_labels(tmp_path)) == EXPECTED


def test_class_folders_in_several_archives(tmp_path: Path) -> None:
    for split in ("train", "test"):
        with zipfile.ZipFile(tmp_path / f"{split}.zip", "w") as archive:
            for part, label, number in IMAGES:
                if part == split:
                    archive.write(draw(tmp_path / "made.jpg"), f"{label}/{number}.jpg")
    (tmp_path / "made.jpg").unlink()
    assert counts(load_labels(tmp_path)) == EXPECTED


def test_an_archive_a_class(tmp_path: Path) -> None:
    for label in ("cats", "dogs"):
        with zipfile.ZipFile(tmp_path / f"{label}.zip", "w") as archive:
            archive.write(draw(tmp_path / "made.jpg"), "1.jpg")
    (tmp_path / "made.jpg").unlink()
    assert load_labels(tmp_path).classes == ["cats", "dogs"]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for label in ("car", "bus", "train"):
        draw(tmp_path / label / "old" / "1.jpg")
        draw(tmp_path / label / "2.jpg")
    dataset = load_labels(tmp_path)
    assert dataset.classes == ["bus", "car", "train"]
    assert any("folders inside class folders belong to the class" in str(problem) for problem in dataset.problems)


def test_an_unlabelled_test_part_is_told_and_not_used(tmp_path: Path) -> None:
    folders(tmp_path)
    for path in sorted((tmp_path / "test").rglob("*.jpg")):
        path.rename(tmp_path / "test" / f"{path.parent.name}.jpg")
    dataset = load_labels(tmp_path)
    assert counts(dataset) == {"train": EXPECTED["train"]}
    assert kinds(dataset) == {"image without label": 2, "empty class folder": 2}


def test_split_folders_without_classes_are_no_classes(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "1.jpg")
    draw(tmp_path / "test" / "2.jpg")
    with pytest.raises(FirstlightError, match="images in test, train, but in no class folders there"):
        load_labels(tmp_path)


def test_what_lies_beside_the_classes_is_told(tmp_path: Path) -> None:
    flat_folders(tmp_path, classes=2)
    draw(tmp_path / "stray.jpg")
    (tmp_path / "nothing" / "inside").mkdir(parents=True)
    write(tmp_path / "LICENSE.txt", "free")
    write(tmp_path / "notes.txt", "free")
    write(tmp_path / "class0" / "lost.heic", "x")
    write(tmp_path / "class0" / "lost2.heic", "x")
    dataset = load_labels(tmp_path)
    assert dataset.classes == ["class0", "class1"]
    assert kinds(dataset) == {"image without label": 1, "empty class folder": 1, "no image": 1}
    told = [str(problem) for problem in dataset.problems]
    assert any("2 files in class folders (.heic) are no images (first: class0/lost.heic)" in line for line in told)
    assert any("2 files (.txt) are no images" in line for line in told)
    assert any("nothing holds no image and is no class" in line for line in told)


def test_empty_class_folders_in_archives_are_told(tmp_path: Path) -> None:
    flat_folders(tmp_path / "set")
    (tmp_path / "set" / "class9").mkdir()
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        tar.add(tmp_path / "set", "set")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    for name in ("set", "set.tar", "set.zip"):
        assert kinds(load_labels(tmp_path / name)) == {"empty class folder": 1}


# Tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "columns", [("image", "class"), ("path", "Category"), ("id", "breed"), ("file name", "Target")]
)
def test_a_table_with_usual_names(tmp_path: Path, delimiter: str, columns: tuple[str, str]) -> None:
    table(tmp_path)
    ending = "" if columns[0] == "id" else ".png"
    rows = [[f"{label}{number}{ending}", label] for _, label, number in IMAGES]
    write_table(tmp_path / "list.csv", [list(columns), *rows], delimiter)
    dataset = load_labels(tmp_path)
    assert dataset.layout == "table"
    assert sum(map(len, dataset.splits.values())) == 6
    assert dataset.classes == ["cat", "dog"]


def test_a_table_without_a_header_and_one_a_split(tmp_path: Path) -> None:
    table(tmp_path)
    (tmp_path / "list.csv").unlink()
    for split in ("train", "test"):
        rows = [[f"images/{label}{number}.png", label] for part, label, number in IMAGES if part == split]
        write_table(tmp_path / f"{split}.csv", rows)
    assert counts(load_labels(tmp_path)) == EXPECTED


def test_labels_in_parquet_may_be_numbers(tmp_path: Path) -> None:
    table(tmp_path)
    (tmp_path / "list.csv").unlink()
    rows = [{"image": f"{label}{number}.png", "label": 7.0 if label == "cat" else 10.0} for _, label, number in IMAGES]
    write_parquet(tmp_path / "list.parquet", [*rows, {"image": "cat1.png", "label": None}])
    dataset = load_labels(tmp_path / "list.parquet")
    assert dataset.classes == ["7", "10"]
    assert kinds(dataset) == {"image with several labels": 1}


def test_lines_of_a_table_that_cannot_be_used_are_told_with_their_place(tmp_path: Path) -> None:
    table(tmp_path)
    text = (
        "filename,label,split\n"
        "cat1.png,cat,train\n"
        "dog1.png,dog,train\n"
        "gone.png,dog,train\n"  # 4
        "cat2.png,,train\n"  # 5
        "cat1.png,cat,test\n"  # 6: in two splits
        "dog1.png,cat,train\n"  # 7: another label
        "dog1.png,dog,train\n"  # 8: once more
        "dog2.png\n"  # 9: cells are missing
        "cat3.png,owl,test\n"  # 10: unseen in training
        "dog3.png,dog,elsewhere\n"  # 11
    )
    write(tmp_path / "list.csv", text)
    dataset = load_labels(tmp_path)
    assert counts(dataset) == {"train": {"cat": 1, "dog": 1}}
    assert lines_of(dataset, "missing image") == [4]
    assert lines_of(dataset, "image in several splits") == [6]
    assert lines_of(dataset, "image with several labels") == [7]
    assert lines_of(dataset, "duplicate row") == [8]
    assert lines_of(dataset, "malformed line") == [9]
    assert lines_of(dataset, "label unseen in training") == [10]
    assert lines_of(dataset, "unknown split") == [11]
    assert lines_of(dataset, "image without label") == [5, None]  # dog2.png stands in no line that can be used


def test_a_row_that_cannot_be_used_does_not_take_the_image(tmp_path: Path) -> None:
    table(tmp_path)
    lines = (tmp_path / "list.csv").read_text().splitlines()
    write(tmp_path / "list.csv", "\n".join([lines[0], "cat1.png,,train", "dog1.png,dog,elsewhere", *lines[1:]]) + "\n")
    dataset = load_labels(tmp_path)
    assert counts(dataset) == EXPECTED
    assert kinds(dataset) == {"image without label": 1, "unknown split": 1}


def test_a_table_of_captions_is_no_table_of_labels(tmp_path: Path) -> None:
    draw(tmp_path / "a.jpg")
    write_table(tmp_path / "list.csv", [["image", "caption"], ["a.jpg", "A dog runs over the field"]])
    with pytest.raises(FirstlightError, match=r"no field holds labels .*call one of them label"):
        load_labels(tmp_path)


def test_metadata_without_labels_leaves_the_class_folders(tmp_path: Path) -> None:
    folders(tmp_path)
    write_table(tmp_path / "metadata.csv", [["file_name", "width"], ["train/cat/1.jpg", "8"]])
    (tmp_path / "metadata.csv").write_text("file_name,width,height\ntrain/cat/1.jpg,8,6\n")
    assert load_labels(tmp_path).layout == "folders"


def test_another_layout_that_matches_is_told_and_can_be_chosen(tmp_path: Path) -> None:
    imagefolder(tmp_path)
    draw(tmp_path / "train" / "wolf" / "9.jpg")
    draw(tmp_path / "train" / "fox" / "9.jpg")
    dataset = load_labels(tmp_path)
    assert dataset.layout == "imagefolder"
    assert any("choose with layout='folders'" in str(problem) for problem in dataset.problems)
    assert load_labels(tmp_path, layout="folders").classes == ["fox", "wolf"]
    with pytest.raises(FirstlightError, match=r"Unknown layout 'folder' of labels.*Did you mean 'folders'"):
        load_labels(tmp_path, layout="folder")


def test_a_single_array_file_does_not_list_what_lies_around_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", images=np.zeros((2, 4, 4), np.uint8), labels=["a", "b"])
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    dataset = load_labels(tmp_path / "mine.npz")
    assert (dataset.name, dataset.classes) == ("mine", ["a", "b"])

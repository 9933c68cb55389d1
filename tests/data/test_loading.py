"""`load` by task: what a path is taken for, what a name is for, and what is said where they do not fit."""

from pathlib import Path

import numpy as np
import pytest
from caption_files import draw, kaggle, write, write_table
from label_files import folders, numpy, table

from firstlight import data
from firstlight.data.catalogue import CATALOGUE
from firstlight.data.files import adopt
from firstlight.data.loading import TASKS
from firstlight.errors import FirstlightError


def test_a_path_is_captions_first_and_labels_where_it_has_none(tmp_path: Path) -> None:
    kaggle(tmp_path / "captions")
    folders(tmp_path / "classes")
    table(tmp_path / "list")
    numpy(tmp_path / "arrays")
    assert data.load(tmp_path / "captions").layout == "kaggle"
    assert data.load(tmp_path / "classes").layout == "folders"
    assert data.load(tmp_path / "list").layout == "table"
    assert data.load(tmp_path / "arrays" / "all.npz").layout == "numpy"
    assert data.load(tmp_path / "classes", layout="folders").train.labels[0] == "cat"


def test_a_task_decides_where_both_are_there(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        write(draw(tmp_path / label / f"{label}.jpg").with_suffix(".txt"), f"A {label} sleeps.")
    assert "captions" in data.load(tmp_path).train.columns
    assert data.load(tmp_path, task="labels").classes == ["cat", "dog"]


def test_labels_of_two_words_are_no_captions(tmp_path: Path) -> None:
    draw(tmp_path / "a.jpg")
    draw(tmp_path / "b.jpg")
    write_table(tmp_path / "l.csv", [["image", "breed"], ["a.jpg", "golden retriever"], ["b.jpg", "great dane"]])
    assert data.load(tmp_path).classes == ["golden retriever", "great dane"]


def test_what_only_captions_have_is_not_tried_on_labels(tmp_path: Path) -> None:
    folders(tmp_path)
    for options in ({"layout": "kaggle"}, {"missing": "error"}):
        with pytest.raises(FirstlightError, match="Expected images with captions"):
            data.load(tmp_path, **options)


def test_a_single_folder_of_images_is_not_taken_for_a_class(tmp_path: Path) -> None:
    draw(tmp_path / "holiday" / "1.jpg")
    with pytest.raises(FirstlightError, match=r"images with captions(.|\n)*For class folders with a single class"):
        data.load(tmp_path)
    assert data.load(tmp_path, task="labels").classes == ["holiday"]


def test_where_nothing_is_recognised_both_kinds_of_layouts_are_told(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "u,v\n1,2\n")
    with pytest.raises(FirstlightError) as caught:
        data.load(tmp_path)
    for part in ("sidecar: beach.jpg", "folders: a folder a class", "no field holds names of images", "task 'table'"):
        assert part in str(caught.value)
    frame = data.load(tmp_path / "a.csv", task="table", target="u")
    assert isinstance(frame, data.Frame)
    assert frame.target == "u"


def test_a_name_knows_what_it_is_for() -> None:
    assert data.load("digits").classes == [str(digit) for digit in range(10)]
    with pytest.raises(
        FirstlightError, match=r"task 'captions': scenes, flickr8k, flickr30k, coco, or a path.*'digits'"
    ):
        data.load("digits", task="captions")
    with pytest.raises(FirstlightError, match="'scenes', which is for 'captions'"):
        data.load("scenes", task="labels")
    with pytest.raises(FirstlightError, match="task 'table': none is known by name"):
        data.load("mnist", task="table")
    with pytest.raises(FirstlightError, match=r"Received 'label'\. Did you mean 'labels'"):
        data.load("mnist", task="label")
    with pytest.raises(FirstlightError, match="takes no options"):
        data.load("digits", layout="numpy")


def test_every_task_of_the_catalogue_is_known() -> None:
    assert {record.task for record in CATALOGUE.values()} <= set(TASKS)


def test_the_real_copies_serve_under_their_names(shared: Path) -> None:
    adopt(CATALOGUE["mnist"], shared / "data" / "mnist" / "mnist.npz", as_it_is=True)
    adopt(CATALOGUE["cifar10"], shared / "data" / "cifar10" / "cifar10_10k_2k_jpg.zip")
    adopt(CATALOGUE["flowers"], shared / "data" / "flowers" / "flowers_160.zip")
    sizes = {name: len(data.load(name).train) for name in ("mnist", "cifar10", "flowers")}
    assert sizes == {"mnist": 60_000, "cifar10": 10_000, "flowers": 800}
    assert np.mean(data.read(data.load("flowers").test.images[0], size=8)) > 0

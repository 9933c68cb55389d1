"""`firstlight data` as a user meets it: the words on the screen, the files, the exit codes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from firstlight.cli import main
from firstlight.data import cache_folder


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["data", *map(str, arguments)], catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten photos with sidecar texts."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(10):
        Image.new("RGB", (32, 24), (25 * index, 90, 160)).save(folder / f"{index}.jpg")
        (folder / f"{index}.txt").write_text(f"Photo [bold]{index}[/bold] of the sea.\nA 海 of number {index}.\n")
    return folder


def test_list_names_every_data_set() -> None:
    result = run("list")
    assert result.exit_code == 0
    names = ("scenes", "flickr8k", "flickr30k", "coco", "digits", "mnist", "fashion_mnist", "cifar10", "flowers")
    for part in (*names, "8,000", "1.1 GB", "on request", "70,000", "11 MB", "labels", "yes", "no"):
        assert part in result.output


def test_get_from_an_own_folder(photos: Path) -> None:
    result = run("get", "flickr30k", "--from", photos)
    assert result.exit_code == 0, result.output
    assert f"flickr30k is in {photos}" in result.output
    assert "Layout sidecar; images: train" in result.output
    assert run("show", "flickr30k", "--count", "1").exit_code == 0


def test_get_refuses_a_folder_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("get", "flickr30k", "--from", tmp_path / "empty")
    assert result.exit_code == 2
    assert not (cache_folder() / "flickr30k.path").exists()


def test_get_says_what_to_do() -> None:
    assert "scenes needs no download" in run("get", "scenes").output
    assert "digits needs no download" in run("get", "digits").output
    unknown = run("get", "flicker8k")
    assert unknown.exit_code == 2
    assert "Did you mean 'flickr8k'?" in unknown.output
    request = run("get", "flickr30k")
    assert request.exit_code == 2
    assert "firstlight data get flickr30k --from" in request.output


def test_get_checks_a_file_of_the_download(tmp_path: Path) -> None:
    (tmp_path / "Flickr8k_text.zip").write_bytes(b"something else")
    result = run("get", "flickr8k", "--from", tmp_path / "Flickr8k_text.zip")
    assert result.exit_code == 2
    assert "md5:bf6c1abcb8e4a833b7f922104de18627" in result.output


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Three classes of six images in folders, without a split."""
    for number, label in enumerate(["cat", "[dog]", "owl"]):
        (tmp_path / "animals" / label).mkdir(parents=True)
        for index in range(6):
            picture = Image.new("RGB", (32, 24), (80 * number, 40 * index, 160))
            picture.save(tmp_path / "animals" / label / f"{label}{index}.jpg", quality=95)
    return tmp_path / "animals"


def test_get_uses_a_copy_of_labelled_images_in_any_form(classes: Path) -> None:
    result = run("get", "cifar10", "--from", classes)
    assert result.exit_code == 0, result.output
    assert f"cifar10 is in {classes}" in result.output
    assert "Layout folders; images: train 14" in result.output
    assert "Received 'cifar10', which is for 'labels'" in run("check", "cifar10", "--task", "captions").output
    assert run("check", "cifar10").exit_code == 0


def test_get_uses_a_whole_copy_under_the_name_of_the_download(tmp_path: Path) -> None:
    arrays = {"x_train": np.zeros((4, 5, 5), np.uint8), "y_train": np.arange(4)}
    np.savez(tmp_path / "mnist.npz", **arrays)
    result = run("get", "mnist", "--from", tmp_path / "mnist.npz")
    assert result.exit_code == 0, result.output
    assert "with the checksum sha256:731c5ac" in result.output
    assert "is used as your own copy, where it lies" in result.output
    assert "train               4" in run("check", "mnist").output
    (tmp_path / "mnist.npz").write_bytes((tmp_path / "mnist.npz").read_bytes()[:-50])
    result = run("get", "mnist", "--from", tmp_path / "mnist.npz")
    assert result.exit_code == 2
    assert "it is damaged or another file" in result.output


def test_check_recognises_labels(classes: Path) -> None:
    result = run("check", classes)
    assert result.exit_code == 0, result.output
    assert "animals: layout folders" in result.output
    assert re.search(r"^\[dog\] +[45] +\d +\d$", result.output, re.MULTILINE)
    report = json.loads(CliRunner().invoke(main, ["data", "check", str(classes), "--task", "labels", "--json"]).stdout)
    assert set(report["classes"]) == {"cat", "[dog]", "owl"}
    assert run("check", classes, "--task", "captions").exit_code == 2
    assert run("check", classes, "--layout", "folders", "--strict").exit_code == 0
    (classes / "empty").mkdir()
    assert run("check", classes, "--strict").exit_code == 1


def test_show_takes_some_of_each_class(classes: Path, tmp_path: Path) -> None:
    result = run("show", classes, "--split", "train", "--count", "2", "--out", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.output
    assert [line for line in result.output.splitlines() if not line.startswith(" ")][:3] == ["[dog]", "cat", "owl"]
    assert result.output.count(".jpg") == 6
    with Image.open(tmp_path / "sheet.png") as picture:
        pixels = np.asarray(picture).astype(int)
    assert pixels.shape[1] == 2 * 40 + 2 * 300 + 24  # a row a class
    assert run("show", classes, "--split", "train", "--seed", "1").output != run("show", classes).output


def test_show_draws_grey_arrays(tmp_path: Path) -> None:
    result = run("show", "digits", "--count", "1", "--out", tmp_path / "digits.png")
    assert result.exit_code == 0, result.output
    assert result.output.count("digit-") == 10
    with Image.open(tmp_path / "digits.png") as picture:
        assert picture.height > 3000


def test_check_and_show_a_table(tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    path.write_text("size,colour,label\n1.5,[red],a\n2,,b\n3,[blue],a\nx\n")
    result = run("check", path, "--task", "table")
    assert result.exit_code == 0, result.output
    assert "3 rows, 3 columns, target 'label'" in result.output
    assert "measured.csv:5: 1 cells instead of 3" in result.output
    assert run("check", path, "--task", "table", "--strict").exit_code == 1
    report = json.loads(CliRunner().invoke(main, ["data", "check", str(path), "--task", "table", "--json"]).stdout)
    assert [column["kind"] for column in report["columns"]] == ["number", "category", "category"]
    shown = run("show", path, "--task", "table", "--count", "2").output
    assert "1.5" in shown
    assert "[red]" in shown
    assert "[blue]" not in shown
    assert "task 'table'" in run("check", path).output
    for ignored in (("--split", "nothing"), ("--out", str(tmp_path / "s.png"))):
        refused = run("show", path, "--task", "table", *ignored)
        assert (refused.exit_code, "A table has no splits" in refused.output) == (2, True)


def test_check_tells_problems_and_strict_makes_them_an_error(photos: Path) -> None:
    assert run("check", photos, "--strict").exit_code == 0
    (photos / "3.jpg").write_bytes(b"no image")
    result = run("check", photos)
    assert result.exit_code == 0
    assert "3.jpg" in result.output
    assert run("check", photos, "--strict").exit_code == 1
    report = json.loads(CliRunner().invoke(main, ["data", "check", str(photos), "--json"]).stdout)
    assert report["layout"] == "sidecar"
    assert len(report["broken"]) == 1


def test_check_fails_where_nothing_can_be_used(photos: Path, tmp_path: Path) -> None:
    for path in photos.glob("*.jpg"):
        path.write_bytes(b"no image")
    result = run("check", photos)
    assert result.exit_code == 2
    assert "all broken" in result.output
    assert run("check", tmp_path / "nowhere").exit_code == 2
    wrong = run("check", photos, "--layout", "sidecart")
    assert wrong.exit_code == 2
    assert "Did you mean 'sidecar'" in wrong.output


def test_show_prints_captions_as_they_are(photos: Path) -> None:
    result = run("show", photos, "--split", "train", "--count", "2")
    assert result.exit_code == 0
    assert result.output.count("[bold]") == 2
    assert "A 海 of number" in result.output
    assert run("show", photos, "--split", "train", "--count", "2").output == result.output
    assert run("show", photos, "--split", "train", "--count", "2", "--seed", "1").output != result.output
    assert "no split 'tain'" in run("show", photos, "--split", "tain").output


def test_show_draws_a_sheet(photos: Path, tmp_path: Path) -> None:
    (photos / "3.jpg").write_bytes(b"no image")
    sheet = tmp_path / "sheet.png"
    result = run("show", photos, "--split", "train", "--count", "9", "--out", sheet)
    assert result.exit_code == 0, result.output
    with Image.open(sheet) as picture:
        pixels = np.asarray(picture).astype(int)
    assert pixels.shape[1] == 2 * 40 + 4 * 300 + 3 * 24
    shown = {tuple(color) for color in pixels[::10, ::10].reshape(-1, 3).tolist()}
    drawn = sum(
        any(abs(red - 25 * index) <= 3 and abs(blue - 160) <= 3 for red, _, blue in shown) for index in range(10)
    )
    assert drawn >= 5  # each photo has a red of its own
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "sheet.png"]


def test_show_draws_scenes_only_as_many_as_are_shown(tmp_path: Path) -> None:
    result = run("show", "scenes", "--split", "unseen", "--count", "2", "--out", tmp_path / "scenes.png")
    assert result.exit_code == 0, result.output
    assert result.output.count("unseen-") == 2
    with Image.open(tmp_path / "scenes.png") as picture:
        assert picture.height > 300


@pytest.mark.parametrize("name", ["sheet.txt", "sheet.psd"])
def test_show_refuses_a_name_of_a_picture_that_cannot_be_written(photos: Path, tmp_path: Path, name: str) -> None:
    result = run("show", photos, "--out", tmp_path / name)
    assert result.exit_code == 2
    assert "sheet.png" in result.output


@pytest.mark.parametrize("command", ["list", "get", "check", "show"])
def test_every_help_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"  firstlight data {command}" in result.output

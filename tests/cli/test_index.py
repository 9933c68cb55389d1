"""`firstlight index` and `firstlight search`: from a folder of photos to lines, tables, a sheet and a page."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

COLOURS = {"red": (200, 10, 10), "rose": (200, 60, 60), "green": (10, 200, 10), "blue": (10, 10, 200)}


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Four photos, one of them twice under a name of two lines, and a broken one."""
    folder = tmp_path / "album"
    for number, (name, colour) in enumerate(COLOURS.items()):
        place = folder / ("sub" if number % 2 else "") / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30 + number, 20), colour).save(place)
    shutil.copy(folder / "red.png", folder / "red\nagain.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture
def built(album: Path, firstlight: Any, tmp_path: Path) -> Path:
    run = tmp_path / "run"
    result = firstlight("index", "build", album, "--out", run, "--encoder", "pixels", "--distance", "euclidean")
    assert result.exit_code == 0, result.output
    assert f"5 added, 1 passed over; 5 images in {run}" in result.stdout
    assert "broken.jpg" in result.stderr
    return run


def test_from_photos_to_what_is_alike(built: Path, album: Path, firstlight: Any, tmp_path: Path) -> None:
    found = firstlight("search", built, album / "red.png", "-k", 3)
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["1", "0.0000"], ["2", "0.0000"]]
    assert lines[0].endswith("red\\nagain.png")
    assert lines[2].endswith("sub/rose.png")

    table = firstlight("search", built, album / "red.png", album / "sub" / "blue.png", "--each", "--to", "csv")
    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    assert len(rows) == 10
    assert rows[5]["name"].endswith("blue.png")
    assert float(rows[5]["distance"]) == 0
    out = tmp_path / "found.json"
    together = firstlight("search", built, album / "red.png", album / "sub" / "rose.png", "--to", "json", "--out", out)
    assert together.exit_code == 0, together.output
    (record,) = json.loads(out.read_text())
    assert len(record["photos"]) == 2
    assert [match["rank"] for match in record["matches"]] == [1, 2, 3, 4, 5]

    sheet, page = tmp_path / "sheet.png", tmp_path / "deep" / "page.html"
    drawn = firstlight("search", built, album / "red.png", "--sheet", sheet, "--page", page)
    assert drawn.exit_code == 0, drawn.output
    with Image.open(sheet) as picture:
        assert picture.width > 600
    assert page.read_text().count("<article") == 6


def test_wrong_requests_are_told(built: Path, album: Path, firstlight: Any, tmp_path: Path) -> None:
    for arguments, message in (
        ((built,), "Give PHOTOS or --words"),
        ((built, album / "red.png", "--words", "dog"), "Give PHOTOS or --words"),
        ((built, album / "red.png", "--out", "x"), "--out needs --to"),
        ((built, album / "broken.jpg"), "broken.jpg"),
        ((built, album / "nowhere.jpg"), "nowhere.jpg"),
        ((built, "--words", "dog"), "images with captions"),
        ((tmp_path, album / "red.png"), "no system.json"),
    ):
        result = firstlight("search", *arguments)
        assert result.exit_code == 2, arguments
        assert message in result.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    result = firstlight("index", "build", empty, "--out", tmp_path / "other", "--encoder", "pixels")
    assert (result.exit_code, "Expected images in" in result.stderr) == (2, True)
    assert not (tmp_path / "other").exists()


def test_update_add_remove_and_info(built: Path, album: Path, firstlight: Any, tmp_path: Path) -> None:
    (album / "green.png").unlink()
    Image.new("RGB", (9, 9), (250, 250, 250)).save(album / "white.png")
    assert "1 added, 1 removed, 4 unchanged" in firstlight("index", "update", built, "--compact").stdout
    more = tmp_path / "more"
    more.mkdir()
    Image.new("RGB", (9, 9)).save(more / "black.png")
    Image.new("RGB", (9, 9), (0, 0, 9)).save(tmp_path / "alone.png")
    added = firstlight("index", "add", built, more, tmp_path / "alone.png")
    assert added.exit_code == 0, added.output
    assert added.stdout.splitlines()[-1].endswith(f"7 images in {built}")
    assert "1 removed; 6 images" in firstlight("index", "remove", built, album / "white.png").stdout
    assert firstlight("index", "remove", built, "nothing.png").exit_code == 2
    assert "6 unchanged" in firstlight("index", "update", built).stdout
    facts = json.loads(firstlight("index", "info", built, "--json").stdout)
    assert (facts["images"], facts["encoder"], facts["vector"], facts["left out"]) == (6, "pixels", 768, 1)
    assert [Path(source).name for source in facts["sources"]] == ["album", "more"]
    assert "encoder        pixels" in firstlight("index", "info", built).stdout
    assert len(firstlight("index", "info", built, "--names").stdout.splitlines()) == 6


def test_the_same_command_goes_on_and_others_are_refused(built: Path, album: Path, firstlight: Any) -> None:
    command = ("index", "build", album, "--out", built, "--encoder", "pixels")
    assert "5 unchanged" in firstlight(*command, "--distance", "euclidean").stdout
    refused = firstlight(*command)
    assert refused.exit_code == 2
    assert "distance (euclidean there, cosine here)" in refused.stderr
    assert "5 added" in firstlight(*command, "--restart").stdout


def test_duplicates_as_lines_table_and_page(built: Path, firstlight: Any, tmp_path: Path) -> None:
    page = tmp_path / "groups.html"
    found = firstlight("index", "duplicates", built, "--threshold", 0.1, "--page", page)
    assert found.exit_code == 0, found.output
    assert found.stdout.splitlines()[0].startswith("0.0000")
    assert "groups: 1" in found.stderr
    assert "Group 1: 2 pictures" in page.read_text()
    groups = json.loads(firstlight("index", "duplicates", built, "--threshold", 0.1, "--to", "json").stdout)
    assert [len(group) for group in groups] == [2]
    rows = csv.DictReader(io.StringIO(firstlight("index", "duplicates", built, "--to", "csv").stdout))
    assert [row["group"] for row in rows] == ["1", "1"]


def test_a_zip_with_labels_is_judged(album: Path, firstlight: Any, tmp_path: Path) -> None:
    path, run = tmp_path / "set.zip", tmp_path / "run"
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("train", "test"):
            for name, colour in COLOURS.items():
                memory = io.BytesIO()
                Image.new("RGB", (9, 9), tuple(np.add(colour, 5 * (part == "test")))).save(memory, "PNG")
                archive.writestr(
                    f"set/{part}/{'cold' if name in ('green', 'blue') else 'warm'}/{name}.png", memory.getvalue()
                )
    settings = ("--encoder", "pixels", "--split", "train", "--whiten", 2, "--whiten-by", "labels")
    made = firstlight("index", "build", path, "--out", run, *settings)
    assert made.exit_code == 0, made.output
    told = firstlight("index", "evaluate", run, path)
    assert told.exit_code == 0, told.output
    assert "mean average precision" in told.stdout
    report = json.loads((run / "metrics.json").read_text())
    assert (report["queries"], report["images"], report["precision@1"]) == (4, 4, 1.0)
    assert json.loads(firstlight("index", "evaluate", run, path, "--json").stdout)["split"] == "test"


def test_words_of_a_data_set_with_captions(firstlight: Any, photos: Path, tmp_path: Path) -> None:
    made = firstlight("index", "build", photos, "--out", tmp_path / "run", "--encoder", "pixels", "--task", "captions")
    assert made.exit_code == 0, made.output
    found = firstlight("search", tmp_path / "run", "--words", "dog 7", "-k", 2)
    assert found.stdout.splitlines()[0].endswith("07.jpg")
    page = tmp_path / "page.html"
    assert firstlight("search", tmp_path / "run", "--words", "runs", "--page", page).exit_code == 0
    assert "a dog runs" in page.read_text()

"""What a newcomer does with an own folder of ten pictures and a text beside each: check, train, judge, describe."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from firstlight.data import scenes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
TINY = ["--backbone", "small_cnn", "--image-size", 32, "--units", 16, "--embedding", 16, "--epochs", 2]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Ten drawn pictures, `0.png` to `9.png`, each with two captions in a text beside it."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, scene in enumerate(scenes.split_scenes("train", 10)):
        Image.fromarray(scenes.draw(scene, 64)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text("\n".join(scenes.captions(scene)[:2]), encoding="utf-8")
    return folder


def test_ten_pictures_of_ones_own(pictures: Path, firstlight: Any, tmp_path: Path) -> None:
    checked = firstlight("data", "check", pictures, "--strict")
    assert checked.exit_code == 0, checked.output
    assert "layout sidecar" in checked.output

    run = tmp_path / "runs" / "mine"
    trained = firstlight("train", "captioner", "--data", pictures, "--out", run, *TINY)
    assert trained.exit_code == 0, trained.output
    assert "distinct captions" in trained.stdout
    assert "CIDEr" in trained.stdout
    assert len((run / "history.csv").read_text().splitlines()) == 3

    judged = firstlight("evaluate", run, pictures, "--split", "test", "--json")
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.stdout)["protocol"].startswith("1 image of split test")

    Image.fromarray(scenes.draw(scenes.compose("new"), 80)).save(tmp_path / "new.png")
    told = firstlight("caption", run, pictures, tmp_path / "new.png", "--to", "csv")
    assert told.exit_code == 0, told.output
    table = list(csv.DictReader(io.StringIO(told.stdout)))
    assert [Path(row["image"]).name for row in table] == [*(f"{number}.png" for number in range(10)), "new.png"]
    assert all(float(row["score"]) < 0 for row in table)

    joined = firstlight("ensemble", run, run, "--out", tmp_path / "both")
    assert joined.exit_code == 0, joined.output
    both = firstlight("caption", tmp_path / "both", tmp_path / "new.png", "--to", "csv")
    assert both.exit_code == 0, both.output
    assert next(csv.DictReader(io.StringIO(both.stdout)))["caption"] == table[-1]["caption"]
    assert firstlight("ensemble", run, run, "--out", tmp_path / "both").exit_code == 2
    alone = firstlight("ensemble", run, "--out", tmp_path / "alone")
    assert alone.exit_code == 2
    assert "two captioners or more" in alone.output


def test_pictures_without_a_validation_split(pictures: Path, firstlight: Any, tmp_path: Path) -> None:
    rows = [
        (f"{number}.png", (pictures / f"{number}.txt").read_text().splitlines()[0], "train") for number in range(10)
    ]
    with (pictures / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "caption", "split"), *rows])
    trained = firstlight("train", "captioner", "--data", pictures, "--out", tmp_path / "run", *TINY)
    assert trained.exit_code == 0, trained.output
    assert "1 of the 10 training images were held out" in trained.stdout
    assert "firstlight evaluate" in trained.stdout
    assert not (tmp_path / "run" / "metrics.json").exists()

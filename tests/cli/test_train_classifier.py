"""`firstlight train classifier` as a newcomer has it: a folder of photos, no options, and data with slips in it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from firstlight.plots import curves
from tests.plots.pictures import near, pixels

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
CHECKS = ["constant class", "majority class", "shuffled labels", "one preprocessing", "overlap", "calibration"]


def draw(folder: Path, label: str, count: int, seed: int) -> None:
    """Simple pictures of 24 x 24 pixels: circles or squares, anywhere, of any size and colour."""
    random = np.random.default_rng(seed)
    (folder / label).mkdir(parents=True)
    for number in range(count):
        ground, colour = random.integers(0, 90, 3).tolist(), random.integers(160, 255, 3).tolist()
        picture = Image.new("RGB", (24, 24), tuple(ground))
        side = int(random.integers(8, 16))
        left, top = random.integers(0, 24 - side, 2).tolist()
        brush = ImageDraw.Draw(picture)
        shape = brush.ellipse if label == "circle" else brush.rectangle
        shape((left, top, left + side, top + side), fill=tuple(colour))
        picture.save(folder / label / f"{label}-{number}.jpg", quality=95)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen pictures of each of two classes."""
    folder = tmp_path_factory.mktemp("shapes")
    draw(folder, "circle", 12, 0)
    draw(folder, "square", 12, 1)
    return folder


def test_a_dozen_pictures_a_class_and_no_options(shapes: Path, firstlight: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = firstlight("train", "classifier", "--data", shapes, "--out", run)
    assert result.exit_code == 0, result.output
    for name in ("system.json", "network.keras", "history.csv", "metrics.json", "curves.png", "confusion.png"):
        assert (run / name).stat().st_size > 0, name
    picture = pixels(run / "curves.png")
    for colour in (curves._TRAIN, curves._VALIDATION, curves._SCORE):
        assert near(picture, colour).sum() > 200, "loss, loss on validation, and accuracy"
    kept = json.loads((run / "metrics.json").read_text())
    assert [each["name"] for each in kept["checks"]] == CHECKS
    assert f"{shapes.name}/test" in kept
    lines = [line for line in result.stdout.splitlines() if line.startswith(("ok", "ALARM", "?"))]
    assert len(lines) == len(CHECKS)
    assert any("one preprocessing: 4 ways to the network agree" in line for line in lines)
    told = firstlight("classify", run, shapes / "circle" / "circle-0.jpg")
    assert told.exit_code == 0
    assert "circle" in told.stdout.partition(": ")[2]


QUICK = ("--architecture", "linear", "--image-size", 8, "--epochs", 2, "--precision", "float32")


def test_slips_in_the_data_are_told_and_the_rest_is_learned(firstlight: Any, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for part, count in (("train", 12), ("test", 4)):
        draw(photos / part, "circle", count, 0)
        draw(photos / part, "square", count, 1)
    draw(photos / "test", "star", 1, 2)
    (photos / "train" / "nothing").mkdir()
    (photos / "train" / "circle" / "circle-5.jpg").write_bytes(b"no picture")
    result = firstlight("train", "classifier", "--data", photos, "--out", tmp_path / "run", *QUICK)
    assert result.exit_code == 0, result.output
    told = result.stderr
    assert "passed over: " in told
    assert "train/nothing holds no image and is no class" in told
    assert "1 image of 'star' in test: no training image has this label" in told
    assert told.count("begin with b'no picture'") == 1
    # Training and test show the same pictures here, but the images that were held out are checked, and they are others.
    checks = {each["name"]: each for each in json.loads((tmp_path / "run" / "metrics.json").read_text())["checks"]}
    assert checks["overlap"]["message"] == "0 of 2 images are in training, too"
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["photos/test"]["passed_over"] == []


def test_without_other_parts_the_images_held_out_are_checked(shapes: Path, firstlight: Any, tmp_path: Path) -> None:
    lines = ["image,label,split"]
    for file in sorted(shapes.rglob("*.jpg")):
        lines.append(f"{file.parent.name}/{file.name},{file.parent.name},train")
    table = shapes / "list.csv"
    table.write_text("\n".join(lines) + "\n")
    result = firstlight("train", "classifier", "--data", table, "--out", tmp_path / "run", *QUICK)
    table.unlink()
    assert result.exit_code == 0, result.output
    assert "Not judged" in result.stdout
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert list(kept) == ["checks"]
    assert [each["name"] for each in kept["checks"]] == CHECKS


def test_a_few_images_by_heart(shapes: Path, firstlight: Any) -> None:
    settings = ("--architecture", "mlp", "--width", 32, "--depth", 1, "--image-size", 8, "--precision", "float32")
    result = firstlight("train", "classifier", "--data", shapes, "--overfit", 6, *settings)
    assert result.exit_code == 0, result.output
    found = dict(line.split(": ") for line in result.stdout.splitlines())
    assert (found["images"], found["accuracy"], found["passed"]) == ("6", "1", "True")
    slow = firstlight("train", "classifier", "--data", shapes, "--overfit", 6, *settings, "--learning-rate", 1e-9)
    assert slow.exit_code == 1
    assert "passed: False" in slow.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--architecture", "resnett"), "Did you mean 'resnet'?"),
        (("--dropout", "-0.5"), "Expected dropout to be at least 0 and below 1. Received -0.5."),
        (("--optimizer", "adamm"), "Expected optimizer to be one of"),
        (("--epochs", "0"), "Expected epochs to be 1 or more. Received 0."),
        (("--architecture", "mobilenet_v2", "--weights", "none.h5"), "Received 'none.h5', which is no file."),
    ],
)
def test_wrong_settings_end_in_a_line_and_leave_no_run(
    shapes: Path, firstlight: Any, tmp_path: Path, options: tuple[str, str], told: str
) -> None:
    result = firstlight("train", "classifier", "--data", shapes, "--out", tmp_path / "run", *options)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "run").exists()

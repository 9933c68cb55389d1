"""Training an autoencoder by the command, and what one then does with it: there and back, noise, ways, samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from firstlight.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
SETTINGS = ["--code", "4", "--width", "32", "--epochs", "4"]


def blob(number: int) -> Image.Image:
    """A soft spot somewhere on 12 x 12 pixels."""
    random = np.random.default_rng(number)
    row, column, size = random.uniform(3, 9), random.uniform(3, 9), random.uniform(1, 3)
    rows, columns = np.mgrid[:12, :12]
    spot = 230 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * size**2))
    return Image.fromarray(spot.astype(np.uint8))


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred pictures in folders that say nothing, and one that is broken."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    for number in range(100):
        path = folder / f"year-{number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        blob(number).save(path)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    run = tmp_path_factory.mktemp("run")
    result = CliRunner().invoke(main, ["train", "autoencoder", "--data", str(photos), "--out", str(run), *SETTINGS])
    assert result.exit_code == 0, result.output
    return run, result.output


def test_training_tells_checks_and_writes_a_report(trained: tuple[Path, str]) -> None:
    run, told = trained
    assert "12 x 12 pixels, grey, to 4 numbers; dense" in told
    lines = [line for line in told.splitlines() if line.startswith(("ok", "ALARM", "?"))]
    assert len(lines) == 4
    assert "Error over theirs" in told
    for name in ("encoder.keras", "decoder.keras", "history.csv", "curves.png", "report.html", "README.md"):
        assert (run / name).stat().st_size > 0, name
    kept = json.loads((run / "metrics.json").read_text())
    assert [each["name"] for each in kept["checks"]] == [
        *("mean picture", "principal components", "code", "one preprocessing")
    ]
    assert kept["photos/test"]["ratio_to_pca"] > 0
    page = (run / "report.html").read_text()
    for part in ("There and back", "What comes back worst", "Noise taken away", "From one to another", "Map of the"):
        assert part in page, part


def test_the_same_command_again_has_nothing_to_do(trained: tuple[Path, str], photos: Path, firstlight: Any) -> None:
    run, _ = trained
    before = (run / "history.csv").read_text()
    again = firstlight("train", "autoencoder", "--data", photos, "--out", run, *SETTINGS)
    assert again.exit_code == 0, again.output
    assert (run / "history.csv").read_text() == before
    other = firstlight("train", "autoencoder", "--data", photos, "--out", run, "--code", "5", "--epochs", "4")
    assert other.exit_code == 2
    assert "code (4 there, 5 here)" in other.stderr


def test_it_is_judged_on_another_split(trained: tuple[Path, str], firstlight: Any, tmp_path: Path) -> None:
    run, _ = trained
    result = firstlight("evaluate", run, "--split", "validation", "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["intervals"]["psnr"][0] < report["psnr"]
    assert (tmp_path / "report.html").exists()


def test_pictures_there_and_back(trained: tuple[Path, str], photos: Path, firstlight: Any, tmp_path: Path) -> None:
    run, _ = trained
    sheet = firstlight("reconstruct", run, photos, "--out", tmp_path / "sheet.png")
    assert sheet.exit_code == 1, "one picture is broken"
    assert "broken.png" in sheet.stderr
    width, height = size_of(tmp_path / "sheet.png")
    assert (width, height) == (10 * 100 + 4, 20 * 100 + 4)
    files = firstlight("denoise", run, photos / "year-0", photos / "year-1", "--out", tmp_path / "mended")
    assert files.exit_code == 0
    assert len(list((tmp_path / "mended").rglob("*.png"))) == 67
    assert size_of(tmp_path / "mended" / "0.png") == (12, 12)
    assert firstlight("reconstruct", run, photos / "broken.png", "--out", tmp_path / "x.png").exit_code == 2


def test_a_way_as_film_strip_and_frames(
    trained: tuple[Path, str], photos: Path, firstlight: Any, tmp_path: Path
) -> None:
    run, _ = trained
    ends = (photos / "year-0" / "0.png", photos / "year-1" / "1.png")
    for out, more in (("way.gif", ["--no-back"]), ("way.png", ["--path", "spherical"]), ("frames", [])):
        result = firstlight("morph", run, *ends, "--steps", 5, "--out", tmp_path / out, *more)
        assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "way.gif") as film:
        assert film.n_frames == 5
    assert size_of(tmp_path / "way.png")[0] == 5 * (96 + 4) + 4
    assert len(list((tmp_path / "frames").iterdir())) == 5
    gone = firstlight("morph", run, ends[0], photos / "gone.png", "--out", tmp_path / "x.gif")
    assert gone.exit_code == 2
    assert "gone.png" in gone.stderr


def test_new_pictures(trained: tuple[Path, str], firstlight: Any, tmp_path: Path) -> None:
    run, _ = trained
    result = firstlight("sample", run, "-n", 6, "--columns", 3, "--out", tmp_path / "grid.png")
    assert result.exit_code == 0
    assert "not trained for samples" in result.stderr
    assert size_of(tmp_path / "grid.png") == (3 * 100 + 4, 2 * 100 + 4)


def test_what_cannot_be_is_told_in_a_line(trained: tuple[Path, str], firstlight: Any, tmp_path: Path) -> None:
    run, _ = trained
    empty = tmp_path / "empty"
    empty.mkdir()
    one = tmp_path / "one"
    one.mkdir()
    blob(0).save(one / "a.png")
    cases = [
        (("train", "autoencoder", "--data", empty, "--out", tmp_path / "a"), "no known layout matches"),
        (("train", "autoencoder", "--data", one, "--out", tmp_path / "b"), "two images or more"),
        (("train", "autoencoder", "--data", one, "--out", tmp_path / "c", "--code", "0"), "code to be 1 or more"),
        (("morph", tmp_path, "a", "b", "--out", "x.gif"), "no system.json"),
        (("sample", run, "--out", tmp_path / "x.gif", "-n", "0"), "0 is not in the range"),
    ]
    for arguments, message in cases:
        result = firstlight(*arguments)
        assert result.exit_code == 2, arguments
        assert message in result.stderr, result.stderr

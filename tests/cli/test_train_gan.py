"""`firstlight train gan` and what a run of it can do: sample, morph, evaluate, with the files that they write."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SETTINGS = ["--width", "4", "--latent", "4", "--batch-size", "16", "--precision", "float32", "--epochs", "2"]


def pictures(path: Path) -> Path:
    """A file of pictures with a training and a test part, without labels."""
    random = np.random.default_rng(0)
    images = np.zeros((88, 8, 8), np.uint8)
    images[np.arange(88), random.integers(0, 8, 88)] = 255
    images = np.maximum(images, random.integers(0, 40, images.shape).astype(np.uint8))
    np.savez(path, x_train=images[:48], x_test=images[48:])
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from click.testing import CliRunner

    from firstlight.cli import main

    folder = tmp_path_factory.mktemp("gan")
    data = pictures(folder / "bars.npz")
    result = CliRunner().invoke(main, ["train", "gan", "--data", str(data), "--out", str(folder / "run"), *SETTINGS])
    assert result.exit_code == 0, result.output
    return folder / "run"


def test_a_run_folder_holds_networks_pictures_film_and_report(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {"system.json", "generator.keras", "discriminator.keras", "history.csv", "metrics.json"} <= names
    assert {"progress", "progress.gif", "report.html", "curves.png", "README.md", "judge.npz"} <= names
    with Image.open(run / "progress" / "epoch-0002.png") as grid:
        assert grid.width > 64
    with Image.open(run / "progress.gif") as film:
        assert film.n_frames == 2
    report = json.loads((run / "metrics.json").read_text())["bars/test"]
    assert report["pictures"] == 20
    assert {"frechet_distance", "frechet_halves", "frechet_untrained", "nearest_ratio"} <= set(report)
    page = (run / "report.html").read_text()
    assert "Nearest training images" in page
    assert "data:image/gif;base64," in page
    assert "Fréchet" in page


def test_sample_and_morph(run: Path, firstlight: Any, tmp_path: Path) -> None:
    assert firstlight("sample", run, "-n", 6, "--out", tmp_path / "grid.png", "--columns", 3).exit_code == 0
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.width > grid.height
    assert firstlight("morph", run, "--out", tmp_path / "film.gif", "--steps", 5, "--no-back").exit_code == 0
    with Image.open(tmp_path / "film.gif") as film:
        assert 2 <= film.n_frames <= 5
    refused = firstlight("morph", run, "a.png", "b.png", "--out", tmp_path / "film.gif")
    assert refused.exit_code == 2
    assert "--seeds" in refused.output
    refused = firstlight("morph", run, "--seeds", "one", "--out", tmp_path / "film.gif")
    assert refused.exit_code == 2
    assert "whole numbers" in refused.output
    refused = firstlight("sample", run, "--label", "seven", "--out", tmp_path / "grid.png")
    assert refused.exit_code == 2
    assert "conditional=False" in refused.output


def test_evaluate_again_as_json(run: Path, firstlight: Any, tmp_path: Path) -> None:
    result = firstlight("evaluate", run, "--split", "test", "--out", tmp_path, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    kept = json.loads((run / "metrics.json").read_text())["bars/test"]
    assert found["frechet_distance"] == pytest.approx(kept["frechet_distance"], rel=1e-4)
    assert (tmp_path / "report.html").exists()


def test_an_empty_folder_is_refused(firstlight: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = firstlight("train", "gan", "--data", tmp_path / "empty", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert not (tmp_path / "run").exists()

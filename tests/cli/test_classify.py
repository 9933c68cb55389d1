"""`firstlight train classifier` and `firstlight classify`: from class folders to answers, broken images among them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with a dozen pictures each: bright ones and dark ones."""
    root = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for label, low in (("bright", 150), ("dark", 0)):
        (root / label).mkdir()
        for number in range(12):
            pixels = random.integers(low, low + 100, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


def test_from_class_folders_to_answers(folders: Path, firstlight: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = firstlight(
        "train", "classifier", "--data", folders, "--out", run, "--architecture", "linear", "--epochs", 10
    )
    assert trained.exit_code == 0, trained.output
    assert "Accuracy" in trained.stdout
    assert (run / "confusion.png").stat().st_size > 1000
    told = firstlight("classify", run, folders / "bright" / "0.png", folders / "dark" / "0.png")
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[0].partition(": ")[2].startswith("bright ")
    assert lines[1].partition(": ")[2].startswith("dark ")

    (tmp_path / "broken.png").write_bytes(b"no picture")
    some = firstlight("classify", run, tmp_path / "broken.png", folders, "--to", "csv")
    assert some.exit_code == 1
    assert "broken.png" in some.stderr
    rows = list(csv.DictReader(io.StringIO(some.stdout)))
    assert len(rows) == 24
    assert all(row["label"] == Path(row["image"]).parent.name for row in rows)
    assert all(float(row["bright"]) + float(row["dark"]) == pytest.approx(1, abs=1e-4) for row in rows)
    assert firstlight("classify", run, tmp_path / "broken.png").exit_code == 2

    out = tmp_path / "answers.json"
    assert firstlight("classify", run, folders / "dark", "--to", "json", "--out", out).exit_code == 0
    assert {record["label"] for record in json.loads(out.read_text())} == {"dark"}
    assert firstlight("classify", run, folders, "--out", out).exit_code == 2

    judged = firstlight("evaluate", run, "--split", "test", "--json")
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.stdout)["accuracy"] == 1.0
    assert "which holds a ImageClassifier" in firstlight("caption", run, folders / "dark" / "0.png").output


def test_one_class_is_told_in_a_line(folders: Path, firstlight: Any, tmp_path: Path) -> None:
    result = firstlight("train", "classifier", "--data", folders / "dark", "--out", tmp_path / "run", "--epochs", 1)
    assert result.exit_code == 2
    assert "Error: Expected" in result.output

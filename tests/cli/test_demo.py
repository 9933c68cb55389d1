"""`firstlight demo` with few scenes and a small network: every file, every line, and a second call that resumes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight.cli import demo


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CAPTIONER", {**demo.CAPTIONER, "units": 16, "embedding": 16, "image_size": 32})
    monkeypatch.setattr(demo, "TRAINING", {"epochs": 1})
    monkeypatch.setattr(demo, "SCENES", {"train": 24, "validation": 6, "test": 12, "unseen": 12})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2
def test_the_demo_trains_tells_and_draws_and_again_ends_at_once(small: None, firstlight: Any, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    first = firstlight("demo", "--out", out)
    assert first.exit_code == 0, first.output
    assert "About three minutes" in first.stdout
    assert "epoch 1/1" in first.stderr
    text = " ".join(first.stdout.split())
    for part in ("test unseen", "precision recall", "thing", "95 % interval", "test-00000: ", "train captioner"):
        assert part in text
    for name in ("demo.png", "attention.png", "curves.png"):
        assert np.asarray(Image.open(out / name).convert("RGB")).std() > 10
    assert "<h2>Best</h2>" in (out / "gallery.html").read_text()
    report = json.loads((out / "metrics.json").read_text())
    assert set(report) == {"scenes/test", "scenes/unseen"}
    assert "12 images" in report["scenes/test"]["protocol"]

    written = [(out / name).read_bytes() for name in ("checkpoints/last.npz", "history.csv")]
    again = firstlight("demo", "--out", out)
    assert again.exit_code == 0, again.output
    assert "resuming after epoch 1 of 1" in again.stderr
    assert "words/s" not in again.stderr, "nothing is trained twice"
    assert [(out / name).read_bytes() for name in ("checkpoints/last.npz", "history.csv")] == written
    assert json.loads((out / "metrics.json").read_text()) == report
    other = firstlight("demo", "--out", out, "--seed", 1)
    assert other.exit_code == 2
    assert "seed (0 there, 1 here)" in other.output

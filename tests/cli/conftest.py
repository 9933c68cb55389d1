"""A small captioner registered as a system, photos with captions on disk, and a run trained on them by the command."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from firstlight import systems
from firstlight.cli import main

Firstlight = Callable[..., Result]


@pytest.fixture
def constant(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of a small real system, registered as the one system, `constant`."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from constant_captioner import ConstantCaptioner

    monkeypatch.setattr(systems, "SYSTEMS", {"constant": "constant_captioner:ConstantCaptioner"})
    return ConstantCaptioner


@pytest.fixture
def firstlight() -> Firstlight:
    """Call the command as a user does; what is no user's mistake escapes as it does in life."""

    def call(*arguments: Any, standard_input: str = "") -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=standard_input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of twelve photos with two captions each and a split, as a table tells."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["image,caption,split"]
    random = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(random.integers(0, 255, (24, 32, 3), np.uint8)).save(folder / f"{number:02d}.jpg")
        split = "train" if number < 6 else "validation" if number < 10 else "test"
        lines += [f"{number:02d}.jpg,a dog runs,{split}", f"{number:02d}.jpg,dog number {number},{split}"]
    (folder / "captions.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def run(constant: Any, firstlight: Firstlight, photos: Path, tmp_path: Path) -> Path:
    """A run folder made by `firstlight train constant`."""
    folder = tmp_path / "run"
    result = firstlight("train", "constant", "--data", photos, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder

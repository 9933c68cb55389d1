"""What all tests share: the folder with real data beside the checkout, and quiet frameworks."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `../shared` beside the checkout, with real data and golden figures; skips where it is missing."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared (real data and golden figures) beside the checkout")
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test gets an empty cache folder, so that none leans on what another left or on the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("FIRSTLIGHT_DATA", str(folder))
    return folder

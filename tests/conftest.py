"""What all tests share: the folder with real data beside the checkout, and quiet frameworks, a browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def chromium_driver() -> Iterator[Any]:
    """Headless Chromium, driven by Selenium, started once."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture
def browser(chromium_driver: Any) -> Any:
    """The browser without what an earlier test emulated or logged."""
    chromium_driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium_driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium_driver.get_log("browser")
    return chromium_driver

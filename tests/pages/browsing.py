"""What the tests of pages in a browser share."""

from pathlib import Path
from typing import Any


def visible(browser: Any, selector: str) -> list[str]:
    """The texts that one can see."""
    return [found.text for found in browser.find_elements("css selector", selector) if found.is_displayed()]


def fits(browser: Any, page: Path, width: int) -> bool:
    """Whether nothing of a page runs over the side of a window of so many pixels."""
    window = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    browser.get(page.as_uri())
    return bool(browser.execute_script("return document.documentElement.scrollWidth") <= width)

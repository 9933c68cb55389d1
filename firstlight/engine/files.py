"""Files: written under a temporary name first and then moved into place, so that nobody finds half of one."""

import os
from pathlib import Path
from typing import Any

__all__ = ["write_text"]


def write_text(path: Any, text: str) -> None:
    """Write a text file, and the folders that lead to it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)

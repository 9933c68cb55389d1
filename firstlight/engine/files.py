"""Files: written under a temporary name first and then moved into place, so that nobody finds half of one."""

import os
from pathlib import Path
from typing import Any

__all__ = ["write_text"]


def write_text(path: Any, text: str) -> None:
    """Write a text file, and the folders that lead to it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

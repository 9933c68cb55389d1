"""What a figure shows, read back from its file."""

from pathlib import Path

import numpy as np
from PIL import Image


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: str, within: int = 24) -> np.ndarray:
    """Which pixels have about this colour."""
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return np.abs(picture - wanted).max(axis=-1) <= within

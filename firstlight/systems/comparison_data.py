"""A split in a file, for a process of its own that learns from it: names and texts as JSON, pixels as one array.

Images that are paths stay paths.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.data.table import Split

__all__ = ["read_split", "write_split"]

_COLUMNS = ("names", "images", "labels", "captions")  # what systems learn from


def write_split(path: Path, split: Split) -> None:
    """Write the columns that systems learn from: one file `.npz`, without pickle."""
    columns: dict[str, Any] = {name: split.columns[name] for name in _COLUMNS if name in split.columns}
    images = columns.get("images", [])
    arrays = [image for image in images if not isinstance(image, str | os.PathLike)]
    columns["images"] = [os.fspath(image) if isinstance(image, str | os.PathLike) else None for image in images]
    told = json.dumps({"name": split.name, "columns": columns, "shapes": [image.shape for image in arrays]})
    pixels = np.concatenate([np.ravel(image) for image in arrays]) if arrays else np.zeros(0, np.uint8)
    with path.open("wb") as file:
        np.savez(file, told=np.frombuffer(told.encode(), np.uint8), pixels=pixels)


def read_split(path: Path) -> Split:
    """What `write_split` wrote."""
    with np.load(path, allow_pickle=False) as file:
        told, pixels = json.loads(file["told"].tobytes()), file["pixels"]
    columns = told["columns"]
    ends = np.cumsum([int(np.prod(shape)) for shape in told["shapes"]])
    arrays = iter(np.split(pixels, ends[:-1])) if len(ends) else iter(())
    shapes = iter(told["shapes"])
    columns["images"] = [
        next(arrays).reshape(next(shapes)) if image is None else image for image in columns.get("images", [])
    ]
    return Split(told["name"], columns)

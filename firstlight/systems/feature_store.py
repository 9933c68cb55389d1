"""Grids of features on disk: float16 records, appended as they are computed and read by position.

A folder holds `grids.float16` (the records, one after another, views x rows x columns x channels each), `keys.txt` (one
line a record: the sha256 of its image) and `settings.json` (what was computed, and the shape). A record counts once its
line in `keys.txt` is complete, so a process may be killed at any moment, and several may append at once.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.data.locks import locked
from firstlight.errors import FirstlightError

__all__ = ["FeatureStore"]

_LINE = 65  # 64 hexadecimal digits and the end of the line


class FeatureStore:
    """One folder of grids of one shape (views, rows, columns, channels); opens it, or makes it with these settings.

    Raises FirstlightError where the folder holds records of other settings.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], settings: dict[str, Any]) -> None:
        self.folder = folder
        self.shape = shape
        self.record_bytes = 2 * int(np.prod(shape))
        self.positions: dict[bytes, int] = {}  # sha256 of an image: the number of its record
        self._seen = 0
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("grids.float16", "keys.txt"):
            (folder / name).touch()
        with locked(self.folder / "lock"):
            self._settle(settings)
            self._repair()
        self.refresh()

    def __len__(self) -> int:
        return len(self.positions)

    def refresh(self) -> None:
        """Learn of the records that were appended since, also by other processes."""
        with open(self.folder / "keys.txt", "rb") as file:
            file.seek(self._seen * _LINE)
            lines = file.read()
        for start in range(0, len(lines) - _LINE + 1, _LINE):
            self.positions[bytes.fromhex(lines[start : start + _LINE].decode())] = self._seen
            self._seen += 1

    def append(self, keys: list[bytes], grids: NDArray[np.float16]) -> None:
        """Add the records (batch, views, rows, columns, channels) whose keys are new; they are on disk afterwards."""
        with locked(self.folder / "lock"):
            self._repair()  # another process may have been killed while it wrote
            self.refresh()
            new = [row for row, key in enumerate(keys) if key not in self.positions]
            with open(self.folder / "grids.float16", "ab") as file:
                for row in new:
                    file.write(np.ascontiguousarray(grids[row], "float16").data)
                file.flush()
                os.fsync(file.fileno())
            with open(self.folder / "keys.txt", "ab") as file:
                file.write("".join(keys[row].hex() + "\n" for row in new).encode())
            self.refresh()

    def read(self, records: Iterable[int], views: Iterable[int]) -> NDArray[np.float16]:
        """The grids (batch, rows, columns, channels) of these records, one view of each."""
        wanted = list(zip(records, views, strict=True))
        grids = np.empty((len(wanted), *self.shape[1:]), np.float16)
        view_bytes = self.record_bytes // self.shape[0]
        with open(self.folder / "grids.float16", "rb", buffering=0) as file:  # opened anew: threads share no position
            for grid, (record, view) in zip(grids, wanted, strict=True):
                file.seek(record * self.record_bytes + view * view_bytes)
                if file.readinto(grid.reshape(-1).view(np.uint8)) != view_bytes:
                    raise FirstlightError(f"{file.name} ends too early. Remove its folder and start again.")
        return grids

    def _settle(self, settings: dict[str, Any]) -> None:
        """Write the settings into a new folder, compare them with those in an old one."""
        path = self.folder / "settings.json"
        settings = json.loads(json.dumps({**settings, "shape": self.shape}))
        if not path.exists():
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
            os.replace(temporary, path)
            return
        known = json.loads(path.read_text(encoding="utf-8"))
        different = [name for name in settings if known.get(name) != settings[name] and name != "engine"]
        if different:
            raise FirstlightError(
                f"Expected features with the same {', '.join(different)} as in {path}. "
                f"Received {[settings[name] for name in different]}. Pass another folder, or remove this one."
            )

    def _repair(self) -> None:
        """Cut off what a killed process left half written: a record without its key, a piece of a line."""
        grids, keys = self.folder / "grids.float16", self.folder / "keys.txt"
        complete = min(grids.stat().st_size // self.record_bytes, keys.stat().st_size // _LINE)
        for path, size in ((grids, complete * self.record_bytes), (keys, complete * _LINE)):
            if path.stat().st_size != size:
                os.truncate(path, size)

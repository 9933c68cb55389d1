"""All that the next epoch of a training depends on, in one file: arrays in groups, and numbers as JSON.

A training that is stopped and started again goes on from here and ends with the same weights.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.systems.system import write_safely

__all__ = ["read_state", "write_state"]


def write_state(path: Path, groups: Mapping[str, Sequence[np.ndarray]], numbers: Mapping[str, Any]) -> None:
    """Write arrays by the name of their group, and what JSON can hold, whole or not at all."""
    arrays = {f"{name}_{number}": value for name, group in groups.items() for number, value in enumerate(group)}
    arrays["state"] = np.frombuffer(json.dumps(numbers).encode(), np.uint8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    write_safely(path, write)


def read_state(path: Path, groups: Sequence[str]) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]] | None:
    """What `write_state` wrote: the arrays of each group in order, and the numbers; None where there is no file."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    found = {}
    for name in groups:
        count = sum(key.startswith(f"{name}_") for key in arrays)
        found[name] = [arrays[f"{name}_{number}"] for number in range(count)]
    return found, json.loads(arrays["state"].tobytes())

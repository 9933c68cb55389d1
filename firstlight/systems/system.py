"""What every system has in common: settings that are only stored, and a folder that holds all of a trained system.

A run folder is readable: `system.json`, one `.keras` file a network, the vocabulary, the history and the metrics.
"""

import csv
import io
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from firstlight import __version__
from firstlight.errors import FirstlightError, nearest

__all__ = [
    "History",
    "Silent",
    "System",
    "load",
    "plain",
    "read_description",
    "task_of",
    "write_safely",
    "write_text_safely",
]


def write_safely(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place: whole, or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_safely(path: Path, text: str) -> None:
    """Write a text as UTF-8: whole, or not at all."""
    write_safely(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def plain(value: Any) -> Any:
    """NumPy's numbers as Python's and its arrays as lists, as JSON needs them, inside lists, tuples and dicts too."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        found = map(plain, value)
        return list(found) if isinstance(value, list) else tuple(found)
    return value


@dataclass
class History:
    """What was measured after each epoch: one row an epoch, one column a number; a missing number is None."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def history(self) -> dict[str, list[Any]]:
        """The columns by name, as Keras's History has them."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name) for row in self.rows] for name in names}

    def save(self, path: Path) -> None:
        """Write a CSV file with one line an epoch."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.history), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text_safely(path, text.getvalue())


class Silent:
    """The progress that shows nothing; what `fit(progress=...)` calls, see `firstlight.cli.progress`."""

    def start(self, total_epochs: int, first_epoch: int, unit: str = "words") -> None:
        """Training begins."""

    def epoch_started(self, epoch: int, batches: int) -> None:
        """An epoch begins."""

    def batch(self, done: int, loss: float, words: int) -> None:
        """A batch is done."""

    def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
        """An epoch is over."""

    def message(self, text: str) -> None:
        """A line for the reader."""

    def task(self, name: str, total: int) -> Callable[[int], None]:
        """Another long task; returns what is told how much of it is done."""
        return lambda done: None


class System:
    """Settings, named networks and preprocessing: the parts that a folder keeps together.

    A subclass stores its settings in the constructor under their own names, sets `description` while fitting, and
    writes and reads its parts in `_save_parts` and `_load_parts`.

    `task` says what data it learns from, as `firstlight.data.load` knows it.
    `later_stages` names what a run that was begun, or has ended, may still be asked for: the epochs of a stage after
    the first, with the settings that matter to it alone.
    """

    description: dict[str, Any]
    task: ClassVar[str] = "captions"
    later_stages: Mapping[str, Sequence[str]] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """Every argument of the constructor with its value, numbers of NumPy as Python's."""
        return {name: plain(getattr(self, name)) for name in signature(type(self)).parameters}

    def __repr__(self) -> str:
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, parameter in signature(type(self)).parameters.items()
            if getattr(self, name) != parameter.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def describe(self, **more: Any) -> dict[str, Any]:
        """What `system.json` says: class, settings, versions, date, and what the caller adds."""
        packages = ("keras", "numpy", "pillow")
        versions = {"firstlight": __version__, "python": platform.python_version()}
        return {
            "class": f"{type(self).__module__}:{type(self).__name__}",
            "settings": self.settings,
            "versions": {**versions, **{name: version(name) for name in packages}},
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            **plain(more),
        }

    def begun_in(self, folder: str | Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The description of the run that a folder holds, {} where there is none; a training takes up only its own run.

        Args:
            folder: run folder.
            wanted: arguments of `fit` and what is said of the data, by name; only names that are there count.

        Raises:
            FirstlightError: the run was begun with other settings; names them, and the ways out.
        """
        if not (Path(folder) / "system.json").exists():
            return {}
        description = read_description(folder)
        there = {**description["settings"], **description.get("training", {}), **(description.get("data") or {})}
        free = {name for epochs, names in self.later_stages.items() if not there.get(epochs) for name in names}
        differing = [
            f"{name} ({there[name]} there, {value} here)"
            for name, value in {**self.settings, **wanted}.items()
            if name in there
            and there[name] != value
            and name not in free
            and not (name in self.later_stages and value > there[name])
        ]
        if differing:
            raise FirstlightError(
                f"Expected the settings that the run in {folder} was begun with. Received others: "
                f"{', '.join(differing)}. Give the same settings to resume, another run folder, or --restart to "
                "delete the run and begin anew."
            )
        return description

    def save(self, folder: str | Path) -> None:
        """Write the trained system into a folder; `load` opens it again, here or on another machine.

        Raises:
            FirstlightError: the system is not fitted, or its description holds what JSON cannot.
        """
        self._require_fitted()
        self._described()  # what cannot be written is told before the first file is
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._save_parts(folder)
        self._write_description(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open the folder of a trained system.

        Raises:
            FirstlightError: the folder holds no such system, or its training has not yet finished an epoch.
        """
        description = read_description(folder)
        known = signature(cls).parameters
        for name in description["settings"]:
            if name not in known:
                raise FirstlightError(
                    f"Expected settings of {cls.__name__} in {folder}/system.json. Received {name!r}."
                    f"{nearest(name, known)} It was written by firstlight {description['versions'].get('firstlight')}."
                )
        system = cls(**description["settings"])
        system.description = description
        system._load_parts(Path(folder))
        return system

    def _write_description(self, folder: Path) -> None:
        write_text_safely(folder / "system.json", self._described())

    def _described(self) -> str:
        """The text of `system.json`."""
        try:
            return json.dumps(self.description, indent=2, ensure_ascii=False) + "\n"
        except TypeError as error:
            raise FirstlightError(
                f"Expected settings, and a description of the data, that JSON can hold. Received others: {error}. "
                "Pass numbers, texts, lists and dicts."
            ) from error

    def _require_fitted(self) -> None:
        if not getattr(self, "description", None):
            name = type(self).__name__
            raise FirstlightError(
                f"Expected a fitted {name}. Received one that is not. Call fit(...) or {name}.load(folder)."
            )

    def _save_parts(self, folder: Path) -> None:
        raise NotImplementedError

    def _load_parts(self, folder: Path) -> None:
        raise NotImplementedError


def read_description(folder: str | Path) -> dict[str, Any]:
    """The content of `system.json` in a run folder.

    Raises:
        FirstlightError: there is no such file, or it is not what `System.save` writes.
    """
    path = Path(folder) / "system.json"
    if not path.is_file():
        raise FirstlightError(
            f"Expected the folder of a trained system. Received {folder}, which has no system.json. "
            "Train one with `firstlight train`, or name its folder."
        )
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        description["class"], description["settings"], description["versions"]
    except (ValueError, KeyError, TypeError) as error:
        raise FirstlightError(
            f"Expected a description of a system in {path}. Received something else: {error!r}. "
            "Train again with --restart, or name another folder."
        ) from error
    return dict(description)


def load(folder: str | Path) -> System:
    """Open any trained system; its folder says of which class it is.

    Raises:
        FirstlightError: the folder holds no system of firstlight.
    """
    return _class_of(folder).load(folder)


def task_of(folder: str | Path) -> str:
    """What data the system in a run folder learns from, as `firstlight.data.load` knows it."""
    return _class_of(folder).task


def _class_of(folder: str | Path) -> type[System]:
    from firstlight.systems import INDEXES, SYSTEMS

    name = read_description(folder)["class"]
    places = {*SYSTEMS.values(), *INDEXES.values()}
    if name not in places:
        known = ", ".join(sorted(places))
        raise FirstlightError(f"Expected one of the systems {known}. Received {name!r} in {folder}/system.json.")
    module, _, attribute = name.partition(":")
    kind: type[System] = getattr(import_module(module), attribute)
    return kind

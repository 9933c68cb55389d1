"""An index in a folder: vectors in a file that is mapped into memory, entries in a log, and a manifest that counts.

What the manifest does not count is not there. It is replaced after the data are on the disk, so a process may be killed
at any moment, and the next one writes over what was left half written.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from firstlight.data.locks import locked
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_records import Entry, Found
from firstlight.systems.system import write_safely

__all__ = ["FolderStore", "Searcher"]

_MANIFEST = "manifest.json"


class Searcher(Protocol):
    """What finds the nearest rows of a store; see `image_index_exact` and `image_index_faiss`."""

    def search(self, store: "FolderStore", queries: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows and distances of the nearest for each query, ties by row."""


class FolderStore:
    """Vectors and entries in a folder, which is made where it is missing; see `Store` for what it can do.

    `vectors-N.float32` are rows of float32, one after another. `log-N.jsonl` says what became of the rows, a line each:
    an entry was added (its row is the next), a row was removed, an entry was replaced. N grows when it is compacted.
    Several processes may read while one writes; writers wait for each other.
    """

    def __init__(self, folder: str | Path, searcher: Searcher):
        self.folder, self.searcher = Path(folder), searcher
        self.folder.mkdir(parents=True, exist_ok=True)
        self._manifest = self.folder / _MANIFEST
        self._stamp: tuple[int, ...] | None = None
        self.manifest: dict[str, int] = {}
        self._entries: list[Entry | None] = []
        self._rows: dict[str, int] = {}
        self._seen = 0
        self._forget()
        self.refresh()

    # -- reading -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def columns(self) -> int | None:
        """The length of a vector; None while there is none."""
        return self.manifest["columns"] or None

    @property
    def generation(self) -> int:
        """How often the rows were numbered anew, from 1."""
        return self.manifest["generation"]

    @property
    def vectors(self) -> np.ndarray:
        """All rows (rows, columns), also removed ones, mapped into memory."""
        return self._vectors

    @property
    def alive(self) -> np.ndarray:
        """Whether each row is still there, (rows,) bool."""
        return self._alive

    def known(self) -> dict[str, Entry]:
        """Every entry by its name, in the order of the rows."""
        self.refresh()
        return {entry.name: entry for entry in self._entries if entry is not None}

    def find(self, name: str) -> Entry | None:
        """The entry of this name; None where there is none."""
        self.refresh()
        row = self._rows.get(name)
        return None if row is None else self._entries[row]

    def vectors_of(self, names: Sequence[str]) -> np.ndarray:
        """The vectors of images that are there, (names, columns)."""
        return np.array(self._vectors[[self._rows[name] for name in names]])

    def blocks(self, size: int = 4096) -> Iterator[tuple[list[Entry], np.ndarray]]:
        """All images in the order of their rows, some at a time."""
        self.refresh()
        rows = np.flatnonzero(self.alive).tolist()
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            yield [self._entry(row) for row in some], np.array(self._vectors[some])

    def search(self, queries: np.ndarray, count: int) -> list[list[Found]]:
        """The nearest images of each query (queries, columns), ties by row."""
        self.refresh()
        found = self.searcher.search(self, queries, min(count, len(self)))
        return [
            [Found(int(row), self._entry(row), float(distance)) for row, distance in zip(*each, strict=True)]
            for each in found
        ]

    def refresh(self) -> None:
        """Learn of what was written since, also by other processes."""
        path = self._manifest
        try:
            state = os.stat(path)
        except FileNotFoundError:
            return
        stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
        if stamp == self._stamp:
            return
        manifest = _read_manifest(path)
        if manifest["generation"] != self.generation or manifest["log_bytes"] < self._seen:
            self._forget()
        self.manifest, self._stamp = manifest, stamp
        self._map()
        self._read_log()

    def close(self) -> None:
        """Let go of the files."""
        self._forget()
        self._stamp = None

    # -- writing -------------------------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry], vectors: np.ndarray) -> None:
        """Add images; one of the same name is replaced. All of them are kept, or none."""
        with self._writing():
            columns = self.columns or vectors.shape[1]
            if vectors.shape != (len(entries), columns):
                raise FirstlightError(
                    f"Expected vectors ({len(entries)}, {columns}), as the index in {self.folder} has them. Received "
                    f"{vectors.shape}: they come from another encoder."
                )
            replaced = [{"remove": self._rows[entry.name]} for entry in entries if entry.name in self._rows]
            with self._open("vectors", self.manifest["rows"] * columns * 4) as file:
                file.write(np.ascontiguousarray(vectors, "<f4").data)
                _keep(file)
            self._commit(
                [*replaced, *({"add": entry.to_json()} for entry in entries)],
                columns=columns,
                rows=self.manifest["rows"] + len(entries),
            )

    def annotate(self, entries: Sequence[Entry]) -> None:
        """Replace the entries of these names; their vectors stay."""
        with self._writing():
            self._commit([{"row": self._rows[entry.name], "now": entry.to_json()} for entry in entries])

    def remove(self, names: Sequence[str]) -> int:
        """Take images out by their names; how many there were."""
        with self._writing():
            rows = [self._rows[name] for name in dict.fromkeys(names) if name in self._rows]
            self._commit([{"remove": row} for row in rows])
        return len(rows)

    def compact(self) -> None:
        """Write the rows that are left into new files, and let the manifest name these."""
        with self._writing():
            rows, old = np.flatnonzero(self.alive).tolist(), self.generation
            entries = [self._entry(row) for row in rows]
            source, columns = self._vectors, self.columns or 0
            self.manifest = {**self.manifest, "generation": old + 1, "log_bytes": 0}
            with self._open("vectors", 0) as file:
                for start in range(0, len(rows), 4096):
                    file.write(np.ascontiguousarray(source[rows[start : start + 4096]]).data)
                _keep(file)
            self._commit([{"add": entry.to_json()} for entry in entries], columns=columns, rows=len(rows))
            for path in (f"vectors-{old}.float32", f"log-{old}.jsonl"):
                (self.folder / path).unlink(missing_ok=True)

    # -- parts ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The lock of the folder, and the newest state of it once the lock is held."""
        with locked(self.folder / "lock"):
            self.refresh()
            yield

    def _open(self, name: str, position: int) -> Any:
        """A file of this generation, to be written from a position; what lies behind it was never counted."""
        path = self.folder / f"{name}-{self.generation}.{'float32' if name == 'vectors' else 'jsonl'}"
        path.touch()
        file = path.open("r+b")
        file.truncate(position)
        file.seek(position)
        return file

    def _commit(self, lines: list[dict[str, Any]], **facts: int) -> None:
        """Write lines to the log, then the manifest that counts them."""
        if not lines and not facts:
            return
        with self._open("log", self.manifest["log_bytes"]) as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            _keep(file)
            written = file.tell()
        text = json.dumps({**self.manifest, **facts, "log_bytes": written}) + "\n"
        write_safely(self._manifest, lambda path: path.write_text(text, encoding="utf-8"))
        self.refresh()

    def _forget(self) -> None:
        self.manifest = {"generation": 1, "columns": 0, "rows": 0, "log_bytes": 0}
        self._entries, self._rows = [], {}
        self._alive = np.zeros(0, bool)
        self._vectors = np.zeros((0, 0), np.float32)
        self._seen = 0

    def _map(self) -> None:
        shape = (self.manifest["rows"], self.manifest["columns"])
        path = self.folder / f"vectors-{self.generation}.float32"
        expected = shape[0] * shape[1] * 4
        if expected and (not path.is_file() or path.stat().st_size < expected):
            raise FirstlightError(
                f"Expected {expected:,} bytes of vectors in {path}. Received fewer. Delete the folder {self.folder}, "
                "and build the index again."
            )
        empty = np.zeros(shape, np.float32)
        self._vectors = np.memmap(path, "<f4", "r", shape=shape).view(np.ndarray) if expected else empty

    def _read_log(self) -> None:
        """Follow the log from where it was read up to."""
        path = self.folder / f"log-{self.generation}.jsonl"
        with path.open("rb") as file:
            file.seek(self._seen)
            text = file.read(self.manifest["log_bytes"] - self._seen)
        self._alive = np.ones(len(self._vectors), bool)
        self._alive[[row for row, entry in enumerate(self._entries) if entry is None]] = False
        try:
            for line in json.loads(f"[{text.decode().rstrip().replace(chr(10), ',')}]"):
                self._follow(line)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise FirstlightError(
                f"Expected a log of images in {path}. Received something else: {error!r}. Delete the folder "
                f"{self.folder}, and build the index again."
            ) from error
        self._seen = self.manifest["log_bytes"]

    def _follow(self, line: dict[str, Any]) -> None:
        if "add" in line:
            entry = Entry.from_json(line["add"])
            self._rows[entry.name] = len(self._entries)
            self._entries.append(entry)
        elif "remove" in line:
            gone = self._entry(line["remove"])
            self._entries[line["remove"]], self._alive[line["remove"]] = None, False
            del self._rows[gone.name]
        else:
            self._entries[line["row"]] = Entry.from_json(line["now"])

    def _entry(self, row: int) -> Entry:
        entry = self._entries[row]
        if entry is None:
            raise KeyError(row)
        return entry


def _keep(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return {name: int(manifest[name]) for name in ("generation", "columns", "rows", "log_bytes")}
    except (ValueError, KeyError, TypeError) as error:
        raise FirstlightError(
            f"Expected a manifest of an image index in {path}. Received something else: {error!r}. Delete its folder, "
            "and build the index again."
        ) from error

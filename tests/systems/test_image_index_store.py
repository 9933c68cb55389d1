"""The store on disk: what was committed is there after anything, what was not is nowhere; a real process is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems.image_index_exact import ExactSearcher
from firstlight.systems.image_index_records import Entry
from firstlight.systems.image_index_store import FolderStore

ROOT = Path(__file__).resolve().parents[2]


def opened(folder: Path) -> FolderStore:
    return FolderStore(folder, ExactSearcher("euclidean"))


def entries(*names: str) -> list[Entry]:
    return [Entry(name) for name in names]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """Three images, `c` removed."""
    made = opened(tmp_path / "store")
    made.append(entries("a", "b", "c"), np.eye(3, 4))
    made.remove(["c"])
    return made


def test_what_was_added_and_removed_is_so_for_others(store: FolderStore) -> None:
    for each in (store, opened(store.folder)):
        assert list(each.known()) == ["a", "b"]
        assert (len(each), each.columns) == (2, 4)
        assert each.vectors_of(["b", "a"]).tolist() == np.eye(3, 4)[[1, 0]].tolist()
        assert each.find("c") is None
        assert isinstance(each.vectors.base, np.memmap)


def test_a_name_that_is_there_is_replaced_and_entries_change_without_vectors(store: FolderStore) -> None:
    store.append([Entry("a", 7, captions=("a dog",))], np.full((1, 4), 5))
    store.annotate([Entry("b", label="x")])
    again = opened(store.folder)
    assert list(again.known().values()) == [Entry("b", label="x"), Entry("a", 7, captions=("a dog",))]
    assert again.vectors_of(["a", "b"]).tolist() == [[5] * 4, [0, 1, 0, 0]]
    assert [found.entry.name for found in again.search(np.array([[5, 5, 5, 5]], np.float32), 5)[0]] == ["a", "b"]


def test_strange_names_come_back(store: FolderStore) -> None:
    names = ["two\nlines.jpg", "日本.jpg", "caf\udce9.jpg", 'quote".jpg', "a,b\\c.jpg", "\u2028.jpg"]
    store.append(entries(*names), np.ones((6, 4)))
    assert list(opened(store.folder).known())[2:] == names


def test_vectors_of_another_length_are_refused(store: FolderStore) -> None:
    with pytest.raises(FirstlightError, match="another encoder"):
        store.append(entries("d"), np.ones((1, 5)))
    assert list(opened(store.folder).known()) == ["a", "b"]


def test_another_process_sees_what_was_written_since(store: FolderStore) -> None:
    other = opened(store.folder)
    store.append(entries("d"), np.ones((1, 4)))
    assert other.find("d") is not None
    other.append(entries("e"), np.ones((1, 4)))
    assert list(store.known()) == ["a", "b", "d", "e"]
    other.compact()
    store.append(entries("f"), np.ones((1, 4)))
    assert list(other.known()) == ["a", "b", "d", "e", "f"]


def test_compact_gives_the_space_back_and_keeps_the_order(store: FolderStore) -> None:
    before = store.vectors_of(["b", "a"])
    store.compact()
    assert (store.folder / "vectors-2.float32").stat().st_size == 2 * 4 * 4
    assert sorted(path.name for path in store.folder.iterdir() if "-" in path.name) == [
        "log-2.jsonl",
        "vectors-2.float32",
    ]
    for each in (store, opened(store.folder)):
        assert list(each.known()) == ["a", "b"]
        assert (each.vectors_of(["b", "a"]) == before).all()


@pytest.mark.parametrize("tail", [b"half a vector", b"x" * 64])
def test_what_no_manifest_counts_is_written_over(store: FolderStore, tail: bytes) -> None:
    for name in ("vectors-1.float32", "log-1.jsonl"):
        with (store.folder / name).open("ab") as file:
            file.write(tail)
    again = opened(store.folder)
    assert list(again.known()) == ["a", "b"]
    again.append(entries("d"), np.full((1, 4), 9))
    assert opened(store.folder).vectors_of(["d", "a"]).tolist() == [[9] * 4, [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("name", "content"),
    [("manifest.json", b"{"), ("manifest.json", b"{}"), ("vectors-1.float32", b"few"), ("log-1.jsonl", b"x" * 500)],
)
def test_damage_is_told(store: FolderStore, name: str, content: bytes) -> None:
    (store.folder / name).write_bytes(content)
    with pytest.raises(FirstlightError, match=r"Delete (the|its) folder"):
        opened(store.folder)


_WRITER = """
import sys, numpy as np
from firstlight.systems.image_index_exact import ExactSearcher
from firstlight.systems.image_index_records import Entry
from firstlight.systems.image_index_store import FolderStore
store = FolderStore(sys.argv[1], ExactSearcher("cosine"))
while True:
    first = len(store)
    rows = range(first, first + 50)
    store.append([Entry(f"image {row}", label="x" * 300) for row in rows], np.repeat(np.float32(rows)[:, None], 64, 1))
    print(first + 50, flush=True)
"""


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_writes_loses_no_more_than_its_last_batch(tmp_path: Path) -> None:
    told = 0
    for attempt in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            for _ in range(3):
                told = int(process.stdout.readline())
            time.sleep(0.003 * attempt)  # somewhere in the next batch
            os.kill(process.pid, signal.SIGKILL)
            rest = process.stdout.read().split("\n")
        told = max([told, *(int(line) for line in rest[:-1] if line)])
        store = opened(tmp_path)
        count = len(store)
        assert told <= count <= told + 50
        assert list(store.known()) == [f"image {row}" for row in range(count)]
        assert (store.vectors[:, [0, 63]] == np.arange(count)[:, None]).all()
    assert json.loads((tmp_path / "manifest.json").read_text())["rows"] == count

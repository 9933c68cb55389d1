"""A lock that one process holds and another waits for, also when the holder is killed."""

import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from firstlight.data.locks import locked


def _hold(path: Path, held: Event) -> None:
    with locked(path):
        held.set()
        time.sleep(60)


def _append(path: Path, letter: str) -> None:
    for _ in range(20):
        with locked(path.with_suffix(".lock")):
            text = path.read_text()
            time.sleep(0.001)
            path.write_text(text + letter)


def test_what_is_done_under_the_lock_is_not_interleaved(tmp_path: Path) -> None:
    shared = tmp_path / "shared.txt"
    shared.write_text("")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(shared, letter)) for letter in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    assert sorted(shared.read_text()) == ["a"] * 20 + ["b"] * 20


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / "lock", held))
    holder.start()
    assert held.wait(30)
    holder.kill()
    holder.join(30)
    with locked(tmp_path / "lock"):
        pass

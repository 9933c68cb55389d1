"""Work in parts: all of it is done, in order, whichever thread does it; and memory that is kept."""

import os
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from firstlight.engine import memory, parts
from firstlight.engine.parts import in_parts


@pytest.fixture(params=[False, True], ids=["one thread", "two threads"], autouse=True)
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(parts, "_TWO_THREADS", request.param)
    return bool(request.param)


def test_what_is_found_stands_in_order() -> None:
    numbers = np.arange(1000)
    found = in_parts(lambda some: numbers[some].copy(), 1000, parts._CACHE // 7)
    assert {len(part) for part in found} == {6, 7}
    np.testing.assert_array_equal(np.concatenate(found), numbers)


def test_a_batch_that_fits_and_an_empty_one() -> None:
    assert in_parts(lambda some: some, 3, 1) == [slice(0, parts._CACHE)]
    assert in_parts(lambda some: some, 0, 1) == []


def test_two_threads_share_the_work(threads: bool) -> None:
    who: set[str] = set()

    def work(some: slice) -> None:
        who.add(threading.current_thread().name)
        time.sleep(0.02)

    in_parts(work, 6, parts._CACHE)
    assert len(who) == 1 + threads


@pytest.mark.parametrize("wrong", [0, 5])
def test_an_error_in_a_part_is_raised(wrong: int) -> None:
    def work(some: slice) -> None:
        time.sleep(0.002)
        if some.start == wrong:
            raise ValueError("part")

    with pytest.raises(ValueError, match="part"):
        in_parts(work, 6, parts._CACHE)
    assert in_parts(lambda some: some.start, 3, parts._CACHE) == [0, 1, 2]


def test_settings_for_errors_hold_in_both_threads() -> None:
    def work(some: slice) -> Any:
        time.sleep(0.002)
        return np.ones(3, "float32") / np.zeros(3, "float32")  # a warning is an error here

    with np.errstate(all="ignore"):
        assert np.isinf(np.concatenate(in_parts(work, 6, parts._CACHE))).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_works_too() -> None:
    in_parts(lambda some: None, 4, parts._CACHE)
    child = os.fork()
    if not child:
        os._exit(0 if in_parts(lambda some: some.start, 4, parts._CACHE) == [0, 1, 2, 3] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_memory_is_kept_where_that_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(memory.keep_freed_memory(), bool)
    monkeypatch.setattr(sys, "platform", "win32")
    assert memory.keep_freed_memory.__wrapped__() is False
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())  # a C library without mallopt
    assert memory.keep_freed_memory.__wrapped__() is False

"""Parts: work on one part of a batch after the other; in two threads, where products of matrices take one each.

Parts are large enough to forget the calls, and small enough to stay in the caches from one step of the work to the
next. NumPy's products use all cores by themselves, and their threads keep a core busy for a while after each. Two
threads of our own would only be in the way, unless the products have been told to take one: OPENBLAS_NUM_THREADS=1.
With convolutions that is the faster way, as unfolding is shared out too.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Any

__all__ = ["in_parts"]

_CACHE = 2**21  # bytes of a part
_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_TWO_THREADS = any(os.environ.get(setting) == "1" for setting in _SETTINGS)


def in_parts(work: Callable[[slice], Any], batch: int, bytes_each: int) -> list[Any]:
    """What `work` gives for each part of a batch, in order. For two parts it must not write to the same places.

    Args:
        work: takes a slice of the batch.
        batch: how many examples there are.
        bytes_each: what the work on one example reads or writes; as many are in a part as the caches hold.
    """
    step = max(1, _CACHE // max(1, bytes_each))
    parts = [slice(start, start + step) for start in range(0, batch, step)]
    if len(parts) == 1 or not _TWO_THREADS:
        return [work(part) for part in parts]
    found: list[Any] = [None] * len(parts)
    left = iter(list(enumerate(parts)))

    def take() -> None:
        for number, part in left:  # whoever is free takes the next
            found[number] = work(part)

    helper = _second_thread(os.getpid()).submit(copy_context().run, take)  # with NumPy's settings for errors
    try:
        take()
    finally:
        if not helper.cancel():
            helper.result()
    return found


@cache
def _second_thread(process: int) -> ThreadPoolExecutor:
    """It waits from one piece of work to the next; a process that was forked off makes one of its own."""
    return ThreadPoolExecutor(1, "firstlight")

"""The order in which examples are seen, sequences of many lengths in one array, and batches made ready ahead.

Every order follows from a seed and an epoch alone, so that an interrupted training goes on exactly where it would have.
"""

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import FirstlightError

__all__ = ["ahead", "batched", "grouped_by_length", "pad", "shuffled"]


def pad(
    sequences: Sequence[Sequence[int] | NDArray[np.integer]], length: int | None = None, value: int = 0
) -> NDArray[np.int32]:
    """Sequences of many lengths as one array (batch, time) int32, filled up at the end with `value`.

    `time` is the longest length, or `length`; a sequence longer than `length` is an error.
    """
    longest = max((len(sequence) for sequence in sequences), default=0)
    if length is not None and longest > length:
        raise FirstlightError(f"Expected sequences of at most {length}. Received one of {longest}. Cut it beforehand.")
    padded = np.full((len(sequences), longest if length is None else length), value, np.int32)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded


def batched(n: int, size: int) -> list[NDArray[np.int64]]:
    """The indices 0 to n - 1 in order, `size` a batch, the last one possibly smaller."""
    return _cut(np.arange(n), size)


def shuffled(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The indices 0 to n - 1 in an order that follows from the seed and the epoch."""
    return np.random.default_rng([seed, epoch]).permutation(n)


def grouped_by_length(
    lengths: Sequence[int] | NDArray[np.integer], batch_size: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Batches of indices whose sequences are equally long, every index once, in an order of that seed and epoch.

    As many batches as possible hold one length alone. What is left of each length, less than a batch, is sorted by
    length and cut into batches of neighbouring lengths, so only these need padding.
    """
    lengths = np.asarray(lengths)
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    starts = np.flatnonzero(np.diff(lengths[order])) + 1

    batches: list[NDArray[np.int64]] = []
    rest: list[NDArray[np.int64]] = []
    for group in np.split(order, starts):
        parts = _cut(group, batch_size)
        if parts and len(parts[-1]) < batch_size:
            rest.append(parts.pop())
        batches += parts
    if rest:
        batches += _cut(np.concatenate(rest), batch_size)
    return [batches[index] for index in generator.permutation(len(batches))]


def ahead(items: Iterable[Any], count: int = 2) -> Iterator[Any]:
    """The same items, up to `count` of them made ready by a thread before they are asked for.

    What goes wrong while they are made is raised where they are used. The thread ends with the iteration, also when
    that is left early.
    """
    ready: queue.Queue[Any] = queue.Queue(maxsize=count)
    stop = threading.Event()
    end = object()

    def put(item: Any) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                return ready.put(item, timeout=0.1)

    def produce() -> None:
        try:
            for item in items:
                put((item, None))
                if stop.is_set():
                    return
            put((end, None))
        except BaseException as error:
            put((end, error))

    thread = threading.Thread(target=produce, name="ahead", daemon=True)
    thread.start()
    try:
        while (received := ready.get())[0] is not end:
            yield received[0]
        if received[1] is not None:
            raise received[1]
    finally:
        stop.set()
        thread.join()


def _cut(indices: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    if size < 1:
        raise FirstlightError(f"Expected a batch size of at least 1. Received {size}.")
    return [indices[start : start + size] for start in range(0, len(indices), size)]

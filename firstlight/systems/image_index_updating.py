"""Bringing an index up to date: what is new or changed is encoded, what was moved keeps its vector, what is gone goes.

Images are told apart by their content. Reading and decoding run in threads beside the encoder, and every batch is on
the disk before the next is taken, so that a process that is killed loses no more than a batch.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from firstlight.data.batches import ahead
from firstlight.data.images import ImageError, read_many
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_records import Entry, Store, Update
from firstlight.systems.image_index_sources import Item, checksum, glance

__all__ = ["Encoding", "bring_up_to_date", "encoded"]

_BATCH = 32
_THREADS = 2


@dataclass(frozen=True)
class Encoding:
    """How pictures become vectors of the index: brought to `size`, then `encode` of a list of them gives (n, d)."""

    size: tuple[int, int] | None
    encode: Callable[[Sequence[np.ndarray]], np.ndarray]


@dataclass
class _Batch:
    """Images made ready: those whose vector the store has already, and those with pictures to encode."""

    done: int
    same: list[Entry]  # only the file's time changed
    copies: list[tuple[Entry, str]]  # the same content as the image of this name
    new: list[tuple[Entry, np.ndarray]]
    problems: list[Problem]


def encoded(images: Sequence[Any], encoding: Encoding) -> Iterator[tuple[int, np.ndarray | ImageError]]:
    """The place of each image with its vector, or with the error that it cannot be read."""
    waiting: list[tuple[int, np.ndarray]] = []
    for place, picture in ahead(read_many(images, encoding.size, threads=_THREADS), 2 * _BATCH):
        if isinstance(picture, ImageError):
            yield place, picture
            continue
        waiting.append((place, picture))
        if len(waiting) == _BATCH:
            yield from _encode(waiting, encoding)
            waiting = []
    yield from _encode(waiting, encoding)


def bring_up_to_date(
    store: Store, items: Sequence[Item], gone: Sequence[str], encoding: Encoding, progress: Any
) -> Update:
    """Add and change images of a store as `items` are now, and take out those whose names are `gone`.

    Args:
        store: is changed batch by batch.
        items: images that shall be there; others stay.
        gone: names of images that shall not be there any more.
        encoding: of the pictures that the store has no vectors for.
        progress: as of `fit`.
    """
    known = store.known()
    update = Update()
    stamps, waiting = _glances(items, known, update)
    annotations = [
        replace(known[item.name], label=item.label, captions=item.captions or known[item.name].captions)
        for item in items
        if item.name in stamps and _is_told_otherwise(item, known)
    ]
    if annotations:
        store.annotate(annotations)
    vanished, moved = set(gone), set()
    done = progress.task("indexing", len(waiting)) if waiting else None
    for batch in ahead(_batches(waiting, stamps, known, encoding.size)):
        entries = [entry for entry, _ in batch.copies]
        vectors = [store.vectors_of([name])[0] for _, name in batch.copies]
        if batch.new:
            entries += [entry for entry, _ in batch.new]
            vectors += list(encoding.encode([picture for _, picture in batch.new]))
        if entries:
            store.append(entries, np.stack(vectors))
        if batch.same:
            store.annotate(batch.same)
        moved |= {name for _, name in batch.copies} & vanished
        update.unchanged += len(batch.same)
        update.changed += sum(entry.name in known for entry in entries)
        update.added += sum(entry.name not in known for entry in entries)
        update.problems += batch.problems
        if done:
            done(batch.done)
    update.moved = len(moved)
    update.added -= len(moved)
    store.remove(list(gone))
    update.removed = len(vanished & set(known)) - len(moved)
    return update


def _glances(
    items: Sequence[Item], known: dict[str, Entry], update: Update
) -> tuple[dict[str, tuple[int, int]], list[Item]]:
    """Size and time of each file that is there, and the images that a glance does not show to be unchanged."""
    stamps, waiting = {}, []
    for item in items:
        try:
            stamps[item.name] = glance(item.image)
        except FirstlightError as error:
            update.problems.append(_problem(error, item.name))
            continue
        entry = known.get(item.name)
        is_file = not isinstance(item.image, np.ndarray)
        if entry is not None and is_file and (entry.size, entry.changed) == stamps[item.name]:
            update.unchanged += 1
        else:
            waiting.append(item)
    return stamps, waiting


def _is_told_otherwise(item: Item, known: dict[str, Entry]) -> bool:
    entry = known.get(item.name)
    return entry is not None and (
        (item.label is not None and item.label != entry.label)
        or (bool(item.captions) and item.captions != entry.captions)
    )


def _batches(
    items: Sequence[Item],
    stamps: dict[str, tuple[int, int]],
    known: dict[str, Entry],
    size: tuple[int, int] | None,
) -> Iterator[_Batch]:
    """The images some at a time: checksums first, and pictures of those whose content the store has not."""
    owners = {entry.checksum: name for name, entry in reversed(known.items())}
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="checksum") as pool:
        for start in range(0, len(items), _BATCH):
            some = items[start : start + _BATCH]
            batch = _Batch(start + len(some), [], [], [], [])
            fresh: list[tuple[Item, Entry]] = []
            for item, digest in zip(some, pool.map(_checksum, some), strict=True):
                if isinstance(digest, FirstlightError):
                    batch.problems.append(_problem(digest, item.name))
                    continue
                entry = item.entry(*stamps[item.name], digest)
                before = known.get(item.name)
                if before is not None and before.checksum == digest:
                    batch.same.append(replace(entry, captions=entry.captions or before.captions))
                elif digest in owners:
                    owner = known[owners[digest]]
                    batch.copies.append((replace(entry, captions=entry.captions or owner.captions), owner.name))
                else:
                    fresh.append((item, entry))
            for place, picture in read_many([item.image for item, _ in fresh], size):
                if isinstance(picture, ImageError):
                    batch.problems.append(_problem(picture, fresh[place][0].name))
                else:
                    batch.new.append((fresh[place][1], picture))
            yield batch


def _checksum(item: Item) -> str | FirstlightError:
    try:
        return checksum(item.image)
    except FirstlightError as error:
        return error


def _problem(error: FirstlightError, name: str) -> Problem:
    return Problem("image", str(error).removeprefix(f"{name}: "), name)


def _encode(waiting: Sequence[tuple[int, np.ndarray]], encoding: Encoding) -> Iterator[tuple[int, np.ndarray]]:
    if waiting:
        vectors = encoding.encode([picture for _, picture in waiting])
        yield from zip((place for place, _ in waiting), vectors, strict=True)

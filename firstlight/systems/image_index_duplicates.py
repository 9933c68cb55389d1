"""Groups of images that are the same or nearly so: every pair nearer than a threshold is linked.

All pairs are compared, block by block, so the time grows with the square of the number of images.
"""

from dataclasses import dataclass

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.systems.image_index_records import Store

__all__ = ["Duplicates", "near_duplicates"]

_BLOCK = 2048  # rows: the products of two blocks stay in the cache
_NEAR = 2e-5  # of the scale: what float32 may be off


@dataclass(frozen=True)
class Duplicates:
    """Images that are linked, the one that was indexed first at the head, and the distance of each to that one."""

    names: list[str]
    distances: list[float]


def near_duplicates(store: Store, threshold: float, distance: str) -> list[Duplicates]:
    """Groups of two or more images, linked by pairs whose distance is at most `threshold`; large groups first.

    Two images of a group may be further apart than the threshold, where others link them.
    """
    if not threshold >= 0:
        raise FirstlightError(f"Expected a threshold of 0 or more. Received {threshold}.")
    blocks = list(store.blocks())
    if not blocks:
        return []
    names = [entry.name for entries, _ in blocks for entry in entries]
    vectors = np.concatenate([part for _, part in blocks])
    leaders = _linked(vectors, threshold, distance)
    order = np.argsort(leaders, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(leaders[order])) + 1)
    found = [_group(rows, names, vectors, distance) for rows in groups if len(rows) > 1]
    return sorted(found, key=lambda group: -len(group.names))


def _linked(vectors: np.ndarray, threshold: float, distance: str) -> np.ndarray:
    """For each row the first row of its group."""
    parents = np.arange(len(vectors))
    squares = np.einsum("nd,nd->n", vectors, vectors)
    limit = 2 * threshold if distance == "cosine" else threshold**2  # of the squared distance
    for start in range(0, len(vectors), _BLOCK):
        one = slice(start, start + _BLOCK)
        for begin in range(start, len(vectors), _BLOCK):
            other = slice(begin, begin + _BLOCK)
            apart = squares[one, None] + squares[other] - 2 * (vectors[one] @ vectors[other].T)
            slack = _NEAR * (squares[one, None] + squares[other])
            rows, columns = np.nonzero(apart <= limit + slack)
            rows, columns = rows + start, columns + begin
            pairs = rows < columns
            rows, columns = rows[pairs], columns[pairs]
            near = _distances(vectors[rows], vectors[columns], distance) <= threshold
            for row, column in zip(rows[near].tolist(), columns[near].tolist(), strict=True):
                _link(parents, row, column)
    return np.array([_leader(parents, row) for row in range(len(vectors))])


def _link(parents: np.ndarray, row: int, column: int) -> None:
    first, second = _leader(parents, row), _leader(parents, column)
    parents[max(first, second)] = min(first, second)


def _leader(parents: np.ndarray, row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = int(parents[row])
    return row


def _distances(first: np.ndarray, second: np.ndarray, distance: str) -> np.ndarray:
    squares = np.square(first.astype(np.float64) - second).sum(axis=-1)
    return np.asarray(squares / 2 if distance == "cosine" else np.sqrt(squares))


def _group(rows: np.ndarray, names: list[str], vectors: np.ndarray, distance: str) -> Duplicates:
    apart = _distances(vectors[rows[:1]], vectors[rows], distance)
    order = np.lexsort((rows, apart))
    order = np.concatenate([[0], order[order != 0]])
    return Duplicates([names[rows[place]] for place in order], [float(apart[place]) for place in order])

"""Exact search: inner products with all rows, block by block, and a threshold that lets few of them through.

The products read the vectors at the speed of the memory; all else is small beside them. The distances of the few
that are left are then computed in float64, so that every engine gives the same numbers in the same order.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["MARGIN", "ExactSearcher", "nearest_rows", "normalised", "refined", "settled"]

MARGIN = 16  # candidates beyond those that are asked for; their float32 scores may come in another order
_PRODUCT = 64 << 20  # bytes of scores at a time; fewer and larger products wait less for each other's threads
_FEW = 8  # queries up to which one pass of NumPy's einsum each is faster than a product of BLAS, measured
_FIRST = 4096  # rows from which the first threshold comes
_NEAR = 2e-5  # of the scale: scores in float32 nearer than this may be equal

Candidates = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""Queries and a number to rows (queries, number), -1 where there is none, and scores, the higher the nearer."""


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) of length 1, as float32; those of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


class ExactSearcher:
    """Compares queries with every row of a `FolderStore`, by cosine (of vectors of length 1) or euclidean distance."""

    def __init__(self, distance: str):
        self.distance = distance
        self._squares = np.zeros(0, np.float32)
        self._generation = 0

    def search(self, store: Any, queries: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows and distances of the nearest for each query, ties by row."""
        vectors, gone = store.vectors, np.flatnonzero(~store.alive)
        squares = self._half_squares(store) if self.distance == "euclidean" else None

        def candidates(some: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
            return nearest_rows(vectors, some, wanted, gone, squares)

        found = settled(candidates, queries, count, len(store), self.distance)
        return [
            refined(rows, vectors[rows], query, count, self.distance)
            for rows, query in zip(found, queries, strict=True)
        ]

    def _half_squares(self, store: Any) -> np.ndarray:
        """Half the squared length of each row, computed once."""
        if self._generation != store.generation:
            self._squares, self._generation = np.zeros(0, np.float32), store.generation
        new = store.vectors[len(self._squares) :]
        self._squares = np.concatenate([self._squares, np.einsum("nd,nd->n", new, new) / 2])
        return self._squares


def nearest_rows(
    vectors: np.ndarray,
    queries: np.ndarray,
    wanted: int,
    gone: np.ndarray | None = None,
    half_squares: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (queries, wanted) of the highest inner products, less `half_squares` where given, and these scores.

    The nearest in Euclidean distance are the highest in q.x - |x|^2 / 2. Rows in `gone` (sorted) count as absent: -1.
    """
    count = len(vectors)
    wanted = min(wanted, count)
    step = max(_FIRST, _PRODUCT // (4 * max(1, len(queries))))
    rows = np.full((len(queries), wanted), -1, np.int64)
    scores = np.full((len(queries), wanted), -np.inf, np.float32)
    for start in range(0, count, step):
        block = vectors[start : start + step]
        values = _products(queries, block)
        if half_squares is not None:
            values -= half_squares[start : start + step]
        if gone is not None and len(gone):
            values[:, gone[slice(*np.searchsorted(gone, [start, start + step]))] - start] = -np.inf
        if start == 0:
            first = min(len(block), max(_FIRST, 2 * wanted))
            rows, scores = _best_of(values[:, :first], wanted)
            values, start = values[:, first:], first
        rows, scores = _merged(rows, scores, values, start)
    return rows, scores


def _products(queries: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Inner products (queries, rows); for few queries BLAS reads the vectors at half of the memory's speed or less."""
    if len(queries) > _FEW:
        return np.asarray(queries @ block.T)
    return np.stack([np.einsum("nd,d->n", block, query) for query in queries])


def _best_of(values: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """The columns of the highest values in each row, and these; -1 and -inf where there are too few."""
    wanted_here = min(wanted, values.shape[1])
    best = np.argpartition(values, -wanted_here, axis=1)[:, -wanted_here:]
    missing = ((0, 0), (0, wanted - wanted_here))
    scores = np.pad(np.take_along_axis(values, best, axis=1), missing, constant_values=-np.inf)
    return np.where(np.isfinite(scores), np.pad(best, missing, constant_values=-1), -1), scores


def _merged(rows: np.ndarray, scores: np.ndarray, values: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The best so far, (queries, wanted), with what is better in a block that begins at row `start`, in no order."""
    wanted = rows.shape[1]
    query, place = np.divmod(np.flatnonzero(values > scores.min(axis=1, keepdims=True)), max(1, values.shape[1]))
    if not len(query):
        return rows, scores
    counts = np.bincount(query, minlength=len(rows))
    column = np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
    new_rows = np.full((len(rows), counts.max()), -1, np.int64)
    new_scores = np.full(new_rows.shape, -np.inf, np.float32)
    new_rows[query, column], new_scores[query, column] = place + start, values[query, place]
    all_rows, all_scores = np.hstack([rows, new_rows]), np.hstack([scores, new_scores])
    best = np.argpartition(all_scores, -wanted, axis=1)[:, -wanted:]
    return np.take_along_axis(all_rows, best, axis=1), np.take_along_axis(all_scores, best, axis=1)


def settled(
    candidates: Candidates, queries: np.ndarray, count: int, total: int, distance: str, widen: bool = True
) -> list[np.ndarray]:
    """For each query the rows among which its nearest are for sure, also where many are equally near.

    More are asked for while the last candidate is as near as the last that is wanted, within the precision of float32.
    An approximate engine is sure of nothing: without `widen` it is asked once.
    """
    if count and not widen:
        return [np.sort(each[each >= 0]) for each in candidates(queries, min(count + MARGIN, total))[0]]
    found: list[np.ndarray] = [np.zeros(0, np.int64)] * len(queries)
    open_queries, wanted = np.arange(len(queries) if count else 0), count + MARGIN
    while len(open_queries):
        wanted = min(wanted, total)
        rows, scores = candidates(queries[open_queries], wanted)
        scores = np.where(rows >= 0, scores, -np.inf)
        order = np.argsort(-scores, axis=1)
        ranked = np.take_along_axis(scores, order, axis=1)
        scale = 1.0 if distance == "cosine" else np.square(queries[open_queries]).sum(axis=1) + np.abs(ranked[:, 0])
        last, least = ranked[:, min(count, wanted) - 1], ranked[:, -1]
        with np.errstate(invalid="ignore"):
            tied = (last - least <= _NEAR * scale) & np.isfinite(least) & (wanted < total)
        for place, query in enumerate(open_queries):
            each = rows[place]
            found[query] = np.sort(each[each >= 0])
        open_queries = open_queries[tied]
        wanted *= 8
    return found


def refined(
    rows: np.ndarray, vectors: np.ndarray, query: np.ndarray, count: int, distance: str
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of some rows with vectors (n, d): rows and distances in float64, ties by row.

    The cosine distance 1 - q.x of vectors of length 1 is computed as |q - x|^2 / 2, which is exactly 0 for equal ones.
    """
    target = query.astype(np.float64)
    squares = np.square(vectors - target).sum(axis=1)
    if distance == "euclidean":
        distances = np.sqrt(squares)
    else:
        empty = (np.square(vectors).sum(axis=1) == 0) | (not target.any())
        distances = np.where(empty, 1.0, squares / 2)
    order = np.lexsort((rows, distances))[:count]
    return rows[order], distances[order]

"""A big table, a block of rows at a time: standardised on the way, weighted, and added up by all cores.

The table itself is never copied; a block of it is, as float64, and stays in the cache while it is worked on.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

__all__ = ["Design", "alone", "moments", "summed"]

_CELLS = 200_000  # numbers in a block: 1.6 MB, which a cache holds
_WORTH_THREADS = 1_000_000  # cells from which several threads are worth their start

Parts = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Design:
    """The columns as a solver sees them: (x - mean) / scale, rows weighted so that all weights sum to 1.

    Args:
        x: (rows, columns) float32 or float64.
        mean, scale: (columns,) float64.
        shares: (rows,) weights that sum to 1; None for equal ones.
        ones: whether a last column of ones stands for the intercept.
    """

    x: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    shares: np.ndarray | None = None
    ones: bool = False

    @property
    def width(self) -> int:
        """The number of columns, that of ones included."""
        return int(self.x.shape[1]) + self.ones

    @cached_property
    def _inverse(self) -> np.ndarray:
        return 1 / self.scale

    def block(self, rows: slice) -> np.ndarray:
        """Some rows, (rows, width) float64."""
        x = self.x[rows]
        columns = x.shape[1]
        found = np.empty((len(x), self.width))
        np.subtract(x, self.mean, out=found[:, :columns])
        found[:, :columns] *= self._inverse
        if self.ones:
            found[:, -1] = 1
        return found

    def share(self, rows: slice) -> np.ndarray:
        """The weights of some rows, (rows,) float64."""
        if self.shares is not None:
            return self.shares[rows]
        return np.full(len(range(*rows.indices(len(self.x)))), 1 / len(self.x))

    def sample(self, rows: int) -> "Design":
        """About so many rows, taken at equal distances."""
        step = max(1, len(self.x) // rows)
        shares = None if self.shares is None else self.shares[::step]
        shares = None if shares is None else shares / (shares.sum() or 1)
        return Design(self.x[::step], self.mean, self.scale, shares, self.ones)

    def added(self, work: Callable[[slice], Parts], wide: int = 1) -> Parts:
        """The sums of what `work` gives for each block of rows; `wide` is how many times a block it makes room for."""
        return summed(len(self.x), self.width * wide, work)

    def blocks(self) -> Iterator[slice]:
        """The blocks one after the other."""
        return _blocks(0, len(self.x), self.width)


def summed(rows: int, columns: int, work: Callable[[slice], Parts]) -> Parts:
    """Call `work` for each block of rows and add up its arrays, in an order that the number of cores alone decides."""
    if rows * columns < _WORTH_THREADS:
        return _sum_of(0, rows, columns, work)
    threads = min(8, os.cpu_count() or 1, rows)
    edges = [rows * number // threads for number in range(threads + 1)]
    with alone(), ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda i: _sum_of(edges[i], edges[i + 1], columns, work), range(threads)))
    return tuple(sum(part[1:], start=part[0]) for part in zip(*parts, strict=True))


def alone() -> AbstractContextManager[Any]:
    """Within this, a matrix product computes on one thread.

    Blocks are small: threads inside their products would wait for each other more than they would help, and on a
    machine with other work a hundred times longer.
    """
    return _controller().limit(limits=1)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def moments(x: np.ndarray, shares: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The weighted mean and standard deviation of each column, (columns,) float64; 1 stands for a deviation of 0.

    Blocks are merged by the formula of Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983,
    which does not cancel however large the mean is.
    """
    found: dict[int, tuple[float, np.ndarray, np.ndarray]] = {}

    def work(rows: slice) -> Parts:
        block = np.asarray(x[rows], np.float64)
        weights = np.full(len(block), 1 / len(x)) if shares is None else shares[rows]
        total = float(weights.sum())
        if total > 0:
            mean = weights @ block / total
            block = block - mean
            np.square(block, out=block)
            found[rows.start] = (total, mean, weights @ block)
        return (np.zeros(1),)

    summed(len(x), x.shape[1], work)
    parts = [found[start] for start in sorted(found)]  # threads end in any order
    totals, means, squares = (np.array(column) for column in zip(*parts, strict=True))
    mean = means[0] + totals @ (means - means[0]) / totals.sum()
    within = squares.sum(axis=0)
    scale = np.sqrt((within + totals @ np.square(means - mean)) / totals.sum())
    scale[scale <= 1e-12 * np.abs(mean)] = 1  # a constant column, up to rounding
    return mean, scale


def _sum_of(first: int, last: int, columns: int, work: Callable[[slice], Parts]) -> Parts:
    total: Parts = ()
    for rows in _blocks(first, last, columns):
        parts = work(rows)
        if total:
            for whole, part in zip(total, parts, strict=True):
                whole += part
        else:
            total = tuple(np.array(part, np.float64) for part in parts)
    return total


def _blocks(first: int, last: int, columns: int) -> Iterator[slice]:
    size = max(64, _CELLS // columns)
    return (slice(start, min(start + size, last)) for start in range(first, last, size))

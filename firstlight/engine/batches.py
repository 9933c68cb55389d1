"""Data in batches: arrays that are cut and shuffled, or whatever gives batches one after the other."""

from collections.abc import Iterable, Iterator, Sized
from typing import Any, NamedTuple

import numpy as np

from firstlight.engine.initializers import generator
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = ["Arrays", "Batch", "Stream", "batches_of", "split_off"]


class Batch(NamedTuple):
    """Inputs, targets and weights of some examples; what there is not is None."""

    x: Any
    y: Any = None
    weight: Any = None

    @property
    def size(self) -> int:
        """How many examples."""
        return len(next(leaves(self.x)))


class Arrays:
    """Structures of arrays with one row an example.

    Args:
        x, y, weight: as for `fit`; None where there is none.
        batch_size: examples a batch; the last one may be smaller.

    Raises:
        FirstlightError: the arrays have different numbers of rows.
    """

    def __init__(self, x: Any, y: Any = None, weight: Any = None, batch_size: int | None = 32):
        self.data = Batch(*(None if part is None else map_structure(_as_array, part) for part in (x, y, weight)))
        self.batch_size = batch_size or 32
        lengths = {len(array) for part in self.data if part is not None for array in leaves(part)}
        if len(lengths) != 1:
            raise FirstlightError(f"Expected arrays of as many rows each. Received {sorted(lengths)}.")
        self.count = lengths.pop()

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def epoch(self, shuffle: bool = False) -> Iterator[Batch]:
        """The batches of an epoch, in an order drawn anew or as they are."""
        order = generator().permutation(self.count) if shuffle else None
        for start in range(0, self.count, self.batch_size):
            end = start + self.batch_size
            rows: Any = slice(start, end) if order is None else order[start:end]
            yield Batch(*(_rows(part, rows) for part in self.data))


class Stream:
    """Anything that gives tuples (x, y) or (x, y, weight), or x alone, a batch at a time.

    Args:
        source: gone through once an epoch; an iterator that cannot be begun anew goes on where it stopped.
        steps: batches an epoch, where the source has no end.
    """

    def __init__(self, source: Iterable[Any], steps: int | None = None):
        self.source, self.steps = source, steps
        self._running: Iterator[Any] | None = iter(source) if iter(source) is source else None

    def __len__(self) -> int:
        return self.steps or (len(self.source) if isinstance(self.source, Sized) else 0)

    def epoch(self, shuffle: bool = False) -> Iterator[Batch]:
        """The batches of an epoch, in the order of the source."""
        running = self._running or iter(self.source)
        for done, given in enumerate(running, 1):
            parts = given if isinstance(given, tuple) else (given,)
            yield Batch(*(None if part is None else map_structure(_as_array, part) for part in parts))
            if done == self.steps:
                return


def batches_of(
    x: Any, y: Any = None, weight: Any = None, batch_size: int | None = None, steps: int | None = None
) -> Any:
    """`Arrays` of arrays, lists and dicts of them; else a `Stream`."""
    if isinstance(x, Arrays | Stream):
        return x
    if y is None and not all(hasattr(part, "__array__") or isinstance(part, float | int) for part in leaves(x)):
        return Stream(x, steps)
    return Arrays(x, y, weight, batch_size)


def split_off(x: Any, y: Any, weight: Any, share: float) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first examples, and the last `share` of them to validate on, as Keras's validation_split."""
    count = len(next(leaves(x)))
    first = int(count * (1 - share))
    if not 0 < first < count:
        raise FirstlightError(f"Expected a share that leaves examples on both sides. Received {share} of {count}.")
    cuts = (slice(0, first), slice(first, count))
    front, back = (tuple(_rows(part, cut) for part in (x, y, weight)) for cut in cuts)
    return front, back


def _as_array(x: Any) -> Any:
    return np.asarray(value_of(x))


def _rows(part: Any, rows: Any) -> Any:
    return None if part is None else map_structure(lambda array: np.asarray(value_of(array))[rows], part)

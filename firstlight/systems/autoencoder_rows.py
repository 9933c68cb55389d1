"""A function of some rows, taken over all of them batch by batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

__all__ = ["in_batches"]

_BATCH = 256  # rows at once
_VALUES = 1 << 20  # of a batch


def in_batches(function: Callable[[np.ndarray], Any], count: int, values: int) -> Any:
    """What a function of places gives for all of 0 to `count` - 1, batch by batch, as one array or a list of arrays.

    Every batch has the same size, one of few, because a network is compiled for each size that it meets; `values` is
    how many numbers a row has.
    """
    size = min(_BATCH, max(8, _VALUES // max(values, 1)), max(8, 1 << (count - 1).bit_length()))
    found: list[list[np.ndarray]] = []
    for start in range(0, count, size):
        given = function(np.resize(np.arange(start, min(start + size, count)), size))
        arrays = given if isinstance(given, list | tuple) else [given]
        found.append([ops.convert_to_numpy(array)[: min(size, count - start)] for array in arrays])
    whole = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    return whole if len(whole) > 1 else whole[0]

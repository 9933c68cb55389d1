"""Memory: what one step of learning frees is kept for the next, which needs as much again.

Left to itself, the C library gives large arrays that are freed back to the system, and gets them anew, page by page and
filled with zeros, a moment later: a fifth of the time of a step of an LSTM or a convolutional network.
"""

import ctypes
import sys
from contextlib import suppress
from functools import cache

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of settings in <malloc.h>
_KEPT, _LARGEST = 2**30, 2**25  # bytes; arrays above the second go back at once all the same


@cache
def keep_freed_memory() -> bool:
    """Have the process keep up to a GiB of what it frees. Whether it will: only GNU's C library can be asked to."""
    if not sys.platform.startswith("linux"):
        return False
    with suppress(OSError, AttributeError):  # another C library has no `mallopt`
        setting = ctypes.CDLL(None).mallopt
        return bool(setting(_TRIM_THRESHOLD, _KEPT) and setting(_MMAP_THRESHOLD, _LARGEST))
    return False

"""Keras loaded without the page of notices that TensorFlow writes to standard error while it starts.

They come from its compiled part, which no setting silences altogether, so the stream itself is turned away meanwhile.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["load_keras"]


def load_keras() -> None:
    """Import Keras quietly; with another `TF_CPP_MIN_LOG_LEVEL` than 3, everything is shown."""
    import firstlight.systems  # sets the variable where the user has not

    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "3" or "keras" in sys.modules:
        return
    with _turned_away(2):
        import firstlight.systems.backend  # noqa: F401  imports Keras
    # Each size of a batch is compiled once, as it should be; the advice on "retracing" is for other programs.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextmanager
def _turned_away(descriptor: int) -> Iterator[None]:
    """What is written to a file descriptor goes nowhere for a while."""
    kept, nowhere = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)

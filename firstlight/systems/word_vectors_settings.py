"""What word vectors may be set to."""

import os
from typing import TYPE_CHECKING, Any

from firstlight.errors import FirstlightError, nearest

if TYPE_CHECKING:
    from firstlight.systems.word_vectors import WordVectors

__all__ = ["MODELS", "check_settings", "workers_of"]

MODELS = ("skipgram", "cbow")
_LEAST = {"dimensions": 1, "window": 1, "negatives": 1, "minimum_count": 1, "shortest": 1, "longest": 1, "buckets": 1}
_MOST_WORKERS = 8  # beyond, threads wait for Python's lock


def check_settings(system: "WordVectors", epochs: int, seed: int) -> None:
    """Refuse settings that no word vectors, and no training, can have.

    Raises:
        FirstlightError: says which setting, what was expected and what came.
    """
    if system.model not in MODELS:
        raise FirstlightError(
            f"Expected model to be one of {', '.join(MODELS)}. Received {system.model!r}."
            f"{nearest(str(system.model), MODELS)}"
        )
    values = {name: getattr(system, name) for name in _LEAST} | {"epochs": epochs, "seed": seed}
    if system.workers is not None:
        values["workers"] = system.workers
    for name, value in values.items():
        least = _LEAST.get(name, 0 if name == "seed" else 1)
        if not _is_whole(value) or value < least:
            raise FirstlightError(f"Expected {name} to be a whole number from {least} on. Received {value!r}.")
    if not (isinstance(system.subsampling, float | int) and 0 <= system.subsampling <= 1):
        raise FirstlightError(f"Expected subsampling from 0 to 1. Received {system.subsampling!r}.")
    if not (isinstance(system.learning_rate, float | int) and system.learning_rate > 0):
        raise FirstlightError(f"Expected a learning_rate above 0. Received {system.learning_rate!r}.")
    if system.shortest > system.longest:
        raise FirstlightError(
            f"Expected n-grams of shortest to longest letters. Received {system.shortest} to {system.longest}."
        )


def workers_of(system: "WordVectors") -> int:
    """How many threads learn: as many as asked for, by default one a core."""
    return system.workers or min(len(os.sched_getaffinity(0)) if _LINUX else os.cpu_count() or 1, _MOST_WORKERS)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_LINUX = hasattr(os, "sched_getaffinity")

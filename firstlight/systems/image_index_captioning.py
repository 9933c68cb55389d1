"""Captions for the images of an index, written by a captioner, so that it can be searched by words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from firstlight.data.images import ImageError, read_many
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_records import Store
from firstlight.systems.system import load

__all__ = ["caption"]

_BATCH = 64


def caption(store: Store, captioner: Any, progress: Any) -> int:
    """Describe the files that have no caption yet, batch by batch; how many were described.

    Raises:
        FirstlightError: the folder holds no captioner.
    """
    system: Any = load(captioner) if isinstance(captioner, str | Path) else captioner
    if not hasattr(system, "caption") or not hasattr(system, "predict"):
        raise FirstlightError(
            f"Expected the run folder of a captioner. Received {captioner}, which holds a {type(system).__name__}."
        )
    waiting = [entry for entry in store.known().values() if not entry.captions]
    done = progress.task("describing", len(waiting))
    described = 0
    for start in range(0, len(waiting), _BATCH):
        some = waiting[start : start + _BATCH]
        found = dict(read_many([entry.name for entry in some], getattr(system, "size", None)))
        whole = [place for place, picture in found.items() if not isinstance(picture, ImageError)]
        if whole:
            answers = system.predict([found[place] for place in whole], explain=False)
            pairs = zip(whole, answers, strict=True)
            store.annotate([replace(some[place], captions=(answer.text,)) for place, answer in pairs])
        described += len(whole)
        done(start + len(some))
    return described

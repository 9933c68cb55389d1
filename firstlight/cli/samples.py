"""Some images of a split to look at: of captioned ones any, of labelled ones some of each class.

Which they are is drawn from a seed.
"""

from typing import Any, NamedTuple

import numpy as np

from firstlight.data import Split, shuffled

__all__ = ["Sample", "sample"]

_IMAGES, _A_CLASS = 8, 4  # where nobody says how many
_WIDEST = 8
_CLASSES = 25  # a sheet of more is too long to look at


class Sample(NamedTuple):
    """Images with their names and texts, what to print of them, and how many classes are left out."""

    names: list[str]
    images: list[Any]
    texts: list[list[str]]
    told: list[tuple[str, list[str]]]
    columns: int = 4  # of a sheet; a row a class where there are labels
    left_out: int = 0


def sample(split: Split, count: int | None, seed: int) -> Sample:
    """So many images of a split with captions, or so many of each class of one with labels, in their order."""
    if "labels" in split.columns:
        return _of_each_class(split, count or _A_CLASS, seed)
    rows = np.sort(shuffled(len(split), seed, epoch=0)[: count or _IMAGES]).tolist()
    chosen = split.take(rows)
    told = list(zip(chosen.names, chosen.captions, strict=True))
    return Sample(chosen.names, chosen.images, chosen.captions, told)


def _of_each_class(split: Split, count: int, seed: int) -> Sample:
    order = shuffled(len(split), seed, epoch=0).tolist()
    found: dict[str, list[int]] = {}
    for row in order:
        members = found.setdefault(split.labels[row], [])
        if len(members) < count:
            members.append(row)
    classes = split.classes
    shown = {label: sorted(found[label]) for label in classes[:_CLASSES]}
    chosen = split.take([row for rows in shown.values() for row in rows])
    told = [(label, [split.names[row] for row in rows]) for label, rows in shown.items()]
    texts = [[label] for label in chosen.labels]
    return Sample(chosen.names, chosen.images, texts, told, min(count, _WIDEST), len(classes) - len(shown))

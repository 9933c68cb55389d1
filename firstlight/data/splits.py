"""The names of the parts of a data set, and the part an image belongs to where nobody says so.

Everybody's `val`, `dev` and `valid2017` are `validation` here. Where no split is given, a hash of the image's name
decides, so that adding images moves none of the others. Labelled images are divided class by class.
"""

import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from firstlight.data.archives import is_archive
from firstlight.errors import FirstlightError

__all__ = [
    "split_by_hash",
    "split_by_name",
    "split_of_directory",
    "split_of_file",
    "standard_split",
    "stratified",
    "stratified_by_hash",
]

_STANDARD = {
    "train": "train",
    "training": "train",
    "restval": "train",  # Karpathy's name for the part of COCO's validation images that is trained on
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "validate": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
    "unseen": "unseen",
}
_SPLIT = re.compile(r"(?:images?[ _-]*)?([a-z]+?)(?:[ _-]*(?:images?|set|data))?[ _-]*\d*")


def standard_split(text: str) -> str | None:
    """The standard name of a split: `Val2017` and `dev` give `validation`; None for a name that is not known."""
    match = _SPLIT.fullmatch(text.strip().lower())
    return _STANDARD.get(match[1]) if match else None


def split_of_file(path: str) -> str | None:
    """The split that a file's name speaks of: `captions_val2014.json` gives `validation`; None where none or two."""
    words = re.findall(r"[a-z]+", os.path.basename(path).split(".")[0].lower())
    found = {_STANDARD[word] for word in words if word in _STANDARD}
    return found.pop() if len(found) == 1 else None


def split_of_directory(path: str) -> str | None:
    """The split named by a folder or an archive on the way to a file: `data/train/x.jpg`, `valid.zip/x.jpg`."""
    for part in reversed(path.split("/")[:-1]):
        stem = part.split(".")[0] if is_archive(part) else part
        if split := standard_split(stem):
            return split
    return None


def split_by_name(path: str) -> str | None:
    """The split that the name of a file speaks of, or else a folder or archive on the way to it."""
    return split_of_file(path) or split_of_directory(path)


def split_by_hash(name: str) -> str:
    """`train` for eight names in ten, `validation` and `test` for one each, by SHA-256 of the name without folders."""
    share = _hash(name.rsplit("/", 1)[-1])
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"


def stratified_by_hash(names: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The split of each image, 80, 10, 10 of a hundred in every class: in its class, the hash of its name decides.

    Images added later move few of the others. Every class has training images; a class of one image has no others.
    """
    rows = _rows_by_label(labels)
    sizes = [len(members) for members in rows.values()]
    ties = [_hash(label) for label in rows]
    held = _share_out(sizes, 0.2, [size - 1 for size in sizes], ties)
    tests = _share_out(held, 0.5, held, ties)
    splits = ["train"] * len(labels)
    for members, outside, last in zip(rows.values(), held, tests, strict=True):
        ordered = sorted(members, key=lambda row: (_hash(names[row].rsplit("/", 1)[-1]), names[row]))
        for position, row in enumerate(ordered[len(ordered) - outside :]):
            splits[row] = "validation" if position < outside - last else "test"
    return splits


def stratified(labels: Sequence[str], share: float, seed: int) -> tuple[list[int], list[int]]:
    """The rows that stay and the rows held out, each in order: `share` of all, and of every class as nearly as can be.

    A class keeps at least one row, so a class of one is never held out. Of the possible divisions the seed draws one.
    Raises FirstlightError for a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise FirstlightError(f"Expected a share between 0 and 1, for example 0.1. Received {share}.")
    random = np.random.default_rng(seed)
    rows = _rows_by_label(labels)
    sizes = [len(members) for members in rows.values()]
    held = _share_out(sizes, share, [size - 1 for size in sizes], random.random(len(sizes)).tolist())
    chosen = {
        row
        for members, count in zip(rows.values(), held, strict=True)
        for row in random.permutation(members)[:count].tolist()
    }
    return [row for row in range(len(labels)) if row not in chosen], sorted(chosen)


def _rows_by_label(labels: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each label, labels in alphabetical order so that the order of the rows decides nothing."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        rows[label].append(row)
    return dict(sorted(rows.items()))


def _share_out(sizes: list[int], share: float, most: list[int], ties: list[float]) -> list[int]:
    """How many of each class are held out: the share of it rounded down, and up where the remainder is largest.

    The method of the largest remainder: the total is right to the nearest one, no class is off by more than one. At
    least one is held out where any may be; no class gives more than `most`; the smaller tie comes first.
    """
    exact = [share * size for size in sizes]
    held = [min(int(value), limit) for value, limit in zip(exact, most, strict=True)]
    wanted = min(max(round(share * sum(sizes)), 1), sum(most))
    order = sorted(range(len(sizes)), key=lambda index: (round(held[index] - exact[index], 9), ties[index]))
    room = [index for index in order if held[index] < most[index]]
    for index in room[: wanted - sum(held)]:
        held[index] += 1
    return held


def _hash(name: str) -> float:
    """A number from 0 to 1 that a name alone decides, the same everywhere and for ever."""
    digest = hashlib.sha256(unicodedata.normalize("NFC", name).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64

"""The names of the parts of a data set, and the part an image belongs to where nobody says so.

Everybody's `val`, `dev` and `valid2017` are `validation` here. Where no split is given, a hash of the image's name
decides, so that adding images moves none of the others.
"""

import hashlib
import os
import re
import unicodedata

from firstlight.data.archives import is_archive

__all__ = ["split_by_hash", "split_of_directory", "split_of_file", "standard_split"]

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
_SPLIT = re.compile(r"(?:images?[ _-]*)?([a-z]+)(?:[ _-]*images?)?[ _-]*\d*")


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


def split_by_hash(name: str) -> str:
    """`train` for eight names in ten, `validation` and `test` for one each, by SHA-256 of the name without folders."""
    name = unicodedata.normalize("NFC", name.rsplit("/", 1)[-1])
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"

"""Which file an annotation means by `val2014/COCO_42.jpg`, `beach.jpg` or just `beach`.

Annotations and photographs are often unpacked into other folders than their author had, so a reference is followed
literally first, and then by its base name anywhere below the root.
"""

import os
import unicodedata
from collections.abc import Iterable

__all__ = ["IMAGE_SUFFIXES", "ImageLookup", "is_image"]

IMAGE_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".avif",
        ".jp2",
    }
)


def is_image(path: str) -> bool:
    """Whether a file is an image by its name."""
    return os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES


class ImageLookup:
    """The images below a root, to be found by what annotations call them."""

    def __init__(self, root: str, images: Iterable[str]) -> None:
        self.root = root
        self.paths = dict.fromkeys(images)
        self._by_base: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for path in self.paths:
            base = _fold(os.path.basename(path))
            self._by_base.setdefault(base, []).append(path)
            self._by_stem.setdefault(os.path.splitext(base)[0], []).append(path)

    def literal(self, reference: str, near: str) -> str | None:
        """The image at exactly this path, seen from the folder of the file `near` or from the root."""
        reference = _slashes(reference).removeprefix("./")
        for folder in (os.path.dirname(near), self.root):
            if (path := f"{folder}/{reference}") in self.paths:
                return path
            if ".." in reference and (path := os.path.normpath(path).replace(os.sep, "/")) in self.paths:
                return path
        return None

    def similar(self, reference: str, near: str) -> list[str]:
        """The images of this base name that fit best: by the folders in the reference, then by nearness to `near`."""
        base = _fold(os.path.basename(_slashes(reference)))
        candidates = self._by_base.get(base) or ([] if is_image(base) else self._by_stem.get(base, []))
        if len(candidates) < 2:
            return candidates
        folders = _fold(_slashes(reference)).split("/")[-2::-1]
        scores = [
            (_common(folders, _fold(path).split("/")[-2::-1]), _common(near.split("/"), path.split("/")))
            for path in candidates
        ]
        return [path for path, score in zip(candidates, scores, strict=True) if score == max(scores)]

    def has(self, reference: str, near: str) -> bool:
        """Whether there is any image that a reference may mean."""
        return self.literal(reference, near) is not None or bool(self.similar(reference, near))


def _slashes(reference: str) -> str:
    """A reference with forward slashes, and without what follows the name in an address."""
    return reference.replace("\\", "/").split("?")[0]


def _fold(name: str) -> str:
    """A name as compared: Macs write decomposed letters into archives, Windows does not tell A from a."""
    return unicodedata.normalize("NFC", name).casefold()


def _common(first: list[str], second: list[str]) -> int:
    """How many leading parts two lists share."""
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length

"""Where the images of an index come from: folders, archives, data sets, lists of files and arrays.

A glance at a file (its size and the time of its last change) says whether it must be read again, its checksum whether
it is another one.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from firstlight.data.archives import is_archive, list_files, read_bytes
from firstlight.data.image_lookup import is_image
from firstlight.data.table import Problem, Split
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_records import ARRAY, Entry

__all__ = ["Item", "Source", "checksum", "glance", "items_of", "items_of_split", "whole_path"]

_HARMLESS = ("note", "label unseen in training")  # problems of a data set that leave no image out


@dataclass(frozen=True, eq=False)
class Item:
    """An image to index: its name, the path or array, and what is said of it."""

    name: str
    image: Any
    label: str | None = None
    captions: tuple[str, ...] = ()

    def entry(self, size: int, changed: int, digest: str) -> Entry:
        """What the index keeps of it."""
        return Entry(self.name, size, changed, digest, self.label, self.captions)


@dataclass(frozen=True)
class Source:
    """A folder or archive, searched below, or with a `task` ("labels", "captions") a data set; all splits, or one."""

    path: str
    task: str | None = None
    split: str | None = None

    def items(self) -> tuple[list[Item], list[Problem]]:
        """Its images as they are now, and what the data set passed over.

        Raises:
            FirstlightError: there is nothing at the path, or no image: then nothing may be taken for removed.
        """
        items, problems = self._of_data_set() if self.task or self.split else (self._of_folder(), [])
        if not items:
            raise FirstlightError(
                f"Expected images in {self.path}. Received none. Check the path, and that its disk is there; the index "
                "stays as it is."
            )
        return items, problems

    def to_json(self) -> dict[str, Any]:
        """Plain values for `system.json`."""
        return asdict(self)

    def _of_folder(self) -> list[Item]:
        if not os.path.exists(self.path) and not _archive_above(self.path):
            raise FirstlightError(
                f"Expected a folder, a zip or a tar of photos. Received {self.path!r}, which does not exist here. "
                "Check the path, and that its disk is there; the index stays as it is."
            )
        if os.path.isfile(self.path) and not is_archive(self.path):
            return items_of([self.path])
        return items_of([path for path in list_files(self.path) if is_image(path)])

    def _of_data_set(self) -> tuple[list[Item], list[Problem]]:
        from firstlight.data.loading import load

        found: Any = load(self.path, task=self.task)
        splits = [found[self.split]] if self.split else list(found.splits.values())
        problems = [problem for problem in found.problems if problem.kind not in _HARMLESS]
        return [item for split in splits for item in items_of_split(split)], problems


def items_of(images: Sequence[Any], names: Sequence[str] | None = None) -> list[Item]:
    """Paths and arrays as items. A path is its own name; arrays get those of `names`.

    Raises:
        FirstlightError: an array has no name, or two images have the same.
    """
    if names is not None and len(names) != len(images):
        raise FirstlightError(f"Expected a name for each of {len(images)} images. Received {len(names)} names.")
    items = []
    for number, image in enumerate(images):
        if not isinstance(image, np.ndarray):
            items.append(Item(whole_path(image), whole_path(image)))
        elif names is not None:
            items.append(Item(str(names[number]), image))
        else:
            raise FirstlightError(
                f"Expected names for images that are arrays. Received an array at place {number} and no names. Pass "
                "names=[...]."
            )
    counts = Counter(item.name for item in items)
    if len(counts) < len(items):
        raise FirstlightError(f"Expected another name for each image. Received {counts.most_common(1)[0][0]!r} twice.")
    return items


def items_of_split(split: Split) -> list[Item]:
    """The images of a split with their labels and captions."""
    labels = split.columns.get("labels", [None] * len(split))
    captions = split.columns.get("captions", [()] * len(split))
    paths = [None if isinstance(image, np.ndarray) else whole_path(image) for image in split.images]
    return [
        Item(path or name, path or image, label, tuple(texts))
        for path, name, image, label, texts in zip(paths, split.names, split.images, labels, captions, strict=True)
    ]


def glance(image: Any) -> tuple[int, int]:
    """Size and time of the last change of a file, those of its archive where it lies in one; `ARRAY` of an array.

    Raises:
        FirstlightError: there is no such file.
    """
    if isinstance(image, np.ndarray):
        return ARRAY, 0
    place = _archive_above(image) or image
    try:
        state = os.stat(place)
    except OSError as error:
        raise FirstlightError(f"Expected a readable file. Received {image!r}: {error.strerror}.") from error
    return state.st_size, state.st_mtime_ns


def checksum(image: Any) -> str:
    """The sha256 of a file's bytes, or of an array's shape and values."""
    if isinstance(image, np.ndarray):
        return hashlib.sha256(f"{image.dtype} {image.shape}".encode() + image.tobytes()).hexdigest()
    return hashlib.sha256(read_bytes(image)).hexdigest()


def whole_path(path: str | Path) -> str:
    """A path that means the same from every folder."""
    return os.path.abspath(os.path.expanduser(os.fspath(path))).replace(os.sep, "/")


def _archive_above(path: str) -> str | None:
    """The archive on disk that a path leads through."""
    if os.path.isfile(path):
        return None
    parents = (str(parent) for parent in PurePosixPath(path).parents)
    return next((parent for parent in parents if is_archive(parent) and os.path.isfile(parent)), None)

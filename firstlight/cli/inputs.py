"""From what a user types to images: files, folders, globs, members of archives, and names on standard input.

Nothing is opened here but lists of contents; whether a file is an image shows when it is read.
"""

import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from firstlight.data.archives import exists, is_archive, list_files
from firstlight.data.image_lookup import is_image
from firstlight.errors import FirstlightError

__all__ = ["Found", "find_images"]

_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Found:
    """An image to read: its path, and where it lies below the folder, glob or archive that was asked for."""

    path: str
    place: str


def find_images(arguments: Iterable[str], standard_input: Iterable[str]) -> Iterator[Found | FirstlightError]:
    """The images behind the arguments, each once, in the order asked for; an error for one that leads nowhere.

    An argument is an image, a folder (searched below, too), a zip or tar file, a path inside one, or a pattern with
    `*`, `?`, `**`; `-` takes arguments from standard input, one a line.
    """
    seen: set[str] = set()
    for argument in arguments:
        lines = (line.strip() for line in standard_input) if argument == "-" else [argument]
        for line in filter(None, lines):
            for found in _expand(line):
                if isinstance(found, FirstlightError) or found.path not in seen:
                    yield found
                if isinstance(found, Found):
                    seen.add(found.path)


def _expand(argument: str) -> Iterator[Found | FirstlightError]:
    path = argument.replace(os.sep, "/")
    if os.path.isdir(path) or (is_archive(path) and os.path.exists(path)):
        yield from _below(path)
    elif exists(path):
        yield Found(path, PurePosixPath(path).name)
    elif _WILDCARD.search(path):
        yield from _matching(path)
    elif _has_archive(path):
        yield from _below(path)
    else:
        yield FirstlightError(f"{argument}: no such file or folder")


def _below(root: str) -> Iterator[Found | FirstlightError]:
    """The images below a folder, in an archive, or in a folder of an archive."""
    try:
        files = list(filter(is_image, list_files(root)))
    except FirstlightError as error:
        yield error
        return
    if not files:
        yield FirstlightError(f"{root}: no images here")
    yield from (Found(file, _place(file, root)) for file in files)


def _matching(pattern: str) -> Iterator[Found | FirstlightError]:
    """The images that a pattern names; inside an archive `*` also crosses folders."""
    root = pattern[: _WILDCARD.search(pattern).start()].rpartition("/")[0]  # type: ignore[union-attr]
    try:
        if _has_archive(root):
            files = fnmatch.filter(list_files(root), pattern)
        else:
            files = sorted(file.replace(os.sep, "/") for file in glob.glob(pattern, recursive=True))
    except FirstlightError as error:
        yield error
        return
    files = list(filter(is_image, files))
    if not files:
        yield FirstlightError(f"{pattern}: no image matches")
    yield from (Found(file, _place(file, root)) for file in files)


def _has_archive(path: str) -> bool:
    """Whether the path, or one above it, is an archive on disk."""
    return any(is_archive(part) and os.path.isfile(part) for part in map(str, [path, *PurePosixPath(path).parents]))


def _place(file: str, root: str) -> str:
    return file.removeprefix(root.rstrip("/") + "/") if root else file.lstrip("/")

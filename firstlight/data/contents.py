"""What lies below a root: its images, its documents, and what was wrong with them.

Every layout reads through this, so a file is listed, decoded and parsed once, and each problem is told once.
"""

import codecs
import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from firstlight.data.archives import exists, is_archive, list_files, read_bytes
from firstlight.data.image_lookup import ImageLookup, is_image
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError

__all__ = ["Contents", "LabelledImage", "Row", "open_contents"]

Parsed = TypeVar("Parsed")


class Row(NamedTuple):
    """One caption of one image as a layout gives it, and the place where it stands.

    `split` is what the data says (None: nothing); `identity` tells two captions of the same words apart where the
    layout numbers its captions.
    """

    image: str
    caption: str
    split: str | None
    file: str
    line: int | None
    identity: str = ""


class LabelledImage(NamedTuple):
    """One image and its label as a layout gives them, and the place where it is said.

    `image` is a path that exists, or an array of uint8, which then has a `name`. `split` is what the data says (None:
    nothing).
    """

    image: str | NDArray[np.uint8]
    label: str
    split: str | None
    file: str
    line: int | None = None
    name: str = ""


class Contents:
    """The files below a folder or in an archive, sorted into images, sidecars and documents."""

    def __init__(self, root: str, only: str | None = None, alone: bool = False) -> None:
        """List `root`; with `only`, that document alone holds what is said, and `alone`, nothing beside it counts."""
        self.root = root
        self.source = only or root
        self.name = os.path.basename(os.path.abspath(only if only and alone else root)).split(".")[0]
        self.files = [only] if only and alone else list_files(root)
        self.known = frozenset(self.files)
        self.images = ImageLookup(root, filter(is_image, self.files))
        self.problems: list[Problem] = []
        self.rejected: dict[str, str] = {}
        self._parsed: dict[tuple[str, str], Any] = {}
        beside = {os.path.splitext(path)[0] for path in self.images.paths}
        texts = [path for path in self.files if path not in self.images.paths and not _is_sidecar(path, beside)]
        self.documents = texts if only is None else [only]
        self.restricted = only is not None

    def relative(self, path: str) -> str:
        """A path without the root in front."""
        return path.removeprefix(self.root).lstrip("/")

    def tell(self, kind: str, message: str, file: str = "", line: int | None = None) -> None:
        """Note something that is passed over."""
        self.problems.append(Problem(kind, message, file, line))

    def reject(self, path: str, reason: str) -> None:
        """Note why a document cannot hold captions, for the message that no layout was recognised."""
        self.rejected.setdefault(path, reason)

    def once(self, path: str, parse: Callable[["Contents", str], Parsed]) -> Parsed:
        """What `parse` makes of a file; the second time the same object."""
        key = (path, parse.__qualname__)
        if key not in self._parsed:
            self._parsed[key] = parse(self, path)
        found: Parsed = self._parsed[key]
        return found

    def documents_named(self, *endings: str) -> list[str]:
        """The documents whose names end so, in any case of letters."""
        return [path for path in self.documents if path.lower().endswith(endings)]

    def lines(self, path: str) -> list[str]:
        """The lines of a text file, without their ends; the list's index is the line number less one."""
        return self.once(path, _read_lines)

    def first_line(self, path: str) -> str:
        """The first line of a text file that is not empty; empty, with the reason noted, where it is no text."""
        try:
            return next((line for line in self.lines(path) if line.strip()), "")
        except FirstlightError as error:
            self.reject(path, str(error))
            return ""

    def json(self, path: str) -> Any:
        """What a JSON file holds; None, with the reason noted, where it is not JSON."""
        return self.once(path, _read_json)

    def text(self, path: str) -> str:
        """The text of a file: UTF-8, or UTF-16 and UTF-32 by their mark, or, which is told, Latin-1."""
        data = read_bytes(path)
        for mark, encoding in _MARKS:
            if data.startswith(mark):
                try:
                    return data.decode(encoding)
                except UnicodeDecodeError as error:
                    raise FirstlightError(
                        f"Expected {encoding} text in {path}, as its first bytes say. Byte {error.start} is none. "
                        "Save the file as UTF-8."
                    ) from error
        try:
            text = data.decode()
            if "\0" not in text:
                return text
        except UnicodeDecodeError as error:
            if b"\0" not in data:
                line = data.count(b"\n", 0, error.start) + 1
                message = "not UTF-8: read as Latin-1, so letters may be wrong; save the file as UTF-8"
                self.tell("encoding", message, path, line)
                return data.decode("latin-1")
        raise FirstlightError(f"Expected text in {path}. Received binary data. Save the file as UTF-8 text.")


def open_contents(path: str | os.PathLike[str]) -> Contents:
    """What lies in a folder or an archive, or around a single document. Raises FirstlightError where there is none."""
    source = os.fspath(path).replace(os.sep, "/").rstrip("/") or "/"
    if os.path.isdir(source) or (exists(source) and is_archive(source)):
        return Contents(source)
    if not exists(source):
        raise FirstlightError(
            f"Expected a folder, a zip or tar, or an annotation file. Received {source!r}, which does not exist. "
            "Check the spelling and the folder you are in."
        )
    folder, base = os.path.split(source)
    contents = Contents(folder or ".", f"{folder or '.'}/{base}", alone=base.lower().endswith(".npz"))
    contents.source = source
    return contents


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _is_sidecar(path: str, beside: set[str]) -> bool:
    stem, ending = os.path.splitext(path)
    return ending.lower() in (".txt", ".json", ".caption") and stem in beside


def _read_lines(contents: Contents, path: str) -> list[str]:
    # Not str.splitlines: it also breaks at form feeds and Unicode separators, and line numbers would be wrong.
    lines = contents.text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _read_json(contents: Contents, path: str) -> Any:
    try:
        return json.loads(contents.text(path))
    except FirstlightError as error:
        contents.reject(path, str(error))
        return None
    except (json.JSONDecodeError, RecursionError) as error:
        contents.reject(path, f"not valid JSON ({error})")
        return None

"""Lines of text files, read block by block: plain, compressed, or inside a zip, never held whole.

A line longer than a block, such as a corpus without any line end, comes in parts that end between words.
"""

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from firstlight.data.archives import read_bytes
from firstlight.errors import FirstlightError

__all__ = ["is_text", "lines", "size_of"]

_TEXT = re.compile(r"\.(?:txt|text|md)(?:\.(?:gz|bz2|xz))?$", re.IGNORECASE)
_IN_ZIP = re.compile(r"(.+?\.zip)/(.+)", re.IGNORECASE)
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError, OSError, NotImplementedError)
_BLOCK = 1 << 20
_BREAK = re.compile(r"\s(?=\S*$)")  # the last white space


def is_text(path: str) -> bool:
    """Whether a name is that of a text: .txt, .text or .md, also compressed by gzip, bzip2 or xz."""
    return _TEXT.search(path) is not None


def size_of(path: str) -> int:
    """How many bytes `lines` will report of a file: its length on disk, inside an archive its own length."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    inside = _IN_ZIP.fullmatch(path)
    if inside and os.path.isfile(inside[1]):
        with zipfile.ZipFile(inside[1]) as archive:
            return archive.getinfo(inside[2]).file_size if inside[2] in archive.namelist() else 0
    return 0


def lines(path: str, encoding: str, told: Callable[[int], None] | None = None) -> Iterator[str]:
    """The lines of a text file without their ends; `told` hears how many of its bytes are read.

    Raises:
        FirstlightError: it cannot be read, is cut off, or is not in this encoding; names the byte and the line.
    """
    rest = ""
    with ExitStack() as opened:
        try:
            stream, place = _open(path, opened)
            for text in _decoded(stream, path, encoding):
                *whole, rest = (rest + text).split("\n")
                yield from whole
                if len(rest) > _BLOCK:
                    begun, rest = _cut(rest)
                    yield begun
                if told is not None:
                    told(place())
        except _DAMAGE as error:
            reason = getattr(error, "strerror", None) or error
            raise FirstlightError(
                f"Expected an intact text file. Received {path}, which cannot be read: {reason}. Get it anew, or "
                "leave it out."
            ) from error
    yield rest


def _open(path: str, opened: ExitStack) -> tuple[IO[bytes], Callable[[], int]]:
    """A stream of the bytes of the text, and a function that tells how far the file on disk is read."""
    inside = _IN_ZIP.fullmatch(path)
    raw: IO[bytes]
    if os.path.isfile(path):
        raw = opened.enter_context(Path(path).open("rb"))  # noqa: SIM115  the stack closes it
    elif inside is None or ".zip/" in inside[2].lower() or ".tar" in inside[2].lower():
        raw = io.BytesIO(read_bytes(path))
    else:
        archive = opened.enter_context(zipfile.ZipFile(inside[1]))
        try:
            raw = opened.enter_context(archive.open(inside[2]))
        except (KeyError, RuntimeError) as error:  # no such member; it is encrypted
            raise zipfile.BadZipFile(str(error)) from error
    opener = _OPENERS.get(os.path.splitext(path)[1].lower())
    return (opened.enter_context(opener(raw, "rb")) if opener else raw), raw.tell


def _decoded(stream: IO[bytes], path: str, encoding: str) -> Iterator[str]:
    """The text of a stream block by block."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)()
    read, line = 0, 1
    while True:
        block = stream.read(_BLOCK)
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            place = read - pending + error.start
            line += error.object[: error.start].count(b"\n")
            raise FirstlightError(
                f"Expected text in {encoding}. Received byte 0x{error.object[error.start]:02x} at byte {place:,} (line "
                f"{line:,}) of {path}. Name the encoding of the file, such as latin-1, utf-16 or cp1252, or convert it."
            ) from error
        if not block:
            yield text
            return
        read += len(block)
        line += text.count("\n")
        yield text


def _cut(text: str) -> tuple[str, str]:
    """A long text in two, between words where it has any white space."""
    place = _BREAK.search(text, len(text) - _BLOCK // 2)
    return (text, "") if place is None else (text[: place.start()], text[place.end() :])

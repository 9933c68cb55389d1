"""Files and folders, also inside zip and tar archives, which are read in place and never unpacked.

A path may lead through archives: `photos.zip/Images/beach.jpg`, `shards/train-000.tar/0001.jpg`. What is cached is the
list of an archive's members; the file itself is opened for each read, so threads and forked processes share nothing.
"""

import bz2
import gzip
import io
import lzma
import os
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from firstlight.errors import FirstlightError

__all__ = ["empty_folders", "exists", "is_archive", "list_files", "read_bytes"]

_NAME = re.compile(r"\.(?:zip|tar|tgz|tar\.gz|tar\.bz2|tar\.xz)$", re.IGNORECASE)
_STEP_INTO = re.compile(r"\.(?:zip|tar|tgz|tar\.gz|tar\.bz2|tar\.xz)(?=/)", re.IGNORECASE)
_CLUTTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError)
# A compressed tar, or an archive inside an archive, has no place to seek to: it is held in memory, up to this much.
_MEMORY = 2 << 30
_TAR = -1


class _Member(NamedTuple):
    """Where a file lies in its archive: offset and length there, length once unpacked, zip method, checksum."""

    offset: int
    packed: int
    size: int
    method: int
    checksum: int


@dataclass
class _Archive:
    """The members of one archive, and the archives among them that were opened."""

    path: str
    stamp: tuple[int, int]
    content: bytes | None
    members: dict[str, _Member]
    folders: list[str] = field(default_factory=list)  # as far as they are entries of their own
    inner: dict[str, "_Archive"] = field(default_factory=dict)

    def open(self) -> BinaryIO:
        return open(self.path, "rb") if self.content is None else io.BytesIO(self.content)

    def held(self) -> int:
        """How many bytes this archive and those inside it keep in memory."""
        return len(self.content or b"") + sum(archive.held() for archive in self.inner.values())


_opened: dict[str, _Archive] = {}


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a zip or tar file."""
    return _NAME.search(os.fspath(path)) is not None


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The content of a file, wherever it lies. Raises FirstlightError where it is missing or its archive is damaged."""
    text = _plain(path)
    place = _locate(text)
    if place is None:
        try:
            with open(text, "rb") as file:
                return file.read()
        except OSError as error:
            raise FirstlightError(f"Expected a readable file. Received {text!r}: {error.strerror}.") from error
    archive, name = place
    if name not in archive.members:
        raise FirstlightError(
            f"Expected {name!r} in {archive.path}. It is not among the {len(archive.members)} files there."
        )
    return _unpack(archive, name)


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file at this path, on disk or inside an archive. False inside a damaged archive."""
    text = _plain(path)
    try:
        place = _locate(text)
    except FirstlightError:
        return False
    return os.path.isfile(text) if place is None else place[1] in place[0].members


def list_files(root: str | os.PathLike[str]) -> list[str]:
    """Every file below a folder or in an archive, and in the archives there, as sorted paths that begin with `root`.

    Hidden files and the clutter of operating systems are left out. Raises FirstlightError for a damaged archive and
    for a root that is neither folder nor archive.
    """
    text = _plain(root).rstrip("/") or "/"
    if os.path.isdir(text):
        return sorted(path for file in _walk(text, set()) for path in _expand(file))
    place = _locate(text + "/")
    if place is None:
        raise FirstlightError(f"Expected a folder or a zip or tar file. Received {text!r}, which is neither.")
    archive, below = place
    inside = [name for name in archive.members if name.startswith(below)]
    prefix = text.removesuffix("/" + below.rstrip("/")) if below else text
    return sorted(path for name in inside if _wanted(name) for path in _expand(f"{prefix}/{name}"))


def empty_folders(root: str | os.PathLike[str]) -> list[str]:
    """The folders below a folder or in an archive in which nothing lies, as sorted paths that begin with `root`."""
    text = _plain(root).rstrip("/") or "/"
    if os.path.isdir(text):
        return sorted(_walk_empty(text, set()))
    place = _locate(text + "/")
    if place is None:
        return []
    archive, below = place
    prefix = text.removesuffix("/" + below.rstrip("/")) if below else text
    filled = {name[: slash.start()] for name in archive.members for slash in re.finditer("/", name)}
    parents = {os.path.dirname(folder) for folder in archive.folders}
    empty = set(archive.folders) - filled - parents
    return sorted(f"{prefix}/{name}" for name in empty if name.startswith(below) and _wanted(name))


def _walk_empty(folder: str, seen: set[str]) -> Iterator[str]:
    """The folders without any entry, and the empty ones in the archives on the way."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    with os.scandir(folder) as entries:
        wanted = [entry for entry in entries if _wanted(entry.name)]
    if not wanted:
        yield folder
    for entry in wanted:
        path = f"{folder.rstrip('/')}/{entry.name}"
        if entry.is_dir():
            yield from _walk_empty(path, seen)
        elif is_archive(entry.name) and entry.is_file():
            yield from empty_folders(path)


def _plain(path: str | os.PathLike[str]) -> str:
    return os.fspath(path).replace(os.sep, "/")


def _walk(folder: str, seen: set[str]) -> Iterator[str]:
    """The files below a folder; links to folders are followed, each folder once."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not _wanted(entry.name):
                continue
            path = f"{folder.rstrip('/')}/{entry.name}"
            if entry.is_dir():
                yield from _walk(path, seen)
            elif entry.is_file():
                yield path


def _wanted(name: str) -> bool:
    return not any(part.startswith(".") or part in _CLUTTER for part in name.split("/") if part != ".")


def _expand(path: str) -> list[str]:
    """A file itself, or the files in it where it is an archive."""
    return list_files(path) if is_archive(path) else [path]


def _locate(path: str) -> tuple[_Archive, str] | None:
    """The innermost archive on a path and the rest of the path inside it; None where no archive is on the way."""
    archive: _Archive | None = None
    begin = 0
    for step in _STEP_INTO.finditer(path):
        if archive is None:
            if not os.path.isfile(path[: step.end()]):
                continue
            archive = _open(path[: step.end()])
        elif (name := path[begin : step.end()]) in archive.members:
            archive = _open_inner(archive, name)
        else:
            continue
        begin = step.end() + 1
    return None if archive is None else (archive, path[begin:])


def _open(path: str) -> _Archive:
    """An archive on disk, from the cache while the file is unchanged."""
    state = os.stat(path)
    stamp = (state.st_size, state.st_mtime_ns)
    known = _opened.get(path)
    if known is None or known.stamp != stamp:
        _opened.pop(path, None)
        content = None if path.lower().endswith((".zip", ".tar")) else _decompress(path, None)
        known = _index(_Archive(path, stamp, content, {}))
        _opened[path] = known
    return known


def _open_inner(outer: _Archive, name: str) -> _Archive:
    if name not in outer.inner:
        path = f"{outer.path}/{name}"
        _make_room(path, outer.members[name].size)
        content = _unpack(outer, name)
        if not name.lower().endswith((".zip", ".tar")):
            content = _decompress(path, content)
        outer.inner[name] = _index(_Archive(path, (0, 0), content, {}))
    return outer.inner[name]


def _decompress(path: str, content: bytes | None) -> bytes:
    """The tar inside a compressed tar."""
    source = path if content is None else io.BytesIO(content)
    opener = bz2.open if path.lower().endswith("bz2") else lzma.open if path.lower().endswith("xz") else gzip.open
    try:
        with opener(source, "rb") as file:
            data: bytes = file.read(_MEMORY + 1)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    _make_room(path, len(data))
    return data


def _make_room(path: str, size: int) -> None:
    held = sum(archive.held() for archive in list(_opened.values()))
    if held + size > _MEMORY:
        raise FirstlightError(
            f"Expected compressed and nested archives of at most {_MEMORY >> 30} GiB together, as they are held in "
            f"memory. {path} needs more. Unpack it and pass the folder."
        )


def _index(archive: _Archive) -> _Archive:
    try:
        with archive.open() as file:
            is_zip = archive.path.lower().endswith(".zip")
            archive.members, archive.folders = _index_zip(file) if is_zip else _index_tar(file)
    except _DAMAGE as error:
        raise _damaged(archive.path, error) from error
    return archive


def _index_zip(file: BinaryIO) -> tuple[dict[str, _Member], list[str]]:
    with zipfile.ZipFile(file) as opened:
        folders = [info.filename.rstrip("/") for info in opened.infolist() if info.is_dir()]
        members = {
            info.filename: _Member(
                info.header_offset,
                info.compress_size,
                info.file_size,
                info.compress_type if not info.flag_bits & 1 else 99,  # 99 is the mark of encryption
                info.CRC,
            )
            for info in opened.infolist()
            if not info.is_dir()
        }
    return members, folders


def _index_tar(file: BinaryIO) -> tuple[dict[str, _Member], list[str]]:
    members: dict[str, _Member] = {}
    folders: list[str] = []
    with tarfile.open(fileobj=file, mode="r:") as opened:
        for info in opened:
            name = info.name.removeprefix("./")
            if info.isfile():
                members[name] = _Member(info.offset_data, info.size, info.size, _TAR, 0)
            elif info.islnk() and info.linkname.removeprefix("./") in members:
                members[name] = members[info.linkname.removeprefix("./")]
            elif info.isdir():
                folders.append(name)
            opened.members = []  # type: ignore[attr-defined]  # tarfile keeps all records: 100 MB for 100,000
        file.seek(opened.offset)
        # tarfile takes a broken header in the middle for the end; the end is a block of zeros or nothing.
        if file.read(512).strip(b"\0"):
            raise tarfile.ReadError(f"broken header at byte {opened.offset}")
    return members, folders


def _unpack(archive: _Archive, name: str) -> bytes:
    member = archive.members[name]
    try:
        with archive.open() as file:
            return _read_tar(file, member) if member.method == _TAR else _read_zip(file, name, member)
    except _DAMAGE as error:
        raise _damaged(f"{archive.path}/{name}", error) from error


def _read_tar(file: BinaryIO, member: _Member) -> bytes:
    file.seek(member.offset)
    data = file.read(member.size)
    if len(data) != member.size:
        raise tarfile.ReadError("the file ends too early")
    return data


def _read_zip(file: BinaryIO, name: str, member: _Member) -> bytes:
    """Stored and deflated files are read at their place; for rarer methods zipfile goes through its list once more."""
    if member.method == 99:
        raise zipfile.BadZipFile("it is encrypted")
    if member.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        try:
            with zipfile.ZipFile(file) as opened:
                return opened.read(name)
        except NotImplementedError as error:
            raise zipfile.BadZipFile(str(error)) from error
    file.seek(member.offset)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("no file begins where the list of contents says")
    file.seek(sum(struct.unpack("<HH", header[26:30])), os.SEEK_CUR)  # the name and the extra field come first
    data = file.read(member.packed)
    if member.method == zipfile.ZIP_DEFLATED:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.size + 1)
    if len(data) != member.size or zlib.crc32(data) != member.checksum:
        raise zipfile.BadZipFile("length or checksum differ")
    return data


def _damaged(path: str, error: Exception) -> FirstlightError:
    return FirstlightError(
        f"Expected an intact archive. Received {path}, which cannot be read: {error}. Download or pack it again."
    )

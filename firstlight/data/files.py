"""The files of a data set on this machine: found where they lie, or downloaded whole and checked.

A user's own copy comes first. The cache folder is `FIRSTLIGHT_DATA`, or the platform's place for such files, and holds
one folder a data set; a file gets its name there only when it is whole and its checksum is right.
"""

import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firstlight.data.download import DownloadError, Progress, download
from firstlight.data.locks import locked
from firstlight.errors import FirstlightError

__all__ = ["Record", "RemoteFile", "adopt", "cache_folder", "fetch", "find", "is_here"]


@dataclass(frozen=True)
class RemoteFile:
    """A file to download: its name here, where it is to be had, and how to know that it is the right one.

    `checksum` is "sha256:..." or "md5:...". None: the first download is trusted, and its checksum told and kept.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str | None = None
    size: int = 0  # in bytes, for the table and the room on the disk; 0 where unknown


@dataclass(frozen=True)
class Record:
    """What is known of a data set before a byte of it is here."""

    name: str
    task: str
    description: str
    page: str
    licence: str
    splits: dict[str, int]  # images in each
    loader: str  # "module:function", called with the folder, or with options alone where nothing is to be downloaded
    files: tuple[RemoteFile, ...] = ()
    drawn: bool = False  # made here by the loader

    @property
    def size(self) -> int:
        """The bytes to download."""
        return sum(file.size for file in self.files)


def cache_folder() -> Path:
    """Where data sets lie: `FIRSTLIGHT_DATA`, or the platform's cache folder."""
    if named := os.environ.get("FIRSTLIGHT_DATA"):
        return Path(named).expanduser()
    import pooch

    return Path(pooch.os_cache("firstlight"))


def is_here(record: Record) -> bool:
    """Whether `find` has something to offer, by the names of the files alone."""
    return record.drawn or _pointer(record).is_file() or _is_complete(record) or _is_own(record)


def find(record: Record) -> Path | None:
    """Where the data set lies on this machine, its checksums right; None where it must be fetched. No network."""
    folder = cache_folder() / record.name
    pointer = _pointer(record)
    if pointer.is_file():
        place = Path(pointer.read_text(encoding="utf-8").strip())
        if not place.exists():
            raise FirstlightError(
                f"Expected data set {record.name!r} at {place}, as {pointer} says. There is nothing. Point at the new "
                f"place with `firstlight data get {record.name} --from PATH`, or delete {pointer}."
            )
        return place
    if _is_complete(record):
        for file in record.files:
            _verify(folder / file.name, file)
        return folder
    return folder if _is_own(record) else None


def fetch(record: Record, progress: Progress | None = None) -> Path:
    """The folder (or archive) of a data set; what is missing is downloaded into the cache.

    `progress` is called with a file's name, the bytes that are here, and the bytes in all where the server tells them.
    Two processes may fetch at once: one downloads, the other waits for it. Raises FirstlightError with instructions.
    """
    if place := find(record):
        return place
    if not record.files:
        raise FirstlightError(
            f"Expected data set {record.name!r}, which is no public download. {_instructions(record)}"
        )
    folder = cache_folder() / record.name
    folder.mkdir(parents=True, exist_ok=True)
    with locked(cache_folder() / f".{record.name}.lock"):
        incoming = folder / ".incoming"
        incoming.mkdir(exist_ok=True)
        for file in record.files:
            if not (folder / file.name).is_file():
                _bring(record, file, folder, incoming, progress)
            _verify(folder / file.name, file)
        shutil.rmtree(incoming)
    return folder


def adopt(record: Record, source: str | Path, as_it_is: bool = False) -> Path:
    """Use an own copy from now on; returns where it lies.

    A file of the data set's own (the same name as one in `record.files`) is checked and copied into the cache. Any
    other file or folder stays where it is, and its place is remembered in the cache; with `as_it_is` every one does.
    """
    source = Path(source).expanduser().resolve()
    if not source.exists():
        raise FirstlightError(f"Expected a file or folder at {source}. There is nothing.")
    folder = cache_folder() / record.name
    for file in () if as_it_is else record.files:
        if source.is_file() and source.name == file.name:
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f".{file.name}.{os.getpid()}.tmp"
            try:
                shutil.copyfile(source, temporary)
                _check(temporary, file.checksum, f"{source}, which is {file.name} of {record.name!r} by its name,")
                os.replace(temporary, folder / file.name)
            finally:
                temporary.unlink(missing_ok=True)
            _pointer(record).unlink(missing_ok=True)  # what was given last is meant
            return folder / file.name
    cache_folder().mkdir(parents=True, exist_ok=True)
    _write(_pointer(record), f"{source}\n")
    return source


def _bring(record: Record, file: RemoteFile, folder: Path, incoming: Path, progress: Progress | None) -> None:
    part = incoming / f"{file.name}.part"
    for leftover in incoming.iterdir():  # of a process that was killed: we hold the lock, so nobody writes them
        if leftover.suffix != ".part":
            leftover.unlink()
    missing = file.size - (part.stat().st_size if part.is_file() else 0)
    if missing > (free := shutil.disk_usage(folder).free):
        raise FirstlightError(
            f"Expected {missing:,} free bytes in {folder} for {file.name}. Received {free:,}. "
            "Set FIRSTLIGHT_DATA to a folder on a larger disk."
        )
    try:
        download(file.urls, folder / file.name, file.checksum, incoming, progress)
    except DownloadError as error:
        with suppress(OSError):
            incoming.rmdir()  # stays where it holds a part
        reasons = str(error).replace("\n", "\n  ")
        raise FirstlightError(
            f"Expected {file.name} of data set {record.name!r}. It is not in {folder}, and downloading failed:\n"
            f"  {reasons}\n{_instructions(record)}"
        ) from error
    if file.checksum:
        _write(_note(folder / file.name), _stamp(folder / file.name, file.checksum))


def _instructions(record: Record) -> str:
    names = " and ".join(file.name for file in record.files) or "it"
    return (
        f"If you have {names}: `firstlight data get {record.name} --from FILE_OR_FOLDER`, or put it into "
        f"{cache_folder() / record.name}, or set FIRSTLIGHT_DATA to the folder that holds {record.name}/. "
        f"Where it comes from: {record.page}"
    )


def _pointer(record: Record) -> Path:
    """A text file with the place of an own copy."""
    return cache_folder() / f"{record.name}.path"


def _is_complete(record: Record) -> bool:
    folder = cache_folder() / record.name
    return bool(record.files) and all((folder / file.name).is_file() for file in record.files)


def _is_own(record: Record) -> bool:
    """Whether the folder in the cache was laid there by hand: it holds files, but none of those we would download."""
    folder = cache_folder() / record.name
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    return bool(names) and names.isdisjoint(file.name for file in record.files)


def _verify(path: Path, file: RemoteFile) -> None:
    """Check a file once; a note beside it (checksum, size, time of change) saves reading it the next time."""
    note = _note(path)
    noted = note.read_text(encoding="utf-8") if note.is_file() else ""
    expected = file.checksum or noted.partition(" ")[0] or None
    if expected and noted == _stamp(path, expected):
        return
    actual = _check(path, expected, f"{path} (delete it, and it is downloaded again)")
    if expected is None:
        logging.getLogger(__name__).warning(
            "%s has no published checksum. Trusted as it came: %s, noted in %s.", path, actual, note
        )
    with suppress(OSError):  # a read-only folder is checked anew each time
        _write(note, _stamp(path, actual))


def _check(path: Path, checksum: str | None, name: str) -> str:
    """The checksum of a file; where it is not the expected one, an error that calls the file `name`."""
    import pooch

    algorithm = checksum.partition(":")[0] if checksum else "sha256"
    actual = f"{algorithm}:{pooch.file_hash(str(path), alg=algorithm)}"
    if checksum and actual != checksum:
        raise FirstlightError(
            f"Expected {name} with the checksum {checksum}. Received {actual}: it is damaged or another file."
        )
    return actual


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.checksum")


def _stamp(path: Path, checksum: str) -> str:
    status = path.stat()
    return f"{checksum} {status.st_size} {status.st_mtime_ns}\n"


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

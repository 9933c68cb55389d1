"""One file from the network to one place on the disk: whole and with the right checksum, or not at all.

pooch checks and puts in place; what it lacks is here: going on where a try was cut off, and the next mirror.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight.errors import FirstlightError

__all__ = ["DownloadError", "Progress", "ResumingDownloader", "download"]

Progress = Callable[[str, int, int | None], None]  # the file's name, bytes that are here, bytes in all where known

_CHUNK = 1 << 16
_TIMEOUT = (10, 30)  # seconds to connect, and to wait for the next bytes


class DownloadError(FirstlightError):
    """A file that no address gave: each address with its reason."""


def download(
    urls: Sequence[str], target: Path, checksum: str | None, incoming: Path, progress: Progress | None = None
) -> None:
    """Bring a file from the first of `urls` that gives it with the right checksum ("sha256:..." or "md5:...").

    It grows as `incoming/NAME.part`, which stays where the connection breaks and is continued by the next call. Without
    a checksum nothing would tell a mixture of two files, so then each call begins anew. Raises `DownloadError`.
    """
    import pooch

    reasons = []
    for url in urls:
        downloader = ResumingDownloader(
            incoming / f"{target.name}.part", resume=checksum is not None, progress=progress
        )
        for _ in range(2):
            try:
                with _quiet(pooch.get_logger()):
                    whole = pooch.retrieve(url, checksum, target.name, incoming, downloader=downloader)
                os.replace(whole, target)
                return
            except DownloadError as error:
                reasons.append(f"{url}: {error}")
                break
            except ValueError:  # pooch: not the checksum
                if downloader.resumed:
                    continue  # the begin may have come from an older file or another mirror: once more, from the start
                reasons.append(f"{url}: what came does not have the checksum {checksum}")
                break
    raise DownloadError("\n".join(reasons) or "there is no address to download it from")


@dataclass
class ResumingDownloader:
    """A downloader for pooch that gathers the bytes in `part` and asks the server only for those that are missing."""

    part: Path
    resume: bool = True
    progress: Progress | None = None
    resumed: bool = False

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        """Download `url` and move it to `output_file`; tries again as long as each try brings more than all before."""
        from requests import RequestException

        self.resumed = False
        best = 0
        while True:
            try:
                self._advance(url)
                break
            except RequestException as error:
                reached = self._size()
                if not self.resume or reached <= best:
                    kept = f"; the {reached:,} bytes that are here are kept" if self.resume and reached else ""
                    raise DownloadError(_reason(error) + kept) from error
                best = reached
        os.replace(self.part, output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _advance(self, url: str) -> None:
        """Ask for what is missing and append it; a server that knows no ranges sends all, which replaces the part."""
        from requests import get

        begin = self._size() if self.resume else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
        with get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            given = answer.headers.get("Content-Range", "")
            if answer.status_code == 416 and begin:
                if given != f"bytes */{begin}":  # else the part was whole already
                    self.part.unlink()
                    self._advance(url)
                return
            if answer.status_code == 206 and given.startswith(f"bytes {begin}-"):
                self.resumed = True
            elif answer.status_code == 200:
                begin = 0
            else:
                raise DownloadError(f"the server answered {answer.status_code} {answer.reason}")
            self._write(answer, begin)

    def _write(self, answer: Any, begin: int) -> None:
        from requests import ConnectionError

        length = answer.headers.get("Content-Length")
        total = begin + int(length) if length else None
        done = begin
        with open(self.part, "ab" if begin else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if self.progress is not None:
                    self.progress(self.part.name.removesuffix(".part"), done, total)
        if total is not None and done != total:
            raise ConnectionError(f"{done} of {total} bytes came")


def _reason(error: Exception) -> str:
    """Why a download failed, in a few words instead of a chain of network exceptions."""
    from requests import Timeout

    text = str(error)
    if isinstance(error, Timeout):
        return f"the server did not answer within {_TIMEOUT[1]} seconds"
    if "resolve" in text:
        return "no connection: the name of the server cannot be found"
    return "no connection: refused" if "refused" in text else f"the connection broke: {text}"


@contextmanager
def _quiet(logger: Any) -> Iterator[None]:
    """pooch prints a line for each download; here the caller tells the progress."""
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)

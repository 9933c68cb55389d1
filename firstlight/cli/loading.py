"""Data for every command: by name or path, with a display of what is downloaded on the way.

Where nothing has to be downloaded, nothing is shown.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, overload

from firstlight.cli.progress import Progress, progress
from firstlight.data import Dataset, Frame, load

__all__ = ["Downloads", "downloading", "load_data"]

_MEGABYTE = 1_000_000


class Downloads:
    """Shows each file that is downloaded, in megabytes; this is the `progress` of `firstlight.data.load`."""

    def __init__(self) -> None:
        self.display: Progress | None = None
        self.files: dict[str, Callable[[int], None]] = {}

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """So many bytes of a file are here, of so many in all, where the server tells them."""
        if total is None:
            return
        self.display = self.display or progress()
        whole = -(-total // _MEGABYTE)
        if name not in self.files:
            self.files[name] = self.display.task(f"{name}, MB", whole)
        # What has been begun is not yet here: only the last byte makes the last megabyte.
        self.files[name](whole if done >= total else done // _MEGABYTE)


@contextmanager
def downloading() -> Iterator[Downloads]:
    """A display of downloads that gives the terminal back at the end."""
    downloads = Downloads()
    try:
        yield downloads
    finally:
        if downloads.display is not None:
            downloads.display.close()


@overload
def load_data(source: str, layout: str | None = None) -> Dataset: ...


@overload
def load_data(source: str, layout: str | None = None, *, task: str | None) -> Dataset | Frame: ...


def load_data(source: str, layout: str | None = None, *, task: str | None = "captions") -> Dataset | Frame:
    """A data set by name or path for a task; None: what it is for is recognised.

    A layout is passed on only where one is given, for drawn data have none.
    """
    options: dict[str, Any] = {} if layout is None else {"layout": layout}
    with downloading() as told:
        return load(source, task=task, progress=told, **options)

"""`--restart`: what a run folder holds gives way to a new run, and comes back where that does not even begin.

A slip in a setting or in the data is often found only while the training is prepared.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["emptied"]

_LEARNED = ("history.csv", "model.json")  # what a run has after its first epoch, or when it is over


@contextmanager
def emptied(out: Path, restart: bool) -> Iterator[None]:
    """With `restart`, a run folder without its run, which is deleted when the new one has an epoch or is over.

    Where the new one ends with an error before, all is again as it was. A folder that holds no run is left alone.
    """
    if not restart or not (out / "system.json").exists():
        yield
        return
    aside = out / f".before-restart-{os.getpid()}"
    _move(out, aside)
    try:
        yield
    except BaseException:
        if not any((out / name).exists() for name in _LEARNED):
            for path in out.iterdir():
                if path != aside:
                    _delete(path)
            _move(aside, out)
        raise
    finally:
        shutil.rmtree(aside)


def _move(source: Path, target: Path) -> None:
    """All that lies in a folder, into another; they lie on the same disk."""
    there = [path for path in source.iterdir() if path != target]
    target.mkdir(exist_ok=True)
    for path in there:
        path.rename(target / path.name)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()

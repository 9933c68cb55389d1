"""Who wants to see how far a descent is: scikit-learn's `fit` has no argument for it.

`with watched(told): model.fit(X, y)` calls `told(done, total)` after every stretch of steps.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["tell", "watched"]

_WATCHER: ContextVar[Callable[[int, int], None] | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(told: Callable[[int, int], None]) -> Iterator[None]:
    """Within this, `told` hears of every descent of this thread: steps that are done, and all of them."""
    token = _WATCHER.set(told)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def tell(done: int, total: int) -> None:
    """So many steps are done, of so many."""
    watcher = _WATCHER.get()
    if watcher is not None:
        watcher(done, total)

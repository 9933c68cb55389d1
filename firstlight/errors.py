"""What firstlight raises when the input, and not the program, is at fault.

Every message says what was expected, what came, and what to do. The command line prints the message alone;
anything else that escapes is a bug and shows its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["FirstlightError", "nearest"]


class FirstlightError(ValueError):
    """Input that firstlight cannot use: what was expected, what came, what to do."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: ` Did you mean 'gru'?`, or nothing when no known name is close."""
    found = get_close_matches(word, list(known), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""

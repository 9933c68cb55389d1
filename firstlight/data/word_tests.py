"""Questions that vectors of words are judged by: pairs of words with a similarity, and analogies.

Lines that do not fit are errors that name file and line: a test with holes is another test.
"""

import csv
import os
from pathlib import Path
from typing import NamedTuple

from firstlight.errors import FirstlightError

__all__ = ["WordPair", "read_analogies", "read_similarities"]


class WordPair(NamedTuple):
    """Two words, and how similar people find them."""

    first: str
    second: str
    similarity: float


def read_similarities(path: str | os.PathLike[str]) -> list[WordPair]:
    """The pairs of a CSV, TSV or space-separated file: word, word, number; a heading and lines with # are left out.

    Raises:
        FirstlightError: a line is something else, or there is none.
    """
    text = _read(path)
    delimiter = "\t" if "\t" in text else ";" if ";" in text and "," not in text else "," if "," in text else " "
    found: list[WordPair] = []
    for line, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        try:
            found.append(WordPair(cells[0], cells[1], float(cells[2])))
        except (ValueError, IndexError):
            if not found and len(cells) > 2:
                continue  # the heading
            raise FirstlightError(
                f"{path}:{line}: expected word, word, similarity. Received {delimiter.join(row)!r}. Mend the line."
            ) from None
    if not found:
        raise FirstlightError(f"Expected pairs of words in {path}. Received none. Give lines of word, word, number.")
    return found


def read_analogies(path: str | os.PathLike[str]) -> dict[str, list[tuple[str, str, str, str]]]:
    """The questions of each section: four words a line, `: name` begins a section, as in Google's questions-words.txt.

    Raises:
        FirstlightError: a line is something else, or there is no question.
    """
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    section = "all"
    for line, text in enumerate(_read(path).splitlines(), 1):
        words = text.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            section = text.strip().lstrip(":").strip()
        elif len(words) == 4:
            found.setdefault(section, []).append((words[0], words[1], words[2], words[3]))
        else:
            raise FirstlightError(f"{path}:{line}: expected four words. Received {text!r}. Mend the line.")
    if not found:
        raise FirstlightError(f"Expected analogies in {path}. Received none. Give lines of four words.")
    return found


def _read(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FirstlightError(f"Expected a text file at {path}. Received: {error}.") from error

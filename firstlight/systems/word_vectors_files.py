"""Vectors of words as other programs write them: word2vec text and binary, and GloVe's text.

Text has a line a word, the word and its numbers with spaces between; word2vec begins with a line of two counts. A file
that ends in .gz is compressed.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.systems.system import write_safely

__all__ = ["FORMATS", "read_vectors", "write_vectors"]

FORMATS = ("word2vec", "word2vec-binary", "glove")
_TOGETHER = 2000  # lines whose numbers are read in one go
_HEAD = 1 << 16


def write_vectors(path: Path, words: Sequence[str], vectors: np.ndarray, form: str) -> None:
    """Write vectors (words, width) in one of `FORMATS`, whole or not at all.

    Raises:
        FirstlightError: the format is unknown, or a word holds a space, which these formats have no way to write.
    """
    if form not in FORMATS:
        raise FirstlightError(f"Expected a format: {', '.join(FORMATS)}. Received {form!r}.")
    spaced = next((word for word in words if not word or " " in word or "\n" in word), None)
    if spaced is not None:
        raise FirstlightError(f"Expected words without spaces. Received {spaced!r}. Leave it out to write {form}.")

    def write(temporary: Path) -> None:
        with temporary.open("wb") as raw, _compressed(raw, path, "wb") as file:
            if form != "glove":
                file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
            for word, vector in zip(words, np.asarray(vectors, np.float32), strict=True):
                if form == "word2vec-binary":
                    file.write(word.encode() + b" " + vector.astype("<f4").tobytes() + b"\n")
                else:
                    file.write(f"{word} {' '.join(map(_shortest, vector))}\n".encode())

    write_safely(path, write)


def read_vectors(path: Path) -> tuple[list[str], np.ndarray, str]:
    """The words, their vectors (words, width) float32, and which of `FORMATS` it was; a word given twice counts once.

    Raises:
        FirstlightError: the file is none of these, is cut off, or a line has a wrong count of numbers; says where.
    """
    try:
        with path.open("rb") as raw, _compressed(raw, path, "rb") as file:
            first = file.readline(_HEAD)
            header = _header(first)
            if header is None:
                return (*_distinct(*_read_text(path, _with(first, file), None)), "glove")
            second = file.readline(_HEAD)
            if not _looks_binary(second):
                return (*_distinct(*_read_text(path, _with(second, file), header)), "word2vec")
    except (OSError, EOFError, zlib.error) as error:
        raise FirstlightError(f"Expected a file of word vectors. Received {path}: {error}.") from error
    with path.open("rb") as raw, _compressed(raw, path, "rb") as file:
        file.readline()
        return (*_distinct(*_read_binary(path, file, *header)), "word2vec-binary")


def _compressed(raw: IO[bytes], path: Path, mode: str) -> Any:
    return gzip.open(raw, mode) if path.suffix.lower() == ".gz" else raw  # type: ignore[call-overload]


def _header(line: bytes) -> tuple[int, int] | None:
    parts = line.split()
    if len(parts) == 2 and parts[0].isdigit() and parts[1].isdigit():
        return int(parts[0]), int(parts[1])
    return None


def _with(first: bytes, file: Any) -> Iterator[bytes]:
    yield first
    yield from file


def _looks_binary(line: bytes) -> bool:
    """Whether what stands behind the first word cannot be numbers written as text."""
    return any(byte < 9 or 14 <= byte < 32 or byte >= 127 for byte in line.partition(b" ")[2][:64])


def _read_text(
    path: Path, lines: Iterator[bytes], header: tuple[int, int] | None
) -> tuple[list[str], list[np.ndarray]]:
    words: list[str] = []
    rows: list[np.ndarray] = []
    numbers: list[bytes] = []
    begin = 1 if header is None else 2
    width = None if header is None else header[1]
    line = begin - 1
    for line, text in enumerate(lines, begin):
        text = text.rstrip(b" \r\n")
        if not text:
            continue
        if width is None:
            width = len(text.split(b" ")) - 1
            if width < 1:
                raise FirstlightError(
                    f"{path}:{line}: expected a word and its numbers. Received {_told(text)}. Give a file of word "
                    f"vectors: {', '.join(FORMATS)}."
                )
        word, *found = text.rsplit(b" ", width)
        # GloVe has words with spaces in them; what ends in a number is rather a line with a number too many.
        if len(found) != width or (b" " in word and (header is not None or _is_number(word.rpartition(b" ")[2]))):
            raise _wrong(path, line, text, width)
        words.append(word.decode("utf-8", "replace"))  # some published files cut words in the middle of a letter
        numbers.append(b" ".join(found))
        if len(numbers) == _TOGETHER:
            rows.append(_numbers(path, line, numbers, width))
            numbers = []
    if numbers and width is not None:
        rows.append(_numbers(path, line, numbers, width))
    if not words:
        raise FirstlightError(f"Expected word vectors in {path}. Received an empty file. Give another file.")
    if header is not None and len(words) != header[0]:
        raise FirstlightError(
            f"{path}:{line}: expected {header[0]:,} words, as its first line says. Received {len(words):,}: the file "
            "is cut off, or its first line is wrong. Get it anew."
        )
    return words, rows


def _numbers(path: Path, last: int, texts: list[bytes], width: int) -> np.ndarray:
    """The numbers of some lines, (lines, width)."""
    try:
        values = np.array(b" ".join(texts).split(b" "), dtype=np.float32)
        return values.reshape(len(texts), width)
    except ValueError:
        for line, text in enumerate(texts, last - len(texts) + 1):
            try:
                if len(text.split()) == width and np.array(text.split(), np.float32).size == width:
                    continue
            except ValueError:
                pass
            raise _wrong(path, line, text, width) from None
        raise


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _wrong(path: Path, line: int, text: bytes, width: int) -> FirstlightError:
    return FirstlightError(
        f"{path}:{line}: expected a word and {width} numbers. Received {len(text.split()) - 1} behind "
        f"{_told(text)}. The file is cut off or damaged: get it anew, or mend the line."
    )


def _told(text: bytes) -> str:
    return repr(text[:40].decode("utf-8", "replace"))


def _read_binary(path: Path, file: Any, count: int, width: int) -> tuple[list[str], list[np.ndarray]]:
    words: list[str] = []
    vectors = np.empty((count, width), np.float32)
    size, held, at = 4 * width, b"", 0
    for number in range(count):
        while (end := held.find(b" ", at)) < 0 or len(held) < end + 1 + size:
            block = file.read(1 << 20)
            if not block or len(held) - at > _HEAD + size:
                raise FirstlightError(
                    f"Expected {count:,} words with {width} numbers each in {path}, as its first line says. Received "
                    f"{number:,}: the file is cut off, or no word2vec binary. Get it anew."
                )
            held, at = held[at:] + block, 0
        words.append(held[at:end].lstrip(b"\n").decode("utf-8", "replace"))
        vectors[number] = np.frombuffer(held, "<f4", width, end + 1)
        at = end + 1 + size
    return words, [vectors]


def _distinct(words: list[str], rows: list[np.ndarray]) -> tuple[list[str], np.ndarray]:
    vectors = np.concatenate(rows)
    if not np.isfinite(vectors).all():
        bad = words[int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])]
        raise FirstlightError(f"Expected finite numbers. Received others for the word {bad!r}. The file is damaged.")
    places = sorted({word: place for place, word in reversed(list(enumerate(words)))}.values())
    if len(places) == len(words):
        return words, vectors
    return [words[place] for place in places], vectors[places]


def _shortest(number: np.float32) -> str:
    """The shortest text that gives the same float32 again."""
    return str(number)

"""Running text as sentences of words, streamed from a file, a folder or an archive of them, however large.

A line is a sentence, or a paragraph; what counts as a word says `firstlight.text.tokenize`. Files may be compressed.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from firstlight.data.archives import is_archive, list_files
from firstlight.data.corpus_files import is_text, lines, size_of
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError
from firstlight.text import tokenize

__all__ = ["Corpus", "WordCounts", "load_corpus"]

Progress = Callable[[int], None]

_MOST_WORDS = 10_000_000  # different words held while counting: some gigabyte


@dataclass(frozen=True)
class WordCounts:
    """What a pass over a corpus found: how often each word occurs, how many words and sentences there are in all.

    `least` is 1, or more where rare words had to be forgotten on the way to bound the memory.
    """

    words: Counter[str]
    total: int
    sentences: int
    least: int = 1


@dataclass(frozen=True)
class Corpus:
    """Text files, read anew on each pass, so that memory does not grow with them.

    Args:
        source: what was asked for.
        files: paths, which may lead into archives.
        lower_case: whether words are lower-cased.
        encoding: of the files, a name that Python knows.
        problems: files that were passed over.
    """

    source: str
    files: list[str]
    lower_case: bool = True
    encoding: str = "utf-8"
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the file or folder."""
        return Path(self.source).name or self.source

    @property
    def size(self) -> int:
        """How many bytes a pass reads, as `progress` is told them."""
        return sum(map(size_of, self.files))

    def sentences(self, progress: Progress | None = None) -> Iterator[list[str]]:
        """The words of each line that has any; `progress` is told how many bytes of the files are read.

        Raises:
            FirstlightError: a file cannot be read, is cut off or has another encoding; names the place.
        """
        begun = 0
        for file in self.files:
            told = None if progress is None else _beginning_at(begun, progress)
            for line in lines(file, self.encoding, told):
                if words := tokenize(line, lower_case=self.lower_case):
                    yield words
            begun += size_of(file) if progress is not None else 0

    def count(self, progress: Progress | None = None) -> tuple["Corpus", WordCounts]:
        """Count the words; the corpus that comes back is without the files that cannot be read.

        Raises:
            FirstlightError: there is one file, and it cannot be read; or there is no word in any of them.
        """
        every, good, problems, begun = _Count(), [], list(self.problems), 0
        for file in self.files:
            here = _Count()
            told = None if progress is None else _beginning_at(begun, progress)
            begun += size_of(file)
            try:
                for words in replace(self, files=[file]).sentences(told):
                    here.add(words)
            except FirstlightError as error:
                if len(self.files) == 1:
                    raise
                problems.append(Problem("text", str(error), file))
                continue
            good.append(file)
            every.merge(here)
        if not every.words:
            told_first = f" The first problem: {problems[0].message}" if problems else ""
            raise FirstlightError(
                f"Expected text with words in {self.source}. Received {len(self.files)} file(s) without any."
                f"{told_first} Name a text file, or a folder of them."
            )
        counts = WordCounts(every.words, every.total, every.sentences, every.least)
        return replace(self, files=good, problems=problems), counts


class _Count:
    """A counter that forgets the rarest words when it holds too many, as word2vec's does."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.total, self.sentences, self.least = 0, 0, 1

    def add(self, words: list[str]) -> None:
        self.words.update(words)
        self.total += len(words)
        self.sentences += 1
        self._bound()

    def merge(self, other: "_Count") -> None:
        self.words.update(other.words)
        self.total += other.total
        self.sentences += other.sentences
        self.least = max(self.least, other.least)
        self._bound()

    def _bound(self) -> None:
        while len(self.words) > _MOST_WORDS:
            self.least += 1
            self.words = Counter({word: count for word, count in self.words.items() if count >= self.least})


def load_corpus(path: str | os.PathLike[str], *, lower_case: bool = True, encoding: str = "utf-8") -> Corpus:
    """A text file (also .gz, .bz2, .xz), a folder or a zip of them; in folders, files ending in .txt, .text or .md.

    Files inside a tar are read one at a time into memory, everything else is streamed.

    Raises:
        FirstlightError: there is no such path, or no text in the folder.
    """
    try:
        "".encode(encoding)
    except LookupError:
        raise FirstlightError(
            f"Expected the name of an encoding, such as utf-8 or latin-1. Received {encoding!r}."
        ) from None
    text = os.path.expanduser(os.fspath(path))
    if not os.path.isdir(text) and not is_archive(text):
        if not os.path.isfile(text) and ".zip/" not in text.lower() and ".tar" not in text.lower():
            raise FirstlightError(
                f"Expected a text file, or a folder or zip of them. Received {text!r}, which does not exist here. "
                "Check the path."
            )
        return Corpus(text, [text], lower_case, encoding)
    every = list_files(text)
    files = [file for file in every if is_text(file)]
    if not files:
        raise FirstlightError(
            f"Expected text files (.txt, .text, .md, also compressed) in {text}. Received {len(every)} file(s), none "
            "of them a text by its name. Name the file itself, or another folder."
        )
    return Corpus(text, files, lower_case, encoding)


def _beginning_at(begun: int, progress: Progress) -> Progress:
    return lambda read: progress(begun + read)

"""From text to a training: words counted, text numbered on disk, tables made; or taken up from a run folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from firstlight.data.corpus import Corpus, WordCounts, load_corpus
from firstlight.errors import FirstlightError
from firstlight.systems.word_vectors_folder import read_vocabulary, write_vocabulary
from firstlight.systems.word_vectors_settings import workers_of
from firstlight.systems.word_vectors_subwords import SubwordTable
from firstlight.systems.word_vectors_supply import Sampling, Supply, write_numbers
from firstlight.systems.word_vectors_tables import AdagradTable
from firstlight.systems.word_vectors_training import Tables, Training, first_vectors

if TYPE_CHECKING:
    from firstlight.systems.word_vectors import WordVectors

__all__ = ["Prepared", "prepare"]

_SHARED = 64  # of a chunk
_NUMBERS = "text.int32"
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Prepared:
    """What a training begins with: words by number, how often each occurs, facts of the text, and the training."""

    words: list[str]
    counts: list[int]
    text: dict[str, Any]
    training: Training


@contextmanager
def prepare(
    system: "WordVectors",
    train: Corpus | str | Path,
    training: dict[str, int],
    folder: Path | None,
    earlier: dict[str, Any],
    progress: Any,
) -> Iterator[Prepared]:
    """Everything that a training needs; without a run folder the numbered text lies in a temporary one.

    Raises:
        FirstlightError: there is no text, too few words, or the text is not the one that the run was begun with.
    """
    corpus = train if isinstance(train, Corpus) else load_corpus(train, encoding=system.encoding)
    corpus = replace(corpus, lower_case=system.lower_case)
    with TemporaryDirectory() as temporary:
        place = Path(temporary) if folder is None else folder / "checkpoints"
        words, counts, text = _vocabulary(system, corpus, place, earlier, progress)
        shared = min(_SHARED, max(system.negatives, len(words)))
        sampling = Sampling(system.window, system.subsampling, shared)
        supply = Supply(place / _NUMBERS, counts, sampling, training["seed"])
        tables = _tables(system, words, training["seed"])
        yield Prepared(
            words,
            counts,
            text,
            Training(
                tables,
                supply,
                system.settings,
                epochs=training["epochs"],
                workers=min(workers_of(system), supply.pieces),
                progress=progress,
                folder=None if folder is None else place,
            ),
        )


def _vocabulary(
    system: "WordVectors", corpus: Corpus, place: Path, earlier: dict[str, Any], progress: Any
) -> tuple[list[str], list[int], dict[str, Any]]:
    """Words, counts, and facts of the text; taken from the run folder where they stand there."""
    size, known = corpus.size, earlier.get("text")
    if known and (place / _NUMBERS).exists() and (place / "vocabulary.txt").exists():
        if known["bytes"] != size:
            raise FirstlightError(
                f"Expected the text that the run was begun with, {known['bytes']:,} bytes. Received {corpus.source} of "
                f"{size:,} bytes. Give the same text to resume, or --restart to begin anew."
            )
        return (*read_vocabulary(place / "vocabulary.txt"), known)
    megabytes = max(1, size // _MEGABYTE)
    corpus, found = corpus.count(_in_megabytes(progress.task("counting words, MB", megabytes), size))
    for problem in corpus.problems:
        progress.message(f"passed over: {problem.message}")
    words, counts = _frequent(found, system.minimum_count)
    numbers = {word: number for number, word in enumerate(words)}
    told = _in_megabytes(progress.task("numbering words, MB", megabytes), size)
    write_numbers(place / _NUMBERS, corpus, numbers, told)
    write_vocabulary(place / "vocabulary.txt", words, counts)
    learned, share = sum(counts), sum(counts) / found.total
    progress.message(
        f"{found.total:,} words in {found.sentences:,} lines; {len(words):,} different ones occur "
        f"{max(system.minimum_count, found.least)} times or more and make up {share:.1%} of the text"
    )
    text = {
        "bytes": size,
        "files": len(corpus.files),
        "lines": found.sentences,
        "words": found.total,
        "words_learned_from": learned,
        "vocabulary": len(words),
    }
    return words, counts, text


def _in_megabytes(done: Any, size: int) -> Any:
    """A display that counts megabytes; the last one is done with the last byte."""
    whole = max(1, size // _MEGABYTE)
    return lambda read: done(whole if read >= size else min(read // _MEGABYTE, whole - 1))


def _frequent(found: WordCounts, minimum_count: int) -> tuple[list[str], list[int]]:
    """The words that are frequent enough, the most frequent first, ties in alphabetical order."""
    kept = [word for word, count in found.words.items() if count >= minimum_count]
    kept.sort(key=lambda word: (-found.words[word], word))
    if len(kept) < 2:
        raise FirstlightError(
            f"Expected two words or more that occur at least {minimum_count} times. Received {found.total:,} words, "
            f"{len(found.words):,} different ones, {len(kept)} of them so frequent. Give more text or a smaller "
            "minimum_count."
        )
    return kept, [found.words[word] for word in kept]


def _tables(system: "WordVectors", words: list[str], seed: int) -> Tables:
    rows = len(words) + (system.buckets if system.subwords else 0)
    inputs = first_vectors(rows, system.dimensions, seed)
    outputs = AdagradTable(_zeros(len(words), system.dimensions))
    if not system.subwords:
        return Tables(inputs, outputs)
    lengths = (system.shortest, system.longest)
    return Tables(inputs, outputs, SubwordTable(words, lengths, system.buckets, inputs))


def _zeros(rows: int, width: int) -> Any:
    import numpy as np

    return np.zeros((rows, width), np.float32)

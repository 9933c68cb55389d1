"""What word vectors write into their run folder beside `system.json`: words, vectors, a network, a card."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.systems.system import write_safely, write_text_safely

if TYPE_CHECKING:
    import keras

    from firstlight.systems.word_vectors import WordVectors

__all__ = ["network_of", "read", "read_vocabulary", "write", "write_vocabulary"]


def write(system: "WordVectors", folder: Path) -> None:
    """Each file is written whole or not at all."""
    write_vocabulary(folder / "vocabulary.txt", system.words, system.counts)
    _write_array(folder / "vectors.npy", system.vectors)
    if system.gram_vectors is not None:
        _write_array(folder / "subwords.npy", system.gram_vectors)
    write_safely(folder / "network.keras", network_of(system.vectors).save)
    card = _card(system)
    write_text_safely(folder / "README.md", card)


def read(system: "WordVectors", folder: Path) -> tuple[list[str], list[int], np.ndarray, np.ndarray | None]:
    """Words, their counts, their vectors, and with subwords the vectors of the buckets.

    Raises:
        FirstlightError: the training has not ended, or a file is not what `write` writes.
    """
    if not (folder / "vectors.npy").is_file():
        raise FirstlightError(
            f"Expected a finished training in {folder}. Received one without vectors.npy. "
            "Run the training command again; it goes on where it was stopped."
        )
    words, counts = read_vocabulary(folder / "vocabulary.txt")
    vectors = _read_array(folder / "vectors.npy")
    if len(words) != len(vectors):
        raise FirstlightError(
            f"Expected a vector for each of the {len(words):,} words in {folder}. Received {len(vectors):,}. "
            "Train again with --restart."
        )
    return words, counts, vectors, _read_array(folder / "subwords.npy") if system.subwords else None


def write_vocabulary(path: Path, words: Sequence[str], counts: Sequence[int]) -> None:
    """A text file: a word, a tab and its count on each line; the line's number, from 0, is the word's."""
    text = "".join(f"{word}\t{count}\n" for word, count in zip(words, counts, strict=True))
    write_safely(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"))


def read_vocabulary(path: Path) -> tuple[list[str], list[int]]:
    """What `write_vocabulary` wrote."""
    words, counts = [], []
    # Lines end at a line feed alone: a word may hold one of Unicode's rarer separators.
    for number, line in enumerate(path.read_bytes().decode("utf-8").removesuffix("\n").split("\n"), 1):
        word, tab, count = line.partition("\t")
        if not tab or not count.isdecimal():
            raise FirstlightError(f"{path}:{number}: expected a word, a tab and its count. Received {line!r}.")
        words.append(word)
        counts.append(int(count))
    return words, counts


def network_of(vectors: np.ndarray) -> "keras.Model":
    """A Keras network with these vectors: word numbers (batch, time) -> vectors (batch, time, dimensions)."""
    import keras

    numbers = keras.Input((None,), dtype="int32", name="words")
    layer = keras.layers.Embedding(*vectors.shape, name="vectors")
    network = keras.Model(numbers, layer(numbers), name="word_vectors")
    layer.set_weights([vectors])
    return network


def _write_array(path: Path, values: np.ndarray) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, values, allow_pickle=False)

    write_safely(path, save)


def _read_array(path: Path) -> np.ndarray:
    try:
        found: np.ndarray = np.load(path, allow_pickle=False)
        return found
    except (OSError, ValueError, EOFError) as error:
        raise FirstlightError(f"Expected vectors in {path}. Received: {error}. Train again with --restart.") from error


def _card(system: "WordVectors") -> str:
    """A short model card: what it is, what it learned from, how to use it, and what not to expect."""
    description: dict[str, Any] = system.description
    source = (description.get("data") or {}).get("source", "not recorded")
    text, training = description.get("text"), description.get("training")
    learned = (
        f"Learned by firstlight {description['versions']['firstlight']} on {description['date'][:10]} from {source} "
        f"({text['words']:,} words, {training['epochs']} passes, seed {training['seed']})."
        if text and training
        else f"Read by firstlight {description['versions']['firstlight']} from {source}."
    )
    lines = [
        "# Word vectors",
        "",
        f"{len(system.words):,} words, {system.vectors.shape[1]} numbers each. {learned}",
        "",
        f"{system!r}",
        "",
        "Use: `firstlight words similar THIS_FOLDER word`. `vocabulary.txt` has the words and how often each occurs, "
        "`vectors.npy` and the Embedding in `network.keras` their vectors, in the same order. Measured quality: "
        "`metrics.json`.",
        "",
        "Words are near that are used alike, which antonyms are too. What the text believes of people and things is in "
        "the vectors as well, and a word that is rare in the text has a poor one.",
    ]
    return "\n".join(lines) + "\n"

"""Word vectors: a place in space for each word, learned from running text alone, so that related words are near.

Skip-gram or continuous bag of words with negative sampling, in NumPy; words made of their letters as an option. Keras
is loaded only to write `network.keras`.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from firstlight.data.corpus import Corpus
from firstlight.errors import FirstlightError
from firstlight.systems.system import History, Silent, System
from firstlight.systems.word_vectors_asking import Asking

__all__ = ["WordVectors"]


class WordVectors(Asking, System):
    """A vector for each word, learned from running text: words of like use are near each other.

    Args:
        dimensions: numbers in a vector.
        window: words on each side that belong together with a word, at most; how many is drawn for each word.
        negatives: how much words drawn by chance weigh, as so many of each pair.
        minimum_count: words that are rarer are left out.
        model: skipgram tells the words around a word, cbow a word from those around it.
        subsampling: share of the text above which a word is passed over now and then; 0 for never.
        subwords: make words of their letters too, so that unknown words have vectors.
        shortest: letters of the shortest n-gram of subwords, marks of begin and end included.
        longest: letters of the longest one.
        buckets: vectors that the n-grams share.
        learning_rate: of the rows of the tables; Adagrad divides it by what each has seen.
        lower_case: lower-case all words.
        encoding: of the text files.
        workers: threads; by default one a core. With 1, the same seed gives the same bits.
    """

    task: ClassVar[str] = "text"
    later_stages: ClassVar = {"epochs": ()}

    def __init__(
        self,
        dimensions: int = 100,
        *,
        window: int = 5,
        negatives: int = 5,
        minimum_count: int = 5,
        model: Literal["skipgram", "cbow"] = "skipgram",
        subsampling: float = 1e-3,
        subwords: bool = False,
        shortest: int = 3,
        longest: int = 6,
        buckets: int = 100_000,
        learning_rate: float = 0.3,
        lower_case: bool = True,
        encoding: str = "utf-8",
        workers: int | None = None,
    ):
        self.dimensions = dimensions
        self.window = window
        self.negatives = negatives
        self.minimum_count = minimum_count
        self.model = model
        self.subsampling = subsampling
        self.subwords = subwords
        self.shortest = shortest
        self.longest = longest
        self.buckets = buckets
        self.learning_rate = learning_rate
        self.lower_case = lower_case
        self.encoding = encoding
        self.workers = workers

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Corpus | str | Path,
        *,
        validation_data: Any = None,
        epochs: int = 5,
        seed: int = 0,
        folder: str | Path | None = None,
        data: dict[str, Any] | None = None,
        progress: Any = None,
    ) -> History:
        """Learn from running text, which is read in a stream.

        Args:
            train: a text file (also compressed), a folder or zip of them, or what `firstlight.data.load_corpus` gives.
            validation_data: not used; there is nothing to hold out.
            epochs: passes over the text.
            seed: of everything that is drawn; with one worker, the same seed gives the same bits.
            folder: run folder. What it holds of an earlier call is taken up where it ended.
            data: what `system.json` shall say of the data.
            progress: is told what happens, see `firstlight.cli.progress`.

        Raises:
            FirstlightError: there is no text, no word that is frequent enough, a setting is not one of those that
                exist, or `folder` holds a run of other settings.
        """
        from firstlight.systems.word_vectors_preparation import prepare
        from firstlight.systems.word_vectors_settings import check_settings

        began = time.perf_counter()
        check_settings(self, epochs, seed)
        training = {"epochs": epochs, "seed": seed}
        folder = None if folder is None else Path(folder)
        earlier = self.begun_in(folder, {**training, **(data or {})}) if folder else {}
        with prepare(self, train, training, folder, earlier, progress or Silent()) as prepared:
            self.words, self.counts = prepared.words, prepared.counts
            self.description = self.describe(training=training, data=data, text=prepared.text)
            if folder is not None:
                self._write_description(folder)
            history = prepared.training.run()
            self._set_vectors(prepared.training.tables)
        seconds = round(earlier.get("seconds", 0) + time.perf_counter() - began, 1)
        self.description |= {"epochs_done": len(history.rows), "seconds": seconds}
        if folder is not None:
            history.save(folder / "history.csv")
            self.save(folder)
        return history

    @property
    def vocabulary(self) -> list[str]:
        """The words, the most frequent first; word `i` has the vector `vectors[i]`."""
        self._require_fitted()
        return list(self.words)

    def evaluate(self, *, similarity: str | Path | None = None, analogies: str | Path | None = None) -> dict[str, Any]:
        """How well the vectors agree with people: pairs of words by similarity, and analogies.

        Args:
            similarity: a CSV or TSV file of word, word, number, such as WordSim-353.
            analogies: a file in the form of Google's questions-words.txt.

        Returns:
            `similarity` with `spearman`, its `interval`, `pairs`, `covered`; `analogies` with `accuracy`, `questions`,
            `covered` and `sections`.
        """
        from firstlight.systems.word_vectors_judging import evaluate

        self._require_fitted()
        return evaluate(self, similarity, analogies)

    def self_checks(self) -> list[dict[str, Any]]:
        """Checks against silent failure, see `firstlight.systems.word_vectors_checks`."""
        from firstlight.systems.word_vectors_checks import self_checks

        self._require_fitted()
        return self_checks(self)

    def require_width(self, width: int) -> None:
        """Refuse vectors that are of another width than a layer that shall begin with them."""
        if self.vectors.shape[1] != width:
            raise FirstlightError(
                f"Expected word vectors of {width} numbers. Received {self.vectors.shape[1]}. Train vectors with "
                f"--dimensions {width}, or make the layer as wide as the vectors."
            )

    # -- files ---------------------------------------------------------------------------------------------------

    @classmethod
    def read(cls, path: str | Path, *, lower_case: bool = False) -> Self:
        """Vectors from a file: word2vec text or binary, or GloVe, which is recognised; also compressed by gzip.

        Args:
            path: the file.
            lower_case: look up words that are unknown as they stand in lower case too.

        Raises:
            FirstlightError: the file is none of these, is cut off or damaged; says where.
        """
        from firstlight.systems.word_vectors_files import read_vectors

        words, vectors, form = read_vectors(Path(path))
        return cls.of(words, vectors, lower_case=lower_case, data={"source": str(path), "format": form})

    @classmethod
    def of(
        cls, words: Sequence[str], vectors: Any, *, lower_case: bool = False, data: dict[str, Any] | None = None
    ) -> Self:
        """Vectors (words, dimensions) from elsewhere, such as another library's, to be asked, judged and written.

        Raises:
            FirstlightError: there is not one vector for each word, or a word comes twice.
        """
        table = np.array(vectors, np.float32)
        if table.ndim != 2 or len(table) != len(words) or len(set(words)) != len(words) or not len(words):
            raise FirstlightError(
                f"Expected different words and a vector for each, (words, dimensions). Received {len(words)} words, "
                f"{len(set(words))} different, and an array of shape {table.shape}."
            )
        found = cls(int(table.shape[1]), lower_case=lower_case)
        found.words, found.vectors, found.counts = list(words), table, [0] * len(words)
        found.description = found.describe(training=None, data=data, text=None)
        return found

    def write(self, path: str | Path, format: str = "word2vec") -> None:
        """Write the vectors for other programs: "word2vec" (text), "word2vec-binary" or "glove"."""
        from firstlight.systems.word_vectors_files import write_vectors

        self._require_fitted()
        write_vectors(Path(path), self.words, self.vectors, format)

    def knows(self, word: str) -> bool:
        """Whether `transform` has a vector for a word: a known one, or with subwords any that has a letter."""
        return word in self or (self.gram_vectors is not None and bool(word))

    # -- parts ---------------------------------------------------------------------------------------------------

    def _vector(self, word: str) -> np.ndarray:
        """The vector of a word; with subwords an unknown word has that of its letters."""
        self._require_fitted()
        if self.gram_vectors is None or self._place(word) is not None:
            return super()._vector(word)
        from firstlight.systems.word_vectors_subwords import compose

        text = word.lower() if self.lower_case else word
        return compose(text, (self.shortest, self.longest), self.gram_vectors)

    def _set_vectors(self, tables: Any) -> None:
        self._places = self._directions = None
        self.vectors = tables.word_vectors()
        self.gram_vectors = tables.inputs.values[len(self.words) :] if self.subwords else None

    def _save_parts(self, folder: Path) -> None:
        from firstlight.systems.word_vectors_folder import write

        write(self, folder)

    def _load_parts(self, folder: Path) -> None:
        from firstlight.systems.word_vectors_folder import read

        self.words, self.counts, self.vectors, self.gram_vectors = read(self, folder)

    gram_vectors: np.ndarray | None = None
    counts: list[int]

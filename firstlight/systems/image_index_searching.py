"""Searching an image index: by an image, by several, by words of captions, and for images that are nearly the same.

An image that is in the index needs no encoder, so it is found without loading a network.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.data.archives import exists
from firstlight.data.images import ImageError
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_duplicates import Duplicates, near_duplicates
from firstlight.systems.image_index_exact import normalised
from firstlight.systems.image_index_records import ARRAY, Match, Store
from firstlight.systems.image_index_sources import glance, whole_path
from firstlight.systems.image_index_updating import encoded
from firstlight.systems.image_index_vision import Vision
from firstlight.systems.image_index_words import WordIndex
from firstlight.systems.system import Silent

__all__ = ["Image", "Searching"]

Image = str | Path | np.ndarray


class Searching:
    """What an `ImageIndex` finds with; it is mixed into it."""

    store: Store
    vision: Vision
    distance: str
    _words: WordIndex | None

    # -- searching -----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.store)

    def search(self, images: Image | Sequence[Image], count: int = 9) -> list[Match]:
        """The images nearest to one (a path, an array, or the name of an indexed one), or to the mean of several.

        An image that is in the index finds itself first. Ties come in the order in which images were indexed.

        Raises:
            ImageError: an image cannot be read and is not in the index.
        """
        several = [images] if isinstance(images, str | Path | np.ndarray) else list(images)
        if not several:
            raise FirstlightError("Expected an image to search by, or several. Received none.")
        vectors = self.vectors(several)
        if len(several) > 1:
            vectors = vectors.mean(axis=0, keepdims=True)
            vectors = normalised(vectors) if self.distance == "cosine" else vectors
        return self.search_vectors(vectors, count)[0]

    def search_vectors(self, vectors: np.ndarray, count: int = 9) -> list[list[Match]]:
        """The images nearest to each of some vectors (n, d), as `vectors` gives them."""
        self._require_fitted()
        vectors = np.ascontiguousarray(vectors, np.float32)
        if count < 1:
            raise FirstlightError(f"Expected a count of 1 or more. Received {count}.")
        if vectors.ndim != 2 or (self.store.columns and vectors.shape[1] != self.store.columns):
            raise FirstlightError(
                f"Expected vectors (n, {self.store.columns}), as the index has them. Received {vectors.shape}."
            )
        found = self.store.search(vectors, count) if len(self.store) else [[] for _ in vectors]
        return [[Match(each.entry.name, each.distance, rank) for rank, each in enumerate(some, 1)] for some in found]

    def search_words(self, words: str, count: int = 9) -> list[Match]:
        """The images whose captions fit some words best, by BM25; see `image_index_words` for the distance.

        Raises:
            FirstlightError: no image has captions, or no caption has any of the words.
        """
        self._require_fitted()
        if self._words is None:
            self._words = WordIndex((name, entry.captions) for name, entry in self.store.known().items())
        found = self._words.search(words, count)
        return [Match(name, distance, rank) for rank, (name, distance) in enumerate(found, 1)]

    def near_duplicates(self, threshold: float = 0.1) -> list[Duplicates]:
        """Groups of images nearer to each other than a threshold; large groups first.

        What is near depends on the encoder and the distance; 0.1 suits mobilenet_v2 and the cosine.
        """
        self._require_fitted()
        return near_duplicates(self.store, threshold, self.distance)

    def vectors(self, images: Sequence[Image]) -> np.ndarray:
        """The vectors of images, (images, d) float32, from the index where it has them as they are.

        Raises:
            ImageError: an image cannot be read and is not in the index.
        """
        self._require_fitted()
        names = [self._name_of(image) if self.knows(image) else None for image in images]
        missing = [place for place, name in enumerate(names) if name is None]
        found: dict[int, np.ndarray] = {}
        for place, vector in encoded([images[place] for place in missing], self.vision.encoding()) if missing else ():
            if isinstance(vector, ImageError):
                raise vector
            found[missing[place]] = vector
        for place, name in enumerate(names):
            if name is not None:
                found[place] = self.store.vectors_of([name])[0]
        return np.stack([found[place] for place in range(len(images))])

    def knows(self, image: Image) -> bool:
        """Whether an image is in the index as it is, so that it needs no encoder; a deleted one is known, too."""
        self._require_fitted()
        name = self._name_of(image)
        entry = None if name is None else self.store.find(name)
        if entry is None:
            return False
        return entry.size == ARRAY or not exists(entry.name) or glance(entry.name) == (entry.size, entry.changed)

    def evaluate(self, split: Split, *, progress: Any = None) -> dict[str, Any]:
        """Search by each image of a split with labels; what has the same label is right.

        Returns:
            `mean_average_precision`, `precision@k`, `recall@k` (the share of all right images among the first k),
            `intervals` (95 %, by bootstrap over the queries), `queries`, `images`, and `passed_over`.
        """
        from firstlight.systems.image_index_judging import evaluate

        self._require_fitted()
        return evaluate(self, split, progress or Silent())

    def _name_of(self, image: Image) -> str | None:
        """The name under which the index has an image, if it has."""
        if isinstance(image, np.ndarray):
            return None
        names = (os.fspath(image), whole_path(image))
        return next((name for name in names if self.store.find(name) is not None), None)

    def _require_fitted(self) -> None:
        super()._require_fitted()  # type: ignore[misc]  # of System

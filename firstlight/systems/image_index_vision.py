"""From pictures to the vectors of an index: its encoder, whitening by choice, and unit length for the cosine.

The encoder is opened when the first picture must be encoded, and compared with the one that the index was built with.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.data.images import ImageError, read
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_encoders import Encoder, read_encoder
from firstlight.systems.image_index_exact import normalised
from firstlight.systems.image_index_sources import Item
from firstlight.systems.image_index_updating import Encoding, encoded
from firstlight.systems.image_index_whitening import Whitening
from firstlight.systems.pictures import spread

__all__ = ["Vision"]

_WHITENED_BY = 4096  # images at most from which whitening is learned
_WHITENING = "whitening.npz"
_SAME = 0.02  # of the length: how far an encoder may be from itself on another machine


class Vision:
    """What an index sees with.

    Args:
        folder: of the index, which holds the encoder and the whitening.
        distance: cosine or euclidean.
        encoder: where it is at hand; otherwise it is read from the folder.
        about: what `system.json` says of the encoder; by default what this one is.

    Raises:
        FirstlightError: the encoder is another one than `about` says.
    """

    def __init__(
        self, folder: Path, distance: str, encoder: Encoder | None = None, about: dict[str, Any] | None = None
    ):
        self.folder, self.distance, self._encoder = folder, distance, encoder
        self.about = _describe(encoder) if about is None and encoder is not None else about or {}
        if about is not None and encoder is not None:
            self._check(encoder)
        path = folder / _WHITENING
        self.whitening = Whitening.read(path) if path.is_file() else None
        self._remembered: dict[bytes, np.ndarray] = {}

    @property
    def encoder(self) -> Encoder:
        """The encoder, opened."""
        if self._encoder is None:
            encoder = read_encoder(self.folder, self.about)
            self._check(encoder)
            self._encoder = encoder
        return self._encoder

    def encoding(self) -> Encoding:
        """How pictures become vectors of the index; the encoder is opened at the first of them."""
        size = self.about["size"]
        return Encoding(None if size is None else (size[0], size[1]), self.encode)

    def encode(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Pictures of the encoder's size to vectors as they are stored, (pictures, d) float32."""
        known = [self._remembered.get(_digest(picture)) for picture in pictures] if self._remembered else [None]
        missing = any(vector is None for vector in known)
        vectors = self._raw(pictures) if missing else np.stack([vector for vector in known if vector is not None])
        if self.whitening is not None:
            vectors = self.whitening(vectors)
            vectors = normalised(vectors) if self.distance == "cosine" else vectors
        return np.ascontiguousarray(vectors, np.float32)

    def learn_whitening(self, items: Sequence[Item], columns: int, by_labels: bool, progress: Any) -> None:
        """Learn it from some of the images, and remember their vectors, so that these need no second look."""
        items = [item for item in items if item.label is not None] if by_labels else items
        if by_labels and len({item.label for item in items}) < 2:
            raise FirstlightError(
                "Expected images of two classes or more for whitening by labels. Received fewer. Index a data set with "
                "labels, or whiten by images."
            )
        items = spread(items, _WHITENED_BY)
        some = [item.image for item in items]
        done = progress.task("learning to whiten", len(some))
        found, labels = [], []
        for place, vector in encoded(some, Encoding(self.encoder.size, self._raw_and_remember)):
            if not isinstance(vector, ImageError):
                found.append(vector)
                labels.append(str(items[place].label))
            done(place + 1)
        if not found:
            read(some[0])  # says why
        self.whitening = Whitening.fit(np.stack(found), columns, labels if by_labels else None)
        self.whitening.save(self.folder / _WHITENING)

    def forget(self) -> None:
        """Let go of the vectors that were remembered."""
        self._remembered = {}

    def save(self, folder: Path) -> None:
        """Write encoder and whitening into a folder; a function cannot be written."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.about["kind"] != "function":
            self.encoder.save(folder)
        if self.whitening is not None:
            self.whitening.save(folder / _WHITENING)

    def _raw(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        vectors = self.encoder(pictures)
        expected = self.about["columns"]
        if vectors.shape[1] != expected or not np.isfinite(vectors).all():
            raise FirstlightError(
                f"Expected finite vectors of {expected} numbers from the encoder. Received shape {vectors.shape}"
                f"{'' if np.isfinite(vectors).all() else ', some of them infinite or not numbers'}."
            )
        return normalised(vectors) if self.distance == "cosine" else vectors

    def _raw_and_remember(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        vectors = self._raw(pictures)
        self._remembered |= {_digest(picture): vector for picture, vector in zip(pictures, vectors, strict=True)}
        return vectors

    def _check(self, encoder: Encoder) -> None:
        """Whether an encoder is that of the index, by a picture that is always the same."""
        vector, known = _probe(encoder), np.array(self.about["probe"])
        apart = np.linalg.norm(_sample(vector) - known) if len(vector) == self.about["columns"] else np.inf
        if apart > _SAME * np.linalg.norm(known):
            raise FirstlightError(
                f"Expected the encoder that the index was built with, {self.about['name']} with vectors of "
                f"{self.about['columns']} numbers. Received another one, {encoder.description['name']} with "
                f"{len(vector)}. Build another index for it."
            )


def _describe(encoder: Encoder) -> dict[str, Any]:
    """What `system.json` says of an encoder: what it is, and what it makes of a picture that is always the same."""
    known = _probe(encoder)
    size = None if encoder.size is None else list(encoder.size)
    return {**encoder.description, "size": size, "columns": len(known), "probe": _sample(known).tolist()}


def _probe(encoder: Encoder) -> np.ndarray:
    """The vector of a picture that is always the same."""
    rows, columns = np.mgrid[0:64, 0:64]
    picture = np.stack([4 * rows, 4 * columns, 128 + 127 * np.sin(rows * columns / 200)], axis=-1).astype(np.uint8)
    picture = read(picture, encoder.size)
    vector: np.ndarray = np.asarray(encoder([picture]), np.float64)[0]
    return vector


def _sample(vector: np.ndarray) -> np.ndarray:
    """Some numbers of a vector, by which it is known again."""
    return vector[:: max(1, len(vector) // 64)][:64]


def _digest(picture: np.ndarray) -> bytes:
    return hashlib.sha256(picture.tobytes()).digest()

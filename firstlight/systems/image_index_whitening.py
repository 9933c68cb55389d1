"""Whitening: vectors with their mean taken off, turned to their principal axes, and every axis of the same spread.

By labels, it is the spread within a class that becomes the same, so that what tells classes apart counts most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.systems.system import write_safely

__all__ = ["Whitening"]

_RIDGE = 1e-3  # share of the largest variance that is added to each, so that noise is not blown up
_RIDGE_WITHIN = 1e-2  # the same within classes, of which there are fewer examples


@dataclass(frozen=True, eq=False)
class Whitening:
    """`mean` (d,) is taken off, then `axes` (d, columns) is multiplied.

    Source: Jégou and Chum, "Negative evidences and co-occurrences in image retrieval: the benefit of PCA and
    whitening", 2012, section 3; with labels, Fisher, "The use of multiple measurements in taxonomic problems", 1936.
    """

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray, columns: int, labels: Sequence[str] | None = None) -> "Whitening":
        """Learned from vectors (n, d); `columns` axes of the largest variance are kept.

        With the label of each vector, it is the scatter within the classes that is made the same in every direction,
        and the axes are those of the largest variance after that: there the classes lie apart.

        Raises:
            FirstlightError: there are fewer axes than asked for.
        """
        most = min(len(vectors) - 1, vectors.shape[1])
        if not 1 <= columns <= most:
            raise FirstlightError(
                f"Expected whiten from 1 to {max(most, 0)}, the axes that {len(vectors)} vectors of "
                f"{vectors.shape[1]} numbers have. Received {columns}."
            )
        mean = vectors.mean(axis=0, dtype=np.float64)
        centred = vectors - mean
        if labels is None:
            return cls(mean.astype(np.float32), _scaled(*_axes(centred, columns), _RIDGE))
        within = _scaled(*_axes(centred - _means_of_classes(centred, labels), vectors.shape[1]), _RIDGE_WITHIN)
        return cls(mean.astype(np.float32), within @ _axes(centred @ within, columns)[1].astype(np.float32))

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (n, d), whitened: (n, columns)."""
        whitened: np.ndarray = (vectors - self.mean) @ self.axes
        return whitened

    def save(self, path: Path) -> None:
        """Write an .npz file."""

        def write(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.savez(file, mean=self.mean, axes=self.axes)

        write_safely(path, write)

    @classmethod
    def read(cls, path: Path) -> "Whitening":
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(file["mean"], file["axes"])


def _axes(centred: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest variances (columns,) and their axes (d, columns)."""
    variances, axes = np.linalg.eigh(centred.T @ centred / max(1, len(centred) - 1))
    return np.maximum(variances[::-1][:columns], 0), axes[:, ::-1][:, :columns]


def _scaled(variances: np.ndarray, axes: np.ndarray, ridge: float) -> np.ndarray:
    """Axes along which the variance becomes 1, or less where there is hardly any."""
    spread = np.sqrt(variances + ridge * variances[0])
    return (axes / np.where(spread > 0, spread, 1)).astype(np.float32)


def _means_of_classes(vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """For each vector the mean of those with its label."""
    names, places = np.unique(np.asarray(labels), return_inverse=True)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, places, vectors)
    return np.asarray((sums / np.bincount(places)[:, None])[places])

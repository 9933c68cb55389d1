"""Data sets of labelled images that need more than a layout: the names of their classes, or no download at all.

Numbers as labels become the names that their authors give; names that are there already stay.
"""

import os

import numpy as np

from firstlight.data.labels import load_labels
from firstlight.data.splits import stratified
from firstlight.data.table import Dataset, Split

__all__ = ["load_cifar10", "load_digits", "load_fashion_mnist"]

_FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SHARE, _SEED = 0.2, 0  # of the test part of digits; they must never change


def load_fashion_mnist(path: str | os.PathLike[str], layout: str | None = None) -> Dataset:
    """Fashion-MNIST from its files or from a copy in any layout of labels; 0 is `T-shirt/top`, 9 is `Ankle boot`."""
    return _named(load_labels(path, layout), _FASHION)


def load_cifar10(path: str | os.PathLike[str], layout: str | None = None) -> Dataset:
    """CIFAR-10 from its files or from a copy in any layout of labels; 0 is `airplane`, 9 is `truck`."""
    return _named(load_labels(path, layout), _CIFAR10)


def load_digits() -> Dataset:
    """The 1,797 digits that scikit-learn carries, as uint8 images of (8, 8); a fifth of every class is the test part.

    scikit-learn counts ink from 0 to 16; here it is 0 to 255.
    """
    from sklearn import datasets

    bunch = datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    labels = [str(label) for label in bunch.target.tolist()]
    kept, held = stratified(labels, _SHARE, _SEED)
    splits = {
        name: Split(
            name,
            {
                "names": [f"digit-{row:04d}" for row in rows],
                "images": [images[row] for row in rows],
                "labels": [labels[row] for row in rows],
            },
        )
        for name, rows in (("train", kept), ("test", held))
    }
    return Dataset("digits", splits, source="scikit-learn")


def _named(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """The data set with names for numbers, where all its labels are numbers of classes."""
    numbers = {str(number): name for number, name in enumerate(names)}
    if not set(dataset.classes) <= set(numbers):
        return dataset
    splits = {
        name: Split(name, {**split.columns, "labels": [numbers[label] for label in split.labels]})
        for name, split in dataset.splits.items()
    }
    return Dataset(dataset.name, splits, dataset.layout, dataset.source, dataset.problems)

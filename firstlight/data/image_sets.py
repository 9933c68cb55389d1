"""Images from whatever folder, archive or file people have, for systems that learn without labels.

What has labels keeps them, with the splits that the data name. Everything else is a list of images. No image file is
opened here.
"""

import os
from collections import Counter
from typing import Any

from firstlight.data.contents import Contents, LabelledImage, open_contents
from firstlight.data.image_sets_layouts import LAYOUTS
from firstlight.data.labels import image_names
from firstlight.data.layouts import recognise
from firstlight.data.splits import stratified_by_hash
from firstlight.data.table import Dataset, Split
from firstlight.errors import FirstlightError

__all__ = ["load_images", "only_images"]

_ORDER = ("train", "validation", "test")


def load_images(path: str | os.PathLike[str], layout: str | None = None) -> Dataset:
    """The images in a folder, a zip or tar, a list of names or a file of NumPy, with labels where they have any.

    Each split has `names` (unique), `images` (paths, also through archives, or uint8 arrays of (height, width) or
    (height, width, 3)) and, where every image has a label and classes have two images and more, `labels`. Splits that
    the data name are kept if one is train. Else a hash of the names makes train, validation and test in 80, 10, 10 of
    a hundred, class by class where there are classes. What is passed over stands in `problems`.

    Raises FirstlightError where there is no image.
    """
    contents = open_contents(path)
    chosen, files = recognise(contents, LAYOUTS, layout, "names or labels, or images alone,")
    images = list(chosen.read(contents, files))
    if not images:
        first = f" First: {contents.problems[0]}." if contents.problems else ""
        raise FirstlightError(
            f"Expected images in {contents.source}. Received none that can be used.{first} "
            "Give a folder, a zip or an .npz with images."
        )
    images = _with_names(contents, images)
    labelled = _are_classes([image.label for image in images])
    images = _in_splits(contents, images, labelled)
    return Dataset(contents.name, _tabulate(images, labelled), chosen.name, contents.source, contents.problems)


def only_images(dataset: Dataset) -> Dataset:
    """A data set of captions or labels as images alone: names, images, and labels where it has them."""
    kept = ("names", "images", "labels")
    splits = {
        name: Split(name, {column: split.columns[column] for column in kept if column in split.columns})
        for name, split in dataset.splits.items()
    }
    return Dataset(dataset.name, splits, dataset.layout, dataset.source, dataset.problems)


def _with_names(contents: Contents, images: list[LabelledImage]) -> list[LabelledImage]:
    """The images with unique names; arrays whose labels are all different take those: they are names, not classes."""
    labels = [image.label for image in images]
    named = all(not isinstance(image.image, str) for image in images) and len(set(labels)) == len(images) > 1
    names = labels if named and all(labels) else image_names(contents, images)
    return [image._replace(name=name) for image, name in zip(images, names, strict=True)]


def _are_classes(labels: list[str]) -> bool:
    """Whether labels say what images have in common: two classes or more, of two images and more on average."""
    return all(labels) and 2 <= len(Counter(labels)) <= len(labels) / 2


def _in_splits(contents: Contents, images: list[LabelledImage], labelled: bool) -> list[LabelledImage]:
    """The images that are in a split: by the data where they name a training part, else all, by a hash."""
    if any(image.split == "train" for image in images):
        outside = [image for image in images if image.split is None]
        if outside:
            message = f"{len(outside):,} images are in no split and are not used (first: {outside[0].name})"
            contents.tell("no split", message, outside[0].file, outside[0].line)
        return [image for image in images if image.split is not None]
    names = [image.name for image in images]
    splits = stratified_by_hash(names, [image.label if labelled else "" for image in images])
    contents.tell(
        "note", "no training part is named; a hash of each image's name makes 80 % train, 10 % validation, 10 % test"
    )
    return [image._replace(split=split) for image, split in zip(images, splits, strict=True)]


def _tabulate(images: list[LabelledImage], labelled: bool) -> dict[str, Split]:
    parts: dict[str, list[LabelledImage]] = {name: [] for name in _ORDER}
    for image in images:
        parts.setdefault(image.split or "", []).append(image)
    splits = {}
    for name, members in parts.items():
        columns: dict[str, list[Any]] = {
            "names": [image.name for image in members],
            "images": [image.image for image in members],
        }
        if labelled:
            columns["labels"] = [image.label.strip() for image in members]
        if members:
            splits[name] = Split(name, columns)
    return splits

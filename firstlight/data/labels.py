"""Labelled images from whatever folder, archive or file people have, as splits of images with the class of each.

The layout is recognised (`label_layouts`), and all that cannot be used is collected as problems with file and line
instead of being dropped in silence. No image file is opened here.
"""

import os
import unicodedata
from collections import Counter, defaultdict

from firstlight.data.contents import Contents, LabelledImage, open_contents
from firstlight.data.label_layouts import LAYOUTS
from firstlight.data.layouts import recognise
from firstlight.data.splits import stratified_by_hash
from firstlight.data.table import Dataset, Split
from firstlight.errors import FirstlightError

__all__ = ["image_names", "load_labels"]

_ORDER = ("train", "validation", "test")


def load_labels(path: str | os.PathLike[str], layout: str | None = None) -> Dataset:
    """The labelled images in a folder, a zip or tar, a table with its images around it, or a file of NumPy.

    Each split has `names` (unique in the data set), `images` (paths, also through archives, or uint8 arrays of
    (height, width) or (height, width, 3)) and `labels` (the class of each, as text in Unicode normal form C). Splits
    that the data name are kept, and no validation is made up beside a test. Where the data name none, a hash of each
    image's name gives them, class by class: train, validation, test in 80, 10, 10 of a hundred. What is passed over
    stands in `problems`.

    Raises FirstlightError where there is nothing to load, no layout matches, or no image has a label.
    """
    contents = open_contents(path)
    chosen, files = recognise(contents, LAYOUTS, layout, "labels")
    images = [_normal(image) for image in chosen.read(contents, files)]
    images = _known_in_training(contents, _assign_splits(contents, images, image_names(contents, images)))
    if not images:
        raise FirstlightError(_cannot_use(contents, files))
    _tell_alike(contents, images)
    return Dataset(contents.name, _tabulate(images), chosen.name, contents.source, contents.problems)


def _normal(image: LabelledImage) -> LabelledImage:
    """The label as it is compared: Macs write decomposed letters, and tables have blanks around their cells."""
    label = image.label.strip()
    return image._replace(label=label if label.isascii() else unicodedata.normalize("NFC", label))


def _cannot_use(contents: Contents, files: list[str]) -> str:
    missing = [problem for problem in contents.problems if problem.kind == "missing image"]
    what = f"{len(missing)} that are missing" if missing else "none that can be used"
    first = f" First: {contents.problems[0]}." if contents.problems else ""
    return (
        f"Expected the images of {contents.relative(files[0])} in {contents.root}. Received {what}.{first} "
        "Put the images, or zips of them, into that folder, and give each a label."
    )


def image_names(contents: Contents, images: list[LabelledImage]) -> list[str]:
    """A name for each image: its base name, or its path below the root where two share that."""
    bases = Counter(os.path.basename(image.image) for image in images if isinstance(image.image, str))
    names = []
    for image in images:
        if isinstance(image.image, str):
            base = os.path.basename(image.image)
            names.append(base if bases[base] == 1 else contents.relative(image.image))
        else:
            names.append(image.name)
    return names


def _assign_splits(contents: Contents, images: list[LabelledImage], names: list[str]) -> list[LabelledImage]:
    """The images that are in a split: by the data where they name splits, else all, by a hash within each class."""
    images = [image._replace(name=name) for image, name in zip(images, names, strict=True)]
    outside = [image for image in images if image.split is None]
    if len(outside) == len(images):
        splits = stratified_by_hash(names, [image.label for image in images])
        images = [image._replace(split=split) for image, split in zip(images, splits, strict=True)]
        empty = [f"; no image fell into {name}" for name in _ORDER if name not in splits]
        message = (
            "no split is given; a hash of each image's name makes one in every class: 80 % train, 10 % validation, "
            "10 % test"
        )
        contents.tell("note", message + "".join(empty))
    elif outside:
        message = f"{len(outside):,} images are in no split and are not used (first: {outside[0].name})"
        contents.tell("no split", message, outside[0].file, outside[0].line)
    return [image for image in images if image.split is not None]


def _known_in_training(contents: Contents, images: list[LabelledImage]) -> list[LabelledImage]:
    """The images without those of other splits whose label no training image has; they are told by label."""
    known = {image.label for image in images if image.split == "train"}
    unseen: dict[tuple[str, str], list[LabelledImage]] = defaultdict(list)
    for image in images:
        if known and image.label not in known:
            unseen[image.split or "", image.label].append(image)
    for (split, label), members in unseen.items():
        count = f"{len(members):,} image{'s' if len(members) > 1 else ''}"
        message = f"{count} of {label!r} in {split}: no training image has this label (first: {members[0].name})"
        contents.tell("label unseen in training", message, members[0].file, members[0].line)
    return [image for image in images if not known or image.label in known] if unseen else images


def _tell_alike(contents: Contents, images: list[LabelledImage]) -> None:
    """Tell labels that look like slips of one another, and images of one name and class in two splits."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in dict.fromkeys(image.label for image in images):
        spellings["".join(label.split()).casefold()].append(label)
    for labels in spellings.values():
        if len(labels) > 1:
            names = " and ".join(repr(label) for label in sorted(labels))
            contents.tell("note", f"labels that differ only in case or spaces are different classes: {names}")
    first: dict[tuple[str, str], LabelledImage] = {}
    twice = []
    for image in images:
        numbered = os.path.splitext(os.path.basename(image.name))[0].isdigit()
        if isinstance(image.image, str) and not numbered:  # every folder has its 0001.jpg
            other = first.setdefault((image.label, os.path.basename(image.image)), image)
            if other.split != image.split:
                twice.append((other, image))
    if twice:
        one, other = twice[0]
        message = (
            f"{len(twice):,} images have the name and the class of one in another split (first: {one.name} and "
            f"{other.name}); `firstlight data check` compares what is in them"
        )
        contents.tell("note", message)


def _tabulate(images: list[LabelledImage]) -> dict[str, Split]:
    parts: dict[str, list[LabelledImage]] = {name: [] for name in _ORDER}
    for image in images:
        parts.setdefault(image.split or "", []).append(image)
    return {
        split: Split(
            split,
            {
                "names": [image.name for image in members],
                "images": [image.image for image in members],
                "labels": [image.label for image in members],
            },
        )
        for split, members in parts.items()
        if members
    }

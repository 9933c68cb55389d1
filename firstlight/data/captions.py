"""A caption data set from whatever folder, archive or file people have, as splits of images with their captions.

The layout is recognised (`caption_layouts`), the images are looked up (`caption_images`), and all that cannot be used
is collected as problems with file and line instead of being dropped in silence. No image is opened here.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from firstlight.data.caption_images import CaptionedImage, gather
from firstlight.data.caption_layouts import LAYOUTS
from firstlight.data.contents import Contents, open_contents
from firstlight.data.layouts import recognise
from firstlight.data.splits import split_by_hash
from firstlight.data.table import Dataset, Split
from firstlight.errors import FirstlightError

__all__ = ["load_captions"]

_ORDER = ("train", "validation", "test")


def load_captions(
    path: str | os.PathLike[str],
    layout: str | None = None,
    missing: Literal["pass over", "error"] = "pass over",
) -> Dataset:
    """The caption data set in a folder, a zip or tar, or a single annotation file with its images around it.

    Each split has `names` (unique in the data set), `images` (paths, also through archives) and `captions` (a list of
    texts in Unicode normal form C for each image). Where the data give no split, a hash of the image's name gives one:
    train, validation, test in 80, 10, 10 of a hundred. What is passed over stands in `problems`.

    Raises FirstlightError where there is nothing to load, no layout matches, no image is found, or, with
    `missing="error"`, an image is missing.
    """
    if missing not in ("pass over", "error"):
        raise FirstlightError(f'Expected missing="pass over" or missing="error". Received {missing!r}.')
    contents = open_contents(path)
    chosen, files = recognise(contents, LAYOUTS, layout, "captions")
    gathered = gather(contents, list(chosen.read(contents, files)))
    captioned = list(_with_captions(contents, gathered.images))
    if not captioned or (gathered.missing and missing == "error"):
        raise FirstlightError(_cannot_use(contents, files, gathered.missing))
    images = _assign_splits(contents, captioned)
    for image in contents.images.paths:
        if image not in gathered.mentioned:
            contents.tell("image without caption", f"{contents.relative(image)} has no caption", image)
    return Dataset(contents.name, _tabulate(contents, images), chosen.name, contents.source, contents.problems)


def _cannot_use(contents: Contents, files: list[str], missing: list[str]) -> str:
    about = contents.relative(files[0])
    if not missing:
        return f"Expected images with captions in {contents.root}. Received {about}, in which no line can be used. " + (
            f"First: {contents.problems[0]}." if contents.problems else "It is empty."
        )
    return (
        f"Expected the images of {about} below {contents.root}. Received {len(missing)} that are missing "
        f"(first: {missing[0]}). Put them, or zips of them, into that folder, or pass missing='pass over' to do "
        "with those that are there."
    )


def _with_captions(contents: Contents, images: list[CaptionedImage]) -> Iterator[CaptionedImage]:
    for image in images:
        if image.captions:
            yield image
        else:
            contents.tell("image without caption", f"{image.reference} has no caption", image.file, image.line)


def _assign_splits(contents: Contents, images: list[CaptionedImage]) -> list[CaptionedImage]:
    """The images that are in a split: by the data where they name splits, else all, by a hash of their names."""
    outside = [image for image in images if image.split is None]
    if len(outside) == len(images):
        for image in images:
            image.split = split_by_hash(image.path)
        empty = [f"; no image fell into {name}" for name in _ORDER if all(image.split != name for image in images)]
        message = "no split is given; a hash of each image's name makes one: 80 % train, 10 % validation, 10 % test"
        contents.tell("note", message + "".join(empty))
    elif outside:
        first = contents.relative(outside[0].path)
        message = f"{len(outside)} images are in no split and are not used (first: {first})"
        contents.tell("no split", message, outside[0].file, outside[0].line)
    return [image for image in images if image.split is not None]


def _tabulate(contents: Contents, images: list[CaptionedImage]) -> dict[str, Split]:
    """The splits as tables. An image's name is its base name, or its path below the root where two share that."""
    bases = Counter(os.path.basename(image.path) for image in images)
    parts: dict[str, list[CaptionedImage]] = {name: [] for name in _ORDER}
    for image in images:
        parts.setdefault(image.split or "", []).append(image)
    splits = {}
    for split, members in parts.items():
        columns: dict[str, list[Any]] = {"names": [], "images": [], "captions": []}
        for image in members:
            base = os.path.basename(image.path)
            columns["names"].append(base if bases[base] == 1 else contents.relative(image.path))
            columns["images"].append(image.path)
            columns["captions"].append(image.captions)
        if members:
            splits[split] = Split(split, columns)
    return splits

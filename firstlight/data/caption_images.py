"""The rows of a layout brought together with the images that are really there, one record an image.

All that cannot be used on the way is told: missing and ambiguous images, empty and repeated captions, unknown splits.
"""

import os
from dataclasses import dataclass, field

from firstlight.data.contents import Contents, Row
from firstlight.data.splits import standard_split
from firstlight.text import normalize

__all__ = ["CaptionedImage", "Gathered", "gather"]

_Key = tuple[str, str]


@dataclass
class CaptionedImage:
    """One image, the split that the data give it, its captions, and where it was first spoken of."""

    path: str
    reference: str
    split: str | None
    file: str
    line: int | None
    captions: list[str] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Gathered:
    """The images in the order of the data, the references without an image, and every file a row may mean."""

    images: list[CaptionedImage]
    missing: list[str]
    mentioned: set[str]


def gather(contents: Contents, rows: list[Row]) -> Gathered:
    """The rows by image. What is missing or cannot be used is told to `contents`."""
    places, mentioned = _resolve(contents, rows)
    splits = {name: standard_split(name) for name in {row.split for row in rows if row.split is not None}}
    images: dict[str, CaptionedImage] = {}
    absent: dict[str, Row] = {}
    for row in rows:
        path = places[_key(row)]
        if row.split is not None and splits[row.split] is None:
            contents.tell(
                "unknown split", f"{row.image} is in split {row.split!r}, which is not known", row.file, row.line
            )
        elif path is None:
            absent.setdefault(row.image, row)
        else:
            split = None if row.split is None else splits[row.split]
            image = images.setdefault(path, CaptionedImage(path, row.image, split, row.file, row.line))
            _add(contents, image, row, split)
    for name, row in absent.items():
        if row.split is not None or not splits:  # what is in no list of a split is not wanted, and so not missed
            contents.tell("missing image", f"{name} is not there", row.file, row.line)
    return Gathered(list(images.values()), list(absent), mentioned)


def _key(row: Row) -> _Key:
    """What decides which image a row means: the reference, and the file from whose place it is seen."""
    return row.image, row.file


def _resolve(contents: Contents, rows: list[Row]) -> tuple[dict[_Key, str | None], set[str]]:
    """Where the image of each key lies, and every image that some key may mean.

    An image that one row names by its very path does not stand in for another of the same base name that is missing.
    """
    lookup = contents.images
    first = {_key(row): row for row in reversed(rows)}
    places = {key: lookup.literal(row.image, row.file) for key, row in first.items()}
    named = set(filter(None, places.values()))
    mentioned = set(named)
    for key, row in reversed(first.items()):
        if places[key] is not None:
            continue
        folder, ending = os.path.dirname(row.file), f"/{row.image}"
        found = [
            path
            for path in lookup.similar(row.image, row.file)
            if path not in named or (path.startswith(folder) and path.endswith(ending))
        ]
        if len(found) > 1:
            others = ", ".join(map(contents.relative, found[1:4]))
            message = f"{row.image} may be {contents.relative(found[0])}, which is used, or {others}"
            contents.tell("ambiguous image", message, row.file, row.line)
        mentioned.update(found)
        places[key] = found[0] if found else None
    return places, mentioned


def _add(contents: Contents, image: CaptionedImage, row: Row, split: str | None) -> None:
    """A row's caption to its image, unless it is empty, a repetition, or in another split than the rows before."""
    caption = normalize(row.caption)
    identity = f"{row.identity}\n{caption}"
    if image.split != split:
        message = f"{row.image} is in {split or 'no split'} here and stays in {image.split or 'no split'}"
        contents.tell("image in several splits", message, row.file, row.line)
    elif not caption:
        contents.tell("empty caption", f"{row.image} has an empty caption", row.file, row.line)
    elif identity in image.identities:
        contents.tell("duplicate row", f"{row.image} has this caption already: {caption}", row.file, row.line)
    else:
        image.identities.add(identity)
        image.captions.append(caption)

"""The rows of a layout brought together with the images that are really there, one record an image.

All that cannot be used on the way is told: missing and ambiguous images, empty and repeated captions, unknown splits.
"""

from dataclasses import dataclass, field

from firstlight.data.contents import Contents, Row
from firstlight.data.references import resolve
from firstlight.data.splits import standard_split
from firstlight.text import normalize

__all__ = ["CaptionedImage", "Gathered", "gather"]


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
    places, mentioned = resolve(contents, [(row.image, row.file, row.line) for row in rows])
    splits = {name: standard_split(name) for name in {row.split for row in rows if row.split is not None}}
    images: dict[str, CaptionedImage] = {}
    absent: dict[str, Row] = {}
    for row in rows:
        path = places[row.image, row.file]
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

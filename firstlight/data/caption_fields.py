"""Which field of a table or a record names the image, which hold captions, and which the split.

Names that people use are known; where they say nothing (`Bild;Beschreibung`, or no header at all), the values decide.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = [
    "Fields",
    "captions_in",
    "choose_fields",
    "choose_image",
    "choose_label",
    "choose_split",
    "image_in",
    "no_images",
]

_IMAGE = [
    *("file_name", "filename", "image_name", "image_path", "image_file", "image", "img", "image_filename", "img_name"),
    *("img_path", "file", "path", "filepath", "photo", "picture", "name", "key", "image_id", "img_id", "id"),
]
_CAPTION = [
    *("caption", "captions", "text", "texts", "description", "descriptions", "comment", "comments"),
    *("sentence", "sentences", "raw", "title"),
]
_LABEL = [
    *("label", "labels", "class", "classes", "class_name", "classname", "class_label", "label_name", "category"),
    *("category_name", "target", "species", "breed", "y", "class_id", "label_id", "category_id"),
]
_SPLIT = ["split", "subset", "set", "partition"]
_NUMBERED = re.compile(r"(.+?)[ _-]?\d+")


class Fields(NamedTuple):
    """The names of the fields of a record: of its image, of its captions, and of its split if there is one."""

    image: str
    captions: tuple[str, ...]
    split: str | None


def choose_fields(
    names: Sequence[str], samples: Sequence[Mapping[str, Any]], leads_to_image: Callable[[str], bool]
) -> Fields | str:
    """The fields by their names and by the values of some records; a text says why there are none.

    `leads_to_image` tells whether a value names an image.
    """
    image = choose_image(names, samples, leads_to_image)
    if image is None:
        return no_images(names, samples)
    others = [name for name in names if name != image]
    split = choose_split(others)
    captions = _choose_captions([name for name in others if name != split], samples)
    if not captions:
        return f"no field holds captions (fields: {', '.join(names)})"
    return Fields(image, tuple(captions), split)


def no_images(names: Sequence[str], samples: Sequence[Mapping[str, Any]]) -> str:
    """Why a table without names of images is of no use."""
    inside = [name for name in names if any(_holds_image(sample.get(name)) for sample in samples)]
    if inside:
        return f"its images are inside the field {inside[0]}; save them as files and write their names there"
    return f"no field holds names of images (fields: {', '.join(names)})"


def choose_split(names: Sequence[str]) -> str | None:
    """The field that tells the split, by its name."""
    return next((name for wanted in _SPLIT for name in names if _plain(name) == wanted), None)


def choose_label(names: Sequence[str], samples: Sequence[Mapping[str, Any]]) -> str | None:
    """The field that holds the label, by its name; else the only field there is, unless it holds captions."""
    known = next((name for wanted in _LABEL for name in names if _plain(name) == wanted), None)
    if known is not None or len(names) != 1:
        return known
    return None if _choose_captions(names, samples) else names[0]


def image_in(value: Any) -> str:
    """What a field says about the image: a text, a number, or a record with a path."""
    if isinstance(value, Mapping):
        value = value.get("path") or value.get("file_name") or ""
    return str(value).strip() if isinstance(value, str | int) else ""


def captions_in(value: Any) -> list[str]:
    """The captions in a field: a text, a list of texts or of records with a text, or such a list written as JSON."""
    if isinstance(value, str):
        if value.startswith("[") and value.endswith("]"):
            try:
                listed = json.loads(value)
            except json.JSONDecodeError:
                return [value]
            return captions_in(listed) if isinstance(listed, list) and listed else [value]
        return [value]
    if isinstance(value, Mapping):
        return next((captions_in(value[key]) for key in ("raw", *_CAPTION) if key in value), [])
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [caption for item in value for caption in captions_in(item)]
    return []


def _holds_image(value: Any) -> bool:
    """Whether a value is the content of an image, as data sets of Hugging Face have it in Parquet."""
    return isinstance(value, bytes) or (isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes))


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


def choose_image(
    names: Sequence[str], samples: Sequence[Mapping[str, Any]], leads_to_image: Callable[[str], bool]
) -> str | None:
    """The field most of whose values lead to images; of equal ones the one with the better known name."""

    def score(name: str) -> tuple[float, int]:
        values = [image_in(sample.get(name)) for sample in samples]
        share = sum(map(leads_to_image, values)) / max(len(values), 1)
        known = _plain(name)
        return share, -_IMAGE.index(known) if known in _IMAGE else -len(_IMAGE)

    best = max(names, key=score, default=None)
    return best if best is not None and score(best)[0] >= 0.5 else None


def _choose_captions(names: Sequence[str], samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """The fields with the best known caption name, numbered ones together; else those that read like sentences."""
    for wanted in _CAPTION:
        found = [name for name in names if _plain(name) == wanted or _numbered(name) == wanted]
        if found:
            return found
    return [
        name
        for name in names
        if _reads_like_sentences([sample.get(name) for sample in samples], words=4 if _plain(name) in _LABEL else 2)
    ]


def _numbered(name: str) -> str | None:
    match = _NUMBERED.fullmatch(_plain(name))
    return match[1] if match else None


def _reads_like_sentences(values: Sequence[Any], words: int) -> bool:
    """Whether half of the values have so many words; scripts without spaces count as many, unless it is a label."""
    texts = [caption for value in values for caption in captions_in(value)]
    like = [
        text
        for text in texts
        if "://" not in text and (len(text.split()) >= words or (words == 2 and not text.isascii()))
    ]
    return len(like) >= max(1, len(values) / 2)

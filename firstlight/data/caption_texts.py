"""Layouts whose captions stand in plain text: Flickr8k's token file, texts beside images, and WebDataset tars.

Each layout here is two functions: `find_...` gives the files that hold its captions, `read_...` gives their rows.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator

from firstlight.data.archives import is_archive
from firstlight.data.caption_fields import captions_in
from firstlight.data.contents import Contents, Row
from firstlight.data.image_lookup import is_image
from firstlight.data.splits import split_of_directory, split_of_file
from firstlight.errors import FirstlightError

__all__ = ["find_flickr8k", "find_sidecar", "find_webdataset", "read_flickr8k", "read_sidecar", "read_webdataset"]

_TOKEN_LINE = re.compile(r"([^\t]+?)#(\d+)\t(.*)")
_LISTS = {
    "trainimages.txt": "train",
    "devimages.txt": "validation",
    "valimages.txt": "validation",
    "testimages.txt": "test",
}
_CAPTION_ENDINGS = ("txt", "caption", "captions", "cap", "json")


def find_flickr8k(contents: Contents) -> list[str]:
    """Files of lines `beach.jpg#0<TAB>A caption .`; of several the one with the whole words, not the lemmas."""
    candidates = contents.documents_named(".txt", ".token", ".tsv")
    found = [path for path in candidates if _TOKEN_LINE.fullmatch(contents.first_line(path))]
    found = [path for path in found if "lemma" not in os.path.basename(path).lower()] or found
    if len(found) > 1:
        contents.tell("note", f"read as the captions, and not {', '.join(map(contents.relative, found[1:]))}", found[0])
    return found[:1]


def read_flickr8k(contents: Contents, files: list[str]) -> Iterator[Row]:
    """The numbered captions, with the splits of the lists beside them."""
    path = files[0]
    splits = _split_lists(contents)
    malformed: dict[str, list[int]] = defaultdict(list)
    seen = set()
    for number, line in enumerate(contents.lines(path), 1):
        match = _TOKEN_LINE.fullmatch(line)
        if match is None:
            if line.strip():
                contents.tell("malformed line", "expected name.jpg#number, a tab and a caption", path, number)
        elif "." in match[1] and not is_image(match[1]):
            malformed[match[1]].append(number)
        else:
            seen.add(match[1])
            yield Row(match[1], match[3], splits[match[1]][0] if match[1] in splits else None, path, number, match[2])
    for key, numbers in malformed.items():
        contents.tell(
            "malformed line", f"{len(numbers)} lines under {key!r}, which is no image's name", path, numbers[0]
        )
    for name, (_, file, listed) in splits.items():
        if name not in seen:
            contents.tell("image without caption", f"{name} is listed but has no caption", file, listed)


def _split_lists(contents: Contents) -> dict[str, tuple[str, str, int]]:
    """The split of each listed image, with the list and the line; the lists may be anywhere below the root."""
    splits: dict[str, tuple[str, str, int]] = {}
    for path in contents.files:
        split = next((split for end, split in _LISTS.items() if path.lower().endswith(end)), None)
        for number, entry in enumerate(contents.lines(path) if split else [], 1):
            name = entry.strip()
            if not name or split is None:
                continue
            first, file, line = splits.setdefault(name, (split, path, number))
            if (file, line) != (path, number):
                message = f"{name} is listed in {contents.relative(file)}:{line} already; it stays in {first}"
                contents.tell("duplicate row", message, path, number)
    return splits


def find_sidecar(contents: Contents) -> list[str]:
    """The texts that stand beside an image of the same name: `beach.jpg` and `beach.txt`."""
    return [text for image in contents.images.paths for text in _texts_beside(contents, image)]


def _texts_beside(contents: Contents, image: str) -> list[str]:
    stem = os.path.splitext(image)[0]
    return [f"{stem}.{end}" for end in ("txt", "caption") if f"{stem}.{end}" in contents.known]


def read_sidecar(contents: Contents, files: list[str]) -> Iterator[Row]:
    """Each line of a text is a caption of its image; folders named train, validation or test are the splits."""
    wanted = set(files)
    for image in contents.images.paths:
        for text in _texts_beside(contents, image):
            if text in wanted:
                yield from _read_text(contents, image, text, split_of_directory(contents.relative(image)))


def _read_text(contents: Contents, image: str, text: str, split: str | None) -> Iterator[Row]:
    """One row a line; a file with no line that says something gives one empty row, which is told."""
    spoken = [(number, line) for number, line in enumerate(contents.lines(text), 1) if line.strip()]
    for number, line in spoken or [(1, "")]:
        yield Row(contents.relative(image), line, split, text, number)


def find_webdataset(contents: Contents) -> list[str]:
    """The tars in which images stand beside texts or JSON under the same key."""
    return sorted(
        {_tar_of(path) for key, files in _samples(contents).items() if len(files) > 1 for path in files.values()}
    )


def _tar_of(path: str) -> str:
    """The innermost tar on a path, or an empty text."""
    parts = path.split("/")
    ends = [index for index, part in enumerate(parts[:-1]) if is_archive(part) and not part.lower().endswith(".zip")]
    return "/".join(parts[: ends[-1] + 1]) if ends else ""


def _samples(contents: Contents) -> dict[str, dict[str, str]]:
    """By key, which is a path up to the first dot of its last part, the image and the texts in a tar."""
    return contents.once("", _group_samples)


def _group_samples(contents: Contents, _: str) -> dict[str, dict[str, str]]:
    samples: dict[str, dict[str, str]] = defaultdict(dict)
    for path in contents.files:
        folder, base = os.path.split(path)
        key, _, ending = base.partition(".")
        ending = "image" if is_image(f"x.{ending}") and "." not in ending else ending.lower()
        if _tar_of(path) and (ending == "image" or ending in _CAPTION_ENDINGS):
            samples[f"{folder}/{key}"].setdefault(ending, path)
    return {key: files for key, files in samples.items() if "image" in files}


def read_webdataset(contents: Contents, files: list[str]) -> Iterator[Row]:
    """The texts of each sample, or the captions in its JSON; the name of a tar may tell the split."""
    wanted = set(files)
    for sample in _samples(contents).values():
        image = sample["image"]
        tar = _tar_of(image)
        if tar not in wanted:
            continue
        relative = contents.relative(image)
        split = split_of_file(tar) or split_of_directory(relative)
        texts = [sample[ending] for ending in _CAPTION_ENDINGS if ending in sample and ending != "json"]
        for text in texts:
            yield from _read_text(contents, image, text, split)
        if not texts and "json" in sample:
            for caption in _captions_in_json(contents, sample["json"]):
                yield Row(relative, caption, split, sample["json"], None)


def _captions_in_json(contents: Contents, path: str) -> list[str]:
    """The captions in a sample's JSON, which is read once and not kept."""
    try:
        return captions_in(json.loads(contents.text(path)))
    except (json.JSONDecodeError, FirstlightError) as error:
        contents.tell("malformed line", f"not valid JSON ({error})", path)
        return []

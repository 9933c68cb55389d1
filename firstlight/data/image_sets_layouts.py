"""The layouts in which images come when nothing need be said of them: the layouts of labels first, then mere images.

A label is kept where there is one. Beside the layouts of `label_layouts` stand arrays without labels, a list that only
names images, and any folder or archive with image files in it, however deep.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.data import label_folders, label_layouts
from firstlight.data.caption_fields import choose_image, choose_split, image_in
from firstlight.data.caption_tables import TABLE_SUFFIXES, leads_to_image, open_table, read_table
from firstlight.data.contents import Contents, LabelledImage
from firstlight.data.label_arrays import array_files, array_groups, load_arrays, role_of
from firstlight.data.layouts import Layout
from firstlight.data.pixels import to_pixels
from firstlight.data.references import resolve
from firstlight.data.splits import split_by_name, split_of_directory, standard_split
from firstlight.errors import FirstlightError

__all__ = ["LAYOUTS", "find_arrays", "find_files", "find_names", "read_arrays", "read_files", "read_names"]

_LISTS = (*TABLE_SUFFIXES, ".txt")
_SAMPLES = 50  # lines of a list that are looked at


class _Images(NamedTuple):
    """An array of images, its name, the split which that tells, the file to name, and what was done to it."""

    images: NDArray[np.uint8]
    name: str
    split: str | None
    file: str
    remarks: list[str]


def find_arrays(contents: Contents) -> list[str]:
    """The NumPy files that hold images, with labels or without."""
    parts = [part for group in array_groups(contents) for part in contents.once(group, _arrays)]
    return list(dict.fromkeys(part.file for part in parts))


def read_arrays(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """Each image of the arrays, with a name made of its split and its number."""
    wanted = set(files)
    counts: dict[str, int] = defaultdict(int)
    for group in array_groups(contents):
        for part in contents.once(group, _arrays):
            if part.file not in wanted:
                continue
            for remark in part.remarks:
                contents.tell("note", remark, part.file)
            stem = part.split or "image"
            for image in part.images:
                yield LabelledImage(image, "", part.split, part.file, name=f"{stem}-{counts[stem]:05d}")
                counts[stem] += 1


def find_names(contents: Contents) -> list[str]:
    """The list or table of names that was pointed at; lists that only lie in a folder leave out none of its images."""
    if not contents.restricted:
        return []
    return [path for path in contents.documents_named(*_LISTS) if contents.once(path, _references)]


def read_names(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """The images that a list names, each once; what is missing or said twice is told."""
    for file in files:
        references = contents.once(file, _references)
        places, _ = resolve(contents, [(name, file, line) for name, _, line in references])
        taken: set[str] = set()
        for name, split, line in references:
            path = places[name, file]
            if path is None:
                contents.tell("missing image", f"{name} is not there", file, line)
            elif path in taken:
                contents.tell("duplicate row", f"{name} stands here a second time", file, line)
            else:
                taken.add(path)
                yield LabelledImage(path, "", split, file, line)


def find_files(contents: Contents) -> list[str]:
    """Every image file."""
    return [] if contents.restricted else list(contents.images.paths)


def read_files(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """Each image file: with its class where all lie in class folders, with its split where folders name splits."""
    inside = label_folders.find_folders(contents)
    if len(inside) == len(files):
        yield from label_folders.read_folders(contents, files)
        return
    for path in files:
        yield LabelledImage(path, "", split_of_directory(contents.relative(path)), path)


def _arrays(contents: Contents, group: str) -> list[_Images]:
    """The arrays of images in a group, and why other files in it hold none."""
    return [part for file in array_files(contents, group) for part in _in_file(contents, file)]


def _in_file(contents: Contents, file: str) -> list[_Images]:
    try:
        arrays = load_arrays(file)
    except FirstlightError as error:
        contents.reject(file, str(error))
        return []
    found = []
    for name, array in arrays.items():
        role, split = role_of(name)
        if array.ndim < 2 or (array.ndim == 2 and role != "images" and len(arrays) > 1):
            continue
        try:
            images, remarks = to_pixels(array, name)
        except FirstlightError as error:
            contents.reject(file, str(error))
            continue
        found.append(_Images(images, name, split or split_by_name(contents.relative(file)), file, remarks))
    if not found:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in arrays.items())
        contents.reject(file, f"no images among its arrays ({shapes or 'none'})")
    return found


def _references(contents: Contents, path: str) -> list[tuple[str, str | None, int]]:
    """What a list calls its images, with the split and the line of each; empty, with the reason noted, where none."""
    general = split_by_name(contents.relative(path))
    table = open_table(contents, path, "names") if path.lower().endswith(TABLE_SUFFIXES) else None
    image = choose_image(*table) if table else None
    if table and image:
        split = choose_split([name for name in table.names if name != image])
        return [
            (name, standard_split(str(record.get(split) or "")) if split else general, line)
            for line, record in contents.once(path, read_table).records
            if (name := image_in(record.get(image)))
        ]
    if path.lower().endswith((".parquet", ".jsonl")):
        return []
    lines = [(text.strip().strip('"'), number) for number, text in enumerate(contents.lines(path), 1)]
    named = [(text, general, number) for text, number in lines if text and leads_to_image(contents, path, text)]
    if 2 * len(named) < len([text for text, _ in lines[:_SAMPLES] if text]):
        contents.reject(path, "its lines do not name images")
        return []
    return named


LAYOUTS: dict[str, Layout[LabelledImage]] = {
    **{name: layout for name, layout in label_layouts.LAYOUTS.items() if name != "folders"},
    "arrays": Layout("arrays", "an .npz or .npy of images, with labels or without", find_arrays, read_arrays),
    "names": Layout(
        "names", "a CSV, a TSV or a text that was pointed at, with names of images", find_names, read_names
    ),
    "files": Layout("files", "any folder or archive with image files, however deep", find_files, read_files),
}

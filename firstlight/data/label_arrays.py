"""Images and labels in NumPy's files: `.npz`, or `.npy` beside each other.

The names of the arrays say what they are: `x_train` and `y_train`, `images` and `labels`, `data` and `target`. Where
they say nothing, the one array of images and the one list of labels of the same length belong together.
"""

import io
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.data.archives import read_bytes
from firstlight.data.contents import Contents, LabelledImage
from firstlight.data.pixels import class_names, to_pixels
from firstlight.data.splits import split_by_name, standard_split
from firstlight.errors import FirstlightError

__all__ = ["array_files", "array_groups", "find_numpy", "load_arrays", "read_numpy", "role_of"]

_IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels"}
_LABELS = {"y", "label", "labels", "target", "targets", "class", "classes"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


class _Part(NamedTuple):
    """Images and labels that belong together, the split that their names tell, and the file to name."""

    images: NDArray[np.uint8]
    labels: list[str]
    split: str | None
    file: str
    remarks: list[str]


class _Group(NamedTuple):
    """The parts in a group of arrays, and what is said of arrays that are images or labels and in none of them."""

    parts: list[_Part]
    unused: list[str]


def find_numpy(contents: Contents) -> list[str]:
    """The NumPy files that hold images and their labels."""
    return [
        file
        for group in array_groups(contents)
        if contents.once(group, _read).parts
        for file in array_files(contents, group)
    ]


def read_numpy(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """Each image, with a name made of its split and its number."""
    wanted = set(files)
    counts: dict[str, int] = defaultdict(int)
    for group in array_groups(contents):
        found = contents.once(group, _read)
        for message in found.unused:
            contents.tell("array passed over", message, array_files(contents, group)[0])
        if wanted.isdisjoint(array_files(contents, group)):
            continue
        for part in found.parts:
            for remark in part.remarks:
                contents.tell("note", remark, part.file)
            for image, label in zip(part.images, part.labels, strict=True):
                stem = part.split or "image"
                yield LabelledImage(image, label, part.split, part.file, name=f"{stem}-{counts[stem]:05d}")
                counts[stem] += 1


def array_groups(contents: Contents) -> list[str]:
    """What may hold arrays that belong together: each `.npz`, and each folder with `.npy` files."""
    single = contents.documents_named(".npz")
    return single + sorted({os.path.dirname(path) for path in _loose(contents)})


def _loose(contents: Contents) -> list[str]:
    """The `.npy` files; one alone that was named stands for all in its folder, for its labels lie beside it."""
    if contents.restricted and contents.documents_named(".npy"):
        folder = os.path.dirname(contents.documents[0])
        return [path for path in contents.files if path.lower().endswith(".npy") and os.path.dirname(path) == folder]
    return contents.documents_named(".npy")


def array_files(contents: Contents, group: str) -> list[str]:
    """The files of a group of arrays."""
    if group.lower().endswith(".npz"):
        return [group]
    return [path for path in _loose(contents) if os.path.dirname(path) == group]


def _read(contents: Contents, group: str) -> _Group:
    """What is in a group of arrays; no parts, with the reason noted, where there are none."""
    arrays: dict[str, NDArray[np.generic]] = {}
    try:
        arrays = {name: value for file in array_files(contents, group) for name, value in load_arrays(file).items()}
        pairs = _by_name(arrays) or _by_shape(arrays)
        if not pairs:
            shapes = ", ".join(f"{name} {value.shape}" for name, value in arrays.items())
            raise FirstlightError(f"no images with labels among its arrays ({shapes or 'none'})")
        return _Group([_part(contents, group, arrays, *pair) for pair in pairs], list(_unused(arrays, pairs)))
    except FirstlightError as error:
        for file in array_files(contents, group):
            contents.reject(file, str(error))
        return _Group([], [str(error)] if any(role_of(name)[0] for name in arrays) else [])


def load_arrays(file: str) -> dict[str, NDArray[np.generic]]:
    """The arrays of a file by their names. Objects, which would have to be unpickled, are refused."""
    data = read_bytes(file)
    try:
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {os.path.splitext(os.path.basename(file))[0]: loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise FirstlightError(
            f"Expected arrays of NumPy in {file}. It cannot be read: {error}. Save it again with numpy.savez, the "
            "images as uint8 and the labels as numbers or as text."
        ) from error


def _by_name(arrays: dict[str, NDArray[np.generic]]) -> list[tuple[str, str, str | None]]:
    """Pairs of (images, labels, split) by what the arrays are called."""
    found: dict[str | None, dict[str, str]] = defaultdict(dict)
    for name in arrays:
        role, split = role_of(name)
        if role:
            found[split].setdefault(role, name)
    return [(part["images"], part["labels"], split) for split, part in found.items() if len(part) == 2]


def role_of(name: str) -> tuple[str, str | None]:
    """What an array is by its name, "images", "labels" or "", and the split that the name tells: `x_train`."""
    words = [word.lower() for word in _WORD.findall(name)]
    split = next((split for word in words if (split := standard_split(word))), None)
    return "labels" if _LABELS & set(words) else "images" if _IMAGES & set(words) else "", split


def _by_shape(arrays: dict[str, NDArray[np.generic]]) -> list[tuple[str, str, str | None]]:
    """The one array that can only be images and the one that can only be their labels."""
    images = [name for name, array in arrays.items() if array.ndim >= 3]
    labels = [name for name, array in arrays.items() if array.ndim == 1]
    if len(images) == 1 and len(labels) == 1 and len(arrays[images[0]]) == len(arrays[labels[0]]):
        return [(images[0], labels[0], None)]
    return []


def _unused(arrays: Iterable[str], pairs: list[tuple[str, str, str | None]]) -> Iterator[str]:
    """A line for each array that is images or labels by its name and has found no partner."""
    taken = {name for pair in pairs for name in pair[:2]}
    for name in arrays:
        role, split = role_of(name)
        if role and name not in taken:
            other = "labels" if role == "images" else "images"
            yield f"{name}: no {other}{f' of {split}' if split else ''} that would be its own"


def _part(
    contents: Contents, group: str, arrays: dict[str, NDArray[np.generic]], first: str, second: str, split: str | None
) -> _Part:
    place = contents.relative(group) or os.path.basename(group)
    images, about_images = to_pixels(arrays[first], first)
    labels, about_labels = class_names(arrays[second], second)
    if len(images) != len(labels):
        raise FirstlightError(f"{len(images)} images in {first}, but {len(labels)} labels in {second}")
    return _Part(
        images, labels, split or split_by_name(place), array_files(contents, group)[0], [*about_images, *about_labels]
    )

"""Class folders: `cat/1.jpg`, `train/cat/1.jpg`, `photos.zip/photos/train/cat/1.jpg`.

A folder that only wraps others is gone through, a split folder holds class folders, and the folders then are the
classes, with all that lies below them.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from firstlight.data.archives import empty_folders, is_archive
from firstlight.data.contents import Contents, LabelledImage
from firstlight.data.image_lookup import is_image
from firstlight.data.splits import standard_split

__all__ = ["find_folders", "read_folders"]


class _Step(NamedTuple):
    """A folder on the way to an image: its name, and its path."""

    name: str
    path: str


class _Folder(NamedTuple):
    """A folder with images in it: its path, its split, and the class folder it belongs to, if any."""

    path: str
    split: str | None
    label: _Step | None
    nested: bool


def find_folders(contents: Contents) -> list[str]:
    """The images that lie in class folders."""
    inside = {folder.path for folder in contents.once("", _folders) if folder.label}
    return [path for path in contents.images.paths if os.path.dirname(path) in inside]


def read_folders(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """Each image with its folder as label. Images elsewhere, empty folders and files that are no images are told."""
    folders = {folder.path: folder for folder in contents.once("", _folders)}
    for path in contents.images.paths:
        folder = folders[os.path.dirname(path)]
        if folder.label is None:
            contents.tell("image without label", f"{contents.relative(path)} lies in no class folder", path)
        else:
            yield LabelledImage(path, folder.label.name, folder.split, path)
    _tell_folders(contents, list(folders.values()))
    _tell_hidden(contents, list(folders.values()))
    _tell_other_files(contents, {folder.path for folder in folders.values() if folder.label})


def _folders(contents: Contents, _: str) -> list[_Folder]:
    """Every folder with images, with its split and its class."""
    paths = dict.fromkeys(os.path.dirname(path) for path in contents.images.paths)
    steps = {path: _steps(contents, path) for path in paths}
    depths = _split_depths(list(steps.values()))
    below: dict[str, list[_Step]] = {}
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path, way in steps.items():
        depth = depths.get(path)
        if depths and depth is None:
            below[path] = []  # beside the split folders
            continue
        below[path] = way if depth is None else way[depth + 1 :]
        groups[tuple(step.path for step in way[: 0 if depth is None else depth + 1])].append(path)
    if depths:
        for group in groups.values():  # train.zip/train/cat
            _unwrap(below, group, only_splits=True)
    _unwrap(below, [path for group in groups.values() for path in group])
    found = []
    for path, way in steps.items():
        depth = depths.get(path)
        split = None if depth is None else standard_split(way[depth].name)
        found.append(_Folder(path, split, below[path][0] if below[path] else None, len(below[path]) > 1))
    return [] if _is_only_splits(contents, found) else found


def _steps(contents: Contents, path: str) -> list[_Step]:
    """The folders from the root to one with images. An archive counts where it names a split or holds images itself."""
    steps = []
    place = contents.root.rstrip("/")
    parts = [part for part in contents.relative(path).split("/") if part]
    for number, part in enumerate(parts, 1):
        place = f"{place}/{part}"
        name = part.split(".")[0] if is_archive(part) else part
        if not is_archive(part) or standard_split(name) or number == len(parts):
            steps.append(_Step(name, place))
    return steps


def _split_depths(ways: list[list[_Step]]) -> dict[str, int]:
    """Where on each way the folder of a split stands, by the path at its end; empty where there are no such folders.

    A class may be called train: a single such name among several other folders is a class.
    """
    depths = {}
    for way in ways:
        depth = next((depth for depth, step in enumerate(way[:-1]) if standard_split(step.name)), None)
        if depth is not None:
            depths[way[-1].path] = depth
    found = {way[depths[way[-1].path]] for way in ways if way and way[-1].path in depths}
    if len({standard_split(step.name) for step in found}) == 1:
        parents = {os.path.dirname(step.path) for step in found}
        steps = {step for way in ways for step in way if os.path.dirname(step.path) in parents}
        if len([step for step in steps if not standard_split(step.name)]) > 1:
            return {}
    return depths


def _unwrap(below: dict[str, list[_Step]], group: list[str], only_splits: bool = False) -> None:
    """Leave out a first folder that all share and that only wraps class folders."""
    while True:
        ways = [below[path] for path in group if below[path]]
        first = {way[0].name for way in ways}
        children = {way[1].name for way in ways if len(way) > 1}
        direct = any(len(way) == 1 for way in ways)
        if len(first) != 1 or not children or (direct and len(children) == 1):
            return
        if only_splits and not standard_split(next(iter(first))):
            return
        for path in group:
            below[path] = below[path][1:]


def _is_only_splits(contents: Contents, folders: list[_Folder]) -> bool:
    """Whether the images lie in train and test and nowhere deeper: then nothing says what they show."""
    labels = {folder.label.name for folder in folders if folder.label}
    if labels and all(standard_split(label) for label in labels):
        names = ", ".join(sorted(labels))
        reason = f"holds images in {names}, but in no class folders there"
        contents.reject(contents.root, reason)
        return True
    return False


def _tell_folders(contents: Contents, folders: list[_Folder]) -> None:
    """Tell the folders beside the classes that hold no image, and the classes with folders of their own."""
    classes = {folder.label.path: folder.label.name for folder in folders if folder.label}
    parents = {os.path.dirname(path) for path in classes}
    beside = {os.path.dirname(path) for path in parents}  # where a split without any class may lie
    others = {os.path.dirname(path) for path in contents.files if path not in contents.images.paths}
    empty: dict[str, None] = {}
    for path in [*empty_folders(contents.root), *sorted(others)]:
        while len(path) > len(contents.root):
            above = os.path.dirname(path)
            is_split = os.path.dirname(above) in beside and standard_split(os.path.basename(above)) is not None
            if (above in parents or is_split) and path not in classes and not is_archive(path):
                empty[path] = None
            path = above
    for path in empty:
        message = f"{contents.relative(path)} holds no image and is no class"
        contents.tell("empty class folder", message, path)
    nested = dict.fromkeys(folder.label.name for folder in folders if folder.label and folder.nested)
    if nested:
        message = f"folders inside class folders belong to the class: {', '.join(list(nested)[:5])}"
        contents.tell("note", message + (f" and {len(nested) - 5} more" if len(nested) > 5 else ""))


def _tell_hidden(contents: Contents, folders: list[_Folder]) -> None:
    """Tell the folders beside the classes that are hidden for their leading dot, but hold images: `.net`."""
    parents = sorted({os.path.dirname(folder.label.path) for folder in folders if folder.label})
    for parent in filter(os.path.isdir, parents):
        with os.scandir(parent) as entries:
            hidden = sorted(entry.path for entry in entries if entry.name.startswith(".") and entry.is_dir())
        for path in hidden:
            if any(map(is_image, os.listdir(path))):
                message = f"{contents.relative(path)} is hidden by the dot at its beginning and is no class; rename it"
                contents.tell("note", message, path)


def _tell_other_files(contents: Contents, inside: set[str]) -> None:
    """One line for each ending of the files that are no images; those inside class folders may be lost images."""
    counts: Counter[tuple[str, bool]] = Counter()
    first: dict[tuple[str, bool], str] = {}
    for path in contents.files:
        if path not in contents.images.paths:
            key = (os.path.splitext(path)[1].lower() or "no ending", os.path.dirname(path) in inside)
            counts[key] += 1
            first.setdefault(key, path)
    for (ending, is_inside), count in counts.items():
        path = first[ending, is_inside]
        place = "in class folders " if is_inside else ""
        files, are = ("file", "is no image") if count == 1 else ("files", "are no images")
        message = f"{count:,} {files} {place}({ending}) {are} (first: {contents.relative(path)})"
        contents.tell("no image" if is_inside else "note", message, path)

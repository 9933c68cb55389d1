"""`load`: a data set by its name in the catalogue or from a path, by the loader of what it is for.

What a data set is for is its task: images with captions, images with labels, images alone, or a table of numbers and
texts.
"""

import inspect
import os
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, overload

from firstlight.data.archives import exists
from firstlight.data.catalogue import CATALOGUE
from firstlight.data.download import Progress
from firstlight.data.files import fetch
from firstlight.data.frames import Frame
from firstlight.data.image_sets import only_images
from firstlight.data.layouts import NotRecognisedError
from firstlight.data.table import Dataset
from firstlight.errors import FirstlightError, nearest

__all__ = ["TASKS", "load"]

# What data may be for, and what loads it from a path: "module:function".
TASKS = {
    "captions": "firstlight.data.captions:load_captions",
    "labels": "firstlight.data.labels:load_labels",
    "images": "firstlight.data.image_sets:load_images",
    "table": "firstlight.data.frames:load_table",
}


@overload
def load(
    name_or_path: str | Path, *, task: Literal["table"], progress: Progress | None = None, **options: Any
) -> Frame: ...


@overload
def load(
    name_or_path: str | Path,
    *,
    task: Literal["captions", "labels", "images"] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset: ...


@overload
def load(
    name_or_path: str | Path, *, task: str | None, progress: Progress | None = None, **options: Any
) -> Dataset | Frame: ...


def load(
    name_or_path: str | Path, *, task: str | None = None, progress: Progress | None = None, **options: Any
) -> Dataset | Frame:
    """A data set by its name in `CATALOGUE`, or from a path: a folder, a zip or tar, or a file of captions or labels.

    A path wins where it has a separator, is a `Path`, or where no data set has that name. `task` is "captions",
    "labels", "images" or "table"; where it is not given, a name knows its own, and a path is captions where it looks
    so, else labels. What is not on this machine is downloaded into the cache; `progress` is told the bytes, see
    `files.fetch`. `options` go to the loader: `layout` for images; `target` for a table; `train`, `validation`, `test`,
    `unseen`, `size`, `seed` for scenes.
    """
    if task is not None and task not in TASKS:
        raise FirstlightError(f"Expected a task: {', '.join(TASKS)}. Received {task!r}.{nearest(task, TASKS)}")
    text = os.fspath(name_or_path)
    record = CATALOGUE.get(text)
    if record is None or isinstance(name_or_path, Path):
        return _from_path(text, _existing(text), task, options)
    if task not in (None, record.task) and not (task == "images" and record.task in ("captions", "labels")):
        raise FirstlightError(
            f"Expected a data set for the task {task!r}: {_for_task(task)}, or a path. Received {text!r}, which is "
            f"for {record.task!r}."
        )
    place = () if record.drawn else (fetch(record, progress),)
    dataset: Dataset = _call(record.loader, text, *place, **options)
    dataset = Dataset(record.name, dataset.splits, dataset.layout, dataset.source, dataset.problems)
    return only_images(dataset) if task == "images" else dataset


def _from_path(text: str, path: str, task: str | None, options: dict[str, Any]) -> Dataset | Frame:
    if task is not None:
        loaded: Dataset | Frame = _call(TASKS[task], text, path, **options)
        return loaded
    if path.lower().endswith((".npz", ".npy")) or _is_only_of_labels(options.get("layout")):
        return _from_path(text, path, "labels", options)
    try:
        return _from_path(text, path, "captions", options)
    except NotRecognisedError as error:
        if not _may_be_labels(options):
            raise
        return _labels_instead(text, path, options, error)


def _labels_instead(text: str, path: str, options: dict[str, Any], captions: NotRecognisedError) -> Dataset:
    """The labels of a path without captions; an error where it has none either, or where they are a mere guess."""
    try:
        dataset: Dataset = _call(TASKS["labels"], text, path, **options)
    except NotRecognisedError as error:
        _, _, reasons = str(error).partition("\n")
        hint = "For a table of numbers and texts without images: task 'table'."
        raise NotRecognisedError(f"{captions}\nOr, for images with labels:\n{reasons}\n{hint}") from error
    if len(dataset.classes) < 2:
        raise NotRecognisedError(f"{captions}\nFor class folders with a single class: task 'labels'.") from captions
    return dataset


def _may_be_labels(options: dict[str, Any]) -> bool:
    """Whether nothing was asked for that only captions have."""
    from firstlight.data.label_layouts import LAYOUTS

    return set(options) <= {"layout"} and options.get("layout", "table") in LAYOUTS


def _is_only_of_labels(layout: str | None) -> bool:
    from firstlight.data import caption_layouts, label_layouts

    return layout in label_layouts.LAYOUTS and layout not in caption_layouts.LAYOUTS


def _existing(path: str) -> str:
    path = os.path.expanduser(path)
    if os.path.exists(path) or exists(path):
        return path
    raise FirstlightError(
        "Expected a folder, an archive or a file of captions or labels, or a data set by name: "
        f"{', '.join(CATALOGUE)}. Received {path!r}, which does not exist here.{nearest(path, CATALOGUE)}"
    )


def _for_task(task: str | None) -> str:
    return ", ".join(name for name, record in CATALOGUE.items() if record.task == task) or "none is known by name"


def _call(loader: str, name: str, *place: Path | str, **options: Any) -> Any:
    """Import a loader and call it; an option that it does not take is an error which lists those that it takes."""
    module, _, function = loader.partition(":")
    load_it = getattr(import_module(module), function)
    known = list(inspect.signature(load_it).parameters)[len(place) :]
    for option in options:
        if option not in known:
            takes = f"takes the options {', '.join(known)}" if known else "takes no options"
            raise FirstlightError(f"Data set {name!r} {takes}. Received {option!r}.{nearest(option, known)}")
    return load_it(*place, **options)

"""Every data set that firstlight knows by name: what it is, whose it is, where it comes from, and what reads it.

A plain dict. To add a data set, add a record here and, where no loader fits, a loader beside the others.
"""

import inspect
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from firstlight.data.archives import exists
from firstlight.data.download import Progress
from firstlight.data.files import Record, RemoteFile, fetch
from firstlight.data.table import Dataset
from firstlight.errors import FirstlightError, nearest

__all__ = ["CATALOGUE", "load"]

_CAPTIONS = "firstlight.data.captions:load_captions"

_FLICKR8K = "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k"
_COCO = ("http://images.cocodataset.org", "https://s3.amazonaws.com/images.cocodataset.org")

CATALOGUE: dict[str, Record] = {
    "scenes": Record(
        name="scenes",
        task="captions",
        description="Picture-book scenes drawn from a seed, five captions each and the facts behind them.",
        page="firstlight/data/scenes/",
        licence="none needed: drawn on this machine",
        splits={"train": 4000, "validation": 400, "test": 400, "unseen": 400},
        loader="firstlight.data.scenes:load",
        drawn=True,
    ),
    "flickr8k": Record(
        name="flickr8k",
        task="captions",
        description="Photos of people and animals doing something, five captions each by people. Hodosh et al. 2013.",
        page="https://github.com/jbrownlee/Datasets/releases/tag/Flickr8k",
        licence="research and education; the photos belong to their authors",
        splits={"train": 6000, "validation": 1000, "test": 1000},
        loader=_CAPTIONS,
        files=(
            RemoteFile(
                "Flickr8k_text.zip",
                (f"{_FLICKR8K}/Flickr8k_text.zip",),
                "md5:bf6c1abcb8e4a833b7f922104de18627",
                2_300_000,
            ),
            RemoteFile(
                "Flickr8k_Dataset.zip",
                (f"{_FLICKR8K}/Flickr8k_Dataset.zip",),
                "md5:f18a1e2920de5bd84dae7cf08ec78978",
                1_100_000_000,
            ),
        ),
    ),
    "flickr30k": Record(
        name="flickr30k",
        task="captions",
        description="As Flickr8k, four times as many. Given on request: point at your copy. Young et al. 2014.",
        page="https://shannon.cs.illinois.edu/DenotationGraph/",
        licence="research and education; the photos belong to their authors",
        splits={"train": 29000, "validation": 1014, "test": 1000},
        loader=_CAPTIONS,
    ),
    "coco": Record(
        name="coco",
        task="captions",
        description="Everyday scenes with common objects, five captions each. Lin et al. 2014, the 2017 splits.",
        page="https://cocodataset.org/#download",
        licence="captions CC BY 4.0; the photos under the Flickr licence of each",
        splits={"train": 118_287, "validation": 5000},
        loader=_CAPTIONS,
        files=tuple(
            RemoteFile(Path(path).name, tuple(f"{server}/{path}" for server in _COCO), f"sha256:{checksum}", size)
            for path, checksum, size in (
                (
                    "annotations/annotations_trainval2017.zip",
                    "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
                    252_907_541,
                ),
                (
                    "zips/val2017.zip",
                    "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
                    815_585_330,
                ),
                (
                    "zips/train2017.zip",
                    "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
                    19_336_861_798,
                ),
            )
        ),
    ),
}


def load(name_or_path: str | Path, *, progress: Progress | None = None, **options: Any) -> Dataset:
    """A data set by its name in `CATALOGUE`, or from a path: a folder, a zip or tar, or a file of captions.

    A path wins where it has a separator, is a `Path`, or where no data set has that name. What is not on this machine
    is downloaded into the cache; `progress` is told the bytes, see `files.fetch`. `options` go to the loader: `layout`
    for captions; `train`, `validation`, `test`, `unseen`, `size`, `seed` for scenes.
    """
    text = os.fspath(name_or_path)
    record = CATALOGUE.get(text)
    if record is None or isinstance(name_or_path, Path):
        return _call(_CAPTIONS, text, _existing(text), **options)
    place = () if record.drawn else (fetch(record, progress),)
    dataset = _call(record.loader, text, *place, **options)
    return Dataset(record.name, dataset.splits, dataset.layout, dataset.source, dataset.problems)


def _existing(path: str) -> str:
    path = os.path.expanduser(path)
    if os.path.exists(path) or exists(path):
        return path
    raise FirstlightError(
        f"Expected a folder, an archive or a file of captions, or a data set by name: {', '.join(CATALOGUE)}. "
        f"Received {path!r}, which does not exist here.{nearest(path, CATALOGUE)}"
    )


def _call(loader: str, name: str, *place: Path | str, **options: Any) -> Dataset:
    """Import a loader and call it; an option that it does not take is an error which lists those that it takes."""
    module, _, function = loader.partition(":")
    load_it = getattr(import_module(module), function)
    known = list(inspect.signature(load_it).parameters)[len(place) :]
    for option in options:
        if option not in known:
            raise FirstlightError(
                f"Data set {name!r} takes the options {', '.join(known)}. Received {option!r}.{nearest(option, known)}"
            )
    dataset: Dataset = load_it(*place, **options)
    return dataset

"""What a frozen encoder sees in a set of images, computed once and kept on disk.

Each image becomes a grid of regions, (rows, columns, channels) in float16, found again by the content of the image, the
encoder's weights, the size, the fit and the views. Decoding runs in threads beside the network. The memory in use does
not depend on the number of images.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from firstlight.data import images as pictures
from firstlight.data.archives import read_bytes
from firstlight.data.batches import ahead
from firstlight.data.files import cache_folder
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError
from firstlight.systems.backbones import fingerprint
from firstlight.systems.fast_inference import Runner, choose, compile_encoder
from firstlight.systems.feature_store import FeatureStore

__all__ = ["MAXIMUM_VIEWS", "Features", "extract", "make_views"]

MAXIMUM_VIEWS = 12
_CROP = 0.875  # of the side: the part of the picture that classifiers are usually shown
_CORNERS = ((0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.5, 0.5))  # (down, right) as shares of what is free

Image = str | Path | NDArray[np.uint8]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Features:
    """The features of a list of images; position i belongs to `images[rows[i]]`.

    `rows` are the positions of the usable images in the list, `problems` tell of the others, `engine` and `precision`
    of what was to compute them.
    """

    store: FeatureStore
    records: NDArray[np.int64]
    rows: NDArray[np.int64]
    problems: list[Problem]
    engine: str
    precision: str

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image: (views, rows, columns, channels)."""
        return self.store.shape

    def read(
        self, rows: Sequence[int] | NDArray[Any], views: Sequence[int] | NDArray[Any] | None = None
    ) -> NDArray[np.float16]:
        """Grids (batch, rows, columns, channels) float16 at these positions 0..len-1, in this order.

        `views` names the view of each, 0 (the plain image) where it is None.
        """
        rows = np.asarray(rows, np.int64).reshape(-1)
        views = np.zeros_like(rows) if views is None else np.asarray(views, np.int64).reshape(-1)
        if len(rows) != len(views):
            raise FirstlightError(f"Expected one view for each of {len(rows)} rows. Received {len(views)}.")
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise FirstlightError(f"Expected rows from 0 to {len(self) - 1}. Received {rows.min()} to {rows.max()}.")
        if len(rows) and (views.min() < 0 or views.max() >= self.shape[0]):
            raise FirstlightError(
                f"Expected views from 0 to {self.shape[0] - 1}. Received {views.min()} to {views.max()}."
            )
        return self.store.read(self.records[rows].tolist(), views.tolist())


def extract(
    images: Sequence[Image],
    encoder: keras.Model,
    size: int = 224,
    views: int = 1,
    folder: str | Path | None = None,
    engine: str | Runner = "auto",
    batch_size: int = 32,
    progress: Progress | None = None,
    on_error: str = "pass over",
    *,
    fit: str = "squash",
    precision: str = "auto",
    threads: int = 2,
) -> Features:
    """The encoder's features of images (paths or arrays), from disk where they are there, computed where not.

    `views` counts the versions of an image, see `make_views`. `folder` holds one folder for each combination of
    encoder, size, fit, views and precision; by default `features` in the cache folder. `engine` and `precision` as in
    `fast_inference.choose`; a `Runner` of this encoder saves making one. `progress(done, all, text)` is called after
    each batch. An image that cannot be read becomes a `Problem`, with on_error="raise" an error.
    """
    if on_error not in ("pass over", "raise"):
        raise FirstlightError(f'Expected on_error "pass over" or "raise". Received {on_error!r}.')
    runner = engine if isinstance(engine, Runner) else None
    name, precision = (runner.engine, runner.precision) if runner else choose(str(engine), precision)
    store = _open_store(encoder, size, views, fit, folder, name, precision)
    source = _Source(images, store, size, fit, views, batch_size, threads)
    telling = progress or (lambda done, count, text: None)
    for done, keys, batch in ahead(source.batches()):
        if on_error == "raise":
            source.complain()
        if keys:
            runner = runner or compile_encoder(encoder, name, precision, batch_size)
            store.append(keys, _encode(runner, batch, encoder))
        telling(done, len(images), f"{name}, {precision}")
    if on_error == "raise":
        source.complain()
    telling(len(images), len(images), f"{name}, {precision}")
    return _collect(source, name, precision)


def make_views(image: NDArray[np.uint8], views: int) -> NDArray[np.uint8]:
    """Versions (views, height, width, 3) of an image: itself, mirrored, then crops, each followed by its mirror image.

    The crops hold 0.875 of each side, brought back to the size: two opposite corners, the other two, the middle.
    """
    height, width = image.shape[:2]
    versions = [image, image[:, ::-1]]
    for down, right in _CORNERS[: max(0, views - 1) // 2]:
        rows, columns = round(height * _CROP), round(width * _CROP)
        top, left = round((height - rows) * down), round((width - columns) * right)
        crop = pictures.resize(image[top : top + rows, left : left + columns], (height, width))
        versions += [crop, crop[:, ::-1]]
    return np.stack(versions[:views])


class _Source:
    """Images on their way to the network: hashed, decoded by threads and put together in batches."""

    def __init__(
        self,
        images: Sequence[Image],
        store: FeatureStore,
        size: int,
        fit: str,
        views: int,
        batch_size: int,
        threads: int,
    ) -> None:
        self.images = images
        self.store = store
        self.size = size
        self.fit = fit
        self.views = views
        self.count = max(1, batch_size // views)  # images a batch
        self.threads = threads
        self.keys: list[bytes | None] = []  # of each image; None where the file cannot be read
        self.unread: dict[int, FirstlightError] = {}  # by position
        self.broken: dict[bytes, FirstlightError] = {}  # by key

    def batches(self) -> Iterator[tuple[int, list[bytes], NDArray[np.uint8]]]:
        """(images done, keys, images (batch, views, height, width, 3)) of all that is not stored yet."""
        given_out: list[tuple[int, bytes]] = []  # position and key of each image that went to the decoder

        def missing() -> Iterator[Image]:
            known: set[bytes] = set()
            for position, key in enumerate(self._hashed()):
                self.keys.append(key)
                if key is not None and key not in self.store.positions and key not in known:
                    known.add(key)
                    given_out.append((position, key))
                    yield self.images[position]

        decoded = pictures.read_many(missing(), self.size, self.fit, self.threads)
        while taken := list(itertools.islice(decoded, self.count)):
            keys, batch = [], []
            for index, image in taken:
                key = given_out[index][1]
                if isinstance(image, FirstlightError):
                    self.broken[key] = image
                else:
                    keys.append(key)
                    batch.append(make_views(image, self.views))
            yield given_out[taken[-1][0]][0] + 1, keys, np.array(batch, np.uint8)

    def error(self, position: int) -> FirstlightError | None:
        """Why the image at this position cannot be used; None where it can."""
        key = self.keys[position]
        return self.unread.get(position) if key is None else self.broken.get(key)

    def complain(self) -> None:
        """Raise the error of the first image that cannot be used, if there is one."""
        if self.unread or self.broken:
            raise next(error for position in range(len(self.keys)) if (error := self.error(position)))

    def _hashed(self) -> Iterator[bytes | None]:
        """The key of each image, in order, some computed ahead."""
        window = 8 * self.threads
        with ThreadPoolExecutor(self.threads, thread_name_prefix="hash") as pool:
            for start in range(0, len(self.images), window):
                yield from pool.map(self._key, range(start, min(start + window, len(self.images))))

    def _key(self, position: int) -> bytes | None:
        try:
            return _key(self.images[position])
        except FirstlightError as error:
            self.unread[position] = error
            return None


def _key(image: Image) -> bytes:
    """The sha256 of a file's bytes, or of an array's shape, type and bytes."""
    if isinstance(image, np.ndarray):
        digest = hashlib.sha256(f"{image.dtype} {image.shape}".encode())
        digest.update(np.ascontiguousarray(image).data)
        return digest.digest()
    return hashlib.sha256(read_bytes(image)).digest()


def _encode(runner: Runner, batch: NDArray[np.uint8], encoder: keras.Model) -> NDArray[np.float16]:
    grids = runner(batch.reshape(-1, *batch.shape[2:]))
    if not np.isfinite(grids).all():
        raise FirstlightError(
            f"Expected features within the range of float16. Received infinite ones from {encoder.name!r}. "
            "Check its weights, or end it with a normalization."
        )
    return grids.reshape(*batch.shape[:2], *grids.shape[1:])


def _open_store(
    encoder: keras.Model, size: int, views: int, fit: str, folder: str | Path | None, engine: str, precision: str
) -> FeatureStore:
    if not 1 <= views <= MAXIMUM_VIEWS:
        raise FirstlightError(f"Expected 1 to {MAXIMUM_VIEWS} views. Received {views}.")
    if tuple(encoder.input_shape[1:]) != (size, size, 3):
        raise FirstlightError(
            f"Expected an encoder of images ({size}, {size}, 3). Received one of {tuple(encoder.input_shape[1:])}. "
            "Build it with this image_size, or pass its size."
        )
    if None in encoder.output_shape[1:]:
        raise FirstlightError(f"Expected an encoder with a fixed output shape. Received {encoder.output_shape}.")
    settings = {
        "encoder": encoder.name,
        "fingerprint": fingerprint(encoder),
        "size": size,
        "fit": fit,
        "views": views,
        "precision": precision,
    }
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
    parent = cache_folder() / "features" if folder is None else Path(folder)
    name = f"{encoder.name}-{size}-{views}-{key}"
    return FeatureStore(parent / name, (views, *encoder.output_shape[1:]), {**settings, "engine": engine})


def _collect(source: _Source, engine: str, precision: str) -> Features:
    rows, records, problems = [], [], []
    for row, key in enumerate(source.keys):
        if error := source.error(row):
            problems.append(Problem("image", str(error), _name(source.images[row], row)))
        elif key is not None:
            rows.append(row)
            records.append(source.store.positions[key])
    return Features(source.store, np.array(records, np.int64), np.array(rows, np.int64), problems, engine, precision)


def _name(image: Image, row: int) -> str:
    return f"image {row}" if isinstance(image, np.ndarray) else str(image)

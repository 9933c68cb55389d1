"""The `.keras` file: what Keras saved is opened here with NumPy and h5py, and what is saved here Keras opens.

It is a zip with `config.json`, which tells the layers and how they hang together, and `model.weights.h5`, their
weights. A file from elsewhere is data: nothing in it is run, and its sizes are checked before memory is taken.
"""

import contextlib
import io
import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from firstlight.engine.description import describe, rebuild
from firstlight.engine.graph import InputLayer
from firstlight.engine.layer import Layer, Variable, weight_budget
from firstlight.engine.naming import snake_case
from firstlight.errors import FirstlightError

__all__ = ["load", "load_weights", "save", "save_weights"]

_WEIGHTS, _CONFIG, _METADATA = "model.weights.h5", "config.json", "metadata.json"
_LARGEST_CONFIG = 64 << 20
_LARGEST_RATIO = 100  # of unpacked to packed size: weights are hardly ever smaller than half


def load(path: Any) -> Any:
    """Open a model that Keras 3, or `save`, wrote.

    Args:
        path: a `.keras` file.

    Returns:
        The model with its weights, as a `Model` or `Sequential` of the engine.

    Raises:
        FirstlightError: it is no such file, has layers that are not known here, or is damaged.
    """
    path = Path(path)
    with _opened(path) as archive:
        config = _config(archive, path)
        size = _weights_size(archive, path)
        with weight_budget(size, path.name):
            model = rebuild(config)
        with archive.open(_WEIGHTS) as file, _h5(io.BytesIO(file.read()), path) as weights:
            _load_state(model, weights, path.name)
    return model


def load_weights(model: Any, path: Any) -> None:
    """Read a `.weights.h5` file into a model of the same layers."""
    path = Path(path)
    _require_file(path)
    with path.open("rb") as file, _h5(file, path) as weights:
        _load_state(model, weights, path.name)


def save(model: Any, path: Any) -> None:
    """Write a model put together from symbols, or a Sequential, into a `.keras` file that Keras opens.

    Raises:
        FirstlightError: the path ends otherwise, or a part of the model has no description: a subclass, a function.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise FirstlightError(f"Expected a path that ends in .keras. Received {path}.")
    config = describe(model)
    metadata = {"keras_version": "3.12.0", "date_saved": ""}
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        _save_state(model, file)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(_METADATA, json.dumps(metadata))
            archive.writestr(_CONFIG, json.dumps(config))
            archive.writestr(_WEIGHTS, weights.getvalue())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_weights(model: Any, path: Any) -> None:
    """Write the weights of a model into a `.weights.h5` file."""
    path = Path(path)
    if not path.name.endswith(".weights.h5"):
        raise FirstlightError(f"Expected a path that ends in .weights.h5. Received {path}.")
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with h5py.File(temporary, "w") as file:
            _save_state(model, file)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


# -- the zip -----------------------------------------------------------------------------------------------------


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise FirstlightError(f"Expected a file. Received {path}, which is none. Check the path.")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    _require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise FirstlightError(f"Expected a .keras file. Received {path}, which is damaged or none: {error}.") from error


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(name)
    except KeyError:
        held = ", ".join(archive.namelist()[:5])
        raise FirstlightError(f"Expected a .keras file with {name}. Received {path}, which holds {held}.") from None


def _config(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    info = _member(archive, _CONFIG, path)
    if info.file_size > _LARGEST_CONFIG:
        raise FirstlightError(
            f"Expected a description of at most {_LARGEST_CONFIG >> 20} MB. Received {info.file_size >> 20} in {path}."
        )
    try:
        config = json.loads(archive.read(_CONFIG))
    except (ValueError, RecursionError) as error:
        raise FirstlightError(f"Expected JSON in {_CONFIG} of {path}. Received something else: {error}.") from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise FirstlightError(f"Expected the description of a model in {path}. Received {str(config)[:80]}.")
    return config


def _weights_size(archive: zipfile.ZipFile, path: Path) -> int:
    info = _member(archive, _WEIGHTS, path)
    if info.file_size > _LARGEST_RATIO * max(info.compress_size, 1 << 10):
        raise FirstlightError(
            f"Expected weights packed by at most {_LARGEST_RATIO} to 1. Received {info.file_size:,} bytes in "
            f"{info.compress_size:,} in {path}. It may be made to fill the memory."
        )
    return info.file_size


@contextlib.contextmanager
def _h5(file: Any, path: Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(file, "r") as weights:
            yield weights
    except (OSError, RuntimeError, KeyError) as error:
        raise FirstlightError(f"Expected weights in HDF5 in {path}. Received what cannot be read: {error}.") from error


# -- weights -----------------------------------------------------------------------------------------------------


def _own(layer: Layer) -> list[Variable]:
    return sorted(layer._weights, key=lambda weight: not weight.learns)


def _children(layer: Layer) -> Iterator[tuple[str, Layer]]:
    """The layers within, each with the path that Keras gives it: by attribute, and by class in a list."""
    stack = getattr(layer, "stack", None)
    graph = getattr(layer, "graph", None)
    if stack is not None or graph is not None:
        yield from _numbered("layers", layer.layers)
        return
    for name, value in vars(layer).items():
        if name in ("nodes", "activity_losses"):
            continue
        if isinstance(value, Layer):
            yield name, value
        elif isinstance(value, list | tuple) and any(isinstance(each, Layer) for each in value):
            yield from _numbered(name, value)


def _numbered(where: str, layers: Any) -> Iterator[tuple[str, Layer]]:
    """`layers/dense`, `layers/dense_1`, ...: files count classes and do not know names."""
    used: Counter[str] = Counter()
    for layer in layers:
        if not isinstance(layer, Layer) or getattr(layer, "is_operation", False):
            continue
        name = snake_case(getattr(layer, "keras_class", type(layer).__name__))
        yield f"{where}/{name}_{used[name]}" if used[name] else f"{where}/{name}", layer
        used[name] += 1


def _load_state(layer: Layer, group: h5py.Group, source: str, done: set[int] | None = None) -> None:
    done = set() if done is None else done
    if id(layer) in done:
        return
    done.add(id(layer))
    own = _own(layer)
    if own:
        held = _group(group, "vars", source)
        if len(held) != len(own):
            raise FirstlightError(
                f"Expected {len(own)} weights of {layer.name} in {source}. Received {len(held)}. "
                "The file belongs to another model."
            )
        for number, weight in enumerate(own):
            weight.assign(_array(held, str(number), weight, layer, source))
    for path, child in _children(layer):
        if child.weights:
            _load_state(child, _group(group, path, source), source, done)


def _group(group: h5py.Group, path: str, source: str) -> h5py.Group:
    for name in path.split("/"):
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink) or not isinstance(group[name], h5py.Group):
            raise FirstlightError(
                f"Expected {group.name.rstrip('/')}/{name} among the weights in {source}. Received none: it holds "
                f"{', '.join(list(group)[:8]) or 'nothing'}. The file belongs to another model."
            )
        group = group[name]
    return group


def _array(held: h5py.Group, name: str, weight: Variable, layer: Layer, source: str) -> np.ndarray:
    """One weight. Only plain arrays within the file itself are read, and only of the right shape."""
    link = held.get(name, getlink=True)
    dataset = held[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise FirstlightError(f"Expected a plain array as {held.name}/{name} in {source}. Received something else.")
    if tuple(dataset.shape) != weight.shape or dataset.dtype.kind not in "fiu":
        raise FirstlightError(
            f"Expected {weight.name} of {layer.name} of shape {weight.shape} in {source}. "
            f"Received {tuple(dataset.shape)}, {dataset.dtype}."
        )
    return np.asarray(dataset[()], weight.dtype)


def _save_state(layer: Layer, group: h5py.Group, done: set[int] | None = None) -> None:
    done = set() if done is None else done
    if id(layer) in done:
        return
    done.add(id(layer))
    held = group.require_group("vars")
    held.attrs["name"] = layer.name
    for number, weight in enumerate(_own(layer)):
        held[str(number)] = weight.array
    for path, child in _children(layer):
        if not isinstance(child, InputLayer):
            _save_state(child, group.require_group(path), done)

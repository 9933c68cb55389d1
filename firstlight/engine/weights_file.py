"""Weights files: what a model and its optimizer have learned, as the HDF5 that Keras 3 reads and writes.

The weights of a layer stand in its group as `vars/0`, `vars/1`, ...; beside them are the groups of the layers within
it, by attribute; and in the group of the model is that of its optimizer. Names that users gave stand nowhere.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from typing import Any

import h5py
import numpy as np

from firstlight.engine.functional import InputLayer
from firstlight.engine.layer import Layer
from firstlight.engine.model import Model, Sequential
from firstlight.engine.naming import snake_case
from firstlight.engine.optimizer import Optimizer
from firstlight.engine.structure import NESTED
from firstlight.errors import FirstlightError

__all__ = ["create_weights", "open_weights", "read_optimizer", "read_weights", "write_optimizer", "write_weights"]


@contextmanager
def open_weights(file: Any, source: str) -> Iterator[h5py.Group]:
    """A file, called `source`, to read weights from.

    Raises:
        FirstlightError: it is no HDF5, or damaged.
    """
    try:
        with h5py.File(file, "r") as weights:
            yield weights
    except (OSError, RuntimeError, KeyError) as error:
        raise FirstlightError(
            f"Expected weights in HDF5 in {source}. Received what cannot be read: {error}."
        ) from error


def create_weights(file: Any) -> h5py.File:
    """A new file, at a path or in memory, to write weights to; to be used in a `with`."""
    return h5py.File(file, "w")


def read_weights(model: Layer, file: h5py.Group, source: str) -> None:
    """Put what a file holds in place of all weights of a model.

    Raises:
        FirstlightError: the file, called `source`, belongs to another model, or holds what are no plain arrays.
    """
    _read(model, file, source, set())


def write_weights(model: Layer, file: h5py.Group) -> None:
    """Write all weights of a model."""
    _write(model, file, set())


def read_optimizer(model: Any, file: h5py.Group, source: str) -> None:
    """Put what a file holds in place of what the optimizer of a model remembers, if there is something.

    What does not fit is told by a warning and left out, as in Keras: the weights alone are of use too.
    """
    optimizer, group = model.optimizer, _inside(file, "optimizer")
    if not isinstance(optimizer, Optimizer) or group is None:
        return
    held = _group(_inside(group, "inner_optimizer") or group, "vars", source)  # in Keras's wrapper for 16 bits, or not
    try:
        if len(held) != len(optimizer.variables):
            optimizer.build(model.trainable_weights)
        states = optimizer.variables
        found = [_dataset(held, str(number), source) for number in range(len(held))]
        shapes = [each.shape for each in found], [state.array.shape for state in states]
        if shapes[0] != shapes[1]:
            raise FirstlightError(
                f"Expected {len(states)} arrays for {optimizer.name} in {source}, of the shapes of the weights that "
                f"learn. Received {len(found)}."
            )
    except FirstlightError as error:
        warnings.warn(f"What the optimizer remembered is not read. {error}", stacklevel=3)
        return
    optimizer.set_weights([each[()] for each in found])


def write_optimizer(model: Any, file: h5py.Group) -> None:
    """Write what the optimizer of a model remembers, if it has one."""
    if isinstance(model.optimizer, Optimizer):
        held = file.create_group("optimizer/vars")
        held.attrs["name"] = model.optimizer.name
        for number, state in enumerate(model.optimizer.variables):
            held[str(number)] = state.array


# -- layers within layers ----------------------------------------------------------------------------------------


def _children(layer: Layer) -> Iterator[tuple[str, Layer]]:
    """The layers within, each with the path that Keras gives it, in the order of Keras.

    The order matters for a layer that is met twice: its weights stand where it was met first.
    """
    kind: Any = type(layer)
    names = {*vars(layer), *_properties(kind)}
    if isinstance(layer, Sequential) or (isinstance(layer, Model) and layer.graph is not None):
        yield from _numbered("layers", layer.layers)
        names -= {"stack"}  # the same layers
    elif isinstance(layer, Model):
        names.add("layers")
    for name in sorted(names, key=lambda name: (name.startswith("_"), name)):
        value = None
        with suppress(Exception):  # a property of a user may raise anything
            value = getattr(layer, name)
        if isinstance(value, Layer):
            yield name, value
        elif isinstance(value, NESTED):
            yield from _numbered(name, value)


@cache
def _properties(kind: Any) -> frozenset[str]:
    """The properties that a class has beyond every model: they may show a private layer under another name."""
    names = set(dir(kind)) - set(dir(Model))
    return frozenset(name for name in names if isinstance(getattr(kind, name), property | cached_property))


def _numbered(where: str, container: Any) -> Iterator[tuple[str, Layer]]:
    """`layers/dense`, `layers/dense_1`, ...: classes are counted; a list within a list is a `container`."""
    used: Counter[str] = Counter()
    for each in container.values() if isinstance(container, dict) else container:
        if isinstance(each, NESTED):
            name = "container"
        elif isinstance(each, Layer) and not getattr(each, "is_operation", False):
            name = snake_case(getattr(each, "keras_class", type(each).__name__))
        else:
            continue
        path = f"{where}/{name}_{used[name]}" if used[name] else f"{where}/{name}"
        used[name] += 1
        if isinstance(each, NESTED):
            yield from _numbered(path, each)
        else:
            yield path, each


def _read(layer: Layer, group: h5py.Group, source: str, done: set[Layer]) -> None:
    done.add(layer)
    own = layer.own_weights
    if own:
        held = _group(group, "vars", source)
        if len(held) != len(own):
            raise FirstlightError(
                f"Expected {len(own)} weights of {layer.name} in {source}. Received {len(held)}. "
                "The file belongs to another model."
            )
        for number, weight in enumerate(own):
            dataset = _dataset(held, str(number), source)
            if dataset.shape != weight.shape:
                raise FirstlightError(
                    f"Expected {weight.name} of {layer.name} of shape {weight.shape} in {source}. "
                    f"Received {dataset.shape}."
                )
            weight.assign(np.asarray(dataset[()], weight.dtype))
    for path, child in _children(layer):
        if child not in done and child.weights:
            _read(child, _group(group, path, source), source, done)


def _write(layer: Layer, group: h5py.Group, done: set[Layer]) -> None:
    done.add(layer)
    held = group.require_group("vars")
    held.attrs["name"] = layer.name
    for number, weight in enumerate(layer.own_weights):
        held[str(number)] = weight.array
    for path, child in _children(layer):
        if child not in done and not isinstance(child, InputLayer):
            _write(child, group.require_group(path), done)


# -- what may be read --------------------------------------------------------------------------------------------


def _group(group: h5py.Group, path: str, source: str) -> h5py.Group:
    for name in path.split("/"):
        found = _inside(group, name)
        if found is None:
            raise FirstlightError(
                f"Expected {group.name.rstrip('/')}/{name} among the weights in {source}. Received none: it holds "
                f"{', '.join(list(group)[:8]) or 'nothing'}. The file belongs to another model."
            )
        group = found
    return group


def _inside(group: h5py.Group, name: str) -> h5py.Group | None:
    """The group of a name, if it lies in the file itself."""
    link = group.get(name, getlink=True)
    found = group[name] if isinstance(link, h5py.HardLink) else None
    return found if isinstance(found, h5py.Group) else None


def _dataset(held: h5py.Group, name: str, source: str) -> h5py.Dataset:
    """An array of numbers that lies in the file itself; its shape is known, its numbers are still to be read."""
    link = held.get(name, getlink=True)
    dataset = held[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise FirstlightError(f"Expected a plain array as {held.name}/{name} in {source}. Received something else.")
    if dataset.dtype.kind not in "fiu":
        raise FirstlightError(f"Expected numbers as {dataset.name} in {source}. Received {dataset.dtype}.")
    return dataset

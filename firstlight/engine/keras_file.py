"""The `.keras` file: what Keras saved is opened here with NumPy and h5py, and what is saved here Keras opens.

It is a zip with `config.json`, which tells the layers, how they hang together and how they learn, and
`model.weights.h5`, what they and the optimizer have learned. A file from elsewhere is data: nothing in it is run, and
its sizes are checked before memory is taken.
"""

import contextlib
import io
import json
import os
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from firstlight.engine.description import describe
from firstlight.engine.model import Model
from firstlight.engine.rebuilding import rebuild
from firstlight.engine.variable import weight_budget
from firstlight.engine.weights_file import (
    create_weights,
    open_weights,
    read_optimizer,
    read_weights,
    write_optimizer,
    write_weights,
)
from firstlight.errors import FirstlightError

__all__ = ["load", "load_weights", "save", "save_weights"]

_WEIGHTS, _CONFIG, _METADATA = "model.weights.h5", "config.json", "metadata.json"
_LARGEST_CONFIG = 64 << 20
_LARGEST_RATIO = 100  # of unpacked to packed size: weights are hardly ever smaller than half


def load(filepath: Any, compile: bool = True) -> Any:
    """Open a model that Keras 3, or `save`, wrote.

    Args:
        filepath: a `.keras` file.
        compile: whether to compile the model as it was, with what its optimizer remembers, so that `fit` goes on where
            it ended. What is not known here, such as a loss of the user's own, is told by a warning, and the model
            comes uncompiled.

    Returns:
        The model with its weights, as a `Model` or `Sequential` of the engine.

    Raises:
        FirstlightError: it is no such file, has layers that are not known here, or is damaged.
    """
    path = Path(filepath)
    with _opened(path) as archive:
        config = _config(archive, path)
        with weight_budget(_weights_size(archive, path), path.name):
            model = _rebuilt(config, path)
        if compile and config.get("compile_config") and isinstance(model, Model):
            _compile(model, config["compile_config"], path)
        with _weights_of(archive, path) as weights:
            read_weights(model, weights, path.name)
            if isinstance(model, Model):
                read_optimizer(model, weights, path.name)
    return model


def load_weights(model: Any, filepath: Any) -> None:
    """Read the weights of a `.weights.h5` or `.keras` file into a model of the same layers.

    If the model is compiled and the file has what an optimizer remembers, that is read too.
    """
    path = Path(filepath)
    with contextlib.ExitStack() as opened:
        if path.suffix == ".keras":
            weights = opened.enter_context(_weights_of(opened.enter_context(_opened(path)), path))
        else:
            _require_file(path)
            weights = opened.enter_context(open_weights(opened.enter_context(path.open("rb")), path.name))
        read_weights(model, weights, path.name)
        read_optimizer(model, weights, path.name)


def save(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Write a model put together from symbols, or a Sequential, into a `.keras` file that Keras opens.

    Args:
        model: the model.
        filepath: ends in `.keras`. What stands there is replaced when all is written, not before.
        overwrite: False refuses to replace a file.
        include_optimizer: False leaves out how the model was compiled and what its optimizer remembers.

    Raises:
        FirstlightError: the path ends otherwise, or a part of the model has no description: a subclass, a function.
    """
    path = _free(filepath, ".keras", overwrite)
    config = describe(model)
    compiled = config["compile_config"] = _compilation(model) if include_optimizer else {}
    metadata = {"keras_version": "3.12.0", "date_saved": ""}
    weights = io.BytesIO()
    with create_weights(weights) as file:
        write_weights(model, file)
        if compiled:
            write_optimizer(model, file)
    with _replaced(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_METADATA, json.dumps(metadata))
        archive.writestr(_CONFIG, json.dumps(config))
        archive.writestr(_WEIGHTS, weights.getvalue())


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights of a model, and what its optimizer remembers if it has one, into a `.weights.h5` file."""
    path = _free(filepath, ".weights.h5", overwrite)
    with _replaced(path) as temporary, create_weights(temporary) as file:
        write_weights(model, file)
        write_optimizer(model, file)


def _rebuilt(config: dict[str, Any], path: Path) -> Any:
    try:
        return rebuild(config)
    except FirstlightError:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise FirstlightError(
            f"Expected the description of a model in {path}. Received one of which none can be made: {error!r}."
        ) from error


def _compile(model: Model, described: Any, path: Path) -> None:
    try:
        model.compile_from_config(described)
    except FirstlightError as error:
        warnings.warn(
            f"{path.name} is not compiled as it was, for not all of it is known here. {error} To train the model, call "
            "compile; to be spared this, load with compile=False.",
            stacklevel=3,
        )


def _compilation(model: Any) -> dict[str, Any]:
    try:
        described: dict[str, Any] = model.get_compile_config()
    except FirstlightError as error:
        warnings.warn(f"How {model.name} was compiled is left out of the file. {error}", stacklevel=3)
        return {}
    return described


# -- the file ----------------------------------------------------------------------------------------------------


def _free(filepath: Any, suffix: str, overwrite: bool) -> Path:
    path = Path(filepath)
    if not path.name.endswith(suffix):
        raise FirstlightError(f"Expected a path that ends in {suffix}. Received {path}.")
    if path.exists() and not overwrite:
        raise FirstlightError(f"Expected a free path, as overwrite=False asks for. Received {path}, which exists.")
    return path


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A name to write to, which takes the place of the path when all went well."""
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
def _weights_of(archive: zipfile.ZipFile, path: Path) -> Iterator[Any]:
    _weights_size(archive, path)
    with archive.open(_WEIGHTS) as file, open_weights(io.BytesIO(file.read()), path.name) as weights:
        yield weights

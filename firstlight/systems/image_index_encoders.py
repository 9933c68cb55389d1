"""What turns pictures into vectors for an image index: trained systems, pretrained networks, pixels, any function.

A network is saved in the index's folder, so that an index is searched without the run or the weights it came from.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from firstlight.errors import FirstlightError, nearest
from firstlight.systems.pictures import pixels_of
from firstlight.systems.system import load, read_description, write_safely

__all__ = ["PIXELS", "Encoder", "FunctionEncoder", "choose_encoder", "make_encoder", "read_encoder"]

PIXELS = "pixels"
_PHOTO_NETWORK = "mobilenet_v2"
_SIDE = 16  # of a picture whose pixels are the vector
_BATCH = 32
_FILE, _FOLDER = "encoder.keras", "encoder"


class Encoder(Protocol):
    """Pictures (height, width, 3) of uint8 to vectors (n, d) float32.

    `size` is what pictures are brought to before: (height, width), or None for as they are. `description` is plain
    values, kept in `system.json`, by which `read_encoder` knows what to open.
    """

    size: tuple[int, int] | None
    description: dict[str, Any]

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """The vectors of pictures."""

    def save(self, folder: Path) -> None:
        """Put into an index's folder what `read_encoder` needs."""


def choose_encoder(name: str, weights: str, tell: Callable[[str], object]) -> str:
    """What `encoder="auto"` comes to: mobilenet_v2 where its weights are given or at hand, else the pixels.

    A download is nothing that happens by itself: where only the weights are missing, that is told.
    """
    if name != "auto":
        return name
    from firstlight.systems.classifier_settings import weights_at_hand

    if weights != "imagenet" or weights_at_hand():
        tell(f"encoder: {_PHOTO_NETWORK}")
        return _PHOTO_NETWORK
    tell(
        f"encoder: {PIXELS}, which finds pictures of the same colours at the same places. --encoder {_PHOTO_NETWORK}, "
        "which downloads weights of 9 MB, or the run folder of a classifier finds pictures of the same things"
    )
    return PIXELS


def make_encoder(encoder: str | Callable[..., Any], weights: str, image_size: int | None) -> Encoder:
    """The encoder of a name, of a run folder or of a function.

    Raises:
        FirstlightError: there is no such name or folder, or the folder holds a system that sees no images.
    """
    if callable(encoder):
        return FunctionEncoder(encoder)
    if encoder == PIXELS:
        return _PixelEncoder(image_size or _SIDE)
    if os.path.isdir(encoder):
        return _of_run(encoder)
    from firstlight.systems.backbones import build, names

    if encoder not in names():
        known = ("auto", PIXELS, *names())
        raise FirstlightError(
            f"Expected an encoder: {', '.join(known)}, or the run folder of a trained system. Received {encoder!r}."
            f"{nearest(encoder, known)}"
        )
    network = build(encoder, image_size or 224, None if weights == "random" else weights)
    return _of_grid(network, {"kind": "network", "name": encoder, "weights": weights})


def read_encoder(folder: Path, description: dict[str, Any]) -> Encoder:
    """The encoder that was saved in an index's folder.

    Raises:
        FirstlightError: it was a function, which no file holds.
    """
    if description["kind"] == PIXELS:
        return _PixelEncoder(description["side"])
    if description["kind"] == "system":
        return _SystemEncoder(load(folder / _FOLDER), description)
    if description["kind"] == "function":
        raise FirstlightError(
            f"Expected the function {description['name']!r}, which the index in {folder} was built with. Received "
            "none. Pass it: ImageIndex.load(folder, encoder=function)."
        )
    import keras

    return _NetworkEncoder(keras.models.load_model(folder / _FILE, compile=False), description)


def _of_run(folder: str) -> Encoder:
    """What a trained system sees in a picture."""
    system: Any = load(folder)
    kind = read_description(folder)["class"].rpartition(":")[2]
    about = {"kind": "network", "name": kind, "run": os.path.abspath(folder)}
    if hasattr(system, "classify") and hasattr(system, "network"):
        import keras

        network = _in_float32(system.network)
        return _NetworkEncoder(keras.Model(network.input, network.get_layer("logits").input), about)
    if hasattr(system, "describer"):
        return _of_grid(system.describer.encoder, about)
    if hasattr(system, "transform") and system.task != "table":
        return _SystemEncoder(system, {**about, "kind": "system"})
    raise FirstlightError(
        f"Expected the run folder of a classifier, a captioner or an autoencoder. Received {folder}, which holds a "
        f"{kind}. Name another folder."
    )


def _in_float32(network: Any) -> Any:
    """The same network and weights, computed in float32: one that was trained in 16 bits runs on fewer engines."""
    from firstlight.systems.backbones import rebuild

    if all(layer.compute_dtype == "float32" for layer in network.layers):
        return network

    def plain(layer: Any) -> tuple[Any, list[Any]]:
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"}), layer.get_weights()

    return rebuild(network, network.name, replace=plain)


def _of_grid(network: Any, about: dict[str, Any]) -> Encoder:
    """A network that gives a grid of features, with the mean over the grid as vector."""
    import keras

    mean = keras.layers.GlobalAveragePooling2D(name="mean_region")(network.output)
    return _NetworkEncoder(keras.Model(network.input, mean), about)


class _NetworkEncoder:
    """A Keras network, made ready to run fast when it is first used; in float32, so that equal images stay so."""

    def __init__(self, network: Any, description: dict[str, Any]):
        height, width, self.channels = network.input_shape[1:]
        self.size: tuple[int, int] | None = (height, width)
        self.network, self.description = network, description
        self._runner: Any = None

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        from firstlight.systems.fast_inference import compile_encoder

        if self._runner is None:
            self._runner = compile_encoder(self.network, precision="float32", batch_size=_BATCH, dtype="float32")
        vectors: np.ndarray = self._runner(np.stack([pixels_of(picture, self.channels) for picture in pictures]))
        return vectors.reshape(len(pictures), -1)

    def save(self, folder: Path) -> None:
        """Write `encoder.keras`, of stock layers."""
        write_safely(folder / _FILE, self.network.save)


class _PixelEncoder:
    """The pixels of a small copy, -1 to 1: the least that a better encoder must beat."""

    def __init__(self, side: int):
        self.size: tuple[int, int] | None = (side, side)
        self.description: dict[str, Any] = {"kind": PIXELS, "name": PIXELS, "side": side}

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(pictures).reshape(len(pictures), -1).astype(np.float32) / 127.5 - 1

    def save(self, folder: Path) -> None:
        """Nothing to keep."""


class _SystemEncoder:
    """A trained system with `transform(images)`, such as an autoencoder: its codes are the vectors."""

    size: tuple[int, int] | None

    def __init__(self, system: Any, description: dict[str, Any]):
        self.system, self.description = system, description
        shape = getattr(system, "shape", None)  # (height, width, channels), where it has one size
        self.size = (int(shape[0]), int(shape[1])) if shape is not None else None

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        return np.asarray(self.system.transform(list(pictures)), np.float32).reshape(len(pictures), -1)

    def save(self, folder: Path) -> None:
        """Write the whole system into a folder in the folder."""
        self.system.save(folder / _FOLDER)


class FunctionEncoder:
    """Any function of a list of pictures (height, width, 3) of uint8 that gives vectors (n, d).

    Attributes `size` (height, width) and `name` of the function are used where it has them.
    """

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self.size: tuple[int, int] | None = getattr(function, "size", None)
        name = getattr(function, "name", None) or getattr(function, "__qualname__", type(function).__qualname__)
        self.description: dict[str, Any] = {"kind": "function", "name": str(name)}

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """The vectors of pictures."""
        vectors = np.asarray(self.function(list(pictures)), np.float32)
        if vectors.ndim != 2 or len(vectors) != len(pictures):
            raise FirstlightError(
                f"Expected vectors ({len(pictures)}, d) from {self.description['name']}. Received {vectors.shape}."
            )
        return vectors

    def save(self, folder: Path) -> None:
        """No file holds a function."""

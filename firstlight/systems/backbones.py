"""Encoders: the convolutional networks of keras.applications, and a small one to train from scratch.

Each maps images (batch, height, width, 3), 0..255, to a grid (batch, rows, columns, channels), scaling included.
"""

import hashlib
import json
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from firstlight.errors import FirstlightError, nearest

__all__ = ["BACKBONES", "build", "copy_layer", "fingerprint", "names", "rebuild"]

# Name: (function of keras.applications, how it wants its input). "signed": -1..1; "normalized": 0..1, then ImageNet's
# mean and deviation; "bgr": blue first, mean subtracted; "inside": the network scales 0..255 itself.
BACKBONES = {
    "convnext_tiny": ("ConvNeXtTiny", "inside"),
    "convnext_small": ("ConvNeXtSmall", "inside"),
    "convnext_base": ("ConvNeXtBase", "inside"),
    "convnext_large": ("ConvNeXtLarge", "inside"),
    "convnext_xlarge": ("ConvNeXtXLarge", "inside"),
    "densenet121": ("DenseNet121", "normalized"),
    "densenet169": ("DenseNet169", "normalized"),
    "densenet201": ("DenseNet201", "normalized"),
    "efficientnet_b0": ("EfficientNetB0", "inside"),
    "efficientnet_b1": ("EfficientNetB1", "inside"),
    "efficientnet_b2": ("EfficientNetB2", "inside"),
    "efficientnet_b3": ("EfficientNetB3", "inside"),
    "efficientnet_b4": ("EfficientNetB4", "inside"),
    "efficientnet_b5": ("EfficientNetB5", "inside"),
    "efficientnet_b6": ("EfficientNetB6", "inside"),
    "efficientnet_b7": ("EfficientNetB7", "inside"),
    "efficientnet_v2_b0": ("EfficientNetV2B0", "inside"),
    "efficientnet_v2_b1": ("EfficientNetV2B1", "inside"),
    "efficientnet_v2_b2": ("EfficientNetV2B2", "inside"),
    "efficientnet_v2_b3": ("EfficientNetV2B3", "inside"),
    "efficientnet_v2_s": ("EfficientNetV2S", "inside"),
    "efficientnet_v2_m": ("EfficientNetV2M", "inside"),
    "efficientnet_v2_l": ("EfficientNetV2L", "inside"),
    "inception_resnet_v2": ("InceptionResNetV2", "signed"),
    "inception_v3": ("InceptionV3", "signed"),
    "mobilenet": ("MobileNet", "signed"),
    "mobilenet_v2": ("MobileNetV2", "signed"),
    "mobilenet_v3_small": ("MobileNetV3Small", "inside"),
    "mobilenet_v3_large": ("MobileNetV3Large", "inside"),
    "nasnet_mobile": ("NASNetMobile", "signed"),
    "nasnet_large": ("NASNetLarge", "signed"),
    "resnet50": ("ResNet50", "bgr"),
    "resnet101": ("ResNet101", "bgr"),
    "resnet152": ("ResNet152", "bgr"),
    "resnet50_v2": ("ResNet50V2", "signed"),
    "resnet101_v2": ("ResNet101V2", "signed"),
    "resnet152_v2": ("ResNet152V2", "signed"),
    "vgg16": ("VGG16", "bgr"),
    "vgg19": ("VGG19", "bgr"),
    "xception": ("Xception", "signed"),
}

_MEAN = (0.485, 0.456, 0.406)  # of ImageNet's red, green and blue, as shares of 255
_DEVIATION = (0.229, 0.224, 0.225)
_BGR_MEAN = (103.939, 116.779, 123.68)

_LEFT_OUT = object()  # stands for a layer that `rebuild` leaves out


def names() -> list[str]:
    """The networks that `build` knows, in alphabetical order."""
    return sorted(BACKBONES)


def build(name: str, image_size: int = 224, weights: str | Path | None = "imagenet") -> keras.Model:
    """A network of keras.applications without its classifier: images (batch, size, size, 3), 0..255, to a grid.

    `weights` is "imagenet" (Keras's cache, else its download), the path of a .h5, .weights.h5 or .keras file of that
    network with or without its classifier, or None for random ones. The scaling is part of the model, and all layers
    are stock Keras. A file for an EfficientNet is taken to be ImageNet's, to which Keras adds a scaling of its own.
    """
    if name not in BACKBONES:
        raise FirstlightError(
            f"Expected the name of a backbone. Received {name!r}.{nearest(name, BACKBONES)} "
            f"Known: {', '.join(names())}."
        )
    application, scaling = BACKBONES[name]
    network = _network(application, image_size, weights)
    if application.startswith("EfficientNetB") and weights not in ("imagenet", None):
        scaling = "efficientnet file"
    return rebuild(network, name, before=lambda images: _scale(images, scaling), replace=_stock)


def fingerprint(encoder: keras.Model) -> str:
    """The sha256 of a network's configuration and weights, in hexadecimal; names of layers do not count."""
    configuration = encoder.get_config()
    numbers = {encoder.name: 0}
    _number_layers(configuration, numbers)
    text = json.dumps(_without_names(configuration, numbers), sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode())
    for array in encoder.get_weights():
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def rebuild(
    model: keras.Model,
    name: str,
    *,
    before: Callable[[Any], Any] = lambda images: images,
    replace: Callable[[Any], tuple[Any, list[Any]] | None] | None = None,
) -> keras.Model:
    """A copy of a one-input functional model with its weights, `before` applied to its input, and layers replaced.

    `replace` gives, for a layer, the new one to put in its place and the arrays of its weights (`copy_layer` for most),
    or None to leave it out. No layer is shared with the original.
    """
    images = keras.Input(model.input_shape[1:], name="images")
    start = before(images)
    replace = replace or copy_layer
    weights: list[tuple[Any, list[Any]]] = []

    def clone(layer: Any) -> Any:
        found = replace(layer)
        if found is None:
            return _LEFT_OUT
        weights.append(found)
        return found[0]

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        arguments = keras.tree.map_structure(lambda x: start if x is images else x, arguments)
        if layer is _LEFT_OUT:
            return arguments[0]
        return layer(*arguments, **{key: value for key, value in options.items() if key not in ("mask", "training")})

    copy = keras.models.clone_model(model, input_tensors=images, clone_function=clone, call_function=call)
    for layer, arrays in weights:
        if arrays:
            layer.set_weights(arrays)
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # it computes with a copy of its weights, which set_weights leaves as it was
    return keras.Model(images, copy.output, name=name)


def copy_layer(layer: Any) -> tuple[Any, list[Any]]:
    """A new layer of the same configuration, and the arrays that become its weights once it is built."""
    return type(layer).from_config(layer.get_config()), layer.get_weights() if isinstance(layer, layers.Layer) else []


def _scale(images: Any, scaling: str) -> Any:
    if scaling == "signed":
        return layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(images)
    if scaling == "normalized":
        scale = [1 / (255 * deviation) for deviation in _DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
        return layers.Rescaling(scale, offset=offset, name="scale")(images)
    if scaling == "bgr":
        to_bgr = layers.Conv2D(3, 1, trainable=False, name="to_bgr")
        bgr = to_bgr(images)
        to_bgr.set_weights([np.eye(3, dtype="float32")[::-1].reshape(1, 1, 3, 3), -np.array(_BGR_MEAN, "float32")])
        return bgr
    if scaling == "efficientnet file":
        # keras/applications/efficientnet.py divides by the root of the deviation after its normalization, and only for
        # weights="imagenet". Before the normalization that is this.
        scale = [1 / math.sqrt(deviation) for deviation in _DEVIATION]
        offset = [255 * mean * (1 - factor) for mean, factor in zip(_MEAN, scale, strict=True)]
        return layers.Rescaling(scale, offset=offset, name="scale")(images)
    return images


def _stock(layer: Any) -> tuple[Any, list[Any]] | None:
    """The copy of a layer; for the two that only ConvNeXt has, a stock layer that computes the same, or none."""
    kind = type(layer).__name__
    if kind == "LayerScale":
        scale = layers.DepthwiseConv2D(1, use_bias=False, name=layer.name)
        return scale, [layer.get_weights()[0].reshape(1, 1, -1, 1)]
    return None if kind == "StochasticDepth" else copy_layer(layer)


def _number_layers(configuration: Any, numbers: dict[str, int]) -> None:
    """Give a number to the name of each layer and model in a configuration, in the order in which they stand there."""
    if isinstance(configuration, dict):
        inner = configuration.get("config")
        if isinstance(inner, dict) and "name" in inner and "DTypePolicy" not in str(configuration.get("class_name")):
            numbers.setdefault(inner["name"], len(numbers))
    if isinstance(configuration, dict | list | tuple):
        for value in configuration.values() if isinstance(configuration, dict) else configuration:
            _number_layers(value, numbers)


def _without_names(configuration: Any, numbers: dict[str, int]) -> Any:
    if isinstance(configuration, dict):
        return {str(key): _without_names(value, numbers) for key, value in configuration.items()}
    if isinstance(configuration, list | tuple):
        return [_without_names(value, numbers) for value in configuration]
    return (
        f"layer {numbers[configuration]}"
        if isinstance(configuration, str) and configuration in numbers
        else configuration
    )


def _network(application: str, image_size: int, weights: str | Path | None) -> keras.Model:
    """The application without its classifier, and the weights in it."""
    shape = (image_size, image_size, 3)
    if weights == "imagenet":
        return _download(application, shape)
    network = _construct(application, include_top=False, input_shape=shape)
    if weights is not None:
        _load(network, application, Path(weights))
    return network


def _construct(application: str, **options: Any) -> keras.Model:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*`input_shape` is undefined or non-square")
        try:
            return getattr(keras.applications, application)(**{"weights": None, **options})
        except ValueError as error:
            size = options.get("input_shape", ("none",))[0]
            raise FirstlightError(
                f"Expected an image_size that {application} takes. Received {size}: {str(error).splitlines()[0]}"
            ) from error


def _download(application: str, shape: tuple[int, int, int]) -> keras.Model:
    try:
        return _construct(application, include_top=False, input_shape=shape, weights="imagenet")
    except FirstlightError:
        raise
    except Exception as error:  # Keras raises a bare Exception where a download fails
        if "URL fetch failure on " not in str(error):
            raise
        address = str(error).split("URL fetch failure on ")[1].split(": ")[0]
        folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
        raise FirstlightError(
            f"Expected ImageNet weights for {application}. Received no answer from {address}. Put the file "
            f"{address.rsplit('/', 1)[-1]} into {folder}, or pass its path: --weights PATH."
        ) from error


def _load(network: keras.Model, application: str, path: Path) -> None:
    """Put the weights of a file into a network; the file may hold the classifier too."""
    if not path.is_file():
        raise FirstlightError(
            f"Expected a file of weights for {application}. Received {str(path)!r}, which is no file."
        )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Skipping nested container")  # Keras would go on without them
            network.set_weights(_read_weights(network, application, path))
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise FirstlightError(
            f"Expected the weights of {application} in a .h5, .weights.h5 or .keras file. "
            f"Received {path}, which does not fit: {str(error).strip().splitlines()[0]}"
        ) from error


def _read_weights(network: keras.Model, application: str, path: Path) -> Any:
    """The arrays of a file, in the order of the network's weights; those of a classifier come last and are cut off."""
    if path.suffix == ".keras":
        arrays = keras.models.load_model(path, compile=False).get_weights()
        if arrays and arrays[0].shape == (1, 1, 3, 3):  # a file of ours, which begins with the fixed `to_bgr`
            arrays = arrays[2:]
    else:
        arrays = _read_h5(network, application, path)
    return arrays[: len(network.weights)]


def _read_h5(network: keras.Model, application: str, path: Path) -> Any:
    try:
        network.load_weights(path)
        return network.get_weights()
    except (ValueError, KeyError, UserWarning):
        whole = _construct(application, include_top=True)
        whole.load_weights(path)
        return whole.get_weights()

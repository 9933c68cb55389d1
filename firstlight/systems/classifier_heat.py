"""Where a classifier looks: the pixels and the regions of an image that speak for a class.

A gradient says how the logit of the class changes: with each pixel, or with each channel of the last grid.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
from keras import ops

from firstlight.data.images import read
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.classifier_seeing import Explanation
from firstlight.systems.gradients import gradient_of
from firstlight.systems.pictures import image_name, pixels_of

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["explain", "grad_cams", "grid_layers", "has_grid", "last_grid", "layer_of", "pixels", "saliencies"]

Labels = str | None | Sequence[str | None]

_BATCH = 16  # images that are differentiated at once
_NOISE = 0.15  # of the range of an image's pixels; Smilkov et al. 2017 find 0.1 to 0.2 best

_halves: "WeakKeyDictionary[keras.Model, dict[str, tuple[keras.Model, keras.Model]]]" = WeakKeyDictionary()


def explain(classifier: "ImageClassifier", images: Sequence[Any], labels: Labels = None) -> list[Explanation]:
    """`ImageClassifier.explain` for several images, each with its label, or None for what it is told as."""
    classifier._require_fitted()
    pictures = pixels(classifier, images)
    found = classifier.predict(images)
    chosen = [label or each.label for label, each in zip(_each(labels, images), found, strict=True)]
    salient = saliencies(classifier, images, chosen)
    heat = grad_cams(classifier, images, chosen) if has_grid(classifier.network) else [None] * len(images)
    return [
        Explanation(
            image_name(images[place], place),
            label,
            dict(found[place].ranking)[label],
            found[place].ranking,
            pictures[place],
            _to_one(salient[place]),
            None if heat[place] is None else _to_one(heat[place]),
        )
        for place, label in enumerate(chosen)
    ]


def saliencies(
    classifier: "ImageClassifier", images: Sequence[Any], labels: Labels = None, smooth: int = 0, seed: int = 0
) -> list[np.ndarray]:
    """See `ImageClassifier.saliency`."""
    classifier._require_fitted()
    random = np.random.default_rng(seed)
    network = keras.Model(classifier.network.input, classifier.network.get_layer("logits").output)

    def of_pixels(shown: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return gradient_of(lambda x: ops.sum(ops.multiply(network(x, training=False), wanted), -1), shown)[1]

    found = []
    for shown, wanted in _batches(classifier, images, labels):
        spread = _NOISE * np.ptp(shown, axis=(1, 2, 3), keepdims=True)
        copies = [shown + spread * random.standard_normal(shown.shape).astype("float32") for _ in range(smooth)]
        mean = np.mean([of_pixels(copy, wanted) for copy in copies or [shown]], axis=0)
        found += list(np.abs(mean).max(-1))
    return found


def grad_cams(
    classifier: "ImageClassifier", images: Sequence[Any], labels: Labels = None, layer: str | None = None
) -> list[np.ndarray]:
    """See `ImageClassifier.grad_cam`."""
    classifier._require_fitted()
    to_grid, to_logits = _split(classifier.network, layer or last_grid(classifier.network))
    found = []
    for shown, wanted in _batches(classifier, images, labels):
        grid = np.array(ops.convert_to_numpy(to_grid(shown, training=False)), "float32")

        def logit(x: Any, wanted: np.ndarray = wanted) -> Any:
            return ops.sum(ops.multiply(to_logits(x, training=False), wanted), -1)

        weights = gradient_of(logit, grid)[1].mean((1, 2), keepdims=True)  # equation 1
        heat = np.maximum((weights * grid).sum(-1, keepdims=True), 0)  # equation 2
        size = classifier.shape[:2]
        enlarged = ops.image.resize(heat, size, interpolation="bilinear", data_format="channels_last")
        found += list(np.array(ops.convert_to_numpy(enlarged), "float32")[..., 0])
    return found


# -- layers with a grid ------------------------------------------------------------------------------------------


def layer_of(network: keras.Model, name: str) -> keras.Layer:
    """A layer by its name.

    Raises:
        FirstlightError: there is none.
    """
    known = [layer.name for layer in network.layers]
    if name not in known:
        raise FirstlightError(
            f"Expected the name of a layer. Received {name!r}.{nearest(name, known)} Known: {', '.join(known)}."
        )
    return network.get_layer(name)


def grid_layers(network: keras.Model) -> list[keras.Layer]:
    """The layers that give a grid (batch, rows, columns, channels), from the first convolution on."""
    layers = network.layers
    first = next((place for place, layer in enumerate(layers) if "Conv" in type(layer).__name__), len(layers))
    return [layer for layer in layers[first:] if len(layer.output.shape) == 4]


def has_grid(network: keras.Model) -> bool:
    """Whether the network has convolutions, and so regions."""
    return bool(grid_layers(network))


def last_grid(network: keras.Model) -> str:
    """The name of the last layer with a grid, before a pooling that only makes it coarser.

    Raises:
        FirstlightError: the network has none.
    """
    names = [layer.name for layer in grid_layers(network) if "Pooling" not in type(layer).__name__]
    if not names:
        raise FirstlightError(
            f"Expected a network with convolutions, whose last layers have regions. Received {network.name!r}, which "
            "has none. Use saliency, which works with any network."
        )
    return names[-1]


def _split(network: keras.Model, name: str) -> tuple[keras.Model, keras.Model]:
    """The network from the images to a layer's grid, and from there to the logits; made once for each layer."""
    there = _halves.setdefault(network, {})
    if name not in there:
        layer = layer_of(network, name)
        if layer not in grid_layers(network):
            raise FirstlightError(
                f"Expected a layer with a grid. Received {name!r}, which gives {layer.output.shape}. The last with one "
                f"is {last_grid(network)!r}."
            )
        try:
            rest = keras.Model(layer.output, network.get_layer("logits").output)
        except ValueError as error:  # Keras finds a way from the images to the logits that does not pass it
            raise FirstlightError(
                f"Expected a layer that every path through the network passes. Received {name!r}, which some pass by. "
                f"The last such layer is {last_grid(network)!r}."
            ) from error
        there[name] = keras.Model(network.input, layer.output), rest
    return there[name]


# -- images and labels -------------------------------------------------------------------------------------------


def pixels(classifier: "ImageClassifier", images: Sequence[Any]) -> np.ndarray:
    """What the network sees of images: (images, height, width, channels) uint8."""
    height, width, channels = classifier.shape
    return np.stack([pixels_of(read(image, (height, width)), channels) for image in images])


def _batches(classifier: "ImageClassifier", images: Sequence[Any], labels: Labels) -> Any:
    """Pixels of some images as float32, and for each the class that is asked for: (batch, classes) of 0 and 1."""
    known, given = classifier.classes, _each(labels, images)
    for label in given:
        if label is not None and label not in known:
            raise FirstlightError(
                f"Expected one of the classes {', '.join(known[:20])}{', ...' * (len(known) > 20)}. Received "
                f"{label!r}.{nearest(label, known)}"
            )
    for start in range(0, len(images), _BATCH):
        some, asked = images[start : start + _BATCH], given[start : start + _BATCH]
        if None in asked:
            told = classifier.probabilities(some).argmax(-1)
            asked = [label or known[place] for label, place in zip(asked, told, strict=True)]
        wanted = np.eye(len(known), dtype="float32")[[known.index(str(label)) for label in asked]]
        yield pixels(classifier, some).astype("float32"), wanted


def _each(labels: Labels, images: Sequence[Any]) -> list[str | None]:
    return [labels] * len(images) if labels is None or isinstance(labels, str) else list(labels)


def _to_one(heat: np.ndarray) -> np.ndarray:
    """Scaled so that the largest is 1; nothing stays nothing."""
    return heat / max(float(heat.max()), 1e-12)

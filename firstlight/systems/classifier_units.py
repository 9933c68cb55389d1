"""What the units of a classifier answer to: their weights, their maps, and the pictures that excite them most.

A unit is a channel of a layer with a grid, of which the mean counts, or a number of any other layer, such as a logit.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops
from scipy.ndimage import gaussian_filter

from firstlight.data.table import Split
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.classifier_heat import last_grid, layer_of, pixels
from firstlight.systems.classifier_seeing import Excited, Filters
from firstlight.systems.gradients import gradient_function
from firstlight.systems.pictures import Pictures

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["exciting", "feature_maps", "filters", "most_excited"]

_BATCH = 64
_STARTS = (127.5, 20.0)  # brightness that the ascent begins with; the better of the two is kept
_NOISE = 30.0  # deviation of the pixels there
_STRIDE = 30.0  # how far a pixel goes in the first step, on average; less and less after
_BLUR_EVERY, _BLUR = 4, 0.8  # steps, and pixels at first; less and less after
_FOR, _AGAINST = np.array([0.93, 0.45, 0.13]), np.array([0.13, 0.47, 0.71])  # orange and blue


def filters(classifier: "ImageClassifier") -> Filters:
    """See `ImageClassifier.filters`."""
    classifier._require_fitted()
    layer, kernel = _first_weights(classifier.network, classifier.shape)
    weights = np.moveaxis(kernel, -1, 0)
    names = classifier.classes if layer == "logits" else [str(number) for number in range(len(weights))]
    return Filters(layer, list(names), weights, _coloured(weights))


def feature_maps(classifier: "ImageClassifier", image: Any, layer: str | None = None) -> np.ndarray:
    """See `ImageClassifier.feature_maps`."""
    classifier._require_fitted()
    chosen = layer_of(classifier.network, layer or last_grid(classifier.network))
    if len(chosen.output.shape) != 4:
        raise FirstlightError(
            f"Expected a layer with a grid (rows, columns, channels). Received {chosen.name!r}, which gives "
            f"{tuple(chosen.output.shape[1:])}."
        )
    network = keras.Model(classifier.network.input, chosen.output)
    shown = pixels(classifier, [image]).astype("float32")
    return np.array(ops.convert_to_numpy(network(shown, training=False))[0], "float32")


def exciting(
    classifier: "ImageClassifier", layer: str, units: Sequence[str | int], steps: int, seed: int
) -> list[Excited]:
    """`ImageClassifier.exciting` for several units of a layer at once."""
    classifier._require_fitted()
    if steps < 1:
        raise FirstlightError(f"Expected steps to be 1 or more. Received {steps}.")
    network, numbers = _answers(classifier, layer), _numbers(classifier, layer, units)
    wanted = np.tile(np.eye(network.output.shape[-1], dtype="float32")[numbers], (len(_STARTS), 1))

    def answer(x: Any) -> Any:
        return ops.sum(ops.multiply(_mean(network(x, training=False)), wanted), -1)

    gradient = gradient_function(answer, compiled=steps > 4)
    shown = np.rint(_climb(gradient, classifier.shape, len(numbers), steps, seed)).astype(np.uint8)
    reached = gradient(shown.astype("float32"))[0].reshape(len(_STARTS), -1)
    best = reached.argmax(0)
    pictures = shown.reshape(len(_STARTS), -1, *classifier.shape)
    return [Excited(pictures[start, place], float(reached[start, place])) for place, start in enumerate(best)]


def _climb(gradient: Any, shape: tuple[int, int, int], count: int, steps: int, seed: int) -> np.ndarray:
    """Pictures (starts * count, height, width, channels), 0..255, that go up a gradient from noise."""
    random = np.random.default_rng(seed)
    x = np.repeat(_STARTS, count)[:, None, None, None] + _NOISE * random.standard_normal((len(_STARTS) * count, *shape))
    x = x.clip(0, 255)
    furthest = min(8, min(shape[:2]) // 12)
    for step in range(steps):
        left = 1 - step / steps
        shift = tuple(random.integers(-furthest, furthest + 1, 2))
        slope = np.roll(gradient(np.roll(x, shift, (1, 2)))[1], (-shift[0], -shift[1]), (1, 2))
        slope /= np.abs(slope).mean((1, 2, 3), keepdims=True) + 1e-12
        x = np.clip(x + _STRIDE * left * slope, 0, 255)
        if step % _BLUR_EVERY == 0 and step + _BLUR_EVERY < steps:
            x = gaussian_filter(x, (0, _BLUR * left, _BLUR * left, 0), mode="nearest")
    return x


def most_excited(
    classifier: "ImageClassifier", split: Split, layer: str, unit: str | int, k: int, progress: Any = None
) -> list[Excited]:
    """See `ImageClassifier.most_excited`."""
    classifier._require_fitted()
    network, (number,) = _answers(classifier, layer), _numbers(classifier, layer, [unit])
    pictures = Pictures(split.images, classifier.shape)
    answers = []
    for start in range(0, len(pictures), _BATCH):
        # One size for all batches, because a network is compiled for each size that it meets.
        places = np.resize(np.arange(start, min(start + _BATCH, len(pictures))), min(_BATCH, len(pictures)))
        given = network.predict_on_batch(pictures.take(places).astype("float32"))
        answers.append(np.array(ops.convert_to_numpy(_mean(given)), "float32")[: len(pictures) - start, number])
        if progress is not None:
            progress(min(start + _BATCH, len(pictures)))
    given = np.concatenate(answers)
    best = np.argsort(-given, kind="stable")[:k]
    shown = pictures.take(best)
    return [
        Excited(picture, float(given[place]), pictures.rows[place]) for place, picture in zip(best, shown, strict=True)
    ]


def _mean(answers: Any) -> Any:
    """Of a grid, the mean of each channel: (batch, units)."""
    return ops.mean(ops.cast(answers, "float32"), axis=(1, 2)) if len(answers.shape) == 4 else answers


def _answers(classifier: "ImageClassifier", layer: str) -> keras.Model:
    """The network from the images to a layer."""
    output = layer_of(classifier.network, layer).output
    if len(output.shape) not in (2, 4):
        raise FirstlightError(f"Expected a layer with units. Received {layer!r}, which gives {tuple(output.shape)}.")
    return keras.Model(classifier.network.input, output)


def _numbers(classifier: "ImageClassifier", layer: str, units: Sequence[str | int]) -> list[int]:
    """The places of units in their layer; those of the last layers have the names of the classes."""
    count = layer_of(classifier.network, layer).output.shape[-1]
    named = classifier.classes if layer in ("logits", "probabilities") else []
    found = []
    for unit in units:
        if isinstance(unit, str) and unit in named:
            found.append(named.index(unit))
        elif isinstance(unit, int | np.integer) and 0 <= unit < count:
            found.append(int(unit))
        else:
            known = f", or one of the classes {', '.join(named[:20])}" if named else ""
            raise FirstlightError(
                f"Expected a unit of {layer!r} from 0 to {count - 1}{known}. Received {unit!r}."
                f"{nearest(unit, named) if isinstance(unit, str) else ''}"
            )
    return found


# -- weights -----------------------------------------------------------------------------------------------------


def _first_weights(network: keras.Model, shape: tuple[int, int, int]) -> tuple[str, np.ndarray]:
    """The first layer that learns from pixels and its weights as (height, width, channels, units)."""
    for layer in network.layers:
        kind = type(layer).__name__
        if kind == "Conv2D" and tuple(layer.kernel_size) != (1, 1):  # one of 1x1 only brings colours into an order
            return layer.name, np.array(ops.convert_to_numpy(layer.kernel), "float32")
        if kind == "Dense" and layer.kernel.shape[0] == int(np.prod(shape)):
            return layer.name, np.array(ops.convert_to_numpy(layer.kernel), "float32").reshape(*shape, -1)
    raise FirstlightError(
        f"Expected a network that begins with a convolution or a dense layer. Received {network.name!r}, which does "
        "not. Its layers are in classifier.network.layers."
    )


def _coloured(weights: np.ndarray) -> np.ndarray:
    """Weights (units, height, width, channels) as pictures (units, height, width, 3), each by its own largest."""
    scaled = weights / np.maximum(np.abs(weights).max((1, 2, 3), keepdims=True), 1e-12)
    if weights.shape[-1] == 3:
        pictures = 0.5 + 0.5 * scaled
    else:
        signed = scaled.mean(-1, keepdims=True)
        pictures = 1 - np.abs(signed) * (1 - np.where(signed > 0, _FOR, _AGAINST))
    return np.rint(255 * pictures).astype(np.uint8)

"""The networks of the autoencoder, of stock Keras layers: an encoder from pictures to codes, and a decoder back.

Both may have a straight way beside the bent one: a single matrix, which begins as the principal components, so that
the rest only has to learn what these miss. A dense pair may see and draw pictures as many principal components, which
leaves out what few pictures cannot teach. Scaling is part of both: pictures are 0..255 on both sides.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from firstlight.metrics import PrincipalComponents
from firstlight.systems.batch_normalization import FusedBatchNormalization

__all__ = ["ARCHITECTURES", "AutoencoderPlan", "begin_from", "build_decoder", "build_encoder", "centre"]

ARCHITECTURES = ("linear", "dense", "conv", "deep")

_SMALLEST = 3  # pixels: a grid is not halved below this side
_STAGES = 4  # how often it is halved at most
_SMALL_START = 0.1  # what the last weights of the bent way are multiplied by where there is a straight one
_BENT = {"none": None, "l1": "relu", "kl": "sigmoid"}  # what the units of a sparse code are passed through


@dataclass(frozen=True)
class AutoencoderPlan:
    """What fixes the shape of both networks.

    Args:
        architecture: one of `ARCHITECTURES`.
        shape: (height, width, channels) of the pictures.
        code: units of the code.
        width: channels of the first stage, or units of each layer of a dense one.
        depth: layers of a dense one; convolutions a stage, or residual blocks of a deep one.
        straight: a matrix beside the network, from pixels to code and from code to pixels.
        basis: principal components as which a dense pair sees and draws pictures; 0 for pixels.
        variational: the encoder gives mean and logarithm of the variance.
        sparsity: `none`, `l1` or `kl`.
        bounded: the decoder ends in a sigmoid.
        dropout: share of the units dropped before the code while training.
        precision: Keras dtype policy of what lies between the first and the last layer.
    """

    architecture: str
    shape: tuple[int, int, int]
    code: int
    width: int
    depth: int
    straight: bool = False
    basis: int = 0
    variational: bool = False
    sparsity: str = "none"
    bounded: bool = False
    dropout: float = 0.0
    precision: str = "float32"

    @property
    def grids(self) -> list[tuple[int, int]]:
        """Height and width of each stage, the pictures first."""
        found = [self.shape[:2]]
        while min(found[-1]) // 2 >= _SMALLEST and len(found) <= _STAGES - (self.architecture == "conv"):
            height, width = found[-1]
            found.append((-(-height // 2), -(-width // 2)))
        return found


def build_encoder(plan: AutoencoderPlan, training: bool = False) -> keras.Model:
    """Pictures (batch, height, width, channels) 0..255 -> codes (batch, code), and for a variational one also the
    logarithms of their variances.

    With `training`, normalizations are fused; the weights are the same, in the same order.
    """
    parts = _Parts(plan, training)
    images = keras.Input(plan.shape, name="images")
    scaled = layers.Rescaling(1 / 255, name="scale")(images)
    if plan.architecture == "linear":
        codes = layers.Dense(plan.code, name="code")(layers.Flatten(name="pixels")(scaled))
        return keras.Model(images, codes, name="encoder")
    seen = parts.seen(scaled)
    x = parts.narrow(seen)
    if plan.dropout:
        x = layers.Dropout(plan.dropout, name="dropout")(x)
    codes = layers.Dense(plan.code, name="bent_code", dtype="float32")(x)
    if plan.straight:
        flat = seen if plan.basis else layers.Flatten(name="pixels")(scaled)
        straight = layers.Dense(plan.code, name="straight_code", dtype="float32")(flat)
        codes = layers.Add(name="code", dtype="float32")([straight, codes])
    bend = _BENT[plan.sparsity]
    if bend:
        codes = layers.Activation(bend, name="sparse_code", dtype="float32")(codes)
    if not plan.variational:
        return keras.Model(images, codes, name="encoder")
    # Variances begin small: a code that is mostly noise would teach the decoder to look away.
    start = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(-3.0)}
    variances = layers.Dense(plan.code, name="log_variance", dtype="float32", **start)(x)
    return keras.Model(images, [codes, variances], name="encoder")


def build_decoder(plan: AutoencoderPlan, training: bool = False) -> keras.Model:
    """Codes (batch, code) -> pictures (batch, height, width, channels), 0..255 and, without a bound, beyond."""
    parts = _Parts(plan, training)
    codes = keras.Input((plan.code,), name="codes")
    values = int(np.prod(plan.shape))
    if plan.architecture == "linear":
        x = layers.Reshape(plan.shape, name="grid")(layers.Dense(values, name="pixels")(codes))
    else:
        x = parts.widen(codes)
        if plan.straight:
            straight = layers.Dense(plan.basis or values, name="straight_pixels", dtype="float32")(codes)
            if not plan.basis:
                straight = layers.Reshape(plan.shape, name="straight_grid", dtype="float32")(straight)
            x = layers.Add(name="both", dtype="float32")([straight, x])
        if plan.basis:
            x = layers.Dense(values, name="basis", trainable=False)(x)
            x = layers.Reshape(plan.shape, name="grid")(x)
    if plan.bounded:
        x = layers.Activation("sigmoid", name="bounded", dtype="float32")(x)
    return keras.Model(codes, layers.Rescaling(255.0, name="scale", dtype="float32")(x), name="decoder")


def begin_from(
    encoder: keras.Model, decoder: keras.Model, components: PrincipalComponents, plan: AutoencoderPlan
) -> None:
    """Let the basis be principal components, and the straight ways lead to the first of them, each unit of variance 1.

    The bent ways begin small. Units beyond the number of components begin at nothing.
    """
    kept = components.first(plan.code)
    spread = np.sqrt(kept.variances)
    code, count = plan.code, len(kept.variances)
    if plan.basis:
        # Seen alike from the code's size on; smaller ones stay smaller, for they are mostly noise.
        scale = 1 / np.sqrt(components.variances + components.variances[min(count, len(components.variances)) - 1])
        directions = components.components.T * scale
        encoder.get_layer("basis").set_weights([directions, -components.mean @ directions])
        decoder.get_layer("basis").set_weights([components.components, components.mean])
        there = np.zeros((plan.basis, code), "float32")
        back = np.zeros((code, plan.basis), "float32")
        there[range(count), range(count)] = 1 / (scale[:count] * spread)
        back[range(count), range(count)] = spread
        start, end = np.zeros(code, "float32"), np.zeros(plan.basis, "float32")
    elif plan.straight:
        there, back = (
            np.zeros((len(components.mean), code), "float32"),
            np.zeros((code, len(components.mean)), "float32"),
        )
        there[:, :count], back[:count] = kept.components.T / spread, kept.components * spread[:, None]
        start, end = -kept.mean @ there, kept.mean
    if plan.straight:
        encoder.get_layer("straight_code").set_weights([there, start])
        decoder.get_layer("straight_pixels").set_weights([back, end])
        for network, name in ((encoder, "bent_code"), (decoder, "bent_pixels")):
            layer = network.get_layer(name)
            layer.set_weights([_SMALL_START * value for value in layer.get_weights()])


def centre(encoder: keras.Model, decoder: keras.Model, mean: np.ndarray) -> None:
    """Let a linear pair give back the mean picture (values,) at first, or a unit of the code would be lost to that."""
    reading, drawing = encoder.get_layer("code"), decoder.get_layer("pixels")
    kernel = reading.get_weights()[0]
    reading.set_weights([kernel, -mean @ kernel])
    drawing.set_weights([drawing.get_weights()[0], mean])


class _Parts:
    """The parts of both networks, each the mirror image of the other."""

    def __init__(self, plan: AutoencoderPlan, training: bool):
        self.plan = plan
        self.normalization = FusedBatchNormalization if training else layers.BatchNormalization
        self.options: dict[str, Any] = {"dtype": plan.precision}

    def seen(self, scaled: Any) -> Any:
        """What the bent way sees of pictures from 0 to 1: principal components, or pixels around zero."""
        if self.plan.basis:
            flat = layers.Flatten(name="pixels")(scaled)
            return layers.Dense(self.plan.basis, name="basis", trainable=False)(flat)
        return layers.Rescaling(2.0, offset=-1.0, name="centre")(scaled)

    def narrow(self, x: Any) -> Any:
        """From what is seen to the features from which the code is read, (batch, units)."""
        plan = self.plan
        if plan.architecture == "dense":
            x = x if plan.basis else layers.Flatten(name="flat", **self.options)(x)
            for _ in range(plan.depth):
                x = self._dense(x, plan.width)
            return x
        for stage in range(1, len(plan.grids)):
            x = self._convolve(x, self._channels(stage), strides=2)
            x = self._refine(x, self._channels(stage))
        return layers.Flatten(name="flat", **self.options)(x)

    def widen(self, codes: Any) -> Any:
        """From codes to principal components or pixels, float32."""
        plan = self.plan
        if plan.architecture == "dense":
            x = codes
            for _ in range(plan.depth):
                x = self._dense(x, plan.width)
            x = layers.Dense(plan.basis or int(np.prod(plan.shape)), name="bent_pixels", dtype="float32")(x)
            return x if plan.basis else layers.Reshape(plan.shape, name="grid", dtype="float32")(x)
        last = len(plan.grids) - 1
        x = self._dense(codes, int(np.prod(plan.grids[last])) * self._channels(last))
        x = layers.Reshape((*plan.grids[last], self._channels(last)), name="grid", **self.options)(x)
        for stage in reversed(range(last)):
            x = self._refine(x, self._channels(stage + 1))
            x = self._enlarge(x, plan.grids[stage])
            x = self._convolve(x, self._channels(stage))
        return layers.Conv2D(plan.shape[2], 3, padding="same", name="bent_pixels", dtype="float32")(x)

    def _channels(self, stage: int) -> int:
        """Twice as many a stage; half as many at full size, where convolutions cost most."""
        return max(4, self.plan.width >> 1) if not stage else self.plan.width << (stage - 1)

    def _dense(self, x: Any, units: int) -> Any:
        x = layers.Dense(units, **self.options)(x)
        return layers.Activation("silu", **self.options)(x)

    def _convolve(self, x: Any, channels: int, strides: int = 1) -> Any:
        x = layers.Conv2D(channels, 3, strides, padding="same", use_bias=False, **self.options)(x)
        x = self.normalization(momentum=0.9, **self.options)(x)
        return layers.Activation("silu", **self.options)(x)

    def _refine(self, x: Any, channels: int) -> Any:
        """More convolutions on the same grid; in a deep network as residual blocks (He et al. 2016)."""
        if self.plan.architecture == "conv":
            for _ in range(self.plan.depth - 1):
                x = self._convolve(x, channels)
            return x
        for _ in range(self.plan.depth):
            x = layers.Add(**self.options)([x, self._convolve(self._convolve(x, channels), channels)])
        return x

    def _enlarge(self, x: Any, grid: tuple[int, int]) -> Any:
        """Twice the grid by repeating, and cut to the size that the encoder had here."""
        x = layers.UpSampling2D(**self.options)(x)
        over = x.shape[1] - grid[0], x.shape[2] - grid[1]
        return layers.Cropping2D(((0, over[0]), (0, over[1])), **self.options)(x) if any(over) else x

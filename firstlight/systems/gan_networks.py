"""The two networks of a GAN, of stock Keras layers: a generator from random numbers to pictures, and its judge.

They follow Radford, Metz and Chintala 2016 (DCGAN): convolutions with strides, and no pooling. Scaling is part of both:
pictures are 0..255 on both sides. The judge ends in a number that is larger the more a picture looks real to it.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from firstlight.systems.batch_normalization import FusedBatchNormalization
from firstlight.systems.gan_spectral import SpectralConv2D, SpectralDense, folded_weights

__all__ = ["GanPlan", "build_discriminator", "build_generator", "stock_discriminator", "stock_generator"]

_SMALLEST = 4  # pixels: a grid is not halved below this side
_STAGES = 4  # how often it is halved at most
_SLOPE = 0.2  # of leaky units below 0 (Radford et al. 2016, section 3)


@dataclass(frozen=True)
class GanPlan:
    """What fixes the shape of both networks.

    Args:
        shape: (height, width, channels) of the pictures.
        latent: random numbers from which a picture is drawn.
        width: channels of the finest stage but one; each coarser one has twice as many.
        classes: labels that a picture is drawn for; 0 for none.
        spectral: hold the largest singular value of each kernel of the discriminator at 1.
        precision: Keras dtype policy of what lies between the first and the last layer.
    """

    shape: tuple[int, int, int]
    latent: int
    width: int
    classes: int = 0
    spectral: bool = False
    precision: str = "float32"

    @property
    def grids(self) -> list[tuple[int, int]]:
        """Height and width of each stage, the pictures first."""
        found = [self.shape[:2]]
        while min(found[-1]) // 2 >= _SMALLEST and len(found) <= _STAGES:
            height, width = found[-1]
            found.append((-(-height // 2), -(-width // 2)))
        return found

    def channels(self, stage: int) -> int:
        """Of the feature maps of a stage; stage 0 has the size of the pictures."""
        return max(4, self.width >> 1) if not stage else self.width << (stage - 1)


def build_generator(plan: GanPlan, training: bool = False) -> keras.Model:
    """Random numbers (batch, latent), and labels (batch,) where there are classes -> pictures, 0..255.

    With `training`, normalizations are fused; the weights are the same, in the same order.
    """
    options: dict[str, Any] = {"dtype": plan.precision}
    normalization = FusedBatchNormalization if training else layers.BatchNormalization

    def bend(x: Any) -> Any:
        return layers.ReLU(**options)(normalization(momentum=0.9, **options)(x))

    latent = keras.Input((plan.latent,), name="latent")
    inputs, x = [latent], latent
    if plan.classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs.append(label)
        x = layers.Concatenate(name="wanted")(
            [latent, layers.Embedding(plan.classes, plan.latent, name="class")(label)]
        )
    last = len(plan.grids) - 1
    rows, columns = plan.grids[last]
    start = plan.channels(last + 1)
    x = layers.Dense(rows * columns * start, use_bias=False, **options)(x)
    x = bend(layers.Reshape((rows, columns, start), name="grid", **options)(x))
    for stage in reversed(range(last)):
        x = layers.Conv2DTranspose(plan.channels(stage + 1), 4, 2, padding="same", use_bias=False, **options)(x)
        x = bend(_cut(x, plan.grids[stage], options))
    x = layers.Conv2D(plan.shape[2], 3, padding="same", name="pixels", **options)(x)
    x = layers.Activation("tanh", name="bounded", dtype="float32")(x)
    pictures = layers.Rescaling(127.5, offset=127.5, name="scale", dtype="float32")(x)
    return keras.Model(inputs if plan.classes else latent, pictures, name="generator")


def _cut(x: Any, grid: tuple[int, int], options: dict[str, Any]) -> Any:
    """Without the last row or column where a grid of odd size was doubled."""
    over = x.shape[1] - grid[0], x.shape[2] - grid[1]
    return layers.Cropping2D(((0, over[0]), (0, over[1])), **options)(x) if any(over) else x


def build_discriminator(plan: GanPlan, training: bool = False) -> keras.Model:
    """Pictures (batch, height, width, channels) 0..255, and labels (batch,) where there are classes -> (batch, 1).

    A label counts by the product of its own vector with the features (Miyato and Koyama 2018, equation 4). With
    `training` and a spectral plan the layers are those of `gan_spectral`.
    """
    options: dict[str, Any] = {"dtype": plan.precision}
    special = training and plan.spectral
    convolution, dense = (SpectralConv2D, SpectralDense) if special else (layers.Conv2D, layers.Dense)
    pictures = keras.Input(plan.shape, name="pictures")
    inputs, x = [pictures], layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pictures)
    for stage in range(1, len(plan.grids)):
        # Twice as wide as the generator here: one that tells too little leaves pictures that look only nearly real.
        x = convolution(plan.channels(stage + 1), 4, 2, padding="same", **options)(x)
        x = layers.LeakyReLU(_SLOPE, **options)(x)
    x = convolution(plan.channels(len(plan.grids)), 3, padding="same", **options)(x)
    x = layers.LeakyReLU(_SLOPE, **options)(x)
    x = layers.Flatten(name="features", **options)(x)
    score = dense(1, name="real", dtype="float32")(x)
    if plan.classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs.append(label)
        units = layers.Dense(plan.channels(1), name="seen", dtype="float32")(x)
        wanted = layers.Embedding(plan.classes, plan.channels(1), name="class")(label)
        fits = layers.Dot(1, name="fits", dtype="float32")([units, wanted])
        score = layers.Add(name="score", dtype="float32")([score, fits])
    return keras.Model(inputs if plan.classes else pictures, score, name="discriminator")


def stock_generator(plan: GanPlan, trained: keras.Model) -> keras.Model:
    """A trained generator in layers of Keras alone."""
    network = build_generator(plan)
    network.set_weights(trained.get_weights())
    return network


def stock_discriminator(plan: GanPlan, trained: keras.Model) -> keras.Model:
    """A trained discriminator in layers of Keras alone, its kernels as they were used."""
    network = build_discriminator(plan)
    network.set_weights(folded_weights(trained))
    return network

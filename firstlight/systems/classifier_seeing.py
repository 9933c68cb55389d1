"""What a trained classifier lets one see: where it looks in an image, and what its units answer to.

The work is done in `classifier_heat` and `classifier_units`, which load Keras.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.table import Split

if TYPE_CHECKING:
    import keras

__all__ = ["Excited", "Explanation", "Filters", "Seeing"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why an image was told as it was.

    `picture` (height, width, channels) uint8 is what the network saw, `label` what is explained, with its
    `probability`, `ranking` all classes with theirs. `saliency` and `grad_cam` (height, width) float32 run from 0 to 1;
    a network without a grid has no `grad_cam`.
    """

    name: str
    label: str
    probability: float
    ranking: list[tuple[str, float]]
    picture: np.ndarray
    saliency: np.ndarray
    grad_cam: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Filters:
    """The first weights of a network: their `layer`, a name for each unit, `weights` (units, height, width, channels)
    float32, and `pictures` of them (units, height, width, 3) uint8.
    """

    layer: str
    names: list[str]
    weights: np.ndarray
    pictures: np.ndarray


@dataclass(frozen=True, eq=False)
class Excited:
    """A picture (height, width, channels) of uint8 and how far it excites a unit; `row` is its place in a split, if it
    comes from one.
    """

    picture: np.ndarray
    activation: float
    row: int | None = None


class Seeing:
    """The part of `ImageClassifier` that shows what it learned. Images are paths or arrays, as for `classify`."""

    network: "keras.Model"
    classes: list[str]
    shape: tuple[int, int, int]

    def explain(self, image: Any, label: str | None = None) -> Explanation:
        """Which class an image is told as, and which of its pixels and regions speak for it, or for `label`."""
        from firstlight.systems.classifier_heat import explain

        return explain(self, [image], label)[0]

    def saliency(self, image: Any, label: str | None = None, *, smooth: int = 0, seed: int = 0) -> np.ndarray:
        """How far the logit of a class changes with each pixel, the strongest channel: (height, width) float32.

        Args:
            image: a path or an array.
            label: the class; by default the one that the image is told as.
            smooth: noisy copies over which the gradient is averaged; 0 takes the image as it is.
            seed: of the noise.

        Source: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2014, section 3.1; `smooth`:
        Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017.
        """
        from firstlight.systems.classifier_heat import saliencies

        return saliencies(self, [image], label, smooth, seed)[0]

    def grad_cam(self, image: Any, label: str | None = None, *, layer: str | None = None) -> np.ndarray:
        """Which regions speak for a class: (height, width) float32, 0 and more, enlarged from the grid of a layer.

        Args:
            image: a path or an array.
            label: the class; by default the one that the image is told as.
            layer: a layer with a grid that every path through the network passes; by default the last before pooling.

        Raises:
            FirstlightError: the network, or the layer, has no such grid.

        Source: Selvaraju et al., "Grad-CAM", 2017, equations 1 and 2.
        """
        from firstlight.systems.classifier_heat import grad_cams

        return grad_cams(self, [image], label, layer)[0]

    def filters(self) -> Filters:
        """The weights of the first convolution, or of the first dense layer where there is none, as pictures.

        Of colour images, grey is zero; of grey ones, orange speaks for and blue against.
        """
        from firstlight.systems.classifier_units import filters

        return filters(self)

    def feature_maps(self, image: Any, layer: str | None = None) -> np.ndarray:
        """What the units of a layer with a grid answer to an image: (rows, columns, channels) float32.

        `layer` is by default the last before pooling.
        """
        from firstlight.systems.classifier_units import feature_maps

        return feature_maps(self, image, layer)

    def exciting(self, layer: str = "logits", unit: str | int = 0, *, steps: int = 64, seed: int = 0) -> Excited:
        """The picture that excites a unit most, found from noise by going up the gradient.

        Args:
            layer: by default the last, whose units are the classes; of a layer with a grid, the mean of a channel.
            unit: its number, or the name of a class.
            steps: of the ascent; the picture is shifted at random before each and blurred a little after some.
            seed: of the noise and the shifts.

        Source: Erhan et al., "Visualizing higher-layer features of a deep network", 2009.
        """
        from firstlight.systems.classifier_units import exciting

        return exciting(self, layer, [unit], steps, seed)[0]

    def most_excited(
        self, split: Split, layer: str = "logits", unit: str | int = 0, k: int = 9, *, progress: Any = None
    ) -> list[Excited]:
        """The images of a split that excite a unit most, the strongest first; those that cannot be read are left out.

        `layer` and `unit` are as for `exciting`; `progress` is called with the number of images that are done.
        """
        from firstlight.systems.classifier_units import most_excited

        return most_excited(self, split, layer, unit, k, progress)

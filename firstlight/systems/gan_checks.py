"""Checks against silent failure of a GAN: that it learned, draws more than one picture, and was not left behind.

They look at some training images alone, so that no image that it is judged by is used up.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from firstlight.data.table import Split
from firstlight.metrics import frechet_distance, variety
from firstlight.systems.autoencoder_training import in_batches
from firstlight.systems.gan_alarms import COLLAPSED, WINS
from firstlight.systems.gan_course import untrained
from firstlight.systems.gan_losses import threshold
from firstlight.systems.gan_pictures import draw, latents
from firstlight.systems.pictures import Pictures, spread

if TYPE_CHECKING:
    from firstlight.systems.gan import GAN

__all__ = ["self_checks"]

_IMAGES = 1000
_LEARNED = 0.5  # of the distance of an untrained generator
_SEED = 777


def self_checks(gan: "GAN", train: Split) -> list[dict[str, Any]]:
    """What `GAN.self_checks` tells: `name`, `passed` and `message` of each check."""
    rows = spread(range(len(train)), _IMAGES)
    some = Pictures([train.images[row] for row in rows], gan.shape)
    real = some.take(np.arange(len(some)))
    numbers = latents(max(len(real), 2), gan.latent, _SEED)
    drawn = gan.generate(numbers)
    labels = np.resize(np.arange(len(gan.classes)), len(numbers)) if gan.conditional else None
    features = gan.space.features(real)
    if len(features) < 2:
        return []
    own = gan.space.features(drawn)
    begun = frechet_distance(features, gan.space.features(draw(untrained(gan, _SEED), numbers, labels)))
    return [
        _learned(frechet_distance(features, own), begun),
        _varied(variety(features, own)),
        _balanced(gan, real, drawn[: len(real)]),
    ]


def _learned(distance: float, begun: float) -> dict[str, Any]:
    told = f"its pictures are {distance:.3g} from training images, those of an untrained generator {begun:.3g}"
    return {"name": "learned", "passed": distance < _LEARNED * begun, "message": told}


def _varied(share: float) -> dict[str, Any]:
    told = f"the variety of its pictures is {share:.0%} of that of the training images"
    return {"name": "variety", "passed": share >= COLLAPSED, "message": told}


def _balanced(gan: "GAN", real: np.ndarray, drawn: np.ndarray) -> dict[str, Any]:
    """Whether the discriminator could still be deceived when training ended; nobody can tell of one with labels.

    Of a conditional one the right label would be needed for each picture.
    """
    if gan.conditional:
        return {"name": "balance", "passed": None, "message": "not looked at where the discriminator sees labels"}

    def score(pictures: np.ndarray) -> np.ndarray:
        def given(places: np.ndarray) -> Any:
            return gan.discriminator.predict_on_batch(pictures[places].astype("float32"))

        return np.asarray(in_batches(given, len(pictures), int(np.prod(gan.shape))))

    of_real, of_drawn = score(real), score(drawn)
    middle = float(ops.convert_to_numpy(threshold(gan.loss, of_real, of_drawn)))
    right = float((of_real > middle).mean()), float((of_drawn < middle).mean())
    told = f"the discriminator tells {right[0]:.0%} of real and {right[1]:.0%} of drawn pictures"
    return {"name": "balance", "passed": min(right) < WINS, "message": told}

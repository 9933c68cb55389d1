"""How good the pictures of a GAN are: by real images that it never saw, beside what real and untrained ones reach.

Loss curves say nothing of this. Everything is measured in the feature space of the run, with as many pictures on both
sides.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.metrics import fidelity, frechet_distance, memorisation, variety
from firstlight.systems.gan_course import untrained
from firstlight.systems.gan_pictures import draw, latents
from firstlight.systems.pictures import Pictures, spread

if TYPE_CHECKING:
    from firstlight.systems.gan import GAN

__all__ = ["evaluate"]

_MOST = 5000  # pictures of each side
_NEIGHBOURS = 2000  # of each side for precision and the check for copies, whose time grows with the square
_VALUES = 1 << 28  # numbers of training images in which copies are looked for: a gigabyte
_LEAST = 12  # images of a split: two halves with six each


def evaluate(gan: "GAN", split: Split, train: Split | None = None, seed: int = 0) -> dict[str, Any]:
    """See `GAN.evaluate`."""
    lines: list[str] = []
    real = Pictures(split.images, gan.shape, lines.append)
    if len(real) < _LEAST:
        raise FirstlightError(
            f"Expected {_LEAST} images or more to judge by. Received {len(real)}. Name another split."
        )
    order = np.random.default_rng(seed).permutation(len(real))
    half = min(_MOST, len(real) // 2)
    pictures = real.take(np.sort(order[: 2 * half]))
    places = np.random.default_rng(seed).permutation(2 * half)
    sides = pictures[places[:half]], pictures[places[half:]]
    drawn = gan.sample(half, seed=seed)
    features = [gan.space.features(side) for side in sides]
    own, shares = gan.space.see(drawn)
    first = untrained(gan, seed)
    labels = np.resize(np.arange(len(gan.classes)), half) if gan.conditional else None
    begun = gan.space.features(draw(first, latents(half, gan.latent, seed), labels))
    few = min(_NEIGHBOURS, half)
    found = fidelity(features[0][:few], own[:few])
    report: dict[str, Any] = {
        # Both halves, so that the figure does not hang on how the images were divided.
        "frechet_distance": float(np.mean([frechet_distance(side, own) for side in features])),
        "frechet_halves": frechet_distance(*features),
        "frechet_untrained": float(np.mean([frechet_distance(side, begun) for side in features])),
        "precision": found.precision,
        "recall": found.recall,
        "density": found.density,
        "coverage": found.coverage,
        "variety": variety(features[0], own),
    }
    if train is not None:
        report |= _copies(gan, drawn[:few], sides[0][:few], own[:few], features[0][:few], train)
    if shares is not None:
        counts = np.bincount(shares.argmax(axis=1), minlength=len(gan.space.classes))
        report["class_shares"] = dict(zip(gan.space.classes, (counts / half).tolist(), strict=True))
    return {**report, "pictures": half, "space": gan.space.name, "passed_over": lines}


def _copies(
    gan: "GAN", drawn: np.ndarray, real: np.ndarray, own: np.ndarray, features: np.ndarray, train: Split
) -> dict[str, float | None]:
    """Whether drawn pictures are copies of training images, by pixels and by features."""
    pictures = Pictures(train.images, gan.shape)
    most = max(1, _VALUES // int(np.prod(gan.shape)))
    every = pictures.take(np.array(spread(range(len(pictures)), most)))
    rows = [part.reshape(len(part), -1).astype("float32") / np.float32(255) for part in (drawn, real, every)]
    by_pixels = memorisation(*rows)
    by_features = memorisation(own, features, gan.space.features(every))
    found = {
        "nearest_ratio": by_pixels.ratio,
        "nearer": by_pixels.nearer,
        "nearest_ratio_features": by_features.ratio,
        "nearer_features": by_features.nearer,
    }
    # Of images that come twice nothing can be said, and JSON has no infinity.
    return {name: value if np.isfinite(value) else None for name, value in found.items()}

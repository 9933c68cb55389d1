"""What the autoencoder is shown and what it is to give back: pictures in shuffled batches, mirrored, moved, with noise.

Everything drawn comes from the seed and the epoch, so that a training that is taken up again sees the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from firstlight.data.moving import moved, relit
from firstlight.metrics import principal_components
from firstlight.systems.autoencoder_noise import with_noise
from firstlight.systems.autoencoder_preparation import Part

__all__ = ["Supply", "is_symmetric"]

_LOOKED_AT = 1000  # pictures by which is decided whether mirror images are like pictures
_UNITS = 16  # principal components by which they are compared
_ALIKE = 1.15  # times the error of pictures that mirror images may have


@dataclass(frozen=True)
class Supply:
    """The training pictures in batches of one size, in another order each epoch; what is left over waits for another.

    Args:
        pictures: what to learn.
        batch_size: pictures a batch.
        seed: of all that is drawn.
        mirror: mirror every other picture, by chance.
        move: shift, magnify and turn each a little, and change its light, see `firstlight.data.moving`.
        noise: what is done to the pictures that are shown, see `autoencoder_noise`; never to those that are wanted.
        strength: of the noise.
        draws: standard normal numbers an image, for the code of a variational autoencoder; 0 for none.
    """

    pictures: Part
    batch_size: int
    seed: int
    mirror: bool = False
    move: bool = False
    noise: str = "none"
    strength: float = 0.0
    draws: int = 0

    def count(self) -> int:
        """Batches in an epoch."""
        return max(1, len(self.pictures) // self.batch_size)

    def epoch(self, number: int) -> Iterator[dict[str, np.ndarray]]:
        """The batches of an epoch; of fewer pictures than a batch, one batch in which some come twice.

        Each holds `shown` and `wanted`, (batch, height, width, channels) float32 0..255, and `draws` (batch, code).
        """
        random = np.random.default_rng((self.seed, number))
        order = random.permutation(len(self.pictures))
        order = np.resize(order, max(len(order), self.batch_size))
        for start in range(0, self.count() * self.batch_size, self.batch_size):
            wanted = self._changed(self.pictures.take(order[start : start + self.batch_size]), random)
            wanted = wanted.astype("float32")
            shown = wanted
            if self.noise != "none":
                shown = 255 * with_noise(wanted / np.float32(255), self.noise, self.strength, random)
            draws = random.standard_normal((len(wanted), self.draws), dtype=np.float32)
            yield {"shown": shown, "wanted": wanted, "draws": draws}

    def _changed(self, pictures: np.ndarray, random: Any) -> np.ndarray:
        if self.mirror:
            turned = random.random(len(pictures)) < 0.5
            pictures = np.where(turned[:, None, None, None], pictures[:, :, ::-1], pictures)
        return relit(moved(pictures, random), random) if self.move else pictures


def is_symmetric(pictures: Part) -> bool:
    """Whether mirror images are like pictures, as those of faces are and those of digits are not.

    Half of some pictures give principal components, which must explain the mirror images of the other half nearly as
    well as that half itself.
    """
    places = np.unique(np.linspace(0, len(pictures) - 1, min(_LOOKED_AT, len(pictures))).round().astype(int))
    some = pictures.take(places)
    if len(some) < 4:
        return True  # nothing speaks against it
    values = (some / np.float32(255)).astype("float32")
    known, others = values[::2].reshape(len(values[::2]), -1), values[1::2]
    components = principal_components(known, _UNITS)

    def error(rows: np.ndarray) -> float:
        flat = rows.reshape(len(rows), -1)
        return float(np.square(components.inverse_transform(components.transform(flat)) - flat).mean())

    return error(others[:, :, ::-1]) <= _ALIKE * error(others) + 1e-9

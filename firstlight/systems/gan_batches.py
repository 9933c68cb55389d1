"""What a GAN is shown in a step: real pictures in shuffled batches, random numbers, and what else is drawn.

Everything drawn comes from the seed and the epoch, so that a training that is taken up again sees the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from firstlight.systems.autoencoder_preparation import Part
from firstlight.systems.gan_step import GanBatch

__all__ = ["GanSupply"]


@dataclass(frozen=True)
class GanSupply:
    """The training pictures in batches of one size, in another order each epoch; what is left over waits for another.

    Args:
        pictures: what is to be learned.
        labels: the class of each, numbers (pictures,); zeros where there are none.
        classes: how many.
        batch_size: pictures a batch.
        latent: random numbers from which a picture is drawn.
        steps: of the discriminator for one of the generator; a step takes as many batches.
        seed: of all that is drawn.
        mirror: mirror every other real picture, by chance.
        shift: pixels by which all that the discriminator sees is moved at most.
    """

    pictures: Part
    labels: np.ndarray
    classes: int
    batch_size: int
    latent: int
    steps: int
    seed: int
    mirror: bool = False
    shift: int = 0

    def count(self) -> int:
        """Steps of the generator in an epoch."""
        return max(1, len(self.pictures) // (self.batch_size * self.steps))

    def epoch(self, number: int) -> Iterator[GanBatch]:
        """What the steps of an epoch need; of fewer pictures than a step takes, one step in which some come twice."""
        random = np.random.default_rng((self.seed, number))
        needed = self.batch_size * self.steps
        order = random.permutation(len(self.pictures))
        order = np.resize(order, max(len(order), needed))
        shape = self.steps, self.batch_size
        for start in range(0, self.count() * needed, needed):
            places = order[start : start + needed]
            real = self.pictures.take(places).astype("float32")
            if self.mirror:
                turned = random.random(needed) < 0.5
                real = np.where(turned[:, None, None, None], real[:, :, ::-1], real)
            labels = self.labels[places].astype("int32").reshape(shape)
            yield GanBatch(
                real.reshape(*shape, *self.pictures.shape),
                labels,
                random.standard_normal((*shape, self.latent), dtype=np.float32),
                # Classes are drawn as often as the real ones come.
                random.permuted(labels, axis=1),
                random.random((*shape, 1, 1, 1), dtype=np.float32),
                random.integers(-self.shift, self.shift + 1, (self.steps, 3, self.batch_size, 2), dtype=np.int32),
            )

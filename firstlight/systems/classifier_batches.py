"""What the classifier is shown: shuffled batches of pixels and targets, mixed by wish, and layers that change pictures.

Everything drawn comes from the seed and the epoch, so that a training that is taken up again sees the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from firstlight.systems.pictures import Pictures

__all__ = ["Batch", "Supply", "augmenting"]

_SHIFT, _FAR_SHIFT = 0.0625, 0.125  # of the side; two and four pixels of 32


@dataclass(frozen=True)
class Batch:
    """Pixels (batch, height, width, channels) float32 0..255, targets (batch, classes), and what each counts."""

    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None


@dataclass(frozen=True)
class Supply:
    """The training images in batches of one size, in another order each epoch; what is left over waits for another.

    Args:
        pictures: the images.
        labels: class of each, a number.
        classes: how many.
        batch_size: images a batch.
        seed: of the order and the mixing.
        mixup: spread of the shares in which two images are laid over each other, 0 for none (Zhang et al. 2018).
        cutmix: the same for a rectangle of one put into the other (Yun et al. 2019). With both, each half the time.
        class_weights: what an image of each class counts, (classes,), or None.
    """

    pictures: Pictures
    labels: np.ndarray
    classes: int
    batch_size: int
    seed: int
    mixup: float = 0.0
    cutmix: float = 0.0
    class_weights: np.ndarray | None = None

    def count(self) -> int:
        """Batches in an epoch."""
        return max(1, len(self.pictures) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch; of fewer images than a batch, one batch in which some come twice."""
        random = np.random.default_rng((self.seed, number))
        order = random.permutation(len(self.pictures))
        order = np.resize(order, max(len(order), self.batch_size))
        identity = np.eye(self.classes, dtype="float32")
        for start in range(0, self.count() * self.batch_size, self.batch_size):
            rows = order[start : start + self.batch_size]
            images = self.pictures.take(rows).astype("float32")
            targets = identity[self.labels[rows]]
            weights = None if self.class_weights is None else self.class_weights[self.labels[rows]]
            yield self._mixed(Batch(images, targets, weights), random)

    def _mixed(self, batch: Batch, random: Any) -> Batch:
        """Two images in one, with the targets and what they count in the same shares."""
        images, targets, weights = batch.images, batch.targets, batch.weights
        if not (self.mixup or self.cutmix):
            return batch
        with_cut = self.cutmix and (not self.mixup or random.random() < 0.5)
        spread = self.cutmix if with_cut else self.mixup
        share = float(random.beta(spread, spread))
        others = random.permutation(len(images))
        if with_cut:
            height, width = images.shape[1:3]
            side = np.sqrt(1 - share)
            middle = random.integers(0, height), random.integers(0, width)
            top, left = (max(0, int(m - side * n / 2)) for m, n in zip(middle, (height, width), strict=True))
            bottom, right = (min(n, int(m + side * n / 2)) for m, n in zip(middle, (height, width), strict=True))
            images[:, top:bottom, left:right] = images[others, top:bottom, left:right]
            share = 1 - (bottom - top) * (right - left) / (height * width)
        else:
            images = share * images + (1 - share) * images[others]
        if weights is not None:  # each class of a pair counts what it would alone
            targets = targets * weights[:, None]
        targets = share * targets + (1 - share) * targets[others]
        if weights is not None:
            weights = targets.sum(axis=1)
            targets = targets / weights[:, None]
            weights = weights.astype("float32")
        return Batch(images.astype("float32"), targets.astype("float32"), weights)


def augmenting(kind: str, seed: int) -> keras.Sequential | None:
    """Keras's layers that change pictures while training: `shift` moves a little, `flip` moves more and mirrors,
    `strong` also turns, magnifies and wipes out a rectangle (Zhong et al. 2020). What comes in from outside repeats the
    edge.
    """
    if kind == "none":
        return None
    far = _SHIFT if kind == "shift" else _FAR_SHIFT
    # Whole pixels: a mean of neighbours would blur the small pictures.
    moves = [layers.RandomTranslation(far, far, fill_mode="nearest", interpolation="nearest", seed=seed)]
    if kind in ("flip", "strong"):
        moves.append(layers.RandomFlip("horizontal", seed=seed + 1))
    if kind == "strong":
        moves.append(layers.RandomRotation(0.04, fill_mode="nearest", seed=seed + 2))
        moves.append(layers.RandomZoom(0.1, 0.1, fill_mode="nearest", seed=seed + 3))
        moves.append(layers.RandomErasing(0.5, scale=(0.02, 0.15), value_range=(0, 255), seed=seed + 4))
    return keras.Sequential(moves, name="augmentation")

"""What the captioner learns from, batch by batch: captions of people, or its own with a reward.

Everything drawn here comes from the seed and the number of the epoch, so that an epoch can be taken up anew.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from firstlight import metrics
from firstlight.data.batches import ahead, batched, grouped_by_length, pad, shuffled
from firstlight.data.vocabulary import END, START
from firstlight.systems.backend import compiles_each_shape
from firstlight.systems.decoder import Decoder
from firstlight.systems.decoding import Search

__all__ = ["SAMPLES", "Batch", "Examples", "Plan", "Rewarding", "Teaching"]

SAMPLES = 5
"""Captions drawn for each image in self-critical training; the mean of the others is the baseline of each."""


@dataclass(frozen=True)
class Examples:
    """Captions with the images they belong to.

    Args:
        inputs: gives what the front reads for these images, by position: `inputs(images, views) -> {name: array}`.
        views: how many views of each image there are; view 0 is the plain one.
        encoded: the captions as word indices, without start and end.
        owner: for each caption, the position of its image; captions of an image stand together.
        references: for each image, its captions as tokens.
    """

    inputs: Callable[[np.ndarray, np.ndarray | None], dict[str, np.ndarray]]
    views: int
    encoded: Sequence[np.ndarray]
    owner: np.ndarray
    references: Sequence[Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn; see `Captioner.fit` and the settings of `Captioner`.

    With `together` 0, an epoch is every caption once. With more, it is every image once with so many of its captions:
    right where the front is an encoder that is trained too, since images are what it learns from. With `presence`,
    regions also learn which words the captions hold; see `CaptionTrainer`.
    """

    seed: int
    epochs: int
    self_critical_epochs: int
    batch_size: int
    learning_rate: float
    learning_rate_floor: float
    self_critical_rate: float
    weight_decay: float
    label_smoothing: float
    average: float
    patience: int
    together: int
    presence: bool
    maximum_length: int
    optimizer: str = "adamw"
    schedule: str = "cosine"
    warm_up: float = 0.1
    momentum: float = 0.9
    clip_norm: float = 1.0


class Batch(NamedTuple):
    """Inputs of the trainer, target words (rows, time), by need a weight for each word, and the mean reward."""

    inputs: dict[str, np.ndarray]
    targets: np.ndarray
    weights: np.ndarray | None = None
    reward: float | None = None


class Teaching:
    """Captions of people, grouped by length, each read with the right words before it (teacher forcing)."""

    def __init__(self, examples: Examples, plan: Plan):
        self.examples, self.plan = examples, plan
        self.lengths = np.array([len(caption) for caption in examples.encoded])

    def count(self) -> int:
        """Batches in an epoch."""
        return len(self._rows(0))

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch."""
        batches = self._rows(number)
        random = np.random.default_rng([self.plan.seed, number, 1])
        views = [random.integers(0, self.examples.views, len(images)) for images, _ in batches]

        def batch(place: int) -> Batch:
            images, rows = batches[place]
            captions = [[START, *self.examples.encoded[row], END] for row in rows]
            longest = max(map(len, captions))
            # Where each shape costs a compilation, lengths are rounded up to a multiple of four.
            length = -(-(longest - 1) // 4) * 4 + 1 if compiles_each_shape() else longest
            words = pad(captions, length=length)
            inputs = self.examples.inputs(images, views[place])
            return Batch({**inputs, "words": words[:, :-1]}, words[:, 1:])

        yield from ahead(map(batch, range(len(batches))))

    def _rows(self, number: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The batches of an epoch as pairs: positions of the images, and of their captions, `together` an image."""
        plan, owner = self.plan, self.examples.owner
        if not plan.together:
            batches = grouped_by_length(self.lengths, plan.batch_size, plan.seed, number)
            return [(owner[rows], rows) for rows in batches]
        random = np.random.default_rng([plan.seed, number, 4])
        first = np.searchsorted(owner, np.arange(len(self.examples.references) + 1))
        longest = np.maximum.reduceat(self.lengths, first[:-1])
        batches = grouped_by_length(longest, max(1, plan.batch_size // plan.together), plan.seed, number)
        # Of an image with fewer captions some come twice; of one with more, others come in other epochs.
        chosen = [np.resize(random.permutation(np.arange(a, b)), plan.together) for a, b in pairwise(first)]
        return [(images, np.concatenate([chosen[image] for image in images])) for images in batches]


class Rewarding:
    """The network's own captions, each weighed by how much better it is than the others drawn for its image.

    Self-critical sequence training (Rennie et al. 2017) with the mean of the other samples as the baseline (Luo 2020).
    The reward is CIDEr-D with the idf of the training captions; the end of the sentence counts as a word.
    """

    def __init__(self, examples: Examples, plan: Plan, words: Sequence[str], describe: Decoder):
        self.examples, self.plan, self.words, self.describe = examples, plan, words, describe
        self.judge = metrics.CiderD([[[*tokens, _LAST] for tokens in each] for each in examples.references])
        self.size = min(len(examples.references), max(1, plan.batch_size // SAMPLES))

    def count(self) -> int:
        """Batches in an epoch: of one size, so that one compiled loop serves all."""
        return len(self.examples.references) // self.size

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch; each is drawn by the network as it is when the batch is asked for."""
        plan, views = self.plan, self.examples.views
        order = shuffled(len(self.examples.references), plan.seed, plan.epochs + number)
        batches = [order[rows] for rows in batched(self.count() * self.size, self.size)]
        random = np.random.default_rng([plan.seed, number, 2])
        chosen = [random.integers(0, views, self.size) for _ in batches]
        search = Search(beam_width=1, temperature=1.0, maximum_length=plan.maximum_length)

        def inputs(place: int) -> dict[str, np.ndarray]:
            return self.examples.inputs(batches[place], chosen[place])

        for place, given in enumerate(ahead(map(inputs, range(len(batches))))):
            uniform = random.random((self.size * SAMPLES, plan.maximum_length + 1), dtype=np.float32)
            tokens = self.describe(given, search, uniform)[0].reshape(self.size * SAMPLES, -1)
            reward = self._reward(tokens, batches[place])
            others = (reward.sum(axis=1, keepdims=True) - reward) / (SAMPLES - 1)
            advantage = (reward - others).reshape(-1, 1).astype("float32")
            start = np.full((len(tokens), 1), START, "int32")
            words = np.concatenate([start, tokens[:, :-1]], axis=1)
            weights = np.broadcast_to(advantage, tokens.shape)
            yield Batch({**given, "words": words}, tokens, weights, float(reward.mean()))

    def _reward(self, tokens: np.ndarray, images: np.ndarray) -> np.ndarray:
        """CIDEr-D of each caption, (images, SAMPLES)."""
        texts = [[_LAST if word == END else self.words[word] for word in row if word] for row in tokens]
        return self.judge.score(texts, np.repeat(images, SAMPLES)).reshape(-1, SAMPLES)


_LAST = "<end>"  # no token of a text: texts have no angle brackets

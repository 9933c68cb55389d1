"""What stands between a data set and the training of a captioner: who decides, which words, and what the front reads.

Broken images are told and passed over; features of frozen encoders come from disk where they were computed before.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.images import ImageError, read_many
from firstlight.data.table import Split
from firstlight.data.vocabulary import Vocabulary
from firstlight.errors import FirstlightError
from firstlight.systems.captioner_batches import Examples
from firstlight.text import tokenize

if TYPE_CHECKING:
    import keras

__all__ = ["examples_of", "parts", "vocabulary_of"]

_Inputs = Callable[[np.ndarray, np.ndarray | None], dict[str, np.ndarray]]


def parts(train: Split, validation: Split | None, hold_out: int) -> tuple[Split, Split]:
    """What to learn from and what decides. Held-out images are chosen by a stable hash of their names.

    Without `validation` and `hold_out`, a tenth of the training images decides.
    """
    for split in (train, validation):
        if split is not None and not len(split):
            raise FirstlightError(f"Expected images with captions. Received an empty split {split.name!r}.")
    if validation is not None and not hold_out:
        return train, validation
    count = hold_out or max(1, len(train) // 10)
    if count >= len(train):
        raise FirstlightError(
            f"Expected more training images than are held out. Received {len(train)} images, {count} of them held out."
        )
    order = sorted(range(len(train)), key=lambda row: sha256(train.names[row].encode()).digest())
    return train.take(sorted(order[count:])), train.take(sorted(order[:count]))


def vocabulary_of(train: Split, minimum_count: int | None) -> Vocabulary:
    """The words of the training captions; by default those that occur at all, or 5 times from 10,000 captions on."""
    tokens = [tokenize(caption) for captions in train.captions for caption in captions]
    return Vocabulary(minimum_count=minimum_count or (5 if len(tokens) >= 10_000 else 1)).fit(tokens)


def examples_of(
    split: Split,
    vocabulary: Vocabulary,
    encoder: "keras.Model",
    frozen: bool,
    views: int,
    maximum_length: int,
    progress: Any,
) -> Examples:
    """A split as the training reads it; images that cannot be read are told and passed over."""
    rows, inputs = _features(split, encoder, views, progress) if frozen else _pictures(split, encoder, progress)
    if not rows:
        raise FirstlightError(
            f"Expected images that can be read in split {split.name!r}. Received none of {len(split)}."
        )
    references = [[tokenize(caption) for caption in split.captions[row]] for row in rows]
    owner = np.array([position for position, each in enumerate(references) for _ in each])
    encoded = vocabulary.transform(tokens for each in references for tokens in each)
    return Examples(
        inputs, views if frozen else 1, [caption[:maximum_length] for caption in encoded], owner, references
    )


def _features(split: Split, encoder: "keras.Model", views: int, progress: Any) -> tuple[list[int], _Inputs]:
    """Features of a frozen encoder, computed once and kept on disk."""
    from firstlight.systems.features import extract

    done = progress.task(f"features of {split.name}", len(split))
    size = int(encoder.input_shape[1])
    features = extract(split.images, encoder, size, views, progress=lambda number, total, engine: done(number))
    for problem in features.problems:
        progress.message(f"passed over: {problem}")
    return features.rows.tolist(), lambda images, view: {"grid": features.read(images, view)}


def _pictures(split: Split, encoder: "keras.Model", progress: Any) -> tuple[list[int], _Inputs]:
    """Pixels for an encoder that is trained too, kept in memory."""
    done = progress.task(f"images of {split.name}", len(split))
    size = int(encoder.input_shape[1])
    rows, pictures = [], []
    for number, found in read_many(split.images, size):
        if isinstance(found, ImageError):
            progress.message(f"passed over: {found}")
        else:
            rows.append(number)
            pictures.append(found)
        done(number + 1)
    stack = np.stack(pictures) if pictures else np.zeros((0, size, size, 3), np.uint8)
    return rows, lambda images, view: {"image": stack[images]}

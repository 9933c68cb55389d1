"""Checks that end silent failure: a captioner must beat what knows no picture, must need the right one, and can learn.

Each self-check gives its name, whether it passed, and a line with the figures.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight import metrics
from firstlight.data.table import Split
from firstlight.text import tokenize

if TYPE_CHECKING:
    from firstlight.systems.captioner import Captioner

__all__ = ["overfit", "self_checks"]

_ENOUGH_DISTINCT = 0.1  # share of distinct captions below which all pictures look alike to the network
_MOST_IMAGES = 1000  # checks need no more, and nearest neighbours cost images * training images
_MOST_TRAINING_IMAGES = 10_000


def self_checks(captioner: "Captioner", train: Split, validation: Split, seed: int = 0) -> list[dict[str, Any]]:
    """Judge a captioner by what it must beat.

    * constant caption: the one training caption that suits all validation images best;
    * nearest training image: its caption, by the cosine of the mean features;
    * shuffled images: with the pictures permuted, CIDEr must fall below a quarter;
    * distinct captions: a network that ignores the picture says the same of all.

    Returns:
        For each check a dict of `name`, `passed`, `message` and the numbers behind it.
    """
    random = np.random.default_rng(seed)
    rows = sorted(random.permutation(len(validation))[:_MOST_IMAGES].tolist())
    judged = validation.take(rows)
    near = train.take(sorted(random.permutation(len(train))[:_MOST_TRAINING_IMAGES].tolist()))

    readable, vectors = captioner.vectors(judged.images)
    judged = judged.take(readable)
    known, among = captioner.vectors(near.images)
    near = near.take(known)
    own = [caption.text for caption in captioner.predict(judged.images, explain=False)]
    score = _cider(own, judged)
    typical = metrics.most_typical([caption for captions in near.captions for caption in captions], near.captions)
    constant = _cider([typical] * len(judged), judged)
    neighbours = _nearest(vectors, among)
    copied = _cider([_central(near.captions[row]) for row in neighbours], judged)
    shuffled = _cider([own[row] for row in _derangement(len(own), random)], judged)
    distinct = metrics.diversity(own)["distinct"]
    return [
        _check("constant caption", score > constant, "CIDEr {:.1f}, one caption for all {:.1f}", score, constant),
        _check("nearest training image", score > copied, "CIDEr {:.1f}, its caption {:.1f}", score, copied),
        _check("shuffled images", shuffled < score / 4, "CIDEr falls from {:.1f} to {:.1f}", score, shuffled),
        {
            "name": "distinct captions",
            "passed": bool(distinct >= _ENOUGH_DISTINCT),
            "message": f"{100 * distinct:.1f} % of {len(judged)} captions are distinct",
            "distinct": distinct,
        },
    ]


def overfit(captioner: "Captioner", split: Split, *, images: int, seed: int, progress: Any) -> dict[str, Any]:
    """Learn a few images by heart with a captioner of the same settings; see `Captioner.overfit`."""
    few = split.take(range(min(images, len(split))))
    few = Split(few.name, {**few.columns, "captions": [captions[:1] for captions in few.captions]})
    pupil = type(captioner)(
        **{
            **captioner.settings,
            "dropout": 0.0,
            "label_smoothing": 0.0,
            "views": 1,
            "average": 0.0,
            "minimum_count": 1,
            "batch_size": min(captioner.batch_size, len(few)),
        }
    )
    history = pupil.fit(few, validation_data=few, epochs=100, patience=0, seed=seed, progress=progress)
    texts = [caption.text.split() for caption in pupil.predict(few.images, beam_width=1, explain=False)]
    wanted = [tokenize(captions[0])[: pupil.maximum_length] for captions in few.captions]
    same = float(np.mean([text == target for text, target in zip(texts, wanted, strict=True)]))
    return {
        "images": len(few),
        "captions": len(few),
        "loss": history.rows[-1]["loss"],
        "reproduced": same,
        "passed": same >= 0.9,
    }


def _check(name: str, passed: bool, text: str, own: float, other: float) -> dict[str, Any]:
    return {
        "name": name,
        "passed": bool(passed),
        "message": text.format(100 * own, 100 * other),
        "cider": own,
        "against": other,
    }


def _cider(captions: Sequence[str], split: Split) -> float:
    return metrics.cider(captions, split.captions).value


def _nearest(vectors: np.ndarray, among: np.ndarray) -> np.ndarray:
    """For each vector the row of `among` with the highest cosine."""
    directions = among / np.maximum(np.linalg.norm(among, axis=1, keepdims=True), 1e-9)
    parts = np.array_split(vectors, -(-len(vectors) // 256))
    return np.concatenate([(part @ directions.T).argmax(axis=1) for part in parts])


def _central(captions: Sequence[str]) -> str:
    """Of an image's captions the one that shares most words with the others."""
    words = [set(tokenize(caption)) for caption in captions]
    shared = [sum(len(one & other) / max(1, len(one | other)) for other in words) for one in words]
    return captions[int(np.argmax(shared))]


def _derangement(size: int, random: np.random.Generator) -> np.ndarray:
    """A permutation in which nothing keeps its place: a random cycle through all."""
    order = random.permutation(size)
    result = np.empty(size, int)
    result[order] = np.roll(order, 1)
    return result

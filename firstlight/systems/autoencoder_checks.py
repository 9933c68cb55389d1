"""Checks that end silent failure: an autoencoder must beat the mean picture, must use its code, and can learn.

Each self-check gives its name, whether it passed (None: nobody can tell), and a line with the figures.
"""

import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight import metrics
from firstlight.data.images import read
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.autoencoder_judging import through_components
from firstlight.systems.autoencoder_pictures import codes_of, drawn
from firstlight.systems.autoencoder_preparation import Part, prepare
from firstlight.systems.autoencoder_settings import check_settings
from firstlight.systems.system import Silent

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["overfit", "self_checks"]

_MOST = 1000  # pictures that are checked
_WAYS = 4  # pictures that go every way to the network
_APART = 1e-3  # of the spread of the codes, by which ways to the network may differ
_STILL = 0.01  # of the largest spread of a unit: less of it, and the unit does not move
_USED = 0.1  # share of the units that move, below which a code has collapsed
_LINEAR = 1.05  # times the error of principal components that a linear one may have
_STEPS, _TIMES = 600, 30  # in which a few pictures are learned by heart, and how often each comes in an epoch
_LEARNED = 0.1  # of the error of the mean picture


def self_checks(autoencoder: "Autoencoder", train: Split, validation: Split | None = None) -> list[dict[str, Any]]:
    """Judge an autoencoder by what it must beat; without a validation part, on the images that its training held out.

    * mean picture: giving back the mean of the training pictures must be worse;
    * principal components: as many as the code has units should be worse, for they cost no training;
    * code: its units must move from picture to picture;
    * one preprocessing: a picture must have the same code as it is, as an array, alone, among others, and
      after saving and opening again.

    Returns:
        For each check a dict of `name`, `passed` (None where nobody can tell), `message` and the numbers behind it.
    """
    training = autoencoder.description["training"]
    prepared = prepare(autoencoder, train, validation, training["hold_out"], training["seed"], Silent())
    if prepared.digest != autoencoder.description["images_digest"]:
        message = "not checked: these are not the images that it learned from, so those held out are unknown"
        return [{"name": "held-out images", "passed": None, "message": message}]
    pictures = _some(prepared.validation)
    clean = pictures.astype(np.float32) / 255
    codes = codes_of(autoencoder, pictures)
    own = metrics.squared_error(clean, drawn(autoencoder, codes))
    return [
        _mean_picture(autoencoder, clean, own),
        _components(autoencoder, clean, own),
        _code_moves(codes),
        _one_preprocessing(autoencoder, prepared.validation),
    ]


def _some(part: Part) -> np.ndarray:
    return part.take(np.unique(np.linspace(0, len(part) - 1, min(_MOST, len(part))).round().astype(int)))


def _mean_picture(autoencoder: "Autoencoder", clean: np.ndarray, own: metrics.Score) -> dict[str, Any]:
    mean = np.broadcast_to(autoencoder.components.mean.reshape(autoencoder.shape), clean.shape)
    other = metrics.squared_error(clean, mean)
    message = f"error {own.value:.5f}, of the mean picture {other.value:.5f}"
    return _found("mean picture", own.value < other.value, message, error=own.value, against=other.value)


def _components(autoencoder: "Autoencoder", clean: np.ndarray, own: metrics.Score) -> dict[str, Any]:
    """A linear one can at best be equal; a variational one and a denoising one aim at something else."""
    other = metrics.squared_error(clean, through_components(autoencoder, clean))
    ratio = metrics.error_ratio(own, other)
    low, high = metrics.bootstrap({"ratio": ratio})["ratio"]
    limit = _LINEAR if autoencoder.description["chosen"]["architecture"] == "linear" else 1.0
    otherwise = autoencoder.variational or autoencoder.noise != "none" or autoencoder.sparsity != "none"
    passed = True if high < limit else None if otherwise or low < limit else False
    message = (
        f"error {own.value:.5f}, of {autoencoder.code} principal components {other.value:.5f}; "
        f"ratio {ratio.value:.3f} ({low:.3f} to {high:.3f})"
    )
    if passed is None and otherwise:
        message += "; it was asked for more than a small error"
    return _found("principal components", passed, message, ratio=ratio.value, interval=[low, high])


def _code_moves(codes: np.ndarray) -> dict[str, Any]:
    if len(codes) < 2:
        return _found("code", None, "not checked: one picture alone tells nothing")
    spread = codes.std(axis=0)
    moving = float((spread > _STILL * max(float(spread.max()), 1e-12)).mean()) if spread.max() > 1e-6 else 0.0
    message = f"{moving:.0%} of {codes.shape[1]} units move from picture to picture"
    return _found("code", moving >= _USED, message, moving=moving)


def _one_preprocessing(autoencoder: "Autoencoder", part: Part) -> dict[str, Any]:
    places = part.places[:_WAYS]
    images = [part.whole.images[part.whole.rows[place]] for place in places]
    expected = codes_of(autoencoder, part.whole.take(places))
    with tempfile.TemporaryDirectory() as folder:
        autoencoder.save(folder)
        opened = type(autoencoder).load(folder)
        ways = {
            "as given": autoencoder.transform(images),
            "as an array": autoencoder.transform([read(image) for image in images]),
            "one alone": np.concatenate([autoencoder.transform([image]) for image in images]),
            "saved and opened again": opened.transform(images),
        }
    scale = max(float(np.abs(expected).max()), 1e-12)
    differences = {name: float(np.abs(way - expected).max()) / scale for name, way in ways.items()}
    worst = max(differences, key=lambda name: differences[name])
    passed = differences[worst] <= _APART
    message = f"{len(ways)} ways to the network {'agree' if passed else 'differ'} (most apart: {worst}, by "
    return _found("one preprocessing", passed, message + f"{differences[worst]:.1g})", differences=differences)


def overfit(autoencoder: "Autoencoder", split: Split, *, images: int, seed: int, progress: Any) -> dict[str, Any]:
    """Learn a few images by heart with an autoencoder of the same settings; see `Autoencoder.overfit`."""
    check_settings(autoencoder)
    if min(images, len(split)) < 2:
        raise FirstlightError(f"Expected two images or more to learn by heart. Received {min(images, len(split))}.")
    few = split.take(range(min(images, len(split))))
    batch = min(autoencoder.batch_size or 16, len(few))
    pupil = type(autoencoder)(
        **{
            **autoencoder.settings,
            "start": "random",
            "noise": "none",
            "sparsity_weight": 0.0,
            "beta": 0.0,
            "augmentation": "none",
            "dropout": 0.0,
            "weight_decay": 0.0,
            "average": 0.0,
            "schedule": "cosine",
            "batch_size": batch,
        }
    )
    # Many times over, so that an epoch, after which all are judged, has many steps.
    often = few.take(list(range(len(few))) * _TIMES)
    each = len(often) // batch
    epochs = -(-_STEPS // each)
    pupil.fit(often, validation_data=few, epochs=epochs, seed=seed, progress=progress)
    clean = pupil.pictures(few.images).astype(np.float32) / 255
    error = metrics.squared_error(clean, drawn(pupil, pupil.transform(few.images))).value
    against = float(np.square(clean - clean.mean(axis=0)).mean())
    return {
        "images": len(few),
        "steps": epochs * each,
        "squared_error": error,
        "against": against,
        "passed": bool(error <= _LEARNED * against),
    }


def _found(name: str, passed: bool | None, message: str, **numbers: Any) -> dict[str, Any]:
    return {"name": name, "passed": None if passed is None else bool(passed), "message": message, **numbers}

"""Checks that end silent failure: a classifier must beat a constant answer, must need the right labels, and can learn.

Each self-check gives its name, whether it passed (None: nobody can tell), and a line with the figures.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight import metrics
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.classifier_judging import judged
from firstlight.systems.classifier_overlap import overlap
from firstlight.systems.classifier_preparation import divide
from firstlight.systems.classifier_settings import choose_architecture
from firstlight.systems.classifier_ways import differences

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["overfit", "self_checks"]

_MOST_IMAGES = 1000  # checks need no more
_MOST_TRAINING_IMAGES = 10_000
_WAYS = 8  # images that go every way to the network
_SURE = 4.0  # standard deviations by which chance may be exceeded
_OVERLAP = 0.01  # share of the judged images that may be known from training
_TOO_SURE = 0.1  # by how much probabilities may exceed the share that is right
_STEPS = 300  # in which a few images are to be learned by heart
_LINEAR_STEPS = 1500  # a single matrix learns slowly, and its steps cost little
_LOSS = 0.1  # nats: below, a few images are known by heart


@dataclass(frozen=True)
class _Answers:
    """What a classifier told of images: (rows,) their true classes and its own as numbers, and (rows, classes)."""

    true: np.ndarray
    told: np.ndarray
    probabilities: np.ndarray

    @property
    def accuracy(self) -> metrics.Proportion:
        return metrics.accuracy(self.true, self.told)


def self_checks(
    classifier: "ImageClassifier", train: Split, validation: Split | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """Judge a classifier by what it must beat; without a validation part, on the images that its training held out.

    * constant class: it must not tell one class of nearly everything;
    * majority class: always telling the commonest class of training must be worse;
    * shuffled labels: judged by permuted labels, it must fall to chance, or the judging leaks;
    * one preprocessing: every way to the network must give the same probabilities as training, see `classifier_ways`;
    * overlap: images that training had, too, flatter it;
    * calibration: it must not be far surer than right.

    Returns:
        For each check a dict of `name`, `passed` (None where nobody can tell), `message` and the numbers behind it.
    """
    learned, held = _parts(classifier, train, validation)
    if held is None:
        message = "not checked: these are not the images that it learned from, so those held out are unknown"
        return [{"name": "held-out images", "passed": None, "message": message}]
    random = np.random.default_rng(seed)
    some = held.take(sorted(random.permutation(len(held))[:_MOST_IMAGES].tolist()))
    looked_at = sorted(random.permutation(len(learned))[:_MOST_TRAINING_IMAGES].tolist())
    answers = _answers(classifier, some)
    commonest = Counter(learned.labels).most_common(1)[0][0]
    return [
        _constant(classifier, answers),
        _majority(answers, classifier.classes.index(commonest), commonest),
        _shuffled(classifier, some, random),
        _one_preprocessing(classifier, some),
        _no_overlap(learned, some, looked_at),
        _calibrated(answers),
    ]


def overfit(classifier: "ImageClassifier", split: Split, *, images: int, seed: int, progress: Any) -> dict[str, Any]:
    """Learn a few images by heart with a classifier of the same settings; see `ImageClassifier.overfit`."""
    few = split.take(_of_every_class(split, images))
    batch = min(classifier.batch_size or 16, len(few))
    chosen = choose_architecture(classifier, split, progress.message if progress else lambda line: None)
    pupil = type(classifier)(
        **{
            **classifier.settings,
            "architecture": chosen,
            "dropout": 0.0,
            "augmentation": "none",
            "mixup": 0.0,
            "cutmix": 0.0,
            "label_smoothing": 0.0,
            "weight_decay": 0.0,
            "average": 0.0,
            "class_weights": False,
            "schedule": "constant",
            "warm_up": 0.0,
            "batch_size": batch,
        }
    )
    each = max(1, len(few) // batch)
    epochs = -(-(_LINEAR_STEPS if chosen == "linear" else _STEPS) // each)
    pupil.fit(few, validation_data=few, epochs=epochs, seed=seed, progress=progress)
    report = pupil.evaluate(few)
    return {
        "images": len(few),
        "classes": len(pupil.classes),
        "steps": epochs * each,
        "accuracy": report["accuracy"],
        "loss": report["log_loss"],
        "passed": bool(report["accuracy"] == 1 and report["log_loss"] < _LOSS),
    }


def _of_every_class(split: Split, images: int) -> list[int]:
    """Rows of so many images, the first of each class, then the second, and so on."""
    if images < 2:
        raise FirstlightError(f"Expected two images or more to learn by heart, of two classes. Received {images}.")
    turns: Counter[str] = Counter()
    order = []
    for row, label in enumerate(split.labels):
        order.append((turns[label], row))
        turns[label] += 1
    return sorted(row for _, row in sorted(order)[:images])


def _parts(
    classifier: "ImageClassifier", train: Split, validation: Split | None
) -> tuple[Split, Split] | tuple[Split, None]:
    """What it learned from and the images that decided, held out once more where there was no validation part."""
    training = classifier.description["training"]
    learned, held = divide(train, validation, training["hold_out"], training["seed"])
    if validation is None and dict(Counter(learned.labels)) != classifier.description["images_of_class"]:
        return train, None
    return learned, held


def _answers(classifier: "ImageClassifier", split: Split) -> _Answers:
    rows, given, _ = judged(classifier, split)
    places = {label: place for place, label in enumerate(classifier.classes)}
    return _Answers(np.array([places[split.labels[row]] for row in rows]), given.argmax(-1), given)


def _constant(classifier: "ImageClassifier", answers: _Answers) -> dict[str, Any]:
    """Alarm where the commonest answer is surely much commoner than its class."""
    counts = np.bincount(answers.told, minlength=len(classifier.classes))
    place = int(counts.argmax())
    share = metrics.proportion(int(counts[place]), len(answers.told))
    actual = float((answers.true == place).mean())
    several = len(set(answers.true.tolist())) > 1
    constant = several and (share.value == 1 or share.low > (1 + actual) / 2)
    message = f"{share.value:.1%} of the answers are {classifier.classes[place]!r}, as are {actual:.1%} of the images"
    return _found("constant class", not constant if several else None, message, share=share.value, actual=actual)


def _majority(answers: _Answers, place: int, label: str) -> dict[str, Any]:
    """Passed where the whole interval is above what the commonest class of training gets."""
    own = answers.accuracy
    other = float((answers.true == place).mean())
    passed = True if own.low > other else None if own.value > other else False
    unsure = f"; {own.cases} images are too few to be sure" if passed is None else ""
    message = (
        f"accuracy {own.value:.1%} ({own.low:.1%} to {own.high:.1%}), always telling {label!r} {other:.1%}{unsure}"
    )
    return _found("majority class", passed, message, accuracy=own.value, against=other)


def _shuffled(classifier: "ImageClassifier", split: Split, random: np.random.Generator) -> dict[str, Any]:
    """Judge the same images by labels in another order: what is right then is right by chance."""
    labels = [split.labels[row] for row in random.permutation(len(split))]
    answers = _answers(classifier, Split(split.name, {**split.columns, "labels": labels}))
    classes = len(classifier.classes)
    shares = [np.bincount(numbers, minlength=classes) / len(numbers) for numbers in (answers.true, answers.told)]
    chance = float(shares[0] @ shares[1])
    value = answers.accuracy.value
    limit = chance + _SURE * float(np.sqrt(chance * (1 - chance) / len(answers.true)))
    message = f"accuracy {value:.1%} by permuted labels, chance is {chance:.1%}"
    return _found("shuffled labels", value <= limit + 1e-9, message, accuracy=value, chance=chance)


def _one_preprocessing(classifier: "ImageClassifier", split: Split) -> dict[str, Any]:
    places = np.unique(np.linspace(0, len(split) - 1, _WAYS).round().astype(int))
    images = [split.images[place] for place in places]
    try:
        ways = differences(classifier, images)
    except FirstlightError as error:
        return _found("one preprocessing", None, f"not checked: {error}")
    apart = [way for way in ways if not way.difference <= way.limit]
    worst = max(ways, key=lambda way: way.difference / way.limit)
    told = ", ".join(f"{way.name} by {way.difference:.2g}" for way in apart)
    message = (
        f"probabilities differ from those of training: {told}"
        if apart
        else f"{len(ways)} ways to the network agree (most apart: {worst.name}, by {worst.difference:.1g})"
    )
    return _found("one preprocessing", not apart, message, differences={way.name: way.difference for way in ways})


def _no_overlap(train: Split, split: Split, looked_at: list[int]) -> dict[str, Any]:
    pairs = overlap(train, split, looked_at)
    share = len(pairs) / len(split)
    message = f"{len(pairs)} of {len(split)} images are in training, too"
    if pairs:
        same = sum(pair.same for pair in pairs)
        named = ", ".join(f"{pair.judged} = {pair.train}" for pair in pairs[:3])
        message += f" ({same} of them the same file; first: {named})"
    if len(looked_at) < len(train):
        message += f"; other files with the same picture were sought among {len(looked_at):,} of {len(train):,}"
    names = [[pair.judged, pair.train] for pair in pairs]
    return _found("overlap", share < _OVERLAP, message, share=share, pairs=names)


def _calibrated(answers: _Answers) -> dict[str, Any]:
    """Alarm where the mean probability is well above the share that is right, and above its interval."""
    own = answers.accuracy
    sure = float(answers.probabilities.max(axis=-1).mean())
    too_sure = sure > own.value + _TOO_SURE and sure > own.high
    message = f"{sure:.1%} sure on the mean, {own.value:.1%} right"
    if too_sure:
        message += "; do not take its probabilities at their word (label_smoothing or mixup make it more modest)"
    return _found("calibration", not too_sure, message, sure=sure, right=own.value)


def _found(name: str, passed: bool | None, message: str, **numbers: Any) -> dict[str, Any]:
    return {"name": name, "passed": None if passed is None else bool(passed), "message": message, **numbers}

"""How well a classifier tells images: figures with intervals, and which of its mistakes it was surest of."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from firstlight import metrics
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.classifier_training import probabilities
from firstlight.systems.pictures import Pictures

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["Answers", "Mistake", "evaluate", "judged", "mistakes"]

_TOP = 5
_SMALLEST = 1e-15  # a probability that the log loss takes for 0; without it one sure mistake would make it infinite


class Answers(NamedTuple):
    """What a classifier said of a split: the rows that could be judged, the probabilities for them (rows, classes), and
    a line for each image that was passed over.
    """

    rows: list[int]
    probabilities: np.ndarray
    passed_over: list[str]


@dataclass(frozen=True)
class Mistake:
    """An image that was told wrongly: its row in the split, its true class, and what it was taken for, how surely."""

    row: int
    true: str
    told: str
    probability: float


def judged(classifier: "ImageClassifier", split: Split) -> Answers:
    """What a classifier says of the images of a split that can be read and are of a class that training had.

    Raises:
        FirstlightError: no image of the split is of a class that training had.
    """
    known = set(classifier.classes)
    rows = [row for row, label in enumerate(split.labels) if label in known]
    told = [
        f"{split.names[row]}: training had no {label!r}" for row, label in enumerate(split.labels) if label not in known
    ]
    if not rows:
        raise FirstlightError(
            f"Expected images of the classes {', '.join(classifier.classes[:10])}. Received split {split.name!r} with "
            f"{', '.join(sorted(set(split.labels))[:10])}."
        )
    pictures = Pictures([split.images[row] for row in rows], classifier.shape, told.append)
    given = probabilities(classifier.network, pictures, classifier.mirrored)
    return Answers([rows[place] for place in pictures.rows], given, told)


def evaluate(classifier: "ImageClassifier", split: Split, answers: Answers | None = None) -> dict[str, Any]:
    """See `ImageClassifier.evaluate`; `answers` spares asking again, where they are known."""
    rows, given, told = answers or judged(classifier, split)
    true, classes = [split.labels[row] for row in rows], classifier.classes
    guesses = [classes[place] for place in given.argmax(-1)]
    places = {label: place for place, label in enumerate(classes)}
    numbers = np.array([places[label] for label in true])
    right = metrics.accuracy(true, guesses)
    found: dict[str, Any] = {"accuracy": right.value}
    intervals = {"accuracy": [right.low, right.high]}
    if len(classes) > _TOP:
        top = metrics.top_k_accuracy(true, given, _TOP, classes)
        found["top_5"], intervals["top_5"] = top.value, [top.low, top.high]
    found["calibration_error"] = metrics.calibration_error(numbers, given)
    found["log_loss"] = metrics.log_loss(numbers, np.maximum(given, _SMALLEST))
    found["intervals"] = intervals
    found["classes"] = {str(each.label): each.figures() for each in metrics.class_report(true, guesses, classes)}
    found["confusion"] = metrics.confusion_matrix(true, guesses, classes).tolist()
    found["passed_over"] = told
    return found


def mistakes(
    classifier: "ImageClassifier", split: Split, most: int = 24, answers: Answers | None = None
) -> list[Mistake]:
    """The images that were told wrongly, those first that it was surest of."""
    rows, given, _ = answers or judged(classifier, split)
    best, found = given.argmax(-1), []
    for place in np.argsort(-given.max(-1), kind="stable").tolist():
        told, row = classifier.classes[best[place]], rows[place]
        if told != split.labels[row] and len(found) < most:
            found.append(Mistake(row, split.labels[row], told, float(given[place].max())))
    return found

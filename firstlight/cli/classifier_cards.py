"""Cards of pictures that a classifier told, with heats for the class that it told and for another.

Of a split with what is true, or of pictures of one's own.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight import pages
from firstlight.cli.judging import Judgement
from firstlight.cli.progress import progress
from firstlight.pages.cases import CARD_SIDE
from firstlight.pages.document import shrunk

__all__ = ["Told", "cases", "explain", "has_regions"]

_MISTAKES, _UNSURE = 20, 10  # cards
_SMALL = 96  # pixels: images up to this side are shown as they are
_HEAT = 56  # pixels of a heat; of more, only single ones would be seen
_AT_ONCE = 8  # images that are explained at once
_SHARES = 3  # classes that a card names


class Told:
    """What a classifier said of each image, and what was true, as numbers of classes."""

    def __init__(self, judgement: Judgement):
        from firstlight.data.images import read

        self.split, self.classifier, self.report = judgement.split, judgement.system, judgement.report
        self.classes: list[str] = list(judgement.report["classes"])
        self.rows, self.shares, _ = judgement.answers
        places = {label: place for place, label in enumerate(self.classes)}
        self.true = np.array([places[self.split.labels[row]] for row in self.rows])
        self.told = self.shares.argmax(-1)
        self.sure = self.shares.max(-1)
        self.matrix = np.array(judgement.report["confusion"])
        self.large = max(read(self.split.images[self.rows[0]]).shape[:2]) > _SMALL

    def mistakes(self) -> list[int]:
        """The answers that are wrong, the surest first."""
        order = np.argsort(-self.sure, kind="stable")
        return order[(self.told != self.true)[order]][:_MISTAKES].tolist()

    def unsure(self) -> list[int]:
        """The answers that are right, the least sure first."""
        order = np.argsort(self.sure, kind="stable")
        return order[(self.told == self.true)[order]][:_UNSURE].tolist()

    def images(self, answers: Sequence[int], side: int | None) -> Iterator[tuple[int, np.ndarray]]:
        """The pictures of some answers that can still be read; with `side`, small ones, cut to a square."""
        from firstlight.data.images import ImageError, read_many

        images = [self.split.images[self.rows[answer]] for answer in answers]
        size = side if self.large else None
        for place, picture in read_many(images, size, "crop"):
            if not isinstance(picture, ImageError):
                yield answers[place], picture

    def name(self, answer: int) -> str:
        """The name of the image."""
        return str(self.split.names[self.rows[answer]])


def has_regions(classifier: Any) -> bool:
    """Whether its network has a grid, and so regions that speak for a class."""
    from firstlight.systems.classifier_heat import has_grid

    return has_grid(classifier.network)


def cases(told: Told, answers: Sequence[int], by_region: bool) -> list[pages.Case]:
    """Cards with heats for the class that was told and for the true one, or where that is it, for the runner-up."""
    from firstlight.systems.classifier_heat import grad_cams, saliencies

    shown = list(told.images(answers, None))
    if not shown:
        return []
    pictures = [picture for _, picture in shown]
    pairs = []
    for answer, _ in shown:
        second = int(np.argsort(-told.shares[answer], kind="stable")[1])
        other = told.true[answer] if told.true[answer] != told.told[answer] else second
        pairs.append((told.classes[told.told[answer]], told.classes[other]))
    heat = grad_cams if by_region else saliencies
    heats = [heat(told.classifier, pictures, [pair[place] for pair in pairs]) for place in (0, 1)]
    return [
        pages.Case(
            told.name(answer),
            shrunk(picture, CARD_SIDE),
            told.classes[told.told[answer]],
            _shares(told.classes, told.shares[answer], told.classes[told.true[answer]]),
            told.classes[told.true[answer]],
            {"Told class": _to_one(heats[0][place]), "Other class": _to_one(heats[1][place])},
        )
        for place, (answer, picture) in enumerate(shown)
    ]


def _to_one(heat: np.ndarray) -> np.ndarray:
    """Averaged to the size that a card shows, and scaled so that all but the strongest few of it are from 0 to 1."""
    step = max(1, min(heat.shape) // _HEAT)
    rows, columns = heat.shape[0] // step * step, heat.shape[1] // step * step
    coarse = heat[:rows, :columns].reshape(rows // step, step, columns // step, step).mean((1, 3))
    return (coarse / max(float(np.quantile(coarse, 0.995)), 1e-12)).clip(0, 1)


def _shares(classes: Sequence[str], shares: np.ndarray, true: str | None = None) -> list[tuple[str, float]]:
    """The likeliest classes, and the true one in any case."""
    chosen = np.argsort(-shares, kind="stable")[:_SHARES].tolist()
    if true is not None and classes.index(true) not in chosen:
        chosen[-1] = classes.index(true)
    return [(classes[place], float(shares[place])) for place in chosen]


def explain(classifier: Any, run: str, paths: Sequence[str], failed: Sequence[str], path: Path) -> None:
    """Write a page of pictures of one's own with what was told of each and why."""
    from firstlight.data.images import read
    from firstlight.systems.classifier_heat import explain as explained

    by_region = has_regions(classifier)
    names = ["Grad-CAM", "Saliency"] if by_region else ["Saliency"]
    display = progress()
    try:
        done, shown = display.task("explaining", len(paths)), []
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            for image, found in zip(some, explained(classifier, some), strict=True):
                heats = {"Saliency": _to_one(found.saliency)}
                if found.grad_cam is not None:
                    heats["Grad-CAM"] = _to_one(found.grad_cam)
                small = shrunk(read(image), CARD_SIDE)  # a page has hundreds of them
                shown.append(pages.Case(found.name, small, found.label, found.ranking[:5], None, heats))
                done(len(shown))
    finally:
        display.close()
    told = "Grad-CAM: regions that speak for the class. " * by_region + "Saliency: pixels on which its logit depends."
    images = "image" if len(shown) == 1 else "images"
    pages.explanations(path, f"{len(shown)} {images}, told by {run}", told, shown, names, failed)

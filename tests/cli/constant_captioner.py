"""A small, real system in the shape of the captioner: it learns the most common training caption and always says it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import numpy as np

from firstlight import __version__, metrics
from firstlight.data.images import read
from firstlight.systems.captioner_describing import Caption, Word
from firstlight.systems.system import History, System
from firstlight.text import tokenize


class ConstantCaptioner(System):
    """Says the most common training caption of every image.

    It is as good as a captioner can be with its eyes shut.

    Args:
        units: width of nothing, but stored.
        cell: which kind, for example
            `gru` or `lstm`.
        rate: how fast.
        attention: look at regions of the image.
        weights: a file, or none.
    """

    def __init__(
        self,
        units: int = 8,
        cell: Literal["gru", "lstm"] = "gru",
        rate: float = 0.001,
        attention: bool = True,
        weights: str | None = None,
    ) -> None:
        self.units, self.cell, self.rate, self.attention, self.weights = units, cell, rate, attention, weights
        self.text = ""
        self.rows: list[dict[str, float]] = []

    def fit(
        self,
        split: Any,
        *,
        validation_data: Any = None,
        epochs: int = 2,
        seed: int = 0,
        self_critical_epochs: int = 0,
        folder: Path | None = None,
        data: dict[str, Any] | None = None,
        progress: Any = None,
    ) -> History:
        """Count captions.

        Args:
            epochs: passes over the images.
            self_critical_epochs: passes of the second stage.
        """
        training = {"epochs": epochs, "seed": seed, "self_critical_epochs": self_critical_epochs}
        if Path(folder, "parts.json").exists():
            self._load_parts(Path(folder))
        first = len(self.rows)
        progress.start(epochs, first)
        for epoch in range(first, epochs):
            progress.epoch_started(epoch, len(split))
            for row, captions in enumerate(split.captions):
                read(split.images[row])
                progress.batch(row + 1, 1 / (row + 1), sum(len(tokenize(text)) for text in captions))
            self.rows.append({"loss": 1 / (epoch + 1), "cider": epoch / epochs})
            progress.epoch_ended(epoch, self.rows[-1])
        self.text = Counter(text for captions in split.captions for text in captions).most_common(1)[0][0]
        self.description = {
            "class": "constant_captioner:ConstantCaptioner",
            "settings": self.settings,
            "versions": {"firstlight": __version__},
            "training": training,
            "data": data,
        }
        self.save(folder)
        return History(self.rows)

    def _save_parts(self, folder: Path) -> None:
        (folder / "parts.json").write_text(json.dumps([self.text, self.rows]))

    def _load_parts(self, folder: Path) -> None:
        self.text, self.rows = json.loads((folder / "parts.json").read_text())

    def predict(self, images: Any, **decoding: Any) -> list[Caption]:
        known = {"batch_size", "beam_width", "n_best", "temperature", "top_k", "top_p", "seed"}
        known |= {"minimum_length", "maximum_length", "length_penalty", "no_repeat"}
        if set(decoding) - known:
            raise TypeError(f"unknown decoding: {decoding}")
        others = range(2, 1 + decoding.get("n_best", 1))
        alternatives = ((self.text, -1.25), *((f"{self.text} {number}", -2.0) for number in others))
        captions = []
        for image in images:
            read(image)
            captions.append(Caption(str(image), self.text, -1.25, self._words(), alternatives))
        return captions

    def caption(self, image: Any, beam_width: int = 3) -> Caption:
        return self.predict([image], beam_width=beam_width)[0]

    def evaluate(self, split: Any, beam_width: int = 3, captions: list[Caption] | None = None) -> dict[str, Any]:
        captions = self.predict(split.images, beam_width=beam_width) if captions is None else captions
        scores = metrics.score([caption.text for caption in captions], split.captions)
        values = {name: score.value for name, score in scores.items()}
        return {**values, "intervals": metrics.bootstrap(scores, samples=50)}

    def overfit(self, split: Any, *, images: int = 16, seed: int = 0, progress: Any = None) -> dict[str, Any]:
        return {"images": min(images, len(split)), "loss": 0.0125, "passed": images < 10}

    def self_checks(self, train: Any, validation: Any) -> list[dict[str, Any]]:
        return [{"name": "distinct captions", "passed": False, "message": f"1 of {len(validation)} is distinct"}]

    def _words(self) -> tuple[Word, ...]:
        maps = [np.full((3, 3), 1 / 9) if self.attention else None for _ in self.text.split()]
        return tuple(
            Word(text, 0.5, (("cat", 0.25),), attention)
            for text, attention in zip(self.text.split(), maps, strict=True)
        )

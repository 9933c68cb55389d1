"""From a judged autoencoder to its report: which pictures, ways and figures the page shows.

Pictures are few and small, so that the page has a megabyte or two whatever the data.
"""

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from firstlight import pages
from firstlight.cli.classifier_report import checks_of, history_of
from firstlight.cli.judging import Judgement

__all__ = ["report_of", "write_report"]

_ACROSS = 10  # pictures in a row
_WORST = 10
_WAYS, _STEPS = 3, 10  # ways that are shown, and pictures on each
_SAMPLES = 48
_LOOKED_AT = 1000  # pictures that are sorted by error, and that the map shows
_MAP = 1000  # pixels


def write_report(judgement: Judgement, run: Path, path: Path, title: str) -> None:
    """Write the report of an autoencoder; `run` is its folder, where its history and its checks stand."""
    pages.autoencoder_report(path, title, report_of(judgement, run))


def report_of(judgement: Judgement, run: Path) -> pages.AutoencoderReport:
    """What the page tells of a judgement."""
    from firstlight.cli.reports import metrics_of

    shown = _Shown(judgement)
    report = judgement.report
    return pages.AutoencoderReport(
        metrics=metrics_of(report),
        protocol=report["protocol"],
        summary=_summary(report, shown),
        checks=checks_of(run),
        parts=shown.parts(),
        spectrum=shown.spectrum(),
        code_map=shown.code_map(),
        samples=shown.samples(),
        history=history_of(run),
        facts=_facts(judgement.system),
        passed_over=report["passed_over"],
    )


def _summary(report: Mapping[str, Any], shown: "_Shown") -> str:
    """The result in a sentence or two."""
    system, ratio = shown.system, report["ratio_to_pca"]
    than = f"{abs(1 - ratio):.0%} {'less' if ratio < 1 else 'more'}"
    text = (
        f"Written as {system.code} numbers, pictures that training has not seen lose {than} than with as many "
        "principal components."
    )
    equal = shown.equal_components()
    return text if equal is None else f"{text} {equal} of those would be needed for the same."


class _Shown:
    """Some of the judged pictures, and what an autoencoder makes of them."""

    def __init__(self, judgement: Judgement):
        from firstlight.systems.autoencoder_pictures import codes_of, drawn
        from firstlight.systems.pictures import Pictures, spread

        self.system = judgement.system
        rows = spread(range(len(judgement.split)), _LOOKED_AT)
        self.split = judgement.split.take(rows)
        readable = Pictures(self.split.images, self.system.shape)
        self.split = self.split.take(readable.rows)
        self.pictures = readable.take(np.arange(len(readable)))
        self.clean = self.pictures.astype(np.float32) / 255
        self.codes = codes_of(self.system, self.pictures)
        self.back = drawn(self.system, self.codes)
        self.errors = np.square(self.clean - self.back).mean(axis=(1, 2, 3))

    def parts(self) -> list[pages.PictureRows]:
        """The rows of pictures."""
        return [part for part in (self._there_and_back(), self._worst(), self._noise(), *self._ways()) if part]

    def _there_and_back(self) -> pages.PictureRows:
        some = np.random.default_rng(0).permutation(len(self.pictures))[:_ACROSS]
        return pages.PictureRows(
            "There and back",
            "Pictures that training has not seen, drawn by chance; below, all that their codes hold.",
            self._rows(some),
        )

    def _worst(self) -> pages.PictureRows:
        some = np.argsort(-self.errors, kind="stable")[:_WORST]
        below = [f"{1000 * self.errors[place]:.1f}" for place in some]
        return pages.PictureRows(
            "What comes back worst", "Below each the squared error times 1,000.", self._rows(some), below
        )

    def _rows(self, some: np.ndarray) -> dict[str, list[np.ndarray]]:
        from firstlight.systems.autoencoder_judging import through_components

        plain = through_components(self.system, self.clean[some])
        return {
            "picture": _coloured(self.clean[some]),
            f"{self.system.code} numbers": _coloured(self.back[some]),
            f"{self.system.code} principal components": _coloured(plain),
        }

    def _noise(self) -> pages.PictureRows:
        from firstlight.systems.autoencoder_judging import noise_of
        from firstlight.systems.autoencoder_noise import with_noise
        from firstlight.systems.autoencoder_pictures import codes_of, drawn

        some = np.random.default_rng(1).permutation(len(self.pictures))[:_ACROSS]
        kind, strength = noise_of(self.system)
        noisy = with_noise(self.clean[some], kind, strength, np.random.default_rng(0))
        mended = drawn(self.system, codes_of(self.system, 255 * noisy))
        told = "It was trained with such noise." if self.system.noise != "none" else "It never saw noise in training."
        rows = {"with noise": noisy, "taken away": mended, "picture": self.clean[some]}
        return pages.PictureRows(
            "Noise taken away",
            f"{kind.replace('_', ' ').capitalize()} noise of strength {strength:g}. {told}",
            {name: _coloured(each) for name, each in rows.items()},
        )

    def _ways(self) -> list[pages.PictureRows]:
        """Ways between pairs of pictures, and plain blends of the same."""
        if len(self.pictures) < 2:
            return []
        order = np.random.default_rng(2).permutation(len(self.pictures))
        rows = {}
        share = np.linspace(0, 1, _STEPS)[:, None, None, None]
        for number in range(min(_WAYS, len(order) // 2)):
            one, other = order[2 * number], order[2 * number + 1]
            for path in ("linear", "spherical"):
                way = self.system.morph(self._image(one), self._image(other), _STEPS, path)
                rows[f"{number + 1}. {path}"] = _coloured(way.astype(np.float32) / 255)
            blend = (1 - share) * self.clean[one] + share * self.clean[other]
            rows[f"{number + 1}. plain blend"] = _coloured(blend)
        text = "Codes on the way from one picture to another, drawn; a plain blend shows both pictures at once."
        return [pages.PictureRows("From one to another", text, rows)]

    def _image(self, place: int) -> np.ndarray:
        picture = self.pictures[place]
        return np.repeat(picture, 3, -1) if picture.shape[-1] == 1 else picture

    def spectrum(self) -> dict[str, list[float | None]]:
        """Error by the number of principal components, and the own one as a line beside it, times 1,000."""
        errors = self._by_components()
        own = 1000 * float(self.errors.mean())
        return {"principal components": [1000 * value for value in errors], "this autoencoder": [own] * len(errors)}

    def _by_components(self) -> list[float]:
        """The squared error with 1, 2, ... principal components."""
        rows = self.clean.reshape(len(self.clean), -1)
        components = self.system.components
        squares = np.square(components.transform(rows).astype(np.float64))
        total = float(np.square(rows - components.mean).sum())
        return list((total - np.cumsum(squares.sum(axis=0))) / rows.size)

    def equal_components(self) -> int | None:
        """How many principal components have an error as small; None where not even those that are kept have."""
        own = float(self.errors.mean())
        return next((number for number, error in enumerate(self._by_components(), 1) if error <= own), None)

    def code_map(self) -> tuple[np.ndarray, str] | None:
        """The map of the codes by t-SNE, and a line on how to read it."""
        from firstlight import plots
        from firstlight.systems.autoencoder_map import map_codes

        if len(self.codes) < 3:
            return None
        text = "Pictures whose codes are near lie near (t-SNE). Where many lie on one spot, one is shown."
        side = min(72, max(28, _MAP // int(np.sqrt(len(self.codes)) + 1)))
        return plots.map_picture(map_codes(self.codes, "tsne"), list(self.pictures), side=_MAP, thumb=side), text

    def samples(self) -> pages.Gallery:
        """Pictures that nobody took."""
        text = (
            "Drawn from the distribution that it was trained for."
            if self.system.variational
            else "Drawn from codes that are spread like those of the training pictures; it was not trained for that."
        )
        return pages.Gallery("New pictures", text, _coloured(self.system.sample(_SAMPLES).astype(np.float32) / 255))


def _coloured(pictures: Sequence[np.ndarray] | np.ndarray) -> list[np.ndarray]:
    """Pictures from 0 to 1 as (height, width, 3) uint8."""
    values = np.rint(np.clip(np.asarray(pictures), 0, 1) * 255).astype(np.uint8)
    return list(np.repeat(values, 3, axis=-1) if values.shape[-1] == 1 else values)


def _facts(system: Any) -> dict[str, str]:
    """Network, data and settings, as `system.json` has them."""
    description = system.description
    height, width, channels = system.shape
    changed = [
        f"{name} {value}"
        for name, value in system.settings.items()
        if value != signature(type(system)).parameters[name].default
    ]
    chosen, training = description["chosen"], description["training"]
    weights = system.encoder.count_params() + system.decoder.count_params()
    facts = {
        "Network": f"{chosen['architecture']}, {weights:,} weights",
        "Pictures": f"{height} x {width} pixels, {'grey' if channels == 1 else 'in colour'}"
        f"{', mirrored at random' if chosen['mirror'] else ''}",
        "Data": str((description.get("data") or {}).get("source", "not recorded")),
        "Learned from": f"{description['train_images']:,} images; {description['validation_images']:,} held out to "
        "choose the best epoch",
        "Epochs": str(description.get("epochs_done", training["epochs"])),
        "Other than by default": ", ".join(changed) or "nothing",
        "Seed": str(training["seed"]),
        "Precision": str(chosen["precision"]),
        "Date": str(description["date"])[:16].replace("T", " "),
        "Versions": ", ".join(f"{name} {number}" for name, number in description["versions"].items()),
    }
    if "seconds" in description:
        facts["Time"] = f"{description['seconds']:,.0f} seconds, data and all"
    return facts

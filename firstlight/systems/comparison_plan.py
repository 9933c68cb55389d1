"""What is compared: one system under several settings, several seeds each, judged on one and the same held-out part.

Nothing here trains; a plan says which runs there are and what each is given.
"""

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np

from firstlight.data.splits import stratified
from firstlight.data.table import Split
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.system import plain

__all__ = ["SCORES", "Plan", "Run", "combinations", "divide", "fingerprint", "make_plan", "system_class"]

SCORES = {"labels": "accuracy", "captions": "cider"}
"""What of `evaluate` decides, by the task of a system."""

_OWN = {"train", "split", "validation_data", "epochs", "seed", "hold_out", "folder", "data", "progress", "tensorboard"}
"""Arguments of `fit` that the comparison gives itself."""


@dataclass(frozen=True)
class Run:
    """One training: the name of its variant, every setting that is not as the system has it, and the seed."""

    variant: str
    settings: dict[str, Any]
    seed: int


@dataclass(frozen=True)
class Plan:
    """Everything that the runs of a comparison share, and what they differ in.

    Args:
        system: as `SYSTEMS` has it, "module:Class".
        score: what of `evaluate` decides.
        settings: of the constructor, the same for all.
        training: arguments of `fit`, the same for all.
        variants: by name, the settings that are theirs alone.
        seeds: each variant is trained once with each.
    """

    system: str
    score: str
    settings: dict[str, Any]
    training: dict[str, Any]
    variants: dict[str, dict[str, Any]]
    seeds: tuple[int, ...]

    def runs(self) -> list[Run]:
        """All trainings, those of the first seed first, so that every variant has a first figure soon."""
        return [
            Run(name, {**self.settings, **settings}, seed)
            for seed in self.seeds
            for name, settings in self.variants.items()
        ]

    def shared(self) -> dict[str, Any]:
        """What all runs of a folder have in common; variants and seeds may be added to it."""
        return {"system": self.system, "score": self.score, "settings": self.settings, "training": self.training}


def make_plan(
    system: str | type,
    variants: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any] | None = None,
    epochs: int = 5,
    seeds: Sequence[int] = (0, 1, 2),
) -> Plan:
    """A plan for a system by its noun in `SYSTEMS` or its class; settings of `fit` may stand among the settings.

    All runs compute in float32 unless the settings say otherwise: `auto` may choose differently from run to run.

    Raises:
        FirstlightError: a setting that the system does not have, or nothing to compare.
    """
    place, kind = system_class(system)
    known, fitted = list(inspect.signature(kind).parameters), _fit_settings(kind)
    given = dict(settings or {})
    for name in [*given, *(name for each in variants.values() for name in each)]:
        if name not in known and name not in fitted:
            both = [*known, *fitted]
            raise FirstlightError(
                f"Expected settings of {kind.__name__}: {', '.join(both)}. Received {name!r}.{nearest(name, both)}"
            )
    for name in (name for each in variants.values() for name in each if name not in known):
        raise FirstlightError(
            f"Expected to vary settings of the constructor: {', '.join(known)}. Received {name!r}, an argument of fit."
        )
    if not variants or not len(seeds):
        raise FirstlightError(f"Expected variants and seeds. Received {len(variants)} variants, {len(seeds)} seeds.")
    if epochs < 1:
        raise FirstlightError(f"Expected one epoch or more. Received {epochs}.")
    own = {name: value for name, value in given.items() if name in known}
    if "precision" in known:
        own = {"precision": "float32", **own}
    training = {"epochs": epochs, **{name: value for name, value in given.items() if name in fitted}}
    named = {name: dict(each) for name, each in variants.items()}
    parts = plain((own, training, named, tuple(seeds)))  # which JSON keeps, and processes are told in
    return Plan(place, SCORES[kind.task], *parts)


def system_class(system: str | type) -> tuple[str, Any]:
    """A system that can be compared by its noun in `SYSTEMS` or its class: "module:Class" and the class.

    Raises:
        FirstlightError: there is no such system, or none of its scores decides.
    """
    from firstlight.systems import SYSTEMS

    if isinstance(system, type):
        place, kind = f"{system.__module__}:{system.__qualname__}", system
    elif system in SYSTEMS:
        place = SYSTEMS[system]
        module, _, name = place.partition(":")
        kind = getattr(import_module(module), name)
    else:
        raise FirstlightError(
            f"Expected a system: {', '.join(SYSTEMS)}. Received {system!r}.{nearest(system, SYSTEMS)}"
        )
    task = getattr(kind, "task", None)
    if task not in SCORES:
        raise FirstlightError(
            f"Expected a system that learns from images, with captions or labels. Received {kind.__name__}, which "
            f"learns from a {task}."
        )
    return place, kind


def combinations(**values: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Every combination of values of settings as variants: `combinations(optimizer=["sgd", "adam"], width=[8, 16])`.

    A variant is called by its values, and a setting with one value is in no name.
    """
    told = [name for name, each in values.items() if len(each) > 1] or list(values)
    found = {}
    for chosen in product(*values.values()):
        settings = dict(zip(values, chosen, strict=True))
        name = ", ".join(_named(setting, settings[setting]) for setting in told)
        found[name] = settings
    return found


def divide(train: Split, hold_out: float, images: int | None, seed: int) -> tuple[Split, Split]:
    """What every run learns from, and what every run is judged on: each class alike, where there are labels.

    Args:
        train: the training part of the data; nothing else is touched.
        hold_out: share of it that judges.
        images: learn from so many of the others only.
        seed: of what is drawn.
    """
    kept, held = _draw(train, hold_out, seed)
    if not held or not kept:
        raise FirstlightError(f"Expected images to learn from and to judge by. Received {len(train)} images. Add some.")
    rest = train.take(kept)
    if images is not None and images < len(kept):
        if images < 1:
            raise FirstlightError(f"Expected one image or more to learn from. Received {images}.")
        _, chosen = _draw(rest, images / len(kept), seed)
        rest = rest.take(chosen)
    return rest, train.take(held)


def fingerprint(*splits: Split) -> str:
    """What tells one division of data from another: names, what is said of the images, and the pixels of arrays.

    Of an image that is a file the name has to do: files are many, and may lie elsewhere tomorrow.
    """
    told = [[split.names, split.columns.get("labels"), split.columns.get("captions")] for split in splits]
    found = sha256(repr(told).encode())
    for image in (image for split in splits for image in split.columns.get("images", [])):
        if not isinstance(image, str | os.PathLike):
            pixels = np.asarray(image)
            found.update(f"{pixels.dtype.str}{pixels.shape}".encode())
            found.update(pixels.tobytes())
    return found.hexdigest()[:16]


def _draw(split: Split, share: float, seed: int) -> tuple[list[int], list[int]]:
    """The rows that stay and a share of the rows, of each class alike."""
    if "labels" in split.columns:
        return stratified(split.labels, share, seed)
    if not 0 < share < 1:
        raise FirstlightError(f"Expected a share between 0 and 1, for example 0.2. Received {share}.")
    count = min(max(1, round(share * len(split))), len(split) - 1)
    order = np.random.default_rng(seed).permutation(len(split)).tolist()
    return sorted(order[count:]), sorted(order[:count])


def _fit_settings(kind: Any) -> list[str]:
    return [name for name in inspect.signature(kind.fit).parameters if name not in {"self", *_OWN}]


def _named(setting: str, value: Any) -> str:
    """A value that speaks for itself alone, any other with the name of its setting."""
    if isinstance(value, str):
        return value
    short = isinstance(value, float) and float(f"{value:g}") == value
    told = f"{value:g}" if short else str(value)
    return f"{_SHORT.get(setting, setting.replace('_', ' '))} {told}"


_SHORT = {"learning_rate": "rate", "batch_size": "batch"}

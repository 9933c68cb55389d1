"""The ladder of the tricks of modern networks: it begins with a plain network, and each rung adds one of them.

What the rungs are stands in `LADDERS`, which is meant to be read. Each trick is judged by the change to the rung below,
and by need by what is lost where the full ladder goes without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from firstlight.data.table import Split
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.comparison import Comparison, compare
from firstlight.systems.comparison_summary import Difference

__all__ = ["LADDERS", "Ladder", "Rung", "Trick", "compare_tricks", "ladder"]


@dataclass(frozen=True)
class Trick:
    """One trick: its name, what it is in a line, the settings that it changes, and where it is from."""

    name: str
    text: str
    settings: dict[str, Any]
    source: str = ""


@dataclass(frozen=True)
class Rung:
    """A variant with the trick that makes it, and the change of its score, paired by seed; None for the plain one."""

    variant: str
    trick: Trick
    change: Difference | None


@dataclass(frozen=True)
class Ladder:
    """What came of a ladder: all runs, the rungs from below, and by need all tricks but one, against all."""

    comparison: Comparison
    rungs: list[Rung]
    without: list[Rung]


_CLASSIFIER = (
    Trick(
        "plain",
        "Convolutions, pooling and ReLU, taught by Adam at one rate, and nothing else.",
        {
            "architecture": "cnn",
            "normalization": "none",
            "initialization": "glorot_uniform",
            "dropout": 0.0,
            "augmentation": "none",
            "mixup": 0.0,
            "cutmix": 0.0,
            "label_smoothing": 0.0,
            "optimizer": "adam",
            "learning_rate": 0.001,
            "schedule": "constant",
            "weight_decay": 0.0,
            "average": 0.0,
            "mirrored": False,
            "precision": "float32",
        },
        "LeCun et al. 1998; Kingma and Ba 2015",
    ),
    Trick(
        "initialization",
        "Kernels begin so wide that ReLU keeps the size of what passes through.",
        {"initialization": "he_normal"},
        "He et al. 2015, section 2.2",
    ),
    Trick(
        "normalization",
        "What comes out of each convolution is scaled by the mean and spread of its batch.",
        {"normalization": "batch"},
        "Ioffe and Szegedy 2015",
    ),
    Trick(
        "schedule",
        "The rate rises to four times what it was and falls to nothing, in one cycle.",
        {"schedule": "one_cycle", "learning_rate": 0.004},
        "Smith 2018, section 5",
    ),
    Trick(
        "augmentation",
        "Pictures are moved, and mirrored if they have colour, anew in each epoch.",
        {"augmentation": "auto"},
        "Krizhevsky, Sutskever and Hinton 2012, section 4.1",
    ),
    Trick(
        "residual",
        "Blocks of two convolutions add to what comes in, so that more of them can be taught.",
        {"architecture": "resnet"},
        "He et al. 2016",
    ),
    Trick("dropout", "A fifth of what leads to the classifier is dropped.", {"dropout": 0.2}, "Srivastava et al. 2014"),
    Trick(
        "weight_decay",
        "Weights shrink a little at each step, apart from the gradient (what makes Adam AdamW).",
        {"weight_decay": 0.02},
        "Loshchilov and Hutter 2019",
    ),
    Trick(
        "label_smoothing",
        "A tenth of each target is spread over all classes.",
        {"label_smoothing": 0.1},
        "Szegedy et al. 2016, section 7",
    ),
    Trick(
        "mixup", "Two pictures are laid over each other, and so are their targets.", {"mixup": 0.2}, "Zhang et al. 2018"
    ),
    Trick(
        "cutmix",
        "A rectangle of one picture is put into another, and so are their targets.",
        {"cutmix": 1.0},
        "Yun et al. 2019",
    ),
    Trick(
        "average",
        "The running mean of the weights is what is kept.",
        {"average": 0.995},
        "Polyak and Juditsky 1992; Izmailov et al. 2018",
    ),
    Trick(
        "mirrored",
        "Told from each picture and its mirror image together.",
        {"mirrored": True},
        "Krizhevsky, Sutskever and Hinton 2012, section 4.1",
    ),
    Trick(
        "bfloat16",
        "Products in numbers of half the size: faster where the machine has them, as good if all goes well.",
        {"precision": "mixed_bfloat16"},
        "Micikevicius et al. 2018; Kalamkar et al. 2019",
    ),
)

LADDERS: dict[str, tuple[Trick, ...]] = {"classifier": _CLASSIFIER}
"""By the noun of the system, the plain one first. What a trick sets, it adds to what the rungs below have set."""


def ladder(system: str, names: Sequence[str] | None = None) -> list[Trick]:
    """The plain network and the tricks of these names in this order; all where there are none.

    Raises:
        FirstlightError: the system has no ladder, or no such trick.
    """
    if system not in LADDERS:
        raise FirstlightError(
            f"Expected a system with a ladder of tricks: {', '.join(LADDERS)}. Received {system!r}."
            f"{nearest(system, LADDERS)} `firstlight compare optimizers --vary` compares any settings."
        )
    plain, *tricks = LADDERS[system]
    known = {trick.name: trick for trick in tricks}
    for name in names or []:
        if name not in known:
            raise FirstlightError(f"Expected tricks: {', '.join(known)}. Received {name!r}.{nearest(name, known)}")
    return [plain, *(tricks if names is None else (known[name] for name in dict.fromkeys(names)))]


def compare_tricks(
    system: str,
    train: Split,
    *,
    folder: str | Path,
    tricks: Sequence[str] | None = None,
    leave_one_out: bool = False,
    settings: Mapping[str, Any] | None = None,
    epochs: int = 15,
    **options: Any,
) -> Ladder:
    """Train a plain network, then one trick more at a time, several seeds each.

    Args:
        system: a noun of `LADDERS`.
        train: the training part of the data.
        folder: keeps every run.
        tricks: their names in the order in which they are added; all of the ladder by default.
        leave_one_out: also train with all tricks but one, for each of them.
        settings: that no trick changes, the same for all, such as `width`.
        epochs: of each run.
        options: as for `compare`: seeds, hold_out, images, processes, restart, data, progress.
    """
    rungs = ladder(system, tricks)
    _refuse_settings_of_tricks(rungs, settings or {})
    variants = {_name(place, trick): _together(rungs[: place + 1]) for place, trick in enumerate(rungs)}
    names = list(variants)
    full, left = names[-1], {}
    for trick in rungs[1:] if leave_one_out else []:
        settings_left = _together([each for each in rungs if each is not trick])
        # All but the last is the rung below the last: one training serves both.
        name = next((known for known, each in variants.items() if each == settings_left), f"without {trick.name}")
        variants[name] = settings_left
        left[trick.name] = (name, trick)
    found = compare(system, train, variants, folder=folder, settings=settings, epochs=epochs, **options)
    steps = [None, *(found.change(name, below) for below, name in pairwise(names))]
    return Ladder(
        found,
        [Rung(name, trick, step) for name, trick, step in zip(names, rungs, steps, strict=True)],
        [Rung(name, trick, found.change(name, full)) for name, trick in left.values()],
    )


def _together(tricks: Sequence[Trick]) -> dict[str, Any]:
    """The settings of several tricks, a later one over an earlier one."""
    found: dict[str, Any] = {}
    for trick in tricks:
        found |= trick.settings
    return found


def _name(place: int, trick: Trick) -> str:
    return trick.name if not place else f"+ {trick.name}"


def _refuse_settings_of_tricks(tricks: Sequence[Trick], settings: Mapping[str, Any]) -> None:
    for name in settings:
        owners = [trick.name for trick in tricks if name in trick.settings]
        if owners:
            raise FirstlightError(
                f"Expected settings that no trick changes. Received {name!r}, which {', '.join(owners)} sets."
            )

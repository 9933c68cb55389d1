"""From runs to figures: what a variant reached over its seeds, and whether it is more than chance.

Differences are taken seed by seed, since runs of one seed begin with the same weights and see the same order of images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from firstlight.systems.smoothing import running_mean

__all__ = ["Curve", "Difference", "Summary", "common_loss", "curve", "difference", "summarize"]

_POINTS = 300  # of a curve over seconds
_SPAN = 30  # a curve is smoothed over a thirtieth of its steps


@dataclass(frozen=True)
class Summary:
    """One variant over its seeds; what no run has is None.

    `score` is the mean on the held-out part, `spread` its standard deviation (n - 1), `loss` the mean of the smoothed
    training loss at the end, `speed` images (or words) a second while learning, `seconds_to_common` the mean time to
    the common loss, where every finished run reaches it, `problems` what became of the other seeds.
    """

    variant: str
    settings: dict[str, Any]
    score: float | None
    spread: float | None
    scores: dict[int, float]
    loss: float | None
    speed: float | None
    seconds_an_epoch: float | None
    seconds_to_common: float | None
    problems: dict[int, str]


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences and its 95 % interval, which one pair alone does not give."""

    mean: float
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True)
class Curve:
    """The smoothed loss of a variant over steps or seconds: the mean of its runs, the lowest and the highest."""

    places: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def summarize(
    variant: str, settings: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], common: float | None
) -> Summary:
    """A variant from its runs, as `comparison_folder` keeps them."""
    finished = [run for run in runs if run["status"] == "finished"]
    scores = {int(run["seed"]): float(run["score"]) for run in finished}
    values = list(scores.values())
    return Summary(
        variant=variant,
        settings=dict(settings),
        score=_mean(values),
        spread=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        scores=scores,
        loss=_mean([_smooth(run)[-1] for run in finished]),
        speed=_mean([run["speed"] for run in finished if run["speed"]]),
        seconds_an_epoch=_mean([run["seconds_an_epoch"] for run in finished if run["seconds_an_epoch"]]),
        seconds_to_common=_mean_or_none([_reached(run, common) for run in finished]),
        problems={int(run["seed"]): f"{run['status']}: {run['reason']}" for run in runs if run["status"] != "finished"},
    )


def common_loss(runs: Sequence[Mapping[str, Any]]) -> float | None:
    """A loss by which variants can be timed: the median over finished runs of the lowest smoothed loss of each.

    So at least half of the runs reach it, and one that hardly learns does not make it meaningless.
    """
    lowest = [float(_smooth(run).min()) for run in runs if run["status"] == "finished"]
    return float(np.median(lowest)) if lowest else None


def difference(scores: Mapping[int, float], reference: Mapping[int, float]) -> Difference | None:
    """The scores of one variant minus those of another, by seed; None where they share no seed.

    Source: the interval of Student's t for paired differences (Student 1908), n - 1 degrees of freedom.
    """
    from scipy.stats import t

    pairs = [scores[seed] - reference[seed] for seed in scores if seed in reference]
    if not pairs:
        return None
    mean = float(np.mean(pairs))
    if len(pairs) < 2:
        return Difference(mean, None, None, 1)
    reach = float(t.ppf(0.975, len(pairs) - 1) * np.std(pairs, ddof=1) / np.sqrt(len(pairs)))
    return Difference(mean, mean - reach, mean + reach, len(pairs))


def curve(runs: Sequence[Mapping[str, Any]], over: str) -> Curve | None:
    """The smoothed loss over `steps` or `seconds`, as far as the shortest run goes; None where no run has two steps."""
    usable = [run for run in runs if run["status"] == "finished" and len(run["losses"]) > 1]
    if not usable:
        return None
    losses = [_smooth(run) for run in usable]
    if over == "steps":
        places = np.arange(1, min(map(len, losses)) + 1)
        stack = np.stack([values[: len(places)] for values in losses])
    else:
        places = np.linspace(0, min(run["seconds"][-1] for run in usable), _POINTS)
        stack = np.stack([np.interp(places, run["seconds"], each) for run, each in zip(usable, losses, strict=True)])
    return Curve(places, stack.mean(0), stack.min(0), stack.max(0))


def _smooth(run: Mapping[str, Any]) -> np.ndarray:
    return running_mean(run["losses"], len(run["losses"]) / _SPAN)


def _reached(run: Mapping[str, Any], common: float | None) -> float | None:
    """The seconds at which a run's smoothed loss first was as low as the common one."""
    if common is None:
        return None
    there = np.nonzero(_smooth(run) <= common)[0]
    return float(run["seconds"][there[0]]) if len(there) else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean(known) if len(known) == len(values) else None

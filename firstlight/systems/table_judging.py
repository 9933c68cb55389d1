"""How well a model of a table predicts: figures with 95 % intervals, every row counting the same.

Rows that cannot be judged, for a value or a class that training had not, are told and left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight import metrics
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError
from firstlight.metrics import Score
from firstlight.systems.linear_inputs import listed
from firstlight.systems.table_frames import as_frame
from firstlight.systems.table_preparation import rows_with_target
from firstlight.systems.table_target import passed

if TYPE_CHECKING:
    from firstlight.systems.table_model import TableModel

__all__ = ["TableJudgement", "evaluate", "judged"]

_BINS = 15  # of the calibration error
_SMALLEST = 1e-15  # a probability that the log loss takes for 0
_DRAWS = 200_000_000  # rows drawn for intervals: a few seconds


@dataclass(frozen=True, eq=False)
class TableJudgement:
    """True and predicted values (rows,) of the rows that can be judged; of classes also `chances` (rows, classes)."""

    name: str
    rows: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    chances: np.ndarray | None
    classes: list[str]
    problems: list[Problem]

    @property
    def numbers(self) -> np.ndarray:
        """The place of each row's class among the classes."""
        places = {label: place for place, label in enumerate(self.classes)}
        return np.array([places[label] for label in self.true.tolist()], np.int64)


def judged(model: "TableModel", table: Any) -> TableJudgement:
    """What a model predicts for the rows of a table, beside what is true.

    Raises:
        FirstlightError: the table lacks columns, or no row of it can be judged.
    """
    model._require_fitted()
    frame = as_frame(table, model.description["target"])
    found = model.predict(frame)
    true = model.target_of(frame)
    problems = dict(zip((problem.line for problem in found.problems), found.problems, strict=True))
    known = set(model.classes)
    with_target = set(rows_with_target(frame).tolist())
    keep = []
    for place, row in enumerate(found.rows.tolist()):
        if row not in with_target:
            reason = f"{frame.target} has no value"
        elif model.classifies and true[row] not in known:
            reason = f"{frame.target}: training had no class {true[row]!r}"
        else:
            keep.append(place)
            continue
        problem = passed(frame, row, reason)
        problems[problem.line] = problem
    if not keep:
        reasons = listed(map(str, problems.values()))
        raise FirstlightError(
            f"Expected rows that can be judged in {frame.name!r}. Received none: {reasons}. "
            "Take a table like the one that was learned from."
        )
    chances = None if found.probabilities is None else found.probabilities[keep]
    rows = found.rows[keep]
    told = [problems[line] for line in sorted(problems, key=lambda line: line or 0)]
    return TableJudgement(frame.name, rows, true[rows], found.values[keep], chances, model.classes, told)


def evaluate(judgement: TableJudgement) -> dict[str, Any]:
    """See `TableModel.evaluate`."""
    report = _regression(judgement) if judgement.chances is None else _classification(judgement, judgement.chances)
    told = [str(problem) for problem in judgement.problems]
    return {"rows": len(judgement.rows), **report, "passed_over": told}


def _regression(judgement: TableJudgement) -> dict[str, Any]:
    true = judgement.true.astype(np.float64)
    scores = {
        "r_squared": metrics.r_squared(true, judgement.predicted),
        "root_mean_squared_error": metrics.root_mean_squared_error(true, judgement.predicted),
        "mean_absolute_error": metrics.mean_absolute_error(true, judgement.predicted),
    }
    return {**{name: _plain(score.value) for name, score in scores.items()}, "intervals": _intervals(scores)}


def _classification(judgement: TableJudgement, chances: np.ndarray) -> dict[str, Any]:
    numbers, classes = judgement.numbers, judgement.classes
    truth = numbers if len(classes) > 2 else (numbers == 1).astype(np.int64)
    told = chances if len(classes) > 2 else chances[:, 1]
    right = metrics.accuracy(judgement.true, judgement.predicted)
    scores = {"log_loss": _log_loss(numbers, chances), "calibration_error": _calibration_error(truth, told)}
    intervals: dict[str, Any] = {"accuracy": [right.low, right.high], **_intervals(scores)}
    found: dict[str, Any] = {"accuracy": right.value, "log_loss": scores["log_loss"].value}
    areas = {
        label: metrics.roc_auc(numbers == place, chances[:, place])
        for place, label in enumerate(classes)
        if 0 < (numbers == place).sum() < len(numbers)
    }
    if len(classes) == 2 and areas:
        area = areas[classes[1]]
        found["roc_auc"], intervals["roc_auc"] = area.value, [area.low, area.high]
    elif len(areas) == len(classes):
        found["roc_auc"] = float(np.mean([area.value for area in areas.values()]))
    found["calibration_error"] = scores["calibration_error"].value
    found["most_frequent_class"] = float(np.bincount(numbers).max() / len(numbers))
    found["intervals"] = intervals
    found["classes"] = {
        str(each.label): {
            **each.figures(),
            "roc_auc": _plain(areas[str(each.label)].value) if str(each.label) in areas else None,
        }
        for each in metrics.class_report(judgement.true.astype(str), judgement.predicted.astype(str), classes)
    }
    found["confusion"] = metrics.confusion_matrix(
        judgement.true.astype(str), judgement.predicted.astype(str), classes
    ).tolist()
    return found


@dataclass(frozen=True, eq=False)
class _Binned(Score):
    """The calibration error, which follows from sums: probability less truth, by bin, `statistics` (rows, bins)."""

    statistics: np.ndarray

    def _combined(self, occurrences: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(occurrences @ self.statistics).sum(axis=-1) / occurrences.sum(axis=-1))


def _calibration_error(true: np.ndarray, chances: np.ndarray) -> Score:
    """As `metrics.calibration_error`, with what is needed to draw rows anew."""
    value = metrics.calibration_error(true, chances, _BINS)
    surest = chances if chances.ndim == 1 else chances.max(axis=1)
    came = true if chances.ndim == 1 else chances.argmax(axis=1) == true
    places = np.searchsorted(np.linspace(0, 1, _BINS + 1)[1:-1], surest)
    statistics = np.zeros((len(surest), _BINS))
    statistics[np.arange(len(surest)), places] = surest - came
    return _Binned("calibration error", value, np.abs(surest - came), statistics)


def _log_loss(numbers: np.ndarray, chances: np.ndarray) -> Score:
    losses = -np.log(np.maximum(chances[np.arange(len(numbers)), numbers], _SMALLEST))
    return Score("log loss", float(losses.mean()), losses)


def _intervals(scores: Mapping[str, Score]) -> dict[str, list[float | None]]:
    rows = len(next(iter(scores.values())).each)
    found = metrics.bootstrap(scores, samples=int(np.clip(_DRAWS // rows, 100, 1000)))
    return {name: [_plain(low), _plain(high)] for name, (low, high) in found.items()}


def _plain(value: float) -> float | None:
    """What no row decides is None, as JSON has no word for it."""
    return float(value) if np.isfinite(value) else None

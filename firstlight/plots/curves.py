"""How training went: every number of the history by epoch, in one figure.

What was measured on training and on validation shares a panel, the best epoch is marked, and a later stage is shaded.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.plots.figure import FAINT, GRID, STYLE, make_figure, write_figure

__all__ = ["training_curves"]

_TRAIN, _VALIDATION, _SCORE = "#8aa4b8", "#1f6f8b", "#d9663d"
_NOT_DRAWN = ("epoch", "stage", "seconds", "learning_rate")
_OF_VALIDATION = ("validation_", "val_")  # ours, and Keras's
_TITLES = {"cider": "CIDEr of generated captions"}
_DECIDE = ("cider", "accuracy")  # the higher the better; where there is none of them, the loss of validation decides
_MOST_COLUMNS = 3


@dataclass(frozen=True)
class _Curve:
    """Values by epoch, NaN for none, with what the legend calls them."""

    values: np.ndarray
    label: str
    colour: str


@dataclass(frozen=True)
class _Best:
    """The epoch whose weights are kept, counted from 0, by a curve of the panel of this name."""

    panel: str
    curve: _Curve
    epoch: int


def training_curves(history: Mapping[str, Sequence[Any]], path: str | Path) -> None:
    """Draw every number of a history by epoch, a panel each, and mark the best epoch.

    Args:
        history: values by epoch; an epoch without a value has None. `NAME` and `validation_NAME` share a panel. Epoch,
            seconds, learning rate and texts are not drawn. Where `stage` names more than one kind of training and
            there is no `validation_loss`, only the loss of the first is drawn: that of another has another scale.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    stages = list(history.get("stage", []))
    later = _later_stage(stages)
    panels = _panels(history, later)
    best = _best(panels)
    columns = min(len(panels), _MOST_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    with rc_context(STYLE):
        figure = make_figure(5.6 if columns == 1 else 5 * columns, 3.8 * rows)
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for axis, (name, curves) in zip(axes, panels.items(), strict=False):
            _draw(axis, name, curves)
            if later is not None:
                _shade(axis, later, stages)
            if best is not None:
                _mark(axis, best, name)
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        write_figure(figure, path)


def _panels(history: Mapping[str, Sequence[Any]], later: int | None) -> dict[str, list[_Curve]]:
    """The curves of each panel, the loss first; without any number, an empty panel of the loss."""
    found: dict[str, dict[bool, np.ndarray]] = {"loss": {}}
    for name, values in history.items():
        if name in _NOT_DRAWN or any(isinstance(value, str) for value in values):
            continue
        shared = next((name.removeprefix(start) for start in _OF_VALIDATION if name.startswith(start)), name)
        found.setdefault(shared, {})[shared != name] = np.array(values, np.float64)
    loss = found["loss"]
    if later is not None and False in loss and True not in loss:
        loss[False][later:] = np.nan
    panels = {name: _curves(name, values) for name, values in found.items()}
    return {name: curves for name, curves in panels.items() if curves} or {"loss": []}


def _curves(name: str, values: Mapping[bool, np.ndarray]) -> list[_Curve]:
    """What was measured on training (False) and on validation (True); of what has neither mark, nobody says where."""
    alone = len(values) == 1 and not name.endswith("loss")
    found = []
    for is_validation in sorted(values):
        label, colour = ("validation", _VALIDATION) if is_validation else ("training", _TRAIN)
        if alone and not is_validation:
            label, colour = "", _SCORE
        if not np.isnan(values[is_validation]).all():
            found.append(_Curve(values[is_validation], label, colour))
    return found


def _later_stage(stages: Sequence[str]) -> int | None:
    """The first epoch of another stage than the first, counted from 0; None where there is one stage."""
    return next((epoch for epoch, stage in enumerate(stages) if stage != stages[0]), None)


def _best(panels: Mapping[str, Sequence[_Curve]]) -> _Best | None:
    """The epoch that a training keeps: of several that are as good, the one of the lowest loss, and then the last."""
    judged = next((curve for curve in panels.get("loss", ()) if curve.label == "validation"), None)
    losses = None if judged is None else np.where(np.isnan(judged.values), np.inf, judged.values)
    for name in _DECIDE:
        if name in panels:
            curve = panels[name][-1]
            best = np.flatnonzero(curve.values == np.nanmax(curve.values))
            if losses is not None:
                best = best[losses[best] == losses[best].min()]
            return _Best(name, curve, int(best[-1]))
    if judged is None or losses is None:
        return None
    return _Best("loss", judged, int(np.flatnonzero(losses == losses.min())[-1]))


def _draw(axis: Any, name: str, curves: Sequence[_Curve]) -> None:
    for curve in curves:
        epochs = range(1, len(curve.values) + 1)
        marker = "o" if len(curve.values) < 30 else ""
        axis.plot(epochs, curve.values, color=curve.colour, label=curve.label, marker=marker, markersize=4)
    if any(curve.label for curve in curves):
        axis.legend(frameon=False)
    words = name.replace("_", " ")
    axis.set_title(_TITLES.get(name, words[:1].upper() + words[1:]))
    axis.set_xlabel("epoch")
    axis.tick_params(labelbottom=True)  # where axes are shared, only the last row would have it
    axis.xaxis.get_major_locator().set_params(integer=True)


def _shade(axis: Any, later: int, stages: Sequence[str]) -> None:
    axis.axvspan(later + 0.5, len(stages) + 0.5, color=GRID, alpha=0.45, linewidth=0, zorder=0)
    axis.text(later + 0.6, 0.02, stages[later], transform=axis.get_xaxis_transform(), color=FAINT)


def _mark(axis: Any, best: _Best, panel: str) -> None:
    """A dotted line at the best epoch, and in the panel that decides a point and its value beside the title."""
    axis.axvline(best.epoch + 1, color=FAINT, linewidth=1, linestyle=(0, (2, 3)), zorder=1)
    if panel != best.panel:
        return
    value, colour = best.curve.values[best.epoch], best.curve.colour
    axis.plot(best.epoch + 1, value, "o", color=colour, markersize=9, markeredgecolor="white", markeredgewidth=1.5)
    told = f"best {value:.3g}, epoch {best.epoch + 1}"
    axis.set_title(told, loc="right", fontsize=10, fontweight="normal", color=colour)

"""How training went: loss and score by epoch, in one figure.

The best epoch is marked, and a later stage of training is shaded.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.plots.figure import FAINT, GRID, STYLE, make_figure, write_figure

__all__ = ["training_curves"]

_TRAIN, _VALIDATION, _SCORE = "#8aa4b8", "#1f6f8b", "#d9663d"
_SERIES = ("loss", "val_loss", "cider", "val_cider")


def training_curves(history: Mapping[str, Sequence[Any]], path: str | Path) -> None:
    """Draw loss (training and validation) and CIDEr by epoch, the best epoch marked.

    Args:
        history: values by epoch under `loss`, and where there are any `val_loss` and `cider` (or `val_cider`); an epoch
            without a value has None. Where `stage` names more than one kind of training, only the loss of the first is
            drawn, since a loss of another kind has another scale.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    series = {name: np.array(values, np.float64) for name, values in history.items() if name in _SERIES}
    later = _later_stage(history.get("stage", []))
    if later is not None and "loss" in series:
        series["loss"][later:] = np.nan
    series = {name: values for name, values in series.items() if not np.isnan(values).all()}
    scores = series.get("cider", series.get("val_cider"))
    with rc_context(STYLE):
        figure = make_figure(5.6 if scores is None else 10, 3.8)
        panels = figure.subplots(1, 1 if scores is None else 2, squeeze=False)[0]
        _curve(panels[0], series.get("loss"), _TRAIN, "training")
        _curve(panels[0], series.get("val_loss"), _VALIDATION, "validation")
        panels[0].set_title("Loss")
        if panels[0].lines:
            panels[0].legend(frameon=False)
        if scores is not None:
            _curve(panels[1], scores, _SCORE, "validation")
            panels[1].set_title("CIDEr of generated captions")
            _mark_best(panels, scores)
        for panel in panels:
            panel.set_xlabel("epoch")
            if later is not None:
                panel.axvspan(later + 0.5, len(history["stage"]) + 0.5, color=GRID, alpha=0.45, linewidth=0, zorder=0)
                panel.text(
                    later + 0.6, 0.02, history["stage"][later], transform=panel.get_xaxis_transform(), color=FAINT
                )
            panel.xaxis.get_major_locator().set_params(integer=True)
        write_figure(figure, path)


def _curve(panel: Any, values: np.ndarray | None, colour: str, label: str) -> None:
    if values is not None:
        marker = "o" if len(values) < 30 else ""
        panel.plot(range(1, len(values) + 1), values, color=colour, label=label, marker=marker, markersize=4)


def _later_stage(stages: Sequence[str]) -> int | None:
    """The first epoch of another stage than the first, counted from 0; None where there is one stage."""
    return next((epoch for epoch, stage in enumerate(stages) if stage != stages[0]), None)


def _mark_best(panels: Sequence[Any], scores: np.ndarray) -> None:
    """A dotted line at the best epoch in every panel, and its score beside the title."""
    best = int(np.nanargmax(scores))
    for panel in panels:
        panel.axvline(best + 1, color=FAINT, linewidth=1, linestyle=(0, (2, 3)), zorder=1)
    panels[-1].plot(
        best + 1, scores[best], "o", color=_SCORE, markersize=9, markeredgecolor="white", markeredgewidth=1.5
    )
    panels[-1].set_title(
        f"best {scores[best]:.3g}, epoch {best + 1}", loc="right", fontsize=10, fontweight="normal", color=_SCORE
    )

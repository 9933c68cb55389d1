"""How a regression does: predicted against true numbers, and what is left over.

Each function takes arrays and a path and writes one picture.
"""

from pathlib import Path
from typing import Any

import numpy as np

from firstlight.plots.figure import FAINT, GRID, STYLE, make_figure, write_figure

__all__ = ["predicted_against_true", "residuals"]

_POINT, _SHARE = "#1f6f8b", "#d9663d"
_MOST = 20_000  # points that are drawn; of more, every so many-th
_BINS = 8  # of similar predictions, whose mean residual is drawn


def predicted_against_true(true: np.ndarray, predicted: np.ndarray, path: str | Path, unit: str = "") -> None:
    """Draw each row as a point, and the diagonal on which a prediction is right.

    Args:
        true, predicted: (rows,).
        path: the PNG to write.
        unit: what is predicted.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure = make_figure(5.2, 5)
        panel = figure.subplots()
        low, high = (float(found) for found in (min(true.min(), predicted.min()), max(true.max(), predicted.max())))
        room = 0.04 * (high - low) or 1.0
        ends = (low - room, high + room)
        panel.plot(ends, ends, color=GRID, linewidth=1.5, zorder=1)
        _points(panel, true, predicted)
        panel.set(xlim=ends, ylim=ends, aspect="equal", title="Predicted against true")
        panel.set_xlabel(f"true {unit}".strip())
        panel.set_ylabel(f"predicted {unit}".strip())
        write_figure(figure, path)


def residuals(true: np.ndarray, predicted: np.ndarray, path: str | Path, unit: str = "") -> None:
    """Draw true less predicted over the prediction, with the mean of similar predictions, and how they are spread.

    Args:
        true, predicted: (rows,).
        path: the PNG to write.
        unit: what is predicted.
    """
    from matplotlib import rc_context

    left = true - predicted
    with rc_context(STYLE):
        figure = make_figure(7.4, 5)
        panel, side = figure.subplots(1, 2, width_ratios=[3.2, 1], sharey=True)
        panel.axhline(0, color=GRID, linewidth=1.5, zorder=1)
        _points(panel, predicted, left)
        middles, means = _means(predicted, left)
        if len(middles) > 1:
            panel.plot(middles, means, color=_SHARE, marker="o", markersize=4, label="mean of similar predictions")
            panel.legend(frameon=False)
        panel.set_title("Residuals")
        panel.set_xlabel(f"predicted {unit}".strip())
        panel.set_ylabel("true less predicted")
        side.hist(left, bins="auto" if len(left) < 10_000 else 60, orientation="horizontal", color=_POINT, alpha=0.75)
        side.set_xlabel("rows")
        side.set_title(f"{len(left):,} rows", fontsize=10, fontweight="normal", color=FAINT)
        write_figure(figure, path)


def _points(panel: Any, across: np.ndarray, up: np.ndarray) -> None:
    """The rows as points, the fainter, the more there are."""
    step = max(1, -(-len(across) // _MOST))
    shown = len(across[::step])
    alpha = float(np.clip(30 / shown**0.5, 0.08, 0.75))
    panel.scatter(across[::step], up[::step], s=22 if shown < 2000 else 8, color=_POINT, alpha=alpha, linewidths=0)


def _means(predicted: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean prediction and residual of bins with the same number of rows, ten at least."""
    bins = min(_BINS, len(predicted) // 10)
    if bins < 2:
        return np.zeros(0), np.zeros(0)
    parts = np.array_split(np.argsort(predicted, kind="stable"), bins)
    return np.array([predicted[part].mean() for part in parts]), np.array([left[part].mean() for part in parts])

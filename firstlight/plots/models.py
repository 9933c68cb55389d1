"""How a model comes about: its coefficients as the penalty grows, and its scores as it sees more rows.

Each function takes arrays and a path and writes one picture.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.plots.figure import FAINT, GRID, STYLE, make_figure, write_figure

__all__ = ["learning_curve", "regularization_path"]

_TRAIN, _TEST = "#8aa4b8", "#1f6f8b"
_LARGEST = 12  # coefficients that have a colour, and their names beside them where there is room


def regularization_path(
    alphas: Sequence[float] | np.ndarray, coefficients: np.ndarray, names: Sequence[str], path: str | Path
) -> None:
    """Draw every coefficient over the strength of the penalty, which is weakest on the left.

    Args:
        alphas: (n,) above 0, in any order.
        coefficients: (n, columns).
        names: of the columns; the largest coefficients have theirs written beside them, where there is room.
        path: the PNG to write.
    """
    from matplotlib import colormaps, rc_context
    from matplotlib.ticker import NullFormatter

    order = np.argsort(alphas)
    strengths, values = np.asarray(alphas)[order], np.asarray(coefficients)[order]
    largest = np.argsort(-np.abs(values[0]))[:_LARGEST].tolist()
    named = _named(values[0], largest)
    with rc_context(STYLE):
        figure = make_figure(8, 4.6)
        panel = figure.subplots()
        panel.axhline(0, color=GRID, linewidth=1.5, zorder=1)
        for column in range(values.shape[1]):
            known = column in largest
            colour = colormaps["viridis"](largest.index(column) / max(len(largest), 1) * 0.85) if known else GRID
            panel.plot(strengths, values[:, column], color=colour, linewidth=1.6 if known else 1)
            if column in named:
                place = (strengths[0], values[0, column])
                offset: Any = {"xytext": (-5, 0), "textcoords": "offset points"}
                panel.annotate(names[column], place, **offset, ha="right", va="center", fontsize=8, color=colour)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_title("Coefficients as the penalty grows")
        panel.set_xlabel("alpha")
        panel.yaxis.tick_right()
        write_figure(figure, path)


def learning_curve(
    sizes: Sequence[int] | np.ndarray, train: np.ndarray, test: np.ndarray, path: str | Path, score: str = "score"
) -> None:
    """Draw the scores on training and on held-out rows by the number of training rows, with their spread over folds.

    Args:
        sizes: (n,) rows.
        train, test: (n, folds).
        path: the PNG to write.
        score: what was measured.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure = make_figure(5.6, 3.8)
        panel = figure.subplots()
        for values, colour, label in ((train, _TRAIN, "training"), (test, _TEST, "held out")):
            means, spread = values.mean(axis=1), values.std(axis=1)
            panel.fill_between(sizes, means - spread, means + spread, color=colour, alpha=0.2, linewidth=0)
            panel.plot(sizes, means, color=colour, label=label, marker="o", markersize=4)
        panel.set_title(f"{score[:1].upper()}{score[1:]} by rows learned from")
        panel.set_xlabel("rows")
        panel.text(1, 1.02, f"{test.shape[1]} folds", transform=panel.transAxes, ha="right", color=FAINT)
        panel.legend(frameon=False)
        write_figure(figure, path)


def _named(values: np.ndarray, largest: list[int]) -> list[int]:
    """The columns whose names do not cover that of a larger coefficient."""
    found: list[int] = []
    for column in largest:
        if (np.abs(values[found] - values[column]) > 0.035 * np.ptp(values)).all():
            found.append(column)
    return found

"""How a classifier does: ROC curves, calibration, each class, and which classes are taken for which.

Each function takes arrays, as `firstlight.metrics` gives them, and a path, and writes one picture.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.plots.figure import FAINT, GRID, STYLE, make_figure, write_figure

__all__ = ["calibration", "class_bars", "confusion", "roc"]

_COLOURS = ("#1f6f8b", "#d9663d", "#8aa4b8", "#6b8f3d", "#8b4f9f", "#c9a227")
_NUMBERS = 20  # classes up to which a cell has room for its number
_NAMES = 100  # classes up to which each has its name; of more, the axes count them


def roc(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], path: str | Path) -> None:
    """Draw ROC curves, each with the area below it in the legend.

    Args:
        curves: by name the false and the true positive rates, (n,) each.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure = make_figure(5.2, 5)
        panel = _square(figure, "ROC", "false positive rate", "true positive rate")
        for number, (name, (false_rate, true_rate)) in enumerate(curves.items()):
            area = float(np.trapezoid(true_rate, false_rate))
            colour = _COLOURS[number % len(_COLOURS)]
            panel.plot(false_rate, true_rate, color=colour, label=f"{name} (area {area:.3f})", clip_on=False)
        _legend(panel, "lower right")
        write_figure(figure, path)


def calibration(curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]], path: str | Path) -> None:
    """Draw the share that came true over the probability that was predicted, with 95 % intervals.

    Args:
        curves: by name: predicted, observed, and the ends low and high of the intervals, (bins,) each.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure = make_figure(5.2, 5)
        panel = _square(figure, "Calibration", "predicted probability", "share that came true")
        for number, (name, (predicted, observed, low, high)) in enumerate(curves.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            panel.vlines(predicted, low, high, color=colour, linewidth=1.2, alpha=0.6)
            panel.plot(predicted, observed, color=colour, label=name, marker="o", markersize=4, clip_on=False)
        _legend(panel, "upper left")
        write_figure(figure, path)


def confusion(matrix: np.ndarray, classes: Sequence[Any], path: str | Path) -> None:
    """Draw a confusion matrix: rows are true classes, columns predicted ones, shades the share of a row.

    Args:
        matrix: counts (classes, classes).
        classes: their names.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    names = [str(name) for name in classes]
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.42 * min(len(names), 24)
    with rc_context(STYLE):
        figure = make_figure(max(side + 0.4, 5.0), side)  # the title needs its room beside long names
        panel = figure.subplots()
        panel.grid(False)
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        panel.set_title("Which class was taken for which")
        panel.set_xlabel("predicted")
        panel.set_ylabel("true")
        if len(names) <= _NAMES:
            panel.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) > 3 else 0)
            panel.set_yticks(range(len(names)), names)
        if len(names) <= _NUMBERS:
            for row, column in np.argwhere(matrix > 0).tolist():
                colour = "white" if shares[row, column] > 0.55 else FAINT
                panel.text(column, row, f"{matrix[row, column]}", color=colour, ha="center", va="center", fontsize=8)
        write_figure(figure, path)


def class_bars(classes: Mapping[str, Mapping[str, Any]], path: str | Path, most: int = 40) -> None:
    """Draw precision and recall of each class with their 95 % intervals, those first that are recalled least.

    Args:
        classes: by name `precision`, `precision_interval`, `recall` and `recall_interval`, as `evaluate` gives them.
        path: the PNG to write.
        most: classes that are drawn.
    """
    from matplotlib import rc_context

    judged = [(name, found) for name, found in classes.items() if found["recall"] is not None]
    judged = sorted(judged, key=lambda pair: pair[1]["recall"])[:most]
    places = np.arange(len(judged))
    with rc_context(STYLE):
        figure = make_figure(6.4, 1.3 + 0.34 * max(len(judged), 1))
        panel = figure.subplots()
        for offset, kind, colour in ((-0.17, "recall", _COLOURS[0]), (0.17, "precision", _COLOURS[1])):
            known = [place for place in places if judged[place][1][kind] is not None]
            values = [100 * judged[place][1][kind] for place in known]
            low, high = ([100 * judged[place][1][f"{kind}_interval"][end] for place in known] for end in (0, 1))
            heights = np.array(known) + offset
            panel.barh(heights, values, 0.3, color=colour, alpha=0.35, label=kind)
            panel.hlines(heights, low, high, color=colour, linewidth=1.6)
            panel.plot(values, heights, "o", color=colour, markersize=4, clip_on=False)
        panel.set_yticks(places, [str(name) for name, _ in judged])
        panel.set(xlim=(0, 100), ylim=(len(judged) - 0.4, -0.6), title="Each class", xlabel="%, with 95 % interval")
        panel.grid(False, axis="y")
        panel.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
        write_figure(figure, path)


def _square(figure: Any, title: str, across: str, up: str) -> Any:
    """A panel from 0 to 1 both ways, with its diagonal."""
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color=GRID, linewidth=1.5, zorder=1)
    panel.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=title, xlabel=across, ylabel=up)
    return panel


def _legend(panel: Any, place: str) -> None:
    if panel.get_legend_handles_labels()[1]:
        panel.legend(frameon=False, loc=place)

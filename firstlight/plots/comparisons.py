"""Ways to learn side by side: losses over steps and seconds, scores by setting, what each trick brought, and rates.

Each function takes arrays and a path and writes one picture.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.plots.figure import FAINT, GRID, STYLE, make_figure, write_figure

__all__ = ["heat_map", "learning_rates", "loss_curves", "score_ladder"]

Band = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Places, mean, lowest and highest, (n,) each."""

_COLOURS = (
    *("#1f6f8b", "#d9663d", "#5a9e4b", "#8d5fb0", "#c8a02b"),
    *("#3b4cc0", "#b5446e", "#2fa89a", "#7a5c3e", "#22303c"),
)
_OTHERS = "#c9d1d8"
_UP, _DOWN, _OPEN = "#3f8f4f", "#c8503c", "#8797a5"
_TEXT = 30  # characters of a name beside a curve


def loss_curves(curves: Mapping[str, Band], path: str | Path, over: str = "steps") -> None:
    """Draw the smoothed loss of several trainings, on a logarithmic axis, each with the band of its seeds.

    Args:
        curves: by name, the most important first: ten have a colour, the others are grey and have no name.
        path: the PNG to write.
        over: what the places are, `steps` or `seconds`.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure = make_figure(9.5, 4.8)
        panel = figure.subplots()
        for number, (name, (places, mean, low, high)) in enumerate(curves.items()):
            if number >= len(_COLOURS):
                panel.plot(places, mean, color=_OTHERS, linewidth=1, zorder=1)
                continue
            style = {"color": _COLOURS[number], "zorder": 20 - number}
            panel.fill_between(places, low, high, alpha=0.13, linewidth=0, **style)
            panel.plot(places, mean, label=_short(name), linestyle="-" if number < 5 else (0, (5, 1.5)), **style)
        _logarithmic(panel.yaxis, "y")
        panel.set_title(f"Training loss over {over}")
        told = {"steps": "steps", "seconds": "seconds of learning, from the end of the first step"}
        panel.set_xlabel(told.get(over, over))
        if curves:
            more = len(curves) - len(_COLOURS)
            title = "best held-out score first" + (f"; {more} others grey" if more > 0 else "")
            figure.legend(loc="outside right upper", frameon=False, fontsize=9, title=title, title_fontsize=8)
        write_figure(figure, path)


def heat_map(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], path: str | Path, title: str, axis: str = ""
) -> None:
    """Draw numbers in a table, the higher the darker; what is NaN is crossed out.

    Args:
        values: (rows, columns).
        rows, columns: their names.
        path: the PNG to write.
        title: what the numbers are.
        axis: what the columns are.
    """
    from matplotlib import rc_context

    values = np.asarray(values, np.float64)
    with rc_context({**STYLE, "axes.grid": False}):
        figure = make_figure(2.6 + 0.95 * len(columns), 1.5 + 0.5 * len(rows))
        panel = figure.subplots()
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        low -= 0.15 * max(high - low, 1e-9)  # the lowest keeps a shade
        panel.imshow(values, cmap="Blues", vmin=low, vmax=max(high, low + 1e-9), aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            finite = bool(np.isfinite(value))
            dark = finite and value > low + 0.6 * (high - low)
            colour, text = ("white" if dark else "#22303c", f"{value:.3g}") if finite else (FAINT, "✕")
            weight = "bold" if finite and value == high else "normal"
            panel.text(column, row, text, ha="center", va="center", color=colour, fontweight=weight)
        panel.set_xticks(range(len(columns)), columns)
        panel.set_yticks(range(len(rows)), rows)
        panel.set_xlabel(axis)
        panel.set_title(title)
        panel.spines[:].set_visible(False)
        write_figure(figure, path)


def score_ladder(
    scores: Mapping[str, Sequence[float]],
    path: str | Path,
    score: str = "score",
    changes: Mapping[str, tuple[float, float | None, float | None]] | None = None,
    against: str = "the rung before",
) -> None:
    """Draw the scores of variants from top to bottom, a point a seed, and beside them by how much each changed it.

    Args:
        scores: of the seeds of each variant, by name.
        path: the PNG to write.
        score: what was measured.
        changes: (mean, low, high) by name; those whose interval leaves out 0 are green or red.
        against: what the changes are measured against.
    """
    from matplotlib import rc_context

    names = list(scores)
    with rc_context(STYLE):
        figure = make_figure(7.5 if changes is None else 11, 1.4 + 0.34 * max(len(names), 2))
        panels = figure.subplots(1, 1 if changes is None else 2, squeeze=False, sharey=True)[0]
        means = [float(np.mean(scores[name])) if len(scores[name]) else np.nan for name in names]
        panels[0].plot(means, range(len(names)), color=GRID if changes is None else _COLOURS[0], linewidth=1, alpha=0.6)
        for place, (name, mean) in enumerate(zip(names, means, strict=True)):
            values = list(scores[name])
            panels[0].plot(values, [place] * len(values), "o", color=_COLOURS[0], alpha=0.35, markersize=5, mew=0)
            panels[0].plot(mean, place, "|", color=_COLOURS[0], markersize=15, markeredgewidth=2.5)
        panels[0].set_title(f"Held-out {score}: each seed, and the mean")
        panels[0].set_yticks(range(len(names)), [_short(name) for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        panels[0].tick_params(axis="y", labelcolor="#22303c")
        if changes is not None:
            _draw_changes(panels[1], names, changes)
            panels[1].set_title(f"Change against {against}, 95 % interval")
        write_figure(figure, path)


def learning_rates(
    rates: Sequence[float] | np.ndarray,
    losses: Sequence[float] | np.ndarray,
    smooth: Sequence[float] | np.ndarray,
    marks: Mapping[str, float],
    path: str | Path,
) -> None:
    """Draw the loss while the learning rate grows: each step, the smoothed loss, and rates that are worth a mark.

    Args:
        rates, losses, smooth: (steps,).
        marks: rates by what they are.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    smooth = np.asarray(smooth, np.float64)
    with rc_context(STYLE):
        figure = make_figure(8, 4.6)
        panel = figure.subplots()
        panel.plot(rates, losses, color=_OTHERS, linewidth=1, label="each step")
        panel.plot(rates, smooth, color=_COLOURS[0], label="smoothed")
        for number, (name, rate) in enumerate(marks.items(), 1):
            colour = _COLOURS[number]
            panel.axvline(rate, color=colour, linewidth=1.4, linestyle=(0, (4, 2)), label=f"{name}: {rate:.2g}")
        _logarithmic(panel.xaxis, "x")
        if len(smooth):
            low, high = float(np.nanmin(smooth)), float(smooth[0])
            room = max(high - low, 1e-9)
            panel.set_ylim(low - 0.15 * room, high + 0.6 * room)
        panel.set_title("Training loss while the learning rate grows")
        panel.set_xlabel("learning rate")
        panel.legend(frameon=False, loc="best")
        write_figure(figure, path)


def _draw_changes(
    panel: Any, names: Sequence[str], changes: Mapping[str, tuple[float, float | None, float | None]]
) -> None:
    panel.axvline(0, color=GRID, linewidth=2, zorder=1)
    for place, name in enumerate(names):
        if name not in changes:
            continue
        mean, low, high = changes[name]
        sure = low is not None and high is not None and (low > 0 or high < 0)
        colour = (_UP if mean > 0 else _DOWN) if sure else _OPEN
        if low is not None and high is not None:
            panel.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.45, solid_capstyle="round")
        panel.plot(mean, place, "o", color=colour, markersize=7)
    # One that is hardly known must not make the others too small to see.
    means = [change[0] for change in changes.values()]
    reach = max([abs(mean) for mean in means] + [1e-3])
    limits = [abs(end) for change in changes.values() for end in change[1:] if end is not None]
    panel.set_xlim(*(sign * min(max([reach, *limits]) * 1.05, 2.5 * reach) for sign in (-1, 1)))


def _logarithmic(axis: Any, which: str) -> None:
    """A logarithmic axis with plain numbers on it."""
    from matplotlib.ticker import LogLocator, NullFormatter

    panel = axis.axes
    getattr(panel, f"set_{which}scale")("log")
    low, high = getattr(panel, f"get_{which}lim")()
    near = np.log10(max(high, 1e-300) / max(low, 1e-300)) < 2
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if near else (1,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="minor", size=0)


def _short(name: str) -> str:
    return name if len(name) <= _TEXT else name[: _TEXT - 1] + "…"

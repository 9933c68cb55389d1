"""How optimizers descend: their paths on a map of the loss, and the loss step by step, as a still or a film.

Contours are spaced evenly in the logarithm of the loss above its least value, so that the bottom of a valley shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from firstlight.errors import FirstlightError
from firstlight.plots.figure import FAINT, STYLE, make_figure, write_picture

__all__ = ["Descent", "descent", "descent_film"]

_COLOURS = ["#1768ac", "#d1495b", "#2e8b57", "#e08a00", "#7b4fa3", "#00868f", "#8c564b", "#c2408f", "#5b6770"]
_SHADES = ["#f7fafb", "#eef3f6", "#e4ecf1", "#dbe5ec", "#d1dee6", "#c8d7e1"]  # from the bottom up
_CONTOUR, _INK = "#a9bac7", "#22303c"
_MARKERS = "osD^vPXh"  # where a path ends: told apart without colours too
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FLOOR = 1e-10  # of what was at first: below it the curves are rounding


@dataclass(frozen=True)
class Descent:
    """A map of a loss and paths on it.

    Args:
        title, formula: what stands above the map.
        columns, rows: (m,) and (n,), the places of the map.
        values: (n, m), the loss there.
        minima: (k, 2).
        lowest: the loss there.
        paths: by name, positions (steps + 1, 2) and losses (steps + 1,).
        lost: names of those paths that diverged.
        rates: learning rates by name, to be told in the legend.
    """

    title: str
    formula: str
    columns: np.ndarray
    rows: np.ndarray
    values: np.ndarray
    minima: np.ndarray
    lowest: float
    paths: Mapping[str, tuple[np.ndarray, np.ndarray]]
    lost: frozenset[str] = frozenset()
    rates: Mapping[str, float] = field(default_factory=dict)


def descent(descents: Sequence[Descent], path: str | Path) -> None:
    """Draw for each descent the map with all paths, and beside it the loss above the least one, step by step.

    Args:
        descents: one a row of the figure.
        path: the file to write, .png or .svg.

    Raises:
        FirstlightError: the ending is another, or there is nothing to draw.
    """
    from matplotlib import rc_context

    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise FirstlightError(f"Expected a figure .png or .svg. Received {path.name}.")
    with rc_context({**STYLE, "svg.hashsalt": "firstlight"}):
        figure, _ = _draw(descents)
        if kind == "svg":
            write_picture(path, lambda temporary: figure.savefig(temporary, format=kind, metadata={"Date": None}))
            return
        figure.set_dpi(STYLE["savefig.dpi"])
        figure.canvas.draw()
        picture = _picture(figure)
        picture = picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE)  # a third of the size
        write_picture(path, lambda temporary: picture.save(temporary, "PNG", optimize=True))


def descent_film(descents: Sequence[Descent], path: str | Path, frames: int = 60, seconds: float = 6.0) -> None:
    """Write the same as a GIF in which the paths grow.

    Args:
        descents: see `descent`.
        path: the .gif to write.
        frames: how many pictures at most; one a step where there are fewer steps.
        seconds: how long it plays, before it rests and begins again.
    """
    from matplotlib import rc_context

    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise FirstlightError(f"Expected a film .gif. Received {path.name}.")
    last = max((len(losses) - 1 for each in descents for _, losses in each.paths.values()), default=0)
    steps = np.unique(np.round(np.linspace(0, last, max(2, frames))).astype(int)).tolist()
    with rc_context(STYLE):
        pictures = list(_filmed(descents, steps))
    # One palette for all, taken from the last picture: colours do not flicker, and what does not change is not stored.
    palette = _palette(pictures[-1])
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    pause = max(20, round(1000 * seconds / len(steps)))
    times = [*[pause] * len(others), 2000]
    write_picture(
        path,
        lambda temporary: first.save(
            temporary, "GIF", save_all=True, append_images=others, duration=times, loop=0, optimize=True
        ),
    )


@dataclass(frozen=True)
class _Moving:
    """What a film changes of a path: its line on the map and on the curve of the loss, from which both are cut."""

    positions: np.ndarray
    heights: np.ndarray
    lines: tuple[Any, Any]

    def show(self, step: int) -> None:
        """The path as it was after so many steps."""
        count = min(step + 1, len(self.heights))
        self.lines[0].set_data(*self.positions[:count].T)
        self.lines[1].set_data(np.arange(count), self.heights[:count])


def _filmed(descents: Sequence[Descent], steps: Sequence[int]) -> Iterator[Image.Image]:
    """A picture for each of these steps. The maps are drawn once; the paths anew on a copy of them."""
    figure, moving = _draw(descents)
    figure.set_dpi(80)
    lines = [line for each in moving for line in each.lines]
    for line in lines:
        line.set_animated(True)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    background = figure.canvas.copy_from_bbox(figure.bbox)
    for step in steps:
        figure.canvas.restore_region(background)
        for each in moving:
            each.show(step)
        for line in lines:
            line.axes.draw_artist(line)
        yield _picture(figure)


def _picture(figure: Any) -> Image.Image:
    """What is drawn on the canvas now."""
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())


def _palette(picture: Image.Image) -> Image.Image:
    """The colours that are most of a figure as a palette, exactly; what lies between them gets the nearest.

    Of colours that look alike only the most frequent one is in it, since Pillow finds the nearest by rough comparison.
    """
    pixels = np.asarray(picture).reshape(-1, 3) @ np.array([1 << 16, 1 << 8, 1])
    colours, counts = np.unique(pixels, return_counts=True)
    colours = colours[np.argsort(-counts, kind="stable")]
    channels = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
    kept = np.sort(np.unique(channels >> 3, axis=0, return_index=True)[1])[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette(channels[kept].tobytes())
    return palette


def _draw(descents: Sequence[Descent]) -> tuple[Any, list[_Moving]]:
    """The figure with whole paths, and what moves in it."""
    if not descents:
        raise FirstlightError("Expected a descent to draw. Received none.")
    figure = make_figure(10, 3.8 * len(descents))
    moving = []
    for (map_panel, curve_panel), each in zip(figure.subplots(len(descents), 2, squeeze=False), descents, strict=True):
        _map(map_panel, each)
        _curves(curve_panel, each)
        moving += [_path(map_panel, curve_panel, each, place) for place in range(len(each.paths))]
        top = max((len(losses) - 1 for _, losses in each.paths.values()), default=1)
        curve_panel.set_xlim(-0.02 * top, 1.02 * max(top, 1))
        handles = [handle for panel in (curve_panel, map_panel) for handle in panel.get_legend_handles_labels()[0]]
        curve_panel.legend(
            handles=handles, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0
        )
    return figure, moving


def _map(panel: Any, each: Descent) -> None:
    above = np.maximum(each.values - each.lowest, 0)
    top = float(above.max())
    levels = np.geomspace(max(float(np.quantile(above, 0.002)), 1e-4 * top), top, 16)
    panel.contourf(each.columns, each.rows, above, levels[::3], colors=_SHADES, extend="both")
    panel.contour(each.columns, each.rows, above, levels, colors=_CONTOUR, linewidths=0.7)
    panel.plot(*each.minima.T, "*", color=_INK, markersize=13, markeredgecolor="white", zorder=6, label="minimum")
    starts = [positions[0] for positions, _ in each.paths.values()]
    if starts:
        panel.plot(*starts[0], "o", color="white", markeredgecolor=_INK, markersize=8, zorder=6, label="start")
    panel.set(xlim=(each.columns[0], each.columns[-1]), ylim=(each.rows[0], each.rows[-1]), xlabel="x", ylabel="y")
    panel.grid(visible=False)
    panel.set_title(each.title, pad=22)
    panel.text(0, 1.02, each.formula, transform=panel.transAxes, color=FAINT, fontsize=9, va="bottom")


def _curves(panel: Any, each: Descent) -> None:
    from matplotlib.ticker import NullLocator

    panel.set_yscale("log")
    heights = [_heights(each, losses) for _, losses in each.paths.values()]
    if heights:
        lowest, highest = (float(pick([pick(each) for each in heights])) for pick in (np.min, np.max))
        panel.set_ylim(lowest / 3, highest * 3)
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(lambda height, _: "10" + str(round(np.log10(height))).translate(_RAISED))
    panel.set_title("Loss above the least one", pad=22)
    panel.set_xlabel("step")


def _heights(each: Descent, losses: np.ndarray) -> np.ndarray:
    """The loss above the least one, not below what rounding leaves."""
    above = np.asarray(losses, np.float64) - each.lowest
    return np.maximum(above, _FLOOR * max(float(above[0]), _FLOOR))


def _path(map_panel: Any, curve_panel: Any, each: Descent, place: int) -> _Moving:
    name, (positions, losses) = list(each.paths.items())[place]
    heights = _heights(each, losses)
    look: dict[str, Any] = {
        "color": _COLOURS[place % len(_COLOURS)],
        "linewidth": 1.4,
        "marker": _MARKERS[place % len(_MARKERS)],
        "markevery": [-1],  # where it ends
        "markersize": 7,
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
        "zorder": 5,
    }
    (way,) = map_panel.plot(*positions.T, **look)
    label = name + (f" {each.rates[name]:g}" if name in each.rates else "") + " (diverged)" * (name in each.lost)
    (curve,) = curve_panel.plot(heights, clip_on=False, label=label, **look)
    return _Moving(positions, heights, (way, curve))

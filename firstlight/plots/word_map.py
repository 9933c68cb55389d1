"""A map of words: each word where its vector falls in the plane, with its name beside it.

A name goes to the side of its point where it covers the fewest others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.plots.figure import FAINT, STYLE, make_figure, write_figure

__all__ = ["word_map"]

_COLOURS = ["#1768ac", "#d1495b", "#2e8b57", "#b36b00", "#7b4fa3", "#00868f", "#8c564b", "#c2408f", "#5b6770"]
# Where a name may stand: its shift in points, and which of its edges is at the point.
_SIDES = [
    (6, 0, "left", "center"),
    (-6, 0, "right", "center"),
    (0, 6, "center", "bottom"),
    (0, -6, "center", "top"),
    (5, 5, "left", "bottom"),
    (5, -5, "left", "top"),
    (-5, 5, "right", "bottom"),
    (-5, -5, "right", "top"),
    (0, 15, "center", "bottom"),  # farther off, where it is crowded
    (0, -15, "center", "top"),
    (13, 11, "left", "bottom"),
    (13, -11, "left", "top"),
    (-13, 11, "right", "bottom"),
    (-13, -11, "right", "top"),
]


def word_map(
    words: Sequence[str],
    places: np.ndarray,
    path: str | Path,
    *,
    title: str = "",
    note: str = "",
    groups: Sequence[int] | None = None,
    chosen: Sequence[str] = (),
) -> None:
    """Draw words in the plane.

    Args:
        words: their names.
        places: (words, 2), in any unit.
        path: the PNG to write.
        title: above the map.
        note: beside the title, such as how the plane was found.
        groups: for each word the number of its colour.
        chosen: words that stand out.
    """
    from matplotlib import rc_context

    numbers = list(groups) if groups is not None else [0] * len(words)
    side = float(np.clip(2.2 + 0.75 * np.sqrt(len(words)), 5, 14))
    with rc_context(STYLE):
        figure = make_figure(1.35 * side, side)
        panel = figure.subplots()
        colours = [_COLOURS[number % len(_COLOURS)] for number in numbers]
        panel.scatter(places[:, 0], places[:, 1], s=18, c=colours, linewidth=0)
        panel.margins(0.12, 0.08)
        panel.tick_params(labelbottom=False, labelleft=False)
        panel.set_title(title)
        panel.set_title(note, loc="right", fontsize=9, fontweight="normal", color=FAINT)
        figure.draw_without_rendering()
        _name(panel, words, places, colours, set(chosen))
        write_figure(figure, path)


def _name(panel: Any, words: Sequence[str], places: np.ndarray, colours: Sequence[str], chosen: set[str]) -> None:
    """Write the names one by one, each to the side that is freest."""
    points = panel.transData.transform(places)
    spots = np.concatenate([points - 4, points + 4], axis=1)  # what a name should not cover, in pixels
    renderer = panel.figure.canvas.get_renderer()
    texts, boxes = [], np.zeros((0, 4))
    for word, place, colour in zip(words, places, colours, strict=True):
        weight = "bold" if word in chosen else "normal"
        text = panel.annotate(
            word, place, (0, 0), textcoords="offset points", fontsize=9, color=colour, fontweight=weight
        )
        texts.append(text)
        boxes = np.concatenate([boxes, _freest(text, np.concatenate([spots, boxes]), panel, renderer)[None]])
    for number, text in enumerate(texts):  # once more, now that all others are known
        others = np.concatenate([spots, np.delete(boxes, number, axis=0)])
        boxes[number] = _freest(text, others, panel, renderer)


def _freest(text: Any, others: np.ndarray, panel: Any, renderer: Any) -> np.ndarray:
    """Put a name to the side where it covers least; returns its box."""
    inside = panel.get_window_extent().extents
    best = min(_SIDES, key=lambda side: _covered(_box(text, side, renderer), others, inside))
    return _box(text, best, renderer)


def _box(text: Any, side: tuple[int, int, str, str], renderer: Any) -> np.ndarray:
    """Put a name to a side; left, bottom, right and top of it in pixels."""
    dx, dy, horizontal, vertical = side
    text.set_position((dx, dy))
    text.set(ha=horizontal, va=vertical)
    return np.array(text.get_window_extent(renderer).extents)


def _covered(box: np.ndarray, others: np.ndarray, inside: np.ndarray) -> float:
    """How much of other points and names, and of the world outside, a name would cover, in square pixels."""
    return float(_overlap(box, others).sum() + np.prod(box[2:] - box[:2]) - _overlap(box, inside[None]).sum())


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    shared = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return np.asarray(shared.clip(0).prod(axis=1))

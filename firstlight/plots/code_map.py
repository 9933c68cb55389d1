"""The map of a code space: pictures as thumbnails where their codes lie, or as points where they are many.

Where thumbnails would cover each other, the first one stays, so that what is dense does not hide what is there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from firstlight.errors import FirstlightError
from firstlight.plots.figure import FAINT, STYLE, make_figure, write_figure
from firstlight.plots.films import enlarged

__all__ = ["code_map", "map_picture"]

_SIDE, _MARGIN = 1400, 40  # pixels of the map and of the edge around it
_THUMB = 56  # pixels of a thumbnail
_APART = 1.02  # of a thumbnail: nearer ones are left out
_PAPER = (246, 244, 240)
_COLOURS = [
    "#1768ac",
    "#d1495b",
    "#2e8b57",
    "#e08a00",
    "#7b4fa3",
    "#00868f",
    "#8c564b",
    "#c2408f",
    "#5b6770",
    "#9aa300",
]


def map_picture(
    places: np.ndarray, pictures: Sequence[np.ndarray], *, side: int = _SIDE, thumb: int = _THUMB
) -> np.ndarray:
    """The map as a picture (side, side, 3) uint8.

    Args:
        places: (pictures, 2), where each lies; only their proportions count.
        pictures: arrays (height, width) or (height, width, 1 or 3) of uint8.
        side: pixels of the map.
        thumb: pixels of the longer side of a thumbnail.
    """
    spots = np.asarray(places, np.float64)
    if spots.ndim != 2 or spots.shape[1] != 2 or len(spots) != len(pictures) or not len(spots):
        raise FirstlightError(
            f"Expected a place of two numbers for each picture. Received {spots.shape} and {len(pictures)} pictures."
        )
    low, high = np.quantile(spots, 0.002, axis=0), np.quantile(spots, 0.998, axis=0)
    shares = ((spots - low) / np.maximum(high - low, 1e-12)).clip(0, 1)
    room = side - 2 * _MARGIN - thumb
    corners = np.rint(_MARGIN + shares * room).astype(int)
    corners[:, 1] = side - thumb - corners[:, 1]  # the second number grows upwards
    sheet = Image.new("RGB", (side, side), _PAPER)
    taken: list[np.ndarray] = []
    for corner, picture in zip(corners, pictures, strict=True):
        if all(np.abs(corner - other).max() > _APART * thumb for other in taken):
            taken.append(corner)
            shown = Image.fromarray(enlarged(picture, thumb))
            shown.thumbnail((thumb, thumb), Image.Resampling.LANCZOS)
            sheet.paste(shown, (int(corner[0]), int(corner[1])))
    return np.asarray(sheet)


def code_map(
    places: np.ndarray,
    path: str | Path,
    *,
    pictures: Sequence[np.ndarray] = (),
    labels: Sequence[str] = (),
    title: str = "Map of the codes",
) -> None:
    """Draw a map of codes as a PNG: thumbnails, and with labels beside them points in the colours of the classes.

    Args:
        places: (pictures, 2).
        path: the PNG to write.
        pictures: one for each place, for the thumbnails.
        labels: one for each place, for the points.
        title: the heading.
    """
    from matplotlib import rc_context

    panels = bool(len(pictures)) + bool(len(labels))
    if not panels:
        raise FirstlightError("Expected pictures or labels for a map. Received neither.")
    spots = np.asarray(places, np.float64)
    with rc_context(STYLE):
        figure = make_figure(9 * panels, 9.4)
        drawn = list(np.ravel(figure.subplots(1, panels, squeeze=False)))
        if len(pictures):
            panel = drawn.pop(0)
            panel.imshow(map_picture(spots, pictures))
            panel.set_axis_off()
            panel.set_title(title)
        if len(labels):
            _points(drawn.pop(0), spots, labels)
        write_figure(figure, path)


def _points(panel: Any, spots: np.ndarray, labels: Sequence[str]) -> None:
    names = sorted(
        set(labels), key=lambda label: (not label.isdecimal(), int(label) if label.isdecimal() else 0, label)
    )
    kinds = np.array([names.index(label) for label in labels])
    for place, name in enumerate(names[: len(_COLOURS)]):
        some = spots[kinds == place]
        panel.scatter(*some.T, s=9, color=_COLOURS[place], alpha=0.75, linewidths=0, label=name)
    rest = spots[kinds >= len(_COLOURS)]
    if len(rest):
        panel.scatter(*rest.T, s=9, color=FAINT, alpha=0.5, linewidths=0, label="others")
    panel.set_title("Classes, which it was not told")
    panel.legend(frameon=False, markerscale=2.5, ncols=2, loc="best")

"""What a network sees: heat over pictures, its first weights, its maps of a picture, and its surest mistakes.

Each function takes arrays and a path and writes one picture.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from firstlight.plots.figure import FAINT, STYLE, make_figure, write_figure

__all__ = ["feature_maps", "filters", "heat", "mistakes"]

_COLUMNS = 8
_SMALL = 96  # pixels: pictures up to this side are shown pixel by pixel
_STRENGTH = 0.62  # of the heat where it is strongest


def heat(image: np.ndarray, heats: Mapping[str, np.ndarray], path: str | Path, title: str = "") -> None:
    """Draw a picture, and beside it the same in grey under each of some heats.

    Args:
        image: (height, width, 3) or (height, width, 1) uint8.
        heats: by name a (rows, columns) array of numbers from 0 on; each is scaled by its own largest.
        path: the PNG to write.
        title: above the picture.
    """
    from matplotlib import rc_context

    picture = _as_colour(image)
    ratio = min(max(picture.shape[0] / picture.shape[1], 0.5), 1.6)
    with rc_context(STYLE):
        figure = make_figure(2.6 * (len(heats) + 1), 2.6 * ratio + 0.45)
        panels = figure.subplots(1, len(heats) + 1, squeeze=False)[0]
        _show(panels[0], picture, title or "picture")
        for panel, (name, values) in zip(panels[1:], heats.items(), strict=True):
            _show(panel, _under(picture, values), name)
        write_figure(figure, path)


def filters(pictures: np.ndarray, path: str | Path, *, names: Sequence[str] | None = None, title: str = "") -> None:
    """Draw pictures of weights in a grid, pixel by pixel.

    Args:
        pictures: (units, height, width, 3) uint8, as `ImageClassifier.filters` gives them.
        path: the PNG to write.
        names: of the units, by choice.
        title: the heading.
    """
    _grid([_as_colour(picture) for picture in pictures], path, names, title)


def feature_maps(maps: np.ndarray, path: str | Path, *, most: int = 32, title: str = "") -> None:
    """Draw the maps of a layer for one picture, those with the highest mean first; bright is high.

    Args:
        maps: (rows, columns, channels).
        path: the PNG to write.
        most: channels that are drawn.
        title: the heading.
    """
    from matplotlib import colormaps

    channels = np.argsort(-maps.mean((0, 1)), kind="stable")[:most]
    low, high = float(maps[..., channels].min()), float(maps[..., channels].max())
    scaled = (maps - low) / max(high - low, 1e-12)
    drawn = [np.rint(255 * colormaps["magma"](scaled[..., channel])[..., :3]).astype(np.uint8) for channel in channels]
    _grid(drawn, path, [str(channel) for channel in channels], title)


def mistakes(
    images: Sequence[np.ndarray],
    true: Sequence[str],
    told: Sequence[str],
    probabilities: Sequence[float],
    path: str | Path,
    *,
    title: str = "The surest mistakes",
) -> None:
    """Draw pictures that were told wrongly, each with its class, what it was taken for, and how surely.

    Args:
        images: (height, width, 3) or (height, width, 1) uint8 each.
        true, told: the classes of each.
        probabilities: of what was told.
        path: the PNG to write.
        title: the heading.
    """
    lines = [f"{one}, told {other} {share:.0%}" for one, other, share in zip(true, told, probabilities, strict=True)]
    _grid([_as_colour(image) for image in images], path, lines, title, columns=5, side=1.9)


def _grid(
    pictures: Sequence[np.ndarray],
    path: str | Path,
    names: Sequence[str] | None,
    title: str,
    columns: int = _COLUMNS,
    side: float = 1.0,
) -> None:
    from matplotlib import rc_context

    columns = max(1, min(columns, len(pictures)))
    rows = max(1, -(-len(pictures) // columns))
    with rc_context(STYLE):
        figure = make_figure(
            max(side * columns, 3.2) + 0.2, (side + (0.28 if names else 0.06)) * rows + 0.5 * bool(title)
        )
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        for place, (panel, picture) in enumerate(zip(panels, pictures, strict=False)):
            _show(panel, picture, _fitted(names[place], side) if names else "", size=9, weight="normal")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        write_figure(figure, path)


def _show(panel: Any, picture: np.ndarray, name: str, size: int = 11, weight: str = "bold") -> None:
    small = max(picture.shape[:2]) <= _SMALL
    panel.set_axis_off()
    panel.imshow(picture, interpolation="nearest" if small else "antialiased", aspect="equal")
    if name:
        panel.set_title(
            name, fontsize=size, pad=3, fontweight=weight, **({"color": FAINT} if weight == "normal" else {})
        )


def _fitted(name: str, side: float) -> str:
    """A name that is no wider than its picture."""
    room = max(3, int(side * 15))
    return name if len(name) <= room else name[: room - 1] + "…"


def _as_colour(image: np.ndarray) -> np.ndarray:
    picture = np.asarray(image, np.uint8)
    picture = picture[..., None] if picture.ndim == 2 else picture
    return np.repeat(picture, 3, -1) if picture.shape[-1] == 1 else picture


def _under(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A picture in grey under a heat, which is enlarged smoothly to its size; a small picture is enlarged first."""
    from matplotlib import colormaps

    factor = max(1, -(-2 * _SMALL // max(picture.shape[:2])))
    large = np.repeat(np.repeat(picture, factor, 0), factor, 1)
    size = large.shape[1], large.shape[0]
    coarse = Image.fromarray(np.asarray(values, np.float32))
    coarse.thumbnail((_SMALL, _SMALL), Image.Resampling.BOX)  # of many pixels, only single ones would be seen
    smooth = np.asarray(coarse.resize(size, Image.Resampling.BILINEAR))[..., None]
    smooth = (smooth / max(float(np.quantile(smooth, 0.998)), 1e-12)).clip(0, 1)
    grey = large.mean(-1, keepdims=True) * 0.75
    colour = 255 * colormaps["inferno"](0.25 + 0.7 * smooth[..., 0])[..., :3]
    share = _STRENGTH * smooth**0.7
    return np.rint((1 - share) * grey + share * colour).clip(0, 255).astype(np.uint8)

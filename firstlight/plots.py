"""The figures: how training went, where the network looked, and a sheet of pictures with their captions.

Each function takes arrays and a path and writes one PNG. Nothing global is touched: figures are made without pyplot.
"""

import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["attention", "contact_sheet", "training_curves"]

_INK, _FAINT, _GRID = "#22303c", "#6b7a87", "#e3e8ec"
_TRAIN, _VALIDATION, _SCORE = "#8aa4b8", "#1f6f8b", "#d9663d"
_GLOW = (255.0, 168.0, 40.0)  # red, green and blue of the light that falls where the network looked
_SERIES = ("loss", "val_loss", "cider", "val_cider")
_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "text.parse_math": False,  # a caption may hold dollars
    "axes.labelcolor": _FAINT,
    "axes.edgecolor": _GRID,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
}


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
    with rc_context(_STYLE):
        figure = _figure(5.6 if scores is None else 10, 3.8)
        panels = figure.subplots(1, 1 if scores is None else 2, squeeze=False)[0]
        _curve(panels[0], series.get("loss"), _TRAIN, "training")
        _curve(panels[0], series.get("val_loss"), _VALIDATION, "validation")
        panels[0].set_title("Loss a word")
        if panels[0].lines:
            panels[0].legend(frameon=False)
        if scores is not None:
            _curve(panels[1], scores, _SCORE, "validation")
            panels[1].set_title("CIDEr of generated captions")
            _mark_best(panels, scores)
        for panel in panels:
            panel.set_xlabel("epoch")
            if later is not None:
                panel.axvspan(later + 0.5, len(history["stage"]) + 0.5, color=_GRID, alpha=0.45, linewidth=0, zorder=0)
                panel.text(
                    later + 0.6, 0.02, history["stage"][later], transform=panel.get_xaxis_transform(), color=_FAINT
                )
            panel.xaxis.get_major_locator().set_params(integer=True)
        _write(figure, path)


def attention(
    image: np.ndarray,
    words: Sequence[str],
    maps: Sequence[np.ndarray],
    probabilities: Sequence[float],
    path: str | Path,
) -> None:
    """Draw the picture, and for each word where the network looked: in a warm light there, grey elsewhere.

    Args:
        image: (height, width, 3) uint8.
        words: the caption, word by word.
        maps: for each word a (rows, columns) array of shares that sum to 1.
        probabilities: of each word, 0 to 1.
        path: the PNG to write.
    """
    from matplotlib import rc_context

    height, width = image.shape[:2]
    columns = min(len(words) + 1, 5)
    rows = -(-(len(words) + 1) // columns)
    with rc_context(_STYLE):
        figure = _figure(2.2 * columns, (2.2 * min(height / width, 1.6) + 0.36) * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        panels[0].imshow(image)
        for panel, word, shares, probability in zip(panels[1:], words, maps, probabilities, strict=False):
            panel.imshow(_spotlight(image, shares))
            panel.set_title(word, fontsize=11, loc="left", pad=5)
            panel.set_title(f"{probability:.0%}", fontsize=9, loc="right", pad=5, color=_FAINT, fontweight="normal")
        _write(figure, path)


def contact_sheet(
    images: Sequence[np.ndarray], titles: Sequence[str], path: str | Path, columns: int | None = None
) -> None:
    """Draw images in a grid, each with its caption below.

    Args:
        images: arrays (height, width, 3) of uint8, of any sizes.
        titles: one caption for each image; long ones are wrapped.
        path: the PNG to write.
        columns: how many stand side by side; by default about as many as make the sheet a little wider than high.
    """
    from matplotlib import rc_context

    columns = columns or max(1, min(len(images), round((1.5 * len(images)) ** 0.5)))
    rows = max(1, -(-len(images) // columns))
    captions = [textwrap.fill(title, 30) for title in titles]
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    shape = min(max((image.shape[0] / image.shape[1] for image in images), default=1.0), 1.5)
    with rc_context(_STYLE):
        figure = _figure(2.7 * columns, (2.6 * shape + 0.2 * lines + 0.3) * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        for panel, image, caption in zip(panels, images, captions, strict=False):
            panel.imshow(image)
            panel.set_anchor("N")
            panel.text(0, -0.03, caption, transform=panel.transAxes, va="top", fontsize=10, linespacing=1.35)
        _write(figure, path)


def _figure(width: float, height: float) -> Any:
    """A figure of so many inches on the Agg canvas, which needs no display and no pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.07))
    FigureCanvasAgg(figure)
    return figure


def _write(figure: Any, path: str | Path) -> None:
    """Write the PNG to a temporary name and move it into place, so that no half picture is ever seen."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    figure.savefig(partial, format="png")
    os.replace(partial, path)


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
        panel.axvline(best + 1, color=_FAINT, linewidth=1, linestyle=(0, (2, 3)), zorder=1)
    panels[-1].plot(
        best + 1, scores[best], "o", color=_SCORE, markersize=9, markeredgecolor="white", markeredgewidth=1.5
    )
    panels[-1].set_title(
        f"best {scores[best]:.3g}, epoch {best + 1}", loc="right", fontsize=10, fontweight="normal", color=_SCORE
    )


def _spotlight(image: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The image in a warm light where the network looked, grey elsewhere; shares are enlarged smoothly to its size."""
    height, width = image.shape[:2]
    low, high = float(shares.min()), float(shares.max())
    scaled = (np.asarray(shares, np.float32) - low) / max(high - low, 1e-9)
    if high * shares.size < 1.01:  # evenly everywhere: nothing stands out, and noise must not look like a finding
        scaled = np.full_like(scaled, 0.5)
    light = np.asarray(Image.fromarray(scaled).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    grey = image.mean(axis=2, keepdims=True)
    dim = 0.25 * image + 0.45 * grey
    lit = 0.55 * image + 0.45 * np.array(_GLOW)
    return np.asarray(np.round(dim + (lit - dim) * light).clip(0, 255), np.uint8)

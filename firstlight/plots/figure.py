"""What the figures share: ink and grid, a canvas without pyplot, and files that appear whole.

The style is for `matplotlib.rc_context`, so nothing global is touched.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["FAINT", "GRID", "STYLE", "make_figure", "write_figure", "write_picture"]

_INK, FAINT, GRID = "#22303c", "#6b7a87", "#e3e8ec"
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "text.parse_math": False,  # a caption may hold dollars
    "axes.labelcolor": FAINT,
    "axes.edgecolor": GRID,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
}


def make_figure(width: float, height: float) -> Any:
    """A figure of so many inches on the Agg canvas, which needs no display and no pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.07))
    FigureCanvasAgg(figure)
    return figure


def write_figure(figure: Any, path: str | Path) -> None:
    """Write the PNG to a temporary name and move it into place."""
    write_picture(path, lambda temporary: figure.savefig(temporary, format="png"))


def write_picture(path: str | Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file of the same ending and move it into place: no half picture is ever seen."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

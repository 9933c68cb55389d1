"""Histograms: how the numbers of each layer change while a network is trained, as a page.

After each epoch a trace of a few examples is taken. Outputs that die (all 0) or grow, gradients that vanish on their
way back: these show before the loss does.
"""

from html import escape
from typing import Any

import numpy as np

from firstlight.engine.callback import Callback
from firstlight.engine.charts import lines
from firstlight.engine.files import write_text
from firstlight.engine.picture import data_uri, shaded
from firstlight.engine.records import size_of
from firstlight.engine.trace import trace
from firstlight.engine.trace_style import FIND, PAGE, SCRIPT, STYLE
from firstlight.errors import FirstlightError

__all__ = ["Histograms"]

_MOST = 4000  # numbers of an array that are kept, evenly drawn from the sorted ones
_BINS = 48
_KINDS = ("outputs", "gradients", "weights")


class Histograms(Callback):
    """Keeps how outputs, gradients and weights of every layer are distributed, epoch by epoch.

    `Histograms(x[:64], y[:64])` among the callbacks of `fit`, then `to_html(path)`. The page shows for each layer a
    picture with an epoch a column: which numbers there are, the more the lighter; a line for their size is above.

    Args:
        x, y: examples to look at, the same each time.
        every: look after every so many epochs; once before the first, too.
    """

    def __init__(self, x: Any, y: Any, every: int = 1):
        if every < 1:
            raise FirstlightError(f"Expected every to be 1 or more epochs. Received {every}.")
        self.x, self.y, self.every = x, y, every
        self.epochs: list[int] = []
        self.found: dict[str, dict[str, list[np.ndarray]]] = {}  # by layer and kind, an array an epoch

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Look at what the network begins with."""
        if not self.epochs:
            self._look(0)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look again."""
        if (epoch + 1) % self.every == 0:
            self._look(epoch + 1)

    def _look(self, epoch: int) -> None:
        seen = trace(self.model, self.x, self.y)
        self.epochs.append(epoch)
        for step in seen:
            weights = [each.ravel() for each in step.weights.values()]
            arrays = {
                "outputs": step.output if step.output.dtype.kind == "f" else None,
                "gradients": step.gradient,
                "weights": np.concatenate(weights) if weights else None,
            }
            of_step = self.found.setdefault(step.name, {})
            for kind, array in arrays.items():
                if array is not None:
                    of_step.setdefault(kind, []).append(_thinned(array))

    def size(self, layer: str, kind: str) -> list[float]:
        """The root of the mean square of a layer's `outputs`, `gradients` or `weights`, a number an epoch."""
        return [size_of(array) for array in self.found[layer][kind]]

    def to_html(self, path: Any, title: str = "What training does to the numbers") -> None:
        """Write one page that needs nothing else.

        Raises:
            FirstlightError: nothing has been seen yet.
        """
        if not self.epochs:
            raise FirstlightError("Expected a training that was watched. Received none. Pass this callback to fit.")
        names = list(self.found)
        links = [f"#layer{number}" for number in range(len(names))]
        last: dict[str, list[float | None]] = {
            f"size of {kind} after epoch {self.epochs[-1]}": [
                self.size(name, kind)[-1] if kind in self.found[name] else None for name in names
            ]
            for kind in ("outputs", "gradients")
        }
        cards = "".join(self._card(name, number) for number, name in enumerate(names))
        body = f"<h3>All layers</h3>{lines(last, names, links)}{cards}"
        lead = (
            f"{len(self.epochs)} looks, from epoch {self.epochs[0]} on the left to {self.epochs[-1]} on the right; "
            "upwards the numbers, the lighter the more there are of them."
        )
        text = PAGE.format(
            title=escape(title),
            style=STYLE,
            script=SCRIPT,
            contents=FIND,
            body=body,
            lead=f'<p class="lead">{lead}</p>',
        )
        write_text(path, text)

    def _card(self, name: str, number: int) -> str:
        figures = "".join(_figure(kind, self.found[name][kind]) for kind in _KINDS if kind in self.found[name])
        return (
            f'<article id="layer{number}" style="--depth:0"><header><h4>{escape(name)}</h4></header>'
            f'<div class="pictures">{figures}</div></article>'
        )


def _thinned(array: np.ndarray) -> np.ndarray:
    """Sorted, and of many numbers so many as tell how they are distributed."""
    ordered = np.sort(array, axis=None)
    if ordered.size <= _MOST:
        return ordered
    return ordered[np.linspace(0, ordered.size - 1, _MOST).astype(int)]


def _figure(kind: str, arrays: list[np.ndarray]) -> str:
    """A column an epoch, a row a range of numbers; the middle 99 % of all of them set the range."""
    together = np.concatenate(arrays)
    low, high = np.quantile(together[np.isfinite(together)], (0.005, 0.995)) if np.isfinite(together).any() else (0, 0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    columns = [np.histogram(np.clip(array, low, high), _BINS, (low, high))[0] / max(1, array.size) for array in arrays]
    shares = np.sqrt(np.stack(columns, 1)[::-1])  # the root, so that rare numbers show too
    width = max(2, min(24, 360 // len(arrays)))
    pixels = shaded(shares, False).repeat(3, 0).repeat(width, 1)
    caption = f"{kind}, {low:.3g} (below) to {high:.3g}; size {size_of(arrays[0]):.3g} at first, "
    caption += f"{size_of(arrays[-1]):.3g} at last"
    return (
        f'<figure><img src="{data_uri(pixels)}" width="{pixels.shape[1]}" height="{pixels.shape[0]}" '
        f'alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'
    )

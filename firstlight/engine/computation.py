"""Computations as pictures: every number that a result was computed from, with the gradient that comes back to it.

`graph(loss)` draws the memory that `backward` walks: a box a tensor, an arrow to each result that it went into.
"""

from typing import Any

import numpy as np

from firstlight.engine.backward import Gradients, backward
from firstlight.engine.diagram import Box, diagram
from firstlight.engine.files import write_text
from firstlight.engine.tensor import Tensor
from firstlight.errors import FirstlightError

__all__ = ["Drawing", "graph"]

_MOST = 300  # boxes; more cannot be read
_FEW = 6  # numbers that a box tells one by one
_STYLE = (
    "<style>.diagram{background:#fff}.diagram text{font:12px ui-monospace,'DejaVu Sans Mono',Consolas,monospace;"
    "fill:#566573;text-anchor:middle}.diagram .first{font-weight:700;fill:#1c2733}.diagram rect{fill:#f6f4f0;"
    "stroke:#c9c3b8}.diagram .leaf rect{stroke:#17627c;stroke-width:1.6}.diagram .constant rect{stroke-dasharray:3 3}"
    ".diagram .line{fill:none;stroke:#566573;stroke-width:1.2}.diagram .head{fill:#566573}</style>"
)


class Drawing:
    """A picture as SVG: `svg` is its text, `save(path)` writes it, and a notebook shows it."""

    def __init__(self, svg: str):
        self.svg = svg

    def save(self, path: Any) -> None:
        """Write an SVG file, which browsers and text programs open."""
        write_text(path, self.svg)

    def _repr_svg_(self) -> str:
        return self.svg


def graph(tensor: Tensor, gradient: Any = None, across: bool = True) -> Drawing:
    """Draw the computation of a tensor, with value and gradient at each place.

    Args:
        tensor: of one number, or any with `gradient`; else gradients are left out.
        gradient: what the way back begins with in place of 1.
        across: from left to right, else downwards.

    Raises:
        FirstlightError: it remembers no computation, or one of more than 300 tensors.
    """
    if not isinstance(tensor, Tensor) or not tensor.origin:
        raise FirstlightError(
            f"Expected what operations on tensors gave. Received {tensor!r:.60}, which remembers none. "
            "Compute with Tensor(...), outside of no_gradients()."
        )
    tensors = _all_of(tensor)
    gradients = None
    if tensor.size == 1 or gradient is not None:
        gradients = backward(tensor, gradient=gradient, wanted=tensors, keep=True)
    place = {each: number for number, each in enumerate(tensors)}
    boxes = [_box(each, gradients) for each in tensors]
    edges = []
    for each in tensors:
        for parent in each.parents:
            if parent is None:
                edges.append((len(boxes), place[each]))
                boxes.append(Box(["constant"], kind="constant"))
            else:
                edges.append((place[parent[0]], place[each]))
    drawn = diagram(boxes, edges, across, f"the computation of {tensor.name or tensor.origin}")
    return Drawing(drawn.replace(">", f">{_STYLE}", 1))


def _all_of(tensor: Tensor) -> list[Tensor]:
    """The tensor and all that it was computed from, the earliest first."""
    found, waiting = {tensor}, [tensor]
    while waiting:
        for parent in waiting.pop().parents:
            if parent is not None and parent[0] not in found:
                found.add(parent[0])
                waiting.append(parent[0])
        if len(found) > _MOST:
            raise FirstlightError(
                f"Expected a computation of at most {_MOST} tensors to draw. Received more. "
                "See a network layer by layer: engine.trace(model, inputs).to_html('page.html')."
            )
    return sorted(found, key=lambda each: each.number)


def _box(tensor: Tensor, gradients: Gradients | None) -> Box:
    title = f"{tensor.name} = {tensor.origin}" if tensor.name and tensor.origin else tensor.name or tensor.origin
    lines = [title or "tensor", _told(tensor.array)]
    if gradients is not None:
        gradient = gradients.get(tensor)
        lines.append(f"gradient {'none' if gradient is None else _told(gradient)}")
    return Box(lines, kind="" if tensor.origin else "leaf")


def _told(x: np.ndarray) -> str:
    """A number, a few numbers, or the shape and the mean."""
    if x.size == 1:
        return f"{x.item():.4g}"
    if x.size <= _FEW:
        return np.array2string(x, precision=3, separator=", ").replace("\n", "")
    return f"{tuple(x.shape)}, mean {x.mean():.3g}"

"""A table of a model: its layers, the shapes of their outputs, the number of their weights."""

from typing import Any

from firstlight.engine.layer import Layer
from firstlight.engine.structure import map_structure
from firstlight.engine.symbols import KerasTensor

__all__ = ["summary"]


def summary(model: Any, line_length: int = 80) -> str:
    """The table as text."""
    rows = [("Layer (type)", "Output shape", "Weights")]
    rows += [(f"{x.name} ({type(x).__name__})", _shape(x), f"{x.count_params():,}") for x in model.layers]
    first = max(len(row[0]) for row in rows) + 2
    second = max(len(row[1]) for row in rows) + 2
    rule = "─" * min(line_length, first + second + 12)
    lines = [f"{name:{first}}{shape:{second}}{count:>10}" for name, shape, count in rows]
    learned = sum(weight.size for weight in model.trainable_weights)
    total = model.count_params()
    end = f"{total:,} weights, {learned:,} of them learn ({4 * total / 2**20:.2f} MB)"
    return "\n".join([f"Model: {model.name}", rule, lines[0], rule, *lines[1:], rule, end])


def _shape(layer: Layer) -> str:
    if not layer.nodes:
        return "?"
    shapes = map_structure(lambda x: x.shape if isinstance(x, KerasTensor) else x, layer.nodes[-1].outputs)
    return str(shapes)

"""Records of a trace: one for each operation and each call of a layer, and the same of plain types for JSON."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from firstlight.engine.backward import Gradients
from firstlight.engine.formula import formula
from firstlight.engine.layer import Layer
from firstlight.engine.structure import leaves
from firstlight.engine.tensor import Tensor, value_of
from firstlight.engine.variable import Variable

__all__ = ["Operation", "Step", "record", "shape_text", "size_of", "summary_of"]

_SHORT = 64  # numbers that a JSON record tells one by one


@dataclass(eq=False)
class Operation:
    """One operation: its name, what it took, what it gave, and how long it took."""

    name: str
    arguments: tuple[Any, ...]
    settings: dict[str, Any]
    result: Any
    seconds: float

    @property
    def value(self) -> np.ndarray:
        """What it gave."""
        return np.asarray(value_of(self.result))


@dataclass(eq=False)
class Step:
    """One call of a layer.

    Args:
        name: of the layer, with those that it lies in: `encoder/dense`; a second call has `#2` behind.
        layer: which was called.
        given: the tensors and arrays that went in, by the names of the arguments.
        parents: the steps that gave them.
        parts: the operations and the calls of inner layers, in order.
        result: what came out, as the layer gave it.
        seconds: how long it took, all within included.
    """

    name: str
    layer: Layer
    depth: int
    given: dict[str, Any]
    parents: list["Step"] = field(default_factory=list)
    parts: list["Operation | Step"] = field(default_factory=list)
    result: Any = None
    seconds: float = 0.0
    gradients: Gradients | None = None

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The arrays that went in."""
        return {name: np.asarray(value_of(x)) for name, x in self.given.items()}

    @property
    def outputs(self) -> list[np.ndarray]:
        """The arrays that came out."""
        return [np.asarray(value_of(x)) for x in leaves(self.result)]

    @property
    def output_names(self) -> list[str]:
        """What to call them: by the names of a dict, or by number."""
        if isinstance(self.result, dict):
            return sorted(self.result)
        count = len(self.outputs)
        return ["output"] if count == 1 else [f"output {number}" for number in range(1, count + 1)]

    @property
    def output(self) -> np.ndarray:
        """The first of them."""
        return self.outputs[0]

    @property
    def gradient(self) -> np.ndarray | None:
        """Of what the trace differentiates, with respect to the output; None where it does not depend on it."""
        return self.gradient_of(next(leaves(self.result)))

    def gradient_of(self, x: Any) -> np.ndarray | None:
        """The same with respect to any tensor that the step computed."""
        return None if self.gradients is None or not isinstance(x, Tensor) else self.gradients.get(x)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The layer's weights by name, with those of cells within it. Layers that are called within have their own."""
        return {name: weight.array for weight, name in self.weight_names()}

    def weight_names(self) -> list[tuple[Variable, str]]:
        """Each weight of `weights` with its name."""
        called = {step.layer for step in self.all_steps()}
        found: dict[str, Variable] = {}
        waiting = [self.layer]
        while waiting:
            layer = waiting.pop()
            for weight in layer.own_weights:
                found[f"{layer.name}/{weight.name}" if weight.name in found else weight.name] = weight
            waiting += [inner for inner in reversed(layer.layers) if inner not in called]
        return [(weight, name) for name, weight in found.items()]

    @property
    def weight_gradients(self) -> dict[str, np.ndarray]:
        """The gradients with respect to those weights that learn."""
        found = {name: self.gradient_of(weight) for weight, name in self.weight_names()}
        return {name: gradient for name, gradient in found.items() if gradient is not None}

    @property
    def inner(self) -> list["Step"]:
        """The calls of layers within."""
        return [part for part in self.parts if isinstance(part, Step)]

    @property
    def operations(self) -> list[Operation]:
        """The operations of the layer itself."""
        return [part for part in self.parts if isinstance(part, Operation)]

    @property
    def notes(self) -> dict[str, list[Tensor]]:
        """Named values, each as often as it was computed: the gates of an LSTM at every step, attention."""
        found: dict[str, list[Tensor]] = {}
        for operation in self.operations:
            if isinstance(operation.result, Tensor) and operation.result.name:
                found.setdefault(operation.result.name, []).append(operation.result)
        return found

    @property
    def formula(self) -> list[str]:
        """What the layer computes, a line for each value with a name, the output last; none for a whole model."""
        return [] if hasattr(self.layer, "graph") else formula(self)

    def all_steps(self) -> Iterator["Step"]:
        """Those within, each before what lies in it."""
        for step in self.inner:
            yield step
            yield from step.all_steps()


# -- records of plain types --------------------------------------------------------------------------------------


def size_of(x: np.ndarray) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(np.square(x, dtype="float64")))) if x.size else 0.0


def shape_text(x: np.ndarray) -> str:
    """As Python writes it."""
    return str(tuple(x.shape))


def _number(x: Any) -> float | int | bool | None:
    """As JSON can hold it: what is not finite becomes null."""
    x = x.item() if hasattr(x, "item") else x
    return x if not isinstance(x, float) or math.isfinite(x) else None


def summary_of(x: np.ndarray | None) -> dict[str, Any] | None:
    """Shape, type, range, mean and spread of an array, and all numbers if they are few."""
    if x is None:
        return None
    found: dict[str, Any] = {"shape": list(x.shape), "dtype": str(x.dtype)}
    if x.size and x.dtype.kind in "fiu":
        with np.errstate(all="ignore"):  # of numbers that are not finite, null tells
            found |= {name: _number(getattr(x, name)()) for name in ("min", "max", "mean", "std")}
    if x.size <= _SHORT:
        found["values"] = [_number(each) for each in x.ravel()]
    return found


def record(step: Step) -> dict[str, Any]:
    """A step of plain types."""
    return {
        "name": step.name,
        "class": type(step.layer).__name__,
        "formula": step.formula,
        "parents": [parent.name for parent in step.parents],
        "inputs": {name: summary_of(x) for name, x in step.inputs.items()},
        "outputs": [summary_of(x) for x in step.outputs],
        "gradient": summary_of(step.gradient),
        "weights": {name: summary_of(x) for name, x in step.weights.items()},
        "weight_gradients": {name: summary_of(x) for name, x in step.weight_gradients.items()},
        "seconds": step.seconds,
        "operations": [
            {
                "name": part.name,
                "seconds": part.seconds,
                "output": summary_of(part.value),
                "gradient": summary_of(step.gradient_of(part.result)),
            }
            for part in step.operations
        ],
    }

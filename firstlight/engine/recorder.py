"""Recorder: who looks on while a network computes, and writes every step down."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from firstlight.engine.records import Operation, Step
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import Tensor

__all__ = ["Recorder", "all_learning", "as_tensors"]


class Recorder:
    """Who looks on; see `firstlight.engine.tensor.watched_by`."""

    def __init__(self) -> None:
        self.open: list[Step] = []
        self.root: Any = None
        self.giver: dict[int, Step] = {}  # by identity; the steps keep the objects alive
        self.times: dict[str, int] = {}
        self.last = time.perf_counter()

    def operation(self, name: str, arguments: tuple[Any, ...], settings: dict[str, Any], result: Any) -> None:
        """Note it down; the time since the last thing noted is its own."""
        now = time.perf_counter()
        if self.open:
            self.open[-1].parts.append(Operation(name, arguments, settings, result, now - self.last))
        self.last = time.perf_counter()

    def layer(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], compute: Callable[..., Any]) -> Any:
        """Begin a step, let the layer compute, and end the step."""
        path = "/".join([step.layer.name for step in self.open[1:]] + [layer.name])
        self.times[path] = self.times.get(path, 0) + 1
        name = path if self.times[path] == 1 else f"{path}#{self.times[path]}"
        step = Step(name, layer, len(self.open), _given(layer, args, kwargs))
        step.parents = list(dict.fromkeys(found for x in step.given.values() for found in self._givers(x)))
        if self.open:
            self.open[-1].parts.append(step)
        else:
            self.root = step
        self.open.append(step)
        began = self.last = time.perf_counter()
        step.result = compute(args, kwargs)
        self.last = time.perf_counter()
        step.seconds = self.last - began
        self.open.pop()
        for x in leaves(step.result):
            self.giver[id(x)] = step
        return step.result

    def _givers(self, x: Any) -> list[Step]:
        """The step that gave a value, or those that gave what it was computed from."""
        found, waiting, seen = [], [x], {id(x)}
        while waiting:
            each = waiting.pop()
            if id(each) in self.giver:
                found.append(self.giver[id(each)])
                continue
            for parent in getattr(each, "parents", ()):
                if parent is not None and id(parent[0]) not in seen:
                    seen.add(id(parent[0]))
                    waiting.append(parent[0])
        return found


def _given(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What went in, by name: x for one input, x1, x2, ... for several."""
    first = [x for x in leaves(list(args)) if isinstance(x, Tensor | np.ndarray)]
    names = ["x"] if len(first) == 1 else [f"x{number}" for number in range(1, len(first) + 1)]
    graph = getattr(layer, "graph", None)
    if graph is not None and len(first) > 1:
        names = [symbol.node.layer.name for symbol in leaves(graph.inputs)]
    named = {name: x for name, x in kwargs.items() if isinstance(x, Tensor | np.ndarray) and name != "mask"}
    return {**dict(zip(names, first, strict=False)), **named}


def as_tensors(model: Any, inputs: Any) -> Any:
    """Floats as tensors, so that a gradient finds them; whole numbers too, where the network expects floats."""
    graph = getattr(model, "graph", None)
    if isinstance(inputs, list | tuple) and (graph is None or len(list(leaves(graph.inputs))) == 1):
        inputs = np.asarray(inputs) if not any(isinstance(x, Tensor | np.ndarray) for x in inputs) else inputs
    wanted = [None] * len(list(leaves(inputs)))
    if graph is not None and len(wanted) == len(list(leaves(graph.inputs))):
        wanted = [symbol.dtype for symbol in leaves(graph.inputs)]
    supply = iter(wanted)

    def brought(x: Any) -> Any:
        dtype = next(supply)
        if isinstance(x, Tensor):
            return x
        x = np.asarray(x)
        if x.dtype.kind in "iub" and dtype is not None and dtype.startswith("float"):
            x = x.astype(dtype)
        return Tensor(x, "input") if x.dtype.kind == "f" else x

    return map_structure(brought, inputs if not isinstance(inputs, dict) else dict(sorted(inputs.items())))


@contextmanager
def all_learning(model: Any) -> Iterator[None]:
    """Within, frozen weights have gradients too."""
    frozen = [weight for weight in model.weights if weight.constant and weight.learns]
    for weight in frozen:
        weight.constant = False
    try:
        yield
    finally:
        for weight in frozen:
            weight.constant = True

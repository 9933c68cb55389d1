"""Descriptions: a model as the JSON that Keras 3 writes, which layers there are and who calls whom.

The way back is in `firstlight.engine.rebuilding`.
"""

from typing import Any

import numpy as np

from firstlight.engine import activations, layers
from firstlight.engine.functional import Graph, InputLayer
from firstlight.engine.layer import Layer
from firstlight.engine.model import Model, Sequential
from firstlight.engine.operation_layer import OperationLayer
from firstlight.engine.structure import map_structure
from firstlight.engine.symbols import KerasTensor, Node
from firstlight.errors import FirstlightError

__all__ = ["counts_from_one", "describe"]

# Where operations stand in Keras, if not in its file `numpy` or `nn` under their names in capitals.
_OPERATIONS = {
    "cast": ("core", "Cast"),
    "getitem": ("numpy", "GetItem"),
    "log1p": ("numpy", "Log1p"),
    "logsumexp": ("math", "Logsumexp"),
    "tanh": ("numpy", "Tanh"),
    "unstack": ("core", "Unstack"),
    "variance": ("numpy", "Var"),
}


def describe(layer: Any, seen: dict[Any, dict[str, Any]] | None = None) -> dict[str, Any]:
    """What `rebuild`, and Keras, make the model, layer or cell of again.

    Args:
        layer: a model put together from symbols or a list, or a layer.
        seen: descriptions that were written so far; of those that come again, all get one number.

    Raises:
        FirstlightError: it is, or has within, a model with a `call` of its own.
    """
    seen = {} if seen is None else seen
    if isinstance(layer, Sequential):
        first = [] if layer.first is None else [layer.first.node.layer]
        parts = [describe(each, seen) for each in [*first, *layer.layers]]
        config = {"name": layer.name, "trainable": layer.trainable, "layers": parts}
        described = _form("keras", "Sequential", config)
    elif isinstance(layer, Model):
        if layer.graph is None or type(layer) is not Model:
            raise FirstlightError(
                f"Expected a model put together from symbols or a list. Received {type(layer).__name__}, a subclass, "
                "whose code a file cannot hold. Save its weights: model.save_weights('network.weights.h5')."
            )
        config = {"name": layer.name, "trainable": layer.trainable, **_graph_config(layer.graph, seen)}
        described = _form("keras.src.models.functional", "Functional", config, "Functional")
    elif isinstance(layer, OperationLayer):
        file, name = _OPERATIONS.get(layer.operation) or _usual(layer.operation)
        described = _form(f"keras.src.ops.{file}", name, layer.get_config(), name)
    else:
        kind, name = type(layer), type(layer).__name__
        known = kind is InputLayer or getattr(layers, name, None) is kind
        module, registered = ("keras.layers", None) if known else (kind.__module__, name)
        described = _form(module, name, layer.get_config(), registered)
    if layer in seen:
        described["shared_object_id"] = seen[layer].setdefault("shared_object_id", list(seen).index(layer))
    seen.setdefault(layer, described)
    return described


def _form(module: str, name: str, config: dict[str, Any], registered: str | None = None) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def _usual(operation: str) -> tuple[str, str]:
    """`leaky_relu` is `LeakyRelu` in Keras's file `nn`; what is no activation is in `numpy`."""
    return "nn" if operation in activations.ACTIVATIONS else "numpy", operation.title().replace("_", "")


def _graph_config(graph: Graph, seen: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    numbers: dict[Node, int] = {}
    calls: dict[Layer, list[Node]] = {}
    within = set(graph.nodes)
    for layer in graph.layers:
        calls[layer] = [node for node in layer.nodes if node in within]
        numbers |= {node: number for number, node in enumerate(calls[layer])}

    def history(symbol: KerasTensor) -> list[Any]:
        return [symbol.node.layer.name, numbers.get(symbol.node, 0), symbol.index]

    def end(symbol: KerasTensor) -> list[Any]:
        name, number, index = history(symbol)
        return [name, number + counts_from_one(symbol.node.layer), index]

    def argument(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return _written(x)
        held = {"shape": list(x.shape), "dtype": x.dtype, "keras_history": history(x)}
        return {"class_name": "__keras_tensor__", "config": held}

    parts = []
    for layer in graph.layers:
        inbound = [
            {"args": map_structure(argument, list(node.args)), "kwargs": map_structure(argument, node.kwargs)}
            for node in calls[layer]
        ]
        described = describe(layer, seen)
        described |= {"name": layer.name, "inbound_nodes": inbound}
        parts.append(described)
    inputs, outputs = (map_structure(end, ends) for ends in (graph.inputs, graph.outputs))
    return {"layers": parts, "input_layers": inputs, "output_layers": outputs}


def _written(x: Any) -> Any:
    """A value in the form that `_VALUES` reads, if JSON has none for it."""
    if isinstance(x, slice):
        return {"class_name": "__slice__", "config": {"start": x.start, "stop": x.stop, "step": x.step}}
    if x is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(x, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": x.tolist(), "dtype": str(x.dtype)}}
    return x


def counts_from_one(layer: Any) -> bool:
    """Where the ends of a model are named, Keras counts the calls of such a layer from 1, those of others from 0."""
    return isinstance(layer, Model) and not isinstance(layer, Sequential)

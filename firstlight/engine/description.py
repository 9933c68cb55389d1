"""Descriptions: a model as the JSON that Keras 3 writes, which layers there are and who calls whom; and back again."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from firstlight.engine import activations, layers
from firstlight.engine.graph import Graph, InputLayer
from firstlight.engine.layer import Layer
from firstlight.engine.model import Model, Sequential
from firstlight.engine.naming import snake_case
from firstlight.engine.operation_layer import OperationLayer
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.symbols import KerasTensor, Node
from firstlight.errors import FirstlightError, nearest

__all__ = ["describe", "rebuild"]

_MODELS = {"Sequential": Sequential, "Functional": Model, "Model": Model}
# Arguments of Keras that say something only beside another one, which would be refused if it were set.
_IDLE = {"renorm_momentum", "lora_alpha", "use_cudnn", "synchronized", "data_format", "sliding_window"}
# Values that JSON has no form for, as Keras writes them.
_VALUES: dict[str, Callable[[Any], Any]] = {
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__ellipsis__": lambda config: ...,
    "__numpy__": lambda config: np.array(config["value"], config["dtype"]),
    "__tensor__": lambda config: np.array(config["value"], config["dtype"]),
}
_FLOATS = {"float32": "float32", "float64": "float64", "mixed_bfloat16": "float32", "mixed_float16": "float32"}


def rebuild(described: dict[str, Any]) -> Any:
    """A model, layer or cell from its description, with new weights.

    Raises:
        FirstlightError: a class or an argument is not known here.
    """
    name, config = described.get("class_name"), described.get("config")
    if not isinstance(name, str) or not isinstance(config, dict):
        raise FirstlightError(f"Expected the description of a layer. Received {str(described)[:80]}.")
    if name == "Sequential":
        return _sequential(config)
    if name == "InputLayer":
        return InputLayer(batch_shape=config["batch_shape"], dtype=config.get("dtype"), name=config.get("name"))
    if name in _MODELS or "input_layers" in config:
        return _functional(config)
    if str(described.get("module", "")).startswith("keras.src.ops"):
        return OperationLayer(snake_case(name), {k: v for k, v in config.items() if k != "name"}, config.get("name"))
    return _layer(name, config)


def _layer(name: str, config: dict[str, Any]) -> Layer:
    kind = getattr(layers, name, None) if name in layers.__all__ else None
    if kind is None:
        what = " Its function would have to be run, and nothing in a file is." if name == "Lambda" else ""
        raise FirstlightError(
            f"Expected a layer that can be read: {', '.join(layers.__all__)}. Received {name!r}.{what}"
            f"{nearest(name, layers.__all__)}"
        )
    known = kind._arguments()
    chosen = {}
    for key, value in config.items():
        if key == "dtype":
            chosen[key] = _float(value, name)
        elif key in known:
            chosen[key] = rebuild(value) if _is_layer(value) else _plain(value)
        elif (
            key not in _IDLE
            and value not in (None, False, {}, [])
            and key not in inspect.signature(Layer.__init__).parameters
        ):
            raise FirstlightError(
                f"Expected arguments of {name} that are known here: {', '.join(known)}. Received {key}={value!r}."
            )
    layer: Layer = kind(**chosen)
    return layer


def _is_layer(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("class_name") in layers.__all__ or value.get("class_name") in _MODELS)


def _plain(value: Any) -> Any:
    """Lists of layers become layers; all else stays."""
    return [rebuild(each) if _is_layer(each) else each for each in value] if isinstance(value, list) else value


def _float(value: Any, name: str) -> str:
    """The type of the weights: a policy of mixed precision keeps them in float32."""
    policy = value["config"].get("name") if isinstance(value, dict) else value
    if policy not in _FLOATS:
        raise FirstlightError(f"Expected weights of {name} in {', '.join(_FLOATS)}. Received {policy!r}.")
    return _FLOATS[policy]


def _sequential(config: dict[str, Any]) -> Sequential:
    model = Sequential([_first_output(rebuild(each)) for each in config["layers"]], name=config.get("name"))
    if not model.built and config.get("build_input_shape"):
        model.build(tuple(config["build_input_shape"]))
    return model


def _first_output(layer: Any) -> Any:
    return layer.nodes[0].outputs if isinstance(layer, InputLayer) else layer


def _functional(config: dict[str, Any]) -> Model:
    """Make the layers, then repeat their calls as soon as what each needs is there."""
    made = {each["name"]: rebuild(each) for each in config["layers"]}
    nodes: dict[tuple[str, int], Node] = {
        (name, 0): layer.nodes[0] for name, layer in made.items() if isinstance(layer, InputLayer)
    }
    waiting = [
        (each["name"], number, call)
        for each in config["layers"]
        for number, call in enumerate(each.get("inbound_nodes", ()))
    ]
    while waiting:
        late = []
        for name, number, call in waiting:
            if all(key in nodes for key in _needed(call)):
                args, kwargs = _fill(call.get("args", []), nodes), _fill(call.get("kwargs", {}), nodes)
                made[name](*args, **{key: value for key, value in kwargs.items() if value is not None})
                nodes[name, number] = made[name].nodes[-1]
            else:
                late.append((name, number, call))
        if len(late) == len(waiting):
            raise FirstlightError(f"Expected calls that follow from the inputs. Received {late[0][0]!r} in a circle.")
        waiting = late

    def symbol(history: Any) -> KerasTensor:
        found: KerasTensor = list(leaves(nodes[history[0], history[1]].outputs))[history[2]]
        return found

    inputs, outputs = (_histories(config[key], symbol) for key in ("input_layers", "output_layers"))
    return Model(inputs, outputs, name=config.get("name"))


def _histories(described: Any, symbol: Any) -> Any:
    """`["dense", 0, 0]`, or lists and dicts of such."""
    if isinstance(described, dict):
        return {name: _histories(each, symbol) for name, each in described.items()}
    if len(described) == 3 and isinstance(described[0], str):
        return symbol(described)
    return [_histories(each, symbol) for each in described]


def _is_symbol(x: Any) -> bool:
    return isinstance(x, dict) and x.get("class_name") == "__keras_tensor__"


def _needed(call: Any) -> list[tuple[str, int]]:
    if _is_symbol(call):
        return [(call["config"]["keras_history"][0], call["config"]["keras_history"][1])]
    parts = call.values() if isinstance(call, dict) else call if isinstance(call, list) else ()
    return [key for part in parts for key in _needed(part)]


def _fill(described: Any, nodes: dict[tuple[str, int], Node]) -> Any:
    if _is_symbol(described):
        name, number, index = described["config"]["keras_history"]
        return list(leaves(nodes[name, number].outputs))[index]
    if isinstance(described, dict) and described.get("class_name") in _VALUES:
        return _VALUES[described["class_name"]](described.get("config"))
    if isinstance(described, dict):
        return {key: _fill(value, nodes) for key, value in described.items()}
    return [_fill(value, nodes) for value in described] if isinstance(described, list) else described


# -- the way there -----------------------------------------------------------------------------------------------


def describe(model: Any) -> dict[str, Any]:
    """What `rebuild`, and Keras, make the model of again.

    Raises:
        FirstlightError: it is a subclass with a `call` of its own.
    """
    if isinstance(model, Sequential):
        first = [] if model.first is None else [model.first.node.layer]
        parts = [_described(layer) for layer in [*first, *model.layers]]
        config: dict[str, Any] = {"name": model.name, "trainable": model.trainable, "layers": parts}
        return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
    graph = getattr(model, "graph", None)
    if graph is None or type(model) is not Model:
        raise FirstlightError(
            f"Expected a model put together from symbols or a list. Received {type(model).__name__}, a subclass, "
            "whose code a file cannot hold. Save its weights: model.save_weights('network.weights.h5')."
        )
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {"name": model.name, "trainable": model.trainable, **_graph_config(graph)},
        "registered_name": "Functional",
    }


def _described(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Model):
        return describe(layer)
    if isinstance(layer, OperationLayer):
        module = f"keras.src.ops.{'nn' if layer.operation in activations.ACTIVATIONS else 'numpy'}"
        name = "".join(part.title() for part in layer.operation.split("_"))
        return {"module": module, "class_name": name, "config": layer.get_config(), "registered_name": name}
    config = {"module": "keras.layers", "class_name": type(layer).__name__, "config": layer.get_config()}
    return {**config, "registered_name": None}


def _graph_config(graph: Graph) -> dict[str, Any]:
    numbers: dict[Node, int] = {}
    calls: dict[Layer, list[Node]] = {layer: [] for layer in graph.layers}
    for layer in graph.layers:
        used = [node for node in layer.nodes if node in set(graph.nodes)]
        calls[layer] = used
        numbers |= {node: number for number, node in enumerate(used)}

    def history(symbol: KerasTensor) -> list[Any]:
        return [symbol.node.layer.name, numbers.get(symbol.node, 0), symbol.index]

    def argument(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        held = {"shape": list(x.shape), "dtype": x.dtype, "keras_history": history(x)}
        return {"class_name": "__keras_tensor__", "config": held}

    described = []
    for layer in graph.layers:
        inbound = [
            {"args": map_structure(argument, list(node.args)), "kwargs": map_structure(argument, node.kwargs)}
            for node in calls[layer]
        ]
        described.append({**_described(layer), "name": layer.name, "inbound_nodes": inbound})
    inputs, outputs = (map_structure(history, ends) for ends in (graph.inputs, graph.outputs))
    return {"layers": described, "input_layers": inputs, "output_layers": outputs}

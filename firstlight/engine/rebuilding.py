"""Rebuilding: a model from the JSON that Keras 3, or `firstlight.engine.description`, wrote."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from firstlight.engine import layers
from firstlight.engine.description import counts_from_one
from firstlight.engine.functional import InputLayer
from firstlight.engine.layer import Layer
from firstlight.engine.model import Model, Sequential
from firstlight.engine.naming import snake_case
from firstlight.engine.operation_layer import OperationLayer
from firstlight.engine.structure import leaves
from firstlight.engine.symbols import KerasTensor, Node
from firstlight.errors import FirstlightError, nearest

__all__ = ["rebuild"]

_MODELS = {"Sequential": Sequential, "Functional": Model, "Model": Model}
# Arguments of Keras that say something only beside another one, which would be refused if it were set.
_IDLE = {"renorm_momentum", "lora_alpha", "use_cudnn", "synchronized", "data_format", "sliding_window"}
# Values that JSON has no form for, as Keras writes them.
_VALUES: dict[str, Callable[[Any], Any]] = {
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__ellipsis__": lambda config: ...,
    "__numpy__": lambda config: _array(config),
    "__tensor__": lambda config: _array(config),
}
_FLOATS = {"float32": "float32", "float64": "float64", "mixed_bfloat16": "float32", "mixed_float16": "float32"}


def rebuild(described: dict[str, Any], shared: dict[int, Any] | None = None) -> Any:
    """A model, layer or cell from its description, with new weights.

    Args:
        described: what `describe` gives, or Keras wrote.
        shared: what was made so far of descriptions with a number: one that several models within have in common.

    Raises:
        FirstlightError: a class or an argument is not known here.
    """
    shared = {} if shared is None else shared
    name, config, number = (described.get(key) for key in ("class_name", "config", "shared_object_id"))
    if not isinstance(name, str) or not isinstance(config, dict):
        raise FirstlightError(f"Expected the description of a layer. Received {str(described)[:80]}.")
    if number is not None and number in shared:
        return shared[number]
    if name == "Sequential":
        made: Any = _sequential(config, shared)
    elif name == "InputLayer":
        made = InputLayer(batch_shape=config["batch_shape"], dtype=config.get("dtype"), name=config.get("name"))
    elif name in _MODELS or "input_layers" in config:
        made = _functional(config, shared)
    elif str(described.get("module", "")).startswith("keras.src.ops"):
        made = OperationLayer(snake_case(name), {k: v for k, v in config.items() if k != "name"}, config.get("name"))
    else:
        made = _layer(name, config, shared)
    if number is not None:
        shared[number] = made
    return made


def _layer(name: str, config: dict[str, Any], shared: dict[int, Any]) -> Layer:
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
            chosen[key] = rebuild(value, shared) if _is_layer(value) else _plain(value, shared)
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


def _plain(value: Any, shared: dict[int, Any]) -> Any:
    """Lists of layers become layers; all else stays."""
    return [rebuild(each, shared) if _is_layer(each) else each for each in value] if isinstance(value, list) else value


def _float(value: Any, name: str) -> str:
    """The type of the weights: a policy of mixed precision keeps them in float32."""
    policy = value["config"].get("name") if isinstance(value, dict) else value
    if policy not in _FLOATS:
        raise FirstlightError(f"Expected weights of {name} in {', '.join(_FLOATS)}. Received {policy!r}.")
    return _FLOATS[policy]


def _sequential(config: dict[str, Any], shared: dict[int, Any]) -> Sequential:
    model = Sequential([_first_output(rebuild(each, shared)) for each in config["layers"]], name=config.get("name"))
    if not model.built and config.get("build_input_shape"):
        model.build(tuple(config["build_input_shape"]))
    return model


def _first_output(layer: Any) -> Any:
    return layer.nodes[0].outputs if isinstance(layer, InputLayer) else layer


def _functional(config: dict[str, Any], shared: dict[int, Any]) -> Model:
    """Make the layers, then repeat their calls as soon as what each needs is there."""
    made = {each["name"]: rebuild(each, shared) for each in config["layers"]}
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
                made[name](*args, **_meant(made[name], kwargs))
                nodes[name, number] = made[name].nodes[-1]
            else:
                late.append((name, number, call))
        if len(late) == len(waiting):
            raise FirstlightError(f"Expected calls that follow from the inputs. Received {late[0][0]!r} in a circle.")
        waiting = late

    def symbol(history: Any) -> KerasTensor:
        name, number, index = history
        if number and counts_from_one(made[name]):
            number -= 1
        found: KerasTensor = list(leaves(nodes[name, number].outputs))[index]
        return found

    inputs, outputs = (_histories(config[key], symbol) for key in ("input_layers", "output_layers"))
    model = Model(inputs, outputs, name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


def _meant(layer: Layer, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call that somebody meant.

    Keras also writes those that are not set, `training=False` for every recurrent layer, which does not hold in `fit`,
    and the mask for each layer; here arrays bring their mask along.
    """
    takes_a_mask = "mask" in inspect.signature(layer.call).parameters
    return {
        name: value
        for name, value in kwargs.items()
        if value is not None and (name, value is False) != ("training", True) and (name != "mask" or takes_a_mask)
    }


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


def _array(config: dict[str, Any]) -> np.ndarray:
    """An array of numbers; a dtype of texts could ask for any size."""
    if np.dtype(config["dtype"]).kind not in "fiub":
        raise FirstlightError(f"Expected an array of numbers in a description. Received {config['dtype']!r}.")
    return np.array(config["value"], config["dtype"])

"""Layer: weights and the formula that uses them.

A layer makes its weights when it first sees the shape of its input (`build`) and computes in `call`. Called on what
`Input` gives, it computes nothing and notes that it was called: of such notes a functional model is made.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from firstlight.engine import activations, constraints, initializers, ops, regularizers
from firstlight.engine.naming import number_name, snake_case
from firstlight.engine.structure import NESTED, contains, leaves, map_structure
from firstlight.engine.symbols import KerasTensor, Node, shape_of, shape_symbols
from firstlight.engine.tensor import Tensor, no_gradients, value_of, watcher
from firstlight.engine.variable import Variable, spend
from firstlight.errors import FirstlightError, nearest

__all__ = ["Layer", "training_phase"]

_KINDS: tuple[tuple[str, Callable[[Any], Any], Any], ...] = (
    ("initializer", initializers.get, ""),  # in place of an empty one comes the weight's usual one
    ("regularizer", regularizers.get, None),
    ("constraint", constraints.get, None),
)
_ARRAYS = (Tensor, np.ndarray)


class _Phase:
    training = False  # what `training_phase` says


class Layer:
    """A step of a network, with weights or without.

    A subclass stores the arguments of its constructor under their own names, makes weights in `build(input_shape)` by
    `add_weight`, and computes in `call(inputs)`. `call` may also take `mask` (batch, time), False where there is only
    padding, and `training`. Weights named in `made_of`, with their usual initializers, bring three arguments each to
    the constructor: `kernel_initializer`, `kernel_regularizer`, `kernel_constraint`.

    Args:
        name: by default the class in snake case, numbered.
        dtype: of weights and computation; arrays of floats that come in are brought to it.
        trainable: False freezes the weights.
        activity_regularizer: makes of the output what is added to the loss.

    Raises:
        FirstlightError: an argument that there is not.
    """

    supports_masking = False
    made_of: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        activity_regularizer: Any = None,
        **of_weights: Any,
    ):
        for weight, usual in self.made_of.items():
            for kind, get, default in _KINDS:
                chosen = of_weights.pop(f"{weight}_{kind}", usual if default == "" else default)
                setattr(self, f"{weight}_{kind}", get(chosen))
        if of_weights:
            first = next(iter(of_weights))
            known = [name for name in self._arguments() if name != "self"]
            raise FirstlightError(
                f"Expected arguments that {type(self).__name__} has: {', '.join(known)}. Received {first!r}."
                f"{nearest(first, known)}"
            )
        self.name = name or number_name(snake_case(type(self).__name__))
        self.dtype = "float32" if dtype is None else str(np.dtype(dtype))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self.nodes: list[Node] = []
        self.activity_losses: list[Any] = []
        self._weights: list[Variable] = []
        self._trainable = trainable

    # -- what a subclass defines ---------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of a shape; a `call` of several arguments has a shape for each."""

    def build_once(self, input_shape: Any) -> None:
        """Build, unless that is done: for a layer within another."""
        if not self.built:
            self.build(input_shape)
            self.built = True

    def call(self, inputs: Any, /) -> Any:
        """Compute."""
        raise NotImplementedError(f"{type(self).__name__} needs a method call(inputs).")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of what `call` gives; None stands for a length that is not known."""
        short, long = (self._trial(input_shape, unknown) for unknown in (8, 9))
        return map_structure(lambda a, b: tuple(m if m == n else None for m, n in zip(a, b, strict=True)), short, long)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output: by default that of the input."""
        return mask

    def _trial(self, input_shape: Any, unknown: int) -> Any:
        """The shape that comes out where what is not known is `unknown`."""
        shapes = shape_symbols(input_shape)
        ones = map_structure(lambda s: np.ones([unknown if n is None else n for n in s.shape], self.dtype), shapes)
        with no_gradients():
            return map_structure(lambda x: KerasTensor(x.shape), self.call(ones))

    # -- weights -------------------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int],
        initializer: Any = None,
        *,
        name: str,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> Variable:
        """A new weight of a shape. What is not given here is what the constructor was given for a weight `made_of`."""
        if name in self.made_of:
            initializer = initializer or getattr(self, f"{name}_initializer")
            regularizer = regularizer or getattr(self, f"{name}_regularizer")
            constraint = constraint or getattr(self, f"{name}_constraint")
        spend(math.prod(shape) * np.dtype(self.dtype).itemsize, self.name)
        value = initializers.get(initializer or "glorot_uniform")(tuple(shape), self.dtype)
        weight = Variable(value, name, trainable, regularizers.get(regularizer), constraints.get(constraint))
        weight.constant = not (trainable and self.trainable)
        self._weights.append(weight)
        return weight

    @property
    def layers(self) -> list["Layer"]:
        """The layers among the attributes, those in lists and dicts too, in the order in which they were set."""
        attributes = (value for name, value in vars(self).items() if name not in ("nodes", "activity_losses"))
        return list(dict.fromkeys(each for value in attributes for each in _layers_in(value)))

    @property
    def weights(self) -> list[Variable]:
        """All weights in Keras's order: its own, those that learn first, then those of its layers."""
        within = (weight for layer in self.layers for weight in layer.weights)
        return list(dict.fromkeys([*self.own_weights, *within]))

    @property
    def own_weights(self) -> list[Variable]:
        """Those of this layer alone, those that learn first."""
        return sorted(self._weights, key=lambda weight: not weight.learns)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights for which a gradient is wanted."""
        return [weight for weight in self.weights if not weight.constant]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change by gradients."""
        return [weight for weight in self.weights if weight.constant]

    @property
    def trainable(self) -> bool:
        """Whether the weights learn; to set it freezes or frees this layer and all in it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for weight in self._weights:
            weight.constant = not (value and weight.learns)
        for layer in self.layers:
            layer.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights, in order."""
        return [weight.array.copy() for weight in self.weights]

    def set_weights(self, values: Sequence[Any]) -> None:
        """Put arrays in place of all weights, in order."""
        if len(values) != len(self.weights):
            raise FirstlightError(
                f"Expected {len(self.weights)} arrays for the weights of {self.name}. Received {len(values)}."
            )
        for weight, value in zip(self.weights, values, strict=True):
            weight.assign(value)

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        return sum(weight.size for weight in self.weights)

    @property
    def losses(self) -> list[Any]:
        """What regularizers add to the loss: of weights that learn, and of the outputs of the last call."""
        terms = [weight.regularizer(weight) for weight in self.trainable_weights if weight.regularizer]
        return terms + [term for layer in self.all_layers() for term in layer.activity_losses]

    def all_layers(self) -> Iterator["Layer"]:
        """This one and all within it."""
        yield self
        for layer in self.layers:
            yield from layer.all_layers()

    # -- calls ---------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Compute on arrays or tensors, or note the call on symbols. `training` holds for all layers within."""
        args = tuple([self._bring(x) for x in args])
        kwargs = {name: self._bring(x) for name, x in kwargs.items()} if kwargs else kwargs
        if not self.built:
            self.build_for(args, kwargs)
        if contains(args, KerasTensor) or (kwargs and contains(kwargs, KerasTensor)):
            return self._note(args, kwargs if training is None else {**kwargs, "training": training})
        if training is None or training == _Phase.training:
            return self._computed(args, kwargs)
        with training_phase(training):
            return self._computed(args, kwargs)

    def _computed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What comes out, seen by who looks on."""
        someone = watcher()
        return self._compute(args, kwargs) if someone is None else someone.layer(self, args, kwargs, self._compute)

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        accepted = _argument_names(type(self).call)
        masks = _masks_of(args[0]) if args and (self.supports_masking or "mask" in accepted) else None
        masked = masks is not None and any(mask is not None for mask in leaves(masks))
        if masked and "mask" in accepted and kwargs.get("mask") is None and _alone(args, kwargs):
            kwargs = {**kwargs, "mask": masks}
        if "training" in accepted:
            kwargs = {**kwargs, "training": _Phase.training}
        outputs = self.call(*args, **kwargs)
        if self.activity_regularizer is not None:
            self.activity_losses = [self.activity_regularizer(x) / len(value_of(x)) for x in leaves(outputs)]
        if not self.supports_masking:
            return outputs
        mask = self.compute_mask(args[0] if len(args) == 1 else list(args), kwargs.get("mask", masks))
        return outputs if mask is None else _masked(outputs, mask)

    def _bring(self, x: Any) -> Any:
        """The same, with arrays of floats in the dtype of the layer, also those within lists and dicts."""
        if isinstance(x, _ARRAYS):
            return ops.cast(x, self.dtype) if x.dtype != self.dtype and x.dtype.kind == "f" else x
        return map_structure(self._bring, x) if isinstance(x, NESTED) else x

    def build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Build for the shapes of the arguments of a call, unless that is done."""
        if self.built:
            return
        names = list(inspect.signature(self.build).parameters)
        given = {**dict(zip(_argument_names(type(self).call), args, strict=False)), **kwargs}
        if len(names) == 1:
            self.build(shape_of(next(iter(given.values()))))
        else:
            self.build(**{name: shape_of(given.get(name.removesuffix("_shape"))) for name in names})
        self.built = True

    def _note(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        node = Node(self, args, kwargs)
        node.outputs = self.symbols(args, kwargs)
        for index, symbol in enumerate(leaves(node.outputs)):
            symbol.node, symbol.index = node, index
        self.nodes.append(node)
        return node.outputs

    def symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call on symbols would give, without a note of it."""
        shape = self.compute_output_shape(shape_of(args[0] if args else next(iter(kwargs.values()))))
        return map_structure(lambda symbol: KerasTensor(symbol.shape, self.dtype), shape_symbols(shape))

    # -- description ---------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Every argument of the constructor with its value, as JSON can hold it."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        for name in self._arguments():
            if hasattr(self, name) and name not in config:
                config[name] = _serialized(getattr(self, name))
        return config

    @classmethod
    def _arguments(cls) -> list[str]:
        """The names of all arguments of the constructor, those of the base and of the weights too."""
        kinds = [kind for kind in cls.__mro__ if issubclass(kind, Layer)]
        names = [name for kind in kinds for name in inspect.signature(kind.__init__).parameters]
        of_weights = [f"{weight}_{kind}" for weight in cls.made_of for kind, _, _ in _KINDS]
        left_out = ("self", "options", "of_weights")
        return [name for name in dict.fromkeys([*names, *of_weights]) if name not in left_out]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer made from what `get_config` gives; its weights are made anew."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}{', built' if self.built else ''}>"


@contextmanager
def training_phase(training: bool) -> Iterator[None]:
    """Within, layers that behave otherwise while training (Dropout, BatchNormalization) know which it is."""
    before, _Phase.training = _Phase.training, training
    try:
        yield
    finally:
        _Phase.training = before


@cache
def _argument_names(function: Callable[..., Any]) -> list[str]:
    """The names of what a `call` takes."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


def _alone(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether one argument alone holds arrays. As in Keras, a mask comes along only then: to an RNN that is called with
    an initial state it has to be given.
    """
    return sum(any(hasattr(x, "shape") for x in leaves(each)) for each in (*args, *kwargs.values())) == 1


def _layers_in(value: Any) -> Iterator[Layer]:
    if isinstance(value, Layer):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _layers_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _layers_in(each)


def _masks_of(x: Any) -> Any:
    """The mask that a tensor carries; of a structure of them, the structure of masks."""
    if isinstance(x, NESTED):
        return map_structure(_masks_of, x)
    return x.mask if isinstance(x, Tensor) else None


def _masked(outputs: Any, mask: Any) -> Any:
    """The outputs with a mask that the next layer finds; an array becomes a constant tensor, which can carry one."""
    if isinstance(outputs, list | tuple):
        masks = mask if isinstance(mask, list | tuple) else [mask, *[None] * (len(outputs) - 1)]
        return type(outputs)(_masked(x, each) for x, each in zip(outputs, masks, strict=True))
    if mask is not None:
        outputs = outputs if isinstance(outputs, Tensor) else Tensor(outputs, constant=True)
        outputs.mask = mask
    return outputs


def _serialized(value: Any) -> Any:
    """An argument as JSON can hold it: functions by their names, objects with a config as Keras describes them."""
    if isinstance(value, Layer):
        from firstlight.engine.description import describe  # not before it is needed: that file knows all layers

        return describe(value)
    if hasattr(value, "get_config"):
        kind = type(value)
        module = f"keras.{kind.__module__.rpartition('.')[2]}"
        return {"module": module, "class_name": kind.__name__, "config": value.get_config(), "registered_name": None}
    if callable(value):
        return activations.name_of(value)
    if isinstance(value, list | tuple):
        return [_serialized(each) for each in value]
    return value

"""Model: a network as a whole, to be trained, judged and used; and Sequential, one layer after the other.

A model is a layer too. It is put together from symbols (`Model(inputs, outputs)`), from a list (`Sequential`), or by a
subclass with layers as attributes and a `call`.
"""

from collections.abc import Sequence
from typing import Any

from firstlight.engine.functional import Graph, Input, InputLayer
from firstlight.engine.layer import Layer
from firstlight.engine.naming import number_name
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.symbols import KerasTensor, shape_symbols
from firstlight.engine.training import Trainer
from firstlight.errors import FirstlightError, nearest

__all__ = ["Model", "Sequential"]


class Model(Trainer, Layer):
    """A network that can be trained, judged, used and saved.

    Args:
        inputs: what `Input` gave, or a list or dict of such; none for a subclass with a `call` of its own.
        outputs: what layers called on it gave.
        name: by default the class in snake case, numbered.
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **options: Any):
        functional = inputs is not None
        if functional and name is None and type(self) is Model:
            name = number_name("functional")
        super().__init__(name=name, **options)
        self.graph = Graph(inputs, outputs) if functional else None
        self.built = functional

    def call(self, inputs: Any, /) -> Any:
        """Run the graph. A subclass defines its own."""
        if self.graph is None:
            raise NotImplementedError(f"{type(self).__name__} needs a method call(inputs), or Model(inputs, outputs).")
        return self.graph.run(inputs)

    @property
    def layers(self) -> list[Layer]:
        """In Keras's order, by which weights are counted and files numbered."""
        return self.graph.layers if self.graph is not None else super().layers

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbols that go in."""
        return list(leaves(self._whole().inputs))

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbols that come out."""
        return list(leaves(self._whole().outputs))

    @property
    def input(self) -> Any:
        """The symbols that go in, as they were given."""
        return self._whole().inputs

    @property
    def output(self) -> Any:
        """The symbols that come out, as they were given."""
        return self._whole().outputs

    def _whole(self) -> Graph:
        if self.graph is None:
            raise FirstlightError(f"Expected a model put together from symbols. Received {self.name}, a subclass.")
        return self.graph

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name, or by its place.

        Raises:
            FirstlightError: no layer has this name; says the nearest.
        """
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise FirstlightError(
            f"Expected a layer of {self.name}: {', '.join(names)}. Received {name!r}.{nearest(name or '', names)}"
        )

    def symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call on symbols gives: the graph run through for their shapes."""
        return super().symbols(args, kwargs) if self.graph is None else self.graph.symbols(args[0])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs."""
        if self.graph is None:
            return super().compute_output_shape(input_shape)
        return map_structure(lambda symbol: symbol.shape, self.graph.symbols(shape_symbols(input_shape)))

    def summary(self, line_length: int = 80) -> None:
        """Print the layers with the shapes of their outputs and the number of their weights."""
        from firstlight.engine.summary import summary

        print(summary(self, line_length))

    @property
    def keras_class(self) -> str:
        """Under which class files count it."""
        return "Functional" if type(self) is Model else type(self).__name__

    # -- files ---------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What makes the same layers and calls again, with new weights; of a subclass, its arguments."""
        if type(self) not in (Model, Sequential) or not (self.graph or self.layers):
            return super().get_config()
        from firstlight.engine.description import describe

        config: dict[str, Any] = describe(self)["config"]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A model made from what `get_config` gives."""
        if cls not in (Model, Sequential):
            return cls(**config)
        from firstlight.engine.rebuilding import rebuild

        return rebuild({"class_name": cls.__name__, "config": config})

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile` as JSON can hold them; nothing if the model is not compiled."""
        from firstlight.engine.compilation import describe_compilation

        if self.optimizer is None:
            return {}
        metrics, weighted_metrics = self._asked
        arguments = {"optimizer": self.optimizer, "loss": self.loss, "loss_weights": self.loss_weights}
        return describe_compilation({**arguments, "metrics": metrics, "weighted_metrics": weighted_metrics})

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` tells.

        Raises:
            FirstlightError: an optimizer, a loss or a metric is not known here.
        """
        from firstlight.engine.compilation import rebuild_compilation

        self.compile(**rebuild_compilation(config))

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write a `.keras` file, which Keras opens too; see `firstlight.engine.keras_file.save`."""
        from firstlight.engine.keras_file import save

        save(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights, and what the optimizer remembers if there is one, into a `.weights.h5` file."""
        from firstlight.engine.keras_file import save_weights

        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any) -> None:
        """Read the weights of a `.weights.h5` or `.keras` file of a model of the same layers."""
        from firstlight.engine.keras_file import load_weights

        load_weights(self, filepath)


class Sequential(Model):
    """Layers one after the other.

    Args:
        layers: the layers; the first may be what `Input` gives.
        name: by default `sequential`, numbered.
    """

    def __init__(self, layers: Sequence[Any] = (), name: str | None = None, **options: Any):
        super().__init__(name=name, **options)
        self.stack: list[Layer] = []
        self.first: KerasTensor | None = None
        for layer in layers:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer at the end."""
        if isinstance(layer, KerasTensor):
            layer = layer.node.layer
        if isinstance(layer, InputLayer):
            if self.stack or self.first is not None:
                raise FirstlightError(f"Expected an input as the first of {self.name} only. Received another one.")
            self.first = layer.nodes[0].outputs
        elif isinstance(layer, Layer):
            self.stack.append(layer)
        else:
            raise FirstlightError(f"Expected a layer. Received a {type(layer).__name__}.")
        if self.first is not None:
            self._connect(self.first)

    def pop(self) -> Layer:
        """Take the last layer away."""
        if not self.stack:
            raise FirstlightError(f"Expected a model with layers. Received {self.name}, which has none.")
        layer = self.stack.pop()
        if self.first is not None:
            self._connect(self.first)
        return layer

    def _connect(self, symbol: KerasTensor) -> None:
        """Make the graph anew; the layers keep their weights."""
        self.first = x = symbol
        for layer in self.stack:
            x = layer(x)
        self.graph = Graph(symbol, x)
        self.built = True

    @property
    def layers(self) -> list[Layer]:
        """Those that were added; the input is not one of them."""
        return list(self.stack)

    def build(self, input_shape: Any) -> None:
        """Connect the layers for inputs of a shape with the batch."""
        self._connect(Input(batch_shape=input_shape))

    def call(self, inputs: Any, /) -> Any:
        """Each layer on what the one before it gave."""
        for layer in self.stack:
            inputs = layer(inputs)
        return inputs

    def symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the last layer gives."""
        x = args[0]
        for layer in self.stack:
            layer.build_for((x,), {})
            x = layer.symbols((x,), {})
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that the last layer gives."""
        for layer in self.stack:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

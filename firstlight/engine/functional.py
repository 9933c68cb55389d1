"""Graph: a network put together by calling layers on symbols, from `Input` to the outputs.

Every call of a layer on symbols is a node. The graph finds the nodes between inputs and outputs, puts them in an order
in which each comes after all that it needs, and runs them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from firstlight.engine.layer import Layer
from firstlight.engine.structure import NESTED, leaves
from firstlight.engine.symbols import KerasTensor, Node
from firstlight.errors import FirstlightError

__all__ = ["Graph", "Input", "InputLayer"]


class InputLayer(Layer):
    """Where arrays come into a graph.

    Args:
        shape: without the batch.
        batch_size: where it is fixed.
        dtype: of the arrays.
        batch_shape: shape with the batch, in place of the first two.
        name: by which a model finds the array in a dict.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        batch_shape: Sequence[int | None] | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if batch_shape is None and shape is None:
            raise FirstlightError("Expected the shape of an input. Received none. Pass shape=(28, 28, 1), for example.")
        self.batch_shape = tuple(batch_shape if batch_shape is not None else (batch_size, *(shape or ())))
        self.dtype = dtype or "float32"
        self.built = True
        node = Node(self, (), {})
        node.outputs = KerasTensor(self.batch_shape, self.dtype, node)
        self.nodes.append(node)

    def get_config(self) -> dict[str, Any]:
        """Shape, dtype and name."""
        return {"batch_shape": list(self.batch_shape), "dtype": self.dtype, "name": self.name}


def Input(  # noqa: N802  (Keras's name)
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
) -> KerasTensor:
    """A symbol for arrays to come; see InputLayer."""
    symbol: KerasTensor = InputLayer(shape, batch_size, dtype, batch_shape, name).nodes[0].outputs
    return symbol


class Graph:
    """The calls of layers that lead from inputs to outputs.

    Args:
        inputs: a symbol, or a list or dict of them.
        outputs: likewise.

    Raises:
        FirstlightError: an output needs what is not among the inputs, or two layers have the same name.
    """

    def __init__(self, inputs: Any, outputs: Any):
        self.inputs, self.outputs = inputs, outputs
        for x in [*leaves(inputs), *leaves(outputs)]:
            if not isinstance(x, KerasTensor):
                raise FirstlightError(
                    f"Expected what Input(...) and layers called on it give. Received a {type(x).__name__}."
                )
        nodes, met = _in_order(list(leaves(outputs)), set(leaves(inputs)))
        depths = _depths(nodes)
        self.nodes = sorted((node for node in nodes if node.parents), key=lambda node: -depths[node])
        # Keras's order, by which files number the layers: the deepest first, of these the one that was met first.
        met = {**{x.node.layer: -1 for x in leaves(inputs) if not x.node.parents}, **met}
        deepest = {layer: max((depths[n] for n in nodes if n.layer is layer), default=0) for layer in met}
        self.layers = sorted(met, key=lambda layer: (-deepest[layer], met[layer]))
        names = [layer.name for layer in self.layers]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise FirstlightError(f"Expected layers of different names. Received two that are called {twice!r}.")
        self._enter = list(leaves(inputs))
        self._plan = [(node.layer, node.args, node.kwargs, list(leaves(node.outputs))) for node in self.nodes]

    def run(self, inputs: Any) -> Any:
        """Compute the outputs from arrays or tensors, a structure like that of the inputs."""
        return self._through(inputs, lambda layer, args, kwargs: layer(*args, **kwargs))

    def symbols(self, inputs: Any) -> Any:
        """What comes out for symbols of other shapes than those the graph was put together with."""
        return self._through(inputs, lambda layer, args, kwargs: layer.symbols(args, kwargs))

    def _through(self, inputs: Any, step: Callable[[Layer, Any, Any], Any]) -> Any:
        known = dict(zip(self._enter, self._matched(inputs), strict=True))
        for layer, args, kwargs, outputs in self._plan:
            found = step(layer, _filled(args, known), _filled(kwargs, known))
            known.update(zip(outputs, leaves(found), strict=True))
        return _filled(self.outputs, known)

    def _matched(self, inputs: Any) -> list[Any]:
        """The arrays in the order of the inputs: a dict finds its places by name, a list by order."""
        if isinstance(inputs, dict):
            names = list(self.inputs) if isinstance(self.inputs, dict) else self._names()
            missing = [name for name in names if name not in inputs]
            if missing:
                raise FirstlightError(f"Expected inputs {', '.join(names)}. Received none for {', '.join(missing)}.")
            inputs = {name: inputs[name] for name in names}
            inputs = inputs if isinstance(self.inputs, dict) else list(inputs.values())
        found = list(leaves(inputs))
        if len(found) != len(self._enter):
            raise FirstlightError(
                f"Expected {len(self._enter)} inputs ({', '.join(self._names())}). Received {len(found)}."
            )
        return found

    def _names(self) -> list[str]:
        return [x.node.layer.name for x in self._enter]


def _filled(x: Any, known: dict[KerasTensor, Any]) -> Any:
    """The same structure, with what is known in the place of each symbol."""
    if isinstance(x, KerasTensor):
        return known[x]
    if isinstance(x, dict):
        return {name: _filled(part, known) for name, part in x.items()} if x else x
    return type(x)([_filled(part, known) for part in x]) if isinstance(x, NESTED) else x


def _in_order(outputs: Sequence[KerasTensor], given: set[KerasTensor]) -> tuple[list[Node], dict[Layer, int]]:
    """The nodes that the outputs need, each after those that it needs itself; and in which order layers were met.

    A walk from the outputs, depth first. It keeps a stack of its own: a network may be deeper than Python can call.
    """
    done: dict[Node, None] = {}
    met: dict[Layer, int] = {}
    for output in outputs:
        stack = [(output, False)]
        while stack:
            symbol, parents_are_done = stack.pop()
            node = symbol.node
            if node in done or (symbol in given and node.parents):
                continue
            if parents_are_done:
                done[node] = None
                continue
            met.setdefault(node.layer, len(met))
            if not node.parents and symbol not in given:
                raise FirstlightError(
                    f"Expected outputs that follow from the inputs. Received one that needs {node.layer.name!r} too. "
                    "Add it to the inputs."
                )
            stack.append((symbol, True))
            stack += [(parent, False) for parent in reversed(node.parents)]
    return list(done), met


def _depths(nodes: Sequence[Node]) -> dict[Node, int]:
    """How many calls lie between each node and the farthest output; calls of one layer count as the deepest of them."""
    depths = dict.fromkeys(nodes, 0)
    of_layers: dict[Layer, int] = {}
    for node in reversed(nodes):
        depths[node] = of_layers[node.layer] = max(depths[node], of_layers.get(node.layer, 0))
        for symbol in node.parents:
            if symbol.node in depths:
                depths[symbol.node] = max(depths[symbol.node], depths[node] + 1)
    return depths

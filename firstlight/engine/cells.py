"""Cells: one step of a recurrent layer, from the input of the step and the states before to an output and new states.

What of a step depends on the input alone (`project`) is kept apart from what needs the states (`step`), so that an RNN
can take the first for all steps at once. `firstlight.engine.recurrent_ops` has whole sequences with their derivatives.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from firstlight.engine import activations, ops, recurrent_ops
from firstlight.engine.initializers import generator
from firstlight.engine.layer import Layer
from firstlight.engine.lookup import layer_of
from firstlight.engine.tensor import named
from firstlight.errors import FirstlightError

__all__ = ["Cell", "GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "output_size"]


class Cell(Layer):
    """What the cells share: the weights W (inputs, gates x units), U (units, gates x units) and b, and dropout.

    A mask of dropout is drawn once for all steps of a sequence (Gal and Ghahramani 2016), one for all gates.

    Args:
        units: width of the output and of each state.
        activation: name or function of `firstlight.engine.activations`.
        use_bias: whether b is there.
        dropout: share of the inputs that is dropped while training.
        recurrent_dropout: share of the previous output that is dropped while training.
        seed: of the drawing.
    """

    made_of: ClassVar = {"kernel": "glorot_uniform", "recurrent": "orthogonal", "bias": "zeros"}
    gates: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        *,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        if units <= 0:
            raise FirstlightError(f"Expected units above 0 for {self.name}. Received {units}.")
        self.units, self.activation, self.use_bias = units, activations.get(activation), use_bias
        self.dropout, self.recurrent_dropout, self.seed = dropout, recurrent_dropout, seed
        self.state_size: Any = units
        self.output_size = units
        self._random = None if seed is None else generator(seed)

    def build(self, input_shape: Any) -> None:
        """W, U and b."""
        width = self.gates * self.units
        self.kernel = self.add_weight((input_shape[-1], width), name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,  # type: ignore[attr-defined]
            name="recurrent_kernel",
            regularizer=self.recurrent_regularizer,  # type: ignore[attr-defined]
            constraint=self.recurrent_constraint,  # type: ignore[attr-defined]
        )
        self.bias = self.add_weight(self.bias_shape(), self.first_bias(), name="bias") if self.use_bias else None

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of b."""
        return (self.gates * self.units,)

    def first_bias(self) -> Any:
        """The initializer of b; None stands for the one that the constructor was given."""
        return None

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states before the first step: zeros (batch, units)."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [np.zeros((batch_size, size), self.dtype) for size in sizes]

    def call(self, inputs: Any, states: Sequence[Any], training: bool = False) -> Any:  # type: ignore[override]
        """One step: inputs (batch, features) and a list of states -> the output (batch, units) and new states."""
        x, kept = self.prepared(inputs, training)
        return self.step(x, states, kept)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the output and of each new state, all (batch, units)."""
        state = (input_shape[0], self.units)
        return state, [state for _ in self.get_initial_state(1)]

    def prepared(self, inputs: Any, training: bool) -> tuple[Any, Any]:
        """The inputs of one step, or of all (time, batch, features), dropped and projected; and the state's dropout."""
        batch, features = inputs.shape[-2:]
        x = _times(inputs, self._mask(self.dropout, (batch, features), training))
        return self.project(x), self._mask(self.recurrent_dropout, (batch, self.units), training)

    def project(self, inputs: Any) -> Any:
        """x W + b, for one step or for all at once: (..., features) -> (..., gates x units)."""
        x = ops.matmul(inputs, self.kernel)
        return x if self.bias is None else ops.add(x, self.bias)

    def step(self, x: Any, states: Sequence[Any], kept: Any = None) -> tuple[Any, list[Any]]:
        """Output and new states from the projected input and the states; `kept` masks the previous output."""
        raise NotImplementedError

    def plain(self) -> bool:
        """Whether the activations are those of the operations in recurrent_ops."""
        return self.activation is activations.tanh

    def sequence(self, x: Any, states: Sequence[Any], mask: Any) -> list[Any]:
        """What `step` gives for all steps of x (time, batch, ...) in one operation: each state after every step."""
        raise NotImplementedError

    def _mask(self, rate: float, shape: tuple[int, ...], training: bool) -> Any:
        if not (training and 0 < rate < 1):
            return None
        keep = (self._random or generator()).random(shape, dtype=np.float32) >= rate
        return (keep / (1 - rate)).astype(self.dtype)


class SimpleRNNCell(Cell):
    """h' = activation(x W + b + h U) (Elman 1990)."""

    def step(self, x: Any, states: Sequence[Any], kept: Any = None) -> tuple[Any, list[Any]]:
        """The output is the new state."""
        s = ops.add(x, ops.matmul(_times(states[0], kept), self.recurrent_kernel))
        h = named("h", self.activation(s))
        return h, [h]

    def sequence(self, x: Any, states: Sequence[Any], mask: Any) -> list[Any]:
        """See `recurrent_ops.simple_rnn`."""
        return [recurrent_ops.simple_rnn(x, states[0], self.recurrent_kernel, mask=mask)]


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with gates i, f, a and o in this order.

    i, f, o = recurrent_activation(x W + b + h U), a = activation(...); c' = f c + i a; h' = o activation(c').

    Args:
        units, activation, use_bias: see Cell.
        recurrent_activation: of the gates.
        unit_forget_bias: begin with a bias of 1 for f, so that the memory is kept (Jozefowicz et al. 2015).
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        unit_forget_bias: bool = True,
        **options: Any,
    ):
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [units, units]

    def first_bias(self) -> Any:
        """1 for the gate f."""

        def with_ones(shape: Sequence[int], dtype: Any) -> np.ndarray:
            bias = np.array(self.bias_initializer(shape, dtype))  # type: ignore[attr-defined]
            bias[self.units : 2 * self.units] = 1
            return bias

        return with_ones if self.unit_forget_bias else None

    def step(self, x: Any, states: Sequence[Any], kept: Any = None) -> tuple[Any, list[Any]]:
        """The output is h'; the states are h' and c'."""
        h, c = states
        s_i, s_f, s_a, s_o = _parts(ops.add(x, ops.matmul(_times(h, kept), self.recurrent_kernel)), 4)
        i, f = named("i", self.recurrent_activation(s_i)), named("f", self.recurrent_activation(s_f))
        a, o = named("a", self.activation(s_a)), named("o", self.recurrent_activation(s_o))
        c = named("c", ops.add(ops.multiply(f, c), ops.multiply(i, a)))
        h = named("h", ops.multiply(o, self.activation(c)))
        return h, [h, c]

    def plain(self) -> bool:
        """tanh, and the sigmoid for gates."""
        return super().plain() and self.recurrent_activation is activations.sigmoid

    def sequence(self, x: Any, states: Sequence[Any], mask: Any) -> list[Any]:
        """See `recurrent_ops.lstm`."""
        both = recurrent_ops.lstm(x, *states, self.recurrent_kernel, mask=mask)
        return [both[0], both[1]]


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014), with gates z, r and a in this order.

    z, r = recurrent_activation(x W + b + s) with s = h U; h' = z h + (1 - z) a. There are two forms of a:
    activation(x W + b + r (h U + b')) with `reset_after`, which fast libraries take, and activation(x W + b + (r h) U).

    Args:
        units, activation, use_bias: see Cell.
        recurrent_activation: of the gates.
        reset_after: the form; b then has a second row b' for s.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        reset_after: bool = True,
        **options: Any,
    ):
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        """A row for x W, and with reset_after one for h U."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def project(self, inputs: Any) -> Any:
        """x W + b, with the first row of b."""
        x = ops.matmul(inputs, self.kernel)
        return x if self.bias is None else ops.add(x, self.bias[0] if self.reset_after else self.bias)

    def step(self, x: Any, states: Sequence[Any], kept: Any = None) -> tuple[Any, list[Any]]:
        """The output is the new state."""
        before = states[0]
        h, kernel, split = _times(before, kept), self.recurrent_kernel, 2 * self.units
        x_z, x_r, x_a = _parts(x, 3)
        if self.reset_after:
            s_z, s_r, s_a = _parts(ops.add(ops.matmul(h, kernel), self._recurrent_bias()), 3)
        else:
            s_z, s_r = _parts(ops.matmul(h, kernel[:, :split]), 2)
        z = named("z", self.recurrent_activation(ops.add(x_z, s_z)))
        r = named("r", self.recurrent_activation(ops.add(x_r, s_r)))
        s_a = ops.multiply(r, s_a) if self.reset_after else ops.matmul(ops.multiply(r, h), kernel[:, split:])
        a = named("a", self.activation(ops.add(x_a, s_a)))
        h = named("h", ops.add(ops.multiply(z, before), ops.multiply(ops.subtract(1.0, z), a)))
        return h, [h]

    def plain(self) -> bool:
        """tanh, the sigmoid for gates, and the form with reset_after."""
        return super().plain() and self.recurrent_activation is activations.sigmoid and self.reset_after

    def sequence(self, x: Any, states: Sequence[Any], mask: Any) -> list[Any]:
        """See `recurrent_ops.gru`."""
        return [recurrent_ops.gru(x, states[0], self.recurrent_kernel, self._recurrent_bias(), mask=mask)]

    def _recurrent_bias(self) -> Any:
        return 0.0 if self.bias is None else self.bias[1]


class StackedRNNCells(Layer):
    """Cells on top of each other as one: the output of each is the input of the next."""

    def __init__(self, cells: Sequence[Any], **options: Any):
        super().__init__(**options)
        self.cells = [layer_of(cell) for cell in cells]

    @property
    def state_size(self) -> list[Any]:
        """What each cell has as state_size."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The width of what the last cell gives."""
        return output_size(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        """Each cell for what the one before gives."""
        for cell in self.cells:
            cell.build_once(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs: Any, states: Sequence[Any]) -> Any:  # type: ignore[override]
        """One step: `states` has a list for each cell."""
        new_states = []
        for cell, before in zip(self.cells, states, strict=True):
            inputs, new = cell(inputs, before)
            new_states.append(new)
        return inputs, new_states

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the last cell's output and of the new states of each cell."""
        shapes = [cell.compute_output_shape(input_shape) for cell in self.cells]
        return shapes[-1][0], [states for _, states in shapes]


def output_size(cell: Any) -> int:
    """The width of what a cell gives: its output_size, or that of its first state."""
    size = getattr(cell, "output_size", None) or cell.state_size
    return size[0] if isinstance(size, list | tuple) else size


def _times(x: Any, mask: Any) -> Any:
    return x if mask is None else ops.multiply(x, mask)


def _parts(x: Any, count: int) -> list[Any]:
    """The last axis cut in equal parts."""
    width = x.shape[-1] // count
    return [x[..., n * width : (n + 1) * width] for n in range(count)]

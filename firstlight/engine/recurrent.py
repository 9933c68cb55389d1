"""Recurrent layers: a cell taken from step to step of a sequence, with what it remembers.

SimpleRNN, LSTM and GRU are RNNs over the cells of their names. Where their activations are the usual ones, a whole
sequence is one operation of `firstlight.engine.recurrent_ops`, which gives the same much faster.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar

import numpy as np

from firstlight.engine import ops
from firstlight.engine.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells, output_size
from firstlight.engine.layer import Layer
from firstlight.engine.lookup import layer_of
from firstlight.engine.naming import snake_case
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import named, value_of, watcher
from firstlight.errors import FirstlightError

__all__ = ["GRU", "LSTM", "RNN", "SimpleRNN"]


class RNN(Layer):
    """A cell over the steps of a sequence: (batch, time, features) -> (batch, units), or all steps of it.

    A cell is a layer with `state_size` (a number, or a list of them) and `call(inputs, states)` for one step, which
    gives an output and a list of new states. Where a mask is False, the states stay and the output is repeated.

    Args:
        cell: a cell, or a list of them, each on top of the one before.
        return_sequences: the outputs of all steps (batch, time, units) instead of the last.
        return_state: also the last states, (output, state, ...).
        go_backwards: from the last step to the first; so stand the outputs.
        stateful: begin where the last call ended; see `reset_state`.
        unroll: for Keras's sake; changes nothing.
        zero_output_for_mask: where a mask is False, the output is 0.
    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **options: Any,
    ):
        super().__init__(**options)
        self.cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else layer_of(cell)
        if not (isinstance(self.cell, Layer) and hasattr(self.cell, "state_size")):
            raise FirstlightError(
                f"Expected a cell: a layer with state_size and call(inputs, states). Received {cell!r}. "
                "Set self.state_size to the width of the state in the constructor of a cell of your own."
            )
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.stateful, self.unroll, self.zero_output_for_mask = stateful, unroll, zero_output_for_mask
        self.states: list[Any] | None = None  # those that the last call ended with, if stateful

    def build(self, input_shape: Any) -> None:
        """The cell, for inputs without time."""
        self.cell.build_once((input_shape[0], *input_shape[2:]))

    def call(self, sequences: Any, /, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """Take the steps. `initial_state` has a state (batch, units) for each of the cell's."""
        if len(sequences.shape) < 3:
            raise FirstlightError(
                f"Expected sequences (batch, time, features) for {self.name}. Received shape {sequences.shape}."
            )
        states = self._first_states(len(sequences), initial_state)
        steps = ops.transpose(sequences, (1, 0, *range(2, len(sequences.shape))))
        mask = None if mask is None else np.asarray(value_of(next(leaves(mask))), bool).T[..., None]
        if self.go_backwards:
            steps, mask = steps[::-1], None if mask is None else mask[::-1]
        output, states = self._run(self.cell, steps, states, mask, training, self.return_sequences)
        if self.stateful:
            self.states = map_structure(lambda x: np.array(value_of(x)), states)
        if self.return_sequences:
            output = ops.transpose(output, (1, 0, *range(2, len(output.shape))))
        return (output, *states) if self.return_state else output

    def _run(self, cell: Any, steps: Any, states: list[Any], mask: Any, training: bool, every: bool) -> Any:
        """The output of every step or of the last one, and the last states."""
        if isinstance(cell, StackedRNNCells):  # one cell after the other, each over the whole sequence, is the same
            ends = []
            for number, each in enumerate(cell.cells, 1):
                every_output = every or number < len(cell.cells)
                steps, end = self._run(each, steps, states[number - 1], mask, training, every_output)
                ends.append(end)
            return steps, ends
        if not isinstance(cell, Cell) or type(cell).call is not Cell.call:
            return self._loop(cell, steps, states, mask, every)
        x, kept = cell.prepared(steps, training)  # one product of matrices for all steps
        if cell.plain() and kept is None and watcher() is None:  # who looks on sees every step
            return self._at_once(cell, x, states, mask, every)
        return self._loop(lambda x_t, before: cell.step(x_t, before, kept), x, states, mask, every)

    def _loop(self, cell: Callable[..., Any], steps: Any, states: list[Any], mask: Any, every: bool) -> Any:
        """Step by step."""
        outputs: list[Any] = []
        for t in range(len(steps)):
            output, new = cell(steps[t], states)
            new = list(new) if isinstance(new, list | tuple) else [new]
            if mask is not None:
                before = outputs[-1] if outputs and not self.zero_output_for_mask else 0.0
                output = named("output", ops.where(mask[t], output, before))
                new = [_kept(mask[t], after, state) for after, state in zip(new, states, strict=True)]
            outputs.append(output)
            states = new
        return ops.stack(outputs) if every else outputs[-1], states

    def _at_once(self, cell: Cell, x: Any, states: list[Any], mask: Any, every: bool) -> Any:
        """All steps in one operation. Its states are the outputs, save that nothing has come out before the first
        step that counts.
        """
        sequences = cell.sequence(x, states, mask)
        ends = [sequence[-1] for sequence in sequences]
        output = sequences[0] if every else ends[0]
        if mask is not None:
            shown = mask if self.zero_output_for_mask else np.logical_or.accumulate(mask)
            output = ops.where(shown if every else shown[-1], output, 0.0)
        return output, ends

    # -- states --------------------------------------------------------------------------------------------------

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states of the cell before the first step: zeros, if the cell says nothing else."""
        return _zeros(self.cell, batch_size, self.dtype)

    def reset_state(self) -> None:
        """Let the next call of a stateful layer begin anew."""
        self.states = None

    def _first_states(self, batch: int, given: Any) -> list[Any]:
        if given is None:
            given = self.states if self.stateful and self.states else self.get_initial_state(batch)
        states = list(given) if isinstance(given, list | tuple) else [given]
        if isinstance(self.cell, StackedRNNCells):
            states = [list(each) if isinstance(each, list | tuple) else [each] for each in states]
        sizes = {len(value_of(state)) for state in leaves(states)}
        if sizes - {batch}:
            raise FirstlightError(
                f"Expected states for the {batch} sequences of the batch. Received states for {min(sizes - {batch})}. "
                f"Call {self.name}.reset_state() where other sequences begin."
            )
        return states

    # -- shapes --------------------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, units) or (batch, time, units), and the shapes of the states if they come too."""
        batch, time = input_shape[:2]
        width = output_size(self.cell)
        output = (batch, time, width) if self.return_sequences else (batch, width)
        states = map_structure(lambda state: (batch, *state.shape[1:]), self.get_initial_state(1))
        return (output, *states) if self.return_state else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask, if time is still there; none for states."""
        first = next(leaves(mask))
        if first is None or not self.return_sequences:
            return None
        return [first] + [None] * len(self.get_initial_state(1)) if self.return_state else first


def _kept(mask: Any, after: Any, before: Any) -> Any:
    """A state as it is after a step, and where the mask is False as it was before."""
    return named(f"kept_{getattr(after, 'name', '')}", ops.where(mask, after, before))


def _zeros(cell: Any, batch: int, dtype: str) -> list[Any]:
    if isinstance(cell, StackedRNNCells):
        return [_zeros(each, batch, dtype) for each in cell.cells]
    if hasattr(cell, "get_initial_state"):
        given = cell.get_initial_state(batch_size=batch)
        return list(given) if isinstance(given, list | tuple) else [given]
    sizes = cell.state_size if isinstance(cell.state_size, list | tuple) else [cell.state_size]
    return [np.zeros((batch, size), dtype) for size in sizes]


class _OfCell(RNN):
    """An RNN that makes its cell from the arguments that are the cell's."""

    cell_class: ClassVar[type[Cell]]

    def __init__(
        self, units: int, activation: Any = "tanh", *, use_cudnn: Any = "auto", implementation: int = 2, **options: Any
    ):  # the two before the last are for Keras's sake and change nothing
        of_cell = {name: options.pop(name) for name in self._of_cell() if name in options}
        common = {name: options[name] for name in ("dtype", "trainable") if name in options}
        name = snake_case(self.cell_class.__name__)
        self.use_cudnn, self.implementation = use_cudnn, implementation
        super().__init__(self.cell_class(units, activation, name=name, **of_cell, **common), **options)
        self.units = units

    @classmethod
    def _of_cell(cls) -> list[str]:
        """The names of the arguments that are the cell's alone."""
        return [name for name in cls.cell_class._arguments() if name not in Layer._arguments()]

    @classmethod
    def _arguments(cls) -> list[str]:
        own = [name for name in signature(RNN.__init__).parameters if name not in ("self", "cell", "options")]
        return [*cls._of_cell(), *own, *Layer._arguments()]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the cell and of the RNN."""
        of_cell = self.cell.get_config()
        return {**super().get_config(), **{name: of_cell[name] for name in self._of_cell()}}


class SimpleRNN(_OfCell):
    """An RNN over a SimpleRNNCell: h' = tanh(x W + b + h U) (Elman 1990).

    Args:
        units: width of the state.
        options: all other arguments of SimpleRNNCell and RNN.
    """

    cell_class = SimpleRNNCell


class LSTM(_OfCell):
    """An RNN over an LSTMCell, with a memory c beside h (Hochreiter and Schmidhuber 1997).

    Args:
        units: width of both states.
        options: all other arguments of LSTMCell and RNN.
    """

    cell_class = LSTMCell


class GRU(_OfCell):
    """An RNN over a GRUCell (Cho et al. 2014).

    Args:
        units: width of the state.
        options: all other arguments of GRUCell and RNN.
    """

    cell_class = GRUCell

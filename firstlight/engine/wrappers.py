"""Layers around a layer: a recurrent one that reads in both directions, and any one at each step of a sequence."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from firstlight.engine import ops
from firstlight.engine.layer import Layer
from firstlight.engine.lookup import layer_of
from firstlight.engine.structure import leaves
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = ["Bidirectional", "TimeDistributed"]

_MERGES: dict[str | None, Callable[[Any, Any], Any]] = {
    "concat": lambda a, b: ops.concatenate([a, b]),
    "sum": ops.add,
    "mul": ops.multiply,
    "ave": lambda a, b: ops.multiply(ops.add(a, b), 0.5),
    None: lambda a, b: (a, b),
}


class Bidirectional(Layer):
    """A recurrent layer from the first step to the last beside one from the last to the first (Schuster and Paliwal
    1997), so that each step knows what comes before it and what comes after.

    Args:
        layer: the first of the two, such as an LSTM; it serves as a pattern of which a new one is made.
        merge_mode: how both outputs become one: "concat", "sum", "mul", "ave"; with None both come out.
        backward_layer: the second, with go_backwards=True; by default like the first.
    """

    supports_masking = True

    def __init__(self, layer: Any, merge_mode: str | None = "concat", backward_layer: Any = None, **options: Any):
        super().__init__(**options)
        if merge_mode not in _MERGES:
            raise FirstlightError(
                f"Expected merge_mode to be one of {', '.join(map(repr, _MERGES))}. Received {merge_mode!r}."
            )
        pattern: Any = layer_of(layer)
        if not hasattr(pattern, "go_backwards"):
            raise FirstlightError(f"Expected a recurrent layer for {self.name}. Received {layer!r}. Give it an LSTM.")
        config = pattern.get_config()
        name = pattern.name
        self.forward_layer: Any = type(pattern)(**{**config, "name": f"forward_{name.removeprefix('forward_')}"})
        self.backward_layer: Any = layer_of(backward_layer) or type(pattern)(
            **{**config, "name": f"backward_{name.removeprefix('backward_')}", "go_backwards": True}
        )
        _check(self.forward_layer, self.backward_layer)
        self.return_sequences, self.return_state = pattern.return_sequences, pattern.return_state
        for each in (self.forward_layer, self.backward_layer):
            each.zero_output_for_mask = self.return_sequences  # else a step would show what the other layer repeats
        self.merge_mode = merge_mode

    @property
    def layer(self) -> Layer:
        """The pattern, which is the layer that goes forward."""
        forward: Layer = self.forward_layer
        return forward

    def build(self, input_shape: Any) -> None:
        """Both layers."""
        self.forward_layer.build_once(input_shape)
        self.backward_layer.build_once(input_shape)

    def call(self, sequences: Any, /, initial_state: Any = None, mask: Any = None) -> Any:
        """Both layers on the same sequences; the first half of `initial_state` is for the one that goes forward."""
        half = 0 if initial_state is None else len(initial_state) // 2
        starts = (None, None) if initial_state is None else (initial_state[:half], initial_state[half:])
        forward = self.forward_layer(sequences, initial_state=starts[0], mask=mask)
        backward = self.backward_layer(sequences, initial_state=starts[1], mask=mask)
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = ops.flip(backward, 1)  # it began at the end
        merged = _MERGES[self.merge_mode](forward, backward)
        both = merged if self.merge_mode is None else (merged,)
        return (*both, *states) if self.return_state else merged

    def reset_state(self) -> None:
        """Let the next call of stateful layers begin anew."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of one layer; "concat" has twice the last axis."""
        shape = self.forward_layer.compute_output_shape(input_shape)
        output, states = (shape[0], shape[1:]) if self.return_state else (shape, ())
        if self.merge_mode == "concat":
            output = (*output[:-1], 2 * output[-1])
        both = (output, output) if self.merge_mode is None else (output,)
        return (*both, *states, *states) if self.return_state or self.merge_mode is None else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask, if time is still there; none for states."""
        first = next(leaves(mask))
        if first is None or not self.return_sequences:
            return None
        both = [first] * (2 if self.merge_mode is None else 1)
        count = len(self.forward_layer.get_initial_state(1)) if self.return_state else 0
        return both + [None] * 2 * count if self.return_state or self.merge_mode is None else first


class TimeDistributed(Layer):
    """A layer at each step of a sequence: (batch, time, ...) -> (batch, time, ...), with the same weights.

    The steps of all sequences are one large batch to it, so that it is called once. Statistics of a batch
    (BatchNormalization while training) are then over all steps.

    Args:
        layer: the layer for one step.
    """

    supports_masking = True

    def __init__(self, layer: Any, **options: Any):
        super().__init__(**options)
        self.layer = layer_of(layer)
        if not isinstance(self.layer, Layer):
            raise FirstlightError(f"Expected a layer for {self.name}. Received {layer!r}.")

    def build(self, input_shape: Any) -> None:
        """The layer for one step."""
        self.layer.build_once(self._of_a_step(input_shape))

    def call(self, inputs: Any, /, mask: Any = None) -> Any:
        """Batch and time become one axis for the layer, and two again; so it is with a mask, if the layer takes one."""
        batch, time = inputs.shape[:2]
        takes_mask = mask is not None and "mask" in signature(self.layer.call).parameters
        masks = {"mask": np.reshape(value_of(mask), (batch * time, *np.shape(mask)[2:]))} if takes_mask else {}
        outputs = self.layer(ops.reshape(inputs, (batch * time, *inputs.shape[2:])), **masks)
        return ops.reshape(outputs, (batch, time, *outputs.shape[1:]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the layer, with time."""
        batch, *rest = self.layer.compute_output_shape(self._of_a_step(input_shape))
        return (batch, input_shape[1], *rest)

    def _of_a_step(self, shape: Any) -> Any:
        if len(shape) < 3:
            raise FirstlightError(f"Expected (batch, time, ...) for {self.name}. Received shape {shape}.")
        return (shape[0], *shape[2:])


def _check(forward: Any, backward: Any) -> None:
    """The two go in different directions and give the same."""
    if forward.go_backwards == backward.go_backwards:
        raise FirstlightError(
            "Expected a backward_layer that goes the other way. Received two layers with go_backwards="
            f"{forward.go_backwards}. Set it in one of them."
        )
    for name in ("stateful", "return_sequences", "return_state"):
        if getattr(forward, name) != getattr(backward, name):
            raise FirstlightError(
                f"Expected {name} to be the same for both layers. Received {getattr(forward, name)} and "
                f"{getattr(backward, name)}."
            )

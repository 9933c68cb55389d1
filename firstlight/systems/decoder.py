"""A next-word network, and the loops over it, each compiled into one program.

A decoder network takes a dict with `words` (rows, time), and by need `position`, `mask`, states and `memory`; it
returns a dict with `logits` (rows, time, vocabulary), the new states and by need `attention`. An output named
`state_*` replaces the input of that name; an output named `past_*` (rows, time, units) is appended to it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from firstlight.errors import FirstlightError
from firstlight.systems.backend import compiled
from firstlight.systems.decoding import Search, Step, Tensors, beam_search, sample

__all__ = ["Decoder"]


class Decoder:
    """A network and the loops over it, compiled once for each batch size and search.

    Args:
        bridge: maps a dict of image inputs (batch, ...) to a dict with the first states and by need `memory`.
        network: the next-word network, as the first lines of this file say.
    """

    def __init__(self, bridge: keras.Model, network: keras.Model):
        self.bridge, self.network = bridge, network
        self.inputs = {tensor.name.split(":")[0]: tensor for tensor in network.inputs}
        self._programs: dict[Search, Callable[..., Any]] = {}

    def __call__(self, images: Mapping[str, Any], search: Search, uniform: Any = None) -> tuple[np.ndarray, ...]:
        """Texts for a batch of images.

        Args:
            images: inputs of the bridge, each (batch, ...).
            search: the settings.
            uniform: with a temperature, (batch * texts an image, maximum_length + 1) numbers in [0, 1).

        Returns:
            tokens (batch, hypotheses, maximum_length + 1) int32, summed log-probabilities and lengths with the end
            (batch, hypotheses) float32; best first, or in the order of `uniform`.
        """
        vocabulary = self.network.output["logits"].shape[-1]
        if search.beam_width > vocabulary:
            raise FirstlightError(
                f"Expected beam_width to be at most {vocabulary}, the number of words. Received {search.beam_width}."
            )
        if search not in self._programs:
            variables = [*self.bridge.variables, *self.network.variables]
            # On a CPU, XLA multiplies float32 faster than TensorFlow in such loops, and bfloat16 slower.
            fuse = self.network.output["logits"].dtype == "float32"
            self._programs[search] = compiled(self._loop(search), variables, fuse)
        names = sorted(images)
        arrays = [ops.convert_to_tensor(images[name]) for name in names]
        if search.temperature:
            arrays.append(ops.convert_to_tensor(uniform, "float32"))
        found = self._programs[search](*arrays)
        return tuple(ops.convert_to_numpy(array) for array in found)

    def _loop(self, search: Search) -> Callable[..., Any]:
        names = sorted(tensor.name.split(":")[0] for tensor in self.bridge.inputs)

        def run(*arrays: Any) -> Any:
            first = self.bridge(dict(zip(names, arrays[: len(names)], strict=True)), training=False)
            batch = arrays[0].shape[0]
            copies = arrays[-1].shape[0] // batch if search.temperature else search.beam_width
            first = {name: ops.repeat(value, copies, axis=0) for name, value in first.items()}
            memory = {name: first.pop(name) for name in list(first) if name.startswith("memory")}
            states = {**first, **self._empty_past(batch * copies, search.maximum_length + 1)}
            step = self._step(memory, search.maximum_length + 1)
            if not search.temperature:
                return beam_search(step, states, batch, search)
            found = sample(step, states, arrays[-1], search)
            return tuple(ops.reshape(value, (batch, copies, *value.shape[2:])) for value in found)

        return run

    def _empty_past(self, rows: int, length: int) -> Tensors:
        past = {name: tensor for name, tensor in self.inputs.items() if name.startswith("past_")}
        return {name: ops.zeros((rows, length, tensor.shape[-1]), tensor.dtype) for name, tensor in past.items()}

    def _step(self, memory: Tensors, length: int) -> Step:
        places = ops.reshape(ops.arange(length + 1), (1, 1, length + 1))

        def step(words: Any, position: Any, states: Tensors) -> tuple[Any, Tensors]:
            inputs = {"words": words, **memory, **states}
            if "position" in self.inputs:
                inputs["position"] = ops.zeros_like(words) + position
                inputs["mask"] = ops.logical_and(places >= length - position, ops.expand_dims(words, -1) >= 0)
            outputs = self.network(inputs, training=False)
            new = {name: outputs[name] for name in states}
            for name in states:
                if name.startswith("past_"):
                    new[name] = ops.concatenate([states[name][:, 1:], outputs[name]], axis=1)
            return outputs["logits"][:, 0], new

        return step

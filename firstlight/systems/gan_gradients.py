"""A training step with gradients of gradients, as one compiled program on each back end of Keras.

Two functions are enough: the way back from what a function gave to some weights, and the gradient of a function by its
input, which can itself be differentiated. This is the one place where the back ends differ for two networks that learn
in one step.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["Back", "compiled_step", "with_input_gradient", "with_way_back"]

Back = Callable[[Any], list[Any]]


def with_way_back(
    function: Callable[[], Any], variables: Sequence[keras.Variable], others: Sequence[keras.Variable]
) -> tuple[Any, Back]:
    """What a function gives, and how a gradient by that goes back to variables. For use inside `compiled_step`.

    Args:
        function: of nothing but variables; gives one tensor, with `keras.ops` and networks.
        variables: by which is differentiated.
        others: all others that it reads or changes, such as running means, which are changed as it says.

    Returns:
        The tensor, and a function from a gradient of its shape to the gradients by each variable, to be called once.
    """
    return _WAYS[keras.backend.backend()](function, variables, others)


def with_input_gradient(function: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """Numbers (batch,), each made by a function from its own row of x, and how each changes with that row.

    Returns:
        The numbers, and gradients of the shape of x, which can be differentiated by the variables that the function
        reads. The function must change no variable.
    """
    return _INPUTS[keras.backend.backend()](function, x)


def compiled_step(step: Callable[..., Any], variables: Sequence[keras.Variable]) -> Callable[..., np.ndarray]:
    """A compiled training step, which takes arrays, changes variables, and gives as an array what `step` returns.

    Args:
        step: works with `keras.ops`, `with_way_back`, `with_input_gradient` and optimizers on tensors.
        variables: everything that it reads or changes.
    """
    return _COMPILED[keras.backend.backend()](step, variables)


# -- TensorFlow: a tape that is written while the function runs ------------------------------------------------------


def _way_of_tensorflow(function: Any, variables: Any, others: Any) -> tuple[Any, Back]:
    import tensorflow

    values = [variable.value for variable in variables]
    with tensorflow.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        found = function()
    zero = tensorflow.UnconnectedGradients.ZERO
    return found, lambda gradient: tape.gradient(found, values, gradient, unconnected_gradients=zero)


def _input_of_tensorflow(function: Any, x: Any) -> tuple[Any, Any]:
    import tensorflow

    with tensorflow.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        values = function(x)
    return values, tape.gradient(values, x, unconnected_gradients=tensorflow.UnconnectedGradients.ZERO)


def _compiled_by_tensorflow(step: Any, variables: Any) -> Callable[..., np.ndarray]:
    import tensorflow

    program = tensorflow.function(step, autograph=False)  # without XLA, which slows convolutions on a CPU

    def called(*arrays: Any) -> np.ndarray:
        # Arrays would be constants, and each of them a new program.
        return np.asarray(program(*[tensorflow.convert_to_tensor(array) for array in arrays]))

    return called


# -- JAX: functions without variables, so that these are handed in and out -------------------------------------------


def _way_of_jax(function: Any, variables: Any, others: Any) -> tuple[Any, Back]:
    import jax

    before = [variable.value for variable in others]

    def pure(values: list[Any]) -> tuple[Any, list[Any]]:
        mapping = [*zip(variables, values, strict=True), *zip(others, before, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as inside:
            found = function()
        return found, [inside.get_current_value(variable) for variable in others]

    found, back, after = jax.vjp(pure, [variable.value for variable in variables], has_aux=True)
    for variable, old, new in zip(others, before, after, strict=True):
        if new is not old:
            variable.assign(new)
    return found, lambda gradient: back(gradient)[0]


def _input_of_jax(function: Any, x: Any) -> tuple[Any, Any]:
    import jax

    def summed(rows: Any) -> Any:
        values = function(rows)
        return values.sum(), values

    gradients, values = jax.grad(summed, has_aux=True)(x)
    return values, gradients


def _compiled_by_jax(step: Any, variables: Any) -> Callable[..., np.ndarray]:
    import jax

    def stateless(values: list[Any], arrays: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            found = step(*arrays)
        return found, [scope.get_current_value(variable) for variable in variables]

    program = jax.jit(stateless)

    def called(*arrays: Any) -> np.ndarray:
        found, values = program([variable.value for variable in variables], arrays)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return np.asarray(found)

    return called


# -- PyTorch: a graph that grows while the function runs -------------------------------------------------------------


def _way_of_torch(function: Any, variables: Any, others: Any) -> tuple[Any, Back]:
    import torch

    with torch.enable_grad():
        found = function()
    values = [variable.value for variable in variables]

    def back(gradient: Any) -> list[Any]:
        return list(torch.autograd.grad(found, values, gradient, allow_unused=True, materialize_grads=True))

    return found.detach(), back


def _input_of_torch(function: Any, x: Any) -> tuple[Any, Any]:
    import torch

    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        values = function(x)
        return values, torch.autograd.grad(values.sum(), x, create_graph=True)[0]


def _compiled_by_torch(step: Any, variables: Any) -> Callable[..., np.ndarray]:
    import torch

    def called(*arrays: Any) -> np.ndarray:
        with torch.no_grad():
            return np.array(ops.convert_to_numpy(step(*[ops.convert_to_tensor(array) for array in arrays])))

    return called


_WAYS = {"tensorflow": _way_of_tensorflow, "jax": _way_of_jax, "torch": _way_of_torch}
_INPUTS = {"tensorflow": _input_of_tensorflow, "jax": _input_of_jax, "torch": _input_of_torch}
_COMPILED = {"tensorflow": _compiled_by_tensorflow, "jax": _compiled_by_jax, "torch": _compiled_by_torch}

"""How the output of a network changes with its input, on each back end of Keras.

Training needs nothing of this; it is for seeing what a trained network looks at.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["gradient_function", "gradient_of"]

Both = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def gradient_of(function: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of a function of rows, and how each changes with its own row.

    Args:
        function: maps a tensor (batch, ...) to numbers (batch,), each from its own row, with `keras.ops`.
        x: where.

    Returns:
        The values, (batch,), and the gradients, of the shape of `x`, as arrays.
    """
    return gradient_function(function)(x)


def gradient_function(function: Callable[[Any], Any], compiled: bool = False) -> Both:
    """`gradient_of` as a function of `x` alone; `compiled` is right where it is called many times with one shape."""
    program = _PROGRAMS[keras.backend.backend()](function, compiled)

    def both(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = program(np.asarray(x, "float32"))
        return _as_array(values), _as_array(gradients)

    return both


def _as_array(tensor: Any) -> np.ndarray:
    return np.array(ops.convert_to_numpy(tensor), "float32")


def _by_tensorflow(function: Callable[[Any], Any], compiled: bool) -> Callable[[Any], Any]:
    import tensorflow

    def program(x: Any) -> Any:
        x = tensorflow.convert_to_tensor(x)
        with tensorflow.GradientTape() as tape:
            tape.watch(x)
            values = function(x)
        zero = tensorflow.UnconnectedGradients.ZERO
        return values, tape.gradient(values, x, unconnected_gradients=zero)

    return tensorflow.function(program, autograph=False) if compiled else program


def _by_jax(function: Callable[[Any], Any], compiled: bool) -> Callable[[Any], Any]:
    import jax

    def summed(x: Any) -> Any:
        values = function(x)
        return values.sum(), values  # no row touches another, so the gradient of the sum is that of each

    gradient = jax.grad(summed, has_aux=True)

    def program(x: Any) -> Any:
        gradients, values = gradient(x)
        return values, gradients

    return jax.jit(program) if compiled else program


def _by_torch(function: Callable[[Any], Any], compiled: bool) -> Callable[[Any], Any]:
    import torch

    def program(x: Any) -> Any:
        x = ops.convert_to_tensor(x).detach().clone().requires_grad_(True)
        with torch.enable_grad():
            values = function(x)
        if not values.requires_grad:  # the function does not look at x
            return values, torch.zeros_like(x)
        (gradients,) = torch.autograd.grad(values.sum(), x, allow_unused=True, materialize_grads=True)
        return values.detach(), gradients

    return program


_PROGRAMS = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}

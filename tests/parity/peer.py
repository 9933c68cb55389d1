"""What Keras makes of a row of the table, on whichever back end is set: values and gradients as arrays."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np


def value_and_gradients(
    function: Callable[..., Any], inputs: Sequence[np.ndarray], weights: Sequence[keras.Variable]
) -> tuple[list[np.ndarray], Callable[[Sequence[np.ndarray]], tuple[list[np.ndarray], list[np.ndarray]]]]:
    """The outputs of `function(*inputs)`, flat, and what gives the gradients for gradients of the outputs.

    Gradients come for the inputs of floats and for the weights; None where nothing depends on one.
    """
    backend = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
    return backend(function, inputs, weights)


def build(function: Callable[..., Any], inputs: Sequence[np.ndarray]) -> None:
    """Call `function` so that layers within it make their weights; on JAX on symbols, so that nothing is compiled."""
    if keras.backend.backend() == "jax":
        with contextlib.suppress(ValueError):  # some layers tell no shape of what they compute
            function(*(keras.KerasTensor(x.shape, str(x.dtype)) for x in inputs))
            return
    function(*inputs)


def loss_and_gradients(function: Callable[..., Any], weights: Sequence[keras.Variable]) -> Callable[..., Any]:
    """Of a function of arrays that gives a loss, one that gives it with its gradients for weights; on TensorFlow.

    It is traced at its first call: for ten steps of a recurrent layer that is cheaper than ten walks through Python.
    """
    import tensorflow as tf

    @tf.function(autograph=False)
    def both(*inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = function(*inputs)
        gradients = tape.gradient(loss, [weight.value for weight in weights], unconnected_gradients="zero")
        return loss, [tf.convert_to_tensor(g) for g in gradients]  # of rows of a table, the whole table's

    return lambda *arrays: both(*[tf.convert_to_tensor(x) for x in arrays])


@contextlib.contextmanager
def unoptimized() -> Iterator[None]:
    """Within, TensorFlow runs what it traced as it is: to look for something faster takes longer than to run it."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


def _flat(outputs: Any) -> list[Any]:
    return list(keras.tree.flatten(outputs))


def _array(x: Any) -> Any:
    return None if x is None else np.asarray(keras.ops.convert_to_numpy(x))


def _tensorflow(function: Any, inputs: Any, weights: Any) -> Any:
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(x) for x in inputs]
    with tf.GradientTape(persistent=True) as tape:
        for tensor in tensors:
            if tensor.dtype.is_floating:
                tape.watch(tensor)
        outputs = _flat(function(*tensors))

    def back(gradients: Sequence[np.ndarray]) -> tuple[list[Any], list[Any]]:
        floats = [tensor for tensor in tensors if tensor.dtype.is_floating]
        found = tape.gradient(outputs, [*floats, *[weight.value for weight in weights]], list(gradients))
        found = [tf.convert_to_tensor(g) if g is not None else None for g in found]
        arrays = [_array(g) for g in found]
        return arrays[: len(floats)], arrays[len(floats) :]

    return [_array(x) for x in outputs], back


def _jax(function: Any, inputs: Any, weights: Any) -> Any:
    import jax
    import jax.numpy as jnp

    tensors = [jnp.asarray(x) for x in inputs]
    places = [n for n, x in enumerate(inputs) if np.asarray(x).dtype.kind == "f"]

    def run(floats: Any, values: Any) -> Any:
        arguments = list(tensors)
        for place, x in zip(places, floats, strict=True):
            arguments[place] = x
        pairs = list(zip(weights, values, strict=True))
        with keras.StatelessScope(state_mapping=pairs):
            return _flat(function(*arguments))

    # As one program: to compile each operation by itself takes longer.
    outputs, pull = jax.vjp(jax.jit(run), [tensors[n] for n in places], [weight.value for weight in weights])

    def back(gradients: Sequence[np.ndarray]) -> tuple[list[Any], list[Any]]:
        to_inputs, to_weights = pull([jnp.asarray(g) for g in gradients])
        return [_array(g) for g in to_inputs], [_array(g) for g in to_weights]

    return [_array(x) for x in outputs], back


def _torch(function: Any, inputs: Any, weights: Any) -> Any:
    import torch

    tensors = [torch.tensor(x, requires_grad=np.asarray(x).dtype.kind == "f") for x in inputs]
    outputs = _flat(function(*tensors))

    def back(gradients: Sequence[np.ndarray]) -> tuple[list[Any], list[Any]]:
        floats = [tensor for tensor in tensors if tensor.requires_grad]
        wanted = [*floats, *[weight.value for weight in weights]]
        found = torch.autograd.grad(outputs, wanted, [torch.tensor(g) for g in gradients], allow_unused=True)
        arrays = [_array(g) for g in found]
        return arrays[: len(floats)], arrays[len(floats) :]

    return [_array(x) for x in outputs], back

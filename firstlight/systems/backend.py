"""The one place where the three back ends of Keras differ: how a function becomes compiled code.

Everything else in `systems` is written once, in `keras.ops`.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = [
    "compiled",
    "compiles_each_shape",
    "fast_precision",
    "has_double_precision",
    "make_repeatable",
    "normalize_batch",
    "repeated",
    "trains_under_xla",
]

_TRIALS = 24  # of each precision, a few milliseconds each


def trains_under_xla() -> bool:
    """Whether a training step goes through XLA: JAX knows no other way; on a CPU it slows TensorFlow down."""
    return keras.backend.backend() == "jax"


def compiles_each_shape() -> bool:
    """Whether each new shape of a batch costs a compilation of seconds, so that few shapes are better."""
    return keras.backend.backend() == "jax"


def make_repeatable(seed: int) -> None:
    """Seed Python, NumPy and the back end, and let TensorFlow use only operations that repeat to the bit."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
        # Its graph optimizer orders sums by the names of nodes, which change with what was compiled before.
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def has_double_precision() -> bool:
    """Whether float64 is float64: JAX takes it for float32 unless it is told otherwise."""
    if keras.backend.backend() != "jax":
        return True
    import jax

    return bool(jax.config.jax_enable_x64)


def normalize_batch(images: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any] | None:
    """Batch normalization of (batch, height, width, channels) as one operation, with its gradient.

    Returns:
        The normalized images of the same dtype, and mean and variance (channels,) in float32; None where the back end
        has no such operation. JAX needs none, because XLA fuses the many.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        none = tensorflow.zeros(0)
        outputs, mean, variance, *_ = tensorflow.raw_ops.FusedBatchNormV3(
            x=images, scale=gamma.value, offset=beta.value, mean=none, variance=none, epsilon=epsilon, is_training=True
        )
        count = tensorflow.cast(tensorflow.size(images) / tensorflow.shape(images)[-1], "float32")
        return outputs, mean, variance * (count - 1) / count  # TensorFlow divides by one less than there are
    if backend == "torch":
        import torch

        mean, variance = torch.zeros_like(gamma.value), torch.ones_like(gamma.value)
        outputs = torch.nn.functional.batch_norm(
            images.movedim(-1, 1), mean, variance, gamma.value, beta.value, training=True, momentum=1.0, eps=epsilon
        )
        count = images[..., 0].numel()
        return outputs.movedim(1, -1), mean, variance * (count - 1) / count
    return None


@cache
def fast_precision(size: int = 512) -> str:
    """The faster dtype policy for matrix products on this machine, `mixed_bfloat16` or `float32`, by a short trial.

    The best of many trials that take turns counts, so that it does not depend on what else the machine is at.
    """
    products, seconds = {}, {}
    for dtype in ("float32", "bfloat16"):
        matrix = ops.cast(np.ones((size, size), "float32"), dtype)
        products[dtype] = compiled(lambda a: ops.cast(ops.matmul(a, a), "float32"), []), matrix
        seconds[dtype] = float("inf")
    for _ in range(_TRIALS):
        for dtype, (product, matrix) in products.items():
            began = time.perf_counter()
            ops.convert_to_numpy(product(matrix))
            seconds[dtype] = min(seconds[dtype], time.perf_counter() - began)
    return "mixed_bfloat16" if seconds["bfloat16"] < 0.75 * seconds["float32"] else "float32"


def compiled(
    function: Callable[..., Any], variables: Sequence[keras.Variable], fuse: bool = False
) -> Callable[..., Any]:
    """A compiled version of `function(*arrays)`, for use without gradients.

    Args:
        function: works on tensors with `keras.ops` and on networks whose weights are `variables`.
        variables: every weight that the function reads; their values at the time of each call are used.
        fuse: on TensorFlow, let XLA fuse the operations: right for loops of many small float32 ones. JAX always does.

    Returns:
        A callable of the same arrays. Each new combination of shapes is compiled once, at its first call.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        return tensorflow.function(function, reduce_retracing=False, autograph=False, jit_compile=fuse)
    if backend == "jax":
        import jax

        def stateless(values: list[Any], *arrays: Any) -> Any:
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return function(*arrays)

        program = jax.jit(stateless)
        return lambda *arrays: program([variable.value for variable in variables], *arrays)

    import torch

    def without_gradient(*arrays: Any) -> Any:
        with torch.no_grad():
            return function(*[ops.convert_to_tensor(array) for array in arrays])

    return without_gradient


def repeated(step: Callable[..., Any], variables: Sequence[keras.Variable]) -> Callable[..., np.ndarray]:
    """A compiled loop of training steps: `step` is called for the first entry of every array, then the second, ...

    Args:
        step: takes tensors, changes `variables` with `keras.ops` and optimizers, and returns a number of the type of
            the first array. It knows its gradients: nothing is differentiated here.
        variables: everything that a step reads or changes.

    Returns:
        A callable of arrays of the same length, whose entries keep their last axis. It gives the numbers, (steps,),
        and leaves the variables changed.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _repeated_by_tensorflow(step)
    if backend == "jax":
        return _repeated_by_jax(step, variables)

    import torch

    def eagerly(*arrays: Any) -> np.ndarray:
        with torch.no_grad():
            told = [step(*[ops.convert_to_tensor(part) for part in rows]) for rows in zip(*arrays, strict=True)]
            return np.array([ops.convert_to_numpy(number) for number in told])

    return eagerly


def _repeated_by_tensorflow(step: Callable[..., Any]) -> Callable[..., np.ndarray]:
    import tensorflow

    def loop(*arrays: Any) -> Any:
        steps = tensorflow.shape(arrays[0])[0]
        told = tensorflow.TensorArray(arrays[0].dtype, size=steps, element_shape=())

        def body(number: Any, told: Any) -> Any:
            return number + 1, told.write(number, step(*[array[number] for array in arrays]))

        return tensorflow.while_loop(lambda number, _: number < steps, body, (0, told), parallel_iterations=1)[
            1
        ].stack()

    # Any number of steps and of rows in a step: one program for all of them.
    run = tensorflow.function(loop, autograph=False, reduce_retracing=True)

    def called(*arrays: Any) -> np.ndarray:
        tensors = [tensorflow.convert_to_tensor(array) for array in arrays]
        specs = [
            tensorflow.TensorSpec([None, None, *tensor.shape[2:]][: len(tensor.shape)], tensor.dtype)
            for tensor in tensors
        ]
        return run.get_concrete_function(*specs)(*tensors).numpy()

    return called


def _repeated_by_jax(step: Callable[..., Any], variables: Sequence[keras.Variable]) -> Callable[..., np.ndarray]:
    import jax

    def one(values: list[Any], rows: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            told = step(*rows)
        return [scope.get_current_value(variable) for variable in variables], told

    program = jax.jit(lambda values, arrays: jax.lax.scan(one, values, arrays))

    def called(*arrays: Any) -> np.ndarray:
        values, told = program([variable.value for variable in variables], arrays)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return np.asarray(told)

    return called

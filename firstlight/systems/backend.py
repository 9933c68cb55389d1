"""The one place where the three back ends of Keras differ: how a function becomes compiled code.

Everything else in `systems` is written once, in `keras.ops`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["compiled", "compiles_each_shape", "fast_precision", "make_repeatable", "trains_under_xla"]


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


def fast_precision(size: int = 512) -> str:
    """The faster dtype policy for matrix products on this machine, `mixed_bfloat16` or `float32`, by a short trial."""
    seconds = {}
    for dtype in ("float32", "bfloat16"):
        matrix = ops.cast(np.ones((size, size), "float32"), dtype)
        product = compiled(lambda a, b: ops.cast(ops.matmul(a, b), "float32"), [])
        trials = []
        for _ in range(6):
            began = time.perf_counter()
            ops.convert_to_numpy(product(matrix, matrix))
            trials.append(time.perf_counter() - began)
        seconds[dtype] = min(trials)
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

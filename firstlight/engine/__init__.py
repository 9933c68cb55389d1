"""A Keras small enough to read, on NumPy alone: automatic differentiation, layers, losses, optimizers, training."""

from firstlight.engine import ops
from firstlight.engine.gradcheck import gradcheck
from firstlight.engine.tensor import Tensor, backward, check_finite, no_gradients

__all__ = ["Tensor", "backward", "check_finite", "gradcheck", "no_gradients", "ops"]

"""A Keras small enough to read, on NumPy alone: automatic differentiation, layers, losses, optimizers, training.

Change `from firstlight.engine import Sequential, layers` to `from keras import ...`, and the same script runs there.
"""

from firstlight.engine import (
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
    regularizers,
    surfaces,
)
from firstlight.engine.backward import backward
from firstlight.engine.computation import graph
from firstlight.engine.functional import Input
from firstlight.engine.gradcheck import gradcheck
from firstlight.engine.histograms import Histograms
from firstlight.engine.keras_file import load
from firstlight.engine.model import Model, Sequential
from firstlight.engine.paths import Path, descend
from firstlight.engine.tensor import Tensor, check_finite, no_gradients
from firstlight.engine.trace import saliency, trace

__all__ = [
    "Histograms",
    "Input",
    "Model",
    "Path",
    "Sequential",
    "Tensor",
    "activations",
    "backward",
    "callbacks",
    "check_finite",
    "constraints",
    "descend",
    "gradcheck",
    "graph",
    "initializers",
    "layers",
    "load",
    "losses",
    "metrics",
    "no_gradients",
    "ops",
    "optimizers",
    "regularizers",
    "saliency",
    "surfaces",
    "trace",
]

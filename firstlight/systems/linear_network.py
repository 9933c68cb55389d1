"""A fitted linear model as a network of stock Keras layers, which any program that reads `.keras` files opens.

Columns are standardised in a layer of their own, so that nothing is lost in float32 where their means are large.
"""

from typing import Any

import keras
import numpy as np

__all__ = ["network"]

# Keras takes a deviation below 1e-7 for 1e-7, and the square of a large one leaves float32.
_SMALLEST, _LARGEST = 1e-6, 1e18


def network(model: Any) -> keras.Model:
    """Input, Normalization where the model standardised, and Dense with the activation of the model."""
    inputs = keras.Input((model.n_features_in_,), name="columns")
    coefficients = np.atleast_2d(model.coef_)
    bias = np.atleast_1d(model.intercept_)
    x = inputs
    if model.standardize:
        # A deviation that the layer cannot hold stays in the coefficient of its column.
        scale = np.where((model.scale_ > _SMALLEST) & (model.scale_ < _LARGEST), model.scale_, 1.0)
        scaling = keras.layers.Normalization(mean=model.mean_, variance=np.square(scale), name="standardized")
        x = scaling(x)
        bias = bias + coefficients @ model.mean_
        coefficients = coefficients * scale
    outputs = len(coefficients)
    activation = ("sigmoid" if outputs == 1 else "softmax") if hasattr(model, "classes_") else "linear"
    dense = keras.layers.Dense(outputs, activation=activation, use_bias=bool(model.fit_intercept), name="linear")
    built = keras.Model(inputs, dense(x), name=type(model).__name__)
    dense.set_weights([coefficients.T, bias] if model.fit_intercept else [coefficients.T])
    return built

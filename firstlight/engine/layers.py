"""The layers of Keras by their names: those of vectors and shapes stand here, the others are gathered from their files.

Formulas are those of the operations that `call` uses; see `firstlight.engine.ops` for their derivatives.
"""

from typing import Any

from firstlight.engine import activations, constraints, initializers, ops, regularizers
from firstlight.engine.layer import Layer
from firstlight.errors import FirstlightError

__all__ = ["Dense"]


class Dense(Layer):
    """activation(x W + b): (..., inputs) -> (..., units).

    Args:
        units: width of the output.
        activation: name or function of `firstlight.engine.activations`.
        use_bias: whether b is there.
        kernel_initializer, bias_initializer: what W and b are at first.
        kernel_regularizer, bias_regularizer: what of them is added to the loss.
        kernel_constraint, bias_constraint: bounds that they are kept in.
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        """W (inputs, units) and b (units,)."""
        if input_shape[-1] is None:
            raise FirstlightError(f"Expected the last axis of the input of {self.name} to be known. Received None.")
        self.kernel = self.add_weight(
            (input_shape[-1], self.units),
            self.kernel_initializer,
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Any, /) -> Any:
        """activation(x W + b)."""
        x = ops.matmul(inputs, self.kernel)
        return self.activation(x + self.bias if self.use_bias else x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The last axis becomes `units`."""
        return (*input_shape[:-1], self.units)

"""Normalizations: numbers brought to mean 0 and variance 1, over the batch, the features, or groups of them."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from firstlight.engine import initializers, ops
from firstlight.engine.layer import Layer
from firstlight.engine.tensor import operation, value_of
from firstlight.errors import FirstlightError

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "Normalization",
    "RMSNormalization",
    "Rescaling",
    "UnitNormalization",
    "normalized",
]


@operation
def normalized(x: Any, /, axis: tuple[int, ...], epsilon: float) -> Any:
    """y = (x - mean) / s with s = sqrt(variance + epsilon), over axes (Ioffe and Szegedy 2015, algorithm 1).

    dL/dx = (g - mean(g) - y mean(g y)) / s: the gradient without the part that would move all numbers alike, and the
    part that would stretch them, for both are undone.
    """
    centred = x - x.mean(axis, keepdims=True)
    s = np.sqrt((centred * centred).mean(axis, keepdims=True) + x.dtype.type(epsilon))
    y = centred / s
    return y, lambda g: (g - g.mean(axis, keepdims=True) - y * (g * y).mean(axis, keepdims=True)) / s


class _ScaledAndShifted(Layer):
    """gamma y + beta after a normalization, so that it takes nothing away from what the network can say."""

    supports_masking = True
    made_of: ClassVar = {"gamma": "ones", "beta": "zeros"}

    def __init__(self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True, **options: Any):
        super().__init__(**options)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale

    def _make(self, shape: Sequence[int]) -> None:
        if self.scale:
            self.gamma = self.add_weight(shape, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, name="beta")

    def _scaled(self, y: Any, axes: Sequence[int]) -> Any:
        """gamma y + beta, with both weights along these axes."""
        shape = [n if axis in axes else 1 for axis, n in enumerate(y.shape)]
        y = y * ops.reshape(self.gamma, shape) if self.scale else y
        return y + ops.reshape(self.beta, shape) if self.center else y

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape


class BatchNormalization(_ScaledAndShifted):
    """Each feature over the batch while training, by moving averages afterwards (Ioffe and Szegedy 2015).

    A frozen layer uses the moving averages in training too, as in Keras.

    Args:
        axis: of the features.
        momentum: of the moving averages.
        epsilon: added to the variance.
        center, scale: whether beta and gamma are there.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **options: Any,
    ):
        super().__init__(axis, epsilon, center, scale, **options)
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Any) -> None:
        """gamma, beta, moving_mean and moving_variance, each (features,)."""
        shape = (input_shape[self.axis],)
        self._make(shape)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, name="moving_variance", trainable=False
        )

    def call(self, inputs: Any, /, training: bool = False, mask: Any = None) -> Any:
        """gamma (x - mean) / sqrt(variance + epsilon) + beta."""
        feature = self.axis % inputs.ndim
        axes = tuple(axis for axis in range(inputs.ndim) if axis != feature)
        if not (training and self.trainable):
            return self._by_averages(inputs, feature)
        if mask is not None:
            return self._scaled(self._over_real(inputs, axes, value_of(mask)), [feature])
        x = value_of(inputs)
        self._move(x.mean(axes), x.var(axes))
        return self._scaled(normalized(inputs, axis=axes, epsilon=self.epsilon), [feature])

    def _by_averages(self, inputs: Any, feature: int) -> Any:
        """The whole as one product and one sum: both factors are known beforehand."""
        shape = [n if axis == feature else 1 for axis, n in enumerate(inputs.shape)]
        factor = 1 / np.sqrt(self.moving_variance.array + self.moving_variance.dtype.type(self.epsilon))
        scale = self.gamma * factor if self.scale else factor
        shift = ops.negative(self.moving_mean.array * scale)
        shift = self.beta + shift if self.center else shift
        return inputs * ops.reshape(scale, shape) + ops.reshape(shift, shape)

    def _over_real(self, inputs: Any, axes: tuple[int, ...], mask: np.ndarray) -> Any:
        """Mean and variance over what is not padding; padding is normalized by them too."""
        weight = np.broadcast_to(np.asarray(mask)[..., None], inputs.shape).astype(inputs.dtype)
        count = np.maximum(weight.sum(axes, keepdims=True), 1e-7)
        mean = ops.sum(inputs * weight, axis=axes, keepdims=True) / count
        variance = ops.sum(ops.square(inputs - mean) * weight, axis=axes, keepdims=True) / count
        self._move(np.squeeze(value_of(mean), axes), np.squeeze(value_of(variance), axes))
        return (inputs - mean) / ops.sqrt(variance + inputs.dtype.type(self.epsilon))

    def _move(self, mean: np.ndarray, variance: np.ndarray) -> None:
        for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average.array * self.momentum + new * (1 - self.momentum))


class LayerNormalization(_ScaledAndShifted):
    """Each example by itself, over its features (Ba et al. 2016).

    Args:
        axis: of the features, or several.
        epsilon: added to the variance.
        center, scale: whether beta and gamma are there.
    """

    def build(self, input_shape: Any) -> None:
        """gamma and beta of the shape of the features."""
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        self._make([input_shape[axis] for axis in axes])

    def call(self, inputs: Any, /) -> Any:
        """gamma (x - mean) / sqrt(variance + epsilon) + beta."""
        axes = [axis % inputs.ndim for axis in ([self.axis] if isinstance(self.axis, int) else self.axis)]
        return self._scaled(normalized(inputs, axis=tuple(axes), epsilon=self.epsilon), axes)


class GroupNormalization(_ScaledAndShifted):
    """Each example over groups of its channels (Wu and He 2018); one group for each channel is instance normalization.

    Args:
        groups: how many; -1 for one a channel.
        axis: of the channels.
        epsilon: added to the variance.
        center, scale: whether beta and gamma are there.
    """

    def __init__(self, groups: int = 32, axis: int = -1, **options: Any):
        super().__init__(axis, **options)
        self.groups = groups

    def build(self, input_shape: Any) -> None:
        """gamma and beta (channels,)."""
        channels = input_shape[self.axis]
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise FirstlightError(f"Expected channels that {self.groups} groups divide. Received {channels}.")
        self._make((channels,))

    def call(self, inputs: Any, /) -> Any:
        """gamma (x - mean) / sqrt(variance + epsilon) + beta, over a group."""
        feature = self.axis % inputs.ndim
        shape = inputs.shape
        parts = (*shape[:feature], self.groups, shape[feature] // self.groups, *shape[feature + 1 :])
        axes = tuple(axis for axis in range(1, len(parts)) if axis != feature)
        y = normalized(ops.reshape(inputs, parts), axis=axes, epsilon=self.epsilon)
        return self._scaled(ops.reshape(y, shape), [feature])


class RMSNormalization(Layer):
    """x / sqrt(mean(x^2) + epsilon) scale: layer normalization without the mean (Zhang and Sennrich 2019)."""

    made_of: ClassVar = {}

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **options: Any):
        super().__init__(**options)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape: Any) -> None:
        """scale, of the shape of the features."""
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        self.scale = self.add_weight([input_shape[axis] for axis in axes], "ones", name="scale")

    def call(self, inputs: Any, /) -> Any:
        """x / sqrt(mean(x^2) + epsilon) scale."""
        axes = [axis % inputs.ndim for axis in ([self.axis] if isinstance(self.axis, int) else self.axis)]
        size = ops.mean(ops.square(inputs), axis=tuple(axes), keepdims=True) + inputs.dtype.type(self.epsilon)
        shape = [n if axis in axes else 1 for axis, n in enumerate(inputs.shape)]
        return inputs / ops.sqrt(size) * ops.reshape(self.scale, shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape


class UnitNormalization(Layer):
    """Vectors along an axis brought to length 1."""

    supports_masking = True

    def __init__(self, axis: Any = -1, **options: Any):
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: Any, /) -> Any:
        """x / |x|; 1e-12 against division by zero."""
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        size = ops.sum(ops.square(inputs), axis=axis, keepdims=True)
        return inputs / ops.sqrt(ops.maximum(size, inputs.dtype.type(1e-12)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape


class Rescaling(Layer):
    """x scale + offset: pixels from 0..255 to 0..1, for example.

    Args:
        scale, offset: numbers, or one a channel.
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Any):
        super().__init__(**options)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Any, /) -> Any:
        """x scale + offset."""
        x = inputs if value_of(inputs).dtype.kind == "f" else np.asarray(inputs, self.dtype)
        return x * np.asarray(self.scale, self.dtype) + np.asarray(self.offset, self.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape


class Normalization(Layer):
    """(x - mean) / sqrt(variance), with both taken from data by `adapt` or given.

    Args:
        axis: along which each place has its own mean; None for one of all.
        mean, variance: given beforehand.
        invert: turns it round: x sqrt(variance) + mean.
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **options: Any):
        super().__init__(**options)
        self.axis = () if axis is None else axis
        self.mean, self.variance, self.invert = mean, variance, invert

    def build(self, input_shape: Any) -> None:
        """Moments as weights that do not learn, where they are not given: mean, variance, count."""
        kept = self._kept(len(input_shape))
        self._shape = [n if axis in kept else 1 for axis, n in enumerate(input_shape)]
        if self.mean is None:
            shape = [input_shape[axis] for axis in kept]
            self.adapt_mean = self.add_weight(shape, "zeros", name="mean", trainable=False)
            self.adapt_variance = self.add_weight(shape, "ones", name="variance", trainable=False)
            self.count = self.add_weight((), "zeros", name="count", trainable=False)

    def _kept(self, ndim: int) -> list[int]:
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        return sorted(axis % ndim for axis in axes)

    def adapt(self, data: Any) -> None:
        """Take mean and variance from data (examples, ...)."""
        data = np.asarray(data, self.dtype)
        self.build_for((data,), {})
        axes = tuple(axis for axis in range(data.ndim) if axis not in self._kept(data.ndim))
        self.adapt_mean.assign(data.mean(axes))
        self.adapt_variance.assign(data.var(axes))

    def call(self, inputs: Any, /) -> Any:
        """(x - mean) / sqrt(variance), and 1e-7 in place of a deviation below it."""
        given = self.mean is not None
        mean, variance = (self.mean, self.variance) if given else (self.adapt_mean.array, self.adapt_variance.array)
        shape = [n if n is not None else 1 for n in self._shape]
        mean, variance = (
            np.broadcast_to(np.asarray(x, self.dtype).reshape(-1), math.prod(shape)).reshape(shape)
            for x in (mean, variance)
        )
        deviation = np.maximum(np.sqrt(variance), np.float32(1e-7))
        x = inputs if value_of(inputs).dtype.kind == "f" else np.asarray(inputs, self.dtype)
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape

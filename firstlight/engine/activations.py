"""Activations: the bend after a product of matrices, without which a deep network would be one matrix.

Each is an operation with its derivative beside it, and goes by the name that Keras gives it.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from firstlight.engine.tensor import operation
from firstlight.errors import FirstlightError, nearest

__all__ = [
    "ACTIVATIONS",
    "celu",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "name_of",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


def linear(x: Any) -> Any:
    """x: no bend at all."""
    return x


# -- bent at one point -------------------------------------------------------------------------------------------


@operation
def relu(x: Any, /, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """max(0, x); below the threshold a line of slope `negative_slope` (Nair and Hinton 2010)."""
    if not negative_slope and max_value is None and not threshold:
        value = np.maximum(x, 0)
        return value, lambda g: g * (value > 0)
    above = (x > threshold) if threshold else (x > 0)
    value = np.where(above, x, negative_slope * (x - threshold)).astype(x.dtype)
    if max_value is None:
        return value, lambda g: g * np.where(above, 1, negative_slope)
    below_top = value < max_value
    return np.minimum(value, x.dtype.type(max_value)), lambda g: g * below_top * np.where(above, 1, negative_slope)


def relu6(x: Any) -> Any:
    """min(max(0, x), 6), made for arithmetic of few bits (Howard et al. 2017)."""
    return relu(x, max_value=6.0)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x above 0, a flatter line below, so that no unit ever dies (Maas et al. 2013)."""
    return relu(x, negative_slope=negative_slope)


@operation
def hard_sigmoid(x: Any, /) -> Any:
    """x / 6 + 1/2 held between 0 and 1."""
    return np.clip(x / 6 + 0.5, 0, 1), lambda g: g * ((x > -3) & (x < 3)) / 6


@operation
def hard_silu(x: Any, /) -> Any:
    """x hard_sigmoid(x) (Howard et al. 2019)."""
    gate = np.clip(x / 6 + 0.5, 0, 1)
    return x * gate, lambda g: g * (gate + x * ((x > -3) & (x < 3)) / 6)


@operation
def hard_tanh(x: Any, /) -> Any:
    """x held between -1 and 1."""
    return np.clip(x, -1, 1), lambda g: g * ((x > -1) & (x < 1))


# -- bent everywhere ---------------------------------------------------------------------------------------------


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """By way of tanh, which overflows nowhere."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


@operation
def sigmoid(x: Any, /) -> Any:
    """s = 1 / (1 + e^-x); s' = s (1 - s)."""
    s = _sigmoid(x)
    return s, lambda g: g * s * (1 - s)


@operation
def tanh(x: Any, /) -> Any:
    """t = (e^x - e^-x) / (e^x + e^-x); t' = 1 - t^2."""
    t = np.tanh(x)
    return t, lambda g: g * (1 - t * t)


@operation
def softplus(x: Any, /) -> Any:
    """ln(1 + e^x); its derivative is the sigmoid."""
    return np.logaddexp(x, 0).astype(x.dtype), lambda g: g * _sigmoid(x)


@operation
def log_sigmoid(x: Any, /) -> Any:
    """ln sigmoid(x) = -softplus(-x)."""
    return -np.logaddexp(-x, 0).astype(x.dtype), lambda g: g * _sigmoid(-x)


@operation
def softsign(x: Any, /) -> Any:
    """x / (1 + |x|); derivative 1 / (1 + |x|)^2."""
    size = 1 + np.abs(x)
    return x / size, lambda g: g / (size * size)


@operation
def exponential(x: Any, /) -> Any:
    """e^x."""
    value = np.exp(x)
    return value, lambda g: g * value


@operation
def elu(x: Any, /, alpha: float = 1.0) -> Any:
    """x above 0, alpha (e^x - 1) below (Clevert et al. 2016)."""
    value = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return value, lambda g: g * np.where(x > 0, 1, value + alpha)


@operation
def celu(x: Any, /, alpha: float = 1.0) -> Any:
    """max(0, x) + min(0, alpha (e^(x / alpha) - 1)): elu with a derivative without a jump (Barron 2017)."""
    low = np.minimum(x, 0) / alpha
    return np.maximum(x, 0) + alpha * np.expm1(low), lambda g: g * np.exp(low)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@operation
def selu(x: Any, /) -> Any:
    """elu scaled so that mean 0 and variance 1 come out as they went in (Klambauer et al. 2017)."""
    value = _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))
    return value, lambda g: g * np.where(x > 0, _SELU_SCALE, value + _SELU_SCALE * _SELU_ALPHA)


@operation
def silu(x: Any, /) -> Any:
    """x s(x) with the sigmoid s, also called swish; derivative s + x s (1 - s) (Elfwing et al. 2018)."""
    s = _sigmoid(x)
    return x * s, lambda g: g * (s + x * s * (1 - s))


@operation
def mish(x: Any, /) -> Any:
    """x tanh(softplus(x)) (Misra 2020)."""
    t = np.tanh(np.logaddexp(x, 0).astype(x.dtype))
    return x * t, lambda g: g * (t + x * (1 - t * t) * _sigmoid(x))


@operation
def gelu(x: Any, /, approximate: bool = False) -> Any:
    """x P(X <= x) for a standard normal X (Hendrycks and Gimpel 2016), or its approximation by tanh.

    The derivative of x P(x) is P(x) + x p(x), with the density p.
    """
    if approximate:
        slope = sqrt(2 / pi)
        t = np.tanh(slope * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + t), lambda g: g * 0.5 * (1 + t + x * (1 - t * t) * slope * (1 + 3 * 0.044715 * x * x))
    probability = (0.5 * (1 + _erf(x / sqrt(2)))).astype(x.dtype)
    return x * probability, lambda g: g * (probability + x * np.exp(-0.5 * x * x) / sqrt(2 * pi))


def _erf(x: np.ndarray) -> np.ndarray:
    """The error function, which NumPy lacks, to 1e-15: its series near 0, a continued fraction further out.

    erf(x) = 2/sqrt(pi) e^(-x^2) sum_n 2^n x^(2n+1) / (2n+1)!! and the fraction of erfc by Laplace
    (Abramowitz and Stegun 1964, 7.1.6 and 7.1.14).
    """
    if x.dtype == np.float32:
        return _short_erf(x)
    x = np.asarray(x, np.float64)
    size = np.minimum(np.abs(x), 6.0)  # erf(6) is 1 to the last bit
    near = np.minimum(size, 2.5)
    term = total = near.copy()
    for n in range(1, 60):
        term = term * 2 * near * near / (2 * n + 1)
        total = total + term
    series = 2 / sqrt(pi) * np.exp(-near * near) * total
    far = np.maximum(size, 2.5)
    fraction = far.copy()
    for n in range(60, 0, -1):
        fraction = far + n / 2 / fraction
    tail = 1 - np.exp(-far * far) / (sqrt(pi) * fraction)
    return np.sign(x) * np.where(size < 2.5, series, tail)


def _short_erf(x: np.ndarray) -> np.ndarray:
    """The error function to 5e-7, enough for float32 and forty times as fast (Hastings 1955, sheet 43)."""
    size = np.minimum(np.abs(x), 6)
    t = 1 / (1 + 0.3275911 * size)
    series = np.full_like(t, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series *= t
        series += factor
    return np.copysign(1 - series * t * np.exp(-size * size), x)


# -- over an axis ------------------------------------------------------------------------------------------------


@operation
def softmax(x: Any, /, axis: int = -1) -> Any:
    """y_i = e^x_i / sum_j e^x_j: shares that sum to 1. dL/dx_i = y_i (g_i - sum_j g_j y_j)."""
    y = np.exp(x - x.max(axis, keepdims=True))
    y /= y.sum(axis, keepdims=True)
    return y, lambda g: y * (g - (g * y).sum(axis, keepdims=True))


@operation
def log_softmax(x: Any, /, axis: int = -1) -> Any:
    """ln softmax(x), safe where a share is 0 to all digits. dL/dx_i = g_i - y_i sum_j g_j."""
    low = x - x.max(axis, keepdims=True)
    value = low - np.log(np.exp(low).sum(axis, keepdims=True))
    return value, lambda g: g - np.exp(value) * g.sum(axis, keepdims=True)


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "linear": linear,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "celu": celu,
    "selu": selu,
    "gelu": gelu,
    "silu": silu,
    "swish": silu,
    "mish": mish,
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_swish": hard_silu,
    "hard_tanh": hard_tanh,
    "tanh": tanh,
    "softplus": softplus,
    "softsign": softsign,
    "exponential": exponential,
    "softmax": softmax,
    "log_softmax": log_softmax,
}


def get(activation: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """The function for a name of `ACTIVATIONS`; a function as it is; None is `linear`.

    Raises:
        FirstlightError: no activation has this name.
    """
    if activation is None:
        return linear
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise FirstlightError(
            f"Expected an activation: {', '.join(ACTIVATIONS)}. Received {activation!r}."
            f"{nearest(activation, ACTIVATIONS)}"
        )
    return ACTIVATIONS[activation]


def name_of(function: Callable[..., Any]) -> str:
    """The name under which `get` finds a function.

    Raises:
        FirstlightError: it is none of `ACTIVATIONS`, so that a file could not name it.
    """
    for name, known in ACTIVATIONS.items():
        if known is function:
            return name
    raise FirstlightError(
        f"Expected one of the activations that have a name. Received {function!r}, which a file cannot hold. "
        f"Use one of {', '.join(ACTIVATIONS)}, or a layer of your own."
    )

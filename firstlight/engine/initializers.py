"""Initializers: what a weight is before it has learned anything.

Signals keep their size on the way through a deep network if the variance of a weight is right for the number of its
inputs and outputs. Names, arguments and distributions are Keras's; the random numbers are our own.
"""

import math
from collections.abc import Sequence
from inspect import signature
from typing import Any

import numpy as np

from firstlight.engine.lookup import look_up
from firstlight.errors import FirstlightError

__all__ = [
    "INITIALIZERS",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "generator",
    "get",
    "set_random_seed",
]


class _Source:
    random = np.random.default_rng()


def set_random_seed(seed: int) -> None:
    """From here on, what is drawn without a seed of its own follows from this one."""
    _Source.random = np.random.default_rng(seed)


def generator(seed: int | None = None) -> np.random.Generator:
    """A generator with this seed, or the common one."""
    return _Source.random if seed is None else np.random.default_rng(seed)


class Initializer:
    """Gives an array for a shape and a dtype. A subclass stores its arguments by their names and defines `draw`."""

    def __call__(self, shape: Sequence[int], dtype: Any = "float32") -> np.ndarray:
        """An array (shape) of the dtype."""
        random = generator(getattr(self, "seed", None))
        return np.asarray(self.draw(random, tuple(shape))).astype(dtype)

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """The values, of any float type."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}


class Zeros(Initializer):
    """All 0."""

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Zeros."""
        return np.zeros(shape)


class Ones(Initializer):
    """All 1."""

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Ones."""
        return np.ones(shape)


class Constant(Initializer):
    """All one value."""

    def __init__(self, value: float = 0.0):
        self.value = value

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """That value."""
        return np.full(shape, self.value, float)


class Identity(Initializer):
    """The identity matrix times `gain`."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Ones on the diagonal of a matrix."""
        return self.gain * np.eye(shape[0], shape[1])


class RandomNormal(Initializer):
    """Normal with this mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Normal numbers."""
        return random.normal(self.mean, self.stddev, shape)


class RandomUniform(Initializer):
    """Uniform between two bounds."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Uniform numbers."""
        return random.uniform(self.minval, self.maxval, shape)


class TruncatedNormal(Initializer):
    """Normal, with what is more than two standard deviations off drawn again."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Normal numbers within two standard deviations."""
        return self.mean + self.stddev * _truncated(random, shape)


def _truncated(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    numbers = random.standard_normal(shape)
    while np.any(far := np.abs(numbers) > 2):
        numbers[far] = random.standard_normal(np.count_nonzero(far))
    return numbers


class VarianceScaling(Initializer):
    """Variance `scale` / n, where n counts the inputs ("fan_in"), the outputs ("fan_out") or is their mean ("fan_avg").

    Distributions: "truncated_normal", "untruncated_normal", "uniform".
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        known = {
            "mode": (mode, ("fan_in", "fan_out", "fan_avg")),
            "distribution": (distribution, ("truncated_normal", "untruncated_normal", "uniform")),
        }
        for name, (value, values) in known.items():
            if value not in values:
                raise FirstlightError(f"Expected {name} to be one of {', '.join(values)}. Received {value!r}.")
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Numbers of that variance."""
        inputs, outputs = _fans(shape)
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        deviation = math.sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            return random.uniform(-math.sqrt(3) * deviation, math.sqrt(3) * deviation, shape)
        if self.distribution == "untruncated_normal":
            return random.normal(0, deviation, shape)
        return deviation / 0.87962566103423978 * _truncated(random, shape)  # the deviation that is left by the cut


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """How many numbers go into an output, and how many outputs an input goes to; a convolution's kernel has a field."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class _Scaled(VarianceScaling):
    """A VarianceScaling with all but the seed fixed."""

    fixed: tuple[float, str, str]

    def __init__(self, seed: int | None = None):
        super().__init__(*self.fixed, seed=seed)


class GlorotUniform(_Scaled):
    """Uniform of variance 2 / (inputs + outputs) (Glorot and Bengio 2010)."""

    fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (inputs + outputs) (Glorot and Bengio 2010)."""

    fixed = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform of variance 2 / inputs, right before a relu (He et al. 2015)."""

    fixed = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance 2 / inputs, right before a relu (He et al. 2015)."""

    fixed = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform of variance 1 / inputs (LeCun et al. 1998)."""

    fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / inputs (LeCun et al. 1998)."""

    fixed = (1.0, "fan_in", "truncated_normal")


class Orthogonal(Initializer):
    """A matrix with orthogonal rows or columns, which changes no length (Saxe et al. 2014), times `gain`."""

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain, self.seed = gain, seed

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """The Q of a random matrix, with the signs that make it uniform over all such matrices."""
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(random.standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "identity": Identity,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "uniform": RandomUniform,
    "normal": RandomNormal,
}


def get(initializer: str | dict[str, Any] | Initializer) -> Initializer:
    """The initializer of a name of `INITIALIZERS`, of a description as Keras writes it, or as it is."""
    found: Initializer = look_up("an initializer", INITIALIZERS, initializer)
    return found

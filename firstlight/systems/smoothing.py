"""Losses of single steps made smooth, so that one can see where they go."""

from collections.abc import Sequence

import numpy as np

__all__ = ["running_mean", "smoothed"]


def running_mean(values: Sequence[float] | np.ndarray, span: float) -> np.ndarray:
    """The mean of the values so far, each counting less the longer it is past: what is known while training.

    Args:
        values: (steps,).
        span: after so many steps a value counts 1/e of what it did.

    Source: Kingma and Ba 2015, section 3: an exponential mean is divided by 1 - decay^step, or it would begin at 0.
    """
    decay, mean, found = float(np.exp(-1 / max(span, 1e-9))), 0.0, []
    for step, value in enumerate(values, 1):
        mean = decay * mean + (1 - decay) * float(value)
        found.append(mean / (1 - decay**step))
    return np.array(found)


def smoothed(values: Sequence[float] | np.ndarray, width: float) -> np.ndarray:
    """The weighted mean of the values around each, by a normal curve of a width in steps, which shifts nothing."""
    steps = np.asarray(values, np.float64)
    if width <= 0 or len(steps) < 2:
        return steps.copy()
    reach = int(np.ceil(3 * width))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    # Full convolutions, cut by hand: NumPy's "same" would have the length of the weights where they are longer.
    inside = slice(reach, reach + len(steps))
    return np.convolve(steps, weights)[inside] / np.convolve(np.ones(len(steps)), weights)[inside]

"""Ways from one code to another: straight, or along a circle around the origin, and codes to draw pictures from."""

import numpy as np

from firstlight.errors import FirstlightError, nearest

__all__ = ["PATHS", "draw_codes", "path_between"]

PATHS = ("linear", "spherical")

_NEARLY = 1e-4  # of an angle, below which the circle is a line


def path_between(first: np.ndarray, second: np.ndarray, steps: int, path: str = "linear") -> np.ndarray:
    """Codes (steps, code) from one (code,) to another, both ends included.

    A spherical path turns the direction evenly and changes the length evenly. In many dimensions nearly all codes of
    a normal distribution lie on a sphere, and the middle of a straight line far inside, where no code is.

    Source of the spherical one: White, "Sampling generative networks", 2016, section 2.1.

    Raises:
        FirstlightError: fewer than two steps, or another path.
    """
    if path not in PATHS:
        raise FirstlightError(
            f"Expected path to be one of {', '.join(PATHS)}. Received {path!r}.{nearest(path, PATHS)}"
        )
    if steps < 2:
        raise FirstlightError(f"Expected two steps or more. Received {steps}.")
    share = np.linspace(0, 1, steps, dtype=np.float64)[:, None]
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    straight = (1 - share) * one + share * other
    if path == "linear" or min(lengths) == 0:
        return straight.astype(np.float32)
    angle = np.arccos(np.clip(one @ other / (lengths[0] * lengths[1]), -1, 1))
    if angle < _NEARLY or angle > np.pi - _NEARLY:  # opposite codes have no one circle
        return straight.astype(np.float32)
    turned = np.sin((1 - share) * angle) * one / lengths[0] + np.sin(share * angle) * other / lengths[1]
    length = (1 - share) * lengths[0] + share * lengths[1]
    return (turned / np.sin(angle) * length).astype(np.float32)


def draw_codes(count: int, mean: np.ndarray, covariance: np.ndarray, seed: int) -> np.ndarray:
    """Codes (count, code) of the normal distribution of this mean (code,) and covariance (code, code)."""
    if count < 1:
        raise FirstlightError(f"Expected one sample or more. Received {count}.")
    strengths, directions = np.linalg.eigh(np.asarray(covariance, np.float64))
    random = np.random.default_rng(seed).standard_normal((count, len(mean)))
    return np.asarray(mean + random * np.sqrt(np.maximum(strengths, 0)) @ directions.T, np.float32)

"""How good a way from one picture to another is: whether it has jumps, and whether its middle looks like a picture.

Plain blending is perfectly smooth, and its middle shows two pictures at once: both figures are needed.
"""

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.captions import Score

__all__ = ["largest_step", "nearest_distances", "realism"]

Floats = npt.NDArray[np.float64]


def largest_step(frames: npt.ArrayLike) -> float:
    """The largest distance between neighbouring frames over the mean one: 1 is a path of equal steps.

    Distances are Euclidean over all values of a frame, (frames, ...). A path that does not move at all gives 1.
    """
    values = np.asarray(frames, np.float64).reshape(len(np.asarray(frames)), -1)
    if len(values) < 2:
        raise FirstlightError(f"Expected two frames or more. Received {len(values)}.")
    steps = np.linalg.norm(np.diff(values, axis=0), axis=1)
    mean = float(steps.mean())
    return float(steps.max()) / mean if mean > 0 else 1.0


def nearest_distances(
    features: npt.ArrayLike, real: npt.ArrayLike, apart: npt.ArrayLike | None = None
) -> npt.NDArray[np.float64]:
    """The Euclidean distance of each row of features (rows, values) to the nearest of the real ones (images, values).

    `apart` (rows, k) names real images that do not count for a row: the two ends of a path would always be near.
    """
    values, images = np.asarray(features, np.float64), np.asarray(real, np.float64)
    products = values @ images.T
    squares = np.square(values).sum(1)[:, None] - 2 * products + np.square(images).sum(1)[None]
    if apart is not None:
        np.put_along_axis(squares, np.asarray(apart, np.int64), np.inf, axis=1)
    nearest = squares.min(axis=1)
    if not np.isfinite(nearest).all():
        raise FirstlightError(f"Expected real images beside the ends of the paths. Received {len(images)} in all.")
    return np.asarray(np.sqrt(np.maximum(nearest, 0.0)))


def realism(
    middles: npt.ArrayLike, blends: npt.ArrayLike, real: npt.ArrayLike, apart: npt.ArrayLike | None = None
) -> Score:
    """How far the middles of paths are from real images, as a share of how far plain blends of the same ends are.

    Below 1 a path leads through pictures that are more like real ones than two laid over each other.

    Args:
        middles: features (paths, values) of the middle frames, in a feature space that does not depend on the paths.
        blends: of the means of the two ends of each path.
        real: (images, values) of real images.
        apart: (paths, 2) the real images that are the ends of each path.
    """
    own, plain = nearest_distances(middles, real, apart), nearest_distances(blends, real, apart)
    each = own / np.maximum(plain, 1e-12)
    return Score("realism", float(each.mean()), each)

"""How good drawn pictures are, by features of real and drawn ones: as alike, as varied, and not copied.

All of it compares two clouds of points (pictures, features). What the figures say depends on the feature space and on
the number of pictures: compare only what was measured in one space and with as many.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError

__all__ = [
    "Fidelity",
    "Memorisation",
    "fidelity",
    "frechet_distance",
    "frechet_of_moments",
    "memorisation",
    "nearest_rows",
    "variety",
]

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Places = npt.NDArray[np.int64]

_BLOCK = 1 << 24  # distances held at once
_NEIGHBOURS, _FEWER = 5, 3  # for density and coverage; for precision and recall, as their papers have them


@dataclass(frozen=True)
class Fidelity:
    """How drawn pictures lie among the real ones, from 0 to 1, density alone also above.

    Args:
        precision: share of the drawn that lie where real ones are: they look real.
        recall: share of the real that lie where drawn ones are: nothing is left out.
        density: how many real neighbourhoods a drawn one lies in, over the number expected of a real one.
        coverage: share of the real that have a drawn one in their neighbourhood.
    """

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True)
class Memorisation:
    """How near drawn pictures are to training images, against pictures that were never trained on.

    Args:
        distance: median distance of a drawn picture to the nearest training image.
        held_out_distance: the same of held-out images.
        ratio: the first over the second; well below 1, pictures are copies. Where training images come twice and the
            second is 0, it is infinite, or 1 if both are.
        nearer: how often a drawn picture is nearer to its training image than a held-out one to its own, of all pairs;
            0.5 is as near, 1 is copied.
    """

    distance: float
    held_out_distance: float
    ratio: float
    nearer: float


def frechet_distance(real: npt.ArrayLike, drawn: npt.ArrayLike) -> float:
    """The Fréchet distance of two clouds of features (pictures, features), each taken as a normal distribution.

    0 for the same cloud. Few pictures make it larger: compare with that of two real sets of the same sizes.

    Source: Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", 2017,
    equation 6 (there in the features of an Inception network: "FID").
    """
    clouds = [_features(real, "real", 2), _features(drawn, "drawn", 2)]
    _check_alike(*clouds)
    moments = [(cloud.mean(axis=0), np.atleast_2d(np.cov(cloud, rowvar=False))) for cloud in clouds]
    return frechet_of_moments(*moments[0], *moments[1])


def frechet_of_moments(
    mean: npt.ArrayLike, covariance: npt.ArrayLike, other_mean: npt.ArrayLike, other_covariance: npt.ArrayLike
) -> float:
    """The squared Fréchet distance of two normal distributions, |m - n|^2 + tr(C + D - 2 (C D)^(1/2)).

    The trace of the root is the sum of the roots of the eigenvalues of C^(1/2) D C^(1/2), which is symmetric.

    Source: Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982, equation 4.
    """
    one, other = np.asarray(covariance, np.float64), np.asarray(other_covariance, np.float64)
    values, vectors = np.linalg.eigh(one)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()
    apart = np.square(np.asarray(mean, np.float64) - np.asarray(other_mean, np.float64)).sum()
    return float(max(apart + np.trace(one) + np.trace(other) - 2 * shared, 0.0))


def variety(real: npt.ArrayLike, drawn: npt.ArrayLike) -> float:
    """How spread out drawn pictures are: the sum of their variances over that of the real ones.

    1 is as varied, 0 is one picture again and again. Against real ones that are all the same, 1.
    """
    clouds = [_features(real, "real", 2), _features(drawn, "drawn", 2)]
    own, other = [float(cloud.var(axis=0).sum()) for cloud in clouds]
    return other / own if own > 0 else 1.0


def fidelity(real: npt.ArrayLike, drawn: npt.ArrayLike) -> Fidelity:
    """Precision and recall, density and coverage of drawn pictures by features (pictures, features) of as many of both.

    A neighbourhood is the ball around a picture that reaches to its third (precision and recall) or fifth (density and
    coverage) nearest of its own kind.

    Source: Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", 2019, equations
    1 and 2; Naeem et al., "Reliable fidelity and diversity metrics for generative models", 2020, equations 4 and 6.
    """
    least = _NEIGHBOURS + 1
    one, other = _features(real, "real", least), _features(drawn, "drawn", least)
    _check_alike(one, other)
    real_radii, drawn_radii = _radii(one), _radii(other)
    precise = np.zeros(len(other), bool)
    recalled, covered, inside = np.zeros(len(one), bool), np.zeros(len(one), bool), 0
    for rows, squares in _blocks(one, other):
        near = squares <= real_radii[rows, _FEWER - 1, None]
        nearer = squares <= real_radii[rows, _NEIGHBOURS - 1, None]
        precise |= near.any(axis=0)
        covered[rows] = nearer.any(axis=1)
        recalled[rows] = (squares <= drawn_radii[None, :, _FEWER - 1]).any(axis=1)
        inside += int(nearer.sum())
    return Fidelity(
        float(precise.mean()),
        float(recalled.mean()),
        inside / (_NEIGHBOURS * len(other)),
        float(covered.mean()),
    )


def memorisation(drawn: npt.ArrayLike, held_out: npt.ArrayLike, train: npt.ArrayLike) -> Memorisation:
    """Whether drawn pictures are copies of training images, by pixels or features (pictures, values).

    Held-out images show how near a new picture of the same kind comes to some training image by itself.

    Source: Meehan, Chaudhuri, Dasgupta, "A non-parametric test to detect data-copying in generative models", 2020,
    section 3.1: the Mann-Whitney statistic of both distances.
    """
    own = nearest_rows(drawn, train)[0][:, 0]
    others = nearest_rows(held_out, train)[0][:, 0]
    middle, held = float(np.median(own)), float(np.median(others))
    ordered = np.sort(others)
    before, up_to = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
    nearer = 1 - float((before + up_to).mean()) / (2 * len(ordered))  # equal distances count half
    ratio = middle / held if held > 0 else float("inf") if middle > 0 else 1.0
    return Memorisation(middle, held, ratio, nearer)


def nearest_rows(rows: npt.ArrayLike, others: npt.ArrayLike, count: int = 1) -> tuple[Floats, Places]:
    """The nearest of other rows to each row: Euclidean distances (rows, count), smallest first, and their places.

    Computed in the precision that comes in, float32 at least.
    """
    one, other = _features(rows, "rows", 1), _features(others, "others", max(count, 1))
    _check_alike(one, other)
    distances, places = np.empty((len(one), count)), np.empty((len(one), count), np.int64)
    for block, squares in _blocks(one, other):
        near = np.argpartition(squares, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(squares, near, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        places[block] = np.take_along_axis(near, order, axis=1)
        distances[block] = np.sqrt(np.take_along_axis(values, order, axis=1))
    return distances, places


def _radii(cloud: Numbers) -> Numbers:
    """Squared distances (pictures, 5) of each to its nearest five others."""
    found = [np.sort(np.partition(squares, _NEIGHBOURS, axis=1)[:, : _NEIGHBOURS + 1]) for _, squares in _blocks(cloud)]
    return np.concatenate(found)[:, 1:]  # the nearest is itself


def _blocks(rows: Numbers, others: Numbers | None = None) -> Iterator[tuple[slice, Numbers]]:
    """Squared distances (some rows, others), block by block, with the place of the block; without others, among rows.

    Sums are taken around the mean, so that nearly equal rows lose fewer digits.
    """
    same = others is None
    centre = rows.mean(axis=0)
    one = rows - centre
    other = one if others is None else others - centre
    lengths = np.square(other).sum(axis=1)
    step = max(1, _BLOCK // len(other))
    for start in range(0, len(one), step):
        block = one[start : start + step]
        squares = np.square(block).sum(axis=1)[:, None] + lengths - 2 * (block @ other.T)
        np.maximum(squares, 0, out=squares)
        if same:  # a row is at no distance from itself, whatever rounding says
            squares[np.arange(len(block)), start + np.arange(len(block))] = 0
        yield slice(start, start + len(block)), squares


def _features(values: npt.ArrayLike, name: str, least: int) -> Numbers:
    """An array (pictures, features) of floats with enough rows."""
    found = np.asarray(values)
    if found.dtype not in (np.float32, np.float64):
        found = found.astype(np.float64)
    if found.ndim != 2 or len(found) < least or not np.isfinite(found).all():
        raise FirstlightError(
            f"Expected {name} features (pictures, features), {least} pictures or more, finite. Received "
            f"{found.shape}{'' if np.isfinite(found).all() else ', some of them not finite'}."
        )
    return found


def _check_alike(one: Numbers, other: Numbers) -> None:
    if one.shape[1] != other.shape[1]:
        raise FirstlightError(
            f"Expected features of one space. Received {one.shape[1]} and {other.shape[1]} of them a picture."
        )

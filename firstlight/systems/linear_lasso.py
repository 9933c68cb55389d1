"""A quadratic function plus absolute values, at its lowest point: what the lasso and the elastic net come down to.

Coordinate descent finds which weights are zero, a linear system gives the others, and the conditions of the optimum
say when it is over. Zeros are exact.
"""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from firstlight.errors import FirstlightError

__all__ = ["lowest", "shrunk"]

_SWEEPS = 10_000


def shrunk(values: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """Every value moved towards 0 by the threshold, and 0 where it would cross it: the proximal step of |.|."""
    return np.sign(values) * np.maximum(np.abs(values) - threshold, 0)


def lowest(
    hessian: np.ndarray, linear: np.ndarray, thresholds: np.ndarray, start: np.ndarray, tolerance: float = 1e-12
) -> np.ndarray:
    """The w that minimises w' hessian w / 2 - linear' w + sum of thresholds |w|.

    Coordinate descent as in Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
    coordinate descent", 2010, section 2; the step on the nonzero weights is Newton's, cut where a sign would change.

    Args:
        hessian: (n, n), positive semi-definite.
        linear, thresholds, start: (n,); thresholds of 0 leave a weight unpenalised.
        tolerance: of the optimality conditions, relative to the largest number in `linear` and `thresholds`.
    """
    w = start.astype(np.float64)
    size = max(np.abs(linear).max(initial=0), np.abs(thresholds).max(initial=0), 1e-300)
    slope = linear - hessian @ w  # minus the gradient of the quadratic part
    for _ in range(_SWEEPS):
        _sweep(hessian, slope, w, thresholds)
        w = _newton(hessian, linear, thresholds, w)
        slope = linear - hessian @ w
        if _violation(slope, w, thresholds) <= tolerance * size:
            return w
    raise FirstlightError(
        f"Expected the L1 penalty to settle within {_SWEEPS} sweeps. Received columns that depend on each other too "
        "closely. Leave some out, or set l1_ratio below 1."
    )


def _sweep(hessian: np.ndarray, slope: np.ndarray, w: np.ndarray, thresholds: np.ndarray) -> None:
    """One round of coordinate descent over the weights that are not zero, or want to be something else."""
    diagonal = np.diagonal(hessian)
    for j in np.nonzero(((w != 0) | (np.abs(slope) > thresholds)) & (diagonal > 0))[0].tolist():
        before = w[j]
        pull = slope[j] + diagonal[j] * before
        size = abs(pull) - thresholds[j]
        after = (size if pull > 0 else -size) / diagonal[j] if size > 0 else 0.0
        if after != before:
            slope -= hessian[j] * (after - before)
            w[j] = after


def _newton(hessian: np.ndarray, linear: np.ndarray, thresholds: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Straight to the optimum of the nonzero weights with these signs, or as far as the first sign that changes."""
    active = np.nonzero((w != 0) | ((thresholds == 0) & (np.diagonal(hessian) > 0)))[0]
    if not len(active):
        return w
    signs = np.where(thresholds[active] > 0, np.sign(w[active]), 0)
    try:
        factor = cho_factor(hessian[np.ix_(active, active)])
    except LinAlgError:
        return w
    target = cho_solve(factor, linear[active] - thresholds[active] * signs)
    if not np.isfinite(target).all():
        return w
    here = w[active]
    crossing = (signs != 0) & (target * signs < 0)
    share = np.ones(len(active))
    share[crossing] = here[crossing] / (here[crossing] - target[crossing])
    step = share.min()
    found = w.copy()
    found[active] = here + step * (target - here)
    if step < 1:
        found[active[share == step]] = 0
    return found


def _violation(slope: np.ndarray, w: np.ndarray, thresholds: np.ndarray) -> float:
    """How far the conditions of the optimum are from holding: slope = threshold sign(w), or within it where w is 0."""
    away = np.where(w != 0, np.abs(slope - thresholds * np.sign(w)), np.maximum(np.abs(slope) - thresholds, 0))
    return float(away.max(initial=0))

"""Least squares in closed form: sums of products where they are safe, orthogonal steps where they are not.

Well-conditioned columns are solved by Cholesky and corrected by the true residuals; others by a QR factorization that
takes the rows block by block, and columns that depend on each other by the singular values of its factor.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, lapack, solve_triangular

from firstlight.systems.linear_blocks import Design, alone
from firstlight.systems.linear_lasso import lowest

__all__ = ["Products", "Solution", "least_squares", "products"]

_SAFE = 1e-8  # the reciprocal condition of the sums of products down to which eight digits are left
_WIDE = 4096  # columns from which their products take more memory than they are worth


@dataclass(frozen=True, eq=False)
class Products:
    """What a penalised regression needs to know of the table: `gram` (n, n) is Z'SZ and `moment` (n,) is Z'Sy."""

    gram: np.ndarray
    moment: np.ndarray


@dataclass(frozen=True, eq=False)
class Solution:
    """Weights (n,) of the standardised columns, and their `factor` (n, n) with R'R = Z'SZ + diag(l2).

    The factor is None where the rank is lower, or the penalty has an L1 part.
    """

    weights: np.ndarray
    factor: np.ndarray | None


def products(design: Design, y: np.ndarray) -> Products:
    """Add up Z'SZ and Z'Sy over the rows; y is (rows,), centred where there is an intercept."""

    def work(rows: slice) -> tuple[np.ndarray, ...]:
        z = design.block(rows)
        root = np.sqrt(design.share(rows))
        z *= root[:, None]
        return z.T @ z, z.T @ (root * y[rows])

    gram, moment = design.added(work)
    return Products(gram, moment)


def least_squares(
    design: Design,
    y: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    raw: bool,
    known: Products | None = None,
    start: np.ndarray | None = None,
) -> Solution:
    """The weights v that minimise sum of S (y - Z v)^2 / 2 + sum of l1 |v| + sum of l2 v^2 / 2.

    Args:
        design: the standardised columns Z with the weights S of the rows.
        y: (rows,) float64, centred where there is an intercept.
        l1, l2: (columns,) penalties.
        raw: where columns depend on each other, and nothing is penalised, choose the shortest vector of coefficients
            in the units of the table rather than in those of Z.
        known: the products, where they have been added up before.
        start: weights (columns,) close to those that are sought.
    """
    with alone():
        if known is None and (l1.any() or design.width <= min(len(design.x), _WIDE)):
            known = products(design, y)
        if known is not None and l1.any():
            begin = np.zeros_like(l1) if start is None else start
            return Solution(lowest(known.gram + np.diag(l2), known.moment, l1, begin), None)
        found = None if known is None else _by_products(design, y, l2, known)
        return found or _by_rotations(design, y, l2, raw)


def _by_products(design: Design, y: np.ndarray, l2: np.ndarray, known: Products) -> Solution | None:
    """Cholesky of Z'SZ + diag(l2), then one step with the residuals; None where the condition does not allow it.

    Source: Bjorck, "Stability analysis of the method of seminormal equations", 1987.
    """
    hessian = known.gram + np.diag(l2)
    try:
        factor = cholesky(hessian)
    except LinAlgError:
        return None
    if lapack.dtrcon(factor, norm="1")[0] ** 2 < _SAFE:
        return None
    weights = _solved(factor, known.moment)

    def work(rows: slice) -> tuple[np.ndarray, ...]:
        z = design.block(rows)
        return (z.T @ (design.share(rows) * (y[rows] - z @ weights)),)

    weights = weights + _solved(factor, design.added(work)[0] - l2 * weights)
    return Solution(weights, factor)


def _by_rotations(design: Design, y: np.ndarray, l2: np.ndarray, raw: bool) -> Solution:
    """QR of [Z y], and with a penalty of [Z y] above [sqrt(l2) 0]."""
    width = design.width
    stack = np.zeros((0, width + 1))
    if l2.any():
        stack = np.hstack([np.diag(np.sqrt(l2)), np.zeros((width, 1))])
    stack = _triangle(design, y, stack)
    factor, moment = stack[:, :width], stack[:, width]
    units = design.scale if raw and not l2.any() else np.ones(width)
    left, values, right = np.linalg.svd(factor * units, full_matrices=False)
    kept = values > max(len(design.x), width) * np.finfo(np.float64).eps * values.max(initial=0)
    if kept.sum() < width:
        return Solution(units * (right[kept].T @ (left[:, kept].T @ moment / values[kept])), None)
    return Solution(solve_triangular(factor[:width], moment[:width]), factor[:width])


def _triangle(design: Design, y: np.ndarray, stack: np.ndarray) -> np.ndarray:
    """The triangular factor of the rows, one block after the other below what is left of those before.

    Source: Demmel, Grigori, Hoemmen and Langou, "Communication-optimal parallel and sequential QR", 2012, section 2.
    """
    for rows in design.blocks():
        block = np.column_stack([design.block(rows), y[rows]]) * np.sqrt(design.share(rows))[:, None]
        stack = np.linalg.qr(np.vstack([stack, block]), mode="r")
    return stack


def _solved(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x with R'R x = right."""
    return solve_triangular(factor, solve_triangular(factor, right, trans="T"))

"""Logistic regression to the last digit: Newton's method with a line search, for two classes and for many.

A big table is first solved on a sample of its rows, so that two or three passes over all of them are enough.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning

from firstlight.errors import FirstlightError
from firstlight.systems.linear_blocks import Design, Parts, alone
from firstlight.systems.linear_lasso import lowest

__all__ = ["Logistic", "newton"]

_DIRECT = 500  # weights up to which the matrix of second derivatives is built
_MOST = 3000  # with an L1 penalty it always is, up to these
_SAMPLE = 50_000  # rows of the sample; it is taken from four times as many on
_CLOSE = 1e-5  # a step that promises this share of the loss is close to the optimum
_TRUST = 1e-4  # share of the promised descent that a step must keep


@dataclass(frozen=True, eq=False)
class Logistic:
    """The mean negative log-likelihood plus sum of l2 w^2 / 2, of weights (outputs, width).

    One output is the logit of the second of two classes; several are the logits of a softmax, one for each class.

    Args:
        design: the standardised columns, with one of ones for an intercept.
        codes: (rows,) the number of each row's class.
        outputs: 1, or the number of classes.
        l1, l2: (width,) penalties of each column, 0 for the intercept.
    """

    design: Design
    codes: np.ndarray
    outputs: int
    l1: np.ndarray
    l2: np.ndarray

    def sample(self, rows: int) -> "Logistic":
        """The same of about so many rows."""
        design = self.design.sample(rows)
        return Logistic(design, self.codes[:: max(1, len(self.codes) // rows)], self.outputs, self.l1, self.l2)

    def chances(self, z: np.ndarray, rows: slice, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of some rows: the loss (rows,), the probabilities and the targets (rows, outputs)."""
        logits = z @ weights.T
        codes = self.codes[rows]
        if self.outputs == 1:
            target = codes[:, None].astype(np.float64)
            return (np.logaddexp(0, logits) - target * logits)[:, 0], expit(logits), target
        chance = softmax(logits, axis=1)
        target = np.zeros_like(chance)
        target[np.arange(len(codes)), codes] = 1
        top = logits.max(axis=1)
        losses = top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - logits[target == 1]
        return losses, chance, target

    def evaluated(self, weights: np.ndarray, second: str) -> tuple[float, np.ndarray, np.ndarray]:
        """The loss, its gradient (outputs, width), and its second derivatives.

        Args:
            weights: (outputs, width).
            second: "all" second derivatives, (n, n); the "diagonal", (n,); or "none", which are zeros (1,).
        """
        size = weights.size

        def work(rows: slice) -> Parts:
            z = self.design.block(rows)
            share = self.design.share(rows)
            losses, chance, target = self.chances(z, rows, weights)
            gradient = (share[:, None] * (chance - target)).T @ z
            spread = _SECOND[second](z, share, chance, self.outputs == 1)
            return np.array(share @ losses), gradient, spread

        loss, gradient, curvature = self.design.added(work, self.outputs)
        diagonal = np.tile(self.l2, self.outputs)
        if second == "all":
            curvature = curvature.reshape(size, size) + np.diag(diagonal)
        elif second == "diagonal":
            curvature = curvature + diagonal
        return float(loss + 0.5 * (self.l2 * weights**2).sum()), gradient + self.l2 * weights, curvature

    def penalty(self, weights: np.ndarray) -> float:
        """The sum of l1 |w|."""
        return float((self.l1 * np.abs(weights)).sum())

    def bent(self, weights: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """The second derivatives times a direction, (outputs, width), without building them."""

        def work(rows: slice) -> Parts:
            z = self.design.block(rows)
            _, chance, _ = self.chances(z, rows, weights)
            along = z @ direction.T
            if self.outputs == 1:
                change = chance * (1 - chance) * along
            else:
                change = chance * (along - (chance * along).sum(axis=1, keepdims=True))
            return ((self.design.share(rows)[:, None] * change).T @ z,)

        return self.design.added(work, self.outputs)[0] + self.l2 * direction


def newton(
    problem: Logistic, start: np.ndarray | None = None, tolerance: float = 1e-10, steps: int = 100
) -> tuple[np.ndarray, int]:
    """The weights (outputs, width) at the lowest loss, and the number of steps that found them.

    Source: Boyd, Vandenberghe, "Convex Optimization", 2004, section 9.5; with L1, Lee, Sun and Saunders, "Proximal
    Newton-type methods", 2014. A step is the last when it promises less than `tolerance`; what is left after it is
    the square of that.
    """
    weights = np.zeros((problem.outputs, problem.design.width)) if start is None else start.copy()
    if problem.l1.any() and weights.size > _MOST:
        raise FirstlightError(
            f"Expected at most {_MOST} weights for an L1 penalty with solver='exact'. Received {weights.size}. "
            "Choose solver='sgd'."
        )
    if start is None and len(problem.codes) >= 4 * _SAMPLE:
        weights = _from_sample(problem, steps)
    with alone():
        return _settled(problem, weights, tolerance, steps)


def _settled(problem: Logistic, weights: np.ndarray, tolerance: float, steps: int) -> tuple[np.ndarray, int]:
    second = "all" if problem.l1.any() or weights.size <= _DIRECT else "diagonal"
    loss, gradient, curvature = problem.evaluated(weights, second)
    keep = False
    for number in range(1, steps + 1):
        step = _step(problem, weights, gradient, curvature, second)
        promise = -(gradient * step).sum() + problem.penalty(weights) - problem.penalty(weights + step)
        if promise <= (0.01 * tolerance if keep else tolerance):
            return weights + step, number
        # So close to the optimum the second derivatives hardly change, and are most of the work.
        keep = second == "all" and promise < _CLOSE * (loss + problem.penalty(weights))
        moved = _moved(problem, weights, step, loss, promise, "none" if keep else second)
        if moved is None:  # rounding hides what is left to gain
            return weights, number
        weights, loss, gradient, new = moved
        curvature = curvature if keep else new
    warnings.warn(
        f"The weights had not settled after max_iter={steps} steps. Set alpha above 0, or raise max_iter.",
        ConvergenceWarning,
        stacklevel=3,
    )
    return weights, steps


def _moved(
    problem: Logistic, weights: np.ndarray, step: np.ndarray, loss: float, promise: float, second: str
) -> tuple[np.ndarray, float, np.ndarray, np.ndarray] | None:
    """Along the step by 1, 1/2, 1/4 ..., until the loss has fallen by a share of what was promised."""
    before = loss + problem.penalty(weights)
    rounding = 8 * np.finfo(np.float64).eps * abs(before)
    share = 1.0
    while share > 1e-10:
        there = weights + share * step
        found = problem.evaluated(there, second)
        if found[0] + problem.penalty(there) <= before - _TRUST * share * promise + rounding:
            return there, *found
        share /= 2
    return None


def _from_sample(problem: Logistic, steps: int) -> np.ndarray:
    """Weights of a sample, where every class occurs often enough in it; else zeros."""
    part = problem.sample(_SAMPLE)
    seen = np.bincount(part.codes, minlength=max(2, problem.outputs))
    if seen.min() < 5 * problem.design.width:
        return np.zeros((problem.outputs, problem.design.width))
    return newton(part, None, 1e-6, steps)[0]


def _step(
    problem: Logistic, weights: np.ndarray, gradient: np.ndarray, curvature: np.ndarray, second: str
) -> np.ndarray:
    if second == "diagonal":
        return _conjugate(problem, weights, -gradient, curvature)
    if problem.l1.any():
        # A little more curvature keeps directions apart along which a softmax is flat; the optimum stays where it is.
        hessian = curvature + np.eye(len(curvature)) * 1e-9 * np.trace(curvature) / len(curvature)
        flat = weights.ravel()
        found = lowest(hessian, hessian @ flat - gradient.ravel(), np.tile(problem.l1, problem.outputs), flat)
        return (found - flat).reshape(weights.shape)
    if problem.outputs > 1:
        # The same number added to all classes changes nothing; sums over classes stay 0, where they began.
        width = problem.design.width
        curvature = curvature + np.tile(np.eye(width), (problem.outputs, problem.outputs)) / problem.outputs
    return -_solved(curvature, gradient.ravel()).reshape(weights.shape)


def _solved(hessian: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cholesky; where rounding has left no positive matrix, with as much on the diagonal as it takes."""
    extra = 0.0
    while True:
        try:
            return cho_solve(cho_factor(hessian + np.eye(len(hessian)) * extra), right)
        except LinAlgError:
            extra = max(10 * extra, 1e-14 * np.trace(hessian) / len(hessian), 1e-300)


def _conjugate(problem: Logistic, weights: np.ndarray, right: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Newton's step by conjugate gradients, as exactly as it is worth so far from the optimum.

    Source: Nocedal, Wright, "Numerical Optimization", 2006, algorithm 7.1, with the diagonal as preconditioner.
    """
    scale = np.maximum(diagonal.reshape(right.shape), 1e-12)

    def prepared(left: np.ndarray) -> np.ndarray:
        ready = left / scale
        # Sums over the classes of a softmax stay 0, where they began.
        return ready - ready.mean(axis=0) if problem.outputs > 1 else ready

    step, left = np.zeros_like(right), right.copy()
    ready = prepared(left)
    direction, size = ready.copy(), float((left * ready).sum())
    goal = (0.01 * min(1.0, size**0.5)) ** 2 * size
    for _ in range(10 * right.size):
        bent = problem.bent(weights, direction)
        length = size / max(float((direction * bent).sum()), 1e-300)
        step += length * direction
        left -= length * bent
        ready = prepared(left)
        new = float((left * ready).sum())
        if new <= goal:
            break
        direction = ready + new / size * direction
        size = new
    return step


def _curvature(z: np.ndarray, share: np.ndarray, chance: np.ndarray, binary: bool) -> np.ndarray:
    """The second derivatives of some rows: Z'SZ with S = p (1 - p), and S = p_k (1 if k = l) - p_k p_l for classes."""
    if binary:
        z = z * np.sqrt(share[:, None] * chance * (1 - chance))
        return z.T @ z
    outputs, width = chance.shape[1], z.shape[1]
    weighted = (np.sqrt(share)[:, None, None] * chance[:, :, None] * z[:, None, :]).reshape(len(z), -1)
    found = -(weighted.T @ weighted).reshape(outputs, width, outputs, width)
    for k in range(outputs):
        root = z * np.sqrt(share * chance[:, k])[:, None]
        found[k, :, k] += root.T @ root
    return found


def _diagonal(z: np.ndarray, share: np.ndarray, chance: np.ndarray, binary: bool) -> np.ndarray:
    return ((share[:, None] * chance * (1 - chance)).T @ np.square(z)).ravel()


def _no_curvature(z: np.ndarray, share: np.ndarray, chance: np.ndarray, binary: bool) -> np.ndarray:
    return np.zeros(1)


_SECOND = {"all": _curvature, "diagonal": _diagonal, "none": _no_curvature}

"""Linear regression, exactly or by gradient descent, as an estimator of scikit-learn's protocol.

It minimises a mean squared error plus alpha (l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2). Keras is loaded for
`solver="sgd"` and `to_keras` alone.
"""

# ruff: noqa: N803  (X is the name that scikit-learn prescribes)
from typing import Any, Literal

import numpy as np
from sklearn.base import RegressorMixin

from firstlight.systems.linear_least_squares import least_squares, products
from firstlight.systems.linear_model import Fit, LinearModel, Problem
from firstlight.systems.linear_summary import from_factor, regression_facts, to_units

__all__ = ["LinearRegression"]


class LinearRegression(RegressorMixin, LinearModel):
    """A number as a weighted sum of columns, with squared errors: least squares, ridge, lasso and elastic net.

    The loss is the weighted mean of (y - prediction)^2 / 2. In scikit-learn this is LinearRegression for alpha=0,
    ElasticNet and Lasso with the same alpha and l1_ratio, and Ridge with alpha times the number of rows (or the sum
    of the weights) for l1_ratio=0; theirs do not standardise, so compare with standardize=False.

    Args:
        solver: "exact" (closed form, float64), or "sgd".
        alpha: strength of the penalty; 0 for none.
        l1_ratio: share of the penalty that is L1 and sets coefficients to 0; 0 for ridge, 1 for the lasso.
        fit_intercept: whether a number is added; it is not penalised.
        standardize: learn and penalise columns of mean 0 and deviation 1; coefficients are told in the columns' units.
            Without an intercept they are only scaled.
        optimizer: of SGD: a name, a configuration or an object of keras.optimizers.
        learning_rate: the highest, falling to 0 as half a cosine; None finds one for "sgd". An object keeps its own.
        momentum: of optimizers given by name that have one (Nesterov's for "sgd").
        batch_size: rows of a step.
        epochs: passes over the rows; None for 2000 steps, but 2 to 1000 passes.
        max_iter: the exact solver's steps, where it needs several.
        tol: the last step of the exact solver promises to lower the loss by less.
        seed: of the order of the rows.
    """

    def __init__(
        self,
        *,
        solver: Literal["exact", "sgd"] = "exact",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        standardize: bool = True,
        optimizer: Any = "sgd",
        learning_rate: float | None = None,
        momentum: float = 0.9,
        batch_size: int = 256,
        epochs: int | None = None,
        max_iter: int = 100,
        tol: float = 1e-10,
        seed: int = 0,
    ):
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_iter = max_iter
        self.tol = tol
        self.seed = seed

    def predict(self, X: Any) -> np.ndarray:
        """The number for each row, (rows,)."""
        return self._values(X)

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> Problem:
        x, target, weights = self._prepared(X, y, sample_weight, numeric=True)
        return Problem(self._design(x, weights, ones=False), target.astype(np.float64, copy=False), weights)

    def _solved(self, problem: Problem, alpha: float, start: np.ndarray | None) -> Fit:
        design = problem.design
        middle = self._middle(problem)
        target = problem.target - middle
        if self.solver == "sgd":
            from firstlight.systems.linear_sgd import descend

            squares = np.square(target)
            spread = float(np.sqrt(squares.mean() if design.shares is None else design.shares @ squares)) or 1.0
            task = self._descent(problem, target / spread, "squared", alpha, spread)
            begin = None if start is None else (start - np.append(np.zeros(design.width), middle)) / spread
            weights, losses = descend(task, begin)
            weights = weights * spread
            weights[:, -1] += middle
            return Fit(weights, task.passes, [loss * spread**2 for loss in losses])
        l1, l2 = self._penalties(design, alpha)
        known = problem.known.get("products")
        begin = None if start is None else start[0, :-1]
        found = least_squares(design, target, l1, l2, not self.standardize, known, begin)
        return Fit(np.append(found.weights, middle)[None], 1, factor=found.factor)

    def _middle(self, problem: Problem) -> float:
        """The weighted mean of the target; 0 without an intercept."""
        if not self.fit_intercept:
            return 0.0
        shares = problem.design.shares
        return float(problem.target.mean() if shares is None else shares @ problem.target)

    def _adopt(self, problem: Problem, fit: Fit) -> None:
        coefficients, intercepts = self._in_units(problem.design, fit)
        self.coef_, self.intercept_ = coefficients[0], float(intercepts[0])
        self._remember(problem.design, fit)
        terms = len(self.coef_) + bool(self.fit_intercept)
        if self.alpha or fit.factor is None or problem.rows <= terms:
            return
        errors = problem.target - (problem.design.x @ self.coef_ + self.intercept_)
        weights = np.ones(len(errors)) if problem.weights is None else problem.weights
        squares, total = (float(weights @ np.square(part)) for part in (errors, problem.target - self._middle(problem)))
        self.facts_ = regression_facts(squares, total, problem.weights, problem.rows, terms, bool(self.fit_intercept))
        covariance = np.zeros((terms, terms))
        covariance[: len(self.coef_), : len(self.coef_)] = from_factor(fit.factor)
        if self.fit_intercept:
            covariance[-1, -1] = 1  # of the mean of y, on which the slopes do not depend
        covariance *= self.facts_["error_variance"] / problem.total
        self.covariance_ = to_units(covariance, self.mean_, self.scale_, 1, bool(self.fit_intercept))

    def _strongest(self, problem: Problem) -> float:
        found = products(problem.design, problem.target - self._middle(problem))
        problem.known["products"] = found
        return float(np.abs(found.moment / self._factors(problem.design)).max())

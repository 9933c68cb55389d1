"""Logistic regression, exactly or by gradient descent, as an estimator of scikit-learn's protocol.

It minimises a mean log loss plus alpha (l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2). Keras is loaded for
`solver="sgd"` and `to_keras` alone.
"""

# ruff: noqa: N803  (X is the name that scikit-learn prescribes)
import warnings
from typing import Any, Literal

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets

from firstlight.errors import FirstlightError
from firstlight.systems.linear_model import Fit, LinearModel, Problem
from firstlight.systems.linear_newton import Logistic, newton
from firstlight.systems.linear_summary import (
    CoefficientTable,
    classification_facts,
    coefficient_table,
    inverse,
    to_units,
)

__all__ = ["LogisticRegression"]

_SEPARATED = 1e-7  # a mean loss that only classes without overlap can reach


class LogisticRegression(ClassifierMixin, LinearModel):
    """Probabilities of two or more classes from a weighted sum of columns: logistic and softmax regression.

    The loss is the weighted mean of -log(probability of the true class). In scikit-learn's LogisticRegression the
    same model has C = 1 / (alpha times the sum of the weights, which are 1 for each row), and the same l1_ratio; it
    does not standardise, so compare with standardize=False. Several classes share a symmetric softmax, with one row
    of coefficients for each.

    Args:
        alpha: strength of the penalty. Without any, classes that do not overlap have no finite coefficients.
        class_weight: a dict from label to the weight of its rows; "balanced" gives all classes the same total weight.
        solver: "exact" (Newton's method, float64), or "sgd".

    All other arguments are those of `LinearRegression`.
    """

    def __init__(
        self,
        *,
        solver: Literal["exact", "sgd"] = "exact",
        alpha: float = 1e-4,
        l1_ratio: float = 0.0,
        class_weight: Any = None,
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
        self.class_weight = class_weight
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

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits: of two classes that of the second, (rows,); of more (rows, classes)."""
        values = self._values(X)
        return values[:, 0] if len(self.classes_) == 2 else values

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, (rows,)."""
        values = self.decision_function(X)
        return self.classes_[(values > 0).astype(int) if values.ndim == 1 else values.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, (rows, classes), in the order of `classes_`."""
        values = self.decision_function(X)
        return np.column_stack([expit(-values), expit(values)]) if values.ndim == 1 else softmax(values, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of the probabilities, exact where these round to 0."""
        values = self.decision_function(X)
        if values.ndim == 1:
            return np.column_stack([log_expit(-values), log_expit(values)])
        return log_softmax(values, axis=1)

    def summary(self, reference: Any = None) -> CoefficientTable:
        """A table of the coefficients: standard errors, z, p values and 95 % intervals, from the second derivatives.

        Args:
            reference: of several classes, the one with which the others are compared; without, each class is compared
                with the mean of all, as `coef_` does.

        Raises:
            FirstlightError: as for a regression, or there is no such class.
        """
        labels, coefficients, covariance = self._estimates()
        classes = self.classes_.tolist()
        if len(classes) == 2:
            return coefficient_table(labels, coefficients, covariance, None, self.facts_)
        outputs = len(classes)
        names = [{"class": str(name), **label} for name in classes for label in labels]
        if reference is not None:
            if reference not in classes:
                raise FirstlightError(f"Expected one of the classes {classes} as reference. Received {reference!r}.")
            place = classes.index(reference)
            change = np.delete(np.eye(outputs) - np.eye(outputs)[place], place, axis=0)
            change = np.kron(change, np.eye(len(labels)))
            coefficients, covariance = change @ coefficients, change @ covariance @ change.T
            names = [name for name in names if name["class"] != str(reference)]
        return coefficient_table(names, coefficients, covariance, None, self.facts_)

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> Problem:
        x, target, weights = self._prepared(X, y, sample_weight, numeric=False)
        check_classification_targets(target)
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise FirstlightError(
                f"Expected two classes or more in y. Received one class, {self.classes_.tolist()}. Add rows of another."
            )
        weights = self._weighted(codes, weights)
        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        return Problem(self._design(x, weights, bool(self.fit_intercept)), codes, weights, outputs)

    def _weighted(self, codes: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        """Weights of the rows times those of their classes."""
        totals = np.bincount(codes, weights, len(self.classes_))
        classes = self.classes_.tolist()
        if not totals.all():
            without = [name for name, total in zip(classes, totals, strict=True) if not total]
            raise FirstlightError(
                f"Expected weight on every class. Received sample weights of zero for all of {without}. "
                "Leave these rows out."
            )
        if self.class_weight is None:
            return weights
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            factors = totals.sum() / (len(classes) * totals)
        elif isinstance(self.class_weight, dict) and set(self.class_weight) <= set(classes):
            factors = np.array([float(self.class_weight.get(name, 1)) for name in classes])
        else:
            raise FirstlightError(
                f"Expected class_weight to be None, 'balanced', or a dict with classes among {classes}. Received "
                f"{self.class_weight!r}."
            )
        if not (factors > 0).all():
            raise FirstlightError(f"Expected class weights above 0. Received {self.class_weight!r}.")
        return factors[codes] if weights is None else weights * factors[codes]

    def _logistic(self, problem: Problem, alpha: float) -> Logistic:
        last = [0.0] * problem.design.ones
        l1, l2 = (np.append(part, last) for part in self._penalties(problem.design, alpha))
        return Logistic(problem.design, problem.target, problem.outputs, l1, l2)

    def _solved(self, problem: Problem, alpha: float, start: np.ndarray | None) -> Fit:
        if self.solver == "sgd":
            from firstlight.systems.linear_sgd import descend

            task = self._descent(problem, problem.target, "logistic" if problem.outputs == 1 else "softmax", alpha)
            weights, losses = descend(task, start)
            fit = Fit(weights, task.passes, losses)
        else:
            begin = None if start is None else start[:, : problem.design.width]
            weights, steps = newton(self._logistic(problem, alpha), begin, self.tol, self.max_iter)
            if not self.fit_intercept:
                weights = np.column_stack([weights, np.zeros(len(weights))])
            fit = Fit(weights, steps)
        if problem.outputs > 1:  # a softmax leaves the sum of the intercepts open
            fit.weights[:, -1] -= fit.weights[:, -1].mean()
        return fit

    def _adopt(self, problem: Problem, fit: Fit) -> None:
        self.coef_, self.intercept_ = self._in_units(problem.design, fit)
        self._remember(problem.design, fit)
        if self.alpha or self.solver != "exact":
            return
        weights = fit.weights[:, : problem.design.width]
        loss, _, curvature = self._logistic(problem, 0.0).evaluated(weights, "all")
        if loss < _SEPARATED:
            warnings.warn(
                "The columns separate the classes without an error, so that coefficients without a penalty have no "
                "finite values; these are large and arbitrary. Set alpha above 0.",
                ConvergenceWarning,
                stacklevel=3,
            )
            return
        covariance = inverse(curvature * problem.total, problem.outputs)
        if covariance is not None:
            intercept = bool(self.fit_intercept)
            self.covariance_ = to_units(covariance, self.mean_, self.scale_, problem.outputs, intercept)
        self.facts_ = self._facts(problem, loss)

    def _facts(self, problem: Problem, loss: float) -> dict[str, Any]:
        classes = len(self.classes_)
        shares = np.bincount(problem.target, problem.weights, classes) / problem.total
        base = -float(shares @ np.log(shares)) if self.fit_intercept else float(np.log(classes))
        slopes = (classes - 1) * self.coef_.shape[1]
        terms = slopes + (classes - 1) * bool(self.fit_intercept)
        return classification_facts(loss, base, problem.total, problem.rows, terms, slopes)

    def _strongest(self, problem: Problem) -> float:
        classes = len(self.classes_)
        weights = np.zeros((problem.outputs, problem.design.width))
        if self.fit_intercept:
            logs = np.log(np.bincount(problem.target, problem.weights, classes))
            weights[:, -1] = logs[1] - logs[0] if classes == 2 else logs - logs.mean()
        gradient = self._logistic(problem, 0.0).evaluated(weights, "none")[1]
        factors = self._factors(problem.design)
        return float(np.abs(gradient[:, : len(factors)] / factors).max())

"""What linear regression and logistic regression share: settings, columns and their units, records, and networks.

A fitted model is small: its coefficients and what it knows of the columns are one JSON record.
"""

# ruff: noqa: N803  (X is the name that scikit-learn prescribes)
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from firstlight.errors import FirstlightError
from firstlight.systems.linear_blocks import Design, moments
from firstlight.systems.linear_inputs import checked, checked_weights, term_names
from firstlight.systems.linear_settings import check_settings, recorded_setting
from firstlight.systems.linear_summary import CoefficientTable, coefficient_table
from firstlight.systems.system import plain

if TYPE_CHECKING:
    import keras

    from firstlight.systems.linear_paths import LearningCurve, RegularizationPath

__all__ = ["Fit", "LinearModel", "Problem"]

_FITTED = ("coef_", "intercept_", "mean_", "scale_", "n_iter_", "history_", "covariance_", "facts_", "classes_")


@dataclass(eq=False)
class Problem:
    """A table made ready for a solver.

    Args:
        design: the columns, standardised where that is wanted or does no harm.
        target: (rows,) float64, or the number of each row's class.
        weights: of the rows as they were given, (rows,), class weights included; None for equal ones.
        outputs: 1, or the number of classes.
    """

    design: Design
    target: np.ndarray
    weights: np.ndarray | None
    outputs: int = 1
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return float(len(self.target) if self.weights is None else self.weights.sum())

    @property
    def rows(self) -> int:
        """The number of rows that count: whose weight is not 0."""
        return len(self.target) if self.weights is None else int(np.count_nonzero(self.weights))


@dataclass(frozen=True, eq=False)
class Fit:
    """What a solver found: weights (outputs, columns + 1) of the standardised columns, the intercept last."""

    weights: np.ndarray
    steps: int
    losses: list[float] = field(default_factory=list)
    factor: np.ndarray | None = None


class LinearModel(BaseEstimator):
    """The base of both models; a subclass prepares its target and knows its solvers."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from a table (rows, columns) of numbers, an array or a data frame, and a target (rows,).

        Args:
            X: float64 and float32 arrays are read where they lie; the exact solver computes in float64 either way.
            y: numbers for a regression, labels of any kind for classes.
            sample_weight: (rows,) of 0 or more.

        Raises:
            FirstlightError: a setting, the table or the target cannot be used; names what is wrong with it.
        """
        check_settings(self)
        problem = self._problem(X, y, sample_weight)
        fit = self._solved(problem, self.alpha, None)
        self._adopt(problem, fit)
        return self

    def summary(self) -> CoefficientTable:
        """A table of the coefficients: standard errors, tests against 0, and 95 % intervals.

        Raises:
            FirstlightError: the model has a penalty or was fitted by SGD, or its columns leave no errors to compute.
        """
        labels, coefficients, covariance = self._estimates()
        return coefficient_table(labels, coefficients, covariance, self.facts_.get("degrees_of_freedom"), self.facts_)

    def regularization_path(
        self, X: Any, y: Any, alphas: Any = None, sample_weight: Any = None
    ) -> "RegularizationPath":
        """The coefficients for a series of `alpha`, each fitted from the one before; the model itself stays as it is.

        Args:
            X, y, sample_weight: as for `fit`.
            alphas: any numbers of 0 or more; by default 50 from where an L1 penalty leaves nothing, to 1/1000 of it.
        """
        from firstlight.systems.linear_paths import regularization_path

        return regularization_path(self, X, y, alphas, sample_weight)

    def learning_curve(
        self,
        X: Any,
        y: Any,
        sizes: Any = (0.1, 0.25, 0.5, 0.75, 1.0),
        folds: int = 5,
        seed: int = 0,
        sample_weight: Any = None,
    ) -> "LearningCurve":
        """Scores on training and on held-out rows as more and more rows are learned from, by cross-validation.

        Weights count in learning; in the scores every row counts the same.
        """
        from firstlight.systems.linear_paths import learning_curve

        return learning_curve(self, X, y, sizes, folds, seed, sample_weight)

    def to_keras(self) -> "keras.Model":
        """The fitted model as a stock Keras network in float32: Normalization (where standardised) and Dense.

        A regression gives (rows, 1); two classes the probability of the second (rows, 1); more classes (rows, classes).
        """
        from firstlight.systems.linear_network import network

        check_is_fitted(self)
        return network(self)

    # -- saving ------------------------------------------------------------------------------------------------------

    def to_record(self) -> dict[str, Any]:
        """Settings and everything fitted as plain numbers, lists and texts, ready for JSON."""
        check_is_fitted(self)
        found = {name: plain(getattr(self, name)) for name in _FITTED if hasattr(self, name)}
        names = getattr(self, "feature_names_in_", None)
        return {
            "class": type(self).__name__,
            "settings": {name: recorded_setting(value) for name, value in self.get_params(deep=False).items()},
            "columns": self.n_features_in_,
            "names": None if names is None else names.tolist(),
            "fitted": found,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The fitted model of a record that `to_record` made.

        Raises:
            FirstlightError: the record is of another class.
        """
        if record.get("class") != cls.__name__:
            raise FirstlightError(
                f"Expected the record of a {cls.__name__}. Received one of {record.get('class')!r}. Use its own class."
            )
        settings = dict(record["settings"])
        if isinstance(settings.get("class_weight"), list):
            settings["class_weight"] = dict(settings["class_weight"])
        model = cls(**settings)
        model.n_features_in_ = record["columns"]
        if record["names"] is not None:
            model.feature_names_in_ = np.array(record["names"], dtype=object)
        for name, value in record["fitted"].items():
            setattr(model, name, np.array(value) if isinstance(value, list) else value)
        return model

    # -- for the subclasses ------------------------------------------------------------------------------------------

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> Problem:
        raise NotImplementedError

    def _solved(self, problem: Problem, alpha: float, start: np.ndarray | None) -> Fit:
        raise NotImplementedError

    def _adopt(self, problem: Problem, fit: Fit) -> None:
        raise NotImplementedError

    def _strongest(self, problem: Problem) -> float:
        """The alpha from which an L1 penalty of it leaves every coefficient at 0."""
        raise NotImplementedError

    def _values(self, X: Any) -> np.ndarray:
        """The linear function of each row: (rows,), or (rows, outputs)."""
        check_is_fitted(self)
        return checked(self, X) @ self.coef_.T + self.intercept_

    def _design(self, x: np.ndarray, weights: np.ndarray | None, ones: bool) -> Design:
        """The exact solver always works on standardised columns; its penalties know whether that was wanted."""
        columns = x.shape[1]
        shares = None if weights is None else weights / weights.sum()
        if self.solver == "sgd" and not self.standardize:
            return Design(x, np.zeros(columns), np.ones(columns), shares, ones)
        mean, scale = moments(x, shares)
        return Design(x, mean if self.fit_intercept else np.zeros(columns), scale, shares, ones)

    def _penalties(self, design: Design, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """L1 and L2 of each standardised column, (columns,) each."""
        factors = self._factors(design)
        return alpha * self.l1_ratio * factors, alpha * (1 - self.l1_ratio) * factors**2

    def _factors(self, design: Design) -> np.ndarray:
        """By how much a penalty of the coefficients weighs on those of standardised columns, (columns,)."""
        return np.ones_like(design.scale) if self.standardize else 1 / design.scale

    def _in_units(self, design: Design, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (outputs, columns) and intercepts (outputs,) in the units of the columns."""
        coefficients = fit.weights[:, :-1] / design.scale
        return coefficients, fit.weights[:, -1] - coefficients @ design.mean

    def _remember(self, design: Design, fit: Fit) -> None:
        self.mean_, self.scale_ = design.mean, design.scale
        self.n_iter_ = fit.steps
        self.history_ = {"loss": fit.losses}
        self.covariance_: np.ndarray | None = None
        self.facts_: dict[str, Any] = {}

    def _estimates(self) -> tuple[list[dict[str, str]], np.ndarray, np.ndarray]:
        """Labels, coefficients (n,) and their covariance (n, n), output by output, the intercept last."""
        check_is_fitted(self)
        if self.alpha or self.solver != "exact":
            raise FirstlightError(
                "Expected a model without a penalty, fitted by solver='exact', for standard errors. Received "
                f"alpha={self.alpha} and solver={self.solver!r}. Fit one with alpha=0 and solver='exact'."
            )
        if self.covariance_ is None:
            raise FirstlightError(
                f"Expected columns that do not depend on each other, more rows than coefficients"
                f"{', and classes that the columns do not separate' if hasattr(self, 'classes_') else ''}. Received a "
                "table that leaves the standard errors undefined. Leave columns out, or add rows."
            )
        terms = [*term_names(self), *(["intercept"] if self.fit_intercept else [])]
        intercept = np.atleast_1d(self.intercept_)[:, None]
        coefficients = np.hstack([np.atleast_2d(self.coef_), intercept] if self.fit_intercept else [self.coef_])
        return [{"term": term} for term in terms], coefficients.ravel(), self.covariance_

    def _prepared(self, X: Any, y: Any, sample_weight: Any, numeric: bool) -> tuple[np.ndarray, np.ndarray, Any]:
        x, target = checked(self, X, y, numeric)
        return x, target, checked_weights(sample_weight, x)

    def _descent(self, problem: Problem, target: np.ndarray, kind: str, alpha: float, spread: float = 1) -> Any:
        from firstlight.systems.linear_sgd import Descent

        l1, l2 = self._penalties(problem.design, alpha)
        return Descent(
            design=replace(problem.design, ones=False),
            target=target,
            kind=kind,
            outputs=problem.outputs,
            l1=l1 / spread,
            l2=l2,
            intercept=self.fit_intercept,
            optimizer=self.optimizer,
            learning_rate=None if self.learning_rate is None else float(self.learning_rate),
            momentum=float(self.momentum),  # Keras takes no 0 for 0.0
            batch_size=self.batch_size,
            epochs=self.epochs,
            seed=self.seed,
        )

"""What a statistician asks of a linear model: standard errors, tests and intervals of its coefficients.

They hold for a model without a penalty, whose coefficients are those of greatest likelihood.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular

__all__ = [
    "CoefficientTable",
    "classification_facts",
    "coefficient_table",
    "from_factor",
    "inverse",
    "regression_facts",
    "to_units",
]

_LEVEL = 0.95
_SAFE = 1e-13  # the reciprocal condition below which no digit of an inverse is left


class CoefficientTable(list[dict[str, Any]]):
    """A row for each coefficient, as a dict; prints as a table. `facts` holds what is true of the whole model.

    Keys of a row: `term`, for several classes `class`, `coefficient`, `standard_error`, `t` or `z`, `p_value`, and
    the ends `low` and `high` of the 95 % interval.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], facts: Mapping[str, Any]):
        super().__init__(rows)
        self.facts = dict(facts)

    def __str__(self) -> str:
        names = list(self[0])
        cells = [[_told(name, row[name]) for name in names] for row in self]
        heads = [name.replace("_", " ") for name in names]
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        left = sum(name in ("term", "class") for name in names)
        lines = [
            "  ".join(
                cell.ljust(w) if i < left else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in [heads, *cells]
        ]
        facts = [f"{name.replace('_', ' ')}: {_fact(value)}" for name, value in self.facts.items()]
        return "\n".join([*(line.rstrip() for line in lines), "", *facts])

    __repr__ = __str__


def coefficient_table(
    labels: Sequence[Mapping[str, str]],
    coefficients: np.ndarray,
    covariance: np.ndarray,
    degrees: float | None,
    facts: Mapping[str, Any],
) -> CoefficientTable:
    """Test every coefficient against 0: with Student's t of so many degrees of freedom, or with the normal z.

    Args:
        labels: `term`, and where there are several `class`, of each coefficient.
        coefficients: (n,); covariance: (n, n).
        degrees: of freedom of t; None for z.
        facts: of the whole model.
    """
    law = stats.norm if degrees is None else stats.t(degrees)
    errors = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    reach = law.ppf((1 + _LEVEL) / 2) * errors
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = coefficients / errors
    chances = 2 * law.sf(np.abs(ratios))
    name = "z" if degrees is None else "t"
    rows = [
        {
            **label,
            "coefficient": float(coefficients[i]),
            "standard_error": float(errors[i]),
            name: float(ratios[i]),
            "p_value": float(chances[i]),
            "low": float(coefficients[i] - reach[i]),
            "high": float(coefficients[i] + reach[i]),
        }
        for i, label in enumerate(labels)
    ]
    return CoefficientTable(rows, facts)


def regression_facts(
    squares: float, total: float, weights: np.ndarray | None, rows: int, terms: int, intercept: bool
) -> dict[str, Any]:
    """Of a least-squares fit: rows, degrees of freedom, variance of the errors, R2, F and the likelihood.

    Args:
        squares: weighted sum of squared residuals; total: of squared deviations of y from its mean, or from 0 where
            there is no intercept.
        weights: of the rows, (rows,): the variance of a row's error is taken to be 1 / weight times a common one.
        rows: that count; terms: coefficients, the intercept included.

    Source: Greene, "Econometric Analysis", 2012, chapters 3 and 5; AIC and BIC count the coefficients alone.
    """
    degrees = rows - terms
    slopes = terms - intercept
    variance = squares / degrees
    share = 1 - squares / total if total > 0 else 0.0
    ratio = (total - squares) / slopes / variance if slopes and variance > 0 else float("nan")
    likelihood = -0.5 * rows * (np.log(2 * np.pi * squares / rows) + 1) if squares > 0 else float("inf")
    if weights is not None:
        likelihood += 0.5 * float(np.log(weights[weights > 0]).sum())
    return {
        "rows": rows,
        "degrees_of_freedom": degrees,
        "error_variance": float(variance),
        "r_squared": float(share),
        "adjusted_r_squared": float(1 - (1 - share) * (rows - intercept) / degrees),
        "f": float(ratio),
        "f_p_value": float(stats.f.sf(ratio, slopes, degrees)),
        "log_likelihood": float(likelihood),
        "aic": float(2 * terms - 2 * likelihood),
        "bic": float(np.log(rows) * terms - 2 * likelihood),
    }


def classification_facts(loss: float, base: float, total: float, rows: int, terms: int, slopes: int) -> dict[str, Any]:
    """Of a logistic fit: rows, the likelihood with and without the columns, McFadden's R2 and the test between them.

    Args:
        loss, base: mean negative log-likelihood with the columns, and of the intercept alone.
        total: sum of the weights; rows: that count.
        terms: free coefficients, the intercepts included; slopes: without them.

    Source: McCullagh, Nelder, "Generalized Linear Models", 1989, section 4.4.
    """
    likelihood, alone = -loss * total, -base * total
    ratio = 2 * (likelihood - alone)
    return {
        "rows": rows,
        "log_likelihood": likelihood,
        "log_likelihood_without_columns": alone,
        "mcfadden_r_squared": 1 - likelihood / alone if alone else float("nan"),
        "likelihood_ratio": ratio,
        "likelihood_ratio_p_value": float(stats.chi2.sf(max(ratio, 0), slopes)),
        "aic": 2 * terms - 2 * likelihood,
        "bic": float(np.log(rows)) * terms - 2 * likelihood,
    }


def to_units(covariance: np.ndarray, mean: np.ndarray, scale: np.ndarray, outputs: int, intercept: bool) -> np.ndarray:
    """The covariance of coefficients of standardised columns, told in the units of the columns.

    Both are (n, n) in the order output by output, columns first and the intercept last: w = v / scale and
    b = c - sum of mean w, a linear map T, so that the covariance becomes T covariance T'.
    """
    columns = len(mean)
    one = np.diag(np.append(1 / scale, [1.0] * intercept))
    if intercept:
        one[columns, :columns] = -mean / scale
    change = np.kron(np.eye(outputs), one)
    return change @ covariance @ change.T


def inverse(hessian: np.ndarray, outputs: int) -> np.ndarray | None:
    """The inverse of second derivatives (n, n), or None where they have none.

    Of several classes the softmax leaves open a number common to all; then it is the covariance of coefficients whose
    sum over the classes is 0: the pseudoinverse, found by adding the open directions and taking them out again.
    """
    width = len(hessian) // outputs
    open_ = np.tile(np.eye(width), (outputs, outputs)) / outputs if outputs > 1 else np.zeros_like(hessian)
    scale = np.sqrt(np.maximum(np.diagonal(hessian), 1e-300))
    if outputs > 1:  # the same scale for all classes keeps the open directions what they are
        scale = np.tile(np.sqrt((scale.reshape(outputs, width) ** 2).mean(axis=0)), outputs)
    full = hessian / np.outer(scale, scale) + open_
    if 1 / np.linalg.cond(full) < _SAFE:
        return None
    try:
        found = cho_solve(cho_factor(full), np.eye(len(full))) - open_
    except LinAlgError:
        return None
    return found / np.outer(scale, scale)


def from_factor(factor: np.ndarray) -> np.ndarray:
    """The inverse of R'R."""
    half = solve_triangular(factor, np.eye(len(factor)))
    return half @ half.T


def _told(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if name == "p_value":
        return "<1e-4" if value < 1e-4 else f"{value:.4f}"
    return f"{value:.2f}" if name in ("t", "z") else f"{value:.5g}"


def _fact(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"

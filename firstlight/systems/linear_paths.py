"""Many fits of one model, as plain arrays for a figure: along the strength of the penalty, and along the rows.

Neither changes the model that is asked.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.model_selection import learning_curve as scores_by_size

from firstlight.errors import FirstlightError
from firstlight.systems.linear_settings import check_settings

__all__ = ["LearningCurve", "RegularizationPath", "learning_curve", "regularization_path"]

_ALPHAS, _LOWEST = 50, 1e-3


@dataclass(frozen=True, eq=False)
class RegularizationPath:
    """Coefficients by `alphas` (n,), which fall.

    `coefficients` are (n, columns), of several classes (n, classes, columns), in the units of the columns;
    `intercepts` (n,) or (n, classes); `steps` (n,) of each fit. `coefficients * scale` are those of standardised
    columns, which can be compared with each other.
    """

    alphas: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    steps: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores by the number of training rows `sizes` (n,): `train` and `test` are (n, folds)."""

    sizes: np.ndarray
    train: np.ndarray
    test: np.ndarray


def regularization_path(model: Any, x: Any, y: Any, alphas: Any, sample_weight: Any) -> RegularizationPath:
    """See `LinearModel.regularization_path`."""
    model = clone(model)
    check_settings(model)
    problem = model._problem(x, y, sample_weight)
    strongest = model._strongest(problem)
    if alphas is None:
        strongest = strongest / max(model.l1_ratio, 1e-3) or 1.0  # a ridge never reaches 0
        alphas = np.geomspace(strongest, _LOWEST * strongest, _ALPHAS)
    alphas = np.asarray(alphas, np.float64)
    if alphas.ndim != 1 or not len(alphas) or not ((alphas >= 0) & (alphas < np.inf)).all():
        raise FirstlightError(
            f"Expected a list of alphas of 0 or more. Received {alphas.tolist()}. Pass numbers such as [0.01, 0.1]."
        )
    alphas = np.sort(alphas)[::-1]
    start, rows = None, []
    for alpha in alphas.tolist():
        fit = model._solved(problem, alpha, start)
        start = fit.weights
        rows.append((*model._in_units(problem.design, fit), fit.steps))
    coefficients, intercepts, steps = (np.array(column) for column in zip(*rows, strict=True))
    if problem.outputs == 1:
        coefficients, intercepts = coefficients[:, 0], intercepts[:, 0]
    return RegularizationPath(alphas, coefficients, intercepts, steps, problem.design.scale)


def learning_curve(
    model: Any, x: Any, y: Any, sizes: Any, folds: int, seed: int, sample_weight: Any = None, scoring: Any = None
) -> LearningCurve:
    """See `LinearModel.learning_curve`; `scoring` is a score of scikit-learn by name, else the model's own."""
    kind = StratifiedKFold if is_classifier(model) else KFold
    found = scores_by_size(
        model,
        x,
        y,
        train_sizes=np.asarray(sizes),
        cv=kind(folds, shuffle=True, random_state=seed),
        scoring=scoring,
        params=None if sample_weight is None else {"sample_weight": sample_weight},
        shuffle=True,
        random_state=seed,
    )
    return LearningCurve(*found[:3])

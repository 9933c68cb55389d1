"""Metrics of decisions: how many were right and wrong, of those that said yes and of those that should have.

Counted are true positives (yes and right), false positives (yes and wrong), and those that were missed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from firstlight.engine import activations
from firstlight.engine.loss import align
from firstlight.engine.metric import Metric
from firstlight.engine.tensor import value_of
from firstlight.errors import FirstlightError

__all__ = ["AUC", "F1Score", "FBetaScore", "Precision", "Recall"]

_TINY = 1e-7  # keras.backend.epsilon()
_NEVER = -1e10  # below every prediction


def _ratio(part: Any, whole: Any) -> Any:
    """part / whole, and 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) != 0)


class _Counts(Metric):
    """Counts for several thresholds: a prediction says yes if it is above the threshold.

    Arrays (thresholds,), or (thresholds, labels) where labels are counted apart: `positive` are true positives, `wrong`
    false positives, `yes` and `no` the truth.
    """

    rises = True
    thresholds_at: np.ndarray
    positive: Any
    wrong: Any
    yes: Any
    no: Any

    def reset_state(self) -> None:
        """Begin anew."""
        self.positive = self.wrong = self.yes = self.no = 0.0

    def _count(self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> None:
        """Take (samples, labels) in. Predictions are sorted in between the thresholds, then counted from above."""
        count, order = len(self.thresholds_at), np.argsort(self.thresholds_at)
        passed = np.searchsorted(self.thresholds_at[order], y_pred, side="left")  # thresholds below the prediction
        sums = []
        for chosen in (weights * y_true, weights * (1 - y_true)):
            columns = range(y_pred.shape[1])
            found = [np.bincount(passed[:, n], chosen[:, n], minlength=count + 1) for n in columns]
            above = np.stack([column[::-1].cumsum()[::-1][1:] for column in found], 1)
            sums.append(above[np.argsort(order)])
        self.positive, self.wrong = self.positive + sums[0], self.wrong + sums[1]
        self.yes = self.yes + (weights * y_true).sum(0)
        self.no = self.no + (weights * (1 - y_true)).sum(0)


def _ready(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth as 0.0 and 1.0, predictions, and a weight for each of them."""
    y_pred, y_true = align(np.asarray(value_of(y_pred)), np.asarray(value_of(y_true)))
    weights = np.asarray(1.0 if sample_weight is None else value_of(sample_weight), float)
    if 0 < weights.ndim < y_pred.ndim:
        weights = weights.reshape(*weights.shape, *[1] * (y_pred.ndim - weights.ndim))
    elif weights.ndim == y_pred.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return y_true.astype(bool).astype(float), y_pred, np.broadcast_to(weights, y_pred.shape)


class _Share(_Counts):
    """What precision and recall have in common."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if thresholds is not None and not all(0 <= threshold <= 1 for threshold in np.atleast_1d(thresholds)):
            raise FirstlightError(f"Expected thresholds from 0 to 1. Received {thresholds}.")
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        default = 0.5 if top_k is None else _NEVER
        self.thresholds_at = np.atleast_1d(np.asarray(default if thresholds is None else thresholds, float))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take truth and predictions in, of one shape; weights for each sample or each prediction."""
        truth, predicted, weights = _ready(y_true, y_pred, sample_weight)
        if self.top_k is not None:
            best = np.argsort(-predicted, -1, kind="stable")[..., : self.top_k]
            chosen = np.zeros(predicted.shape, bool)
            np.put_along_axis(chosen, best, True, -1)
            predicted = np.where(chosen, predicted, _NEVER)
        if self.class_id is not None:
            truth, predicted, weights = (x[..., self.class_id] for x in (truth, predicted, weights))
        self._count(truth.reshape(-1, 1), predicted.reshape(-1, 1), weights.reshape(-1, 1))

    def _share(self, whole: Any) -> Any:
        shares = np.atleast_1d(_ratio(self.positive, whole))
        shares = shares.reshape(-1) if shares.size > 1 else np.full(len(self.thresholds_at), shares.item())
        return float(shares[0]) if len(shares) == 1 else shares


class Precision(_Share):
    """Of all that said yes, how many were right: tp / (tp + fp). Arguments as in `Recall`."""

    def result(self) -> Any:
        """A number, or one for each threshold; 0 where nothing said yes."""
        return self._share(np.asarray(self.positive) + self.wrong)


class Recall(_Share):
    """Of all that should have said yes, how many did: tp / (tp + fn).

    Args:
        thresholds: one, or several, from 0 to 1; by default 0.5, or with `top_k` none.
        top_k: only the k largest predictions of a sample may say yes.
        class_id: only this class counts.
        name, dtype: see `Metric`.
    """

    def result(self) -> Any:
        """A number, or one for each threshold; 0 where nothing should have said yes."""
        return self._share(np.broadcast_to(self.yes, np.shape(self.positive)))


class AUC(_Counts):
    """The area under a curve that thresholds draw: ROC (recall over false alarms) or PR (precision over recall).

    Sums are over the steps between thresholds; "interpolation" of PR is that of Davis and Goadrich (2006).

    Args:
        num_thresholds: how many, evenly from 0 to 1, the ends a little beyond.
        curve: "ROC" or "PR".
        summation_method: "interpolation" (trapezes), or the lower ("minoring") or higher ("majoring") end of a step.
        name, dtype: see `Metric`.
        thresholds: those between the ends, in place of even ones.
        multi_label: count each label apart and take the mean, weighed by `label_weights`.
        num_labels, label_weights: how many labels, which is not needed, and what they weigh.
        from_logits: predictions are logits.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        if curve.upper() not in ("ROC", "PR"):
            raise FirstlightError(f"Expected curve to be ROC or PR. Received {curve!r}.")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise FirstlightError(
                f"Expected summation_method to be interpolation, minoring or majoring. Received {summation_method!r}."
            )
        if num_thresholds < 2:
            raise FirstlightError(f"Expected two or more thresholds. Received num_thresholds={num_thresholds}.")
        inner = np.linspace(0, 1, num_thresholds)[1:-1] if thresholds is None else np.sort(thresholds)
        self.thresholds_at = np.array([-_TINY, *inner, 1 + _TINY])
        self.num_thresholds = len(self.thresholds_at)
        self.thresholds = None if thresholds is None else inner.tolist()
        self.curve, self.summation_method = curve.upper(), summation_method
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = label_weights

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take truth and predictions in, of one shape; weights for each sample or each prediction."""
        y_pred = activations.sigmoid(np.asarray(value_of(y_pred))) if self.from_logits else y_pred
        truth, predicted, weights = _ready(y_true, y_pred, sample_weight)
        predicted = np.clip(predicted, 0, 1)
        if self.multi_label:
            self._count(truth, predicted, weights)
            return
        if self.label_weights is not None:
            weights = weights * np.asarray(self.label_weights)
        self._count(truth.reshape(-1, 1), predicted.reshape(-1, 1), weights.reshape(-1, 1))

    def result(self) -> float:
        """The area, from 0 to 1."""
        if np.ndim(self.positive) == 0:
            return 0.0
        areas = (self._steps() if self.curve == "ROC" or self.summation_method != "interpolation" else self._pr()).sum(
            0
        )
        if self.label_weights is None or not self.multi_label:
            return float(areas.mean())
        return float(np.sum(areas * self.label_weights) / np.sum(self.label_weights))

    def _steps(self) -> np.ndarray:
        recall = _ratio(self.positive, np.broadcast_to(self.yes, self.positive.shape))
        if self.curve == "ROC":
            x, y = _ratio(self.wrong, np.broadcast_to(self.no, self.wrong.shape)), recall
        else:
            x, y = recall, _ratio(self.positive, self.positive + self.wrong)
        heights = {"interpolation": (y[:-1] + y[1:]) / 2, "minoring": np.minimum(y[:-1], y[1:])}
        return (x[:-1] - x[1:]) * heights.get(self.summation_method, np.maximum(y[:-1], y[1:]))

    def _pr(self) -> np.ndarray:
        """Between two thresholds tp grows in a line with all p that say yes: tp = slope p + start.

        So the area of precision tp / p over recall is slope (change of tp + start ln(p1 / p2)) / all that are true.
        """
        said = self.positive + self.wrong
        change, wide = self.positive[:-1] - self.positive[1:], said[:-1] - said[1:]
        slope = _ratio(change, np.maximum(wide, 0))
        start = self.positive[1:] - slope * said[1:]
        both = (said[:-1] > 0) & (said[1:] > 0)
        growth = np.where(both, _ratio(said[:-1], said[1:]), 1.0)
        return _ratio(slope * (change + start * np.log(growth)), np.broadcast_to(self.yes, change.shape))


class FBetaScore(Metric):
    """(1 + b^2) P R / (b^2 P + R) of precision P and recall R, in which recall counts `beta` times as much.

    Van Rijsbergen (1979).

    Args:
        average: None gives a score for each class; "micro" counts all together, "macro" takes the mean, "weighted" the
            mean weighed by how often a class is true.
        beta: see above.
        threshold: yes is what is above it; by default the largest of a sample.
        name, dtype: see `Metric`.
    """

    rises = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise FirstlightError(f"Expected average to be None, micro, macro or weighted. Received {average!r}.")
        if beta <= 0 or (threshold is not None and not 0 < threshold <= 1):
            raise FirstlightError(
                f"Expected beta above 0, and a threshold above 0 and up to 1. Received {beta} and {threshold}."
            )
        self.average, self.beta, self.threshold = average, beta, threshold

    def reset_state(self) -> None:
        """Begin anew."""
        self.right: Any = 0.0
        self.said: Any = 0.0
        self.true: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take truth and predictions in, (samples, classes) both; a weight for each sample."""
        truth, predicted = np.asarray(value_of(y_true), float), np.asarray(value_of(y_pred))
        if truth.ndim != 2 or predicted.ndim != 2:
            raise FirstlightError(
                f"Expected truth and predictions (samples, classes). Received {truth.shape} and {predicted.shape}."
            )
        if self.threshold is None:
            says = (predicted >= predicted.max(-1, keepdims=True)) & (np.abs(predicted) > 1e-9)
        else:
            says = predicted > self.threshold
        weights = 1.0 if sample_weight is None else np.asarray(value_of(sample_weight), float)[:, None]
        axis = None if self.average == "micro" else 0
        self.right = self.right + (weights * (says * truth)).sum(axis)
        self.said = self.said + (weights * says).sum(axis)
        self.true = self.true + (weights * truth).sum(axis)

    def result(self) -> Any:
        """A number, or one for each class."""
        precision, recall = self.right / (self.said + _TINY), self.right / (self.true + _TINY)
        square = self.beta**2
        scores = (1 + square) * precision * recall / (square * precision + recall + _TINY)
        if self.average == "weighted":
            return float(np.sum(scores * self.true / (np.sum(self.true) + _TINY)))
        return scores if self.average is None else float(np.mean(scores))


class F1Score(FBetaScore):
    """2 P R / (P + R) of precision P and recall R; arguments as in `FBetaScore`."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)

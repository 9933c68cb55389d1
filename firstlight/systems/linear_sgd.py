"""Linear models by stochastic gradient descent: any optimizer of Keras, gradients by their formulas.

Thousands of steps run in one compiled loop. Columns and a numeric target are standardised on the way.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import ops

from firstlight.data.batches import shuffled
from firstlight.errors import FirstlightError
from firstlight.systems.backend import has_double_precision, repeated
from firstlight.systems.linear_blocks import Design
from firstlight.systems.linear_lasso import shrunk
from firstlight.systems.linear_newton import Logistic
from firstlight.systems.linear_watch import tell

__all__ = ["Descent", "descend"]

_STEPS = 2000  # steps that `epochs=None` stands for, within the two bounds that follow
_FEWEST, _MOST = 2, 1000
_CELLS = 2_000_000  # numbers that go to the compiled loop at once
_BEND = {"squared": 1.0, "logistic": 0.25, "softmax": 0.5}  # the largest second derivative of a loss by its logits
_ONE_AT_A_TIME = threading.Lock()  # a compiled loop and its variables serve every task of the same shape


@dataclass(frozen=True, eq=False)
class Descent:
    """What is to be learned, and how.

    Args:
        design: the columns, without one of ones.
        target: (rows,) a number, or the number of each row's class.
        kind: squared, logistic (0 or 1), or softmax.
        outputs: 1, or the number of classes.
        l1, l2: (columns,) penalties.
        intercept: whether there is one.
        optimizer: a name, a configuration or an object of `keras.optimizers`.
        learning_rate: the highest, which falls as half a cosine; None for SGD finds one, for others takes their own.
        momentum, batch_size, epochs, seed: as in `LinearRegression`.
    """

    design: Design
    target: np.ndarray
    kind: str
    outputs: int
    l1: np.ndarray
    l2: np.ndarray
    intercept: bool
    optimizer: Any
    learning_rate: float | None
    momentum: float
    batch_size: int
    epochs: int | None
    seed: int

    @property
    def rows(self) -> int:
        """Of the table."""
        return len(self.target)

    @property
    def batch(self) -> int:
        """Rows of a step."""
        return min(self.batch_size, self.rows)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.rows // self.batch)

    @property
    def passes(self) -> int:
        """Epochs; where none are given, as many as make 2000 steps, at least 2 and at most 1000."""
        return self.epochs or min(max(-(-_STEPS // self.steps), _FEWEST), _MOST)


def descend(task: Descent, start: np.ndarray | None = None) -> tuple[np.ndarray, list[float]]:
    """The weights (outputs, columns + 1), the intercept last, and the mean loss by epoch, penalties left out.

    Args:
        task: what is to be learned.
        start: weights to begin with; zeros otherwise.

    Raises:
        FirstlightError: the loss grew beyond all numbers; says what to change.
    """
    with _ONE_AT_A_TIME:
        weights, losses = _descended(task, start)
    if not np.isfinite(weights).all():
        raise FirstlightError(
            f"Expected the loss to fall. Received infinite weights with learning_rate={task.learning_rate}. "
            "Set it lower, leave it at None, or set standardize=True."
        )
    return (_closing(task, weights) if task.l1.any() else weights), losses


def _descended(task: Descent, start: np.ndarray | None) -> tuple[np.ndarray, list[float]]:
    columns = task.design.width
    wide = task.design.x.dtype == np.float64 and has_double_precision()
    learner = _learner(
        columns, task.outputs, task.kind, task.intercept, _configured(task), "float64" if wide else "float32"
    )
    learner.begin(task, np.zeros((task.outputs, columns + 1)) if start is None else start)
    told = []
    for arrays in _chunks(task, learner):
        told.append(learner.run(*arrays))
        tell(sum(map(len, told)), task.passes * task.steps)
    losses = np.concatenate(told)
    return learner.weights(), losses.reshape(task.passes, task.steps).mean(axis=1).tolist()


class _Learner:
    """The variables, the optimizer and the compiled loop; used again for every task of the same shape."""

    def __init__(self, columns: int, outputs: int, kind: str, intercept: bool, config: str, dtype: str):
        self.kind, self.outputs, self.intercept, self.dtype = kind, outputs, intercept, dtype

        def variable(*shape: int) -> keras.Variable:
            return keras.Variable(np.zeros(shape), dtype=dtype)

        self.kernel, self.bias = variable(columns, outputs), variable(outputs)
        self.mean, self.inverse = variable(columns), variable(columns)
        self.l1, self.l2 = variable(columns, 1), variable(columns, 1)
        self.optimizer = keras.optimizers.deserialize(json.loads(config))
        self.scheduled = isinstance(self.optimizer.get_config()["learning_rate"], dict)
        self.learned = [self.kernel, self.bias] if intercept else [self.kernel]
        self.optimizer.build(self.learned)
        self.fresh = [ops.convert_to_numpy(found) for found in self.optimizer.variables]
        known = [self.mean, self.inverse, self.l1, self.l2, self.bias, self.kernel, *self.optimizer.variables]
        self.run = repeated(self.step, list({id(found): found for found in known}.values()))

    def begin(self, task: Descent, start: np.ndarray) -> None:
        """Forget what was learned before."""
        for found, value in zip(self.optimizer.variables, self.fresh, strict=True):
            found.assign(value)
        for found, value in (
            (self.kernel, start[:, :-1].T),
            (self.bias, start[:, -1]),
            (self.mean, task.design.mean),
            (self.inverse, 1 / task.design.scale),
            (self.l1, task.l1[:, None]),
            (self.l2, task.l2[:, None]),
        ):
            found.assign(np.ascontiguousarray(value).astype(self.dtype))

    def step(self, x: Any, target: Any, share: Any, rate: Any) -> Any:
        """One batch: x (rows, columns), target and share (rows,), which sums to about 1; returns the mean loss."""
        if not self.scheduled:
            self.optimizer.learning_rate.assign(ops.cast(rate, self.optimizer.learning_rate.dtype))
        x = (x - self.mean) * self.inverse
        loss, error = self._errors(ops.matmul(x, self.kernel) + self.bias, target)
        error = error * share[:, None]
        before = ops.convert_to_tensor(self.kernel)
        gradient = ops.matmul(ops.transpose(x), error) + self.l2 * before
        gradient, side = _orthant(gradient, before, self.l1)
        self.optimizer.apply([gradient, ops.sum(error, axis=0)] if self.intercept else [gradient], self.learned)
        after = ops.convert_to_tensor(self.kernel)
        self.kernel.assign(ops.where((self.l1 == 0) | (ops.sign(after) == side), after, ops.zeros_like(after)))
        return ops.sum(loss * share)

    def _errors(self, logits: Any, target: Any) -> tuple[Any, Any]:
        """The loss (rows,) and its derivative by the logits (rows, outputs)."""
        if self.kind == "softmax":
            wanted = ops.one_hot(ops.cast(target, "int32"), self.outputs, dtype=self.dtype)
            logs = ops.log_softmax(logits, axis=-1)
            return -ops.sum(wanted * logs, axis=-1), ops.exp(logs) - wanted
        wanted = target[:, None]
        if self.kind == "logistic":
            loss = ops.softplus(logits) - wanted * logits
            return loss[:, 0], ops.sigmoid(logits) - wanted
        error = logits - wanted
        return 0.5 * ops.square(error)[:, 0], error

    def weights(self) -> np.ndarray:
        """(outputs, columns + 1) float64."""
        kernel, bias = (ops.convert_to_numpy(found).astype(np.float64) for found in (self.kernel, self.bias))
        return np.column_stack([kernel.T, bias])


def _orthant(gradient: Any, weights: Any, l1: Any) -> tuple[Any, Any]:
    """The gradient with that of l1 |w|, and the sign that each weight may have after the step.

    A weight that would change its sign stops at 0, and leaves it only if the gradient is larger than l1. With plain
    SGD this is the proximal step; unlike that, it is right for every optimizer, whatever its steps are.
    Source: Andrew, Gao, "Scalable training of L1-regularized log-linear models", 2007, section 3.
    """
    away = ops.sign(gradient) * ops.maximum(ops.abs(gradient) - l1, 0)
    total = ops.where(weights != 0, gradient + l1 * ops.sign(weights), away)
    return total, ops.where(weights != 0, ops.sign(weights), -ops.sign(total))


@lru_cache(maxsize=64)
def _learner(*shape: Any) -> _Learner:
    return _Learner(*shape)


def _configured(task: Descent) -> str:
    """The optimizer as JSON, the same for the same settings."""
    found = task.optimizer
    if isinstance(found, str):
        try:
            found = keras.optimizers.get(found)
        except ValueError as error:
            raise FirstlightError(
                "Expected optimizer to be a name, a configuration or an object of keras.optimizers, such as 'sgd' or "
                f"'adam'. Received {task.optimizer!r}."
            ) from error
    if not isinstance(found, dict):
        found = keras.optimizers.serialize(found)
    config = {**found["config"], "name": found["class_name"].lower()}
    if isinstance(task.optimizer, str):
        own = {"momentum": task.momentum, "nesterov": task.momentum > 0}
        config.update({name: value for name, value in own.items() if name in config})
    return json.dumps({**found, "config": config}, sort_keys=True)


def _rates(task: Descent, own: Callable[[], float]) -> np.ndarray:
    """The learning rate of every step: half a cosine down to 0, or the optimizer's own where that is to be kept."""
    total = task.passes * task.steps
    named = isinstance(task.optimizer, str)
    highest = task.learning_rate
    if highest is None and named and task.optimizer.lower() == "sgd":
        highest = _safe_rate(task)
    if highest is None:
        highest = own()
        if not named:
            return np.full(total, highest)
    return highest * 0.5 * (1 + np.cos(np.pi * np.arange(total) / total))


def _safe_rate(task: Descent) -> float:
    """1 / (L + what the choice of a batch adds to it): a step that cannot overshoot, from the curvature L of the loss.

    Source: Gower, Loizou, Qian, Sailanbayev, Shulgin and Richtarik, "SGD: general analysis and improved rates", 2019,
    for the curvature of batches; momentum makes each batch count 1 / (1 - momentum) times.
    """
    curvature, length = _curvature(task)
    if task.batch < task.rows:
        curvature += length / (task.batch * (1 - task.momentum))
    return float(1 / (_BEND[task.kind] * curvature + task.l2.max(initial=0) or 1))


def _curvature(task: Descent) -> tuple[float, float]:
    """On a sample of rows: the largest eigenvalue of Z'SZ, and the typical squared length of a row."""
    part = replace(task.design.sample(2000), ones=task.intercept)
    z, share = part.block(slice(None)), part.share(slice(None))
    lengths = np.square(z).sum(axis=1)
    largest = np.linalg.norm(z * np.sqrt(share)[:, None], 2) ** 2
    return float(largest), float((share @ lengths**2) / max(share @ lengths, 1e-300))


def _chunks(task: Descent, learner: _Learner) -> Iterator[tuple[np.ndarray, ...]]:
    """Steps for the compiled loop: rows, targets, shares and learning rates, each with one entry a step."""
    rates = _rates(task, lambda: float(ops.convert_to_numpy(learner.optimizer.learning_rate)))
    together = max(1, _CELLS // (task.batch * task.design.width))
    order = _order(task)
    for first in range(0, len(rates), together):
        last = min(first + together, len(rates))
        rows = np.concatenate([next(order) for _ in range(first, last)])
        share = np.full(len(rows), 1 / task.rows) if task.design.shares is None else task.design.shares[rows]
        share = np.where(rows < 0, 0, share * task.steps)  # -1 fills the last batch of an epoch
        shape = (last - first, task.batch)
        x = task.design.x[rows].astype(learner.dtype, copy=False).reshape(*shape, -1)
        target, share = (found.astype(learner.dtype).reshape(shape) for found in (task.target[rows], share))
        yield x, target, share, rates[first:last].astype(learner.dtype)


def _order(task: Descent) -> Iterator[np.ndarray]:
    """The rows of each step; -1 fills the last batch of an epoch."""
    for epoch in range(task.passes):
        rows = np.arange(task.rows) if task.steps == 1 else shuffled(task.rows, task.seed, epoch)
        rows = np.concatenate([rows, np.full(task.steps * task.batch - task.rows, -1)])
        yield from rows.reshape(task.steps, task.batch)


def _closing(task: Descent, weights: np.ndarray) -> np.ndarray:
    """One proximal step over all rows, which sets to 0 what the noise of the batches has left beside it."""
    design = replace(task.design, ones=True)

    def work(rows: slice) -> tuple[np.ndarray, ...]:
        z, share = design.block(rows), design.share(rows)
        if task.kind == "squared":
            error = z @ weights.T - task.target[rows, None]
        else:
            zeros = np.zeros(design.width)
            _, chance, wanted = Logistic(design, task.target, task.outputs, zeros, zeros).chances(z, rows, weights)
            error = chance - wanted
        return ((share[:, None] * error).T @ z,)

    gradient = design.added(work, task.outputs)[0][:, :-1]
    bend = 2 * (_BEND[task.kind] * _curvature(task)[0] + task.l2.max(initial=0)) or 1  # twice, since a sample told it
    kernel = weights[:, :-1] - (gradient + task.l2 * weights[:, :-1]) / bend
    return np.column_stack([shrunk(kernel, task.l1 / bend), weights[:, -1]])

"""Linear models against scikit-learn's: a million rows of fifty columns, both sides down to the same loss.

    python benchmarks/linear.py [--work exact sgd squares] [--rounds 5] [--rows 1000000] [--float32]

`exact` sets Newton's method against LogisticRegression (its default solver, and newton-cholesky), `sgd` the Keras
solver against SGDClassifier, and `squares` least squares against LinearRegression. Every side is a process of its own
that fits when it is asked, in rounds that take turns. Medians of the seconds are told, and the mean loss with its
penalty that each side reached; the loss is computed the same way for all.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from support.worker import Worker

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

COLUMNS, ALPHA = 50, 1e-4
SIDES = {
    "exact": ("firstlight", "scikit-learn", "newton-cholesky"),
    "sgd": ("firstlight", "scikit-learn"),
    "squares": ("firstlight", "scikit-learn"),
}
TITLES = {
    "exact": "logistic regression, exact solver; scikit-learn's LogisticRegression",
    "sgd": "logistic regression, SGD; scikit-learn's SGDClassifier",
    "squares": "least squares; scikit-learn's LinearRegression",
}


def data(work: str, rows: int, single: bool) -> tuple[np.ndarray, np.ndarray]:
    """Columns that share a part, of about the same size: what all solvers can work with as it is."""
    random = np.random.default_rng(0)
    x = random.standard_normal((rows, COLUMNS))
    x += 0.5 * random.standard_normal((rows, 1))
    values = x @ (0.3 * random.standard_normal(COLUMNS)) + 0.5
    if work == "squares":
        y = values + random.standard_normal(rows)
    else:
        y = (random.random(rows) < 1 / (1 + np.exp(-values))).astype(np.int64)
    return (x.astype(np.float32) if single else x), y


def model(work: str, side: str, rows: int) -> Any:
    if side == "firstlight":
        from firstlight.systems import LinearRegression, LogisticRegression

        if work == "squares":
            return LinearRegression()
        if work == "exact":
            return LogisticRegression(alpha=ALPHA, standardize=False)
        return LogisticRegression(solver="sgd", alpha=ALPHA, standardize=False, epochs=1, batch_size=512)
    from sklearn import linear_model

    if work == "squares":
        return linear_model.LinearRegression()
    if work == "exact":
        solver = {"solver": side} if side != "scikit-learn" else {}
        return linear_model.LogisticRegression(C=1 / (ALPHA * rows), **solver)
    return linear_model.SGDClassifier(loss="log_loss", alpha=ALPHA)


def loss_of(work: str, fitted: Any, x: np.ndarray, y: np.ndarray) -> float:
    coefficients = np.ravel(fitted.coef_)
    values = x @ coefficients + np.ravel(fitted.intercept_)[0]
    if work == "squares":
        return float(np.square(y - values).mean() / 2)
    return float((np.logaddexp(0, values) - y * values).mean() + ALPHA / 2 * (coefficients @ coefficients))


def fitting(work: str, side: str, rows: int, single: bool) -> Callable[[], tuple[float, float]]:
    x, y = data(work, rows, single)

    def fit() -> tuple[float, float]:
        began = time.perf_counter()
        fitted = model(work, side, rows).fit(x, y)
        return time.perf_counter() - began, loss_of(work, fitted, x, y)

    return fit


def serve(work: str, side: str, rows: int, single: bool) -> None:
    fit = fitting(work, side, rows, single)
    fit()
    print(json.dumps("ready"), flush=True)
    for _ in sys.stdin:
        print(json.dumps(fit()), flush=True)


def compare(work: str, options: argparse.Namespace) -> None:
    workers = {}
    for side in SIDES[work]:
        command = [sys.executable, __file__, "--side", side, "--work", work, "--rows", str(options.rows)]
        worker = Worker([*command, *(["--float32"] if options.float32 else [])])
        if worker.state != "ready":
            raise SystemExit(f"{side} did not start: {worker.state}")
        workers[side] = worker
    found: dict[str, list[Any]] = {side: [] for side in workers}
    for _ in range(options.rounds):
        for side, worker in workers.items():
            found[side].append(worker.ask())
    for worker in workers.values():
        worker.close()
    print(
        f"\n{TITLES[work]}; medians of {options.rounds} rounds\n{'':18}{'seconds':>9}{'firstlight is':>16}{'loss':>15}"
    )
    ours = statistics.median(seconds for seconds, _ in found["firstlight"])
    for side, values in found.items():
        seconds, loss = (statistics.median(column) for column in zip(*values, strict=True))
        times = "" if side == "firstlight" else f"{seconds / ours:.2f} x fast"
        print(f"{side:18}{seconds:9.2f}{times:>16}{loss:15.9f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--float32", action="store_true", help="give the columns in float32")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        serve(options.work[0], options.side, options.rows, options.float32)
        return
    for work in options.work:
        compare(work, options)


if __name__ == "__main__":
    main()

"""Trainer: how a model learns, epoch by epoch and batch by batch, and how it is judged and used.

One step of learning is five lines in `train_step`: forward, loss, backward, optimizer, metrics.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from firstlight.engine import losses, metrics, optimizers
from firstlight.engine.backward import backward
from firstlight.engine.batches import Arrays, Batch, batches_of, split_off
from firstlight.engine.callback import all_of
from firstlight.engine.callbacks import History, ProgbarLogger
from firstlight.engine.memory import keep_freed_memory
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import no_gradients, value_of
from firstlight.errors import FirstlightError, nearest

__all__ = ["Trainer"]


class Trainer:
    """What a model can do besides computing: compile, fit, evaluate, predict. Arguments are Keras's."""

    name: str
    optimizer: Any = None
    stop_training = False

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **ignored: Any,
    ) -> None:
        """Choose how to learn.

        Args:
            optimizer: name or object of `firstlight.engine.optimizers`.
            loss: name, object or function (y_true, y_pred); for several outputs a list or dict of them.
            loss_weights: for several outputs, what each loss counts.
            metrics: names, objects or functions; for several outputs a list or dict of lists.
            weighted_metrics: the same, weighed by the weights of the examples.
            ignored: run_eagerly, jit_compile, steps_per_execution, auto_scale_loss change nothing here.
        """
        unknown = set(ignored) - {"run_eagerly", "jit_compile", "steps_per_execution", "auto_scale_loss"}
        if unknown:
            raise FirstlightError(f"Expected arguments of compile. Received {sorted(unknown)[0]!r}.")
        keep_freed_memory()
        self.optimizer = optimizers.get(optimizer)
        self.loss, self.loss_weights = loss, loss_weights
        self._losses: list[Any] | None = None
        self._asked = (metrics, weighted_metrics)
        self._judges: list[tuple[str, Any, int, bool]] | None = None
        self._learning: _Learning | None = None
        self.stop_training = False
        self._mean_loss = _Mean()

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> History:
        """Learn from examples.

        Args:
            x, y: arrays with a row an example, or lists or dicts of them; or x alone, which gives batches (x, y).
            batch_size: examples a step, 32 by default.
            epochs: passes over the examples; the last one has this number.
            verbose: 0 tells nothing, 1 draws a bar in a terminal, 2 prints a line an epoch.
            callbacks: see `firstlight.engine.callbacks`.
            validation_split: share of the last examples to validate on; or validation_data, (x, y) or (x, y, weight).
            shuffle: another order in each epoch.
            class_weight: what an example of each class counts, by class; sample_weight: what each example counts.

        Returns:
            A History with the loss and all metrics of each epoch.
        """
        self._require_compiled()
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_off(x, y, sample_weight, validation_split)
        supply = batches_of(x, y, _weights(y, sample_weight, class_weight), batch_size, steps_per_epoch)
        judged = None
        if validation_data is not None:
            parts = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            x, y, weight = (*parts, None, None)[:3]
            judged = batches_of(x, y, weight, validation_batch_size or batch_size, validation_steps)
        history = History()
        called = list(callbacks or [])
        if verbose in (1, 2, "auto"):
            called.append(ProgbarLogger(epochs, lambda: len(supply), 2 if verbose == 2 else 1))
        called.append(history)  # after those that add to the logs
        for callback in called:
            callback.set_model(self)
        self.history, self.stop_training = history, False
        all_of(called, "on_train_begin", None)
        logs: dict[str, Any] = {}
        for epoch in range(initial_epoch, epochs):
            all_of(called, "on_epoch_begin", epoch, None)
            logs = self._epoch(supply, called, shuffle and isinstance(supply, Arrays))
            if judged is not None and (epoch + 1) % validation_freq == 0:
                logs |= {f"val_{name}": value for name, value in self._judge(judged).items()}
            all_of(called, "on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        if hasattr(self.optimizer, "finalize_variable_values"):
            self.optimizer.finalize_variable_values(self.trainable_weights)  # type: ignore[attr-defined]
        all_of(called, "on_train_end", logs)
        return history

    def _epoch(self, supply: Any, callbacks: Sequence[Any], shuffle: bool) -> dict[str, Any]:
        self.reset_metrics()
        logs: dict[str, Any] = {}
        for number, batch in enumerate(supply.epoch(shuffle)):
            all_of(callbacks, "on_train_batch_begin", number, None)
            logs = self.train_step(batch)
            all_of(callbacks, "on_train_batch_end", number, logs)
            if self.stop_training:
                break
        if not logs:
            raise FirstlightError("Expected at least one batch. Received none: the data is empty, or used up.")
        return self._results()

    def train_step(self, batch: Batch) -> dict[str, Any]:
        """Learn from one batch; returns the means of the epoch so far. A subclass may define its own."""
        predicted = self(batch.x, training=True)  # type: ignore[operator]
        loss = self.compute_loss(batch, predicted)
        gradients = backward(loss)
        weights = self._parts().weights
        self.optimizer.apply([gradients.get(weight) for weight in weights], weights)
        return self._measure(batch, predicted, loss)

    def compute_loss(self, batch: Batch, predicted: Any) -> Any:
        """The loss of all outputs, and what regularizers add."""
        targets, outputs = _flat_pairs(batch.y, predicted)
        if self._losses is None:
            self._losses = [losses.get(each) for each in _spread(self.loss, predicted)]
            if all(each is None for each in self._losses) and not self._parts().penalties():
                raise FirstlightError(f"Expected a loss to train {self.name}. Received none. Pass compile(loss=...).")
        factors = _spread(self.loss_weights, predicted)
        weights = _spread(batch.weight, predicted) if isinstance(batch.weight, list | tuple | dict) else None
        total: Any = None
        for place, loss in enumerate(self._losses):
            if loss is None:
                continue
            weight = weights[place] if weights else batch.weight
            term = loss(targets[place], outputs[place], sample_weight=weight)
            term = term if factors[place] is None else term * factors[place]
            total = term if total is None else total + term
        for term in self._parts().penalties():
            total = term if total is None else total + term
        return total

    def _parts(self) -> "_Learning":
        """What learns and what is penalized, looked up once after `compile`; as in Keras, to freeze, compile anew."""
        if self._learning is None:
            self._learning = _Learning(self)
        return self._learning

    # -- judging and using ---------------------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and all metrics on examples: a list in order, one number if there is but the loss, or a dict."""
        self._require_compiled()
        found = self._judge(batches_of(x, y, sample_weight, batch_size, steps))
        if verbose in (1, 2, "auto"):
            print("".join(f"{name} {value:.4g}  " for name, value in found.items()).rstrip())
        values = list(found.values())
        return found if return_dict else values[0] if len(values) == 1 else values

    def _judge(self, supply: Any) -> dict[str, float]:
        self.reset_metrics()
        for batch in supply.epoch():
            self.test_step(batch)
        return self._results()

    def test_step(self, batch: Batch) -> dict[str, Any]:
        """Judge one batch; returns the means so far."""
        with no_gradients():
            predicted = self(batch.x, training=False)  # type: ignore[operator]
            return self._measure(batch, predicted, self.compute_loss(batch, predicted))

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None) -> Any:
        """The outputs for examples, as arrays, a batch at a time."""
        outputs = [self.predict_on_batch(batch.x) for batch in batches_of(x, None, None, batch_size, steps).epoch()]
        return map_structure(lambda *parts: np.concatenate(parts), *outputs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as arrays."""
        with no_gradients():
            return map_structure(value_of, self(x, training=False))  # type: ignore[operator]

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Learn from one batch; the loss and all metrics of this batch alone are not reset, as in Keras."""
        self._require_compiled()
        found = self.train_step(Arrays(x, y, sample_weight).data)
        return found if return_dict else list(found.values()) if len(found) > 1 else found["loss"]

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Judge one batch."""
        self._require_compiled()
        found = self.test_step(Arrays(x, y, sample_weight).data)
        return found if return_dict else list(found.values()) if len(found) > 1 else found["loss"]

    # -- measuring -----------------------------------------------------------------------------------------------

    def reset_metrics(self) -> None:
        """Begin the means anew."""
        self._mean_loss = _Mean()
        for _, judge, _, _ in self._judges or ():
            judge.reset_state()

    def rises(self, name: str) -> bool | None:
        """Whether more is better of a number among what is measured; None where nobody can tell."""
        if name == "loss":
            return False
        return next((judge.rises for known, judge, _, _ in self._judges or () if known == name), None)

    def _measure(self, batch: Batch, predicted: Any, loss: Any) -> dict[str, Any]:
        self._mean_loss.add(float(value_of(loss)), batch.size)
        targets, outputs = _flat_pairs(batch.y, predicted)
        if self._judges is None:
            self._judges = self._make_judges(targets, outputs, predicted)
        for _, judge, place, weighted in self._judges:
            weight = batch.weight if weighted else None
            judge.update_state(targets[place], value_of(outputs[place]), sample_weight=weight)
        return self._results()

    def _make_judges(self, targets: Any, outputs: Any, predicted: Any) -> list[tuple[str, Any, int, bool]]:
        names = _output_names(self, predicted)
        found = []
        for weighted, asked in enumerate(self._asked):
            for place, each in enumerate(_spread(asked, predicted, of_lists=True)):
                for metric in each if isinstance(each, list | tuple) else [each] * (each is not None):
                    judge = metrics.get_metric(metric, targets[place], outputs[place])
                    prefix = f"{names[place]}_" if len(outputs) > 1 else ""
                    found.append((prefix + judge.name, judge, place, bool(weighted)))
        return found

    def _results(self) -> dict[str, Any]:
        return {
            "loss": self._mean_loss.result(),
            **{name: float(np.asarray(judge.result())) for name, judge, _, _ in self._judges or ()},
        }

    def _require_compiled(self) -> None:
        if self.optimizer is None:
            raise FirstlightError(f"Expected a compiled model. Received {self.name}. Call compile(optimizer, loss).")


class _Learning:
    """The weights of a model that learn, and those and the layers that regularizers watch."""

    def __init__(self, model: Any):
        self.weights = model.trainable_weights
        self.penalized = [weight for weight in self.weights if weight.regularizer]
        self.watched = [layer for layer in model.all_layers() if layer.activity_regularizer is not None]

    def penalties(self) -> list[Any]:
        """What regularizers add to the loss after the last call."""
        terms = [weight.regularizer(weight) for weight in self.penalized]
        return terms + [term for layer in self.watched for term in layer.activity_losses]


class _Mean:
    """The mean of a number over examples."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, value: float, count: int) -> None:
        self.total, self.count = self.total + value * count, self.count + count

    def result(self) -> float:
        return self.total / max(self.count, 1)


def _spread(given: Any, predicted: Any, of_lists: bool = False) -> list[Any]:
    """One of `given` for each output: by name, by place, or the same for all."""
    count = len(list(leaves(predicted)))
    if isinstance(given, dict) and isinstance(predicted, dict):
        unknown = [name for name in given if name not in predicted]
        if unknown:
            raise FirstlightError(
                f"Expected names of outputs: {', '.join(predicted)}. Received {unknown[0]!r}."
                f"{nearest(unknown[0], predicted)}"
            )
        return [given.get(name) for name in sorted(predicted)]
    if isinstance(given, list | tuple) and not (of_lists and count == 1):
        if len(given) != count:
            raise FirstlightError(f"Expected {count} entries, one for each output. Received {len(given)}.")
        return list(given)
    return [given] * count


def _flat_pairs(y: Any, predicted: Any) -> tuple[list[Any], list[Any]]:
    """Targets and outputs in one order, a target for each output."""
    outputs = list(leaves(predicted))
    if isinstance(predicted, dict) and isinstance(y, dict):
        y = {name: y.get(name) for name in predicted}
    targets = list(leaves(y)) if isinstance(y, list | tuple | dict) else [y] * len(outputs)
    if len(targets) != len(outputs):
        raise FirstlightError(f"Expected {len(outputs)} targets, one for each output. Received {len(targets)}.")
    return targets, outputs


def _output_names(model: Any, predicted: Any) -> list[str]:
    if isinstance(predicted, dict):
        return sorted(predicted)
    graph = getattr(model, "graph", None)
    if graph is not None:
        return [symbol.node.layer.name for symbol in leaves(graph.outputs)]
    return [f"output_{number}" for number, _ in enumerate(leaves(predicted))]


def _weights(y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None) -> Any:
    """What each example counts: its own weight times that of its class."""
    if class_weight is None:
        return sample_weight
    if y is None:
        raise FirstlightError("Expected targets y beside class_weight. Received none.")
    classes = np.asarray(y)
    classes = classes.argmax(-1) if classes.ndim > 1 and classes.shape[-1] > 1 else classes.reshape(len(classes))
    by_class = np.array([class_weight.get(int(each), 1.0) for each in classes], "float32")
    return by_class if sample_weight is None else by_class * np.asarray(sample_weight)

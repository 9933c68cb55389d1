"""Compile, fit, evaluate, predict: what is told, what is weighed, what is refused; and callbacks at their moments."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight import engine
from firstlight.engine import Input, Model, Sequential, callbacks, layers, losses, metrics, optimizers
from firstlight.engine.batches import Arrays, Stream, batches_of
from firstlight.engine.initializers import set_random_seed
from firstlight.errors import FirstlightError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(64, 3)).astype("float32")
Y = (X.sum(1) > 0).astype("int64")


def classifier() -> Sequential:
    set_random_seed(0)
    model = Sequential([Input((3,)), layers.Dense(8, activation="tanh"), layers.Dense(2, activation="softmax")])
    model.compile(optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_it_learns_and_tells() -> None:
    model = classifier()
    history = model.fit(X, Y, epochs=20, validation_split=0.25, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    assert accuracy > 0.9
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    shares = model.predict(X)
    assert shares.shape == (64, 2)
    assert np.mean(shares.argmax(1) == Y) == pytest.approx(accuracy)
    assert type(shares) is np.ndarray


def test_the_seed_decides() -> None:
    losses = [classifier().fit(X, Y, epochs=2, verbose=0).history["loss"] for _ in range(2)]
    assert losses[0] == losses[1]


def test_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    classifier().fit(X, Y, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Epoch 1/2")
    assert "loss" in lines[0]
    assert "accuracy" in lines[0]


def test_weights_of_examples_and_classes() -> None:
    model = classifier()
    only_first = (np.arange(64) < 8).astype("float32")
    weighed = model.test_on_batch(X, Y, sample_weight=only_first, return_dict=True)["loss"]
    model.reset_metrics()
    assert weighed == pytest.approx(model.test_on_batch(X[:8], Y[:8], return_dict=True)["loss"] * 8 / 64, rel=1e-5)
    by_class = model.fit(X, Y, class_weight={0: 0.0, 1: 1.0}, epochs=30, verbose=0)
    assert by_class.history["loss"][-1] < 0.1
    assert np.all(model.predict(X[Y == 1]).argmax(1) == 1)


def test_several_outputs_have_losses_weights_and_metrics_by_name() -> None:
    x = Input((3,))
    hidden = layers.Dense(4)(x)
    model = Model(x, {"kind": layers.Dense(2, activation="softmax")(hidden), "size": layers.Dense(1)(hidden)})
    model.compile(
        "adam",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.0},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    targets = {"kind": Y, "size": X[:, :1]}
    history = model.fit(X, targets, epochs=1, verbose=0)
    assert set(history.history) == {"loss", "kind_accuracy", "size_mean_absolute_error"} or set(history.history) == {
        "loss",
        "kind_accuracy",
        "size_mae",
    }
    before = model.get_weights()[-2:]
    model.fit(X, targets, epochs=1, verbose=0)
    for old, new in zip(before, model.get_weights()[-2:], strict=True):
        np.testing.assert_array_equal(old, new)  # its loss counts nothing


def test_a_stream_of_batches() -> None:
    def endless() -> Any:
        while True:
            yield X[:8], Y[:8]

    model = classifier()
    history = model.fit(endless(), steps_per_epoch=5, epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3
    assert model.predict(batches_of(X, batch_size=10)).shape == (64, 2)
    assert [batch.size for batch in Arrays(X, Y, batch_size=30).epoch()] == [30, 30, 4]
    assert len(Stream([X], 3)) == 3
    rows = np.concatenate([batch.y for batch in Arrays(X, np.arange(64), batch_size=7).epoch(shuffle=True)])
    assert sorted(rows) == list(range(64))
    assert rows.tolist() != list(range(64))


def test_a_subclass_learns() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")
            self.drop = layers.Dropout(0.1)

        def call(self, inputs: Any, /, training: bool = False) -> Any:
            return self.out(self.drop(self.hidden(inputs)))

    set_random_seed(1)
    model = Own()
    model.compile(optimizers.Adam(0.02), "binary_crossentropy")
    losses = model.fit(X, Y.astype("float32")[:, None], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]


def test_frozen_layers_stay() -> None:
    model = classifier()
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(X, Y, epochs=1, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert np.any(before[2] != after[2])


def test_what_is_refused() -> None:
    model = Sequential([Input((3,)), layers.Dense(1)])
    with pytest.raises(FirstlightError, match="Expected a compiled model"):
        model.fit(X, Y)
    model.compile("sgd")
    with pytest.raises(FirstlightError, match="Expected a loss to train"):
        model.fit(X, Y, verbose=0)
    with pytest.raises(FirstlightError, match="as many rows each"):
        model.fit(X, Y[:5], verbose=0)
    with pytest.raises(FirstlightError, match="Received none: the data is empty"):
        classifier().fit(iter(()), verbose=0)
    with pytest.raises(FirstlightError, match=r"'val_loss' among what is measured\. Received loss, accuracy"):
        classifier().fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping()])


# -- callbacks ---------------------------------------------------------------------------------------------------


def test_early_stopping_puts_the_best_weights_back() -> None:
    model = classifier()
    stopping = callbacks.EarlyStopping("loss", patience=2, mode="max", restore_best_weights=True)  # the wrong way round
    history = model.fit(X, Y, epochs=50, verbose=0, callbacks=[stopping])
    assert len(history.epoch) == 3
    best = model.evaluate(X, Y, verbose=0)[0]
    model.fit(X, Y, epochs=3, verbose=0)
    assert model.evaluate(X, Y, verbose=0)[0] < best


@pytest.mark.parametrize(
    ("metric", "rises"),
    [
        (metrics.Precision(), True),
        (metrics.Recall(), True),
        (metrics.FBetaScore("macro"), True),
        (metrics.CosineSimilarity(), True),
        (metrics.MeanSquaredError(name="account_loss"), False),
        (losses.mean_squared_error, False),
    ],
)
def test_whether_more_is_better_is_asked_of_the_metric(metric: Any, rises: bool) -> None:
    model = Sequential([Input((3,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[metric])
    name = list(model.fit(X, Y[:, None], verbose=0).history)[1]
    for values, improving in (((0.5, 0.6, 0.7), rises), ((0.7, 0.6, 0.5), not rises)):
        stopping = callbacks.EarlyStopping(f"val_{name}")
        stopping.set_model(model)
        model.stop_training = False
        stopping.on_train_begin()
        for epoch, value in enumerate(values):
            stopping.on_epoch_end(epoch, {f"val_{name}": value})
        assert model.stop_training is not improving


def test_a_metric_of_ones_own_needs_a_mode() -> None:
    def bias(y_true: Any, y_pred: Any) -> Any:
        return y_pred.sum(-1) - y_true

    model = classifier()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[bias])
    with pytest.raises(FirstlightError, match="mode='max' or 'min' beside monitor='bias'"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping("bias")])
    model.fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping("bias", mode="min")])


@pytest.mark.parametrize("kind", metrics._KINDS)
def test_metrics_rise_as_they_do_in_keras(kind: type[metrics.Metric]) -> None:
    import keras

    direction = getattr(getattr(keras.metrics, kind.__name__)(), "_direction", None)
    if direction is not None:
        assert kind.rises is (direction == "up")


def test_a_baseline_is_to_be_beaten_by_as_much_as_in_keras() -> None:
    import keras

    for values in ([1.5, 0.95, 0.7, 0.6], [1.5, 0.85, 0.7, 0.6], [1.5, 0.95, 0.92, 0.7]):
        stopped = []
        for library in (callbacks, keras.callbacks):
            stopping = library.EarlyStopping("loss", min_delta=0.1, patience=2, baseline=1.0)
            stopping.set_model(model := classifier())
            model.stop_training, model.metrics = False, []
            stopping.on_train_begin()
            for epoch, value in enumerate(values):
                if not model.stop_training:
                    stopping.on_epoch_end(epoch, {"loss": value})
            stopped.append(stopping.stopped_epoch)
        assert stopped[0] == stopped[1], values


def test_checkpoints_and_tables(tmp_path: Path) -> None:
    model = classifier()
    saver = callbacks.ModelCheckpoint(tmp_path / "e{epoch:02d}-{loss:.1f}.keras")
    best = callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", "loss", save_best_only=True, save_weights_only=True)
    logger = callbacks.CSVLogger(tmp_path / "log.csv")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[saver, best, logger])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name[:4] for name in names] == ["best", "e01-", "e02-", "log."]
    np.testing.assert_allclose(engine.load(tmp_path / names[2]).predict(X), model.predict(X), rtol=1e-6)
    other = classifier()
    other.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    with pytest.raises(FirstlightError, match=r"ends in \.keras"):
        callbacks.ModelCheckpoint(tmp_path / "x.h5")


def test_learning_rates() -> None:
    model = classifier()
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    assert model.fit(X, Y, epochs=3, verbose=0, callbacks=[schedule]).history["learning_rate"] == pytest.approx(
        [0.025, 0.0125, 0.00625]
    )
    model = classifier()
    lower = callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, mode="max", min_lr=1e-4)
    rates = model.fit(X, Y, epochs=4, verbose=0, callbacks=[lower]).history["learning_rate"]
    assert rates == pytest.approx([0.05, 0.05, 0.005, 0.0005])


def test_moments_of_ones_own() -> None:
    told: list[Any] = []
    own = callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: told.append(epoch),
        on_train_batch_end=lambda batch, logs: told.append("batch"),
        on_train_end=lambda logs: told.append("end"),
    )
    classifier().fit(X, Y, epochs=2, batch_size=32, verbose=0, callbacks=[own])
    assert told == [0, "batch", "batch", 1, "batch", "batch", "end"]
    with pytest.raises(FirstlightError, match="a moment such as on_epoch_end"):
        callbacks.LambdaCallback(on_epoch_finish=print)


def test_a_loss_that_is_no_number_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier()
    bad = X.copy()
    bad[0] = np.nan
    history = model.fit(bad, Y, epochs=5, batch_size=64, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1
    assert "training stops" in capsys.readouterr().out

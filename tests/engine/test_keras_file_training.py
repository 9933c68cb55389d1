"""A training that is interrupted in one library and continued in the other: compile configuration and optimizer."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from firstlight import engine
from firstlight.errors import FirstlightError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.7}),
    ("RMSprop", {"momentum": 0.7, "centered": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "clipnorm": 0.5}),
    ("Adam", {"gradient_accumulation_steps": 3}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 4}),
    ("AdamW", {"weight_decay": 0.1, "gradient_accumulation_steps": 2, "use_ema": True}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Lion", {}),
]
random = np.random.default_rng(0)
X = random.normal(size=(16, 4)).astype("float32")
Y = random.integers(0, 3, 16)


def build(library: Any) -> Any:
    layers = library.layers
    middle = library.Sequential([library.Input((8,)), layers.BatchNormalization(), layers.Dense(6, activation="tanh")])
    stack = [layers.Dense(8, "tanh", name="left"), middle, layers.Dense(3, name="right", activation="softmax")]
    model = library.Sequential([library.Input((4,)), *stack])
    draw = np.random.default_rng(1)
    model.set_weights([draw.uniform(0.2, 0.8, w.shape).astype("float32") for w in model.get_weights()])
    return model


def learn(model: Any, steps: int = 5) -> None:
    for _ in range(steps):
        model.train_on_batch(X, Y)


def opened(library: Any, path: Path, **options: Any) -> Any:
    return keras.models.load_model(path, **options) if library is keras else engine.load(path, **options)


def same(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    for mine, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)


def continued(first: Any, model: Any, path: Path) -> Any:
    """The model after some steps and a rest; and the one that went on in the other library."""
    second = engine if first is keras else keras
    learn(model)
    model.save(path)
    other = opened(second, path)
    same(model, other, 0)
    learn(model)
    learn(other)
    same(model, other)
    return other


@pytest.mark.parametrize("first", [engine, keras], ids=["engine first", "keras first"])
@pytest.mark.parametrize(("name", "config"), OPTIMIZERS, ids=lambda x: x if isinstance(x, str) else "-".join(x))
def test_the_next_steps_are_the_same(name: str, config: dict[str, Any], first: Any, tmp_path: Path) -> None:
    model = build(first)
    eager = {"run_eagerly": True} if first is keras else {}  # to save the time of tracing
    optimizer = getattr(first.optimizers, name)(**config)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **eager)
    other = continued(first, model, tmp_path / "x.keras")
    assert type(other.optimizer).__name__ == name
    for key, value in config.items():
        assert float(np.asarray(getattr(other.optimizer, key))) == pytest.approx(float(value))


@pytest.mark.parametrize("first", [engine, keras], ids=["engine first", "keras first"])
def test_a_schedule_goes_on(first: Any, tmp_path: Path) -> None:
    schedule = first.optimizers.schedules.CosineDecay(0.1, 12, warmup_target=0.3, warmup_steps=3)
    model = build(first)
    model.compile(first.optimizers.Nadam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"])
    other = continued(first, model, tmp_path / "x.keras")
    assert float(np.asarray(other.optimizer.learning_rate)) == pytest.approx(
        float(np.asarray(model.optimizer.learning_rate)), rel=1e-5
    )


def test_a_rate_that_was_set_comes_along(tmp_path: Path) -> None:
    model = build(keras)
    model.compile("adam", "sparse_categorical_crossentropy")
    learn(model, 1)
    model.optimizer.learning_rate = 0.25
    model.save(tmp_path / "x.keras")
    assert engine.load(tmp_path / "x.keras").optimizer.learning_rate == pytest.approx(0.25)


def test_the_wrapper_for_16_bits_is_taken_off(tmp_path: Path) -> None:
    model = build(keras)
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))
    model.compile(wrapped, "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert type(continued(keras, model, tmp_path / "x.keras").optimizer) is engine.optimizers.Adam


@pytest.mark.parametrize("first", [engine, keras], ids=["engine first", "keras first"])
def test_frozen_layers_have_no_state(first: Any, tmp_path: Path) -> None:
    model = build(first)
    model.layers[1].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    continued(first, model, tmp_path / "x.keras")


def two_outputs(library: Any, **compiled: Any) -> Any:
    x = library.Input((4,), name="x")
    h = library.layers.Dense(5, activation="relu", name="h")(x)
    outputs = {"class": library.layers.Dense(3, name="c")(h), "value": library.layers.Dense(1, name="v")(h)}
    model = library.Model(x, outputs)
    model.set_weights([np.full(w.shape, 0.1 + 0.1 * n, "float32") for n, w in enumerate(model.get_weights())])
    losses, metrics = library.losses, library.metrics
    model.compile(
        optimizer=library.optimizers.SGD(0.01),
        loss={"class": losses.SparseCategoricalCrossentropy(from_logits=True), "value": losses.Huber(delta=0.5)},
        loss_weights={"class": 1.0, "value": 0.3},
        metrics={"class": ["accuracy"], "value": ["mae", metrics.RootMeanSquaredError()]},
        weighted_metrics={"class": [], "value": ["mse"]},
    )
    return model


@pytest.mark.parametrize("first", [engine, keras], ids=["engine first", "keras first"])
def test_losses_and_metrics_of_several_outputs(first: Any, tmp_path: Path) -> None:
    model, second = two_outputs(first), engine if first is keras else keras
    if first is keras:  # Keras's own description of a Huber loss has no delta
        model.loss["value"] = keras.losses.MeanSquaredError()
        model.compile(**{**model._compile_config.config, "loss": model.loss})
    targets = {"class": Y, "value": X[:, :1]}
    model.save(tmp_path / "x.keras")
    other = opened(second, tmp_path / "x.keras")
    mine, found = (each.evaluate(X, targets, return_dict=True, verbose=0) for each in (model, other))
    common = set(mine) & set(found)
    assert {"loss", "class_accuracy", "value_mae", "value_root_mean_squared_error", "value_mse"} <= common
    for name in common:
        assert found[name] == pytest.approx(mine[name], rel=1e-5)


LOSSES = ["loss-" + kind.__name__ for kind in dict.fromkeys(engine.losses.LOSSES.values())]
METRICS = ["metrics-" + kind.__name__ for kind in dict.fromkeys(engine.metrics.METRICS.values())]


@pytest.mark.parametrize("name", [*LOSSES, *METRICS])
def test_every_loss_and_metric_is_described_as_keras_does(name: str) -> None:
    key, kind = name.split("-")
    library = "losses" if key == "loss" else key
    ours, theirs = build(engine), build(keras)
    made, keras_made = (getattr(getattr(each, library), kind)() for each in (engine, keras))
    ours.compile("sgd", **{key: made if key == "loss" else [made]})
    theirs.compile("sgd", **{key: keras_made if key == "loss" else [keras_made]})
    mine, wanted = (model.get_compile_config()[key] for model in (ours, theirs))
    mine, wanted = (mine, wanted) if key == "loss" else (mine[0], wanted[0])
    assert {each: mine[each] for each in ("module", "class_name")} == {
        each: wanted[each] for each in ("module", "class_name")
    }
    ours.compile_from_config(theirs.get_compile_config())
    theirs.compile_from_config(ours.get_compile_config())
    ours.compile_from_config(json.loads(json.dumps(ours.get_compile_config())))


def test_functions_of_the_library_are_found_by_name(tmp_path: Path) -> None:
    for first, second in ((keras, engine), (engine, keras)):
        model = build(first)
        names = first.losses.categorical_crossentropy, first.metrics.categorical_accuracy
        model.compile("sgd", names[0], metrics=[names[1]])
        model.save(tmp_path / "x.keras")
        other = opened(second, tmp_path / "x.keras")
        targets = np.eye(3, dtype="float32")[Y]
        mine, found = (each.evaluate(X, targets, verbose=0) for each in (model, other))
        np.testing.assert_allclose(mine, found, rtol=1e-5)


# -- what is left out --------------------------------------------------------------------------------------------


def surprise(y_true: Any, y_pred: Any) -> Any:
    return abs(y_true - y_pred)


def test_a_loss_of_the_users_own_is_named(tmp_path: Path) -> None:
    for library in (keras, engine):
        model = build(library)
        model.compile("adam", surprise)
        model.save(tmp_path / "x.keras")
        with pytest.warns(UserWarning, match=r"x\.keras is not compiled .* Received 'surprise'\. .* call compile"):
            found = engine.load(tmp_path / "x.keras")
        assert found.optimizer is None
        same(found, model, 0)
    with pytest.warns(UserWarning, match="Skipping variable loading"):  # as from its own file: it has not begun
        theirs = keras.models.load_model(tmp_path / "x.keras", custom_objects={"surprise": surprise})
    assert theirs.loss is surprise


def test_what_has_no_name_is_left_out(tmp_path: Path) -> None:
    model = build(engine)
    for compiled in ({"loss": lambda a, b: b - a}, {"optimizer": engine.optimizers.SGD(lambda: 0.1), "loss": "mse"}):
        model.compile(**compiled)
        with pytest.warns(UserWarning, match=r"was compiled is left out of the file\. Expected a"):
            model.save(tmp_path / "x.keras")
        assert engine.load(tmp_path / "x.keras").optimizer is None


def test_by_wish_without(tmp_path: Path) -> None:
    model = build(engine)
    model.compile("adam", "sparse_categorical_crossentropy")
    learn(model)
    model.save(tmp_path / "x.keras")
    assert engine.load(tmp_path / "x.keras", compile=False).optimizer is None
    model.save(tmp_path / "x.keras", include_optimizer=False)
    assert engine.load(tmp_path / "x.keras").optimizer is None
    assert not keras.models.load_model(tmp_path / "x.keras").compiled
    with pytest.raises(FirstlightError, match=r"a free path, as overwrite=False asks for\. Received .*x\.keras"):
        model.save(tmp_path / "x.keras", overwrite=False)
    with pytest.raises(FirstlightError, match=r"ends in \.keras"):
        model.save(tmp_path / "x.h5")
    assert [each.name for each in tmp_path.iterdir()] == ["x.keras"]


def test_an_optimizer_that_has_not_begun(tmp_path: Path) -> None:
    for library in (keras, engine):
        model = build(library)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.save(tmp_path / "x.keras")
        found = engine.load(tmp_path / "x.keras")
        assert found.optimizer.iterations == 0
        learn(found)
        learn(model)
        same(found, model)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_weights_files_hold_the_optimizer_too(suffix: str, tmp_path: Path) -> None:
    for first, second in ((keras, engine), (engine, keras)):
        model, other = build(first), build(second)
        for each in (model, other):
            each.compile("adam", "sparse_categorical_crossentropy")
        learn(model)
        learn(other, 1)
        (model.save if suffix == ".keras" else model.save_weights)(tmp_path / f"x{suffix}")
        other.load_weights(tmp_path / f"x{suffix}")
        learn(model)
        learn(other)
        same(model, other)


# -- files that were changed -------------------------------------------------------------------------------------


def changed(
    path: Path, config: Callable[[Any], Any] | None = None, weights: Callable[[h5py.File], None] | None = None
) -> Path:
    """The file of a model in training with something changed in how it is compiled or in its weights."""
    model = build(engine)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[engine.metrics.AUC()])
    model.optimizer.build(model.trainable_weights)
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if config is not None:
        held = json.loads(members["config.json"])
        replaced = config(held["compile_config"])
        held["compile_config"] = held["compile_config"] if replaced is None else replaced
        members["config.json"] = json.dumps(held).encode()
    if weights is not None:
        inner = path.with_suffix(".h5")
        inner.write_bytes(members["model.weights.h5"])
        with h5py.File(inner, "r+") as file:
            weights(file)
        members["model.weights.h5"] = inner.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["optimizer"].update(class_name="Adan"), r"Received 'Adan'\. Did you mean 'Adam'"),
        (lambda c: c["optimizer"]["config"].update(surprise=3), "Received 'surprise'"),
        (lambda c: c["optimizer"]["config"].update(learning_rate="quick"), "Received 'quick'"),
        (lambda c: c["optimizer"]["config"].update(ema_momentum="much"), "a description of an optimizer"),
        (lambda c: c["optimizer"].update(config=[1]), "a description of an optimizer"),
        (lambda c: c["metrics"][0]["config"].update(num_thresholds=10**12), r"at most 1,048,576 thresholds"),
        (lambda c: c.update(metrics=[3]), "the name or description of a metric"),
        (lambda c: c.update(loss={"class_name": ["x"], "config": {}}), "a description of a loss"),
        (lambda c: c.update(loss={"class_name": "__lambda__", "config": {"value": "x"}}), "Received '__lambda__'"),
        (lambda c: c.update(loss_weights="x"), "a number as the weight of a loss"),
        (lambda c: ["adam"], "a description of how a model learns"),
    ],
)
def test_a_compilation_that_cannot_be(change: Callable[[Any], Any], message: str, tmp_path: Path) -> None:
    path = changed(tmp_path / "x.keras", change)
    with pytest.warns(UserWarning, match=message):
        assert engine.load(path).optimizer is None
    engine.load(path, compile=False)


def test_a_state_that_does_not_fit(tmp_path: Path) -> None:
    def other_shape(file: h5py.File) -> None:
        del file["optimizer/vars/2"]
        file["optimizer/vars/2"] = np.zeros((4, 9))

    def huge(file: h5py.File) -> None:
        del file["optimizer/vars/2"]
        file["optimizer/vars"].create_dataset("2", (1 << 40,), "f8")

    def less(file: h5py.File) -> None:
        del file["optimizer/vars/3"]

    def text(file: h5py.File) -> None:
        del file["optimizer/vars/2"]
        file["optimizer/vars/2"] = "text"

    def elsewhere(file: h5py.File) -> None:
        del file["optimizer/vars/2"]
        file["optimizer/vars/2"] = h5py.ExternalLink("secret.h5", "kernel")

    for change in (other_shape, huge, less, text, elsewhere):
        with pytest.warns(UserWarning, match="What the optimizer remembered is not read. Expected"):
            found = engine.load(changed(tmp_path / "x.keras", weights=change))
        assert found.optimizer.iterations == 0
        assert np.isfinite(found.predict(X)).all()

    def group_elsewhere(file: h5py.File) -> None:
        del file["optimizer"]
        file["optimizer"] = h5py.ExternalLink("secret.h5", "/")

    assert engine.load(changed(tmp_path / "x.keras", weights=group_elsewhere)).optimizer.iterations == 0

"""Every optimizer against Keras over many steps, with every option; and what it means to live in one flat array."""

import copy
import json
from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import backward, constraints, optimizers, schedules
from firstlight.engine.variable import Variable
from firstlight.errors import FirstlightError

SHAPES = {"kernel": (5, 4), "bias": (4,), "scale": (3,)}
RULES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"rho": 0.8, "epsilon": 1e-3}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.7}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.7, "centered": True, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {"learning_rate": 0.01}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Nadam", {"learning_rate": 0.01, "beta_1": 0.8}),
    ("Lion", {}),
    ("Lion", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9}),
]
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 1.0},
    "decay": {"weight_decay": 0.1},
    "accumulation": {"gradient_accumulation_steps": 3},
    "average": {"use_ema": True, "ema_momentum": 0.9},
    "average put in": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    "all": {
        "global_clipnorm": 2.0,
        "weight_decay": 0.05,
        "gradient_accumulation_steps": 2,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
    },
}


def draw(seed: int = 0, scale: float = 1.0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [scale * random.normal(size=shape).astype("float32") for shape in SHAPES.values()]


def weights(constraint: Any = None, dtype: str = "float32") -> list[Variable]:
    pairs = zip(draw(), SHAPES, strict=True)
    return [Variable(x.astype(dtype), name, constraint=constraint if x.ndim > 1 else None) for x, name in pairs]


def their_weights(constraint: Any = None) -> list[Any]:
    made = [keras.Variable(x, name=name) for x, name in zip(draw(), SHAPES, strict=True)]
    made[0].constraint = constraint
    return made


def compare(ours: Any, theirs: Any, ws: list[Variable], their_ws: list[Any], steps: int = 10) -> None:
    for step in range(steps):
        gradients = draw(step + 1, 0.5 + step % 3)
        ours.apply(gradients, ws)
        theirs.apply([keras.ops.convert_to_tensor(g) for g in gradients], their_ws)
        for w, their_w in zip(ws, their_ws, strict=True):
            np.testing.assert_allclose(w.value, np.asarray(their_w), rtol=1e-6, atol=1e-6, err_msg=f"step {step}")
    assert ours.iterations == int(theirs.iterations)
    states = ours.variables
    expected = [np.asarray(v) for v in theirs.variables]
    assert [state.array.shape for state in states] == [x.shape for x in expected]
    for state, variable, x in zip(states, theirs.variables, expected, strict=True):
        assert variable.name.startswith(state.name)  # Keras numbers the last one of Nadam
        np.testing.assert_allclose(state.array, x, rtol=2e-6, atol=1e-6, err_msg=state.name)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(("name", "config"), RULES, ids=lambda x: x if isinstance(x, str) else str(sorted(x.items())))
def test_ten_steps_equal_those_of_keras(name: str, config: dict[str, Any], option: str) -> None:
    settings = {**config, **OPTIONS[option]}
    ours, theirs = getattr(optimizers, name)(**settings), getattr(keras.optimizers, name)(**settings)
    ws, their_ws = weights(), their_weights()
    compare(ours, theirs, ws, their_ws)
    ours.finalize_variable_values(ws)
    theirs.finalize_variable_values(their_ws)
    for w, their_w in zip(ws, their_ws, strict=True):
        np.testing.assert_allclose(w.value, np.asarray(their_w), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_schedules_and_constraints_equal_those_of_keras(name: str) -> None:
    arguments: tuple[Any, ...] = (0.01, 4, 0.5)
    ours = getattr(optimizers, name)(schedules.ExponentialDecay(*arguments), gradient_accumulation_steps=2)
    theirs = getattr(keras.optimizers, name)(
        keras.optimizers.schedules.ExponentialDecay(*arguments), gradient_accumulation_steps=2
    )
    compare(ours, theirs, weights(constraints.MaxNorm(1.0)), their_weights(keras.constraints.MaxNorm(1.0)))
    assert ours.learning_rate == pytest.approx(0.01 * 0.5**2.5)


def test_some_weights_may_be_left_out() -> None:
    ours, theirs = optimizers.AdamW(0.01), keras.optimizers.AdamW(0.01)
    ws, their_ws = weights(), their_weights()
    ours.build(ws)
    theirs.build(their_ws)
    before = ws[1].numpy()
    gradients = draw(1)
    for _ in range(3):
        ours.apply([gradients[2], gradients[0]], [ws[2], ws[0]])
        theirs.apply([keras.ops.convert_to_tensor(gradients[n]) for n in (2, 0)], [their_ws[2], their_ws[0]])
    for w, their_w in zip(ws, their_ws, strict=True):
        np.testing.assert_allclose(w.value, np.asarray(their_w), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(ws[1].value, before)


def test_a_missing_gradient_is_told() -> None:
    ws = weights()
    before = ws[1].numpy()
    optimizer = optimizers.Adam()
    with pytest.warns(UserWarning, match="does not depend on bias"):
        optimizer.apply([draw(1)[0], None, draw(1)[2]], ws)
    np.testing.assert_array_equal(ws[1].value, before)
    with pytest.raises(FirstlightError, match="depends on no weight"):
        optimizer.apply([None] * 3, ws)


def test_what_shall_not_decay() -> None:
    ours = optimizers.SGD(0.1, weight_decay=0.5)
    ws = weights()
    before = [w.numpy() for w in ws]
    ours.exclude_from_weight_decay(var_list=[ws[2]], var_names=["bias", "gamma"])
    ours.apply([np.zeros(w.shape) for w in ws], ws)
    np.testing.assert_allclose(ws[0].value, before[0] * 0.95, rtol=1e-6)
    np.testing.assert_array_equal(ws[1].value, before[1])
    np.testing.assert_array_equal(ws[2].value, before[2])
    with pytest.raises(FirstlightError, match="before the optimizer is built"):
        ours.exclude_from_weight_decay(var_names=["bias"])


def test_pairs_of_gradients_and_weights_are_applied_as_in_keras() -> None:
    ours, theirs = optimizers.AdamW(0.01), keras.optimizers.AdamW(0.01)
    ws, their_ws = weights(), their_weights()
    for step in range(3):
        gradients = draw(step + 1)
        ours.apply_gradients(zip(gradients, ws, strict=True))
        tensors = map(keras.ops.convert_to_tensor, gradients)
        theirs.apply_gradients(zip(tensors, their_ws, strict=True))
    for w, their_w in zip(ws, their_ws, strict=True):
        np.testing.assert_allclose(w.value, np.asarray(their_w), rtol=1e-6, atol=1e-6)


def test_gradients_come_from_backward() -> None:
    w, b = Variable(np.ones((3, 2)), "kernel"), Variable(np.zeros(2), "bias")
    x = np.random.default_rng(0).normal(size=(20, 3))
    y = x @ np.array([[1.0, -2.0], [0.5, 1.0], [3.0, 0.0]]) + [0.5, -1.0]
    optimizer = optimizers.Adam(0.1)
    for _ in range(400):
        error = x @ w + b - y
        loss = (error * error).mean()
        optimizer.apply(backward(loss), [w, b])
    assert float(loss) < 1e-6
    np.testing.assert_allclose(b.value, [0.5, -1.0], atol=1e-2)


def test_a_graph_that_needs_old_weights_can_tell() -> None:
    w = Variable(np.ones(3), "kernel")
    loss = (w * w).sum()
    optimizer = optimizers.SGD(0.1)
    optimizer.apply([np.ones(3)], [w])
    with pytest.raises(FirstlightError, match="assigned since"):
        backward(loss)
    assert w.version == 1


def test_weights_stay_usable_and_may_change_hands() -> None:
    ws = weights()
    first, second = optimizers.SGD(0.5), optimizers.SGD(0.5)
    first.apply(draw(1), ws)
    ws[0].assign(np.zeros((5, 4)))
    second.apply(draw(2), ws)
    first.apply(draw(3), ws)
    np.testing.assert_allclose(ws[0].value, -0.5 * (draw(2)[0] + draw(3)[0]), rtol=1e-6)
    np.testing.assert_allclose(ws[1].value, draw()[1] - 0.5 * (draw(1)[1] + draw(2)[1] + draw(3)[1]), rtol=1e-5)


@pytest.mark.parametrize(("name", "config"), RULES, ids=str)
def test_memory_can_be_written_and_read(name: str, config: dict[str, Any]) -> None:
    settings = {**config, "use_ema": True, "gradient_accumulation_steps": 2}
    first, ws = getattr(optimizers, name)(**settings), weights()
    for step in range(3):
        first.apply(draw(step), ws)
    second, copies = getattr(optimizers, name)(**settings), weights()
    second.build(copies)
    for w, other in zip(ws, copies, strict=True):
        other.assign(w)
    second.set_weights([state.array.copy() for state in first.variables])
    for step in range(3, 6):
        first.apply(draw(step), ws)
        second.apply(draw(step), copies)
    for w, other in zip(ws, copies, strict=True):
        np.testing.assert_allclose(w.value, other.value, rtol=1e-6, atol=1e-7)
    with pytest.raises(FirstlightError, match="arrays for"):
        second.set_weights([np.zeros(3)])


@pytest.mark.parametrize(("name", "config"), RULES, ids=str)
def test_config(name: str, config: dict[str, Any]) -> None:
    optimizer = getattr(optimizers, name)(**config, clipvalue=0.3)
    given = optimizer.get_config()
    expected = getattr(keras.optimizers, name)(**config, clipvalue=0.3, name=optimizer.name).get_config()
    assert set(given) == set(expected)
    for key, value in expected.items():
        assert given[key] == pytest.approx(value, rel=1e-6) if isinstance(value, float) else given[key] == value, key
    assert type(optimizer).from_config(json.loads(json.dumps(given))).get_config() == given
    assert getattr(keras.optimizers, name).from_config(dict(given)).get_config() == expected


def test_a_schedule_in_the_config() -> None:
    ours = optimizers.Adam(schedules.CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=3))
    config = json.loads(json.dumps(ours.get_config()))
    again = optimizers.get({"class_name": "Adam", "config": config})
    theirs = keras.optimizers.get({"class_name": "Adam", "config": copy.deepcopy(config)})  # it changes what it gets
    assert again.get_config() == config
    assert isinstance(theirs, keras.optimizers.Adam)
    assert again.learning_rate == pytest.approx(float(theirs.learning_rate))
    with pytest.raises(FirstlightError, match="number or a schedule"):
        optimizers.Adam(lambda: 0.1).get_config()


def test_names() -> None:
    assert isinstance(optimizers.get("rmsprop"), optimizers.RMSprop)
    assert isinstance(optimizers.get("Adam"), optimizers.Adam)
    same = optimizers.Lion()
    assert optimizers.get(same) is same
    assert optimizers.get(None) is None
    for name in optimizers.OPTIMIZERS:
        assert type(keras.optimizers.get(name)).__name__ == type(optimizers.get(name)).__name__
        assert keras.optimizers.get(name).name.startswith(optimizers.get(name).name)
    with pytest.raises(FirstlightError, match="Did you mean 'adam'"):
        optimizers.get("adamm")


def test_the_learning_rate_can_be_set() -> None:
    optimizer, ws = optimizers.SGD(0.1), weights()
    optimizer.learning_rate = 0.5
    optimizer.apply(draw(1), ws)
    np.testing.assert_allclose(ws[0].value, draw()[0] - 0.5 * draw(1)[0], rtol=1e-6)
    optimizer.learning_rate = schedules.ExponentialDecay(0.4, 1, 0.5)
    assert optimizer.learning_rate == 0.2
    with pytest.raises(FirstlightError, match="made with one"):
        optimizer.learning_rate = 0.1
    assert optimizers.SGD(lambda: 0.25).learning_rate == 0.25


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adam(learning_rat=0.1), "Did you mean 'learning_rate'"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "one of clipnorm"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=1), "2 or more"),
        (lambda: optimizers.Adam(ema_momentum=2.0), "ema_momentum"),
        (lambda: optimizers.Adam([0.1]), "as learning rate"),
        (lambda: optimizers.SGD(momentum=-1.0), "momentum from 0 to 1"),
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1 above 0"),
        (lambda: optimizers.SGD().apply([np.zeros(3)]), "weights beside the first gradients"),
        (lambda: optimizers.SGD().build([]), "no weights"),
        (lambda: optimizers.SGD().build([*weights(), *weights(dtype="float64")]), "float32, float64"),
        (lambda: optimizers.SGD().apply([np.zeros(3)], weights()), "3 gradients"),
        (lambda: optimizers.SGD().apply([np.zeros(3)], weights()[:1]), r"shape \(5, 4\) for kernel"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        make()


def test_other_weights_are_refused() -> None:
    optimizer = optimizers.SGD()
    optimizer.build(weights())
    with pytest.raises(FirstlightError, match="was built with"):
        optimizer.apply(draw(), weights())


def test_float64_stays_float64() -> None:
    ws = weights(dtype="float64")
    optimizer = optimizers.Adam()
    optimizer.apply(draw(1), ws)
    assert {w.dtype for w in ws} == {np.dtype("float64")}


def test_long_arrays_are_updated_in_blocks() -> None:
    random = np.random.default_rng(0)
    long, short = (Variable(random.normal(size=n).astype("float32"), "kernel") for n in (300_000, 7))
    alone = Variable(long.value, "kernel")
    gradients = [random.normal(size=n).astype("float32") for n in (300_000, 7)]
    optimizer, simple = optimizers.Adam(clipnorm=1.0), keras.optimizers.Adam(clipnorm=1.0)
    theirs = keras.Variable(alone.value)
    for _ in range(3):
        optimizer.apply(gradients, [long, short])
        simple.apply([keras.ops.convert_to_tensor(gradients[0])], [theirs])
    np.testing.assert_allclose(long.value, np.asarray(theirs), rtol=1e-6, atol=1e-6)

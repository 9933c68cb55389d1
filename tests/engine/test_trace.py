"""Traces: every record is what the network computed, formulas say what it did, gradients are those of `backward`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight import engine
from firstlight.engine import Input, Model, Sequential, Tensor, backward, layers
from firstlight.engine.naming import clear_session
from firstlight.engine.structure import leaves
from firstlight.engine.tensor import value_of
from firstlight.engine.trace import saliency, trace
from firstlight.errors import FirstlightError
from tests.parity.case import draw, made
from tests.parity.cases import CASES

FIRST_ROWS = {case.layer: name for name, case in reversed(CASES.items())}


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    clear_session()


@pytest.fixture
def digits() -> Sequential:
    return Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", name="edges", kernel_initializer=_normal(1)),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(5, activation="softmax", name="digit", kernel_initializer=_normal(2)),
        ],
        name="digits",
    )


def _normal(seed: int) -> Any:
    return engine.initializers.RandomNormal(stddev=0.3, seed=seed)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")


# -- what is recorded --------------------------------------------------------------------------------------------


def test_every_step_has_what_went_in_and_came_out(digits: Sequential, image: np.ndarray) -> None:
    steps = trace(digits, image)
    assert [step.name for step in steps] == ["edges", "pool", "flat", "digit"]
    assert len(steps) == 4
    assert steps[0] is steps["edges"]
    np.testing.assert_array_equal(steps["edges"].inputs["x"], image)
    x = image
    for layer, step in zip(digits.layers, steps, strict=True):
        x = value_of(layer(x))
        np.testing.assert_allclose(step.output, x, rtol=1e-6)
    np.testing.assert_allclose(steps.outputs, digits.predict(image), rtol=1e-6)
    assert steps["digit"].parents == [steps["flat"]]
    assert steps["edges"].parents == []
    assert set(steps["edges"].weights) == {"kernel", "bias"}
    assert 0 < sum(step.seconds for step in steps) <= steps.root.seconds
    assert all(operation.seconds >= 0 for step in steps for operation in step.operations)


def test_gradients_are_those_of_the_chosen_number(digits: Sequential, image: np.ndarray) -> None:
    steps = trace(digits, image, output=(1, 3))
    x = Tensor(image)
    edges = digits.layers[0](x)
    rest = edges
    for layer in digits.layers[1:]:
        rest = layer(rest)
    expected = backward(rest[1, 3], wanted=[edges])
    np.testing.assert_allclose(steps.gradient((1, 3)), expected[x], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(steps["edges"].gradient, expected[edges], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(steps.gradient((1, 3), to="edges"), expected[edges], rtol=1e-5, atol=1e-8)
    kernel = digits.layers[0].kernel
    np.testing.assert_allclose(steps["edges"].weight_gradients["kernel"], expected[kernel], rtol=1e-5, atol=1e-8)
    assert steps.differentiated.startswith("output[1, 3] = ")


def test_the_default_is_the_largest_number_of_the_first_example(digits: Sequential, image: np.ndarray) -> None:
    best = int(np.argmax(digits.predict(image)[0]))
    steps = trace(digits, image)
    assert steps.differentiated.startswith(f"output[0, {best}] = ")
    assert steps["digit"].gradient is not None
    assert steps["digit"].gradient[0, best] == 1
    assert np.count_nonzero(steps["digit"].gradient) == 1


def test_a_gradient_of_a_number_within(digits: Sequential, image: np.ndarray) -> None:
    steps = trace(digits, image)
    found = steps.gradient(("edges", 0, 2, 3, 1))
    seen = np.zeros((8, 8), bool)
    seen[2:5, 3:6] = True  # what this place of the convolution sees
    assert not found[0, ~seen].any()
    assert not found[1].any()
    expected = digits.layers[0].kernel.array[..., 0, 1] * (steps["edges"].output[0, 2, 3, 1] > 0)
    np.testing.assert_allclose(found[0, 2:5, 3:6, 0], expected, rtol=1e-5)


def test_saliency_is_the_size_of_the_gradient(digits: Sequential, image: np.ndarray) -> None:
    found = saliency(digits, image, (0, 2))
    np.testing.assert_allclose(found, np.abs(trace(digits, image).gradient((0, 2))).max(-1))
    assert found.shape == (2, 8, 8)
    assert found[0].any()


def test_targets_give_the_gradients_of_the_loss(digits: Sequential, image: np.ndarray) -> None:
    digits.compile("sgd", "sparse_categorical_crossentropy")
    y = np.array([1, 4])
    before = [w.copy() for w in digits.get_weights()]
    steps = trace(digits, image, y)
    expected = digits.evaluate(image, y, verbose=0)
    assert steps.loss is not None
    assert float(steps.loss) == pytest.approx(expected, rel=1e-5)
    gradient = steps["digit"].weight_gradients["kernel"]
    digits.train_on_batch(image, y)
    moved = before[2] - digits.layers[-1].kernel.array
    np.testing.assert_allclose(moved, 0.01 * gradient, rtol=1e-4, atol=1e-7)


def test_frozen_weights_have_gradients_too_and_stay_frozen(digits: Sequential, image: np.ndarray) -> None:
    digits.trainable = False
    steps = trace(digits, image)
    assert set(steps["edges"].weight_gradients) == {"kernel", "bias"}
    assert all(weight.constant for weight in digits.weights)


def test_layers_within_layers_and_several_calls() -> None:
    shared = layers.Dense(3, name="shared")
    inner = Sequential([Input((3,)), layers.Dense(2, name="dense")], name="inner")
    a, b = Input((4,), name="a"), Input((4,), name="b")
    together = layers.Add(name="sum")([shared(a), shared(b)])
    model = Model({"a": a, "b": b}, inner(together))
    random = np.random.default_rng(0)
    inputs = {"a": random.normal(size=(1, 4)).astype("float32"), "b": random.normal(size=(1, 4)).astype("float32")}
    steps = trace(model, inputs)
    assert [step.name for step in steps] == ["shared", "shared#2", "sum", "inner", "inner/dense"]
    assert [step.depth for step in steps] == [1, 1, 1, 1, 2]
    assert steps["sum"].parents == [steps["shared"], steps["shared#2"]]
    assert steps["inner"].inner == [steps["inner/dense"]]
    assert list(steps.root.inputs) == ["a", "b"]
    gradients = steps.gradient((0, 1))
    assert len(gradients) == 2
    np.testing.assert_allclose(gradients[0], gradients[1])


def test_whole_numbers_have_no_gradient_but_later_steps_do() -> None:
    model = Sequential([Input((3,), dtype="int32"), layers.Embedding(9, 4, name="words"), layers.Flatten()])
    steps = trace(model, [[1, 5, 5]])
    with pytest.raises(FirstlightError, match="whole numbers went in"):
        steps.gradient((0, 2))
    assert np.flatnonzero(steps.gradient((0, 5), to="words")).tolist() == [5]


def test_whole_numbers_for_a_network_of_floats_are_brought_to_floats(digits: Sequential) -> None:
    steps = trace(digits, np.ones((1, 8, 8, 1), "uint8"))
    assert steps.gradient((0, 0)).shape == (1, 8, 8, 1)


def test_training_drops_and_prediction_does_not() -> None:
    model = Sequential([Input((50,)), layers.Dropout(0.5, name="drop")])
    x = np.ones((1, 50), "float32")
    assert (trace(model, x)["drop"].output == 1).all()
    assert (trace(model, x, training=True)["drop"].output == 0).any()


def test_without_gradients(digits: Sequential, image: np.ndarray) -> None:
    steps = trace(digits, image, gradients=False)
    assert steps["edges"].gradient is None
    assert "Gradients are those of nothing" in str(steps)
    steps.differentiate((0, 1))
    assert steps["edges"].gradient is not None


def test_wrong_use_is_told(digits: Sequential, image: np.ndarray) -> None:
    steps = trace(digits, image)
    with pytest.raises(FirstlightError, match=r"Received 'edgs'\. Did you mean 'edges'"):
        steps["edgs"]
    with pytest.raises(FirstlightError, match=r"index of output, of shape \(2, 5\)"):
        steps.gradient((0, 7))
    with pytest.raises(FirstlightError, match="Expected the name of a step"):
        steps.gradient(("logits", 0))
    with pytest.raises(FirstlightError, match="compile"):
        trace(digits, image, np.array([0, 1]))


# -- gates and attention -----------------------------------------------------------------------------------------


def test_the_gates_of_an_lstm_at_every_step() -> None:
    model = Sequential([Input((6, 3)), layers.LSTM(4, name="lstm")])
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    step = trace(model, x)["lstm"]
    gates = {name: np.stack([tensor.array for tensor in tensors]) for name, tensors in step.notes.items()}
    assert {name: gate.shape for name, gate in gates.items()} == dict.fromkeys("ifaoch", (6, 2, 4))
    np.testing.assert_allclose(gates["c"][1:], gates["f"][1:] * gates["c"][:-1] + gates["i"][1:] * gates["a"][1:], 1e-5)
    np.testing.assert_allclose(gates["h"], gates["o"] * np.tanh(gates["c"]), rtol=1e-5)
    np.testing.assert_allclose(gates["h"][-1], step.output, rtol=1e-6)
    np.testing.assert_allclose(step.output, model.predict(x), rtol=1e-5)  # where all steps are one operation


def test_where_attention_looks() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    x = np.random.default_rng(0).normal(size=(1, 4, 6)).astype("float32")
    _, expected = layer(x, x, return_attention_scores=True)
    steps = trace(layer, x, value=x)
    (weights,) = steps.root.notes["attention"]
    np.testing.assert_allclose(weights.array, expected, rtol=1e-5)


# -- formulas ----------------------------------------------------------------------------------------------------


def formula_of(layer: Any, *shapes: Any, **arguments: Any) -> list[str]:
    inputs = [np.random.default_rng(0).normal(size=(1, *shape)).astype("float32") for shape in shapes]
    return trace(layer, inputs[0] if len(inputs) == 1 else inputs, **arguments).root.formula


def test_formulas_as_one_would_write_them_down() -> None:
    assert formula_of(layers.Dense(3, activation="relu"), (4,)) == ["y = relu(x @ kernel + bias)"]
    assert formula_of(layers.Conv2D(3, 2), (4, 4, 1)) == ["y = conv(x, kernel) + bias"]
    assert formula_of(layers.Rescaling(0.5, -1.0), (4,)) == ["y = x * 0.5 + -1"]
    assert formula_of(layers.Multiply(), (4,), (4,)) == ["y = x1 * x2"]
    assert formula_of(layers.Subtract(), (4,), (4,)) == ["y = x1 - x2"]
    assert formula_of(layers.Dropout(0.5), (4,)) == ["y = x"]
    assert formula_of(layers.Attention(), (2, 3), (4, 3)) == [
        "attention = softmax(x1 @ transpose(x2, (0, 2, 1)))",
        "y = attention @ x2",
    ]


def test_the_formula_of_a_loop_is_that_of_its_last_turn() -> None:
    assert formula_of(layers.SimpleRNN(2), (3, 4)) == [
        "t1 = transpose(x, (1, 0, 2)) @ kernel + bias",
        "h = tanh(t1[2] + h_before @ recurrent_kernel)",
    ]
    lines = formula_of(layers.LSTM(2), (3, 4))
    assert lines[2:] == [
        "i = sigmoid(t2[..., 0:2])",
        "f = sigmoid(t2[..., 2:4])",
        "a = tanh(t2[..., 4:6])",
        "o = sigmoid(t2[..., 6:8])",
        "c = f * c_before + i * a",
        "h = o * tanh(c)",
    ]


@pytest.mark.parametrize("name", FIRST_ROWS.values(), ids=FIRST_ROWS)
def test_every_layer_can_be_traced(name: str) -> None:
    case = CASES[name]
    inputs, more = draw(case)
    layer = made(layers, case.layer, case.config)
    layer(inputs, **more)
    more = {key: value for key, value in more.items() if key != "training"}
    expected = list(leaves(layer(inputs, training=False, **more)))
    steps = trace(layer, inputs, gradients=False, **more)
    for found, wanted in zip(steps.root.outputs, expected, strict=True):
        np.testing.assert_allclose(found, value_of(wanted), rtol=1e-4, atol=1e-5)
    assert steps.root.formula
    assert all(" = " in line and "Tensor" not in line and "<" not in line for line in steps.root.formula)
    assert json.loads(steps.to_json())["class"] == case.layer


# -- telling -----------------------------------------------------------------------------------------------------


def test_the_table(digits: Sequential, image: np.ndarray) -> None:
    lines = str(trace(digits, image)).splitlines()
    assert lines[0].split() == ["step", "shapes", "formula", "weights", "ms", "output", "gradient"]
    assert lines[2].startswith("edges  (2, 8, 8, 1) -> (2, 6, 6, 4)  y = relu(conv(x, kernel) + bias)")
    assert len(lines) == 2 + 4 + 2


def test_json_tells_all_and_numbers_that_are_not_finite_are_null(tmp_path: Path) -> None:
    model = Sequential([Input((2,)), layers.Rescaling(2.0, name="twice")])
    found = json.loads(trace(model, np.array([[1.5, np.inf]], "float32"), gradients=False).to_json(tmp_path / "t.json"))
    assert json.loads((tmp_path / "t.json").read_text()) == found
    (step,) = found["steps"]
    assert step["name"] == "twice"
    assert step["inputs"]["x"]["values"] == [1.5, None]
    assert step["outputs"][0]["values"] == [3.0, None]
    assert [operation["name"] for operation in step["operations"]] == ["multiply", "add"]


def test_the_page_stands_alone_and_escapes_names(image: np.ndarray, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    model = Sequential([Input((8, 8, 1)), layers.Conv2D(2, 3, name=evil), layers.Flatten(), layers.Dense(2)], name=evil)
    trace(model, image).to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert evil not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.slow
def test_the_page_works_in_a_browser(digits: Sequential, image: np.ndarray, browser: Any, tmp_path: Path) -> None:
    trace(digits, image).to_html(tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    assert browser.title == "digits, step by step"
    decoded = "const done = arguments[0]; Promise.all([...document.images].map(image => { image.loading = 'eager'; "
    decoded += "return image.decode(); })).then(() => done(true), error => done(String(error)));"
    assert browser.execute_async_script(decoded) is True

    def shown() -> list[str]:
        return [each.text for each in browser.find_elements("css selector", "article h4") if each.is_displayed()]

    assert shown() == ["edges", "pool", "flat", "digit"]
    browser.find_element("css selector", ".find input").send_keys("pool")
    assert shown() == ["pool"]
    browser.execute_script("location.hash = 'step0-3'")
    assert "digit" in shown(), "a link shows its step even where the search had hidden it"
    narrow = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
    assert not browser.get_log("browser")


@pytest.mark.slow
def test_chapters_open_where_a_link_leads(digits: Sequential, image: np.ndarray, browser: Any, tmp_path: Path) -> None:
    from firstlight.engine.trace_page import Chapter, page

    steps = trace(digits, image)
    chapters = [Chapter(f"part {n}", steps, "A word.", numbers={"a": 0.5, "b": 0.25}) for n in range(2)]
    (tmp_path / "page.html").write_text(page("two", chapters, "lead"), encoding="utf-8")
    browser.get((tmp_path / "page.html").as_uri() + "#step1-2")
    articles = browser.find_elements("css selector", "article")
    assert [each.is_displayed() for each in articles] == [False] * 4 + [True] * 4
    assert len(browser.find_elements("link text", "Its weights")) == 2, "weights are shown once, then linked"
    assert not browser.get_log("browser")

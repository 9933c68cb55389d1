"""The meeting place: what Keras wrote opens here without Keras, what is written here opens in Keras; and bad files."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from firstlight import engine
from firstlight.engine import layers
from firstlight.engine.functional import Input
from firstlight.engine.model import Model, Sequential
from firstlight.errors import FirstlightError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


def small() -> Sequential:
    return Sequential([Input((4,)), layers.Dense(3, activation="relu"), layers.BatchNormalization(), layers.Dense(2)])


def branched() -> Model:
    a, b = Input((3, 2), name="a"), Input((2,), name="b")
    shared = layers.Dense(4, activation="gelu", name="shared")
    inner_input = Input((None, 4))
    inner = Model(inner_input, layers.LayerNormalization()(inner_input), name="inner")
    x = layers.Add()([inner(shared(a)), layers.Reshape((1, 4))(shared(b))])
    return Model({"a": a, "b": b}, {"out": layers.Dense(1)(layers.Flatten()(x)), "middle": x})


def randomized(model: Any) -> Any:
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 1.0, w.shape) for w in model.get_weights()])
    return model


def arrays(model: Any) -> Any:
    random = np.random.default_rng(1)
    made = {x.node.layer.name: random.normal(size=(5, *x.shape[1:])).astype("float32") for x in model.inputs}
    return made if len(made) > 1 else next(iter(made.values()))


@pytest.mark.parametrize("make", [small, branched])
def test_there_and_back(make: Callable[[], Any], tmp_path: Path) -> None:
    import keras

    model = randomized(make())
    x = arrays(model)
    expected = model.predict(x)
    model.save(tmp_path / "ours.keras")
    theirs = keras.models.load_model(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    for given in (theirs.predict(x, verbose=0), engine.load(tmp_path / "theirs.keras").predict(x)):
        for name in expected if isinstance(expected, dict) else [...]:
            np.testing.assert_allclose(given[name], expected[name], rtol=1e-5, atol=1e-6)


def test_weights_alone(tmp_path: Path) -> None:
    import keras

    model = randomized(small())
    model.save_weights(tmp_path / "x.weights.h5")
    model.save(tmp_path / "x.keras")
    theirs = keras.models.load_model(tmp_path / "x.keras")
    theirs.set_weights([w * 0 for w in theirs.get_weights()])
    theirs.load_weights(tmp_path / "x.weights.h5")
    other = small()
    other.load_weights(tmp_path / "x.weights.h5")
    for mine, ours, keras_weight in zip(model.get_weights(), other.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, ours)
        np.testing.assert_array_equal(mine, keras_weight)


def test_operations_on_symbols_are_read(tmp_path: Path) -> None:
    import keras

    x = keras.Input((4,))
    y = keras.ops.softmax(keras.ops.log(keras.ops.mean(keras.ops.stack([x * 2.0, x + 1.0]), axis=0) + 1e-6), axis=-1)
    theirs = keras.Model(x, y[:, 1:])
    theirs.save(tmp_path / "x.keras")
    values = np.random.default_rng(0).uniform(1, 2, (3, 4)).astype("float32")
    np.testing.assert_allclose(
        engine.load(tmp_path / "x.keras").predict(values), theirs.predict(values, verbose=0), rtol=1e-5
    )


def test_keras_is_not_needed(tmp_path: Path) -> None:
    model = randomized(branched())
    model.save(tmp_path / "x.keras")
    np.savez(tmp_path / "x.npz", **arrays(model))
    program = (
        "import sys\n"
        "for name in ('keras', 'tensorflow', 'jax', 'torch'): sys.modules[name] = None\n"
        "import numpy as np\n"
        "from firstlight import engine\n"
        f"model = engine.load({str(tmp_path / 'x.keras')!r})\n"
        f"print(repr(model.predict(dict(np.load({str(tmp_path / 'x.npz')!r})))['out'].tolist()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), model.predict(arrays(model))["out"], rtol=1e-5)


# -- bad files ---------------------------------------------------------------------------------------------------


def rewritten(
    path: Path,
    config: Callable[[dict[str, Any]], Any] | None = None,
    weights: Callable[[h5py.File], None] | None = None,
    leave_out: str = "",
    compression: int = zipfile.ZIP_STORED,
    padding: int = 0,
) -> Path:
    """A small saved model with something changed in it."""
    small().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != leave_out}
    if config is not None:
        held = json.loads(members["config.json"])
        changed = config(held)
        members["config.json"] = changed if isinstance(changed, bytes) else json.dumps(held).encode()
    if weights is not None:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            weights(file)
        members["model.weights.h5"] = buffer.getvalue()
    if padding:
        members["model.weights.h5"] += b"\0" * padding
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def layer(config: dict[str, Any], number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = config["config"]["layers"][number]
    return found


def refused(path: Path, message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        engine.load(path)


def test_an_unknown_layer_names_those_that_are_known(tmp_path: Path) -> None:
    path = rewritten(tmp_path / "x.keras", lambda c: layer(c).update(class_name="Dence"))
    refused(path, r"a layer that can be read: .*Dense.*Received 'Dence'\. Did you mean 'Dense'")
    path = rewritten(tmp_path / "x.keras", lambda c: layer(c).update(class_name="Lambda"))
    refused(path, "Received 'Lambda'. Its function would have to be run")
    path = rewritten(tmp_path / "x.keras", lambda c: layer(c)["config"].update(surprise=3))
    refused(path, "Received surprise=3")


@pytest.mark.parametrize(
    "change",
    [
        lambda c: layer(c)["config"].update(units=[3]),
        lambda c: layer(c)["config"].update(dtype=["float32"]),
        lambda c: layer(c)["config"].update(kernel_initializer={"class_name": ["x"], "config": {}}),
        lambda c: layer(c, 0)["config"].pop("batch_shape"),
        lambda c: c["config"].update(layers={"a": 3}),
        lambda c: layer(c).update(shared_object_id=[1]),
        lambda c: c.update(class_name="Functional"),
    ],
)
def test_a_description_of_which_nothing_can_be_made(change: Callable[[dict[str, Any]], Any], tmp_path: Path) -> None:
    refused(rewritten(tmp_path / "x.keras", lambda c: change(c) and None), "Expected")


def test_arrays_in_a_description_hold_numbers(tmp_path: Path) -> None:
    model = branched()
    model.save(tmp_path / "x.keras")
    with zipfile.ZipFile(tmp_path / "x.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    call = next(each["inbound_nodes"][0] for each in config["config"]["layers"] if each["inbound_nodes"])
    text = {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "U10000000"}}
    call["kwargs"]["mask"] = text
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    refused(tmp_path / "x.keras", "an array of numbers in a description. Received 'U10000000'")


def test_more_weights_than_the_file_has_are_not_made(tmp_path: Path) -> None:
    path = rewritten(tmp_path / "x.keras", lambda c: layer(c)["config"].update(units=10**10))
    refused(path, "Expected a description of as many weights as x.keras holds")


def test_a_file_that_swells_is_not_unpacked(tmp_path: Path) -> None:
    refused(
        rewritten(tmp_path / "x.keras", compression=zipfile.ZIP_DEFLATED, padding=50 << 20), "packed by at most 100"
    )


def test_what_is_no_keras_file(tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("hello")
    refused(tmp_path / "text.keras", r"Expected a \.keras file\. Received .*text\.keras, which is damaged or none")
    refused(tmp_path / "nowhere.keras", "Expected a file")
    refused(
        rewritten(tmp_path / "x.keras", leave_out="config.json"), r"with config\.json\. Received .*which holds metadata"
    )
    refused(rewritten(tmp_path / "x.keras", leave_out="model.weights.h5"), r"with model\.weights\.h5")
    refused(rewritten(tmp_path / "x.keras", lambda c: b"[" * 100_000), "Expected JSON")
    refused(rewritten(tmp_path / "x.keras", lambda c: b'{"class_name": 3, "config": {}}'), "the description of a layer")
    path = rewritten(tmp_path / "x.keras")
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, "damaged or none")
    path = rewritten(tmp_path / "x.keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content[:300] if name.endswith("h5") else content)
    refused(path, "Expected weights in HDF5|as many weights")


def test_weights_of_another_model(tmp_path: Path) -> None:
    def other_shape(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.zeros((4, 4))

    def less(file: h5py.File) -> None:
        del file["layers/dense/vars/1"]

    def gone(file: h5py.File) -> None:
        del file["layers/dense_1"]

    refused(
        rewritten(tmp_path / "x.keras", weights=other_shape), r"kernel of dense\S* of shape \(4, 3\).*Received \(4, 4\)"
    )
    refused(rewritten(tmp_path / "x.keras", weights=less), r"Expected 2 weights of dense\S* in x\.keras\. Received 1")
    refused(rewritten(tmp_path / "x.keras", weights=gone), "Expected /layers/dense_1 among the weights")


def test_weights_must_lie_in_the_file_itself(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.zeros((4, 3))

    def external_link(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(secret), "kernel")

    def external_storage(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        raw = [(str(tmp_path / "text.keras"), 0, 96)]
        file["layers/dense/vars"].create_dataset("0", (4, 3), "f8", external=raw)

    def soft_link(file: h5py.File) -> None:
        del file["layers/dense"]
        file["layers/dense"] = h5py.SoftLink("/layers")

    for change in (external_link, external_storage):
        refused(rewritten(tmp_path / "x.keras", weights=change), "Expected a plain array")
    refused(rewritten(tmp_path / "x.keras", weights=soft_link), "Expected /layers/dense among the weights")


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    class Own(Model):
        def call(self, inputs: Any, /) -> Any:
            return inputs

    with pytest.raises(FirstlightError, match=r"ends in \.keras"):
        small().save(tmp_path / "x.h5")
    with pytest.raises(FirstlightError, match="a subclass, whose code a file cannot hold"):
        Own().save(tmp_path / "x.keras")
    with pytest.raises(FirstlightError, match="which a file cannot hold"):
        Sequential([Input((2,)), layers.Dense(1, activation=lambda x: x)]).save(tmp_path / "x.keras")
    assert list(tmp_path.iterdir()) == []

"""Features on disk: right values in the right order, through kills, duplicates, broken files and several processes."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from firstlight.data.images import read
from firstlight.errors import FirstlightError
from firstlight.systems.fast_inference import choose, compile_encoder, fold_batch_normalization
from firstlight.systems.feature_store import FeatureStore
from firstlight.systems.features import MAXIMUM_VIEWS, extract, make_views
from firstlight.systems.small_cnn import small_cnn

ROOT = Path(__file__).resolve().parents[2]
SIZE = 32
SMALL = """
    import sys
    import keras, numpy as np
    from firstlight.systems.features import extract
    images = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    encoder = keras.Model(images, keras.layers.AveragePooling2D(8)(x), name="average")
    pixels = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
"""


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    """An encoder whose features are known: the mean colour of each eighth of the picture."""
    images = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    return keras.Model(images, keras.layers.AveragePooling2D(8)(x), name="average")


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A network with batch normalization whose statistics are not the initial ones."""
    keras.utils.set_random_seed(0)
    model = small_cnn(SIZE)
    generator = np.random.default_rng(0)
    model.set_weights([array + generator.uniform(0, 0.2, array.shape) for array in model.get_weights()])
    return model


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Twelve small picture files of different sizes."""
    generator = np.random.default_rng(0)
    paths = []
    for number in range(12):
        pixels = generator.integers(0, 256, (20 + number, 40, 3), dtype=np.uint8)
        paths.append(str(tmp_path / f"{number:02}.png"))
        Image.fromarray(pixels).save(paths[-1])
    return paths


def expected(image: np.ndarray) -> np.ndarray:
    return (image.reshape(4, 8, 4, 8, 3).mean((1, 3)) / 255).astype(np.float16)


def run(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SMALL) + textwrap.dedent(code), *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("engine", ["keras", "tensorflow"])
def test_features_are_the_encoders_output(encoder: keras.Model, photos: list[str], engine: str) -> None:
    if engine != "keras" and keras.backend.backend() != "tensorflow":
        pytest.skip("needs KERAS_BACKEND=tensorflow")
    features = extract(photos, encoder, SIZE, engine=engine, batch_size=5)
    assert features.shape == (1, 4, 4, 3)
    assert len(features) == 12
    grids = features.read([7, 0, 7])
    assert grids.dtype == np.float16
    wanted = np.stack([expected(read(photos[row], SIZE)) for row in (7, 0, 7)])
    np.testing.assert_allclose(grids.astype(float), wanted.astype(float), atol=1e-3)


def test_second_call_computes_nothing(encoder: keras.Model, photos: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = extract(photos[:8], encoder, SIZE, engine="keras")
    told: list[tuple[int, int, str]] = []
    extract(photos, encoder, SIZE, engine="keras", batch_size=2, progress=lambda *values: told.append(values))
    assert told == [(10, 12, "keras, float32"), (12, 12, "keras, float32"), (12, 12, "keras, float32")]
    monkeypatch.setattr("firstlight.systems.features.compile_encoder", None)
    again = extract(photos[::-1], encoder, SIZE, engine="keras")
    np.testing.assert_array_equal(again.read(range(4, 12)), first.read(range(8))[::-1])


def test_key_holds_content_encoder_fit_and_views(encoder: keras.Model, photos: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "features"
    extract(photos[:2], encoder, SIZE, folder=folder, engine="keras")
    before = extract([photos[0]], encoder, SIZE, folder=folder, engine="keras").read([0])
    Image.new("RGB", (40, 40), "white").save(photos[0])
    after = extract([photos[0]], encoder, SIZE, folder=folder, engine="keras").read([0])
    assert np.abs(after - 1).max() < 1e-3 < np.abs(before - 1).max()
    assert len(list(folder.iterdir())) == 1
    other = keras.Model(encoder.inputs, keras.layers.Rescaling(2.0)(encoder.outputs[0]), name="average")
    assert (extract([photos[0]], other, SIZE, folder=folder, engine="keras").read([0]) > 1.9).all()
    extract(photos[:1], encoder, SIZE, folder=folder, engine="keras", fit="crop")
    extract(photos[:1], encoder, SIZE, folder=folder, engine="keras", views=2)
    assert len(list(folder.iterdir())) == 4


def test_folder_is_readable(encoder: keras.Model, photos: list[str], tmp_path: Path) -> None:
    extract([*photos, photos[3]], encoder, SIZE, folder=tmp_path / "features", engine="keras")
    (folder,) = (tmp_path / "features").iterdir()
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["shape"] == [1, 4, 4, 3]
    assert (settings["size"], settings["fit"], settings["engine"]) == (SIZE, "squash", "keras")
    assert len((folder / "keys.txt").read_text().splitlines()) == 12
    records = np.fromfile(folder / "grids.float16", np.float16).reshape(12, 1, 4, 4, 3)
    np.testing.assert_allclose(records[5, 0], expected(read(photos[5], SIZE)), atol=1e-3)


def test_same_image_is_stored_once(encoder: keras.Model) -> None:
    image = np.full((SIZE, SIZE, 3), 51, np.uint8)
    features = extract([image, image + 51, image.copy()], encoder, SIZE, engine="keras", batch_size=2)
    assert len(features) == 3
    assert len(features.store) == 2
    np.testing.assert_allclose(features.read([0, 1, 2])[:, 0, 0, 0], [0.2, 0.4, 0.2], atol=1e-3)


def test_broken_images_are_passed_over(encoder: keras.Model, photos: list[str], tmp_path: Path) -> None:
    broken, missing = tmp_path / "broken.jpg", str(tmp_path / "missing.jpg")
    broken.write_bytes(b"not an image")
    images = [photos[0], str(broken), photos[1], missing, str(broken), photos[2]]
    features = extract(images, encoder, SIZE, engine="keras", batch_size=2)
    assert features.rows.tolist() == [0, 2, 5]
    assert [problem.file for problem in features.problems] == [str(broken), missing, str(broken)]
    np.testing.assert_allclose(features.read([2])[0], expected(read(photos[2], SIZE)), atol=1e-3)
    with pytest.raises(FirstlightError, match=r"broken\.jpg"):
        extract(images, encoder, SIZE, engine="keras", on_error="raise")
    assert len(extract([str(broken)], encoder, SIZE, engine="keras")) == 0


def test_views_are_mirrors_and_crops(encoder: keras.Model, photos: list[str]) -> None:
    image = read(photos[0], SIZE)
    versions = make_views(image, MAXIMUM_VIEWS)
    assert versions.shape == (MAXIMUM_VIEWS, SIZE, SIZE, 3)
    np.testing.assert_array_equal(versions[0], image)
    np.testing.assert_array_equal(versions[1::2], versions[::2, :, ::-1])
    assert len({version.tobytes() for version in versions}) == MAXIMUM_VIEWS
    np.testing.assert_array_equal(make_views(image, 3), versions[:3])
    features = extract(photos, encoder, SIZE, views=4, engine="keras", batch_size=8)
    grids = features.read([0, 0, 3], views=[1, 2, 0])
    np.testing.assert_allclose(grids[0], expected(versions[1]), atol=1e-3)
    np.testing.assert_allclose(grids[1], expected(versions[2]), atol=1e-3)
    np.testing.assert_array_equal(grids[2], features.read([3])[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 48}, "Expected an encoder of images"),
        ({"views": 13}, "Expected 1 to 12 views"),
        ({"engine": "openvno"}, "Did you mean 'openvino'"),
        ({"precision": "half"}, "Expected precision"),
        ({"on_error": "ignore"}, "Expected on_error"),
        ({"fit": "stretch"}, "Expected fit"),
    ],
)
def test_wrong_settings(encoder: keras.Model, photos: list[str], change: dict[str, object], message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        extract(photos, encoder, **{"size": SIZE, "engine": "keras", **change})


def test_wrong_rows(encoder: keras.Model, photos: list[str]) -> None:
    features = extract(photos, encoder, SIZE, engine="keras")
    with pytest.raises(FirstlightError, match="from 0 to 11"):
        features.read([12])
    with pytest.raises(FirstlightError, match="views from 0 to 0"):
        features.read([0], views=[1])


def test_infinite_features_are_refused(encoder: keras.Model, photos: list[str]) -> None:
    large = keras.Model(encoder.inputs, keras.layers.Rescaling(1e6)(encoder.outputs[0]))
    with pytest.raises(FirstlightError, match="range of float16"):
        extract(photos, large, SIZE, engine="keras")


def test_half_written_records_are_cut_off(tmp_path: Path) -> None:
    grids = np.arange(24, dtype=np.float16).reshape(4, 1, 2, 3)
    keys = [bytes([number]) * 32 for number in range(4)]
    FeatureStore(tmp_path, (1, 2, 3), {"size": 1}).append(keys[:3], grids[:3])
    with open(tmp_path / "grids.float16", "ab") as file:
        file.write(b"half")
    with open(tmp_path / "keys.txt", "ab") as file:
        file.write(b"0a0b")
    store = FeatureStore(tmp_path, (1, 2, 3), {"size": 1})
    assert len(store) == 3
    store.append(keys, grids)
    np.testing.assert_array_equal(store.read([3, 0], [0, 0]), grids[[3, 0], 0])
    with pytest.raises(FirstlightError, match="same size"):
        FeatureStore(tmp_path, (1, 2, 3), {"size": 2})


@pytest.mark.slow
def test_two_processes_at_once_one_of_them_killed(tmp_path: Path, encoder: keras.Model) -> None:
    code = """
        import time
        slow = lambda done, count, text: (print(done, flush=True), time.sleep(0.01))
        order = list(pixels if sys.argv[2] == "forward" else pixels[::-1])
        extract(order, encoder, 32, folder=sys.argv[1], engine="keras", batch_size=4, progress=slow)
    """
    folder = tmp_path / "features"
    victim, other = run(code, str(folder), "forward"), run(code, str(folder), "backward")
    assert victim.stdout is not None
    while int(victim.stdout.readline()) < 20:
        pass
    victim.kill()
    victim.communicate()
    (place,) = folder.iterdir()
    _, errors = other.communicate()
    assert other.returncode == 0, errors
    pixels = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    keys = (place / "keys.txt").read_text().splitlines()
    assert len(keys) == len(set(keys)) == 200
    features = extract(list(pixels), encoder, SIZE, folder=folder, engine="keras")
    assert len(list(folder.iterdir())) == 1
    np.testing.assert_allclose(features.read(range(200)), [expected(image) for image in pixels], atol=1e-3)


@pytest.mark.slow
def test_killed_process_resumes(tmp_path: Path, encoder: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
        import os, signal
        kill = lambda done, count, text: os.kill(os.getpid(), signal.SIGKILL) if done >= 100 else None
        extract(list(pixels), encoder, 32, folder=sys.argv[1], engine="keras", batch_size=4, progress=kill)
    """
    process = run(code, str(tmp_path))
    process.communicate()
    assert process.returncode == -9
    pixels = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    computed = []
    original = FeatureStore.append
    monkeypatch.setattr(
        FeatureStore, "append", lambda store, keys, grids: computed.extend(keys) or original(store, keys, grids)
    )
    features = extract(list(pixels), encoder, SIZE, folder=tmp_path, engine="keras")
    assert len(computed) == 100
    np.testing.assert_allclose(features.read(range(200)), [expected(image) for image in pixels], atol=1e-3)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    code = """
        import resource
        class Many:
            def __init__(self, count): self.count = count
            def __len__(self): return self.count
            def __getitem__(self, row):
                image = np.zeros((32, 32, 3), np.uint8); image[0, 0] = row % 256, row // 256, 7
                return image
        wide = keras.Model(images, keras.layers.Reshape((8, 8, 48))(x), name="wide")
        def peak(count):
            features = extract(Many(count), wide, 32, folder=sys.argv[1], engine="keras", batch_size=256)
            generator = np.random.default_rng(0)
            for _ in range(50): features.read(generator.integers(0, count, 64))
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(peak(1000), peak(12000))
    """
    pytest.importorskip("resource")
    process = run(code, str(tmp_path))
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    few, many = map(int, output.split())
    written = sum(file.stat().st_size for file in tmp_path.rglob("grids.float16")) // 2**20
    assert written >= 70
    assert many - few < 25, f"{many - few} MB more for {written} MB of features"


@pytest.mark.slow
def test_jax_extracts_the_same(tmp_path: Path, encoder: keras.Model) -> None:
    pytest.importorskip("jax")
    code = """
        from firstlight.systems.backbones import build
        assert keras.backend.backend() == "jax"
        features = extract(list(pixels[:10]), encoder, 32, folder=sys.argv[1], batch_size=4)
        assert features.engine == "keras"
        np.save(sys.argv[1] + "/jax.npy", features.read(range(10)))
        keras.utils.set_random_seed(0)
        grid = build("vgg16", 32, None).predict_on_batch(pixels[:1])
        assert grid.shape == (1, 1, 1, 512) and np.isfinite(grid).all()
    """
    process = run(code, str(tmp_path), KERAS_BACKEND="jax")
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    pixels = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)[:10]
    np.testing.assert_allclose(np.load(tmp_path / "jax.npy"), [expected(image) for image in pixels], atol=1e-3)


def test_folding_changes_no_value(network: keras.Model) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    folded = fold_batch_normalization(network)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)
    wanted = network.predict_on_batch(images)
    np.testing.assert_allclose(folded.predict_on_batch(images), wanted, atol=1e-5 * wanted.max())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="needs KERAS_BACKEND=tensorflow")
@pytest.mark.parametrize(
    ("engine", "precision", "largest", "norm"),
    [
        ("keras", "float32", 0, 0),
        ("tensorflow", "float32", 1e-4, 1e-5),
        ("openvino", "float32", 1e-3, 1e-4),
        ("openvino", "bfloat16", 1, 0.1),
    ],
)
def test_engines_agree(shared: Path, engine: str, precision: str, largest: float, norm: float) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    from firstlight.systems.backbones import build

    encoder = build("mobilenet_v2", 96, shared / "data/weights/mobilenet_v2_1.0_224_imagenet_no_top.h5")
    archive = shared / "data/flickr8k/images_dev.zip/Images"
    names = (shared / "data/flickr8k/Flickr_8k.devImages.txt").read_text().split()[:10]
    images = np.stack([read(archive / name, 96) for name in names])
    wanted = encoder.predict_on_batch(images)
    runner = compile_encoder(encoder, engine, precision, dtype="float32")
    assert (runner.engine, runner.precision) == (engine, precision)
    grids = runner(images)
    assert np.abs(grids - wanted).max() <= largest * wanted.max()
    assert np.linalg.norm(grids - wanted) <= norm * np.linalg.norm(wanted)
    np.testing.assert_allclose(runner(images[:3]), grids[:3], atol=1e-4)


def test_choice_of_engine() -> None:
    engine, precision = choose("auto")
    assert engine in ("keras", "tensorflow", "openvino")
    assert precision == "float32" or engine == "openvino"
    with pytest.raises(FirstlightError, match="only the engine"):
        choose("keras", "bfloat16")


def test_reading_is_quick(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, (2, 7, 7, 1280), {})
    generator = np.random.default_rng(0)
    grids = generator.random((64, 2, 7, 7, 1280), np.float32).astype(np.float16)
    store.append([generator.bytes(32) for _ in range(64)], grids)
    rows, views = generator.permutation(64), generator.integers(0, 2, 64)
    began = time.perf_counter()
    read_back = store.read(rows, views)
    assert time.perf_counter() - began < 0.5  # 8 MB; about 3 ms on an idle machine
    np.testing.assert_array_equal(read_back, grids[rows, views])

"""Encoders: equal to keras.applications with its own preprocessing, weights from any file, opened by plain Keras."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems import backbones
from firstlight.systems.backbones import BACKBONES, build, fingerprint, names
from firstlight.systems.small_cnn import small_cnn

SIZE = 64

# Keras writes its variables through a call that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3)).astype("float32")


def plain(name: str) -> keras.Model:
    """The application as Keras gives it, with weights that make every layer matter."""
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, BACKBONES[name][0])(
        weights=None, include_top=False, input_shape=(SIZE, SIZE, 3)
    )
    generator = np.random.default_rng(1)
    model.set_weights(
        [
            array + generator.uniform(0, 0.2, array.shape).astype("float32") if array.ndim == 1 else array
            for array in model.get_weights()
        ]
    )
    return model


def test_names_are_those_of_keras() -> None:
    functions = {name for name in vars(keras.applications) if name[0].isupper()}
    assert {application for application, _ in BACKBONES.values()} == functions
    assert names() == sorted(BACKBONES)


def test_unknown_name() -> None:
    with pytest.raises(FirstlightError, match="Did you mean 'mobilenet_v2'"):
        build("mobilenetv2")


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("mobilenet_v2", "mobilenet_v2"),
        ("mobilenet_v3_small", "mobilenet_v3"),
        ("vgg16", "vgg16"),
        ("convnext_tiny", "convnext"),
        ("densenet121", "densenet"),
    ],
)
def test_equals_the_application_and_opens_in_plain_keras(
    name: str, module: str, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = plain(name)
    monkeypatch.setattr(backbones, "_network", lambda *arguments: original)
    encoder = build(name, SIZE, None)
    preprocess = getattr(keras.applications, module).preprocess_input
    wanted = original(preprocess(images.copy()), training=False)
    grid = encoder(images, training=False)
    np.testing.assert_allclose(grid, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))

    encoder.save(tmp_path / "encoder.keras")
    opened = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_allclose(opened(images, training=False), grid, atol=1e-5 * max(1, np.abs(wanted).max()))
    assert fingerprint(opened) == fingerprint(encoder)
    modules = {type(layer).__module__ for layer in opened.layers}
    assert all(module.startswith(("keras.src.layers", "keras.src.models", "keras.src.ops")) for module in modules), (
        modules
    )


def test_file_with_and_without_classifier(shared: Path, images: np.ndarray) -> None:
    folder = shared / "data/weights"
    encoder = build("mobilenet_v2", SIZE, folder / "mobilenet_v2_1.0_224_imagenet_no_top.h5")
    other = build("mobilenet_v2", SIZE, str(folder / "mobilenet_v2_1.0_224_imagenet.h5"))
    assert fingerprint(encoder) == fingerprint(other)
    original = keras.applications.MobileNetV2(
        weights=str(folder / "mobilenet_v2_1.0_224_imagenet_no_top.h5"), include_top=False, input_shape=(SIZE, SIZE, 3)
    )
    wanted = original(images / 127.5 - 1, training=False)
    np.testing.assert_allclose(encoder(images, training=False), wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_own_files(suffix: str, tmp_path: Path) -> None:
    original = plain("mobilenet")
    path = tmp_path / f"network{suffix}"
    (original.save_weights if suffix == ".weights.h5" else original.save)(path)
    for mine, theirs in zip(build("mobilenet", SIZE, path).get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    build("mobilenet", SIZE, path).save(tmp_path / "ours.keras")
    assert fingerprint(build("mobilenet", SIZE, tmp_path / "ours.keras")) == fingerprint(build("mobilenet", SIZE, path))


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match="is no file"):
        build("mobilenet", SIZE, tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(FirstlightError, match="does not fit"):
        build("mobilenet", SIZE, tmp_path / "text.h5")
    small_cnn(SIZE).save(tmp_path / "small.keras")
    with pytest.raises(FirstlightError, match="does not fit"):
        build("mobilenet", SIZE, tmp_path / "small.keras")
    with pytest.raises(FirstlightError, match="at least 32x32"):
        build("mobilenet", 16, None)


def test_imagenet_from_the_cache_of_keras(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))  # what KERAS_HOME sets before the start
    (tmp_path / "models").mkdir()
    source = shared / "data/weights/mobilenet_v2_1.0_224_imagenet_no_top.h5"
    shutil.copy(source, tmp_path / "models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5")
    assert fingerprint(build("mobilenet_v2", 224)) == fingerprint(build("mobilenet_v2", 224, source))


def test_no_download_names_the_file_and_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise Exception("URL fetch failure on https://example.org/models/vgg16_notop.h5: None -- no network")

    monkeypatch.setattr(keras.applications, "VGG16", refuse)
    with pytest.raises(
        FirstlightError, match=r"Put the file vgg16_notop\.h5 into .*models, or pass its path: --weights"
    ):
        build("vgg16")


def test_efficientnet_file_gets_the_scaling_of_imagenet(images: np.ndarray, tmp_path: Path) -> None:
    """Keras adds a scaling only for weights="imagenet"; here that network is rebuilt around the same weights."""
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    original = plain("efficientnet_b0")
    original.get_layer(index=2).set_weights([mean, deviation**2, np.array(0)])
    original.save_weights(tmp_path / "b0.weights.h5")
    encoder = build("efficientnet_b0", SIZE, tmp_path / "b0.weights.h5")
    after = keras.Model(encoder.input, encoder.get_layer(index=3).output)
    wanted = (images / 255 - mean) / deviation / np.sqrt(deviation)
    np.testing.assert_allclose(after(images), wanted, atol=1e-5 * np.abs(wanted).max())


def test_fingerprint_sees_weights_and_settings_but_no_names() -> None:
    first, second = small_cnn(SIZE), small_cnn(SIZE)
    assert fingerprint(first) != fingerprint(second)
    second.set_weights(first.get_weights())
    assert fingerprint(first) == fingerprint(second)
    assert fingerprint(small_cnn(72)) != fingerprint(first)
    keras.utils.set_random_seed(0)
    unnamed = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    keras.utils.set_random_seed(0)
    again = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    assert unnamed.layers[0].name != again.layers[0].name
    assert fingerprint(unnamed) == fingerprint(again)

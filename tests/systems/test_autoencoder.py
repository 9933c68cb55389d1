"""The autoencoder: learns, resumes to the same weights, opens in the engine; the linear one is principal components."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from firstlight import data, engine, metrics, systems
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import Autoencoder
from firstlight.systems.autoencoder_judging import judge_paths
from firstlight.systems.autoencoder_networks import AutoencoderPlan, begin_from, build_decoder, build_encoder
from firstlight.systems.autoencoder_pictures import codes_of, drawn, spread_of
from firstlight.systems.autoencoder_refining import Refiner
from firstlight.systems.autoencoder_training import Aim
from firstlight.systems.pictures import Pictures
from firstlight.systems.system import Silent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
CONV = {"architecture": "conv", "code": 6, "width": 4, "batch_size": 32, "precision": "float32"}


def split_of(images: Any, name: str = "train") -> Split:
    return Split(name, {"names": [f"{name}-{number}" for number in range(len(images))], "images": list(images)})


@pytest.fixture(scope="module")
def digits() -> Any:
    return data.load("digits", task="images")


@pytest.fixture(scope="module")
def variational(digits: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Autoencoder, Path]:
    """A dense variational one, for which a few seconds are enough."""
    folder = tmp_path_factory.mktemp("variational")
    autoencoder = Autoencoder(code=12, width=128, depth=2, variational=True)
    autoencoder.fit(digits.train, epochs=24, folder=folder)
    return autoencoder, folder


@pytest.fixture(scope="module")
def convolutional(digits: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Autoencoder, Path]:
    """A small convolutional one that takes noise away."""
    folder = tmp_path_factory.mktemp("convolutional")
    autoencoder = Autoencoder(**{**CONV, "code": 20}, noise="gaussian", noise_strength=0.2, learning_rate=5e-3)
    autoencoder.fit(digits.train.take(range(800)), epochs=4, folder=folder)
    return autoencoder, folder


# -- what it learns ------------------------------------------------------------------------------------------------


def test_it_loses_less_than_principal_components(variational: Any, digits: Any) -> None:
    autoencoder, _ = variational
    report = autoencoder.evaluate(digits.test)
    assert report["ratio_to_pca"] < 0.9
    low, high = report["intervals"]["ratio_to_pca"]
    assert low < report["ratio_to_pca"] < high < 1
    pictures = np.stack(digits.test.images)[..., None] / 255
    peer = PCA(12).fit(np.stack(autoencoder_training_part(autoencoder, digits)).reshape(-1, 64) / 255)
    back = peer.inverse_transform(peer.transform(pictures.reshape(-1, 64))).clip(0, 1)
    assert report["pca_squared_error"] == pytest.approx(np.square(back - pictures.reshape(-1, 64)).mean(), rel=1e-3)
    own = autoencoder.reconstruct(digits.test.images) / 255
    assert report["squared_error"] == pytest.approx(np.square(own - pictures).mean(), rel=1e-2)
    assert report["psnr"] == pytest.approx(metrics.peak_signal_to_noise(pictures, own).value, abs=0.05)
    assert report["passed_over"] == []


def autoencoder_training_part(autoencoder: Autoencoder, digits: Any) -> list[np.ndarray]:
    """The images that it learned from: all but those that `fit` holds out."""
    order = np.random.default_rng(0).permutation(len(digits.train))
    held = round(0.1 * len(digits.train))
    assert autoencoder.description["train_images"] == len(digits.train) - held
    return [digits.train.images[row] for row in sorted(order[held:])]


def test_the_linear_one_finds_the_subspace_of_principal_components() -> None:
    random = np.random.default_rng(0)
    directions = np.linalg.qr(random.standard_normal((64, 4)))[0].T
    rows = 0.5 + random.standard_normal((300, 4)) * [0.6, 0.45, 0.35, 0.25] @ directions
    rows += 0.002 * random.standard_normal(rows.shape)
    images = np.rint(255 * rows.clip(0, 1)).astype(np.uint8).reshape(-1, 8, 8)
    linear = Autoencoder("linear", code=4, learning_rate=2e-2, weight_decay=0.0, batch_size=50, average=0.9)
    linear.fit(split_of(images), validation_data=split_of(images[:50]), epochs=60)
    peer = PCA(4).fit(images.reshape(-1, 64) / 255)
    written = linear.decoder.get_layer("pixels").get_weights()[0]
    # What the encoder does where no picture varies is free: its codes are compared, and not its weights.
    codes = linear.transform(list(images))
    assert np.rad2deg(subspace_angles(written.T, peer.components_.T)).max() < 0.5
    same = subspace_angles(codes - codes.mean(0), peer.transform(images.reshape(-1, 64) / 255))
    assert np.rad2deg(same).max() < 2
    report = linear.evaluate(split_of(images, "all"))
    assert report["squared_error"] < report["pca_squared_error"] + 1e-3 * (images / 255).var()
    assert not linear.description["chosen"]["mirror"], "it is compared with components of the pictures as they are"


def test_noise_is_taken_away(convolutional: Any, digits: Any) -> None:
    autoencoder, _ = convolutional
    report = autoencoder.evaluate(digits.test)
    assert report["denoising_gain"] > 0.5
    assert report["denoising_gain"] == pytest.approx(report["denoised_psnr"] - report["noisy_psnr"])
    clean = autoencoder.pictures(digits.test.images[:5])
    np.testing.assert_array_equal(autoencoder.denoise(digits.test.images[:5]), autoencoder.reconstruct(list(clean)))


def test_the_bound_is_that_of_the_formula(variational: Any, digits: Any) -> None:
    autoencoder, _ = variational
    report = autoencoder.evaluate(digits.test)
    assert report["bound"] == pytest.approx(report["fit_nats"] - report["divergence_nats"])
    pictures = autoencoder.pictures(digits.test.images)
    mean, log_variance = (
        np.asarray(each) for each in autoencoder.encoder.predict(pictures.astype("float32"), verbose=0)
    )
    each = -0.5 * (1 + log_variance - mean**2 - np.exp(log_variance)).sum(1)
    assert report["divergence_nats"] == pytest.approx(each.mean(), rel=1e-4)
    assert 0 < report["active_units"] <= 1
    assert report["active_units"] == (mean.var(0) > 0.01).mean()
    assert 5 < report["divergence_nats"] < 60, "the code is used, and not as precise as it could be"


def test_the_aim_of_each_kind_of_code() -> None:
    random = np.random.default_rng(0)
    wanted, given = (random.uniform(0.1, 0.9, (6, 4, 4, 1)).astype("float32") for _ in range(2))
    code, spread = random.uniform(0.1, 0.9, (2, 6, 3)).astype("float32")
    squared = np.square(wanted - given).mean()

    def total(**settings: Any) -> float:
        return float(Aim(**settings).total(wanted, given, code, spread, 0.5))

    assert total() == pytest.approx(squared, rel=1e-5)
    assert total(loss="absolute") == pytest.approx(np.abs(wanted - given).mean(), rel=1e-5)
    bernoulli = keras.losses.binary_crossentropy(wanted.reshape(6, -1), given.reshape(6, -1))
    assert total(loss="crossentropy") == pytest.approx(float(keras.ops.mean(bernoulli)), rel=1e-4)
    distance = 0.5 * (code**2 + np.exp(spread) - spread - 1).sum(1).mean() / 16
    expected = 0.5 * np.log(squared) + 2 * 0.5 * distance
    assert total(variational=True, beta=2.0) == pytest.approx(expected, rel=1e-4)
    assert total(sparsity="l1", sparsity_weight=0.5) == pytest.approx(squared + 0.5 * code.mean(), rel=1e-5)
    on = code.mean(0)
    inactive = (0.05 * np.log(0.05 / on) + 0.95 * np.log(0.95 / (1 - on))).mean()
    assert total(sparsity="kl", sparsity_weight=0.5) == pytest.approx(squared + 0.5 * inactive, rel=1e-4)


@pytest.mark.parametrize(("sparsity", "weight"), [("l1", 0.1), ("kl", 0.1)])
def test_a_sparse_code_is_sparse(sparsity: Any, weight: float, digits: Any) -> None:
    found = {}
    for strength in (0.0, weight):
        autoencoder = Autoencoder(
            "dense", code=24, width=32, depth=1, sparsity=sparsity, sparsity_weight=strength, learning_rate=2e-2
        )
        autoencoder.fit(digits.train.take(range(300)), epochs=15)
        codes = autoencoder.transform(digits.test.images)
        assert codes.min() >= 0
        found[strength] = float((codes > 0.1).mean())
    assert found[weight] < 0.7 * found[0.0]


def test_a_crossentropy_keeps_between_black_and_white(digits: Any) -> None:
    autoencoder = Autoencoder("dense", code=8, width=32, depth=1, loss="crossentropy", variational=True)
    rows = autoencoder.fit(digits.train.take(range(300)), epochs=4).rows
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    given = autoencoder.decoder.predict(np.full((2, 8), 50.0, "float32"), verbose=0)
    assert given.min() >= 0
    assert given.max() <= 255
    report = autoencoder.evaluate(digits.test.take(range(50)))
    assert report["fit_nats"] < 0


# -- networks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["linear", "dense", "conv", "deep"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (31, 18, 3), (5, 7, 1)])
def test_every_architecture_fits_every_size_and_is_of_stock_layers(architecture: str, shape: Any) -> None:
    plan = AutoencoderPlan(architecture, shape, 5, 8, 1, straight=architecture != "linear")
    encoder, decoder = build_encoder(plan), build_decoder(plan)
    pictures = np.random.default_rng(0).uniform(0, 255, (3, *shape)).astype("float32")
    codes = encoder(pictures)
    assert tuple(codes.shape) == (3, 5)
    assert tuple(decoder(codes).shape) == (3, *shape)
    layers = [*encoder.layers, *decoder.layers]
    assert all(type(layer).__module__.startswith("keras.src.layers") for layer in layers)


@pytest.mark.parametrize(("architecture", "basis"), [("conv", 0), ("dense", 0), ("dense", 10)])
def test_it_begins_as_principal_components(architecture: str, basis: int) -> None:
    random = np.random.default_rng(0)
    pictures = (random.standard_normal((60, 10)) @ random.standard_normal((10, 64)) * 20 + 128).clip(0, 255)
    components = metrics.principal_components(pictures / 255, 10)
    plan = AutoencoderPlan(architecture, (8, 8, 1), 6, 4, 1, straight=True, basis=basis)
    encoder, decoder = build_encoder(plan), build_decoder(plan)
    begin_from(encoder, decoder, components, plan)
    for network, name in ((encoder, "bent_code"), (decoder, "bent_pixels")):
        layer = network.get_layer(name)
        layer.set_weights([0 * value for value in layer.get_weights()])
    codes = keras.ops.convert_to_numpy(encoder(pictures.reshape(-1, 8, 8, 1).astype("float32")))
    np.testing.assert_allclose(codes.std(0, ddof=1), 1, atol=1e-3)
    back = keras.ops.convert_to_numpy(decoder(codes)).reshape(60, 64) / 255
    first = components.first(6)
    np.testing.assert_allclose(back, first.inverse_transform(first.transform(pictures / 255)), atol=1e-4)


def test_codes_are_bettered_and_never_worse(variational: Any, digits: Any) -> None:
    autoencoder, _ = variational
    pictures = autoencoder.pictures(digits.test.images[:40])
    codes = spread_of(autoencoder, pictures)[0]
    spread = np.ones(12, np.float32)
    errors = [metrics.squared_error(pictures, drawn(autoencoder, codes)).each]
    for steps in (3, 30):
        better = Refiner(autoencoder.decoder, steps)(codes, pictures, spread)
        errors.append(metrics.squared_error(pictures, drawn(autoencoder, better)).each)
    assert (errors[2] <= errors[0] + 1e-4).all()
    assert errors[0].mean() > errors[1].mean() > errors[2].mean()
    np.testing.assert_array_equal(Refiner(autoencoder.decoder, 0)(codes, pictures, spread), codes)


def test_the_engine_opens_both_networks_and_computes_the_same(
    variational: Any, convolutional: Any, digits: Any
) -> None:
    pictures = np.stack(digits.test.images[:9])[..., None].astype("float32")
    for autoencoder, folder in (variational, convolutional):
        given = engine.load(folder / "encoder.keras").predict(pictures)
        expected = autoencoder.encoder.predict(pictures, verbose=0)
        both = zip(given, expected, strict=True) if autoencoder.variational else [(given, expected)]
        for one, other in both:
            np.testing.assert_allclose(one, other, atol=1e-4)
        codes = autoencoder.transform(digits.test.images[:9])
        back = engine.load(folder / "decoder.keras").predict(codes)
        np.testing.assert_allclose(back, autoencoder.decoder.predict(codes, verbose=0), atol=1e-2)


# -- pictures and codes --------------------------------------------------------------------------------------------


def test_the_folder_opens_again(variational: Any, digits: Any) -> None:
    autoencoder, folder = variational
    again = systems.load(folder)
    assert isinstance(again, Autoencoder)
    images = digits.test.images[:20]
    np.testing.assert_array_equal(again.reconstruct(images), autoencoder.reconstruct(images))
    np.testing.assert_array_equal(again.components.components, autoencoder.components.components)
    np.testing.assert_array_equal(again.sample(4, seed=3), autoencoder.sample(4, seed=3))
    assert "as 12 numbers, and back" in (folder / "README.md").read_text()


def test_codes_and_pictures(variational: Any, digits: Any, tmp_path: Path) -> None:
    autoencoder, _ = variational
    image = np.repeat(digits.test.images[0][..., None], 3, axis=2)
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(image).resize((50, 30), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    codes = autoencoder.transform([tmp_path / "a.png", image, digits.test.images[0], tmp_path / "large.png"])
    assert codes.shape == (4, 12)
    np.testing.assert_allclose(codes[1:3], codes[[0, 0]], atol=1e-5)
    back = autoencoder.inverse_transform(codes)
    assert back.shape == (4, 8, 8, 1)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back[:1], autoencoder.reconstruct([image]))
    with pytest.raises(FirstlightError, match=r"codes \(pictures, 12\)"):
        autoencoder.inverse_transform(codes[:, :5])
    with pytest.raises(FirstlightError, match="one image or more"):
        autoencoder.transform([])
    with pytest.raises(FirstlightError, match="fitted Autoencoder"):
        Autoencoder().transform([image])


def test_a_way_begins_and_ends_with_what_comes_back(variational: Any, digits: Any) -> None:
    autoencoder, _ = variational
    first, second = digits.test.images[:2]
    ends = autoencoder.reconstruct([first, second]).astype(int)
    for path in ("linear", "spherical"):
        way = autoencoder.morph(first, second, 7, path).astype(int)
        assert way.shape == (7, 8, 8, 1)
        assert np.abs(way[[0, -1]] - ends).max() <= 1
    assert (autoencoder.morph(first, second, 7) != autoencoder.morph(first, second, 7, "spherical")).any()


def test_samples_are_like_pictures_and_follow_the_seed(variational: Any, digits: Any) -> None:
    autoencoder, _ = variational
    drawn_ones = autoencoder.sample(200, seed=1)
    assert (drawn_ones[:4] != autoencoder.sample(4, seed=2)).any()
    np.testing.assert_allclose(drawn_ones.mean(0), np.stack(digits.train.images).mean(0)[..., None], atol=40)
    real = np.stack(digits.train.images).reshape(-1, 64) / 255
    noise = np.random.default_rng(0).permuted(real[:200], axis=1)
    near = metrics.nearest_distances(drawn_ones.reshape(200, 64) / 255, real).mean()
    assert near < 0.6 * metrics.nearest_distances(noise, real[200:]).mean()


def test_the_way_of_a_linear_code_is_a_blend(digits: Any) -> None:
    """Its middle is the mean of the ends, seen by principal components: exactly as near to real pictures as a blend."""
    linear = Autoencoder("linear", code=6, learning_rate=1e-2)
    linear.fit(digits.train.take(range(200)), epochs=1)
    bent = Autoencoder(**CONV, average=0.0)
    bent.fit(digits.train.take(range(200)), epochs=1)
    for autoencoder, layers in ((linear, ("code", "pixels")), (bent, ("straight_code", "straight_pixels"))):
        components = autoencoder.components.first(6)
        autoencoder.encoder.get_layer(layers[0]).set_weights(
            [components.components.T, -components.components @ components.mean]
        )
        autoencoder.decoder.get_layer(layers[1]).set_weights([components.components, components.mean])
    paths = judge_paths(linear, Pictures(digits.test.images, linear.shape))
    assert paths.realism.value == pytest.approx(1, abs=0.03)
    assert paths.largest_step.value == pytest.approx(1, abs=0.1)


# -- runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{**CONV, "noise": "masking", "dropout": 0.2}, {"variational": True, "code": 5, "width": 32, "depth": 1}],
)
def test_a_stopped_training_goes_on_to_the_same_weights(settings: dict[str, Any], digits: Any, tmp_path: Path) -> None:
    small = digits.train.take(range(150))

    class StoppedError(Exception):
        pass

    class StopsAfterTwo(Silent):
        def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
            if epoch == 1:
                raise StoppedError

    Autoencoder(**settings).fit(small, epochs=4, folder=tmp_path / "whole")
    with pytest.raises(StoppedError):
        Autoencoder(**settings).fit(small, epochs=4, folder=tmp_path / "parts", progress=StopsAfterTwo())
    with pytest.raises(FirstlightError, match="Run the training command again"):
        Autoencoder.load(tmp_path / "parts")
    shutil.copytree(tmp_path / "parts", tmp_path / "other")
    history = Autoencoder(**settings).fit(small, epochs=4, folder=tmp_path / "parts")
    assert [row["epoch"] for row in history.rows] == [1, 2, 3, 4]
    for name in ("encoder.keras", "decoder.keras"):
        first, second = (keras.models.load_model(tmp_path / run / name) for run in ("whole", "parts"))
        for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    with pytest.raises(FirstlightError, match="code"):
        Autoencoder(**{**settings, "code": 9}).fit(small, epochs=4, folder=tmp_path / "other")
    with pytest.raises(FirstlightError, match="Received others"):
        Autoencoder(**settings).fit(digits.train.take(range(140)), epochs=4, folder=tmp_path / "other")


# -- checks --------------------------------------------------------------------------------------------------------


def test_a_good_one_passes_every_check(variational: Any, digits: Any) -> None:
    autoencoder, _ = variational
    found = {check["name"]: check for check in autoencoder.self_checks(digits.train)}
    assert [check["passed"] for check in found.values()] == [True] * 4
    assert found["principal components"]["ratio"] < 1
    others = autoencoder.self_checks(digits.train.take(range(90)))
    assert [check["passed"] for check in others] == [None], "these are not the images that it learned from"


def test_a_ruined_one_is_told(digits: Any, tmp_path: Path) -> None:
    autoencoder = Autoencoder(**CONV, refine=0)
    autoencoder.fit(digits.train.take(range(150)), epochs=1)
    for name in ("straight_code", "bent_code"):
        layer = autoencoder.encoder.get_layer(name)
        layer.set_weights([0 * value for value in layer.get_weights()])
    found = {check["name"]: check for check in autoencoder.self_checks(digits.train.take(range(150)))}
    assert found["code"]["passed"] is False
    assert found["principal components"]["passed"] is False
    pictures = np.stack(digits.test.images[:6])[..., None]
    np.testing.assert_allclose(
        *(drawn(autoencoder, codes_of(autoencoder, some)) for some in (pictures[:3], pictures[3:]))
    )


def test_a_few_pictures_are_learned_by_heart(digits: Any) -> None:
    found = Autoencoder("dense", code=12, width=64, depth=1, noise="gaussian").overfit(digits.train, images=12)
    assert found["passed"]
    assert found["images"] == 12
    hopeless = Autoencoder("linear", code=1, learning_rate=1e-6).overfit(digits.train, images=12)
    assert not hopeless["passed"]
    with pytest.raises(FirstlightError, match="two images or more"):
        Autoencoder().overfit(digits.train, images=1)


def test_structural_similarity_is_that_of_tensorflow() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    random = np.random.default_rng(0)
    first = random.uniform(0, 1, (4, 20, 17, 3))
    second = (first + 0.2 * random.standard_normal(first.shape)).clip(0, 1)
    peer = tensorflow.image.ssim(first, second, max_val=1.0).numpy()
    np.testing.assert_allclose(metrics.structural_similarity(first, second).each, peer, atol=1e-4)

"""What a classifier lets one see, on networks and pictures whose answer is known, and against the engine."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from firstlight import data, engine
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import ImageClassifier
from firstlight.systems.backbones import build
from firstlight.systems.classifier_networks import NetworkPlan, build_head, build_network
from firstlight.systems.gradients import gradient_function, gradient_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
ROOT = Path(__file__).resolve().parents[2]
UNOPTIMIZED = "--xla_backend_optimization_level=0"  # compiled once and used once
layers = keras.layers


def classifier_of(network: keras.Model, classes: list[str]) -> ImageClassifier:
    """A classifier around a network that was not trained here."""
    found = ImageClassifier()
    found.network, found.classes, found.shape = network, classes, tuple(network.input_shape[1:])
    found.description = {"images_of_class": {}}
    return found


def untrained(architecture: str, shape: tuple[int, int, int], classes: int = 4, width: int = 8) -> ImageClassifier:
    keras.utils.set_random_seed(3)
    network = build_network(NetworkPlan(architecture, shape, classes, width, 1))
    return classifier_of(network, [f"class {number}" for number in range(classes)])


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, shape, np.uint8)


@pytest.fixture(scope="module")
def by_corner() -> ImageClassifier:
    """The logit of `bright` is the sum of the pixels of the upper left corner, 4 x 4; that of `dark` is less of it."""
    images = keras.Input((12, 12, 1), name="images")
    logits = layers.Dense(2, use_bias=False, name="logits")
    network = keras.Model(images, layers.Softmax(name="probabilities")(logits(layers.Flatten()(images))))
    corner = np.zeros((12, 12), "float32")
    corner[:4, :4] = 0.01
    logits.set_weights([np.stack([corner.ravel(), -corner.ravel() / 2], 1)])
    return classifier_of(network, ["bright", "dark"])


@pytest.fixture(scope="module")
def by_brightness() -> ImageClassifier:
    """Two channels, a third and half of the brightness; the mean of the first speaks for `one`, of the second for
    `other`.
    """
    images = keras.Input((12, 12, 1), name="images")
    grid = layers.Conv2D(2, 3, padding="same", use_bias=False, name="grid")
    logits = layers.Dense(2, use_bias=False, name="logits")
    x = layers.GlobalAveragePooling2D()(layers.MaxPooling2D(name="coarser")(grid(images)))
    network = keras.Model(images, layers.Softmax(name="probabilities")(logits(x)))
    kernel = np.zeros((3, 3, 1, 2), "float32")
    kernel[1, 1, 0] = 1 / 3, 1 / 2
    grid.set_weights([kernel])
    logits.set_weights([np.array([[2.0, 0.0], [-1.0, 4.0]], "float32")])
    return classifier_of(network, ["one", "other"])


@pytest.fixture(scope="module")
def shapes() -> tuple[ImageClassifier, Split, np.ndarray]:
    """A classifier that learned to tell crosses, rings and nothing apart, each in one quadrant; some crosses and rings
    to look at, and where they are.
    """

    def draw(count: int, seed: int, kinds: tuple[str, ...]) -> tuple[Split, np.ndarray]:
        random = np.random.default_rng(seed)
        span = np.abs(np.arange(9) - 4)
        ring = np.abs(np.hypot(*np.meshgrid(span, span)) - 3) < 0.8
        cross = (np.meshgrid(span, span)[0] < 1) | (np.meshgrid(span, span)[1] < 1)
        images, labels, places = [], [], []
        for number in range(count):
            label = kinds[number % len(kinds)]
            image = random.integers(0, 60, (40, 40, 3), np.uint8)
            corner = random.integers(0, 2, 2)
            top, left = corner * 20 + random.integers(4, 8, 2)
            if label != "nothing":
                image[top : top + 9, left : left + 9][cross if label == "cross" else ring] += 160
            images.append(image)
            labels.append(label)
            places.append(corner)
        names = [f"{number}.png" for number in range(count)]
        return Split("train", {"names": names, "images": images, "labels": labels}), np.array(places)

    train, _ = draw(360, 0, ("cross", "ring", "nothing"))
    classifier = ImageClassifier(
        "cnn", width=8, depth=1, precision="float32", augmentation="none", dropout=0.0, batch_size=16
    )
    classifier.fit(train, epochs=6, seed=0)
    return classifier, *draw(40, 1, ("cross", "ring"))


# -- saliency ----------------------------------------------------------------------------------------------------


def test_saliency_lies_in_the_corner_that_decides(by_corner: ImageClassifier) -> None:
    heat = by_corner.saliency(noise((12, 12, 3)))
    np.testing.assert_allclose(heat[:4, :4], 0.01, rtol=1e-5)
    assert heat[4:].max() == heat[:, 4:].max() == 0
    np.testing.assert_allclose(by_corner.saliency(noise((12, 12, 3)), "dark")[:4, :4], 0.005, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["linear", "mlp", "cnn", "resnet", "inception"])
def test_saliency_equals_that_of_the_engine(architecture: str, tmp_path: Path) -> None:
    classifier = untrained(architecture, (9, 11, 3))
    classifier.network.save(tmp_path / "network.keras")
    image = noise((9, 11, 3))
    pixels = image[None].astype("float32")
    for number, label in enumerate(classifier.classes):
        expected = engine.saliency(engine.load(tmp_path / "network.keras"), pixels, ("logits", 0, number))[0]
        np.testing.assert_allclose(classifier.saliency(image, label), expected, rtol=2e-3, atol=1e-7)


def test_smoothing_takes_the_mean_over_noise_from_the_seed() -> None:
    classifier = untrained("cnn", (12, 12, 1))
    image = noise((12, 12, 3))
    plain, smooth, again, other = (
        classifier.saliency(image, "class 1", **options)
        for options in ({}, {"smooth": 4}, {"smooth": 4}, {"smooth": 4, "seed": 1})
    )
    np.testing.assert_array_equal(smooth, again)
    assert (smooth != plain).any()
    assert (smooth != other).any()
    linear = untrained("linear", (12, 12, 1))
    np.testing.assert_allclose(
        linear.saliency(image, "class 1", smooth=3), linear.saliency(image, "class 1"), rtol=1e-5, atol=1e-9
    )


# -- Grad-CAM ----------------------------------------------------------------------------------------------------


def test_grad_cam_is_what_its_equations_say(by_brightness: ImageClassifier) -> None:
    image = np.zeros((12, 12, 3), np.uint8)
    image[1, 8] = 90
    heat = by_brightness.grad_cam(image, "one")
    # Through the pooling of 2 x 2, which hands a gradient to the largest alone (in a tie, to one), each of 36 regions
    # passes on 1/36 of the weight: the mean over 144 places is 1/144 for every unit of weight.
    weights = np.array([2.0, -1.0]) / 144
    assert heat[1, 8] == pytest.approx(max(0, weights @ [30, 45]), abs=1e-6)
    assert by_brightness.grad_cam(image, "other")[1, 8] == pytest.approx(4 / 144 * 45, rel=1e-4)
    assert np.delete(heat.ravel(), 20).max() == 0


def test_grad_cam_finds_the_object(shapes: tuple[ImageClassifier, Split, np.ndarray]) -> None:
    classifier, pictures, corners = shapes
    assert classifier.evaluate(pictures)["accuracy"] > 0.9
    inside, strongest = [], []
    for image, label, (down, right) in zip(pictures.images, pictures.labels, corners, strict=True):
        if classifier.classify(image).label == label:
            heat = classifier.grad_cam(image)
            inside.append(heat[20 * down : 20 * down + 20, 20 * right : 20 * right + 20].sum() / heat.sum())
            row, column = np.unravel_index(heat.argmax(), heat.shape)
            strongest.append((row // 20, column // 20) == (down, right))
    assert np.mean(inside) > 0.75, "by chance it would be a quarter"
    assert np.mean(strongest) > 0.9


def test_grad_cam_needs_regions(by_brightness: ImageClassifier) -> None:
    image = noise((12, 12, 3))
    with pytest.raises(FirstlightError, match="Use saliency"):
        untrained("mlp", (12, 12, 1)).grad_cam(image)
    with pytest.raises(FirstlightError, match="Did you mean 'coarser'"):
        by_brightness.grad_cam(image, layer="coarse")
    with pytest.raises(FirstlightError, match="gives"):
        by_brightness.grad_cam(image, layer="logits")
    assert by_brightness.grad_cam(image, layer="coarser").shape == (12, 12)
    residual = untrained("resnet", (16, 16, 3))
    aside = next(layer.name for layer in residual.network.layers[6:] if "conv2d" in layer.name)
    with pytest.raises(FirstlightError, match="some pass by"):
        residual.grad_cam(image, layer=aside)
    with pytest.raises(FirstlightError, match="Did you mean 'class 3'"):
        residual.grad_cam(image, "class3")


def test_an_explanation_is_of_what_was_told_and_changes_nothing(tmp_path: Path) -> None:
    classifier = untrained("resnet", (16, 16, 3))
    image = noise((40, 30, 3))
    told = classifier.classify(image)
    found = classifier.explain(image)
    assert (found.label, found.probability) == (told.label, told.probability)
    assert found.picture.shape == (16, 16, 3)
    assert found.grad_cam is not None
    assert found.saliency.shape == found.grad_cam.shape == (16, 16)
    assert found.saliency.max() == pytest.approx(1)
    other = classifier.explain(image, told.ranking[-1][0])
    assert (other.label, other.probability) == told.ranking[-1]
    assert (other.saliency != found.saliency).any()
    assert untrained("linear", (8, 8, 1)).explain(image).grad_cam is None
    classifier.network.save(tmp_path / "network.keras")
    pixels = noise((2, 16, 16, 3)).astype("float32")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(again(pixels), classifier.network(pixels), atol=1e-6)


# -- units -------------------------------------------------------------------------------------------------------


def test_filters_are_the_first_weights(by_corner: ImageClassifier) -> None:
    found = by_corner.filters()
    assert (found.layer, found.names) == ("logits", ["bright", "dark"])
    assert found.weights.shape == (2, 12, 12, 1)
    bright, dark = found.pictures
    assert (bright[5:] == 255).all(), "white is nothing"
    assert bright[0, 0, 0] > bright[0, 0, 2], "orange speaks for it"
    assert dark[0, 0, 0] < dark[0, 0, 2], "blue speaks against it"
    colour = untrained("cnn", (12, 12, 3)).filters()
    assert colour.pictures.shape == (len(colour.names), 3, 3, 3)
    assert colour.pictures.dtype == np.uint8
    largest = np.abs(colour.weights[0]).argmax()
    assert colour.pictures[0].ravel()[largest] in (0, 255)
    assert untrained("mlp", (12, 12, 3), width=16).filters().pictures.shape == (16, 12, 12, 3)


def test_feature_maps_are_what_a_layer_gives(by_brightness: ImageClassifier) -> None:
    image = noise((12, 12, 3))
    image[..., 1:] = image[..., :1]
    maps = by_brightness.feature_maps(image)
    np.testing.assert_allclose(maps[..., 0], image[..., 0] / 3, rtol=1e-5)
    assert by_brightness.feature_maps(image, "coarser").shape == (6, 6, 2)
    with pytest.raises(FirstlightError, match="Expected a layer with a grid"):
        by_brightness.feature_maps(image, "logits")


def test_what_excites_a_class_excites_it_more_than_any_picture(
    shapes: tuple[ImageClassifier, Split, np.ndarray],
) -> None:
    classifier, pictures, _ = shapes
    for label in ("cross", "ring"):
        found = classifier.exciting("logits", label)
        best = classifier.most_excited(pictures, "logits", label, k=3)
        assert found.activation > 1.5 * max(best[0].activation, 0.1)
        assert found.picture.shape == (40, 40, 3)
        assert found.picture.dtype == np.uint8
        assert [each.activation for each in best] == sorted((each.activation for each in best), reverse=True)
        assert [pictures.labels[each.row or 0] for each in best] == [label] * 3
        np.testing.assert_array_equal(best[0].picture, pictures.images[best[0].row or 0])
    channel = next(layer.name for layer in classifier.network.layers if "re_lu" in layer.name)
    reached = [classifier.exciting(channel, unit, seed=1) for unit in range(3)]
    for unit, each in enumerate(reached):
        shown = classifier.feature_maps(each.picture, channel)[..., unit].mean()
        assert shown == pytest.approx(each.activation, rel=1e-3)
        assert each.activation >= classifier.most_excited(pictures, channel, unit, k=1)[0].activation
    np.testing.assert_array_equal(classifier.exciting(channel, 0, seed=1).picture, reached[0].picture)
    with pytest.raises(FirstlightError, match="from 0 to 2, or one of the classes cross, nothing, ring"):
        classifier.exciting("logits", "rong")
    with pytest.raises(FirstlightError, match="Expected steps"):
        classifier.exciting("logits", "ring", steps=0)


def test_the_most_excited_passes_over_what_cannot_be_read(by_corner: ImageClassifier, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    images: list[Any] = [np.full((12, 12, 3), level, np.uint8) for level in (10, 200, 90)]
    images.insert(1, tmp_path / "broken.png")
    split = Split("test", {"names": list("abcd"), "images": images, "labels": ["bright"] * 4})
    done: list[int] = []
    found = by_corner.most_excited(split, unit="bright", k=2, progress=done.append)
    assert [each.row for each in found] == [2, 3]
    assert found[0].activation == pytest.approx(200 * 16 * 0.01, rel=1e-4)
    assert done == [3]


def test_a_classifier_that_is_not_fitted_says_so() -> None:
    with pytest.raises(FirstlightError, match="Expected a fitted ImageClassifier"):
        ImageClassifier().saliency(noise((8, 8, 3)))
    with pytest.raises(FirstlightError, match="Expected a fitted ImageClassifier"):
        ImageClassifier().filters()


# -- back ends ---------------------------------------------------------------------------------------------------


def test_gradients_of_rows() -> None:
    x = noise((3, 4)).astype("float32") / 100
    for compiled in (False, True):
        values, gradients = gradient_function(lambda x: keras.ops.sum(x**3, -1), compiled)(x)
        np.testing.assert_allclose(values, (x**3).sum(-1), rtol=1e-5)
        np.testing.assert_allclose(gradients, 3 * x**2, rtol=1e-5)
    _, none = gradient_of(lambda x: keras.ops.zeros((3,)), x)
    np.testing.assert_array_equal(none, np.zeros_like(x))


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_back_end_sees_the_same(backend: str, tmp_path: Path) -> None:
    pytest.importorskip(backend)
    classifier = untrained("cnn", (16, 16, 3))
    classifier.network.save(tmp_path / "network.keras")
    image = noise((16, 16, 3))
    np.save(tmp_path / "image.npy", image)
    program = """
        import sys, keras, numpy as np
        from firstlight.systems import ImageClassifier
        folder = sys.argv[1]
        classifier = ImageClassifier()
        classifier.network = keras.models.load_model(f"{folder}/network.keras")
        classifier.classes, classifier.shape = [f"class {n}" for n in range(4)], (16, 16, 3)
        classifier.description = {"images_of_class": {}}
        image = np.load(f"{folder}/image.npy")
        excited = classifier.exciting("logits", 2, steps=6)
        np.savez(f"{folder}/found.npz", saliency=classifier.saliency(image), heat=classifier.grad_cam(image),
                 maps=classifier.feature_maps(image), activation=excited.activation, picture=excited.picture)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "XLA_FLAGS": UNOPTIMIZED},
        check=True,
        capture_output=True,
    )
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_allclose(found["saliency"], classifier.saliency(image), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(found["heat"], classifier.grad_cam(image), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found["maps"], classifier.feature_maps(image), rtol=1e-3, atol=1e-5)
    own = classifier.exciting("logits", 2, steps=6)
    assert float(found["activation"]) == pytest.approx(own.activation, rel=0.05)


def test_a_pretrained_network_shows_as_well(shared: Path) -> None:
    flowers = data.load(next((shared / "data" / "flowers").glob("*.zip")), task="labels")
    encoder = build("mobilenet_v2", 96, next((shared / "data" / "weights").glob("*no_top.h5")))
    head = build_head(encoder.output, NetworkPlan("mobilenet_v2", (96, 96, 3), 3, 1, 1))
    classifier = classifier_of(keras.Model(encoder.input, head), ["a", "b", "c"])
    image = flowers.train.images[0]
    found = classifier.explain(image)
    assert found.grad_cam is not None
    assert found.grad_cam.shape == found.saliency.shape == (96, 96)
    assert classifier.filters().pictures.shape == (32, 3, 3, 3)
    grid = classifier.feature_maps(image)
    # Equation 1 of a mean and a matrix is the matrix by the number of regions.
    weights = classifier.network.get_layer("logits").get_weights()[0][:, classifier.classes.index(found.label)]
    expected = np.maximum(grid @ weights / 9, 0)
    heat = classifier.grad_cam(image)
    assert heat.max() == pytest.approx(expected.max(), rel=1e-3)
    assert (heat.argmax() // 96 // 32, heat.argmax() % 96 // 32) == np.unravel_index(expected.argmax(), (3, 3))

"""The image classifier: learns, resumes to the same weights, opens in the engine, refuses what cannot be learned."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from firstlight import data, engine, systems
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import ImageClassifier
from firstlight.systems.classifier_batches import Supply
from firstlight.systems.classifier_networks import ARCHITECTURES, NetworkPlan, build_network
from firstlight.systems.classifier_preparation import Prepared
from firstlight.systems.classifier_settings import choose_architecture
from firstlight.systems.classifier_stages import Course
from firstlight.systems.classifier_training import Stage, Training
from firstlight.systems.optimization import DivergedError, Optimization, WeightAverage
from firstlight.systems.pictures import Pictures
from firstlight.systems.system import Silent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
QUICK = {"architecture": "mlp", "width": 64, "depth": 1, "precision": "float32", "augmentation": "none"}


@pytest.fixture(scope="module")
def digits() -> Any:
    return data.load("digits", task="labels")


@pytest.fixture(scope="module")
def trained(digits: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageClassifier, Path]:
    folder = tmp_path_factory.mktemp("run")
    classifier = ImageClassifier(**QUICK)
    classifier.fit(digits.train, epochs=8, folder=folder)
    return classifier, folder


def test_it_learns(trained: tuple[ImageClassifier, Path], digits: Any) -> None:
    classifier, _ = trained
    report = classifier.evaluate(digits.test)
    assert report["accuracy"] > 0.9
    low, high = report["intervals"]["accuracy"]
    assert low < report["accuracy"] < high
    assert report["top_5"] >= report["accuracy"]
    assert np.trace(report["confusion"]) == round(report["accuracy"] * len(digits.test))
    assert sum(each["support"] for each in report["classes"].values()) == len(digits.test)
    assert list(report["classes"]) == [str(digit) for digit in range(10)]


def test_one_image_has_a_ranking(trained: tuple[ImageClassifier, Path], digits: Any) -> None:
    classifier, _ = trained
    found = classifier.classify(digits.test.images[0])
    assert found.ranking[0] == (found.label, found.probability)
    assert sum(share for _, share in found.ranking) == pytest.approx(1, abs=1e-5)
    assert [share for _, share in found.ranking] == sorted((share for _, share in found.ranking), reverse=True)


def test_the_folder_opens_again_and_in_the_engine(trained: tuple[ImageClassifier, Path], digits: Any) -> None:
    classifier, folder = trained
    images = digits.test.images[:20]
    expected = classifier.probabilities(images)
    again = systems.load(folder)
    assert isinstance(again, ImageClassifier)
    np.testing.assert_array_equal(again.probabilities(images), expected)
    pixels = Pictures(images, classifier.shape).take(np.arange(20)).astype("float32")
    np.testing.assert_allclose(engine.load(folder / "network.keras").predict(pixels), expected, atol=1e-5)
    network = keras.models.load_model(folder / "network.keras")
    np.testing.assert_allclose(network.predict(pixels, verbose=0), expected, atol=1e-6)
    assert "Tells 10 classes" in (folder / "README.md").read_text()


def test_preprocessing_cannot_differ_from_training(trained: tuple[ImageClassifier, Path], digits: Any) -> None:
    """The network takes pixels as they are in the file; whatever else is done to them is a layer of it."""
    classifier, folder = trained
    network = keras.models.load_model(folder / "network.keras")
    assert isinstance(network.layers[1], keras.layers.Rescaling)
    seen = Pictures(digits.train.images[:5], classifier.shape).take(np.arange(5))
    assert seen.dtype == np.uint8
    batch = next(Supply(Pictures(digits.train.images[:5], classifier.shape), np.zeros(5, int), 10, 5, 0).epoch(0))
    assert sorted(batch.images.sum((1, 2, 3))) == sorted(seen.astype("float32").sum((1, 2, 3)))


def test_a_stopped_training_goes_on_to_the_same_weights(digits: Any, tmp_path: Path) -> None:
    small = digits.train.take(range(300))
    settings = {**QUICK, "augmentation": "shift", "mixup": 0.2, "precision": "auto"}
    whole = ImageClassifier(**settings)
    whole.fit(small, epochs=4, folder=tmp_path / "whole")

    class StoppedError(Exception):
        pass

    class StopsAfterTwo(systems.system.Silent):  # type: ignore[name-defined,misc]
        def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
            if epoch == 1:
                raise StoppedError

    parts = ImageClassifier(**settings)
    with pytest.raises(StoppedError):
        parts.fit(small, epochs=4, folder=tmp_path / "parts", progress=StopsAfterTwo())
    with pytest.raises(FirstlightError, match="Run the training command again"):
        ImageClassifier.load(tmp_path / "parts")
    chosen = [systems.system.read_description(tmp_path / name)["precision"] for name in ("whole", "parts")]  # type: ignore[attr-defined]
    assert chosen[0] == chosen[1], "what was chosen is written down before the first epoch"
    history = ImageClassifier(**settings).fit(small, epochs=4, folder=tmp_path / "parts")
    assert [row["epoch"] for row in history.rows] == [1, 2, 3, 4]
    first, second = (keras.models.load_model(tmp_path / name / "network.keras") for name in ("whole", "parts"))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(FirstlightError, match="width"):
        ImageClassifier(**{**settings, "width": 32}).fit(small, epochs=4, folder=tmp_path / "parts")


def test_a_run_is_not_taken_up_with_other_images(tmp_path: Path) -> None:
    """Its network would get other classes, or be judged by what it learned from."""
    begun = split_of(["a", "c"] * 10)
    settings = {**QUICK, "average": 0.0}
    ImageClassifier(**settings).fit(begun, epochs=1, folder=tmp_path, hold_out=0.2)
    before = (tmp_path / "system.json").read_bytes()
    others = {
        "classes": split_of(["a", "b"] * 10),
        "train images": split_of(["a", "c"] * 15),
        "in another order": begun.take(range(19, -1, -1)),
    }
    for told, split in others.items():
        with pytest.raises(FirstlightError, match=told):
            ImageClassifier(**settings).fit(split, epochs=1, folder=tmp_path, hold_out=0.2)
        assert (tmp_path / "system.json").read_bytes() == before
    ImageClassifier(**settings).fit(begun, epochs=1, folder=tmp_path, hold_out=0.2)


def test_a_training_that_fails_leaves_no_classifier() -> None:
    classifier = ImageClassifier(**{**QUICK, "optimizer": "sgd", "learning_rate": 1e30})
    with pytest.raises(DivergedError):
        classifier.fit(split_of(["a", "b"] * 10), epochs=3)
    with pytest.raises(FirstlightError, match="Expected a fitted"):
        classifier.classify(np.zeros((8, 8, 3), np.uint8))


def test_the_mean_of_the_weights_is_taken_however_short_an_epoch_is(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    monkeypatch.setattr(WeightAverage, "look", lambda average, variables: looks.append(1))
    ImageClassifier(**QUICK).fit(split_of(["a", "b"] * 30), epochs=11, hold_out=0.1)
    assert len(looks) == 6, "every fifth of 33 steps, but for those of the first epoch"


def test_progress_counts_the_epochs_of_both_stages() -> None:
    heard: list[Any] = []

    class Listens(Silent):
        def start(self, total_epochs: int, first_epoch: int, unit: str = "words") -> None:
            heard.append((total_epochs, first_epoch))

    network = build_network(NetworkPlan("linear", (8, 8, 3), 2, 1, 1))
    pictures, labels = Pictures(split_of(["a", "b"] * 8).images, (8, 8, 3)), np.array([0, 1] * 8)
    stage = Stage("fine-tuning", 2, Optimization("sgd", 0.01, "constant"))
    supply = Supply(pictures, labels, 2, 8, 0)
    options: dict[str, Any] = {"label_smoothing": 0.0, "average": 0.0, "patience": 0, "folder": None}
    training = Training(network, None, supply, (pictures, labels), stage, progress=Listens(), **options)
    training.history.rows = [{"epoch": n + 1, "stage": "features", "loss": 1.0, "accuracy": 0.5} for n in range(3)]
    assert [row["epoch"] for row in training.run().rows] == [1, 2, 3, 4, 5]
    assert heard == [(5, 0)], "five epochs in all, and nothing is taken up again"


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="on PyTorch all layers learn at one rate, as is told")
def test_each_layer_learns_at_its_part_of_the_rate() -> None:
    """A part of 0 keeps a layer as it is, whatever back end hands the optimizer its variables."""
    network = build_network(NetworkPlan("mlp", (8, 8, 1), 2, 8, 1, "none"))
    pictures, labels = Pictures(split_of(["a", "b"] * 8).images, (8, 8, 1)), np.array([0, 1] * 8)
    first = next(layer for layer in network.layers if layer.weights)
    optimization = Optimization("sgd", 0.1, "constant", 0.0, momentum=0.0)
    supply = Supply(pictures, labels, 2, 16, 0)
    options: dict[str, Any] = {"label_smoothing": 0.0, "average": 0.0, "patience": 0, "folder": None}
    start, moved = network.get_weights(), {}
    for factor in (0.0, 0.5, 1.0):
        network.set_weights(start)
        stage = Stage("fine-tuning", 1, optimization, None, {first.name: factor})
        training = Training(network, None, supply, (pictures, labels), stage, progress=Silent(), **options)
        training.run()
        moved[factor] = first.get_weights()[0] - start[0]
    assert np.abs(moved[1.0]).max() > 0
    assert not moved[0.0].any()
    np.testing.assert_allclose(moved[0.5], moved[1.0] / 2, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("normalization", ["batch", "group", "none"])
def test_every_architecture_is_sized_to_its_images(architecture: str, normalization: str) -> None:
    for shape in ((8, 8, 1), (32, 24, 3), (5, 7, 1)):
        plan = NetworkPlan(architecture, shape, 4, 16, 1, normalization, 0.1)
        network = build_network(plan)
        given = network(np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype("float32"))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(given).sum(-1), 1, rtol=1e-5)
        assert all(type(layer).__module__.startswith("keras.src.layers") for layer in network.layers)


def test_a_pretrained_network_with_a_new_classifier(shared: Path, tmp_path: Path) -> None:
    flowers = data.load(next((shared / "data" / "flowers").glob("*.zip")), task="labels")
    rows = [row for row, label in enumerate(flowers.train.labels) if label in ("daisy", "tulips")][::8]
    few = flowers.train.take(rows)
    weights = next((shared / "data" / "weights").glob("*no_top.h5"))
    settings = {"weights": str(weights), "image_size": 96, "fine_tune_share": 0.1, "mirrored": True}
    classifier = ImageClassifier("mobilenet_v2", **settings)
    history = classifier.fit(few, epochs=10, fine_tune_epochs=1, folder=tmp_path, hold_out=0.2)
    assert [row["stage"] for row in history.rows] == ["features"] * 10 + ["fine-tuning"]
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 12
    learned = [layer for layer in classifier.network.layers if layer.weights and layer.trainable]
    assert learned[-1].name == "logits"
    assert 3 <= len(learned) <= 12
    kinds = {type(layer).__name__ for layer in learned}
    assert "BatchNormalization" not in kinds, "the statistics of a pretrained network stay as they are"
    held = flowers.test.take([row for row, label in enumerate(flowers.test.labels) if label in ("daisy", "tulips")])
    assert classifier.evaluate(held)["accuracy"] > 0.75

    ruined = ImageClassifier("mobilenet_v2", **{**settings, "fine_tune_rate": 100.0, "average": 0.0})
    rows = ruined.fit(few, epochs=10, fine_tune_epochs=1, hold_out=0.2).rows
    assert rows[-1]["accuracy"] < rows[-2]["accuracy"]
    plain = ImageClassifier("mobilenet_v2", **{**settings, "average": 0.0})
    plain.fit(few, epochs=10, hold_out=0.2)
    kept, brought = (each.probabilities(held.images[:20]) for each in (ruined, plain))
    np.testing.assert_allclose(kept, brought, atol=1e-6, err_msg="fine-tuning that is worse is not kept")


# -- what cannot be learned from ---------------------------------------------------------------------------------


def split_of(labels: list[str], size: int = 8) -> Split:
    random = np.random.default_rng(0)
    images = [random.integers(0, 255, (size, size, 3), np.uint8) for _ in labels]
    return Split("train", {"names": [str(n) for n in range(len(labels))], "images": images, "labels": labels})


@pytest.mark.parametrize(
    ("settings", "labels", "told"),
    [
        ({}, ["cat"] * 8, "Expected two classes or more.*'cat'"),
        ({}, ["cat", "dog"], "one a class"),
        ({"architecture": "resnett"}, ["cat", "dog"] * 4, "Did you mean 'resnet'"),
        ({"optimizer": "adamm"}, ["cat", "dog"] * 4, "Expected optimizer to be one of"),
        ({"schedule": "sometimes"}, ["cat", "dog"] * 4, "Expected schedule"),
        ({"dropout": 1.0}, ["cat", "dog"] * 4, "Expected dropout"),
        ({"mixup": -1.0}, ["cat", "dog"] * 4, "Expected mixup"),
        ({"warm_up": 0.1}, ["cat", "dog"] * 4, "Expected warm_up 0 with schedule one_cycle"),
    ],
)
def test_what_cannot_be_is_told(settings: dict[str, Any], labels: list[str], told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        ImageClassifier(**{**QUICK, **settings}).fit(split_of(labels), epochs=1)


def test_images_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    few = split_of(["cat", "dog"] * 10)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    few.images[3] = str(tmp_path / "broken.png")
    lines: list[str] = []

    class Listens(systems.system.Silent):  # type: ignore[name-defined,misc]
        def message(self, text: str) -> None:
            lines.append(text)

    classifier = ImageClassifier(**QUICK)
    classifier.fit(few, epochs=1, progress=Listens(), hold_out=0.2)
    assert sum("broken.png" in line for line in lines) == 1
    other = split_of(["cat", "zebra"])
    report = classifier.evaluate(other)
    assert report["passed_over"] == ["1: training had no 'zebra'"]
    with pytest.raises(FirstlightError, match="zebra"):
        classifier.evaluate(other.take([1]))


def test_classes_can_count_the_same() -> None:
    pictures = Pictures(split_of(["a"] * 9 + ["b"]).images, (8, 8, 3))
    supply = Supply(pictures, np.array([0] * 9 + [1]), 2, 10, 0, class_weights=np.array([10 / 18, 5.0], "float32"))
    (batch,) = supply.epoch(0)
    assert batch.weights is not None
    np.testing.assert_allclose(batch.weights, np.where(batch.targets[:, 1] == 1, 5, 10 / 18), rtol=1e-6)


@pytest.mark.parametrize("mixing", [{"mixup": 1.0}, {"cutmix": 1.0}])
def test_classes_count_the_same_when_they_are_mixed(mixing: dict[str, float]) -> None:
    pictures = Pictures(split_of(["a"] * 90 + ["b"] * 10).images, (8, 8, 3))
    weights = np.array([100 / 180, 5.0], "float32")
    supply = Supply(pictures, np.array([0] * 90 + [1] * 10), 2, 100, 0, class_weights=weights, **mixing)
    counted = [(batch.targets * batch.weights[:, None]).sum(0) for epoch in range(5) for batch in supply.epoch(epoch)]
    np.testing.assert_allclose(counted, np.full((5, 2), 50), rtol=1e-4)


def test_mixing_keeps_the_sum_of_targets_and_needs_the_seed() -> None:
    pictures = Pictures(split_of(["a", "b"] * 8).images, (8, 8, 3))
    labels = np.array([0, 1] * 8)
    for settings in ({"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}):
        first, second, third = (next(Supply(pictures, labels, 2, 16, seed, **settings).epoch(3)) for seed in (0, 0, 1))
        np.testing.assert_allclose(first.targets.sum(-1), 1, rtol=1e-6)
        np.testing.assert_array_equal(first.images, second.images)
        assert (first.images != third.images).any()
        assert first.images.dtype == first.targets.dtype == np.float32


def test_the_run_folder_of_another_architecture_is_refused(
    trained: tuple[ImageClassifier, Path], digits: Any, tmp_path: Path
) -> None:
    shutil.copytree(trained[1], tmp_path / "run")
    with pytest.raises(FirstlightError, match=r"architecture \(mlp there, cnn here\)"):
        ImageClassifier("cnn").fit(digits.train, epochs=8, folder=tmp_path / "run")


def photos(count: int, side: int = 120) -> Split:
    """Coloured images that are larger than those a network of one's own takes as they are."""
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (side, side, 3), np.uint8) for _ in range(count)]
    return Split(
        "train", {"names": [str(n) for n in range(count)], "images": images, "labels": ["cat", "dog"] * (count // 2)}
    )


def test_auto_takes_the_pretrained_network_where_its_weights_are_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    told: list[str] = []
    assert choose_architecture(ImageClassifier(), photos(8), told.append) == "cnn"
    assert "mobilenet_v2" in told[-1], "what would do better is told"
    (tmp_path / "models").mkdir()
    (tmp_path / "models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5").touch()
    assert choose_architecture(ImageClassifier(), photos(8), told.append) == "mobilenet_v2"
    assert choose_architecture(ImageClassifier(), photos(8, 32), told.append) == "cnn", "small pictures need none"
    assert choose_architecture(ImageClassifier("resnet"), photos(8), told.append) == "resnet"
    other = ImageClassifier(image_size=96)  # there are other weights for this side, which would be downloaded
    assert choose_architecture(other, photos(8), told.append) == "cnn"


def test_few_images_get_enough_steps() -> None:
    prepared = Prepared(photos(8), photos(4), ["cat", "dog"], (32, 32, 3))
    training = {"epochs": None, "fine_tune_epochs": 0, "patience": 0, "seed": 0}
    course = Course(ImageClassifier("cnn"), prepared, training, "float32", Silent())
    assert course.epochs(48) == 200, "three steps an epoch"
    assert course.epochs(3200) == 20, "as many as are usual"
    training["epochs"] = 7
    assert course.epochs(48) == 7

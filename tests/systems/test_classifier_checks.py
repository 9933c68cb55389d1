"""The checks of a classifier: a good one passes all, and each fault raises its own alarm."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight import data
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import ImageClassifier, classifier_checks, features
from firstlight.systems.classifier_ways import differences

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
QUICK = {"architecture": "linear", "image_size": 8, "precision": "float32", "augmentation": "none"}
NAMES = ["constant class", "majority class", "shuffled labels", "one preprocessing", "overlap", "calibration"]
COLOURS = {"blue": (40, 60, 200), "green": (40, 200, 60), "red": (200, 60, 40)}


def paint(folder: Path, each: int, seed: int) -> Split:
    """Noisy pictures of three colours."""
    random = np.random.default_rng(seed)
    names, images, labels = [], [], []
    for label, colour in COLOURS.items():
        for number in range(each):
            pixels = np.clip(random.normal(colour, 60, (16, 16, 3)), 0, 255).astype(np.uint8)
            name = f"{label}-{seed}-{number}.png"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name)
            names, images, labels = [*names, name], [*images, str(folder / name)], [*labels, label]
    return Split("train" if each > 20 else "validation", {"names": names, "images": images, "labels": labels})


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Split, Split]:
    folder = tmp_path_factory.mktemp("painted")
    return paint(folder, 40, 0), paint(folder, 15, 1)


@pytest.fixture
def trained(parts: tuple[Split, Split], weights: tuple[ImageClassifier, list[np.ndarray]]) -> ImageClassifier:
    """The classifier of all tests, as it was when it had learned."""
    classifier, values = weights
    classifier.network.set_weights(values)
    return classifier


@pytest.fixture(scope="module")
def weights(parts: tuple[Split, Split]) -> tuple[ImageClassifier, list[np.ndarray]]:
    classifier = ImageClassifier(**QUICK, learning_rate=0.01)
    classifier.fit(parts[0], epochs=6)
    return classifier, classifier.network.get_weights()


def checked(classifier: ImageClassifier, train: Split, validation: Split | None) -> dict[str, dict[str, Any]]:
    found = classifier.self_checks(train, validation)
    json.dumps(found)  # it goes into metrics.json
    return {each["name"]: each for each in found}


def test_a_good_classifier_passes_every_check(trained: ImageClassifier, parts: tuple[Split, Split]) -> None:
    found = checked(trained, *parts)
    assert list(found) == NAMES
    assert {name: each["passed"] for name, each in found.items()} == dict.fromkeys(NAMES, True), found
    assert set(found["one preprocessing"]["differences"]) == {
        *("one at a time", "as an array", "through a zip", "saved and opened again"),
    }
    assert found["overlap"]["pairs"] == []


def test_without_a_validation_part_the_images_held_out_are_judged(
    trained: ImageClassifier, parts: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Split] = []
    judged = classifier_checks.judged
    monkeypatch.setattr(
        classifier_checks, "judged", lambda classifier, split: (seen.append(split), judged(classifier, split))[1]
    )
    found = checked(trained, parts[0], None)
    assert list(found) == NAMES
    assert len(seen[0]) == trained.description["validation_images"] == 12
    assert found["overlap"]["passed"] is True, "the images held out are not among those it learned from"
    (other,) = checked(trained, parts[1], None).values()
    assert other["passed"] is None
    assert "not the images that it learned from" in other["message"]


def test_one_answer_for_everything_is_an_alarm(trained: ImageClassifier, parts: tuple[Split, Split]) -> None:
    logits = trained.network.get_layer("logits")
    kernel, bias = logits.get_weights()
    logits.set_weights([kernel, bias + np.array([0, 1e3, 0])])
    found = checked(trained, *parts)
    assert found["constant class"]["passed"] is found["majority class"]["passed"] is False
    assert found["constant class"]["message"] == "100.0% of the answers are 'green', as are 33.3% of the images"
    assert found["calibration"]["passed"] is False
    assert "100.0% sure on the mean, 33.3% right" in found["calibration"]["message"]
    assert found["shuffled labels"]["passed"] is True, "a constant answer is right by chance"


def test_weights_that_learned_nothing_beat_nothing(trained: ImageClassifier, parts: tuple[Split, Split]) -> None:
    random = np.random.default_rng(3)
    trained.network.set_weights([random.normal(0, 0.05, value.shape) for value in trained.network.get_weights()])
    found = checked(trained, *parts)
    assert found["majority class"]["passed"] is not True


def test_few_images_leave_the_question_open(trained: ImageClassifier, parts: tuple[Split, Split]) -> None:
    found = checked(trained, parts[0], parts[1].take([0, 20]))["majority class"]
    assert found["passed"] is None
    assert "2 images are too few to be sure" in found["message"]


def test_judging_that_looks_at_the_labels_is_an_alarm(
    trained: ImageClassifier, parts: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaks(classifier: ImageClassifier, split: Split) -> tuple[list[int], np.ndarray, list[str]]:
        places = [classifier.classes.index(label) for label in split.labels]
        return list(range(len(split))), np.eye(3)[places], []

    monkeypatch.setattr(classifier_checks, "judged", leaks)
    found = checked(trained, *parts)["shuffled labels"]
    assert found["passed"] is False
    assert found["message"].startswith("accuracy 100.0% by permuted labels, chance is 33.3%")


@pytest.mark.parametrize("fault", ["pixels", "saving"])
def test_another_preprocessing_when_predicting_is_an_alarm(
    trained: ImageClassifier, parts: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "pixels":
        whole = ImageClassifier.predict
        monkeypatch.setattr(
            ImageClassifier, "predict", lambda self, images: whole(self, [data.read(image) // 2 for image in images])
        )
    else:
        whole_save = ImageClassifier.save

        def forgets(self: ImageClassifier, folder: Path) -> None:
            values = self.network.get_weights()
            self.network.set_weights([0 * value for value in values])
            whole_save(self, folder)
            self.network.set_weights(values)

        monkeypatch.setattr(ImageClassifier, "save", forgets)
    found = checked(trained, *parts)["one preprocessing"]
    assert found["passed"] is False
    told = "one at a time by 0." if fault == "pixels" else "training: saved and opened again by 0."
    assert told in found["message"]


def test_images_known_from_training_are_an_alarm_with_their_names(
    trained: ImageClassifier, parts: tuple[Split, Split]
) -> None:
    train, validation = parts
    copied = Split(
        "validation", {name: values[:2] + validation.columns[name] for name, values in train.columns.items()}
    )
    found = checked(trained, train, copied)["overlap"]
    assert found["passed"] is False
    assert "2 of 47 images are in training, too (2 of them the same file" in found["message"]
    assert "blue-0-0.png = blue-0-0.png" in found["message"]


def test_checks_need_a_fitted_classifier(parts: tuple[Split, Split]) -> None:
    with pytest.raises(FirstlightError, match="Expected a fitted ImageClassifier"):
        ImageClassifier().self_checks(*parts)


# -- learning by heart -------------------------------------------------------------------------------------------


def test_a_few_images_are_learned_by_heart(parts: tuple[Split, Split]) -> None:
    settings = {"dropout": 0.9, "mixup": 1.0, "label_smoothing": 0.5, "weight_decay": 0.5, "augmentation": "strong"}
    network = {"architecture": "cnn", "width": 8, "depth": 1, "image_size": 8, "precision": "float32"}
    classifier = ImageClassifier(**network, **settings)  # type: ignore[arg-type]
    found = classifier.overfit(parts[0], images=7, seed=1)
    assert found["passed"] is True
    assert (found["images"], found["classes"], found["steps"], found["accuracy"]) == (7, 3, 300, 1.0)
    assert found["loss"] < 0.1
    assert classifier.dropout == 0.9
    assert not hasattr(classifier, "network"), "only a pupil learns"


def test_what_cannot_learn_does_not_pass(parts: tuple[Split, Split]) -> None:
    train = parts[0]
    same = Split("train", {**train.columns, "images": [train.images[0]] * len(train)})
    classifier = ImageClassifier("mlp", width=8, depth=1, image_size=8, precision="float32")
    found = classifier.overfit(same, images=6)
    assert found["passed"] is False
    assert found["accuracy"] < 0.5
    with pytest.raises(FirstlightError, match="Expected two images or more to learn by heart"):
        classifier.overfit(train, images=1)


def test_a_classifier_that_learned_from_features_is_checked_by_them(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = next((shared / "data" / "weights").glob("*no_top.h5"))
    train, validation = paint(tmp_path, 4, 0), paint(tmp_path, 2, 1)
    classifier = ImageClassifier("mobilenet_v2", weights=str(weights), image_size=32, learning_rate=0.02)
    classifier.fit(train, validation_data=validation, epochs=12)
    (way,) = (way for way in differences(classifier, validation.images) if way.name == "as features")
    assert 0 < way.difference < way.limit
    whole = features.extract

    def darker(images: list[Any], encoder: Any, size: int, folder: Path) -> Any:
        return whole([image // 8 for image in images], encoder, size, engine="keras", folder=folder)

    monkeypatch.setattr(features, "extract", darker)
    (way,) = (way for way in differences(classifier, validation.images) if way.name == "as features")
    assert way.difference > way.limit

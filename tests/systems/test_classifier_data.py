"""Bad and odd images, labels and settings: each is told in a line, and what is left is learned from."""

import csv
import io
import json
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from firstlight import data, plots
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import ImageClassifier
from firstlight.systems.classifier_networks import ARCHITECTURES
from firstlight.systems.classifier_preparation import OWN, divide, prepare
from firstlight.systems.classifier_settings import check_settings
from firstlight.systems.pictures import is_grey
from firstlight.systems.system import Silent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]
QUICK = {"architecture": "linear", "image_size": 8, "precision": "float32", "augmentation": "none"}
RANDOM = np.random.default_rng(0)


class Listens(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def fit(split: Split, validation: Split | None = None, **settings: Any) -> tuple[ImageClassifier, list[str]]:
    """A tiny classifier taught for one epoch, and what was told on the way."""
    listens = Listens()
    classifier = ImageClassifier(**{**QUICK, **settings})
    classifier.fit(split, validation_data=validation, epochs=1, progress=listens)
    return classifier, listens.lines


def pixels(low: int, *shape: int) -> Any:
    return RANDOM.integers(low, low + 100, shape or (8, 8, 3)).astype(np.uint8)


def save(path: Path, low: int = 0, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(low)).save(path, **options)
    return path


def class_folders(root: Path, labels: tuple[str, ...] = ("bright", "dark"), images: int = 6) -> Path:
    for place, label in enumerate(labels):
        for number in range(images):
            save(root / label / f"{place}-{number}.png", 150 - 150 * (place % 2))
    return root


def load(path: Path) -> Any:
    return data.load(path, task="labels")


def split_of(labels: list[str], images: list[Any] | None = None, name: str = "train") -> Split:
    images = images or [pixels(0) for _ in labels]
    return Split(name, {"names": [str(n) for n in range(len(labels))], "images": images, "labels": labels})


def problems(dataset: Any, kind: str) -> list[str]:
    return [str(problem) for problem in dataset.problems if problem.kind == kind]


# -- what is missing or broken -----------------------------------------------------------------------------------


def test_an_empty_class_folder_is_told_and_is_no_class(tmp_path: Path) -> None:
    (class_folders(tmp_path) / "owl").mkdir()
    dataset = load(tmp_path)
    (told,) = problems(dataset, "empty class folder")
    assert "owl holds no image and is no class" in told
    assert fit(dataset.train)[0].classes == ["bright", "dark"]


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("nothing yet")
    with pytest.raises(FirstlightError, match=r"no known layout matches(.|\n)*folders: a folder a class"):
        load(tmp_path)


def test_broken_images_among_many_are_listed_and_passed_over(tmp_path: Path) -> None:
    class_folders(tmp_path, images=12)
    whole = (tmp_path / "bright" / "0-3.png").read_bytes()
    names = ("0-3.png", "0-4.png", "0-5.png")
    for name, content in zip(names, (whole[: len(whole) // 2], b"no picture", b""), strict=True):
        (tmp_path / "bright" / name).write_bytes(content)
    files = sorted(map(str, tmp_path.rglob("*.png")))
    split = split_of([Path(file).parent.name for file in files], files)
    classifier, told = fit(split)
    assert classifier.classes == ["bright", "dark"]
    for name, reason in zip(names, ("a damaged one", "begin with b'no picture'", "an empty file"), strict=True):
        assert [line for line in told if name in line and reason in line], (name, told)
    report = classifier.evaluate(split)
    assert len(report["passed_over"]) == 3
    assert sum(each["support"] for each in report["classes"].values()) == 21


def test_none_readable_is_told_with_the_first_reason(tmp_path: Path) -> None:
    class_folders(tmp_path)
    for file in tmp_path.rglob("*.png"):
        file.write_bytes(b"gone")
    files = sorted(map(str, tmp_path.rglob("*.png")))
    with pytest.raises(FirstlightError, match=r"Received 12, none of them readable\. First: .*0-0.png.*b'gone'"):
        fit(split_of(["a", "b"] * 6, files))


def test_a_class_that_cannot_be_read_is_left_out() -> None:
    images = [pixels(0) if number % 3 else "nowhere.png" for number in range(12)]
    classifier, told = fit(split_of(["a", "b", "c"] * 4, images))
    assert classifier.classes == ["b", "c"]
    assert sum(line.startswith("none of the 4 training images of 'a' can be read") for line in told) == 1
    with pytest.raises(FirstlightError, match=r"Received 1, 'b'\. None of the 4 training images of 'a' can be read"):
        fit(split_of(["a", "b"] * 4, ["nowhere.png" if n % 2 == 0 else pixels(0) for n in range(8)]))


def test_images_are_held_out_again_where_none_of_them_can_be_read() -> None:
    split = split_of(["a", "b"] * 6)
    first = divide(split, None, 0.1, 0)[1].names
    for name in first:
        split.images[int(name)] = "nowhere.png"
    train, held = divide(split, None, 0.1, 0)
    assert held.names
    assert not set(held.names) & set(first)
    assert set(train.names) | set(held.names) == set(split.names), "broken ones stay where they are told"
    assert sum("nowhere.png" in line for line in fit(split)[1]) == len(first)


def test_a_validation_part_that_cannot_decide_is_told() -> None:
    split = split_of(["a", "b"] * 4)
    with pytest.raises(FirstlightError, match="Received 1 in split 'mine', none of them readable"):
        fit(split, split_of(["a"], ["nowhere.png"], "mine"))
    with pytest.raises(FirstlightError, match=r"of classes that training has\. Received 0 in split 'mine'"):
        fit(split, split_of(["zebra"], name="mine"))
    _, told = fit(split, split_of(["a", "zebra"], name="mine"))
    assert told[0] == "1 validation images of classes that training has not ('zebra') are left out"


# -- few images, many classes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["a"] * 9, "Expected two classes or more in split 'train'. Received 1, 'a'"),
        (["a"], "Expected two classes or more in split 'train'. Received 1, 'a'"),
        ([], "Expected two classes or more in split 'train'. Received 0"),
        (["a", "b", "c"], "Expected images to hold out. Received 3 usable training images, one a class. Add images."),
    ],
)
def test_too_few_are_told(labels: list[str], told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        divide(split_of(labels), None, 0.1, 0)


def test_a_class_of_one_image_is_never_held_out() -> None:
    split = split_of(["a", "b", "b", "b", "c"])
    for seed in range(8):
        train, held = divide(split, None, 0.5, seed)
        assert {"a", "c"} <= set(train.labels)
        assert set(held.labels) == {"b"}
    assert fit(split)[0].classes == ["a", "b", "c"]


def test_images_and_labels_of_a_share_that_cannot_be() -> None:
    for share in (0.0, 1.0, -0.1):
        with pytest.raises(FirstlightError, match="Expected hold_out to be above 0 and below 1"):
            divide(split_of(["a", "b"] * 4), None, share, 0)
    with pytest.raises(FirstlightError, match=r"Expected labels as text in split 'train'\. Received 0"):
        divide(split_of([0, 1] * 4), None, 0.1, 0)  # type: ignore[list-item]
    bare = Split("train", {"names": ["a"], "images": [pixels(0)]})
    with pytest.raises(FirstlightError, match=r"with columns names, images\. Load it with"):
        divide(bare, None, 0.1, 0)


def test_classes_stand_in_the_order_in_which_data_have_them() -> None:
    split = split_of(["10", "9", "cat", "Ä", "2"] * 2)
    assert prepare(ImageClassifier(), split, split, 0.1, 0, Silent()).classes == split.classes
    assert split.classes == ["2", "9", "10", "cat", "Ä"]


def test_a_thousand_classes_of_two_images_take_seconds(tmp_path: Path) -> None:
    labels = [f"class {number // 2}" for number in range(2000)]
    np.savez(tmp_path / "many.npz", images=RANDOM.integers(0, 255, (2000, 8, 8)).astype(np.uint8), labels=labels)
    start = time.process_time()  # others may use this machine, too
    dataset = load(tmp_path / "many.npz")
    classifier, told = fit(dataset.train, dataset.validation)
    report = classifier.evaluate(dataset.test)
    plots.confusion(np.array(report["confusion"]), list(report["classes"]), tmp_path / "confusion.png")
    assert time.process_time() - start < 15  # of all threads; three on an idle machine
    assert len(classifier.classes) == len(report["classes"]) == 1000
    assert told == []
    assert len(classifier.classify(dataset.test.images[0]).ranking) == 1000


# -- pictures of every kind and size -----------------------------------------------------------------------------


def grey(path: Path) -> None:
    Image.fromarray(pixels(0, 9, 7)).save(path)


def with_opacity(path: Path) -> None:
    Image.fromarray(pixels(0, 9, 7, 4)).save(path)


def palette(path: Path) -> None:
    Image.fromarray(pixels(0)).quantize(16).save(path)


def cmyk(path: Path) -> None:
    Image.fromarray(pixels(0)).convert("CMYK").save(path, format="JPEG")


def sixteen_bit(path: Path) -> None:
    Image.fromarray(RANDOM.integers(0, 65535, (9, 7)).astype(np.uint16)).save(path)


def animated(path: Path) -> None:
    frames = [Image.fromarray(pixels(low)) for low in (0, 100)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    Image.fromarray(pixels(0, 9, 7, 3)).save(path, format="JPEG", exif=exif)


def tiny(path: Path) -> None:
    Image.fromarray(pixels(0, 1, 1, 3)).save(path)


def long(path: Path) -> None:
    Image.fromarray(pixels(0, 1, 900, 3)).save(path)


def large(path: Path) -> None:
    Image.fromarray(pixels(0, 1200, 1600, 3)).save(path, format="JPEG")


KINDS: list[Callable[[Path], None]] = [
    *(grey, with_opacity, palette, cmyk, sixteen_bit, animated, turned, tiny, long, large),
]


def test_pictures_of_every_kind_mixed(tmp_path: Path) -> None:
    class_folders(tmp_path, images=8)
    for kind in KINDS:
        kind(tmp_path / "dark" / f"{kind.__name__}.png")  # the bytes decide, not the ending
    dataset = load(tmp_path)
    classifier, told = fit(dataset.train, dataset.validation, image_size=None)
    assert told == []
    assert classifier.shape == (64, 64, 3)
    for kind in KINDS:
        assert classifier.classify(tmp_path / "dark" / f"{kind.__name__}.png").label in ("bright", "dark")
    given = classifier.classify(tmp_path / "dark" / "turned.png")
    upright = Image.open(tmp_path / "dark" / "turned.png").transpose(Image.Transpose.ROTATE_270)
    assert dict(given.ranking) == pytest.approx(dict(classifier.classify(np.asarray(upright)).ranking), abs=0.02)


@pytest.mark.parametrize("architecture", ["cnn", "resnet"])
def test_images_of_a_single_pixel_are_enlarged(architecture: str) -> None:
    split = split_of(["a", "b"] * 4, [pixels(0, 1, 1, 3) for _ in range(8)])
    classifier, _ = fit(split, architecture=architecture, width=4, depth=1, image_size=None)
    assert classifier.shape == (4, 4, 3)


def test_colour_in_the_last_class_is_not_lost() -> None:
    """Files are ordered by class: the first hundred say nothing of the others."""
    images = [pixels(0, 8, 8) for _ in range(300)] + [pixels(0) for _ in range(30)]
    assert is_grey(images[:300])
    assert not is_grey(images)


def test_more_pixels_than_memory_could_hold_are_never_decoded(tmp_path: Path) -> None:
    """A file of some bytes that says it holds 3.6 thousand million pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    class_folders(tmp_path)
    (tmp_path / "dark" / "bomb.png").write_bytes(bomb)
    files = sorted(map(str, tmp_path.rglob("*.png")))
    _, told = fit(split_of([Path(file).parent.name for file in files], files))
    assert len(told) == 1
    assert "expected an image of at most 89,478,485 pixels. Received more" in told[0]


# -- folders and names -------------------------------------------------------------------------------------------


def test_a_zip_of_class_folders(tmp_path: Path) -> None:
    class_folders(tmp_path / "photos")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for file in sorted((tmp_path / "photos").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path))
    dataset = load(tmp_path / "photos.zip")
    classifier, told = fit(dataset.train)
    assert (classifier.classes, told) == (["bright", "dark"], [])
    label = classifier.classify(f"{tmp_path}/photos.zip/photos/dark/1-0.png").label
    assert label == classifier.classify(tmp_path / "photos" / "dark" / "1-0.png").label


def test_names_of_classes_may_be_anything(tmp_path: Path) -> None:
    names = ("hot dog", "café, crème", "猫", 'a "quote"', "-rf", "1")
    class_folders(tmp_path / "photos", names, images=3)
    class_folders(tmp_path / "photos" / ".net", ("",), images=2)
    save(tmp_path / "photos" / "hot dog" / "deeper" / "more.png")
    dataset = load(tmp_path / "photos")
    assert set(dataset.classes) == set(names)
    told = problems(dataset, "note")
    assert any(".net is hidden by the dot at its beginning and is no class" in line for line in told)
    assert any("folders inside class folders belong to the class: hot dog" in line for line in told)
    classifier, _ = fit(dataset.train)
    classifier.save(tmp_path / "run")
    again = ImageClassifier.load(tmp_path / "run")
    assert again.classes == classifier.classes == dataset.train.classes
    assert again.classify(dataset.train.images[0]) == classifier.classify(dataset.train.images[0])


def test_train_and_test_of_other_classes(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", ("ant", "bee", "cow"))
    class_folders(tmp_path / "test", ("bee", "cow", "dog"), images=2)
    dataset = load(tmp_path)
    (told,) = problems(dataset, "label unseen in training")
    assert "2 images of 'dog' in test: no training image has this label" in told
    classifier, _ = fit(dataset.train)
    report = classifier.evaluate(dataset.test)
    assert report["passed_over"] == []
    assert {label: each["support"] for label, each in report["classes"].items()} == {"ant": 0, "bee": 2, "cow": 2}
    assert report["classes"]["ant"]["recall"] is None
    # Given by hand, without the loader:
    other = split_of(["bee", "dog"], name="other")
    assert classifier.evaluate(other)["passed_over"] == ["1: training had no 'dog'"]


# -- tables and arrays -------------------------------------------------------------------------------------------


def test_a_table_with_every_slip(tmp_path: Path) -> None:
    for number in range(12):
        save(tmp_path / f"{number}.png")
    rows = [["file", "label"], *([f"{number}.png", str(number % 2)] for number in range(12))]
    rows += [["gone.png", "1"], ["3.png", "1"], ["4.png", "1"], ["", "1"]]
    rows[1 + 7][1] = ""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    (tmp_path / "list.csv").write_text(text.getvalue())
    dataset = load(tmp_path)
    told = [str(problem).rpartition("list.csv:")[2] for problem in dataset.problems if problem.kind != "note"]
    for expected in (
        "14: gone.png is not there",
        "15: 3.png has this label already: 1",
        "16: 4.png is called '1' here and stays '0'",
        "9: 7.png has no label",
        "17: no name of an image",
    ):
        assert expected in told
    classifier, _ = fit(dataset.train)
    assert classifier.classes == ["0", "1"]
    assert sum(map(len, dataset.splits.values())) == 11


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_the_imagefolder_of_hugging_face(tmp_path: Path, ending: str) -> None:
    for split, count in (("train", 8), ("test", 2)):
        records = [{"file_name": f"{n}.png", "label": "even" if n % 2 == 0 else "odd"} for n in range(count)]
        for record in records:
            save(tmp_path / split / record["file_name"])
        lines = [json.dumps(record) for record in records]
        if ending == "csv":
            lines = ["file_name,label", *(",".join(record.values()) for record in records)]
        (tmp_path / split / f"metadata.{ending}").write_text("\n".join(lines) + "\n")
    dataset = load(tmp_path)
    assert dataset.layout == "imagefolder"
    classifier, told = fit(dataset.train)
    assert (classifier.classes, told) == (["even", "odd"], [])
    assert sum(each["support"] for each in classifier.evaluate(dataset.test)["classes"].values()) == 2


def test_arrays_of_fractions_are_scaled_and_told(tmp_path: Path) -> None:
    images, labels = RANDOM.random((20, 8, 8, 3)), np.arange(20) % 2
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    dataset = load(tmp_path / "mine.npz")
    assert any("images: values from 0 to 1 were multiplied by 255" in line for line in problems(dataset, "note"))
    classifier, told = fit(dataset.train)
    assert (classifier.shape, told) == ((8, 8, 3), [])
    with pytest.raises(FirstlightError, match=r"Expected an image array of uint8, 0 to 255\. Received float64"):
        fit(split_of(["a", "b"] * 4, list(images[:8])))
    with pytest.raises(FirstlightError, match=r"Expected an image array of uint8, 0 to 255\. Received float64"):
        classifier.classify(images[0])


@pytest.mark.parametrize(
    ("images", "labels", "told"),
    [
        (np.full((4, 8, 8), np.nan), np.arange(4), "Expected brightness in images.*Received float64 from nan to nan"),
        (np.full((4, 8, 8), -0.5), np.arange(4), "Expected brightness in images.*from -0.5 to -0.5"),
        (np.zeros((4, 8, 8, 2), np.uint8), np.arange(4), r"Received an array of shape \(4, 8, 8, 2\)"),
        (np.zeros((4, 8, 8), np.uint8), np.arange(3), "4 images in images, but 3 labels in labels"),
        (np.zeros((4, 8, 8), np.uint8), np.full(4, 0.5), "Expected whole numbers or texts as labels in labels"),
        (np.zeros((4, 8, 8), np.uint8), np.zeros((4, 3)), "Expected one label an image in labels"),
    ],
    ids=["nan", "negative", "channels", "lengths", "fractions", "rows"],
)
def test_arrays_that_are_no_images_or_labels(tmp_path: Path, images: Any, labels: Any, told: str) -> None:
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    with pytest.raises(FirstlightError, match=told):
        load(tmp_path / "mine.npz")


def overlapping(common: int, rare: int) -> Split:
    """Grey images of one shade each; the shades of the two classes overlap."""
    labels = ["common"] * common + ["rare"] * rare
    shades = RANDOM.normal([100 if label == "common" else 120 for label in labels], 15).clip(0, 255)
    return split_of(labels, [np.full((8, 8), shade).astype(np.uint8) for shade in shades])


def test_class_weights_help_a_rare_class() -> None:
    train, judged = overlapping(180, 20), overlapping(100, 100)
    recall = {}
    for weighted in (False, True):
        classifier = ImageClassifier(**{**QUICK, "class_weights": weighted, "learning_rate": 0.02, "average": 0.0})
        classifier.fit(train, validation_data=judged, epochs=8)
        recall[weighted] = classifier.evaluate(judged)["classes"]["rare"]["recall"]
    assert recall[True] > recall[False] + 0.2


# -- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"architecture": "resnett"}, "Did you mean 'resnet'"),
        ({"architecture": "mobilenet-v2"}, "Did you mean 'mobilenet_v2'"),
        ({"optimizer": "adamm"}, "Expected optimizer to be one of.*Did you mean 'adam"),
        ({"schedule": "one-cycle"}, "Did you mean 'one_cycle'"),
        ({"normalization": "bach"}, "Expected normalization to be one of batch, group, none.*'batch'"),
        ({"augmentation": "storng"}, "Expected augmentation to be one of auto.*'strong'"),
        ({"precision": "float17"}, "Expected precision to be one of"),
        ({"initialization": "he_norml"}, "Expected initialization to be one of.*'he_normal'"),
        ({"dropout": -0.1}, r"Expected dropout to be at least 0 and below 1. Received -0\.1"),
        ({"dropout": "0.5"}, "Expected dropout to be a number. Received '0.5'"),
        ({"dropout": float("nan")}, "Expected dropout.*Received nan"),
        ({"mixup": -1.0}, "Expected mixup to be 0 or more"),
        ({"weight_decay": float("nan")}, "Expected weight_decay to be 0 or more. Received nan"),
        ({"learning_rate": 0.0}, "Expected a learning_rate above 0"),
        ({"fine_tune_rate": 0.0}, "Expected a fine_tune_rate above 0"),
        ({"fine_tune_share": 1.5}, "Expected fine_tune_share to be above 0 and at most 1"),
        ({"momentum": 1.0}, "Expected momentum to be at least 0 and below 1"),
        ({"width": 0}, "Expected width to be 1 or more"),
        ({"width": 2.5}, "Expected width to be a whole number. Received 2.5"),
        ({"batch_size": True}, "Expected batch_size to be a whole number. Received True"),
        ({"class_weights": "yes"}, "Expected class_weights to be True or False"),
        ({"image_size": 2}, "Expected image_size to be 4 or more"),
        ({"architecture": "mobilenet_v2", "weights": "none.h5"}, "the path of a file. Received 'none.h5', which is no"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_settings_that_cannot_be_are_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        check_settings(ImageClassifier(**settings))


def test_numbers_of_numpy_are_numbers() -> None:
    check_settings(ImageClassifier(width=np.int64(8), dropout=np.float32(0.1), class_weights=np.bool_(True)))  # type: ignore[arg-type]


@pytest.mark.parametrize("training", [{"epochs": 0}, {"fine_tune_epochs": -1}, {"patience": -1}], ids=str)
def test_epochs_that_cannot_be_are_told(training: dict[str, int]) -> None:
    ((name, value),) = training.items()
    with pytest.raises(FirstlightError, match=rf"Expected {name} to be . or more\. Received {value}"):
        ImageClassifier(**QUICK).fit(split_of(["a", "b"] * 4), **training)


def test_nothing_is_written_for_settings_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match="which is no file"):
        ImageClassifier("mobilenet_v2", weights="none.h5").fit(split_of(["a", "b"] * 4), folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_and_sizes_that_do_not_fit_a_pretrained_network(tmp_path: Path) -> None:
    split = split_of(["a", "b"] * 4)
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(FirstlightError, match=r"Expected the weights of MobileNet in .*which does not fit"):
        fit(split, architecture="mobilenet", image_size=32, weights=str(tmp_path / "other.weights.h5"))
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(FirstlightError, match=r"Expected the weights of MobileNet in .*which does not fit"):
        fit(split, architecture="mobilenet", image_size=32, weights=str(tmp_path / "text.h5"))
    with pytest.raises(FirstlightError, match=r"Expected an image_size that MobileNet takes\. Received 16: .*32x32"):
        fit(split, architecture="mobilenet", image_size=16, weights=str(tmp_path / "text.h5"))


def test_the_architectures_that_are_named_are_those_that_are_built() -> None:
    assert tuple(ARCHITECTURES) == OWN

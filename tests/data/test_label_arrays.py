"""Images and labels in arrays: what they are called, how their values and axes are read, and what is refused."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from caption_files import draw
from label_files import CODES, NUMBERED, PIXELS, cifar, counts, idx, idx_bytes

from firstlight.data.labels import load_labels
from firstlight.data.pixels import class_names, to_pixels
from firstlight.data.table import Dataset
from firstlight.errors import FirstlightError


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "y_train", "X_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("trainImages", "trainLabels", "testImages", "testLabels"),
        ("train-data", "train-target", "test-data", "test-target"),
    ],
)
def test_arrays_of_two_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    arrays = (PIXELS[:4], CODES[:4], PIXELS[4:], CODES[4:])
    np.savez(tmp_path / "a.npz", **dict(zip(names, arrays, strict=True)))
    assert counts(load_labels(tmp_path)) == NUMBERED
    (tmp_path / "a.npz").unlink()
    for name, array in zip(names, arrays, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    dataset = load_labels(tmp_path)
    assert (dataset.layout, counts(dataset)) == ("numpy", NUMBERED)
    assert counts(load_labels(tmp_path / f"{names[0]}.npy")) == NUMBERED
    np.testing.assert_array_equal(dataset.test.images[1], PIXELS[5])
    assert dataset.test.names == ["test-00000", "test-00001"]


@pytest.mark.parametrize(
    "names", [("images", "labels"), ("X", "y"), ("data", "target"), ("faces", "names"), (None, None)]
)
def test_arrays_without_a_split(tmp_path: Path, names: tuple[str, str]) -> None:
    texts = np.array(["a", "b", "a", "b", "a", "b"])
    if names[0] is None:
        np.savez(tmp_path / "a.npz", PIXELS, texts)
    else:
        np.savez(tmp_path / "a.npz", **{names[0]: PIXELS, names[1]: texts})
    dataset = load_labels(tmp_path / "a.npz")
    assert dataset.classes == ["a", "b"]
    assert sum(map(len, dataset.splits.values())) == 6
    assert any("no split is given" in str(problem) for problem in dataset.problems)


def test_one_file_a_split(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", images=PIXELS[:4], labels=CODES[:4])
    np.savez(tmp_path / "test.npz", images=PIXELS[4:], labels=CODES[4:])
    assert counts(load_labels(tmp_path)) == NUMBERED


@pytest.mark.parametrize(
    ("given", "expected", "told"),
    [
        (PIXELS, PIXELS, ""),
        (PIXELS[..., None], PIXELS, ""),
        (PIXELS.astype(np.int64), PIXELS, ""),
        (PIXELS.astype(np.float64), PIXELS, ""),
        (PIXELS / np.float32(255), PIXELS, "multiplied by 255"),
        (PIXELS > 60, (PIXELS > 60) * np.uint8(255), "multiplied by 255"),
        (PIXELS[:, :4].reshape(6, 16), PIXELS[:, :4], "16 numbers an image were read as 4 x 4"),
        (
            np.stack([PIXELS.reshape(6, 4, 5)] * 3, 1),
            np.stack([PIXELS.reshape(6, 4, 5)] * 3, -1),
            "channels came first",
        ),
        (np.stack([PIXELS] * 3 + [PIXELS * 0 + 255], -1), np.stack([PIXELS] * 3, -1), "opacity"),
    ],
)
def test_images_of_any_usual_kind(given: Any, expected: Any, told: str) -> None:
    images, remarks = to_pixels(given, "x")
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, expected)
    assert (told in remarks[0]) if told else remarks == []


@pytest.mark.parametrize(
    "given",
    [
        np.full((2, 4, 4), 300),
        np.full((2, 4, 4), -1.0),
        np.full((2, 4, 4), np.nan),
        np.full((2, 4, 4), 3.5),
        np.zeros((2, 15)),
        np.zeros((2, 4, 4, 2)),
        np.zeros((0, 4, 4)),
        np.zeros(3),
        np.array(["a"]),
    ],
    ids=str,
)
def test_what_is_no_image_is_refused(given: Any) -> None:
    with pytest.raises(FirstlightError, match=r"^Expected"):
        to_pixels(given, "x")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([3, 10]), ["3", "10"]),
        (np.array([[3], [10]]), ["3", "10"]),
        (np.array([3.0, 10.0]), ["3", "10"]),
        (np.array(["cat", "hot dog"]), ["cat", "hot dog"]),
        (np.array([b"cat", "caf\u00e9".encode()]), ["cat", "caf\u00e9"]),
        (np.eye(3)[[2, 0]], ["2", "0"]),
    ],
)
def test_labels_of_any_usual_kind(given: Any, expected: list[str]) -> None:
    assert class_names(given, "y")[0] == expected


@pytest.mark.parametrize("given", [np.array([0.5]), np.zeros((2, 3)), np.zeros((2, 2, 2)), np.array([1 + 2j])], ids=str)
def test_what_is_no_label_is_refused(given: Any) -> None:
    with pytest.raises(FirstlightError, match=r"^Expected"):
        class_names(given, "y")


def test_refused_arrays_are_told_with_the_reason(tmp_path: Path) -> None:
    np.savez(tmp_path / "lengths.npz", x=PIXELS, y=CODES[:5])
    np.savez(tmp_path / "features.npz", x=np.full((6, 16), -0.5), y=CODES)
    np.savez(tmp_path / "points.npz", points=np.zeros((6, 2)), labels=CODES)
    np.savez(tmp_path / "objects.npz", x=np.array([PIXELS, None], dtype=object), y=CODES)
    (tmp_path / "broken.npz").write_bytes(b"PK no zip")
    with pytest.raises(FirstlightError) as caught:
        load_labels(tmp_path)
    message = str(caught.value)
    assert "lengths.npz: 6 images in x, but 5 labels in y" in message
    assert "features.npz: Expected brightness in x" in message
    assert "points.npz: no images with labels among its arrays (points (6, 2), labels (6,))" in message
    assert "objects.npz: Expected arrays of NumPy" in message
    assert "broken.npz: Expected arrays of NumPy" in message


def passed_over(dataset: Dataset) -> list[str]:
    return [str(problem) for problem in dataset.problems if problem.kind != "note"]


def test_arrays_without_a_partner_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", x_train=PIXELS[:4], y_train=CODES[:4], x_test=PIXELS[4:])
    np.savez(tmp_path / "q.npz", images=PIXELS, labels=CODES, more_images=PIXELS, more_labels=CODES, means=CODES)
    (first,) = passed_over(load_labels(tmp_path / "p.npz"))
    assert "p.npz: x_test: no labels of test that would be its own" in first
    told = passed_over(load_labels(tmp_path / "q.npz"))
    assert [line.partition(": ")[2].split(":")[0] for line in told] == ["more_images", "more_labels"]


def test_files_that_cannot_be_used_are_told_beside_those_that_can(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", x=PIXELS, y=CODES)
    np.savez(tmp_path / "short.npz", x=PIXELS, y=CODES[:5])
    np.savez(tmp_path / "weights.npz", kernel=np.zeros((3, 3)))
    (told,) = passed_over(load_labels(tmp_path))
    assert "short.npz: 6 images in x, but 5 labels in y" in told


def test_refused_arrays_leave_the_class_folders(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "1.jpg")
    np.savez(tmp_path / "features.npz", x=np.full((6, 512), 0.5), y=CODES)
    assert load_labels(tmp_path).layout == "folders"


# The forms of MNIST and CIFAR-10


def test_idx_files_unpacked_and_with_a_point(tmp_path: Path) -> None:
    for stem, rows in (("train", slice(0, 4)), ("t10k", slice(4, 6))):
        (tmp_path / f"{stem}-images.idx3-ubyte").write_bytes(idx_bytes(PIXELS[rows]))
        (tmp_path / f"{stem}-labels.idx1-ubyte").write_bytes(idx_bytes(CODES[rows]))
    dataset = load_labels(tmp_path)
    assert (dataset.layout, counts(dataset)) == ("idx", NUMBERED)
    np.testing.assert_array_equal(dataset.train.images[3], PIXELS[3])


def test_idx_files_without_a_partner_are_told(tmp_path: Path) -> None:
    idx(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    dataset = load_labels(tmp_path)
    assert list(dataset.splits) == ["train"]
    (told,) = passed_over(dataset)
    assert "t10k-images-idx3-ubyte.gz: its labels are not beside it" in told


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"\0\0\x08\3 too short"), gzip.compress(PIXELS)[:-9]]
)
def test_damaged_idx_files_are_named(tmp_path: Path, content: bytes) -> None:
    idx(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(FirstlightError, match=r"t10k-images-idx3-ubyte\.gz"):
        load_labels(tmp_path)


def test_the_planes_of_cifar_become_channels(tmp_path: Path) -> None:
    cifar(tmp_path)
    dataset = load_labels(tmp_path)
    assert dataset.train.images[0].shape == (32, 32, 3)
    assert set(map(tuple, dataset.train.images[0].reshape(-1, 3).tolist())) == {(0, 1, 2)}
    (tmp_path / "batches.meta.txt").unlink()
    assert load_labels(tmp_path).classes == ["0", "1"]
    (tmp_path / "test_batch.bin").write_bytes(b"too short")
    with pytest.raises(FirstlightError, match=r"records of 3073 bytes in .*test_batch\.bin"):
        load_labels(tmp_path)


def test_the_pickles_of_cifar_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04.")
    with pytest.raises(FirstlightError, match="data_batch_1: a pickle of CIFAR's Python version, which is not opened"):
        load_labels(tmp_path)

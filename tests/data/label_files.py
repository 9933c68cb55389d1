"""Labelled images in every layout, laid out in a folder, and what the tests of labels look at in what is loaded."""

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from caption_files import draw, write, write_table

from firstlight.data.table import Dataset

# (split, class, number) of six images, two of each class in train and one of two classes in test.
IMAGES = [
    ("train", "cat", 1),
    ("train", "cat", 2),
    ("train", "dog", 1),
    ("train", "dog", 2),
    ("test", "cat", 3),
    ("test", "dog", 3),
]
EXPECTED = {"train": {"cat": 2, "dog": 2}, "test": {"cat": 1, "dog": 1}}
PIXELS = np.arange(6 * 5 * 4, dtype=np.uint8).reshape(6, 5, 4)  # images, height, width
CODES = np.array([0, 0, 1, 1, 0, 1], np.uint8)
NUMBERED = {"train": {"0": 2, "1": 2}, "test": {"0": 1, "1": 1}}


def counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    """How many images each class has in each split."""
    return {
        name: {label: split.labels.count(label) for label in split.classes} for name, split in dataset.splits.items()
    }


def folders(root: Path) -> None:
    for split, label, number in IMAGES:
        draw(root / split / label / f"{number}.jpg", (40 * number, 0, 0))


def flat_folders(root: Path, classes: int = 2, images: int = 10) -> None:
    for kind in range(classes):
        for number in range(images):
            draw(root / f"class{kind}" / f"photo{kind}_{number}.jpg", (kind, number, 0))


def table(root: Path) -> None:
    rows = []
    for split, label, number in IMAGES:
        draw(root / "images" / f"{label}{number}.png", (40 * number, 0, 0))
        rows.append([f"{label}{number}.png", label, split])
    write_table(root / "list.csv", [["filename", "label", "split"], *rows])


def imagefolder(root: Path) -> None:
    for split in ("train", "test"):
        rows = [(label, number) for part, label, number in IMAGES if part == split]
        for label, number in rows:
            draw(root / split / f"{label}{number}.jpg", (40 * number, 0, 0))
        lines = [json.dumps({"file_name": f"{label}{number}.jpg", "label": label}) for label, number in rows]
        write(root / split / "metadata.jsonl", "\n".join(lines) + "\n")


def numpy(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    np.savez(root / "all.npz", x_train=PIXELS[:4], y_train=CODES[:4], x_test=PIXELS[4:], y_test=CODES[4:])


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def idx(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for stem, rows in (("train", slice(0, 4)), ("t10k", slice(4, 6))):
        (root / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(PIXELS[rows])))
        (root / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(CODES[rows])))


def cifar_bytes(labels: list[int]) -> bytes:
    planes = np.repeat(np.arange(3, dtype=np.uint8), 32 * 32)  # red 0, green 1, blue 2
    return b"".join(bytes([label]) + planes.tobytes() for label in labels)


def cifar(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "data_batch_1.bin").write_bytes(cifar_bytes([0, 0]))
    (root / "data_batch_2.bin").write_bytes(cifar_bytes([1, 1]))
    (root / "test_batch.bin").write_bytes(cifar_bytes([0, 1]))
    write(root / "batches.meta.txt", "cat\ndog\n\n")


LAYOUTS: list[Callable[[Path], None]] = [idx, cifar, numpy, imagefolder, table, folders]

"""Images and labels in the binary files of two well-known data sets, whose forms others have taken over.

IDX is the form of MNIST: a header with the lengths of the axes, then the bytes (see yann.lecun.com/exdb/mnist).
CIFAR-10's binary version is a byte for the class and 3,072 for the planes of red, green and blue, image after image.
"""

import gzip
import math
import os
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from firstlight.data.archives import read_bytes
from firstlight.data.contents import Contents, LabelledImage
from firstlight.data.splits import split_by_name
from firstlight.errors import FirstlightError

__all__ = ["find_cifar", "find_idx", "read_cifar", "read_idx"]

_IDX = re.compile(r"(.*?)[-._]?(images|labels)[-._]idx[13][-._]ubyte(?:\.gz)?$", re.IGNORECASE)
_BATCH = re.compile(r"(?:data_batch_\d+|test_batch)\.bin", re.IGNORECASE)
_PICKLE = re.compile(r"(?:data_batch_\d+|test_batch)")
_SIDE = 32
_RECORD = 1 + 3 * _SIDE * _SIDE  # bytes


def find_idx(contents: Contents) -> list[str]:
    """The files `...-images-idx3-ubyte` that have their `...-labels-idx1-ubyte` beside them, packed by gzip or not."""
    return sorted(path for pair in _pairs(contents)[0] for path in pair)


def read_idx(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """Each image of `train-...` and `t10k-...`, named after its split and its number."""
    counts: dict[str, int] = defaultdict(int)
    pairs, alone = _pairs(contents)
    for role, path in alone:
        other = "labels" if role == "images" else "images"
        contents.tell("file passed over", f"its {other} are not beside it", path)
    for image_file, label_file in pairs:
        if image_file not in files:
            continue
        images, labels = _read_idx(image_file, 3), _read_idx(label_file, 1)
        if len(images) != len(labels):
            raise FirstlightError(
                f"Expected as many labels as images. Received {len(images)} in {image_file} and {len(labels)} in "
                f"{label_file}. Take both from one source."
            )
        base = os.path.basename(image_file).lower()
        split = "test" if "t10k" in base else split_by_name(contents.relative(image_file))
        stem = split or "image"
        for image, label in zip(images, labels.tolist(), strict=True):
            yield LabelledImage(image, str(label), split, label_file, name=f"{stem}-{counts[stem]:05d}")
            counts[stem] += 1


def _pairs(contents: Contents) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pairs of (images, labels), and of what is alone its role and its path."""
    found: dict[str, dict[str, str]] = {}
    for path in contents.documents:
        if match := _IDX.fullmatch(path):
            # Packed and unpacked copies often lie side by side; the first in the alphabet is the unpacked one.
            found.setdefault(match[1], {}).setdefault(match[2].lower(), path)
    pairs = [(pair["images"], pair["labels"]) for pair in found.values() if len(pair) == 2]
    return pairs, [role_and_path for pair in found.values() if len(pair) == 1 for role_and_path in pair.items()]


def _read_idx(path: str, axes: int) -> NDArray[np.uint8]:
    """The array in an IDX file: two zero bytes, 8 for bytes, the number of axes, their lengths, and the values."""
    data = read_bytes(path)
    if path.lower().endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise FirstlightError(f"Expected {path} to be packed by gzip. It is damaged: {error}.") from error
    begin = 4 + 4 * axes
    if data[:4] == bytes((0, 0, 8, axes)) and len(data) >= begin:
        shape = struct.unpack(f">{axes}I", data[4:begin])
        if len(data) == begin + math.prod(shape):
            return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)
    raise FirstlightError(
        f"Expected an IDX file of bytes with {axes} axes in {path}. Received {len(data)} bytes that begin with "
        f"{data[:4].hex(' ')}. Download it again."
    )


def find_cifar(contents: Contents) -> list[str]:
    """The binary batches `data_batch_1.bin`, ..., `test_batch.bin`."""
    for path in contents.documents:
        if _PICKLE.fullmatch(os.path.basename(path)):
            contents.reject(path, "a pickle of CIFAR's Python version, which is not opened; use the binary version")
    return [path for path in contents.documents_named(".bin") if _BATCH.fullmatch(os.path.basename(path))]


def read_cifar(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """Each image of the batches, named after its split and its number; `batches.meta.txt` names the classes."""
    counts = {"train": 0, "test": 0}
    for path in files:
        split = "test" if os.path.basename(path).lower().startswith("test") else "train"
        records = np.frombuffer(read_bytes(path), np.uint8)
        if not len(records) or len(records) % _RECORD:
            raise FirstlightError(
                f"Expected records of {_RECORD} bytes in {path}. Received {len(records)} bytes. Download it again."
            )
        records = records.reshape(-1, _RECORD)
        images = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1))
        names = _cifar_names(contents, path)
        for image, label in zip(images, records[:, 0].tolist(), strict=True):
            name = names[label] if label < len(names) else str(label)
            yield LabelledImage(image, name, split, path, name=f"{split}-{counts[split]:05d}")
            counts[split] += 1


def _cifar_names(contents: Contents, path: str) -> list[str]:
    beside = f"{os.path.dirname(path)}/batches.meta.txt"
    return [line.strip() for line in contents.lines(beside) if line.strip()] if beside in contents.known else []

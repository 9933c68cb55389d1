"""The labelled data sets known by name: as they are downloaded from a server here, and as people's own copies."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from caption_files import draw
from file_server import Server
from label_files import NUMBERED, PIXELS, cifar_bytes, counts, idx_bytes
from sklearn import datasets

from firstlight import data
from firstlight.data.catalogue import CATALOGUE
from firstlight.data.files import adopt
from firstlight.errors import FirstlightError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def serve(monkeypatch: pytest.MonkeyPatch, server: Server, name: str, contents: dict[str, bytes]) -> None:
    """Let the record's files come from the server, which gives small copies; their real checksums cannot be right."""
    record = CATALOGUE[name]
    assert [file.name for file in record.files] == list(contents)
    server.contents = {f"/{file}": content for file, content in contents.items()}
    files = tuple(replace(file, urls=(server.url(file.name),), checksum=None) for file in record.files)
    monkeypatch.setitem(CATALOGUE, name, replace(record, files=files))


def test_mnist_as_it_is_downloaded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    np.savez(file, x_train=PIXELS[:4], y_train=[0, 0, 1, 1], x_test=PIXELS[4:], y_test=[0, 1])
    serve(monkeypatch, server, "mnist", {"mnist.npz": file.getvalue()})
    mnist = data.load("mnist")
    assert (mnist.name, mnist.layout, counts(mnist)) == ("mnist", "numpy", NUMBERED)
    assert data.load("mnist", task="labels").train.names == mnist.train.names
    assert len(server.requests) == 1


def test_fashion_mnist_as_it_is_downloaded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {}
    for part, rows, labels in (("train", slice(0, 4), [0, 1, 2, 9]), ("t10k", slice(4, 6), [9, 0])):
        contents[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx_bytes(PIXELS[rows]))
        contents[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(np.array(labels, np.uint8)))
    serve(monkeypatch, server, "fashion_mnist", contents)
    fashion = data.load("fashion_mnist")
    assert fashion.train.labels == ["T-shirt/top", "Trouser", "Pullover", "Ankle boot"]
    assert fashion.test.labels == ["Ankle boot", "T-shirt/top"]


def test_cifar10_as_it_is_downloaded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        members = {f"data_batch_{number}.bin": cifar_bytes([number, 0]) for number in range(1, 6)}
        members["test_batch.bin"] = cifar_bytes([5])
        members["batches.meta.txt"] = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
        members["readme.html"] = b"<html>"
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    serve(monkeypatch, server, "cifar10", {"cifar-10-binary.tar.gz": file.getvalue()})
    cifar = data.load("cifar10")
    assert cifar.train.labels[::2] == ["automobile", "bird", "cat", "deer", "dog"]
    assert cifar.test.labels == ["dog"]
    assert data.read(cifar.test.images[0]).shape == (32, 32, 3)


def test_flowers_as_they_are_downloaded(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for kind in ("daisy", "tulips"):
            for number in range(10):
                path = draw(tmp_path / f"{kind}{number}.jpg", (number, 0, 0))
                tar.add(path, f"flower_photos/{kind}/{path.name}")
        tar.add(draw(tmp_path / "license.jpg").with_suffix(".jpg"), "flower_photos/LICENSE.txt")
    serve(monkeypatch, server, "flowers", {"flower_photos.tgz": file.getvalue()})
    flowers = data.load("flowers")
    assert counts(flowers)["train"] == {"daisy": 8, "tulips": 8}
    assert counts(flowers)["test"] == counts(flowers)["validation"] == {"daisy": 1, "tulips": 1}


def test_digits_are_those_of_scikit_learn() -> None:
    digits = data.load("digits")
    original = datasets.load_digits()
    assert {name: len(split) for name, split in digits.splits.items()} == CATALOGUE["digits"].splits
    seen = set()
    for split in digits.splits.values():
        for name, image, label in zip(split.names, split.images, split.labels, strict=True):
            row = int(name.removeprefix("digit-"))
            seen.add(row)
            assert label == str(original.target[row])
            assert image.shape == (8, 8)
            assert np.abs(image / 255 * 16 - original.images[row]).max() < 0.04
    assert len(seen) == 1797
    assert digits.test.names == data.load("digits").test.names
    assert digits.test.names[:3] == ["digit-0000", "digit-0014", "digit-0015"]  # for ever: figures depend on it
    shares = {
        label: digits.test.labels.count(label) / (original.target == int(label)).sum() for label in digits.classes
    }
    assert all(abs(share - 0.2) < 0.005 for share in shares.values())


def test_a_copy_in_another_form_serves_as_well(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for split in ("train", "test"):
            for kind in ("cat", "dog"):
                archive.write(draw(tmp_path / "x.jpg"), f"cifar10/{split}/{kind}/{split}.jpg")
    adopt(CATALOGUE["cifar10"], tmp_path / "mine.zip")
    cifar = data.load("cifar10")
    assert (cifar.name, cifar.layout, cifar.classes) == ("cifar10", "folders", ["cat", "dog"])
    np.savez(tmp_path / "f.npz", x_train=PIXELS, y_train=[0, 1, 2, 3, 4, 5])
    adopt(CATALOGUE["fashion_mnist"], tmp_path / "f.npz")
    assert data.load("fashion_mnist").train.labels[0] == "T-shirt/top"


def test_a_file_of_the_downloads_name_with_another_content(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=PIXELS, y_train=[0, 1, 2, 3, 4, 5])
    with pytest.raises(FirstlightError, match="with the checksum sha256:731c5ac"):
        adopt(CATALOGUE["mnist"], tmp_path / "mnist.npz")
    assert adopt(CATALOGUE["mnist"], tmp_path / "mnist.npz", as_it_is=True) == tmp_path / "mnist.npz"
    assert len(data.load("mnist").train) == 6

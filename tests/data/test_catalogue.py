"""The catalogue's records, and data sets by name and by path, on small copies in the form of the real downloads."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from firstlight import data
from firstlight.data.catalogue import CATALOGUE
from firstlight.errors import FirstlightError


def photo(shade: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (16, 12), (shade, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def write_zip(path: Path, members: dict[str, str | bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def trust(monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """The record without checksums, so that small copies pass; returns its folder in the cache."""
    record = CATALOGUE[name]
    files = tuple(replace(file, checksum=None) for file in record.files)
    monkeypatch.setitem(CATALOGUE, name, replace(record, files=files))
    folder = data.cache_folder() / name
    folder.mkdir()
    return folder


@pytest.mark.parametrize("record", CATALOGUE.values(), ids=list(CATALOGUE))
def test_every_record_is_complete(record: data.Record) -> None:
    assert CATALOGUE[record.name] is record
    assert all((record.task, record.description, record.page, record.licence, record.splits))
    module, _, function = record.loader.partition(":")
    assert callable(getattr(import_module(module), function))
    for file in record.files:
        assert file.size
        assert all(url.endswith("/" + file.name) and url.startswith("http") for url in file.urls)
        algorithm, _, digits = (file.checksum or "").partition(":")
        assert len(digits) == {"md5": 32, "sha256": 64}[algorithm]
        int(digits, 16)


def lines(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in names)


def test_flickr8k_as_it_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trust(monkeypatch, "flickr8k")
    names = [f"{number}_ab.jpg" for number in range(10)]
    captions = {f"{name}#{index}": f"A dog number {index} ." for name in names for index in range(5)}
    write_zip(
        folder / "Flickr8k_text.zip",
        {
            "Flickr8k.token.txt": lines(f"{key}\t{text}" for key, text in captions.items()),
            "Flickr8k.lemma.token.txt": lines(f"{key}\tlemma" for key in captions),
            "Flickr_8k.trainImages.txt": lines(names[:6]),
            "Flickr_8k.devImages.txt": lines(names[6:8]),
            "Flickr_8k.testImages.txt": lines(names[8:]),
            "ExpertAnnotations.txt": f"{names[0]}\t{names[1]}#2\t1\t1\t1\n",
            "CrowdFlowerAnnotations.txt": f"{names[0]}\t{names[1]}#2\t0\t0\t3\n",
            "readme.txt": "If you use this corpus / data:\n",
            "__MACOSX/._Flickr8k.token.txt": b"\0\5\x16\7",
        },
    )
    photos = {f"Flicker8k_Dataset/{name}": photo(20 * index) for index, name in enumerate(names)}
    write_zip(folder / "Flickr8k_Dataset.zip", {**photos, "__MACOSX/Flicker8k_Dataset/._0_ab.jpg": b"\0\5\x16\7"})

    flickr = data.load("flickr8k")
    assert flickr.name == "flickr8k"
    assert flickr.layout == "flickr8k"
    assert {name: len(split) for name, split in flickr.splits.items()} == {"train": 6, "validation": 2, "test": 2}
    assert flickr.train.captions[0] == [f"A dog number {index} ." for index in range(5)]
    assert data.read(flickr.test.images[1], size=4).shape == (4, 4, 3)
    assert flickr.problems == []


def test_coco_as_it_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trust(monkeypatch, "coco")
    annotations: dict[str, str] = {}
    for split, numbers in (("train2017", range(4)), ("val2017", range(4, 6))):
        listed = [{"id": number, "file_name": f"{number:012d}.jpg"} for number in numbers]
        told = [{"id": number * 9, "image_id": number, "caption": f"Thing {number}."} for number in numbers]
        boxes = [{"id": number, "image_id": number, "bbox": [0, 0, 1, 1], "category_id": 1} for number in numbers]
        annotations[f"annotations/captions_{split}.json"] = json.dumps({"images": listed, "annotations": told})
        for other in ("instances", "person_keypoints"):
            annotations[f"annotations/{other}_{split}.json"] = json.dumps({"images": listed, "annotations": boxes})
        write_zip(folder / f"{split}.zip", {f"{split}/{number:012d}.jpg": photo(number) for number in numbers})
    write_zip(folder / "annotations_trainval2017.zip", annotations)

    coco = data.load("coco")
    assert coco.layout == "coco"
    assert {name: len(split) for name, split in coco.splits.items()} == {"train": 4, "validation": 2}
    assert coco.validation.captions == [["Thing 4."], ["Thing 5."]]
    assert data.read(coco.validation.images[0]).shape == (12, 16, 3)


def test_scenes_need_no_download() -> None:
    scenes = data.load("scenes", train=3, validation=1, test=1, unseen=1, size=32)
    assert scenes.train.images[0].shape == (32, 32, 3)
    assert set(scenes.splits) == set(CATALOGUE["scenes"].splits)
    with pytest.raises(FirstlightError, match=r"takes the options train.*Did you mean 'seed'"):
        data.load("scenes", sede=1)


def own_photos(folder: Path) -> Path:
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.jpg").write_bytes(photo(index))
        (folder / f"{index}.txt").write_text(f"Red number {index}.\n")
    return folder


def test_a_path_wins_over_a_name_only_with_a_separator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_photos(tmp_path / "flickr30k")
    own_photos(tmp_path / "beach")
    monkeypatch.chdir(tmp_path)
    assert sum(map(len, data.load("beach").splits.values())) == 3
    assert sum(map(len, data.load("./flickr30k").splits.values())) == 3
    assert sum(map(len, data.load(Path("flickr30k")).splits.values())) == 3
    with pytest.raises(FirstlightError, match="no public download"):
        data.load("flickr30k")
    assert data.load("beach", layout="sidecar").layout == "sidecar"


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(FirstlightError, match=r"scenes, flickr8k.*'flicker8k', which does not exist.*'flickr8k'"):
        data.load("flicker8k")
    with pytest.raises(FirstlightError, match="does not exist"):
        data.load("no/such/folder")


def test_the_real_photos_by_name_through_the_cache_folder(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLIGHT_DATA", str(shared / "data"))
    flickr = data.load("flickr8k")
    assert {name: len(split) for name, split in flickr.splits.items()} == {"train": 6000, "validation": 1000}


def test_public_names_and_what_importing_them_loads() -> None:
    assert sorted(data.__all__) == data.__all__
    assert all(hasattr(data, name) for name in data.__all__)
    program = "import sys, firstlight.data; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["keras", "tensorflow", "pyarrow", "pooch", "requests", "matplotlib", "rich"]
    loaded = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"

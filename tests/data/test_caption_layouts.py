"""Every caption layout on files in that form, from a folder and from a zip of it."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from caption_files import (
    CAPTIONS,
    LAYOUTS,
    NAMES,
    SPLITS,
    draw,
    draw_all,
    flickr30k,
    found,
    kaggle,
    kinds,
    splits_of,
    write,
    write_json,
    write_parquet,
    write_table,
)

from firstlight.data.captions import load_captions
from firstlight.data.images import read
from firstlight.data.splits import split_by_hash


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("build", LAYOUTS, ids=lambda build: build.__name__)
def test_a_layout_is_recognised_and_read(tmp_path: Path, build: Callable[[Path], None], packed: bool) -> None:
    build(tmp_path / "photos")
    source = tmp_path / "photos"
    if packed:
        source = tmp_path / "packed.zip"
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((tmp_path / "photos").rglob("*")):
                archive.write(path, path.relative_to(tmp_path))
    dataset = load_captions(source)
    assert dataset.layout == NAMES.get(build.__name__, build.__name__)
    assert dataset.name == ("packed" if packed else "photos")
    assert found(dataset) == CAPTIONS
    given = build not in (kaggle, flickr30k)
    assert splits_of(dataset) == (SPLITS if given else {name: split_by_hash(name) for name in CAPTIONS})
    assert kinds(dataset) == {}
    assert all(read(image).shape == (6, 8, 3) for split in dataset.splits.values() for image in split.images)
    assert load_captions(source, layout=dataset.layout) == dataset


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_imagefolder_with_one_metadata_file(tmp_path: Path, kind: str) -> None:
    draw_all(tmp_path / "train")
    rows = [{"file_name": f"train/{name}", "text": text} for name, texts in CAPTIONS.items() for text in texts]
    if kind == "csv":
        write_table(tmp_path / "metadata.csv", [["file_name", "text"], *([*row.values()] for row in rows)])
    elif kind == "jsonl":
        write(tmp_path / "metadata.jsonl", "\n".join(json.dumps(row) for row in rows))
    else:
        write_parquet(tmp_path / "metadata.parquet", rows)
    dataset = load_captions(tmp_path)
    assert dataset.layout == "imagefolder"
    assert found(dataset) == CAPTIONS
    assert list(dataset.splits) == ["train"]  # the folder says so


def test_a_parquet_table_with_lists_of_captions(tmp_path: Path) -> None:
    draw_all(tmp_path)
    rows = [{"id": 1, "path": name, "sentences": texts, "set": "Val"} for name, texts in CAPTIONS.items()]
    write_parquet(tmp_path / "all.parquet", rows)
    dataset = load_captions(tmp_path)
    assert (dataset.layout, found(dataset), list(dataset.splits)) == ("table", CAPTIONS, ["validation"])


@pytest.mark.parametrize("delimiter", ["\t", ";", "|", ","])
def test_a_table_without_a_known_header_is_understood_by_its_values(tmp_path: Path, delimiter: str) -> None:
    draw_all(tmp_path)
    text = "".join(delimiter.join(["7", name, f"{texts[0]} here"]) + "\n" for name, texts in CAPTIONS.items())
    write(tmp_path / "list.csv", delimiter.join(["Nummer", "Bild", "Beschreibung"]) + "\n" + text)
    expected = {name: [f"{texts[0]} here"] for name, texts in CAPTIONS.items()}
    assert found(load_captions(tmp_path)) == expected
    write(tmp_path / "list.csv", text.replace(f"7{delimiter}", ""))  # and no header at all
    assert found(load_captions(tmp_path)) == expected


def test_tables_named_after_splits(tmp_path: Path) -> None:
    draw_all(tmp_path)
    for (name, texts), part in zip(CAPTIONS.items(), ["train", "valid", "test"], strict=True):
        write_table(tmp_path / f"{part}.tsv", [["filename", "caption"], *([name, text] for text in texts)], "\t")
    dataset = load_captions(tmp_path)
    assert (found(dataset), splits_of(dataset)) == (CAPTIONS, SPLITS)


@pytest.mark.parametrize(
    "value",
    [
        [{"filename": n, "sentences": [{"raw": t} for t in ts]} for n, ts in CAPTIONS.items()],
        [{"img": n.split(".")[0], "text": t} for n, ts in CAPTIONS.items() for t in ts],
        [{"image_id": len(n), "url": f"https://example.org/{n}?size=b", "caption": ts} for n, ts in CAPTIONS.items()],
        {"version": 1, "data": [{"image": {"path": n}, "description": ts} for n, ts in CAPTIONS.items()]},
        CAPTIONS,
    ],
    ids=["nested", "no ending", "address", "under a key", "by name"],
)  # fmt: skip
def test_any_sensible_json_of_records(tmp_path: Path, value: Any) -> None:
    draw_all(tmp_path / "photos")
    write_json(tmp_path / "x.json", value)
    dataset = load_captions(tmp_path)
    assert (dataset.layout, found(dataset), kinds(dataset)) == ("json", CAPTIONS, {})


def test_webdataset_with_json_and_other_members(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "00000.tar", "w") as tar:
        for name, texts in CAPTIONS.items():
            tar.add(draw(tmp_path.parent / f"{tmp_path.name}-made" / name), f"./{name}")
            for ending, data in {
                "json": json.dumps({"caption": texts, "width": 8}).encode(),
                "seg.png": b"mask",
            }.items():
                info = tarfile.TarInfo(f"./{name.split('.')[0]}.{ending}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    dataset = load_captions(tmp_path / "00000.tar")
    assert (dataset.layout, found(dataset)) == ("webdataset", CAPTIONS)


def test_a_single_annotation_file_is_read_with_the_images_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kaggle(tmp_path)
    write_json(tmp_path / "other.json", {"cat.png": ["Another one."]})
    assert found(load_captions(tmp_path / "other.json")) == {"cat.png": ["Another one."]}
    monkeypatch.chdir(tmp_path)
    assert found(load_captions("captions.txt")) == CAPTIONS
    assert found(load_captions(".")) == CAPTIONS


def test_several_layouts_take_the_preferred_one_and_say_so(tmp_path: Path) -> None:
    draw_all(tmp_path)
    write_json(tmp_path / "b.json", {"cat.png": ["From the JSON."]})
    write_table(tmp_path / "a.csv", [["image", "caption"], *([n, t] for n, ts in CAPTIONS.items() for t in ts)])
    dataset = load_captions(tmp_path)
    assert (dataset.layout, found(dataset)) == ("kaggle", CAPTIONS)
    assert next(p.message for p in dataset.problems if p.kind == "note") == (
        "read as kaggle; b.json would match json (choose with layout='json')"
    )
    assert found(load_captions(tmp_path, layout="json")) == {"cat.png": ["From the JSON."]}


def test_a_table_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    flickr30k(tmp_path)
    inner = tmp_path / "flickr30k_images" / "flickr30k_images" / "results.csv"
    inner.write_bytes((tmp_path / "flickr30k_images" / "results.csv").read_bytes())
    dataset = load_captions(tmp_path)
    assert (found(dataset), kinds(dataset)) == (CAPTIONS, {})

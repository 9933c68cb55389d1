"""Every caption layout on files in that form, from a folder and from a zip of it, and everything that can be wrong."""

import csv
import io
import json
import os
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from firstlight.data.captions import load_captions
from firstlight.data.images import read
from firstlight.data.splits import split_by_hash, split_of_directory, split_of_file, standard_split
from firstlight.data.table import Dataset
from firstlight.errors import FirstlightError

BEACH, DOG, CAT = ["A beach .", "The sea, and sand ."], ["Ein Hund läuft ."], ["一只猫"]
CAPTIONS = {"beach.jpg": BEACH, "dog.jpg": DOG, "cat.png": CAT}
SPLITS = {"beach.jpg": "train", "dog.jpg": "validation", "cat.png": "test"}


def draw(path: Path, color: tuple[int, int, int] = (200, 180, 90)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), color).save(path)
    return path


def draw_all(folder: Path) -> None:
    for number, name in enumerate(CAPTIONS):
        draw(folder / name, (number * 50, 100, 100))


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def write_json(path: Path, value: Any) -> Path:
    return write(path, json.dumps(value))


def write_table(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return write(path, text.getvalue())


def found(dataset: Dataset) -> dict[str, list[str]]:
    return {
        name.rsplit("/", 1)[-1]: texts
        for split in dataset.splits.values()
        for name, texts in zip(split.names, split.captions, strict=True)
    }


def splits_of(dataset: Dataset) -> dict[str, str]:
    return {name.rsplit("/", 1)[-1]: split for split, part in dataset.splits.items() for name in part.names}


def kinds(dataset: Dataset) -> Counter[str]:
    return Counter(problem.kind for problem in dataset.problems if problem.kind != "note")


def lines_of(dataset: Dataset, kind: str) -> list[int | None]:
    return [problem.line for problem in dataset.problems if problem.kind == kind]


# One function a layout: it lays out CAPTIONS in SPLITS (or without, where the layout knows no splits).


def flickr8k(folder: Path) -> None:
    draw_all(folder / "Flicker8k_Dataset")
    rows = [f"{name}#{number}\t{text}\n" for name, texts in CAPTIONS.items() for number, text in enumerate(texts)]
    write(folder / "text" / "Flickr8k.token.txt", "".join(rows))
    write(folder / "text" / "Flickr8k.lemma.token.txt", "".join(rows).lower())
    write(folder / "text" / "ExpertAnnotations.txt", "beach.jpg\tdog.jpg#2\t1\t1\t1\n")
    write(folder / "text" / "Flickr_8k.trainImages.txt", "beach.jpg\n")
    write(folder / "text" / "Flickr_8k.devImages.txt", "dog.jpg\n")
    write(folder / "text" / "Flickr_8k.testImages.txt", "cat.png\n")


def kaggle(folder: Path) -> None:
    draw_all(folder / "Images")
    write_table(folder / "captions.txt", [["image", "caption"], *([n, t] for n, ts in CAPTIONS.items() for t in ts)])


def flickr30k(folder: Path) -> None:
    draw_all(folder / "flickr30k_images" / "flickr30k_images")
    rows = [f"{name}| {number}| {text}\n" for name, texts in CAPTIONS.items() for number, text in enumerate(texts)]
    write(folder / "flickr30k_images" / "results.csv", "image_name| comment_number| comment\n" + "".join(rows))


def coco(folder: Path) -> None:
    for number, (name, part) in enumerate(
        {"beach.jpg": "train2017", "dog.jpg": "val2017", "cat.png": "test2017"}.items()
    ):
        draw(folder / part / name, (number, 0, 0))
        annotations = [{"image_id": 7, "id": index, "caption": text} for index, text in enumerate(CAPTIONS[name])]
        value = {"info": {}, "images": [{"id": 7, "file_name": name}], "annotations": annotations}
        write_json(folder / "annotations" / f"captions_{part}.json", value)
        write_json(folder / "annotations" / f"instances_{part}.json", {"images": [], "annotations": [{"bbox": []}]})


def karpathy(folder: Path) -> None:
    draw_all(folder / "val2014")
    parts = {"beach.jpg": "restval", "dog.jpg": "val", "cat.png": "test"}
    images = [
        {
            "filename": name,
            "filepath": "val2014",
            "split": part,
            "sentences": [
                {"raw": text, "tokens": text.split(), "sentid": index} for index, text in enumerate(CAPTIONS[name])
            ],
        }
        for name, part in parts.items()
    ]
    write_json(folder / "dataset_coco.json", {"dataset": "coco", "images": images})


def records(folder: Path) -> None:
    draw_all(folder / "photos")
    write_json(
        folder / "anything.json",
        [{"image": f"photos/{name}", "captions": texts, "split": SPLITS[name]} for name, texts in CAPTIONS.items()],
    )


def imagefolder(folder: Path) -> None:
    for name, texts in CAPTIONS.items():
        draw(folder / SPLITS[name] / name, (len(name), 0, 0))
        lines = [json.dumps({"file_name": name, "text": text}) for text in texts]
        write(folder / SPLITS[name] / "metadata.jsonl", "\n".join(lines) + "\n")


def webdataset(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in CAPTIONS.items():
        with tarfile.open(folder / f"set-{SPLITS[name]}-0000.tar", "w") as tar:
            image = draw(folder.parent / "made" / name)
            tar.add(image, name)
            info = tarfile.TarInfo(name.replace(".jpg", ".txt").replace(".png", ".txt"))
            info.size = len(data := "\n".join(texts).encode())
            tar.addfile(info, io.BytesIO(data))


def table(folder: Path) -> None:
    draw_all(folder / "img")
    rows = [[name, *[*texts, ""][:2], SPLITS[name]] for name, texts in CAPTIONS.items()]
    write_table(folder / "mine.csv", [["Photo", "Caption 1", "Caption 2", "Split"], *rows])


def sidecar(folder: Path) -> None:
    for name, texts in CAPTIONS.items():
        image = draw(folder / SPLITS[name] / name)
        write(image.with_suffix(".txt"), "\n".join(texts) + "\n\n")


LAYOUTS: list[Callable[[Path], None]] = [
    flickr8k, kaggle, flickr30k, coco, karpathy, records, imagefolder, webdataset, table, sidecar,
]  # fmt: skip
NAMES = {"records": "json"}


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


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


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


# Texts: encodings, quotes, malformed lines


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark(tmp_path: Path, encoding: str) -> None:
    draw_all(tmp_path)
    text = "image,caption\r\n" + "".join(f'{n},"{t}"\r\n' for n, ts in CAPTIONS.items() for t in ts)
    write(tmp_path / "captions.csv", text, encoding)
    dataset = load_captions(tmp_path)
    assert (found(dataset), kinds(dataset)) == (CAPTIONS, {})


def test_another_encoding_is_read_as_latin_1_and_told(tmp_path: Path) -> None:
    draw_all(tmp_path)
    write(tmp_path / "captions.csv", "image,caption\nbeach.jpg,A beach\ndog.jpg,Ein Hund läuft\n", "latin-1")
    dataset = load_captions(tmp_path)
    assert found(dataset)["dog.jpg"] == ["Ein Hund läuft"]
    assert lines_of(dataset, "encoding") == [3]


def test_captions_are_in_normal_form_c_and_decomposed_names_are_found(tmp_path: Path) -> None:
    draw(tmp_path / "cafe\u0301.jpg")
    write(tmp_path / "captions.csv", "image,caption\ncaf\u00e9.jpg,Ein  Cafe\u0301\u00a0\n")
    assert found(load_captions(tmp_path)) == {"cafe\u0301.jpg": ["Ein Caf\u00e9"]}


def test_the_broken_line_of_flickr30k_is_mended_and_told(tmp_path: Path) -> None:
    draw_all(tmp_path)
    write(
        tmp_path / "results.csv",
        "image_name| comment_number| comment\n"
        'beach.jpg| 0| A "quoted" sign .\n'
        "beach.jpg| 4   A dog runs across the grass .\n",
    )
    dataset = load_captions(tmp_path)
    assert dataset.layout == "flickr30k"
    assert found(dataset) == {"beach.jpg": ['A "quoted" sign .', "A dog runs across the grass ."]}
    assert lines_of(dataset, "malformed line") == [3]


def test_quotes_commas_and_line_ends_in_a_csv(tmp_path: Path) -> None:
    draw_all(tmp_path)
    write(
        tmp_path / "captions.csv",
        "image,caption\n"
        'beach.jpg,"Two ""words"", and\na second line"\n'
        'dog.jpg,"Stop" is on the sign\n'  # line 4: no proper quotes
        "dog.jpg,a dog, unquoted\n"  # line 5: a cell too many
        'cat.png,"a quote that nobody closes\n'  # line 6
        "\n"
        "cat.png,A cat\n"
        "cat.png\n",  # line 9: a cell too few
    )
    dataset = load_captions(tmp_path)
    assert found(dataset) == {
        "beach.jpg": ['Two "words", and a second line'],
        "dog.jpg": ['"Stop" is on the sign', "a dog, unquoted"],
        "cat.png": ['"a quote that nobody closes', "A cat"],
    }
    assert sorted(filter(None, lines_of(dataset, "malformed line"))) == [4, 5, 6, 9]


def test_every_problem_has_its_file_and_line(tmp_path: Path) -> None:
    draw_all(tmp_path)
    draw(tmp_path / "nobody.jpg")
    file = write_table(
        tmp_path / "captions.csv",
        [
            ["image", "caption", "split"],
            ["beach.jpg", "A beach", "train"],
            ["beach.jpg", "A  beach", "train"],
            ["gone.jpg", "Lost", "train"],
            ["gone.jpg", "Lost again", "train"],
            ["dog.jpg", " ", "train"],
            ["dog.jpg", "A dog", "trian"],
            ["beach.jpg", "More", "test"],
            ["cat.png", "A cat", ""],
        ],
    )
    dataset = load_captions(tmp_path)
    assert found(dataset) == {"beach.jpg": ["A beach"]}
    assert {(problem.kind, os.path.basename(problem.file), problem.line) for problem in dataset.problems} == {
        ("duplicate row", file.name, 3),
        ("missing image", file.name, 4),
        ("empty caption", file.name, 6),
        ("image without caption", file.name, 6),
        ("unknown split", file.name, 7),
        ("image in several splits", file.name, 8),
        ("no split", file.name, 9),
        ("image without caption", "nobody.jpg", None),
    }
    with pytest.raises(FirstlightError, match=r"1 that are missing \(first: gone.jpg\)"):
        load_captions(tmp_path, missing="error")


def test_the_malformed_key_of_flickr8k_and_a_listed_image_without_captions(tmp_path: Path) -> None:
    flickr8k(tmp_path)
    with (tmp_path / "text" / "Flickr8k.token.txt").open("a") as file:
        file.write("dog.jpg.1#0\tA dog .\ndog.jpg.1#1\tThe dog .\nno number\tat all\n")
    with (tmp_path / "text" / "Flickr_8k.devImages.txt").open("a") as file:
        file.write("silent.jpg\nbeach.jpg\n")
    dataset = load_captions(tmp_path)
    assert found(dataset) == CAPTIONS
    assert splits_of(dataset)["beach.jpg"] == "validation"  # the first list by name, so dev before train
    assert kinds(dataset) == {"malformed line": 2, "image without caption": 1, "duplicate row": 1}
    assert sorted(filter(None, lines_of(dataset, "malformed line"))) == [5, 7]


def test_a_picture_with_the_name_of_the_table_does_not_hide_it(tmp_path: Path) -> None:
    kaggle(tmp_path)
    (tmp_path / "captions.txt").rename(tmp_path / "captions.csv")
    draw(tmp_path / "captions.png")
    dataset = load_captions(tmp_path)
    assert (found(dataset), kinds(dataset)) == (CAPTIONS, {"image without caption": 1})


def test_archives_in_an_archive(tmp_path: Path) -> None:
    flickr8k(tmp_path / "set")
    images = tmp_path / "set" / "images.zip"
    with zipfile.ZipFile(images, "w") as archive:
        for path in sorted((tmp_path / "set" / "Flicker8k_Dataset").iterdir()):
            archive.write(path, path.name)
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [images, *(tmp_path / "set" / "text").iterdir()]:
            archive.write(path, path.name)
    dataset = load_captions(tmp_path / "all.zip")
    assert (found(dataset), splits_of(dataset)) == (CAPTIONS, SPLITS)
    assert read(dataset.train.images[0]).shape == (6, 8, 3)


def test_flickr8k_without_lists_is_split_by_hash(tmp_path: Path) -> None:
    flickr8k(tmp_path)
    for path in (tmp_path / "text").glob("*Images.txt"):
        path.unlink()
    assert splits_of(load_captions(tmp_path)) == {name: split_by_hash(name) for name in CAPTIONS}


# Looking up images


def test_a_missing_image_is_not_replaced_by_another_of_the_same_name(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "1.jpg")
    (tmp_path / "test").mkdir()
    write_table(tmp_path / "a.csv", [["image", "caption"], ["train/1.jpg", "One"], ["test/1.jpg", "Another"]])
    dataset = load_captions(tmp_path)
    assert found(dataset) == {"1.jpg": ["One"]}
    assert lines_of(dataset, "missing image") == [3]


def test_images_of_the_same_name_in_two_folders_keep_their_folders_as_names(tmp_path: Path) -> None:
    for part in ("train", "test"):
        draw(tmp_path / part / "1.jpg")
        write_table(tmp_path / part / "metadata.csv", [["file_name", "text"], ["1.jpg", f"In {part}"]])
    dataset = load_captions(tmp_path)
    assert (dataset.train.names, dataset.test.names) == (["train/1.jpg"], ["test/1.jpg"])
    assert dataset.test.captions == [["In test"]]


def test_a_folder_in_a_reference_decides_and_else_the_ambiguity_is_told(tmp_path: Path) -> None:
    draw(tmp_path / "images" / "a" / "1.jpg")
    draw(tmp_path / "images" / "b" / "1.jpg")
    write_table(tmp_path / "a.csv", [["image", "caption"], ["b/1.jpg", "B"]])
    dataset = load_captions(tmp_path)
    assert [image for split in dataset.splits.values() for image in split.images] == [f"{tmp_path}/images/b/1.jpg"]
    assert "ambiguous image" not in kinds(dataset)
    write_table(tmp_path / "a.csv", [["image", "caption"], ["1.jpg", "Which?"]])
    dataset = load_captions(tmp_path)
    assert [image for split in dataset.splits.values() for image in split.images] == [f"{tmp_path}/images/a/1.jpg"]
    assert lines_of(dataset, "ambiguous image") == [2]


def test_captions_of_one_image_may_stand_in_several_tables(tmp_path: Path) -> None:
    draw_all(tmp_path / "images")
    write_table(tmp_path / "english" / "a.csv", [["image", "caption"], ["dog.jpg", "A dog runs"]])
    write_table(tmp_path / "german" / "b.csv", [["image", "caption"], ["dog.jpg", "Ein Hund läuft"]])
    assert found(load_captions(tmp_path)) == {"dog.jpg": ["A dog runs", "Ein Hund läuft"]}


# Splits


def test_the_names_of_splits() -> None:
    given = [
        "train",
        "Training",
        "restval",
        "val",
        "VALID",
        "dev",
        "val2017",
        "images_test",
        "unseen",
        "trainval",
        "foo",
        "",
    ]
    assert [standard_split(name) for name in given] == [
        *("train", "train", "train", "validation", "validation", "validation", "validation", "test", "unseen"),
        *(None, None, None),
    ]
    assert split_of_file("annotations/captions_val2014.json") == "validation"
    assert split_of_file("dev_and_test.csv") is None
    assert split_of_directory("data/validation/x/1.jpg") == "validation"
    assert split_of_directory("test.zip/1.jpg") == "test"
    assert split_of_directory("contest/train.jpg") is None


def test_the_hash_split_is_stable_and_near_its_shares() -> None:
    names = [f"{number}.jpg" for number in range(10_000)]
    shares = Counter(map(split_by_hash, names))
    assert all(
        abs(shares[split] - share) < 150 for split, share in {"train": 8000, "validation": 1000, "test": 1000}.items()
    )
    # These must never change: a user's runs would no longer be comparable.
    assert [split_by_hash(f"{number}.jpg") for number in range(12)] == [
        "train",
        "train",
        "train",
        "validation",
        "train",
        "train",
        "train",
        "train",
        "train",
        "train",
        "validation",
        "train",
    ]
    assert split_by_hash("a/b/7.jpg") == split_by_hash("7.jpg")
    assert split_by_hash("cafe\u0301.jpg") == split_by_hash("caf\u00e9.jpg")


def test_adding_images_moves_none_of_the_others(tmp_path: Path) -> None:
    for number in range(40):
        write(draw(tmp_path / f"{number}.jpg").with_suffix(".txt"), f"Number {number}")
    before = splits_of(load_captions(tmp_path))
    for number in range(40, 80):
        write(draw(tmp_path / "more" / f"{number}.jpg").with_suffix(".txt"), f"Number {number}")
    draw(tmp_path / "more" / "3.jpg")
    write(tmp_path / "more" / "3.txt", "The same name once more")
    after = load_captions(tmp_path)
    assert len(before) == 40
    assert {name: split for name, split in splits_of(after).items() if name in before} == before
    assert sum(map(len, after.splits.values())) == 81


# What cannot be used at all


def refused(path: Path | str, **options: Any) -> str:
    with pytest.raises(FirstlightError) as caught:
        load_captions(path, **options)
    return str(caught.value)


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    assert "which does not exist" in refused(tmp_path / "none")
    assert "which does not exist" in refused(tmp_path / "none.zip")


def test_an_empty_folder_and_one_of_images_only(tmp_path: Path) -> None:
    message = refused(tmp_path)
    assert "Received no files" in message
    assert "\n  sidecar: beach.jpg beside beach.txt" in message
    draw_all(tmp_path)
    assert "Received 2 .jpg, 1 .png; no known layout matches" in refused(tmp_path)


def test_unknown_names(tmp_path: Path) -> None:
    kaggle(tmp_path)
    message = refused(tmp_path, layout="kagle")
    assert "Known are: karpathy, flickr8k, coco" in message
    assert "Did you mean 'kaggle'?" in message
    assert 'Expected missing="pass over"' in refused(tmp_path, missing="ignore")


def test_a_layout_that_is_asked_for_but_not_there(tmp_path: Path) -> None:
    kaggle(tmp_path)
    assert "The layout asked for looks like this:\n  coco: captions_train*.json" in refused(tmp_path, layout="coco")


def test_a_corrupt_zip(tmp_path: Path) -> None:
    kaggle(tmp_path)
    (tmp_path / "more.zip").write_bytes(b"PK\x03\x04 and then nothing")
    assert "Expected an intact archive" in refused(tmp_path)
    assert "Expected an intact archive" in refused(tmp_path / "more.zip")


def test_a_wrong_header(tmp_path: Path) -> None:
    draw_all(tmp_path)
    write(tmp_path / "captions.csv", "foo,bar\n1,2\n3,4\n")
    assert "captions.csv: no field holds names of images (fields: foo, bar)" in refused(tmp_path)
    write(tmp_path / "captions.csv", "image,width\nbeach.jpg,2\ndog.jpg,4\n")
    assert "captions.csv: no field holds captions (fields: image, width)" in refused(tmp_path)


def test_json_that_is_not_captions(tmp_path: Path) -> None:
    draw_all(tmp_path)
    write(tmp_path / "a.json", '{"learning_rate": 0.1}')
    write(tmp_path / "b.json", '{"images": [')
    write(tmp_path / "c.json", "3")
    message = refused(tmp_path)
    assert "a.json: no list of records" in message
    assert "b.json: not valid JSON (Expecting value: line 1 column 13" in message
    assert "c.json: no list of records" in message


@pytest.mark.parametrize("ending", ["csv", "txt", "json", "jsonl"])
def test_binary_data_where_text_should_be(tmp_path: Path, ending: str) -> None:
    draw_all(tmp_path)
    (tmp_path / f"captions.{ending}").write_bytes(b"image,caption\n\0\xff\x01\x02")
    assert "Received binary data" in refused(tmp_path)


def test_a_utf_16_file_that_breaks_off(tmp_path: Path) -> None:
    draw_all(tmp_path)
    (tmp_path / "captions.csv").write_bytes("image,caption\nbeach.jpg,A beach\n".encode("utf-16")[:-1])
    assert "Expected utf-16 text" in refused(tmp_path)


def test_a_corrupt_parquet_file(tmp_path: Path) -> None:
    draw_all(tmp_path)
    (tmp_path / "metadata.parquet").write_bytes(b"PAR1 and no more")
    assert "Expected a Parquet table" in refused(tmp_path)


def test_captions_without_any_image(tmp_path: Path) -> None:
    write_table(tmp_path / "captions.csv", [["image", "caption"], ["a.jpg", "A"], ["b.jpg", "B"]])
    assert "Received 2 that are missing (first: a.jpg)" in refused(tmp_path)


def test_captions_that_are_all_empty_or_in_no_known_split(tmp_path: Path) -> None:
    draw_all(tmp_path)
    write_table(tmp_path / "captions.csv", [["image", "caption"], ["dog.jpg", " "]])
    assert "no line can be used. First: " in (message := refused(tmp_path))
    assert "captions.csv:2: dog.jpg has an empty caption" in message
    write_table(tmp_path / "captions.csv", [["image", "caption", "split"], ["dog.jpg", "A dog", "foo"]])
    assert "dog.jpg is in split 'foo', which is not known" in refused(tmp_path)


def test_images_inside_a_parquet_table_are_named_as_the_reason(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train.parquet", [{"image": {"bytes": b"...", "path": None}, "caption": "A dog"}])
    assert "its images are inside the field image; save them as files" in refused(tmp_path)


# The real thing


def test_the_real_flickr8k(shared: Path) -> None:
    dataset = load_captions(shared / "data" / "flickr8k")
    assert dataset.layout == "flickr8k"
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 6000, "validation": 1000}
    assert {len(texts) for split in dataset.splits.values() for texts in split.captions} == {5}
    assert kinds(dataset) == {"missing image": 1000, "malformed line": 1, "no split": 1}
    malformed = next(problem for problem in dataset.problems if problem.kind == "malformed line")
    assert (malformed.line, malformed.message[:7]) == (6731, "5 lines")
    unused = next(problem for problem in dataset.problems if problem.kind == "no split")
    assert unused.message.startswith("91 images are in no split and are not used")
    assert dataset.train.names[0] == "1000268201_693b08cb0e.jpg"
    assert dataset.train.images[0].endswith("images_train_1.zip/Images/1000268201_693b08cb0e.jpg")
    with pytest.raises(FirstlightError, match="It has: train"):
        _ = dataset.test


# Size


def test_captions_of_the_size_of_coco_load_in_seconds(tmp_path: Path) -> None:
    count = 20_000  # a sixth of COCO; the bound leaves a slow machine ten times what is needed
    with zipfile.ZipFile(tmp_path / "train2017.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"train2017/{number:012}.jpg", b"never opened while loading")
    value = {
        "images": [{"id": number, "file_name": f"{number:012}.jpg"} for number in range(count)],
        "annotations": [
            {"id": number, "image_id": number // 5, "caption": f"A caption of number {number} ."}
            for number in range(5 * count)
        ],
    }
    write_json(tmp_path / "annotations" / "captions_train2017.json", value)
    start = time.perf_counter()
    dataset = load_captions(tmp_path)
    assert (len(dataset.train), len(dataset.train.captions[7])) == (count, 5)
    assert time.perf_counter() - start < 15

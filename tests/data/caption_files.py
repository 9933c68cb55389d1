"""Caption data sets in every layout, laid out in a folder, and what the tests of captions look at in what is loaded."""

import csv
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from firstlight.data.table import Dataset

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


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


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

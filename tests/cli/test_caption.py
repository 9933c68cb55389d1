"""`firstlight caption`: what it finds, what it writes in each format, and what it says of images that it cannot use."""

import csv
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight.cli import keras_start, progress
from firstlight.cli.inputs import find_images
from firstlight.cli.records import coco_identifier
from firstlight.errors import FirstlightError


def names(arguments: list[str], standard_input: str = "") -> list[str]:
    found = find_images(arguments, io.StringIO(standard_input))
    return [image.path if not isinstance(image, FirstlightError) else f"! {image}" for image in found]


def test_one_line_an_image(run: Path, firstlight: Any, photos: Path) -> None:
    result = firstlight("caption", run, photos / "00.jpg", photos / "11.jpg")
    assert result.exit_code == 0
    assert result.stdout == f"{photos}/00.jpg: a dog runs\n{photos}/11.jpg: a dog runs\n"
    assert result.stderr == ""


def test_folders_globs_archives_and_standard_input(photos: Path, tmp_path: Path) -> None:
    (photos / "deep" / "er").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(photos / "deep" / "er" / "x.PNG")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as packed:
        packed.write(photos / "00.jpg", "Images/a.jpg")
        packed.write(photos / "01.jpg", "Images/b.jpg")
        packed.writestr("Images/read.me", "not an image")
    p = photos
    assert names([str(p)]) == [*(f"{p}/{number:02d}.jpg" for number in range(12)), f"{p}/deep/er/x.PNG"]
    assert names([f"{p}/0[1-3].jpg"]) == [f"{p}/01.jpg", f"{p}/02.jpg", f"{p}/03.jpg"]
    assert names([f"{p}/**/*.PNG"]) == [f"{p}/deep/er/x.PNG"]
    zipped = tmp_path / "two.zip"
    both = [f"{zipped}/Images/a.jpg", f"{zipped}/Images/b.jpg"]
    assert names([str(zipped)]) == names([f"{zipped}/Images"]) == names([f"{zipped}/Images/*.jpg"]) == both
    assert names([both[1]]) == both[1:]
    assert names(["-", f"{p}/00.jpg"], f"{p}/05.jpg\n\n{p}/00.jpg\n") == [f"{p}/05.jpg", f"{p}/00.jpg"]
    assert names([f"{p}/none.jpg", f"{p}/*.gif"]) == [
        f"! {p}/none.jpg: no such file or folder",
        f"! {p}/*.gif: no image matches",
    ]


def test_a_name_with_brackets_is_a_file_first(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a[1].jpg")
    assert names([f"{tmp_path}/a[1].jpg"]) == [f"{tmp_path}/a[1].jpg"]


def test_broken_images_are_told_and_passed_over(run: Path, firstlight: Any, photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 not really")
    result = firstlight(
        "caption", run, photos / "00.jpg", photos / "broken.jpg", photos / "gone.jpg", photos / "01.jpg"
    )
    assert result.exit_code == 1
    assert result.stdout == f"{photos}/00.jpg: a dog runs\n{photos}/01.jpg: a dog runs\n"
    assert "gone.jpg: no such file or folder" in result.stderr
    assert "broken.jpg" in result.stderr
    alone = firstlight("caption", run, photos / "broken.jpg", "--to", "json")
    assert (alone.exit_code, alone.stdout) == (2, "")


def test_a_name_that_is_no_utf_8_loses_nothing(run: Path, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    odd = photos / os.fsdecode(b"caf\xe9.jpg")
    (photos / "00.jpg").rename(odd)
    lines = firstlight("caption", run, odd, photos / "01.jpg")
    assert (lines.exit_code, lines.stdout.splitlines()[0]) == (0, f"{photos}/caf\\udce9.jpg: a dog runs")
    written = tmp_path / "written"
    for kind in ("csv", "json"):
        told = firstlight("caption", run, odd, photos / "01.jpg", "--to", kind, "--out", written / f"told.{kind}")
        assert told.exit_code == 0, told.output
    assert sorted(path.name for path in written.iterdir()) == ["told.csv", "told.json"]
    assert "caf\\udce9.jpg,a dog runs" in (written / "told.csv").read_text(encoding="utf-8")
    assert json.loads((written / "told.json").read_text(encoding="utf-8"))[0]["image"] == str(odd)


@pytest.mark.parametrize("verb", ["caption", "classify"])
def test_what_is_no_run_is_told_before_anything_is_begun(
    verb: str, firstlight: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(keras_start, "load_keras", lambda: begun.append("Keras"))
    monkeypatch.setattr(progress, "progress", lambda: begun.append("bar"))
    told = firstlight(verb, tmp_path, photos / "00.jpg", "--to", "csv", "--out", tmp_path / "told.csv")
    assert (told.exit_code, "which has no system.json" in told.stderr, begun) == (2, True, [])


def test_batches_give_what_one_batch_gives(run: Path, firstlight: Any, photos: Path) -> None:
    (photos / "03.jpg").write_bytes(b"")
    whole, batched = (firstlight("caption", run, photos, "--batch-size", size) for size in (100, 2))
    assert whole.exit_code == batched.exit_code == 1
    assert whole.stdout == batched.stdout
    assert len(whole.stdout.splitlines()) == 11


def test_every_batch_has_one_size_and_draws_numbers_of_its_own(
    run: Path, firstlight: Any, photos: Path, constant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    predict = constant.predict

    def note(self: Any, images: Any, **decoding: Any) -> Any:
        asked.append((len(images), decoding["seed"]))
        return predict(self, images, **decoding)

    monkeypatch.setattr(constant, "predict", note)
    (photos / "03.jpg").write_bytes(b"")
    result = firstlight("caption", run, photos, "--batch-size", 5, "--top-k", 3)
    assert asked == [(5, 0), (5, 0), (5, 1), (5, 2)], "the first batch again, with another image for the broken one"
    assert len(result.stdout.splitlines()) == 11


def test_csv_is_a_table_to_train_from(run: Path, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    result = firstlight("caption", run, photos / "00.jpg", "--to", "csv", "--n-best", 2)
    assert list(csv.reader(io.StringIO(result.stdout))) == [
        ["image", "caption", "score"],
        [f"{photos}/00.jpg", "a dog runs", "-1.25"],
        [f"{photos}/00.jpg", "a dog runs 2", "-2.0"],
    ]
    firstlight("caption", run, photos / "00.jpg", "--to", "csv", "--n-best", 2, "--out", tmp_path / "new" / "t.csv")
    assert (tmp_path / "new" / "t.csv").read_text() == result.stdout
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["t.csv"]


def test_json_tells_everything(run: Path, firstlight: Any, photos: Path) -> None:
    entry = json.loads(firstlight("caption", run, photos / "00.jpg", "--to", "json").stdout)[0]
    assert entry["caption"] == "a dog runs"
    assert entry["words"][1] == {"text": "dog", "probability": 0.5, "rivals": [["cat", 0.25]]}


def test_coco_results(run: Path, firstlight: Any, photos: Path) -> None:
    (photos / "00.jpg").rename(photos / "COCO_val2014_000000391895.jpg")
    result = firstlight("caption", run, photos / "COCO_val2014_000000391895.jpg", photos / "01.jpg", "--to", "coco")
    assert json.loads(result.stdout) == [
        {"image_id": 391895, "caption": "a dog runs"},
        {"image_id": "01", "caption": "a dog runs"},
    ]
    assert coco_identifier("000000000007.jpg") == 7
    assert coco_identifier("1000268201_693b08cb0e.jpg") == "1000268201_693b08cb0e"


def test_sidecars_beside_the_image_never_replace_a_text(run: Path, firstlight: Any, photos: Path) -> None:
    assert firstlight("caption", run, photos / "00.jpg", "--to", "txt").exit_code == 0
    assert (photos / "00.txt").read_text() == "a dog runs\n"
    (photos / "00.txt").write_text("my own words\n")
    refused = firstlight("caption", run, photos / "00.jpg", "--to", "txt")
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert (photos / "00.txt").read_text() == "my own words\n"
    assert firstlight("caption", run, photos / "00.jpg", "--to", "txt", "--overwrite").exit_code == 0
    assert (photos / "00.txt").read_text() == "a dog runs\n"


def test_sidecars_in_a_folder_keep_the_places(run: Path, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    (photos / "deep").mkdir()
    (photos / "00.jpg").rename(photos / "deep" / "00.jpg")
    assert firstlight("caption", run, photos, "--to", "txt", "--out", tmp_path / "texts").exit_code == 0
    assert (tmp_path / "texts" / "deep" / "00.txt").read_text() == "a dog runs\n"
    assert len(list((tmp_path / "texts").rglob("*.txt"))) == 12


def test_sidecars_need_a_place_of_their_own(run: Path, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as packed:
        packed.write(photos / "00.jpg", "a.jpg")
    assert "--out FOLDER" in firstlight("caption", run, tmp_path / "one.zip", "--to", "txt").stderr
    Image.new("RGB", (8, 8)).save(photos / "00.png")
    both = firstlight("caption", run, photos / "00.jpg", photos / "00.png", "--to", "txt")
    assert both.exit_code == 2
    assert "which both lead to" in both.stderr


def test_attention_pictures(run: Path, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    result = firstlight("caption", run, photos / "00.jpg", photos / "01.jpg", "--attention", tmp_path / "looks")
    assert result.exit_code == 0
    for name in ("00.png", "01.png"):
        pixels = np.asarray(Image.open(tmp_path / "looks" / name).convert("RGB"))
        assert pixels.std() > 10


def test_attention_needs_a_captioner_that_has_it(constant: Any, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    firstlight("train", "constant", "--data", photos, "--out", tmp_path / "blind", "--no-attention")
    result = firstlight("caption", tmp_path / "blind", photos / "00.jpg", "--attention", tmp_path / "looks")
    assert result.exit_code == 2
    assert "attention=False" in result.stderr


def test_what_predict_is_asked_for(
    run: Path, firstlight: Any, photos: Path, constant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    predict = constant.predict

    def note(self: Any, images: Any, **decoding: Any) -> Any:
        asked.append(decoding)
        return predict(self, images, **decoding)

    monkeypatch.setattr(constant, "predict", note)
    photo = photos / "00.jpg"
    firstlight("caption", run, photo, "--beam", 5, "--n-best", 2)
    firstlight("caption", run, photo, "--samples", 3, "--temperature", 0.7, "--top-k", 5, "--top-p", 0.9, "--seed", 4)
    limits = ["--minimum-length", 2, "--maximum-length", 9, "--length-penalty", 0.5, "--no-repeat", 3]
    firstlight("caption", run, photo, *limits)
    told = {"minimum_length": 2, "maximum_length": 9, "length_penalty": 0.5, "no_repeat": 3}
    assert asked.pop() == {"batch_size": 1, "beam_width": 3, **told}
    assert asked == [
        {"batch_size": 1, "beam_width": 5, "n_best": 2},
        {"batch_size": 1, "beam_width": 1, "n_best": 3, "temperature": 0.7, "top_k": 5, "top_p": 0.9, "seed": 4},
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--beam", 2, "--n-best", 3], "--beam 3"),
        (["--beam", 2, "--samples", 3], "Give one or the other"),
        (["--out", "x.csv"], "--out needs --to"),
        (["--beam", 0], "x>=1"),
    ],
)
def test_options_that_do_not_go_together(
    run: Path, firstlight: Any, photos: Path, options: list[Any], said: str
) -> None:
    result = firstlight("caption", run, photos / "00.jpg", *options)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())

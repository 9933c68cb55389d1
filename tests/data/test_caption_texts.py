"""What stands in files of captions: encodings, quotes, malformed lines, each told with file and line."""

import os
import zipfile
from pathlib import Path

import pytest
from caption_files import (
    CAPTIONS,
    SPLITS,
    draw,
    draw_all,
    flickr8k,
    found,
    kaggle,
    kinds,
    lines_of,
    splits_of,
    write,
    write_table,
)

from firstlight.data.captions import load_captions
from firstlight.data.images import read
from firstlight.data.splits import split_by_hash
from firstlight.errors import FirstlightError


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

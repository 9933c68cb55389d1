"""What cannot be used at all is an error that says what was expected, what came and what to do."""

from pathlib import Path
from typing import Any

import pytest
from caption_files import draw_all, kaggle, write, write_parquet, write_table

from firstlight.data.captions import load_captions
from firstlight.errors import FirstlightError


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

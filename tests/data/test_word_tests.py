"""Files of word pairs and of analogies, and what is wrong with them."""

from pathlib import Path

import pytest

from firstlight.data.word_tests import read_analogies, read_similarities
from firstlight.errors import FirstlightError


@pytest.mark.parametrize("delimiter", [",", "\t", ";", " "])
def test_pairs_with_any_delimiter(tmp_path: Path, delimiter: str):
    path = tmp_path / "pairs.csv"
    path.write_text(delimiter.join(["tiger", "cat", "7.35"]) + "\n\n" + delimiter.join(["sun", "moon", "5"]) + "\n")
    assert read_similarities(path) == [("tiger", "cat", 7.35), ("sun", "moon", 5.0)]


def test_a_heading_and_remarks_are_left_out(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text("# from people\nWord 1,Word 2,Human (mean)\ntiger,cat,7.35\n")
    assert len(read_similarities(path)) == 1


def test_a_pair_without_a_number_is_told_with_its_line(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text("tiger,cat,7.35\nsun,moon\n")
    with pytest.raises(FirstlightError, match=r"pairs.csv:2: expected word, word, similarity"):
        read_similarities(path)


def test_analogies_by_section(tmp_path: Path):
    path = tmp_path / "questions.txt"
    path.write_text(": family\nman king woman queen\n: gram\ngo goes see sees\nrun runs eat eats\n")
    assert {name: len(asked) for name, asked in read_analogies(path).items()} == {"family": 1, "gram": 2}


def test_an_analogy_of_three_words_is_told_with_its_line(tmp_path: Path):
    path = tmp_path / "questions.txt"
    path.write_text(": family\nman king woman\n")
    with pytest.raises(FirstlightError, match=r"questions.txt:2: expected four words"):
        read_analogies(path)


@pytest.mark.parametrize("read", [read_similarities, read_analogies])
def test_empty_and_missing_files_are_told(tmp_path: Path, read: object):
    (tmp_path / "empty").write_text("")
    for name in ("empty", "missing"):
        with pytest.raises(FirstlightError, match="Expected"):
            read(tmp_path / name)  # type: ignore[operator]

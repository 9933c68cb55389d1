"""Vectors in the formats of word2vec and GloVe, to and from gensim, and files that are damaged."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems import WordVectors
from firstlight.systems.word_vectors_files import read_vectors, write_vectors
from firstlight.systems.word_vectors_subwords import fnv_1a, grams_of

WORDS = ["the", "cat", "café", "犬", "x²"]
VECTORS = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
FORMS = ["word2vec", "word2vec-binary", "glove"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["v.txt", "v.txt.gz"])
def test_what_is_written_is_read_again_bit_by_bit(tmp_path: Path, form: str, name: str):
    write_vectors(tmp_path / name, WORDS, VECTORS, form)
    words, vectors, found = read_vectors(tmp_path / name)
    assert (words, found) == (WORDS, form)
    np.testing.assert_array_equal(vectors, VECTORS)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # gensim leaves a file open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["v.bin", "v.gz"])
def test_gensim_reads_what_we_write(tmp_path: Path, form: str, name: str):
    models = pytest.importorskip("gensim.models")
    write_vectors(tmp_path / name, WORDS, VECTORS, form)
    keyed = models.KeyedVectors.load_word2vec_format(
        tmp_path / name, binary=form == "word2vec-binary", no_header=form == "glove"
    )
    assert keyed.index_to_key == WORDS
    np.testing.assert_array_equal(keyed.vectors, VECTORS)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", ["v.bin", "v.gz"])
def test_we_read_what_gensim_writes(tmp_path: Path, binary: bool, name: str):
    models = pytest.importorskip("gensim.models")
    keyed = models.KeyedVectors(7)
    keyed.add_vectors(WORDS, VECTORS)
    keyed.save_word2vec_format(str(tmp_path / name), binary=binary)
    opened = WordVectors.read(tmp_path / name)
    assert opened.vocabulary == WORDS
    np.testing.assert_array_equal(opened.vectors, VECTORS)
    opened.save(tmp_path / "run")
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "run").vectors, VECTORS)


def test_many_words_are_read_from_binary_and_text(tmp_path: Path):
    words = [f"word{number}" for number in range(9000)]
    vectors = np.random.default_rng(1).normal(size=(9000, 60)).astype(np.float32)
    for form in FORMS:
        write_vectors(tmp_path / "v", words, vectors, form)
        found, read, _ = read_vectors(tmp_path / "v")
        assert found == words
        np.testing.assert_array_equal(read, vectors)


def test_a_word_given_twice_counts_once_and_glove_has_words_with_spaces(tmp_path: Path):
    (tmp_path / "v.txt").write_text("a 1 2\nb 3 4\na 5 6\n. . . 7 8\n")
    words, vectors, _ = read_vectors(tmp_path / "v.txt")
    assert words == ["a", "b", ". . ."]
    assert vectors.tolist() == [[1, 2], [3, 4], [7, 8]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Received an empty file"),
        ("3 2\na 1 2\nb 3 4\n", r"v.txt:3: expected 3 words, as its first line says. Received 2"),
        ("2 2\na 1 2\nb 3\n", r"v.txt:3: expected a word and 2 numbers. Received 1 behind 'b 3'"),
        ("2 2\na 1 2\nb 3 4 5\n", r"v.txt:3: expected a word and 2 numbers. Received 3"),
        ("a 1 2\nb 3 4 5\n", r"v.txt:2: expected a word and 2 numbers. Received 3"),
        ("a 1 2\nb 3\n", r"v.txt:2: expected a word and 2 numbers. Received 1"),
        ("a 1 2\nb 3 x\n", r"v.txt:2: expected a word and 2 numbers"),
        ("a\n", r"v.txt:1: expected a word and its numbers"),
        ("a 1 nan\n", "Expected finite numbers.*'a'"),
    ],
)
def test_damaged_text_is_told_with_file_and_line(tmp_path: Path, content: str, message: str):
    (tmp_path / "v.txt").write_text(content)
    with pytest.raises(FirstlightError, match=message):
        WordVectors.read(tmp_path / "v.txt")


def test_files_that_are_cut_off_are_told(tmp_path: Path):
    write_vectors(tmp_path / "v.bin", WORDS, VECTORS, "word2vec-binary")
    (tmp_path / "v.bin").write_bytes((tmp_path / "v.bin").read_bytes()[:-20])
    with pytest.raises(FirstlightError, match=r"Expected 5 words with 7 numbers each in .*Received 4"):
        WordVectors.read(tmp_path / "v.bin")
    whole = gzip.compress(b"a 1 2\n" * 1000)
    (tmp_path / "v.gz").write_bytes(whole[:-10])
    with pytest.raises(FirstlightError, match="Expected a file of word vectors"):
        WordVectors.read(tmp_path / "v.gz")
    with pytest.raises(FirstlightError, match="Expected a file of word vectors"):
        WordVectors.read(tmp_path / "missing.txt")


def test_what_a_format_cannot_hold_is_refused(tmp_path: Path):
    with pytest.raises(FirstlightError, match="words without spaces"):
        write_vectors(tmp_path / "v", ["new york"], VECTORS[:1], "word2vec")
    with pytest.raises(FirstlightError, match="Expected a format"):
        write_vectors(tmp_path / "v", WORDS, VECTORS, "pickle")


@pytest.mark.parametrize("word", ["a", "where", "Straße", "犬小屋", "𝄞x"])
def test_grams_and_hashes_are_fasttexts(word: str):
    fasttext: Any = pytest.importorskip("gensim.models.fasttext")
    ours = [fnv_1a(gram) % 1000 for gram in grams_of(word, 3, 6)]
    assert sorted(ours) == sorted(fasttext.ft_ngram_hashes(word, 3, 6, 1000))

"""Running text, streamed: plain, compressed, in folders and archives; broken files are told with their place."""

import bz2
import gzip
import lzma
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from firstlight.data import corpus as corpus_module
from firstlight.data import corpus_files, load_corpus
from firstlight.errors import FirstlightError

TEXT = "The cat sat.\n\nA dog's bone, and the CAT\n"
SENTENCES = [["the", "cat", "sat"], ["a", "dog", "s", "bone", "and", "the", "cat"]]


def packed(folder: Path, kind: str) -> Path:
    path = folder / f"text.{kind}"
    if kind == "txt":
        path.write_text(TEXT)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner/one.txt", TEXT)
    elif kind == "tar":
        (folder / "one.txt").write_text(TEXT)
        with tarfile.open(path, "w") as archive:
            archive.add(folder / "one.txt", "one.txt")
    else:
        opener = {"txt.gz": gzip.open, "txt.bz2": bz2.open, "txt.xz": lzma.open}[kind]
        with opener(path, "wt") as file:
            file.write(TEXT)
    return path


@pytest.mark.parametrize("kind", ["txt", "txt.gz", "txt.bz2", "txt.xz", "zip", "tar"])
def test_every_kind_of_file_gives_the_same_sentences(tmp_path: Path, kind: str):
    corpus = load_corpus(packed(tmp_path, kind))
    read: list[int] = []
    assert list(corpus.sentences(read.append)) == SENTENCES
    _, counts = corpus.count()
    assert (counts.total, counts.sentences, counts.words["cat"], counts.words["the"]) == (10, 2, 2, 2)
    if kind != "tar":
        assert read[-1] == corpus.size > 0


def test_a_folder_gives_its_texts_in_order_and_leaves_others_out(tmp_path: Path):
    (tmp_path / "b.md").write_text("second")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("first")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("three.txt", "third")
    assert list(load_corpus(tmp_path).sentences()) == [["first"], ["second"], ["third"]]


def test_letters_stay_as_they_are_on_request(tmp_path: Path):
    (tmp_path / "a.txt").write_text("Der Bär und McDonald")
    assert list(load_corpus(tmp_path / "a.txt", lower_case=False).sentences()) == [["Der", "Bär", "und", "McDonald"]]


def test_a_text_without_line_ends_is_cut_between_words_and_never_held_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(corpus_files, "_BLOCK", 2000)
    path = tmp_path / "long.txt"
    path.write_text("word " * 100_000)
    tracemalloc.start()
    words, longest = 0, 0
    for sentence in load_corpus(path).sentences():
        assert set(sentence) == {"word"}
        words, longest = words + len(sentence), max(longest, len(sentence))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert words == 100_000
    assert longest < words / 10
    assert peak < 400_000


def test_a_byte_order_mark_is_no_letter_and_encodings_can_be_named(tmp_path: Path):
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbfhello")
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    assert list(load_corpus(tmp_path / "bom.txt").sentences()) == [["hello"]]
    assert list(load_corpus(tmp_path / "latin.txt", encoding="latin-1").sentences()) == [["café"]]
    with pytest.raises(FirstlightError, match=r"Expected the name of an encoding.*latin-17"):
        load_corpus(tmp_path / "latin.txt", encoding="latin-17")


def test_a_wrong_encoding_is_told_with_file_byte_and_line(tmp_path: Path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"one\ntwo\ncaf\xe9 three\n")
    with pytest.raises(FirstlightError, match=r"byte 0xe9 at byte 11 \(line 3\) of .*latin.txt"):
        load_corpus(path).count()


def test_the_place_of_a_wrong_byte_is_right_beyond_the_first_block(tmp_path: Path):
    path = tmp_path / "long.txt"
    path.write_bytes(b"word word\n" * 200_000 + b"caf\xe9\n")
    with pytest.raises(FirstlightError, match=r"at byte 2,000,003 \(line 200,001\)"):
        load_corpus(path).count()


def test_a_broken_file_among_others_is_told_and_passed_over(tmp_path: Path):
    (tmp_path / "a.txt").write_text("good words")
    (tmp_path / "b.txt").write_bytes(b"bad \xff words")
    whole = gzip.compress(b"more good words " * 1000)
    (tmp_path / "c.txt.gz").write_bytes(whole[: len(whole) // 2])
    corpus, counts = load_corpus(tmp_path).count()
    assert [Path(file).name for file in corpus.files] == ["a.txt"]
    assert [Path(problem.file).name for problem in corpus.problems] == ["b.txt", "c.txt.gz"]
    assert counts.total == 2
    assert list(corpus.sentences()) == [["good", "words"]]


def test_a_file_that_is_cut_off_is_told(tmp_path: Path):
    whole = gzip.compress(b"words " * 10_000)
    (tmp_path / "a.txt.gz").write_bytes(whole[:-20])
    with pytest.raises(FirstlightError, match=r"Expected an intact text file.*a\.txt\.gz"):
        load_corpus(tmp_path / "a.txt.gz").count()


@pytest.mark.parametrize("content", ["", " \n\n", "?!\n"])
def test_a_file_without_words_is_told(tmp_path: Path, content: str):
    (tmp_path / "empty.txt").write_text(content)
    with pytest.raises(FirstlightError, match=r"Expected text with words in .*empty.txt"):
        load_corpus(tmp_path / "empty.txt").count()


def test_a_place_without_texts_is_told(tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(FirstlightError, match=r"Expected text files .*1 file\(s\), none"):
        load_corpus(tmp_path)
    with pytest.raises(FirstlightError, match="does not exist here"):
        load_corpus(tmp_path / "nothing.txt")


def test_counting_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(corpus_module, "_MOST_WORDS", 50)
    lines = [f"often rare{number}" for number in range(500)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    _, counts = load_corpus(tmp_path / "a.txt").count()
    assert counts.words["often"] == 500
    assert len(counts.words) <= 50
    assert counts.least > 1
    assert counts.total == 1000

"""The vocabulary: order, special entries, the file, and what it says when it is used wrongly."""

from pathlib import Path

import numpy as np
import pytest

from firstlight.data import Vocabulary
from firstlight.data.vocabulary import END, PAD, SPECIAL_WORDS, START, UNKNOWN
from firstlight.errors import FirstlightError

TEXTS = [["a", "dog", "runs"], ["a", "cat", "and", "a", "dog"], ["zebra", "and", "dog"]]


def test_order_is_by_count_then_alphabet() -> None:
    vocabulary = Vocabulary().fit(TEXTS)
    assert vocabulary.words == [*SPECIAL_WORDS, "a", "dog", "and", "cat", "runs", "zebra"]
    assert vocabulary.counts == [0, 0, 0, 0, 3, 3, 2, 1, 1, 1]
    assert len(vocabulary) == 10
    assert (PAD, UNKNOWN, START, END) == (0, 1, 2, 3)
    assert vocabulary.words == Vocabulary().fit(reversed(TEXTS)).words


def test_rare_words_and_the_size_limit() -> None:
    vocabulary = Vocabulary(minimum_count=2).fit(TEXTS)
    assert vocabulary.words[4:] == ["a", "dog", "and"]
    assert vocabulary.counts[UNKNOWN] == 3  # cat, runs, zebra
    small = Vocabulary(maximum_size=6).fit(TEXTS)
    assert small.words[4:] == ["a", "dog"]
    assert len(small) == 6


def test_there_and_back() -> None:
    vocabulary = Vocabulary().fit(TEXTS)
    sequences = vocabulary.transform(TEXTS)
    assert all(sequence.dtype == np.int32 for sequence in sequences)
    assert vocabulary.inverse_transform(sequences) == TEXTS
    assert vocabulary.transform([["dog", "unicorn"], []])[0].tolist() == [5, 1]
    assert vocabulary.transform([[]])[0].shape == (0,)
    assert vocabulary.inverse_transform([[START, 4, 5, 1, END, 5, PAD]]) == [["a", "dog", "<unk>"]]
    assert vocabulary.word(5) == "dog"
    assert vocabulary.index("dog") == 5
    assert vocabulary.index("unicorn") == UNKNOWN


def test_a_word_spelled_like_a_special_entry_is_only_an_unknown_word() -> None:
    vocabulary = Vocabulary().fit([["<end>", "stop", "<pad>"], ["<unk>"]])
    assert vocabulary.words == [*SPECIAL_WORDS, "stop"]
    assert vocabulary.counts[UNKNOWN] == 3
    assert vocabulary.transform([["<start>", "stop", "<end>", "<pad>"]])[0].tolist() == [1, 4, 1, 1]
    assert vocabulary.index("<end>") == UNKNOWN


def test_the_file_is_readable_and_complete(tmp_path: Path) -> None:
    words = ["über", "犬", "\n", "\t", "\\n", "\\", "a b", "\u2028", "", "x\\\\ny"]
    vocabulary = Vocabulary().fit([words, words[:3]])
    vocabulary.save(tmp_path / "vocabulary.txt")
    lines = (tmp_path / "vocabulary.txt").read_bytes().decode().split("\n")
    assert lines[:4] == ["<pad>\t0", "<unk>\t0", "<start>\t0", "<end>\t0"]
    assert "über\t2" in lines
    loaded = Vocabulary.load(tmp_path / "vocabulary.txt")
    assert loaded.words == vocabulary.words
    assert loaded.counts == vocabulary.counts
    assert loaded.inverse_transform(loaded.transform([words])) == [words]
    assert [path.name for path in tmp_path.iterdir()] == ["vocabulary.txt"]


def test_wrong_use_names_the_right_call(tmp_path: Path) -> None:
    for call in (
        len,
        lambda vocabulary: vocabulary.transform([[]]),
        lambda vocabulary: vocabulary.save(tmp_path / "v"),
    ):
        with pytest.raises(FirstlightError, match=r"Call fit\(token_lists\)"):
            call(Vocabulary())
    with pytest.raises(FirstlightError, match="tokenize"):
        Vocabulary().fit(["a dog runs"])
    with pytest.raises(FirstlightError, match="smaller minimum_count"):
        Vocabulary(minimum_count=9).fit(TEXTS)
    with pytest.raises(FirstlightError, match="minimum_count of at least 1"):
        Vocabulary(minimum_count=0).fit(TEXTS)
    with pytest.raises(FirstlightError, match="maximum_size above 4"):
        Vocabulary(maximum_size=4).fit(TEXTS)
    with pytest.raises(FirstlightError, match=r"0 to 9\. Received 10"):
        Vocabulary().fit(TEXTS).word(10)
    assert repr(Vocabulary(2)) == "Vocabulary(minimum_count=2, maximum_size=None)"


def test_a_wrong_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    with pytest.raises(FirstlightError, match="vocabulary file"):
        Vocabulary.load(path)
    path.write_text("<pad>\t0\n<unk>\t0\nthree words here\n")
    with pytest.raises(FirstlightError, match=r"vocabulary\.txt:3: expected a word, a tab"):
        Vocabulary.load(path)
    path.write_text("a\t1\nb\t1\n")
    with pytest.raises(FirstlightError, match="begins with <pad>"):
        Vocabulary.load(path)


def test_a_real_corpus(shared: Path) -> None:
    from firstlight.text import tokenize

    lines = (shared / "data/flickr8k/Flickr8k.token.txt").read_text(encoding="utf-8").splitlines()
    texts = [tokenize(line.split("\t")[1]) for line in lines]
    vocabulary = Vocabulary(minimum_count=5).fit(texts)
    assert vocabulary.words[4] == "a"
    assert all(count >= 5 for count in vocabulary.counts[4:])
    assert sum(vocabulary.counts) == sum(map(len, texts))

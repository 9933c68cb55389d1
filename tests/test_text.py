"""One tokenizer for vocabularies and metrics: English exactly, other scripts sensibly."""

import re

import pytest

from firstlight.text import normalize, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A dog's ball.", ["a", "dog", "s", "ball"]),
        ("two-year-old, 3 kids & 1,000 birds", ["two", "year", "old", "3", "kids", "1", "000", "birds"]),
        ("snake_case\tand\nlines", ["snake", "case", "and", "lines"]),
        ("", []),
        (" ... !? ", []),
        ("Ein Mädchen läuft über die STRASSE", ["ein", "mädchen", "läuft", "über", "die", "strasse"]),
        ("Девочка и щенок", ["девочка", "и", "щенок"]),
        ("कुत्ता दौड़ता है", ["कुत्ता", "दौड़ता", "है"]),
        ("كلب يجري", ["كلب", "يجري"]),
        ("강아지가 달린다", ["강아지가", "달린다"]),
        ("一只狗。在草地", ["一", "只", "狗", "在", "草", "地"]),
        ("犬がいる", ["犬", "が", "い", "る"]),
        ("หมาวิ่ง", ["ห", "ม", "า", "วิ่", "ง"]),
        ("iPhone手机 2台", ["iphone", "手", "机", "2", "台"]),
        ("dog“s” – café…", ["dog", "s", "café"]),
        ("😀 dog", ["dog"]),
    ],
)
def test_tokens(text: str, tokens: list[str]):
    assert tokenize(text) == tokens


def test_composed_and_decomposed_letters_are_the_same_word():
    assert tokenize("cafe\u0301") == tokenize("caf\u00e9") == ["caf\u00e9"]
    assert tokenize("I\u0307stanbul") == tokenize("\u0130stanbul")
    assert tokenize("\u304b\u3099") == ["\u304c"]


def test_tokens_are_stable_when_joined_again():
    for text in ("A dog's café 一只狗 İstanbul ǅ ﬁn Ⅳ ½ x² 「犬」", "ΟΔΥΣΣΕΥΣ", "ſtraße"):
        tokens = tokenize(text)
        assert tokenize(" ".join(tokens)) == tokens


def test_ascii_is_what_the_golden_figures_use():
    text = "".join(map(chr, range(128))) * 2
    assert tokenize(text) == re.findall("[a-z0-9]+", text.lower())
    # one letter outside ASCII leaves the rest of the text as it was
    assert tokenize(text + " é") == [*tokenize(text), "é"]


def test_normalize_folds_space_and_composes():
    assert normalize("  A\u00a0dog \n\truns. ") == "A dog runs."
    assert normalize("cafe\u0301") == "caf\u00e9"

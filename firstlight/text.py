"""Text to words, in one place, so that a vocabulary and a metric never disagree about what a word is.

Lower-cased runs of letters, marks and digits in Unicode normal form C. For English this is exactly `[a-z0-9]+`,
the tokens on which the caption metrics here agree with the official toolkit. Scripts that put no space between
words (Han, Kana, Thai, Lao, Khmer, Myanmar) give one token a letter with its marks.
"""

import re
import unicodedata
from functools import cache

__all__ = ["normalize", "tokenize"]

_ENGLISH = re.compile(r"[A-Za-z0-9]+")
_SPACED = re.compile(r"[^\W_]+")  # letters and numbers of any script
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def normalize(text: str) -> str:
    """The text in Unicode normal form C, white space folded to single spaces, ends trimmed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def tokenize(text: str, *, lower_case: bool = True) -> list[str]:
    """The words of a text, lower-cased, punctuation dropped: `"A dog's ball."` gives `['a', 'dog', 's', 'ball']`.

    Without `lower_case` the letters stay as they are.
    """
    text = text.lower() if lower_case else text
    if text.isascii():
        return _ENGLISH.findall(text)
    text = unicodedata.normalize("NFC", text)
    return _tokenize_unicode(text) if _needs_care().search(text) else _SPACED.findall(text)


@cache
def _needs_care() -> re.Pattern[str]:
    """The characters that no single pattern can split: marks, scripts without spaces, and the rarer planes."""
    basic = map(chr, range(0x10000))
    found = [c for c in basic if unicodedata.category(c)[0] == "M" or _is_unspaced(c)]
    return re.compile("[" + re.escape("".join(found)) + "\U00010000-\U0010ffff]")


def _tokenize_unicode(text: str) -> list[str]:
    tokens: list[str] = []
    word = ""
    for character in text:
        kind = unicodedata.category(character)[0]
        if kind == "M" and word:
            word += character
        elif kind not in "LN":
            tokens.append(word)
            word = ""
        elif _is_unspaced(character) or (word and _is_unspaced(word[0])):
            tokens.append(word)
            word = character
        else:
            word += character
    tokens.append(word)
    return [token for token in tokens if token]


def _is_unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)

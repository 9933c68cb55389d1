"""A caption read back into the facts that it claims, also one with the slips of a network: doubled or missing words.

A determiner or number opens a phrase, what stands before a noun belongs to it, and a side belongs to the noun before.
"""

from firstlight.data.scenes.words import NOUNS, NUMBERS, SETTING_WORDS, SIDES, SIZES, ZONE_WORDS
from firstlight.data.scenes.world import COLORS, Fact
from firstlight.text import tokenize

__all__ = ["read_facts"]

_THINGS = {word: thing for thing, pairs in NOUNS.items() for pair in pairs for word in pair}
_SIZES = {word: size for size, words in SIZES.items() for word in words}


def read_facts(caption: str) -> set[Fact]:
    """The facts that a caption claims, true or not; words outside the vocabulary of scenes claim nothing."""
    facts: set[Fact] = set()
    thing: str | None = None  # the noun last read
    number: int | None = None
    colors: list[str] = []
    sizes: list[str] = []
    for word in tokenize(caption):
        if word in NUMBERS:
            number, colors, sizes = NUMBERS[word], [], []
        elif word == "pair":
            number = 2
        elif word in COLORS:
            colors.append(word)
        elif word in _SIZES:
            sizes.append(_SIZES[word])
        elif word in _THINGS:
            thing = _THINGS[word]
            facts.add(("thing", thing))
            facts |= {("color", thing, color) for color in colors} | {("size", thing, size) for size in sizes}
            if number is not None:
                facts.add(("number", thing, number))
            number, colors, sizes = None, [], []
        elif word in SETTING_WORDS:
            facts.add(("place", SETTING_WORDS[word]))
            number, colors, sizes = None, [], []
        elif thing is not None and word in ZONE_WORDS:
            facts.add(("place", thing, ZONE_WORDS[word]))
        elif thing is not None and word in SIDES:
            facts.add(("place", thing, word))
    return facts

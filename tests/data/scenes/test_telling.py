from collections import Counter

import pytest

from firstlight.data import scenes
from firstlight.data.scenes.words import NOUNS, NUMBERS
from firstlight.data.scenes.world import THINGS
from firstlight.text import tokenize

SINGULAR = {one for words in NOUNS.values() for one, many in words if one != many}
PLURAL = {many for words in NOUNS.values() for one, many in words if one != many}


@pytest.fixture(scope="module")
def told() -> list[tuple[scenes.Scene, list[str]]]:
    drawn = scenes.split_scenes("train", 3000) + scenes.split_scenes("unseen", 1000)
    return [(scene, scenes.captions(scene)) for scene in drawn]


def test_every_caption_is_true(told: list[tuple[scenes.Scene, list[str]]]) -> None:
    for scene, captions in told:
        for caption in captions:
            assert scenes.read_facts(caption) <= scene.true_facts, caption


def test_at_most_one_caption_of_five_leaves_something_out(told: list[tuple[scenes.Scene, list[str]]]) -> None:
    complete = Counter(
        sum(scene.facts <= scenes.read_facts(caption) for caption in captions) for scene, captions in told
    )
    assert set(complete) == {4, 5}
    assert 0.2 < complete[4] / len(told) < 0.4


def test_five_different_captions_of_a_natural_length(told: list[tuple[scenes.Scene, list[str]]]) -> None:
    for scene, captions in told:
        assert len(set(captions)) == 5
        for caption in captions:
            assert caption == " ".join(tokenize(caption))
            if scene.facts <= scenes.read_facts(caption):
                assert 7 <= len(caption.split()) <= 20


def test_sentence_forms_vary(told: list[tuple[scenes.Scene, list[str]]]) -> None:
    openings = Counter(" ".join(caption.split()[:2]) for _, captions in told for caption in captions)
    assert openings.most_common(1)[0][1] < 0.3 * 5 * len(told)
    assert len(openings) > 50


def test_captions_agree_in_number_and_article(told: list[tuple[scenes.Scene, list[str]]]) -> None:
    for _, captions in told:
        for caption in captions:
            words = caption.split()
            number = None
            for word, following in zip(words, [*words[1:], ""], strict=True):
                assert word != "a" or following[0] not in "aeiou", caption
                assert word != "an" or following[0] in "aeiou", caption
                if word == "pair":
                    number = 2
                elif word in NUMBERS:
                    number = NUMBERS[word]
                elif word in SINGULAR:
                    assert number == 1, caption
                elif word in PLURAL:
                    assert number in (2, 3), caption
            for verb, count in (("there is", ("a", "an")), ("there are", ("two", "three"))):
                if verb in caption:
                    assert caption.split(verb + " ")[1].split()[0] in count, caption


def test_verbs_agree_with_what_does_them() -> None:
    one = scenes.Group("cat", "black", "large", (scenes.Spot(0.3, 0.9, 0.3),))
    two = scenes.Group("cat", "black", "large", (scenes.Spot(0.3, 0.9, 0.3), scenes.Spot(0.7, 0.9, 0.3)))
    texts = {
        group.count: " ".join(
            caption for seed in range(40) for caption in scenes.captions(scenes.Scene(str(seed), "snow", 0, (group,)))
        ).split()
        for group in (one, two)
    }
    assert {"sits", "is", "cat"} <= set(texts[1])
    assert not {"sit", "are", "cats"} & set(texts[1])
    assert {"sit", "are", "cats"} <= set(texts[2])
    assert not {"sits", "is", "cat"} & set(texts[2])


def test_things_are_told_in_one_order(told: list[tuple[scenes.Scene, list[str]]]) -> None:
    thing_of = {word: thing for thing, words in NOUNS.items() for pair in words for word in pair}
    order = list(THINGS)
    for _, captions in told:
        for caption in captions:
            places = [order.index(thing_of[word]) for word in caption.split() if word in thing_of]
            assert places == sorted(places), caption


def test_captions_come_from_the_scene_alone() -> None:
    scene = scenes.compose(7)
    assert scenes.captions(scene) == scenes.captions(scene)
    assert scenes.compose(7) == scene


@pytest.mark.parametrize(
    ("caption", "facts"),
    [
        (
            "A red boat sails on the sea under two white birds.",
            {
                ("thing", "boat"),
                ("color", "boat", "red"),
                ("number", "boat", 1),
                ("thing", "bird"),
                ("color", "bird", "white"),
                ("number", "bird", 2),
                ("place", "sea"),
            },
        ),
        (
            "a pair of little orange cottages on the left in winter",
            {
                ("thing", "house"),
                ("color", "house", "orange"),
                ("size", "house", "small"),
                ("number", "house", 2),
                ("place", "house", "left"),
                ("place", "snow"),
            },
        ),
        # The colour of the grass and of the sea is nobody's.
        (
            "a dog on the green grass beside a ball",
            {("thing", "dog"), ("number", "dog", 1), ("thing", "ball"), ("number", "ball", 1), ("place", "meadow")},
        ),
        # Slips of a network: doubled words, a wrong plural, no article, an unfinished end, two settings.
        ("a a red red cat", {("thing", "cat"), ("number", "cat", 1), ("color", "cat", "red")}),
        ("three blue fish two", {("thing", "fish"), ("number", "fish", 3), ("color", "fish", "blue")}),
        ("two star shine", {("thing", "star"), ("number", "star", 2)}),
        (
            "green kite at sea in the desert",
            {("thing", "kite"), ("color", "kite", "green"), ("place", "sea"), ("place", "desert")},
        ),
        ("a large", set()),
        ("on the left", set()),
        ("", set()),
    ],
)
def test_captions_are_read_back(caption: str, facts: set[tuple[str | int, ...]]) -> None:
    assert scenes.read_facts(caption) == facts

"""How a scene is told: five sentences of different forms, in which the things always come in the order of THINGS.

All but at most one of the five tell everything in `scene.facts`; sizes and sides are told now and then.
"""

from collections.abc import Callable
from random import Random

from firstlight.data.scenes.layout import pick, shuffled
from firstlight.data.scenes.words import NOUNS, SIZES, VERBS, WHERE
from firstlight.data.scenes.world import Group, Scene

__all__ = ["captions"]

_LENGTHS = range(7, 21)  # words of a caption that leaves nothing out
_BRIEF_SHARE = 0.3  # of the scenes, one caption leaves something out
_NUMBERS = {1: "a", 2: "two", 3: "three"}
_PAIR_SHARE = 0.2  # of the twos that open no sentence, where its verb would be in doubt
_ABOVE = ("under", "below", "beneath")
_BESIDE = ("next to", "beside", "near", "close to")
_OPENINGS = ("we see", "we can see", "you can see", "this picture shows", "here {be}")
_SIDES = {"left": "on the left", "right": "on the right", "middle": "in the middle"}


def captions(scene: Scene, count: int = 5) -> list[str]:
    """Different captions of a scene, always the same ones for the same scene."""
    random = Random(f"{scene.seed}/captions")
    told: list[str] = []
    if random.random() < _BRIEF_SHARE:
        brief = pick(random, ("color", "place")) if len(scene.groups) > 1 else "color"
        told.append(_write(_Teller(scene, random, brief), _list))
    forms = _forms(scene)
    while len(told) < count:
        for form in shuffled(random, forms):
            caption = _write(_Teller(scene, random), form)
            if len(told) < count and caption not in told and len(caption.split()) in _LENGTHS:
                told.append(caption)
    return shuffled(random, told)


class _Teller:
    """Puts the parts of one caption into words; `brief` names what it leaves out: color, place or nothing."""

    def __init__(self, scene: Scene, random: Random, brief: str = "") -> None:
        self.scene = scene
        self.random = random
        self.brief = brief
        self.first, *self.rest = scene.groups
        self.be = "is" if self.first.count == 1 else "are"

    def phrase(self, group: Group) -> str:
        """The words for a group: number, perhaps its size, colour, noun."""
        pair = group.count == 2 and group is not self.first and self.random.random() < _PAIR_SHARE
        words = ["a pair of" if pair else _NUMBERS[group.count]]
        if self.random.random() < (0.2 if self.rest else 0.45):
            words.append(pick(self.random, SIZES[group.size]))
        if self.brief != "color":
            words.append(group.color)
        singular, plural = pick(self.random, NOUNS[group.thing])
        return " ".join([*words, singular if group.count == 1 else plural])

    def verb(self, group: Group) -> str:
        """What a group does, in the present tense, agreeing with its number."""
        singular, plural, _ = pick(self.random, VERBS[group.thing])
        return singular if group.count == 1 else plural

    def participle(self, group: Group) -> str:
        """What a group is doing: sitting, flying."""
        return pick(self.random, VERBS[group.thing])[2]

    def where(self, group: Group | None = None) -> str:
        """The setting, as one says it of what a group does there, or of the whole scene."""
        phrases = WHERE[self.scene.setting]
        if group is None:
            return "" if self.brief == "place" else pick(self.random, phrases["scene"])
        return pick(self.random, phrases[group.thing if group.thing in phrases else group.zone])

    def link(self, group: Group, other: Group, *also: str) -> str:
        """How a group relates to the one told after it; `also` are further wordings that suit the sentence."""
        relations: tuple[str, ...]
        if group.zone == other.zone:
            relations = _BESIDE
        elif other.zone == "sky":
            relations = _ABOVE
        else:
            relations = ("over", "above") if group.zone == "sky" else ("near",)
        return pick(self.random, relations + also)

    def everything(self) -> str:
        """All groups in one phrase."""
        if not self.rest:
            return self.phrase(self.first)
        if len(self.rest) == 2 and self.first.zone == self.rest[0].zone != self.rest[1].zone:
            pair = f"{self.phrase(self.first)} and {self.phrase(self.rest[0])}"
            return f"{pair} {self.link(self.rest[0], self.rest[1], 'with')} {self.phrase(self.rest[1])}"
        return f"{self.phrase(self.first)} {self.link(self.first, self.rest[0], 'and', 'with')} {self.others()}"

    def others(self) -> str:
        """All groups but the first, joined by `and`."""
        return " and ".join(self.phrase(group) for group in self.rest)

    def flies_over_others(self) -> bool:
        """Whether the first group is in the sky and the next one is below it."""
        return bool(self.rest) and self.first.zone == "sky" != self.rest[0].zone

    def about(self) -> str:
        """Where the first group is: in its setting, and near, over or under the others."""
        others = f"{self.link(self.first, self.rest[0])} {self.others()}" if self.rest else ""
        return f"{others} {self.where()}" if self.flies_over_others() else f"{self.where(self.first)} {others}"


_Form = Callable[[_Teller], str]


def _write(teller: _Teller, form: _Form) -> str:
    """The caption of this form, single-spaced, with `an` where a vowel follows."""
    words = form(teller).split()
    for index, following in enumerate(words[1:]):
        if words[index] == "a" and following[0] in "aeiou":
            words[index] = "an"
    return " ".join(words)


def _list(teller: _Teller) -> str:
    return f"{teller.everything()} {teller.where()}"


def _there_is(teller: _Teller) -> str:
    return f"there {teller.be} {teller.everything()} {teller.where()}"


def _setting_first(teller: _Teller) -> str:
    return f"{teller.where()} there {teller.be} {teller.everything()}"


def _we_see(teller: _Teller) -> str:
    opening = pick(teller.random, _OPENINGS).format(be=teller.be)
    return f"{opening} {teller.everything()} {teller.where()}"


def _does(teller: _Teller) -> str:
    return f"{teller.phrase(teller.first)} {teller.verb(teller.first)} {teller.about()}"


def _doing(teller: _Teller) -> str:
    return f"{teller.phrase(teller.first)} {teller.participle(teller.first)} {teller.about()}"


def _while(teller: _Teller) -> str:
    first, last = teller.first, teller.rest[-1]
    told = f"{teller.phrase(first)} {teller.verb(first)} {teller.where(first)}"
    if len(teller.rest) == 2:
        told += f" {teller.link(first, teller.rest[0])} {teller.phrase(teller.rest[0])}"
    place = pick(teller.random, ("in the sky", "up in the sky")) if last.zone == "sky" else "nearby"
    return f"{told} {pick(teller.random, ('while', 'and'))} {teller.phrase(last)} {teller.verb(last)} {place}"


def _sides(teller: _Teller) -> str:
    parts = [f"{teller.phrase(group)} {_SIDES.get(group.side or '', '')}" for group in teller.scene.groups]
    return f"{teller.where()} there {teller.be} {' and '.join(parts)}"


def _forms(scene: Scene) -> list[_Form]:
    """The sentence forms that suit a scene; the most natural one stands twice."""
    forms: list[_Form] = [_list, _there_is, _setting_first, _we_see, _does, _does, _doing]
    zones = [group.zone for group in scene.groups]
    if len(zones) == 2 or (len(zones) == 3 and (zones[0] != "sky" or zones[1] == "sky")):
        forms.append(_while)
    if any(group.side for group in scene.groups):
        forms.append(_sides)
    return forms

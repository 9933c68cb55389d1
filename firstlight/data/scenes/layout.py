"""Inventing a scene from a random source: which things, in which colours, how large, how many, and where they stand.

Only `Random.random()` is called, whose numbers Python promises to keep, so a seed gives one scene everywhere.
"""

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import TypeVar

from firstlight.data.scenes.backdrops import BACKDROPS
from firstlight.data.scenes.world import SETTINGS, THINGS, WITHHELD, Group, Scene, Spot, colors_for

__all__ = ["compose", "pick", "shuffled"]

Item = TypeVar("Item")
Plan = tuple[str, str, int]
"""Thing, colour and count of a group that has no size and no place yet."""

_SCALE = {"small": 0.232, "large": 0.355}
_SKY_SCALE = {"small": 0.225, "large": 0.29}  # the sky is lower than the ground is wide
_MARGIN, _GAP, _HORIZON = 0.02, 0.032, 0.40
# The range of heights at which a thing's foot may stand.
_FOOT = {"ground": (0.76, 0.95), "boat": (0.66, 0.84), "fish": (0.78, 0.95)}
_FOOT_ON_BEACH = {"boat": (0.635, 0.665), "ground": (0.82, 0.95)}


def pick(random: Random, items: Sequence[Item]) -> Item:
    """One of the items, each as likely as the others."""
    return items[int(random.random() * len(items))]


def shuffled(random: Random, items: Sequence[Item]) -> list[Item]:
    """The items in a random order."""
    return [item for _, item in sorted(((random.random(), index), item) for index, item in enumerate(items))]


def compose(random: Random | int | str, *, unseen: bool = False) -> Scene:
    """A new scene from a seed or a random source.

    Without `unseen` no withheld pair of thing and colour occurs; with it at least one does.
    """
    if not isinstance(random, Random):
        random = Random(str(random))
    seed = f"{int(random.random() * 2**53):014x}"
    while True:
        setting, plans = _plan(random, unseen)
        groups = _place(random, setting, plans)
        if groups is not None:
            return Scene(seed, setting, _backdrop(random, groups), groups)


def _plan(random: Random, unseen: bool) -> tuple[str, list[Plan]]:
    """A setting and one to three groups of different things, at most four things in all."""
    setting = pick(random, list(SETTINGS))
    things = list(SETTINGS[setting].things)
    chosen: list[tuple[str, str]] = []
    if unseen:
        thing, color = pick(random, sorted(WITHHELD))
        setting = pick(random, [name for name in SETTINGS if color in _colors(name, thing)])
        things = [other for other in SETTINGS[setting].things if other != thing]
        chosen.append((thing, color))
    groups = pick(random, (1, 1, 1, 2, 2, 2, 2, 3, 3, 3))
    for thing in _choose(random, things, groups - len(chosen)):
        colors = [color for color in colors_for(setting, thing) if (thing, color) not in WITHHELD]
        chosen.append((thing, pick(random, colors)))
    left = 4 - len(chosen)
    plans: list[Plan] = []
    for thing, color in shuffled(random, chosen):
        extra = min(left, pick(random, (0, 0, 0, 0, 0, 1, 1, 1, 2, 2)))
        left -= extra
        plans.append((thing, color, 1 + extra))
    return setting, plans


def _choose(random: Random, things: list[str], count: int) -> list[str]:
    """So many different things; those with fewer settings are likelier, so that each is seen about as often."""
    chosen: list[str] = []
    for _ in range(count):
        left = [thing for thing in things if thing not in chosen]
        weights = [1 / sum(thing in setting.things for setting in SETTINGS.values()) for thing in left]
        mark = random.random() * sum(weights)
        passed = list(accumulate(weights))
        chosen.append(next((thing for thing, end in zip(left, passed, strict=True) if mark < end), left[-1]))
    return chosen


def _backdrop(random: Random, groups: tuple[Group, ...]) -> int:
    """A backdrop whose sun or moon stands where the sky is emptier."""
    flying = [spot.x for group in groups if group.zone == "sky" for spot in group.spots] or [random.random()]
    light_on_right = 1 - max(flying) > min(flying)
    return 2 * int(random.random() * BACKDROPS / 2) + light_on_right


def _colors(setting: str, thing: str) -> list[str]:
    return colors_for(setting, thing) if thing in SETTINGS[setting].things else []


def _place(random: Random, setting: str, plans: list[Plan]) -> tuple[Group, ...] | None:
    """The groups side by side in two rows, sky above the rest; None where they do not fit."""
    sizes = {thing: pick(random, ("small", "large")) for thing, _, _ in plans}
    if setting == "beach" and "boat" in sizes:
        sizes["boat"] = "small"  # it sails far out
    spots: dict[str, list[Spot]] = {}
    for in_sky in (False, True):
        row = [(thing, count) for thing, _, count in plans if (THINGS[thing].zone == "sky") == in_sky]
        placed = _row(random, setting, row, sizes)
        if placed is None:
            return None
        spots.update(placed)
    order = {thing: place for place, thing in enumerate(THINGS)}
    return tuple(
        Group(thing, color, sizes[thing], tuple(spots[thing]), pick(random, (1, -1)))
        for thing, color, _ in sorted(plans, key=lambda plan: order[plan[0]])
    )


def _row(
    random: Random, setting: str, row: list[tuple[str, int]], sizes: dict[str, str]
) -> dict[str, list[Spot]] | None:
    """The spots of the things of one row, from left to right, with random gaps between them."""
    names = [thing for thing, count in row for _ in range(count)]
    scales = [_scale(thing, sizes[thing]) * (0.96 + 0.08 * random.random()) for thing in names]
    widths = [scale * THINGS[thing].width for thing, scale in zip(names, scales, strict=True)]
    free = 1.0 - 2 * _MARGIN - sum(widths) - _GAP * max(0, len(names) - 1)
    if free < 0:
        return None
    cuts = sorted(random.random() for _ in names)
    spots: dict[str, list[Spot]] = {thing: [] for thing, _ in row}
    taken = _MARGIN
    for thing, scale, width, cut in zip(names, scales, widths, cuts, strict=True):
        x = taken + free * cut + width / 2
        foot = _foot(random, setting, thing, scale * THINGS[thing].height)
        spots[thing].append(Spot(round(x, 4), round(foot, 4), round(scale, 4)))
        taken += width + _GAP
    return spots


def _scale(thing: str, size: str) -> float:
    kind = THINGS[thing]
    return kind.scale * (_SKY_SCALE if kind.zone == "sky" else _SCALE)[size]


def _foot(random: Random, setting: str, thing: str, height: float) -> float:
    """How low a thing stands, such that the sky stays free for what flies."""
    zone = THINGS[thing].zone
    if zone == "sky":
        low, high = height + 0.02, _HORIZON - 0.01
    else:
        key = thing if zone == "water" else zone
        low, high = (_FOOT_ON_BEACH if setting == "beach" else _FOOT)[key]
        low = max(low, _HORIZON + height)
    return low + (max(low, high) - low) * random.random()

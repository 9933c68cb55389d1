"""What a picture-book world is made of: its things, colours and settings, and the record of one scene.

Everything that the drawing, the captions and the reader of captions must agree on stands here, and nothing else does.
"""

from dataclasses import dataclass

__all__ = [
    "COLORS",
    "SETTINGS",
    "THINGS",
    "WITHHELD",
    "Fact",
    "Group",
    "Kind",
    "Scene",
    "Setting",
    "Spot",
    "colors_for",
]

Fact = tuple[str | int, ...]
"""One checkable statement: ("thing", "boat"), ("color", "boat", "red"), ("number", "boat", 2), ("place", "sea")."""

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (216, 42, 46),
    "orange": (246, 132, 30),
    "yellow": (252, 212, 44),
    "green": (38, 142, 66),
    "blue": (42, 92, 206),
    "purple": (138, 66, 178),
    "white": (251, 250, 246),
    "black": (46, 44, 52),
}


@dataclass(frozen=True)
class Kind:
    """A kind of thing: where it lives, and the width and height it is drawn in at scale 1."""

    zone: str
    width: float
    height: float
    scale: float = 1.0


# The order is the order in which a caption tells the things: the living first, then what moves, stands, lies and hangs.
THINGS: dict[str, Kind] = {
    "dog": Kind("ground", 1.12, 0.90),
    "cat": Kind("ground", 0.84, 1.04),
    "bird": Kind("sky", 1.08, 0.96, scale=1.04),
    "fish": Kind("water", 1.06, 0.76),
    "boat": Kind("water", 1.04, 1.04, scale=1.04),
    "car": Kind("ground", 1.16, 0.70, scale=1.04),
    "house": Kind("ground", 1.04, 1.04, scale=1.10),
    "tree": Kind("ground", 0.92, 1.15, scale=1.08),
    "flower": Kind("ground", 0.68, 1.04, scale=1.06),
    "umbrella": Kind("ground", 1.04, 1.00),
    "ball": Kind("ground", 0.84, 0.84, scale=1.06),
    "kite": Kind("sky", 0.78, 1.16),
    "balloon": Kind("sky", 0.76, 1.22, scale=1.02),
    "star": Kind("sky", 1.00, 0.98),
}


@dataclass(frozen=True)
class Setting:
    """Where a scene plays: the things that may appear, and the colours that would vanish in each zone."""

    things: tuple[str, ...]
    hidden: dict[str, tuple[str, ...]]


SETTINGS: dict[str, Setting] = {
    "meadow": Setting(
        ("dog", "cat", "bird", "car", "house", "tree", "flower", "umbrella", "ball", "kite", "balloon"),
        {"ground": ("green",)},
    ),
    "sea": Setting(("bird", "fish", "boat", "kite", "balloon"), {"water": ("blue",)}),
    "beach": Setting(
        ("dog", "cat", "bird", "boat", "house", "umbrella", "ball", "kite", "balloon"),
        {"ground": ("yellow",), "water": ("blue",)},
    ),
    "snow": Setting(
        ("dog", "cat", "bird", "car", "house", "tree", "ball", "balloon"), {"ground": ("white",), "sky": ("white",)}
    ),
    "night": Setting(
        ("dog", "cat", "car", "house", "tree", "flower", "balloon", "star"),
        {"ground": ("green", "blue", "purple", "black"), "sky": ("blue", "purple", "black")},
    ),
    "desert": Setting(
        ("dog", "cat", "bird", "car", "house", "flower", "umbrella", "kite", "balloon"),
        {"ground": ("orange", "yellow")},
    ),
}

WITHHELD = frozenset(
    {
        ("bird", "red"),
        ("boat", "yellow"),
        ("car", "green"),
        ("cat", "purple"),
        ("house", "orange"),
        ("balloon", "blue"),
    }
)
"""Colours of things that no training, validation or test scene shows together; the split `unseen` shows them."""


def colors_for(setting: str, thing: str) -> list[str]:
    """The colours in which a thing stands out in a setting, in the order of COLORS."""
    hidden = SETTINGS[setting].hidden.get(THINGS[thing].zone, ())
    if (setting, thing) == ("meadow", "tree"):  # a crown stands against the sky
        hidden = ()
    return [color for color in COLORS if color not in hidden]


@dataclass(frozen=True)
class Spot:
    """Where one thing stands: the middle of its foot and its scale, all as parts of the picture's width."""

    x: float
    y: float
    scale: float


@dataclass(frozen=True)
class Group:
    """One, two or three of the same thing, alike in colour and size; `facing` is 1 (right) or -1 (left)."""

    thing: str
    color: str
    size: str
    spots: tuple[Spot, ...]
    facing: int = 1

    @property
    def count(self) -> int:
        """How many things the group has."""
        return len(self.spots)

    @property
    def zone(self) -> str:
        """Where its kind lives: sky, ground or water."""
        return THINGS[self.thing].zone

    @property
    def side(self) -> str | None:
        """The side of the picture, where nobody would doubt it: left, right, middle, or None."""
        if all(spot.x < 0.36 for spot in self.spots):
            return "left"
        if all(spot.x > 0.64 for spot in self.spots):
            return "right"
        return "middle" if all(0.43 < spot.x < 0.57 for spot in self.spots) else None

    def true_sides(self) -> list[str]:
        """Every side that one may fairly claim: the borders overlap, because a thing may lie between two."""
        bounds = {"left": (0.0, 0.46), "middle": (0.36, 0.64), "right": (0.54, 1.0)}
        return [side for side, (low, high) in bounds.items() if all(low <= spot.x <= high for spot in self.spots)]


@dataclass(frozen=True)
class Scene:
    """A scene before it is drawn or told: a setting, one of its backdrops, and one to three groups of things."""

    seed: str
    setting: str
    backdrop: int
    groups: tuple[Group, ...]

    @property
    def facts(self) -> set[Fact]:
        """What a complete caption tells: every thing with its colour and number, and the setting."""
        told: set[Fact] = {("place", self.setting)}
        for group in self.groups:
            told |= {("thing", group.thing), ("color", group.thing, group.color), ("number", group.thing, group.count)}
        return told

    @property
    def true_facts(self) -> set[Fact]:
        """All that a caption may claim: the facts, and size, zone and side of each group."""
        true = self.facts
        for group in self.groups:
            true |= {("size", group.thing, group.size), ("place", group.thing, group.zone)}
            true |= {("place", group.thing, side) for side in group.true_sides()}
        return true

"""The words in which scenes are told and read back: nouns, verbs, sizes, and phrases for each setting.

The captions and the reader both use these tables, so neither knows a word that the other does not.
"""

__all__ = ["NOUNS", "NUMBERS", "SETTING_WORDS", "SIDES", "SIZES", "VERBS", "WHERE", "ZONE_WORDS"]

# Singular and plural; the first pair stands twice where a second word is rarer.
NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "dog": (("dog", "dogs"),),
    "cat": (("cat", "cats"),),
    "bird": (("bird", "birds"),),
    "fish": (("fish", "fish"),),
    "boat": (("boat", "boats"), ("boat", "boats"), ("boat", "boats"), ("sailboat", "sailboats")),
    "car": (("car", "cars"),),
    "house": (("house", "houses"), ("house", "houses"), ("house", "houses"), ("cottage", "cottages")),
    "tree": (("tree", "trees"),),
    "flower": (("flower", "flowers"),),
    "umbrella": (("umbrella", "umbrellas"),),
    "ball": (("ball", "balls"),),
    "kite": (("kite", "kites"),),
    "balloon": (("balloon", "balloons"),),
    "star": (("star", "stars"),),
}

# Singular, plural, participle.
VERBS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "dog": (("stands", "stand", "standing"), ("waits", "wait", "waiting")),
    "cat": (("sits", "sit", "sitting"),),
    "bird": (("flies", "fly", "flying"),),
    "fish": (("swims", "swim", "swimming"),),
    "boat": (("sails", "sail", "sailing"), ("floats", "float", "floating")),
    "car": (("is parked", "are parked", "parked"),),
    "house": (("stands", "stand", "standing"),),
    "tree": (("stands", "stand", "standing"), ("grows", "grow", "growing")),
    "flower": (("grows", "grow", "growing"), ("blooms", "bloom", "blooming")),
    "umbrella": (("stands", "stand", "standing"),),
    "ball": (("lies", "lie", "lying"),),
    "kite": (("flies", "fly", "flying"),),
    "balloon": (("floats", "float", "floating"), ("drifts", "drift", "drifting")),
    "star": (("shines", "shine", "shining"), ("twinkles", "twinkle", "twinkling")),
}

SIZES: dict[str, tuple[str, ...]] = {"small": ("small", "little"), "large": ("large", "big")}

# Each setting as one says it of a boat, of a fish, of what is on the ground or in the sky, and of the whole scene.
WHERE: dict[str, dict[str, tuple[str, ...]]] = {
    "meadow": {
        "ground": ("in a meadow", "in the meadow", "on the green grass", "in a grassy field"),
        "sky": ("over a meadow", "above the meadow", "over the green grass", "above a grassy field"),
        "scene": ("in a meadow", "in a green meadow", "in a grassy field"),
    },
    "sea": {
        "boat": ("on the sea", "on the blue sea", "on the calm sea", "out at sea"),
        "fish": ("in the sea", "in the blue sea", "in the deep sea"),
        "sky": ("over the sea", "above the sea", "above the blue sea"),
        "scene": ("at sea", "out at sea", "on the open sea"),
    },
    "beach": {
        "ground": ("on the beach", "on a sandy beach", "on the sunny beach"),
        "boat": ("off the beach", "by the beach", "just off the beach"),
        "sky": ("over the beach", "above the beach", "over a sandy beach"),
        "scene": ("at the beach", "on a sandy beach", "at a sunny beach"),
    },
    "snow": {
        "ground": ("in the snow", "in the white snow", "in the deep snow"),
        "sky": ("over the snow", "above the white snow", "over the snowy hills"),
        "scene": ("in the snow", "on a snowy day", "in winter"),
    },
    "night": {
        "ground": ("at night", "in the moonlight", "in the dark night"),
        "sky": ("at night", "in the night sky", "in the dark night sky", "beside the moon"),
        "scene": ("at night", "on a dark night", "on a moonlit night"),
    },
    "desert": {
        "ground": ("in the desert", "in a dry desert", "among the dunes"),
        "sky": ("over the desert", "above the desert", "over the dunes"),
        "scene": ("in the desert", "in a dry desert", "in a sunny desert"),
    },
}

# What single words say when a caption is read back.
SETTING_WORDS: dict[str, str] = {
    **dict.fromkeys(("meadow", "grass", "grassy", "field"), "meadow"),
    **dict.fromkeys(("sea",), "sea"),
    **dict.fromkeys(("beach", "sandy"), "beach"),
    **dict.fromkeys(("snow", "snowy", "winter"), "snow"),
    **dict.fromkeys(("night", "moon", "moonlight", "moonlit"), "night"),
    **dict.fromkeys(("desert", "dunes"), "desert"),
}
ZONE_WORDS: dict[str, str] = {"sky": "sky"}
SIDES: tuple[str, ...] = ("left", "right", "middle")
NUMBERS: dict[str, int | None] = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "the": None, "some": None}

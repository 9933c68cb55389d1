"""Scenes in splits: how many of each, drawn at which size, with their captions and facts as columns.

Every scene has its own seed, made of the seed of the set, the split and its number, so a larger split keeps its
first scenes and leaves the other splits alone.
"""

from typing import Any

from firstlight.data.scenes.drawing import draw
from firstlight.data.scenes.layout import compose
from firstlight.data.scenes.telling import captions
from firstlight.data.scenes.world import Scene
from firstlight.data.table import Dataset, Split
from firstlight.errors import FirstlightError, nearest

__all__ = ["load", "split_scenes"]

_SPLIT_NUMBERS = {"train": 0, "validation": 1, "test": 2, "unseen": 3}


def split_scenes(split: str, count: int, seed: int = 0) -> list[Scene]:
    """The first `count` scenes of a split; those of `unseen` hold at least one withheld pair of thing and colour."""
    if split not in _SPLIT_NUMBERS:
        known = ", ".join(_SPLIT_NUMBERS)
        raise FirstlightError(
            f"Expected one of the splits {known}. Received {split!r}.{nearest(split, _SPLIT_NUMBERS)}"
        )
    if count < 0:
        raise FirstlightError(f"Expected a number of scenes of 0 or more for split {split!r}. Received {count}.")
    number = _SPLIT_NUMBERS[split]
    return [compose(f"{seed}/{number}/{index}", unseen=split == "unseen") for index in range(count)]


def load(
    train: int = 4000, validation: int = 400, test: int = 400, unseen: int = 400, size: int = 96, seed: int = 0
) -> Dataset:
    """Scenes in four splits of these lengths, drawn at `size` pixels.

    Columns: names, images (arrays (size, size, 3) of uint8), captions (five texts), facts (what a complete caption
    tells) and true_facts (all that a caption may claim).
    """
    counts = {"train": train, "validation": validation, "test": test, "unseen": unseen}
    composed = {name: split_scenes(name, count, seed) for name, count in counts.items()}
    splits = {name: _table(name, drawn, size) for name, drawn in composed.items()}
    return Dataset("scenes", splits, layout="drawn", source=f"drawn by firstlight.data.scenes, seed {seed}")


def _table(name: str, drawn: list[Scene], size: int) -> Split:
    columns: dict[str, list[Any]] = {
        "names": [f"{name}-{index:05d}" for index in range(len(drawn))],
        "images": [draw(scene, size) for scene in drawn],
        "captions": [captions(scene) for scene in drawn],
        "facts": [scene.facts for scene in drawn],
        "true_facts": [scene.true_facts for scene in drawn],
    }
    return Split(name, columns)

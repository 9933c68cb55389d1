"""Drawn picture-book scenes with captions and the facts behind them: endless, free, and the same everywhere.

`load()` gives the splits; `compose`, `draw` and `captions` make one scene, and `read_facts` reads a caption back.
"""

from firstlight.data.scenes.drawing import draw
from firstlight.data.scenes.layout import compose
from firstlight.data.scenes.reading import read_facts
from firstlight.data.scenes.splits import load, split_scenes
from firstlight.data.scenes.telling import captions
from firstlight.data.scenes.world import WITHHELD, Group, Scene, Spot

__all__ = ["WITHHELD", "Group", "Scene", "Spot", "captions", "compose", "draw", "load", "read_facts", "split_scenes"]

"""The map of words: names are readable, that is, they cover neither points nor each other while there is room."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from firstlight.plots import word_map


def names_of(figure: Figure) -> list[np.ndarray]:
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    return [text.get_window_extent(renderer).extents for text in figure.axes[0].texts]


def test_names_do_not_cover_each_other(tmp_path: Path, monkeypatch):
    import sys

    module = sys.modules["firstlight.plots.word_map"]
    drawn: list[Figure] = []
    monkeypatch.setattr(module, "write_figure", lambda figure, path: drawn.append(figure))
    places = np.random.default_rng(0).normal(size=(25, 2))
    word_map([f"word{number}" for number in range(25)], places, tmp_path / "map.png", groups=[0, 1] * 12 + [0])
    boxes = names_of(drawn[0])
    assert len(boxes) == 25
    covering = sum(
        bool((np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) > 1).all())
        for place, a in enumerate(boxes)
        for b in boxes[:place]
    )
    assert covering == 0


def test_the_file_is_written(tmp_path: Path):
    word_map(["a", "b$c_"], np.array([[0.0, 0.0], [1.0, 1.0]]), tmp_path / "map.png", title="Two words", chosen=["a"])
    assert (tmp_path / "map.png").stat().st_size > 1000

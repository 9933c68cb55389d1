"""A computation drawn: each tensor a box with value and gradient, and what cannot be drawn is told."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from firstlight.engine import Tensor, activations, backward, graph
from firstlight.errors import FirstlightError


def texts(svg: str) -> list[list[str]]:
    namespace = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(svg)
    return [[str(text.text) for text in group.iter(f"{namespace}text")] for group in root.iter(f"{namespace}g")]


def test_values_and_gradients_stand_in_the_boxes(tmp_path: Path) -> None:
    a, b = Tensor(2.0, name="a"), Tensor(-3.0, name="b")
    loss = activations.tanh(a * b * 0.25) + a
    drawing = graph(loss)
    found = texts(drawing.svg)
    assert ["a", "2", f"gradient {backward(loss, keep=True)[a]:.4g}"] in found
    assert ["multiply", "-6", f"gradient {0.25 * (1 - np.tanh(-1.5) ** 2):.4g}"] in found
    assert ["constant"] in found
    assert len(found) == 7
    drawing.save(tmp_path / "deep" / "loss.svg")
    assert (tmp_path / "deep" / "loss.svg").read_text() == drawing._repr_svg_()


def test_the_graph_is_kept_for_a_walk_of_ones_own() -> None:
    x = Tensor([1.0, 2.0], name="x")
    loss = (x * x).sum()
    graph(loss)
    np.testing.assert_array_equal(backward(loss)[x], [2, 4])


def test_a_tensor_of_several_numbers_is_drawn_without_gradients() -> None:
    x = Tensor(np.ones((3, 4)), name="x")
    assert ["x", "(3, 4), mean 1"] in texts(graph(x * 2).svg)
    assert ["x", "(3, 4), mean 1", "gradient (3, 4), mean 2"] in texts(graph(x * 2, gradient=np.ones((3, 4))).svg)


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(FirstlightError, match="remembers none"):
        graph(Tensor(1.0))
    x = Tensor(1.0)
    y = x
    for _ in range(400):
        y = y + 1.0
    with pytest.raises(FirstlightError, match="at most 300 tensors"):
        graph(y)

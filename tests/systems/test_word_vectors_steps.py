"""The matrix products of a step against the same sums, pair by pair."""

import numpy as np
import pytest

from firstlight.systems.word_vectors_steps import Learning, Step
from firstlight.systems.word_vectors_supply import Chunk
from firstlight.systems.word_vectors_tables import AdagradTable, Distinct, sum_rows


class Plain:
    """A table that takes down what it is told to learn."""

    def __init__(self, values: np.ndarray):
        self.values = values
        self.gradients = np.zeros_like(values)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        return self.values[rows]

    def learn(self, rows: np.ndarray, gradients: np.ndarray, rate: float) -> None:
        assert len(set(rows.tolist())) == len(rows)
        self.gradients[rows] += gradients


def drawn(window: int, length: int, words: int, width: int) -> tuple[Plain, Plain, Chunk]:
    random = np.random.default_rng(0)
    tables = [Plain(random.normal(size=(words, width)).astype(np.float32)) for _ in range(2)]
    reach = random.integers(0, window + 1, (2, length))
    chunk = Chunk(random.integers(0, words, length + 2 * window), *reach, random.integers(0, words, 7), length)
    return (*tables, chunk)


def chance(score: float) -> float:
    return 1 / (1 + np.exp(-score))


def pair_by_pair(inputs: Plain, outputs: Plain, chunk: Chunk, window: int, negatives: int, cbow: bool) -> float:
    """Loss and gradients by the formulas of the papers, with loops."""
    loss, weight = 0.0, negatives / len(chunk.negatives)
    into, out = np.zeros((2, *inputs.values.shape))
    for place in range(len(chunk.left)):
        here = place + window
        around = [here - back for back in range(chunk.left[place], 0, -1)]
        around += [here + on for on in range(1, chunk.right[place] + 1)]
        if not around:
            continue
        context = chunk.words[around]
        asked = [(context, chunk.words[here])] if cbow else [([chunk.words[here]], told) for told in context]
        for tellers, told in asked:
            vector = inputs.values[tellers].mean(axis=0)
            for other, label, share in [(told, 1, 1.0), *((noise, 0, weight) for noise in chunk.negatives)]:
                given = chance(float(vector @ outputs.values[other]))
                loss -= share * np.log(given if label else 1 - given)
                slope = share * (given - label)
                out[other] += slope * vector
                for teller in tellers:
                    into[teller] += slope * outputs.values[other] / len(tellers)
    inputs.gradients, outputs.gradients = into.astype(np.float32), out.astype(np.float32)
    return float(loss)


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("window", [1, 5, 16, 20])
def test_a_step_has_the_loss_and_the_gradients_of_its_pairs(window: int, cbow: bool):
    length = 64
    inputs, outputs, chunk = drawn(window, length, 40, 6)
    step = Step(Learning(inputs, outputs, window, 5, cbow), length, 7)  # type: ignore[arg-type]
    for _ in range(2):  # what the first leaves in the arrays must not be seen by the second
        inputs.gradients[...], outputs.gradients[...] = 0, 0
        loss, pairs = step(chunk, 0.1, wanted=True)
    found = inputs.gradients.copy(), outputs.gradients.copy()
    expected = pair_by_pair(inputs, outputs, chunk, window, 5, cbow)
    assert loss == pytest.approx(expected, rel=1e-4)
    reaches = chunk.left + chunk.right
    assert pairs == ((reaches > 0).sum() if cbow else reaches.sum())
    np.testing.assert_allclose(found[0], inputs.gradients, atol=2e-4 * abs(inputs.gradients).max())
    np.testing.assert_allclose(found[1], outputs.gradients, atol=2e-4 * abs(outputs.gradients).max())
    assert step(chunk, 0.1, wanted=False) == (0.0, 0.0)


def test_rows_are_summed_by_their_place():
    numbers = np.array([7, 3, 7, 7, 0])
    found, places = Distinct(9)(numbers)
    assert sorted(found.tolist()) == [0, 3, 7]
    assert found[places].tolist() == numbers.tolist()
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    sums = dict(zip(found.tolist(), sum_rows(places, 3, rows).tolist(), strict=True))
    assert sums == {7: [10.0, 13.0], 3: [2.0, 3.0], 0: [8.0, 9.0]}


def test_adagrad_divides_by_what_a_row_has_seen():
    table = AdagradTable(np.zeros((3, 2), np.float32), np.zeros(3, np.float32))
    gradient = np.array([[3.0, 4.0]], np.float32)
    table.learn(np.array([1]), gradient.copy(), 0.1)
    first = -0.1 * gradient[0] / np.sqrt(12.5)
    np.testing.assert_allclose(table.values, [[0, 0], first, [0, 0]], rtol=1e-6)
    table.learn(np.array([1]), gradient.copy(), 0.1)
    np.testing.assert_allclose(table.values[1], first * (1 + 1 / np.sqrt(2)), rtol=1e-6)

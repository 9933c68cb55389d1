"""Tables of vectors that learn: sums of gradients for each word, and row-wise Adagrad.

In a chunk of text the same word stands many times. Its gradients are summed first; a step as long as that sum would
diverge, so each row is divided by the root of the squares that it has seen.
"""

import numpy as np
from scipy.sparse import csc_matrix

__all__ = ["AdagradTable", "Distinct", "sum_rows"]

_START = 1e-3  # squares before the first gradient: the first steps are not as long as the rate


class Distinct:
    """Finds the different numbers of a list without sorting; keeps one place for each of `size` numbers."""

    def __init__(self, size: int):
        self.places = np.zeros(size, np.int64)

    def __call__(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The different numbers (n,) and for each of those given its place among them."""
        order = np.arange(len(numbers))
        self.places[numbers] = order
        found = numbers[self.places[numbers] == order]
        self.places[found] = order[: len(found)]
        return found, self.places[numbers]


def sum_rows(places: np.ndarray, count: int, rows: np.ndarray) -> np.ndarray:
    """Row `i` of the result (count, width) is the sum of all rows whose place is `i`."""
    ones = np.ones(len(places), rows.dtype)
    adding = csc_matrix((ones, places, np.arange(len(places) + 1)), shape=(count, len(places)))
    return np.asarray(adding @ rows)


class AdagradTable:
    """Vectors (rows, width) float32, and the mean squares (rows,) of the gradients that each row has seen.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    2011, with one number for each row in place of one for each weight.
    """

    def __init__(self, values: np.ndarray, squares: np.ndarray | None = None):
        self.values = values
        self.squares = np.full(len(values), _START, np.float32) if squares is None else squares

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of some rows, (n, width)."""
        return self.values.take(rows, axis=0)

    def learn(self, rows: np.ndarray, gradients: np.ndarray, rate: float) -> None:
        """One step down the gradients (n, width) of different rows (n,); `gradients` is used up.

        Reads and writes follow each other closely, for other threads write to the same table (Recht et al., "Hogwild",
        2011: what is lost where two meet at the same row is little).
        """
        squares = self.squares[rows]
        squares += np.einsum("rw,rw->r", gradients, gradients) / np.float32(gradients.shape[1])
        self.squares[rows] = squares
        gradients *= (np.float32(rate) / np.sqrt(squares))[:, None]
        self.values[rows] -= gradients

"""One step of word vectors: a chunk of consecutive words, as a few matrix products.

Pair by pair, a step is a dot product of two rows, which no processor does fast. Here the scores of all pairs of a block
of words with the words around it are one product, of which the band along the diagonal counts; and all words of the
chunk share their negatives, which are one more product.

Source: Ji et al., "Parallelizing word2vec in shared and distributed memory", 2016, section 3, for shared negatives.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from firstlight.systems.word_vectors_supply import BLOCK, Chunk
from firstlight.systems.word_vectors_tables import AdagradTable, Distinct, sum_rows

__all__ = ["Learning", "Step"]

_TINY = np.float32(1e-7)


@dataclass(frozen=True)
class Learning:
    """What a step learns with.

    Args:
        inputs: vectors of words, the ones that are kept: `vectors(rows)` and `learn(rows, gradients, rate)`.
        outputs: vectors of words as those that are told.
        window: words on each side, at most.
        negatives: how much negatives weigh: as so many of each pair.
        cbow: tell each word from the mean of its window, and not each word of the window from the word.
    """

    inputs: Any
    outputs: AdagradTable
    window: int
    negatives: int
    cbow: bool


class Step:
    """Learns chunks of one length; holds the arrays that it works in, so each thread has its own.

    Calling it gives the loss, summed over the pairs of the chunk, and the number of pairs; both are 0 where the loss
    is not `wanted`, for the logarithms take time.
    """

    def __init__(self, learning: Learning, length: int, shared: int):
        window, width = learning.window, learning.outputs.values.shape[1]
        around = length + 2 * window
        self.learning, self.length, self.blocks = learning, length, length // BLOCK
        self.distinct = Distinct(len(learning.outputs.values))
        self.inputs, self.outputs = _floats(around, width), _floats(around, width)
        self.input_gradients, self.output_gradients = _floats(around, width), _floats(around + shared, width)
        self.scores, self.slopes = (_floats(self.blocks, BLOCK, BLOCK + 2 * window) for _ in range(2))
        self.spread, self.middle = _floats(self.blocks, BLOCK + 2 * window, width), _floats(length, width)
        self.negative_scores = _floats(length, shared)
        reach, offset = np.arange(window + 1), np.arange(-window, window + 1)
        inside = (offset >= -reach[:, None, None]) & (offset <= reach[None, :, None]) & (offset != 0)
        self.inside = inside.astype(np.float32)  # by reach to the left and to the right: which offsets count

    def __call__(self, chunk: Chunk, rate: float, wanted: bool) -> tuple[float, float]:
        """Learn one chunk."""
        learning, around = self.learning, len(chunk.words)
        words, places = self.distinct(chunk.words)
        learning.inputs.vectors(words).take(places, axis=0, out=self.inputs, mode="clip")
        learning.outputs.values.take(chunk.words, axis=0, out=self.outputs, mode="clip")
        negatives = learning.outputs.vectors(chunk.negatives)
        self.output_gradients[:around] = 0
        inside = self.inside[chunk.left, chunk.right]
        step = self._cbow if learning.cbow else self._skipgram
        loss = step(inside, (chunk.left + chunk.right).astype(np.float32), negatives, wanted)
        learning.inputs.learn(words, sum_rows(places, len(words), self.input_gradients), rate)
        told, places = self.distinct(np.concatenate([chunk.words, chunk.negatives]))
        learning.outputs.learn(told, sum_rows(places, len(told), self.output_gradients), rate)
        return loss

    def _skipgram(
        self, inside: np.ndarray, pairs: np.ndarray, negatives: np.ndarray, wanted: bool
    ) -> tuple[float, float]:
        """Each word tells the words in its window: gradients of -log s(in . out) - sum of log s(-in . negative).

        Source: Mikolov et al., "Distributed representations of words and phrases ...", 2013, equation 4.
        """
        window, length = self.learning.window, self.length
        words = self.inputs[window : window + length]
        centres, contexts = _blocks(words, BLOCK), _blocks(self.outputs, BLOCK + 2 * window)
        np.matmul(centres, contexts.transpose(0, 2, 1), out=self.scores)
        chances = _sigmoid(_band(self.scores, window).copy()).reshape(length, -1)
        loss = -float(np.log(chances + _TINY).ravel() @ inside.ravel()) if wanted else 0.0
        chances -= 1
        chances *= inside
        _band(self.slopes, window)[...] = chances.reshape(self.blocks, BLOCK, -1)
        gradients = self.input_gradients
        gradients[:window] = gradients[window + length :] = 0
        middle = gradients[window : window + length]
        np.matmul(self.slopes, contexts, out=_blocks(middle, BLOCK))
        np.matmul(self.slopes.transpose(0, 2, 1), centres, out=self.spread)
        self._overlap(self.output_gradients)
        loss += self._against(words, negatives, pairs, middle, wanted)
        return (loss, float(pairs.sum())) if wanted else (0.0, 0.0)

    def _cbow(self, inside: np.ndarray, pairs: np.ndarray, negatives: np.ndarray, wanted: bool) -> tuple[float, float]:
        """The mean of the words in the window tells the word in its middle; a word without any is passed over.

        Source: Mikolov et al., "Efficient estimation of word representations in vector space", 2013, section 3.1.
        """
        window, length = self.learning.window, self.length
        contexts, told = _blocks(self.inputs, BLOCK + 2 * window), self.outputs[window : window + length]
        inside /= np.maximum(pairs, 1)[:, None]
        _band(self.slopes, window)[...] = inside.reshape(self.blocks, BLOCK, -1)
        means = np.matmul(self.slopes, contexts).reshape(length, -1)
        counts = (pairs > 0).astype(np.float32)
        chances = _sigmoid(np.einsum("tw,tw->t", means, told))
        loss = -float(np.log(chances + _TINY) @ counts) if wanted else 0.0
        slopes = ((chances - 1) * counts)[:, None]
        np.multiply(slopes, means, out=self.output_gradients[window : window + length])
        gradients = slopes * told
        loss += self._against(means, negatives, counts, gradients, wanted)
        np.matmul(self.slopes.transpose(0, 2, 1), _blocks(gradients, BLOCK), out=self.spread)
        self.input_gradients[...] = 0
        self._overlap(self.input_gradients)
        return (loss, float(counts.sum())) if wanted else (0.0, 0.0)

    def _against(
        self, vectors: np.ndarray, negatives: np.ndarray, pairs: np.ndarray, gradients: np.ndarray, wanted: bool
    ) -> float:
        """Add the gradients of the negatives; each of `pairs` counts as many negatives as are asked for."""
        weights = (pairs * np.float32(self.learning.negatives / len(negatives)))[:, None]
        chances = _sigmoid(np.matmul(vectors, negatives.T, out=self.negative_scores))
        loss = -float((np.log(1 - chances + _TINY) * weights).sum()) if wanted else 0.0
        chances *= weights
        gradients += np.matmul(chances, negatives, out=self.middle)
        np.matmul(chances.T, vectors, out=self.output_gradients[len(self.outputs) :])
        return loss

    def _overlap(self, gradients: np.ndarray) -> None:
        """Add the gradients of each block's surroundings, which reach into the next block, to the first rows."""
        length, margin = self.length, 2 * self.learning.window
        gradients[:length] += self.spread[:, :BLOCK].reshape(length, -1)
        for first in range(BLOCK, BLOCK + margin, BLOCK):  # once, unless a window is wider than half a block
            part = self.spread[:, first : first + BLOCK]
            width = part.shape[1]
            rows = gradients[first : first + (self.blocks - 1) * BLOCK + width]
            step, inner, item = rows.strides[0] * BLOCK, *rows.strides
            as_strided(rows, (self.blocks, width, rows.shape[1]), (step, inner, item))[...] += part


def _floats(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def _blocks(rows: np.ndarray, length: int) -> np.ndarray:
    """A view (blocks, length, width): a block begins every `BLOCK` rows and may reach into the next ones."""
    count = (len(rows) - length) // BLOCK + 1
    step, item = rows.strides
    return as_strided(rows, (count, length, rows.shape[1]), (step * BLOCK, step, item))


def _band(squares: np.ndarray, window: int) -> np.ndarray:
    """A view (blocks, BLOCK, 2 * window + 1) of the entries at most `window` off the diagonal of each word."""
    step, row, item = squares.strides
    return as_strided(squares, (len(squares), BLOCK, 2 * window + 1), (step, row + item, item))


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-score)), in place."""
    np.multiply(scores, 0.5, out=scores)
    np.tanh(scores, out=scores)
    np.multiply(scores, 0.5, out=scores)
    return np.add(scores, 0.5, out=scores)

"""Codes bettered by the gradient: from what the encoder gives to the code whose picture is nearest.

An encoder of few pictures is less sure of new ones than the decoder is (Cremer, Li, Duvenaud 2018, "Inference
suboptimality in variational autoencoders"). The code stays as small as it was; only its numbers are better chosen.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from firstlight.systems.autoencoder_rows import in_batches
from firstlight.systems.backend import compiles_each_shape
from firstlight.systems.gradients import gradient_function

__all__ = ["Refiner"]

_STEP = 0.1  # of the spread of a unit, the first and longest step
_MEAN, _SQUARE = 0.9, 0.999  # what Adam keeps of gradients and of their squares (Kingma and Ba 2015, algorithm 1)


class Refiner:
    """Finds codes with a smaller squared error than those that it is given, or the same where it finds none.

    Args:
        decoder: codes -> pictures 0..255.
        steps: of Adam, ever shorter along half a cosine; 0 leaves codes as they are.
        changing: whether the decoder goes on to learn while this is used.
    """

    def __init__(self, decoder: keras.Model, steps: int, changing: bool = False):
        self.decoder, self.steps = decoder, steps
        code, values = decoder.input_shape[1], int(np.prod(decoder.output_shape[1:]))
        # What JAX compiles keeps the weights as they were.
        compiled = not (changing and compiles_each_shape())
        self.program = gradient_function(_error_of(decoder, code, values), compiled=compiled) if steps else None

    def __call__(self, codes: np.ndarray, pictures: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Better codes, (pictures, code).

        Args:
            codes: where to begin.
            pictures: (pictures, height, width, channels) 0..255, uint8 or float32.
            spread: (code,) of each unit over pictures, by which steps are measured.
        """
        if self.program is None or not len(codes):
            return codes
        program, steps = self.program, self.steps

        def better(places: np.ndarray) -> np.ndarray:
            wanted = pictures[places].reshape(len(places), -1).astype(np.float32) / 255
            return _descend(program, codes[places], wanted, spread, steps)

        found: np.ndarray = in_batches(better, len(codes), int(np.prod(pictures.shape[1:])))
        return found


def _error_of(decoder: keras.Model, code: int, values: int) -> Callable[[Any], Any]:
    """The squared error of rows that hold a code and, beside it, the picture that is wanted."""

    def error(rows: Any) -> Any:
        given = ops.reshape(decoder(rows[:, :code], training=False), (-1, values)) / 255
        return ops.sum(ops.square(given - rows[:, code:]), axis=-1)

    return error


def _descend(
    program: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    wanted: np.ndarray,
    spread: np.ndarray,
    steps: int,
) -> np.ndarray:
    """Adam from each code by itself; of all codes on the way the best is kept."""
    codes, best = start.copy(), start.copy()
    lowest = np.full(len(start), np.inf, np.float32)
    mean, square = np.zeros_like(codes), np.zeros_like(codes)
    for step in range(steps + 1):
        errors, gradients = program(np.concatenate([codes, wanted], axis=1))
        gradient = gradients[:, : codes.shape[1]] * spread
        fewer = errors < lowest
        best[fewer], lowest[fewer] = codes[fewer], errors[fewer]
        mean = _MEAN * mean + (1 - _MEAN) * gradient
        square = _SQUARE * square + (1 - _SQUARE) * gradient**2
        rate = _STEP * (1 + math.cos(math.pi * step / steps)) / 2
        unbiased = mean / (1 - _MEAN ** (step + 1)), square / (1 - _SQUARE ** (step + 1))
        codes = codes - rate * spread * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    return best

"""Ten steps of training for every row: both libraries, from the same weights on the same batches, end with the same.

In a usual run the rows take turns with the optimizers; `--every-optimizer` and `--write-proven` train each row with
each of them.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pytest

from firstlight.engine import backward, optimizers
from firstlight.engine.structure import leaves
from tests.parity import peer
from tests.parity.case import draw
from tests.parity.cases import CASES
from tests.parity.pair import Pair, arrays_in, call, close, with_arrays
from tests.parity.proven import Proven

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices:UserWarning"),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="trains on TensorFlow"),
]
STEPS = 10
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    "Adagrad": {"learning_rate": 0.05},
    "Adadelta": {"learning_rate": 1.0},
    "RMSprop": {"learning_rate": 0.01},
    "Adam": {"learning_rate": 0.01},
    "AdamW": {"learning_rate": 0.01, "weight_decay": 0.1},
    "Adamax": {"learning_rate": 0.01},
    "Nadam": {"learning_rate": 0.01},
    "Lion": {"learning_rate": 0.01},
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "optimizer" not in metafunc.fixturenames:
        return
    every = any(metafunc.config.getoption(name, False) for name in ("--every-optimizer", "--write-proven"))
    turns = list(OPTIMIZERS)
    pairs = [
        (name, optimizer)
        for number, name in enumerate(CASES)
        for optimizer in (OPTIMIZERS if every else [turns[number % len(turns)]])
    ]
    metafunc.parametrize(("name", "optimizer"), pairs)


@pytest.fixture(autouse=True, scope="module")
def unoptimized() -> Iterator[None]:
    with peer.unoptimized():
        yield


class Course:
    """A row in training in both libraries."""

    def __init__(self, name: str) -> None:
        self.case = CASES[name]
        self.pair = pair = Pair(self.case)
        self.slopes = slopes(pair.ours.trainable_weights)
        self.arguments = [draw(self.case, batch=step) for step in range(1, STEPS + 1)]
        self.their_step = peer.loss_and_gradients(self._their_loss, pair.theirs.trainable_weights)

    def our_loss(self, outputs: list[Any], targets: list[np.ndarray]) -> Any:
        """The mean square of the distance to targets, and what regularizers add."""
        terms = [((x - y) ** 2.0).mean() for x, y in zip(outputs, targets, strict=True)]
        return sum([*terms, *self.pair.ours.losses])

    def _their_loss(self, *arrays: Any) -> Any:
        count = len(arrays_in(self.arguments[0]))
        arguments, targets = with_arrays(self.arguments[0], arrays[:count]), arrays[count:]
        outputs = keras.tree.flatten(call(self.pair.theirs, self.case, arguments))
        terms = [keras.ops.mean(keras.ops.square(x - y)) for x, y in zip(outputs, targets, strict=True)]
        return sum([*terms, *self.pair.theirs.losses])

    def run(self, our_optimizer: Any, their_optimizer: Any) -> float:
        """Train from the first weights on; returns the largest difference of the last ones."""
        self.pair.reset()
        ours, theirs, tolerance = self.pair.ours, self.pair.theirs, 3 * self.case.tolerance
        for step, arguments in enumerate(self.arguments):
            random = np.random.default_rng(step)
            outputs = list(leaves(call(ours, self.case, arguments)))
            targets = [random.normal(size=x.shape).astype("float32") for x in outputs]
            loss = self.our_loss(outputs, targets)
            found = backward(loss)
            mine = [found.get(w, 0) + c for w, c in zip(ours.trainable_weights, self.slopes, strict=True)]
            their_loss, gradients = self.their_step(*arrays_in(arguments), *targets)
            close(loss.value, their_loss, tolerance)
            our_optimizer.apply(mine, ours.trainable_weights)
            their_optimizer.apply(
                [g + c for g, c in zip(gradients, self.slopes, strict=True)], theirs.trainable_weights
            )
        pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
        return max(close(given, expected, tolerance) for given, expected in pairs)


course = lru_cache(maxsize=1)(Course)


def slopes(weights: list[Any]) -> list[np.ndarray]:
    """A number c for each number w of the weights, of size 0.1 to 0.2; the loss has c w added.

    Some gradients are 0 by their formula, such as that of the bias of keys, which a softmax does not feel; as floats
    they are the rounding of sums, another one in each library. Lion would make whole steps of their signs, and Adam of
    their ratio to themselves. With c all gradients are well away from 0.
    """
    random = np.random.default_rng(3)
    return [(random.uniform(0.1, 0.2, w.shape) * random.choice([-1, 1], w.shape)).astype("float32") for w in weights]


def test_ten_steps_of_training_end_with_the_same_weights(name: str, optimizer: str, proven: Proven) -> None:
    both = course(name)
    if not both.pair.ours.trainable_weights:
        return
    made = [getattr(source, optimizer)(**OPTIMIZERS[optimizer]) for source in (optimizers, keras.optimizers)]
    proven.note("training", name, both.run(*made))


def test_every_optimizer_is_among_them() -> None:
    assert {name.lower() for name in OPTIMIZERS} == set(optimizers.OPTIMIZERS)

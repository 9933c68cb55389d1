"""The optimizers of Keras: each is a rule that changes weights w by their gradients g, with its paper named.

A rule gives the update of one step as a function that works in place on flat arrays. Below, r is the learning rate.
Adam and its kin are gathered from `firstlight.engine.adam`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from firstlight.engine import schedules
from firstlight.engine.adam import Adam, Adamax, AdamW, Nadam
from firstlight.engine.flat import move
from firstlight.engine.lookup import look_up
from firstlight.engine.optimizer import Optimizer, Update
from firstlight.engine.variable import Variable
from firstlight.errors import FirstlightError

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]

Array = np.ndarray


class SGD(Optimizer):
    """v = momentum v - r g, w = w + v; with `nesterov` w = w + momentum v - r g, the step seen from where v leads.

    Robbins and Monro (1951); Polyak (1964) for the momentum; Nesterov (1983) and Sutskever et al. (2013).

    Args:
        learning_rate: see `Optimizer`, also for further options.
        momentum: share of the last step that is kept.
        nesterov: see above.
    """

    groups = (("momentum",),)

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        if not 0 <= momentum <= 1:
            raise FirstlightError(f"Expected a momentum from 0 to 1. Received {momentum}.")
        self.momentum, self.nesterov = momentum, nesterov

    def state_groups(self) -> tuple[tuple[str, ...], ...]:
        """Without momentum there is nothing to remember."""
        return self.groups if self.momentum else ()

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""

        def update(w: Array, g: Array, work: Array, v: Array | None = None) -> None:
            g *= rate
            if v is None:
                w -= g
                return
            v *= self.momentum
            v -= g
            if self.nesterov:
                np.multiply(v, self.momentum, out=work)
                work -= g
                w += work
            else:
                w += v

        return update


class Adagrad(Optimizer):
    """a = a + g^2, w = w - r g / sqrt(a + epsilon): what has moved much moves less (Duchi et al. 2011).

    Args:
        learning_rate: see `Optimizer`, also for further options.
        initial_accumulator_value: a at first.
        epsilon: against division by zero.
    """

    groups = (("accumulator",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        """a begins above 0."""
        if not self.built:
            super().build(variables)
            self._states["accumulator"][...] = self.initial_accumulator_value

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""

        def update(w: Array, g: Array, work: Array, a: Array) -> None:
            np.multiply(g, g, out=work)
            a += work
            np.add(a, self.epsilon, out=work)
            np.sqrt(work, out=work)
            np.divide(g, work, out=work)
            work *= rate
            w -= work

        return update


class Adadelta(Optimizer):
    """d = g sqrt(b + epsilon) / sqrt(a + epsilon), w = w - r d, with moving averages a of g^2 and b of d^2.

    So the step has the unit of the weights (Zeiler 2012).

    Args:
        learning_rate: see `Optimizer`, also for further options; 1.0 is that of the paper.
        rho: share of the averages that is kept.
        epsilon: lets it begin to move.
    """

    groups = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Any):
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = rho, epsilon

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""

        def update(w: Array, g: Array, work: Array, a: Array, b: Array) -> None:
            np.multiply(g, g, out=work)
            work *= 1 - self.rho
            a *= self.rho
            a += work
            np.add(b, self.epsilon, out=work)
            g *= np.sqrt(work, out=work)
            np.add(a, self.epsilon, out=work)
            g /= np.sqrt(work, out=work)
            np.multiply(g, g, out=work)
            move(b, work, 1 - self.rho, work)
            g *= rate
            w -= g

        return update


class RMSprop(Optimizer):
    """w = w - r g / sqrt(a + epsilon), with a moving average a of g^2 (Hinton 2012, lecture 6e).

    Centered, the square of the moving average of g is taken from a, so that the variance is left (Graves 2013).

    Args:
        learning_rate: see `Optimizer`, also for further options.
        rho: share of the averages that is kept.
        momentum: share of the last step that is added to this one.
        epsilon: against division by zero.
        centered: see above.
    """

    groups = (("velocity",), ("momentum",), ("average_gradient",))

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def state_groups(self) -> tuple[tuple[str, ...], ...]:
        """The last step and the average of g only where they are used."""
        needed = (True, self.momentum > 0, self.centered)
        return tuple(group for group, used in zip(self.groups, needed, strict=True) if used)

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""

        def update(w: Array, g: Array, work: Array, a: Array, *others: Array) -> None:
            np.multiply(g, g, out=work)
            move(a, work, 1 - self.rho, work)
            if self.centered:
                mean = others[-1]
                move(mean, g, 1 - self.rho, work)
                np.multiply(mean, mean, out=work)
                np.subtract(a, work, out=work)
                np.maximum(work, 0, out=work)  # a variance is never below 0, but for rounding
                work += self.epsilon
            else:
                np.add(a, self.epsilon, out=work)
            g /= np.sqrt(work, out=work)
            g *= rate
            if self.momentum > 0:
                last = others[0]
                last *= self.momentum
                last += g
                w -= last
            else:
                w -= g

        return update


class Lion(Optimizer):
    """w = w - r sign(beta_1 m + (1 - beta_1) g), then m = beta_2 m + (1 - beta_2) g (Chen et al. 2023).

    Args:
        learning_rate: see `Optimizer`, also for further options; 3 to 10 times less than for Adam.
        beta_1: share of m in the direction of the step.
        beta_2: share of m that is kept.
    """

    groups = (("momentum",),)

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Any):
        super().__init__(learning_rate, **options)
        if not 0 < beta_1 <= 1:
            raise FirstlightError(f"Expected beta_1 above 0 and up to 1. Received {beta_1}.")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""

        def update(w: Array, g: Array, work: Array, m: Array) -> None:
            np.subtract(g, m, out=work)
            work *= 1 - self.beta_1
            work += m
            g -= m
            g *= 1 - self.beta_2
            m += g
            np.sign(work, out=g)  # in place it would take ten times as long
            g *= rate
            w -= g

        return update


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, Adagrad, Adadelta, RMSprop, Adam, AdamW, Adamax, Nadam, Lion)
}


def get(optimizer: Any) -> Any:
    """The optimizer of a name of `OPTIMIZERS`, of a description as Keras writes it, or as it is; or None."""
    name = optimizer.lower() if isinstance(optimizer, str) else optimizer
    return look_up("an optimizer", OPTIMIZERS, name)

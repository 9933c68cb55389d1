"""Adam and its kin: optimizers that divide the mean of the last gradients by their size, for each number on its own.

Below, r is the learning rate, g the gradient of the weights w, and t counts the steps from 1.
"""

from math import sqrt
from typing import Any

import numpy as np

from firstlight.engine.flat import move
from firstlight.engine.optimizer import Optimizer, State, Update

__all__ = ["Adam", "AdamW", "Adamax", "Nadam"]

Array = np.ndarray


class Adam(Optimizer):
    """w = w - r c m / (sqrt(v) + epsilon), with moving averages m of g and v of g^2 (Kingma and Ba 2015).

    c = sqrt(1 - beta_2^t) / (1 - beta_1^t) makes up for averages that begin at 0. `amsgrad` takes the largest v so far
    (Reddi et al. 2018).

    Args:
        learning_rate: see `Optimizer`, also for further options.
        beta_1, beta_2: shares of m and v that are kept.
        epsilon: against division by zero; the "epsilon hat" of the paper.
        amsgrad: see above.
    """

    groups = (("momentum", "velocity"), ("velocity_hat",))

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def state_groups(self) -> tuple[tuple[str, ...], ...]:
        """The largest v only for `amsgrad`."""
        return self.groups if self.amsgrad else self.groups[:1]

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""
        size = rate * sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)

        def update(w: Array, g: Array, work: Array, m: Array, v: Array, largest: Array | None = None) -> None:
            move(m, g, 1 - self.beta_1, work)
            g *= g
            move(v, g, 1 - self.beta_2, work)
            if largest is not None:
                v = np.maximum(largest, v, out=largest)
            np.sqrt(v, out=work)
            work += self.epsilon
            np.divide(m, work, out=work)
            work *= size
            w -= work

        return update


class AdamW(Adam):
    """Adam with weights that shrink (Loshchilov and Hutter 2019); arguments as in `Adam`."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)


class Adamax(Optimizer):
    """w = w - r m / ((1 - beta_1^t) (u + epsilon)), with u = max(beta_2 u, |g|) in place of Adam's root.

    Kingma and Ba (2015), section 7.1.

    Args:
        learning_rate: see `Optimizer`, also for further options.
        beta_1, beta_2: shares of m and u that are kept.
        epsilon: against division by zero.
    """

    groups = (("momentum", "norm"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""
        size = rate / (1 - self.beta_1**step)

        def update(w: Array, g: Array, work: Array, m: Array, u: Array) -> None:
            move(m, g, 1 - self.beta_1, work)
            u *= self.beta_2
            np.maximum(u, np.abs(g, out=work), out=u)
            np.add(u, self.epsilon, out=work)
            np.divide(m, work, out=work)
            work *= size
            w -= work

        return update


class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016): g itself is mixed into m, as one step ahead would have it.

    w = w - r (u' m / (1 - P u') + (1 - u) g / (1 - P)) / (sqrt(v / (1 - beta_2^t)) + epsilon), where u = beta_1 (1 -
    0.96^t / 2), u' is that of the next step, and P is the product of all u so far.

    Args:
        learning_rate: see `Optimizer`, also for further options.
        beta_1, beta_2: shares of m and v that are kept.
        epsilon: against division by zero.
    """

    groups = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Any,
    ):
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self._scalars = [State("variable", np.ones((), np.float64))]  # P, under the name that Keras gives it

    def rule(self, rate: float, step: int) -> Update:
        """See the class."""
        now, ahead = (self.beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        product = self._scalars[0].array
        product *= now
        of_average = rate * ahead / (1 - float(product) * ahead)
        of_gradient = rate * (1 - now) / (1 - float(product))
        correction = 1 / (1 - self.beta_2**step)

        def update(w: Array, g: Array, work: Array, m: Array, v: Array) -> None:
            move(m, g, 1 - self.beta_1, work)
            np.multiply(g, of_gradient, out=work)
            g *= g
            g -= v
            g *= 1 - self.beta_2
            v += g
            np.multiply(m, of_average, out=g)
            g += work
            np.multiply(v, correction, out=work)
            np.sqrt(work, out=work)
            work += self.epsilon
            g /= work
            w -= g

        return update

"""Optimizer: what changes weights by their gradients; the rules themselves are in `firstlight.engine.optimizers`.

When it is built, all weights move into one flat array, of which each becomes a view. So one step is a handful of
operations on long arrays that stay where they are, however many weights there are.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from firstlight.engine import schedules
from firstlight.engine.flat import Flat, move, shorten
from firstlight.engine.naming import snake_case
from firstlight.engine.variable import Variable
from firstlight.errors import FirstlightError, nearest

__all__ = ["Optimizer", "State", "Update"]

Update = Callable[..., None]
"""Changes a block of weights in place: update(w, g, work, *states), all of them flat arrays of one length.

w are the weights, g their gradients, which may be overwritten, and work is room for what comes between."""


class State(NamedTuple):
    """A name and an array of what an optimizer remembers."""

    name: str
    array: np.ndarray


class Optimizer:
    """Base of all optimizers. A subclass names its states in `groups` and defines `rule`.

    Args:
        learning_rate: a number, a schedule, or a function of nothing.
        weight_decay: before each step, weights shrink by this times the learning rate (Loshchilov and Hutter 2019).
        clipnorm, clipvalue, global_clipnorm: bound for the length of each gradient, for its numbers, or for the length
            of all gradients together (Pascanu et al. 2013).
        use_ema, ema_momentum, ema_overwrite_frequency: keep a moving average of the weights, which takes their place
            every so many steps and in `finalize_variable_values` (Polyak and Juditsky 1992).
        gradient_accumulation_steps: change weights only every so many calls, by the mean gradient.
        loss_scale_factor: is for 16 bits, which are not used here; it changes nothing.
        name: by default the class in snake case.
    """

    groups: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __init__(
        self,
        learning_rate: Any,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **unknown: Any,
    ):
        if unknown:
            first = next(iter(unknown))
            raise FirstlightError(
                f"Expected arguments that {type(self).__name__} has. Received {first!r}.{nearest(first, self._names())}"
            )
        if sum(bound is not None for bound in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise FirstlightError(
                f"Expected one of clipnorm, clipvalue and global_clipnorm. Received {clipnorm}, {clipvalue} and "
                f"{global_clipnorm}."
            )
        if gradient_accumulation_steps is not None and gradient_accumulation_steps < 2:
            raise FirstlightError(
                f"Expected gradient_accumulation_steps of 2 or more. Received {gradient_accumulation_steps}."
            )
        if not 0 <= ema_momentum <= 1:
            raise FirstlightError(f"Expected ema_momentum from 0 to 1. Received {ema_momentum}.")
        self.name = name or snake_case(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self._rate = _rate(schedules.get(learning_rate))
        self._calls = 0
        self._undecayed: tuple[Sequence[Variable], str] = ((), "")
        self._scalars: list[State] = []  # states that are one number for all weights

    # -- what a subclass defines ---------------------------------------------------------------------------------

    def rule(self, rate: float, step: int) -> Update:
        """The update of a step, counted from 1: its numbers are computed here, once for all weights."""
        raise NotImplementedError(f"{type(self).__name__} needs a method rule(rate, step).")

    def state_groups(self) -> tuple[tuple[str, ...], ...]:
        """Names of what these settings remember for each weight, in Keras's order.

        Within a group all states of the first weight come first; between groups, all weights of the first group.
        """
        return self.groups

    # -- a step --------------------------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Take these weights into one array and make room for what is remembered of them. Done once."""
        if self.built:
            return
        self._flat = flat = Flat(variables)
        self._gradient, self._work = flat.gradient, flat.work()
        self._states = {name: flat.full(0) for group in self.state_groups() for name in group}
        self._average = flat.full(0) if self.use_ema else None
        self._total = flat.full(0) if self.gradient_accumulation_steps else None
        without, pattern = self._undecayed
        self._decaying = {
            place
            for variable, place in flat.places.items()
            if variable not in without and not (pattern and re.search(pattern, variable.name))
        }
        self.built = True

    def apply(
        self,
        gradients: Sequence[Any] | Mapping[Variable, np.ndarray],
        trainable_variables: Sequence[Variable] | None = None,
    ) -> None:
        """Change weights by their gradients, and bring them within their constraints.

        Args:
            gradients: an array for each weight, or None where there is none, in order; or what `backward` gives.
            trainable_variables: the weights; by default those that the optimizer was built with.

        Raises:
            FirstlightError: there are no gradients, or they do not fit the weights.
        """
        if trainable_variables is not None:
            self.build(trainable_variables)
        elif not self.built:
            raise FirstlightError(
                "Expected weights beside the first gradients, or build(weights) before. Received none."
            )
        variables = self._flat.weights if trainable_variables is None else list(trainable_variables)
        if isinstance(gradients, Mapping):
            gradients = [gradients.get(variable) for variable in variables]
        places = self._flat.gather(variables, gradients)
        runs = self._flat.runs(places)
        if self._is_due(runs):
            self._clip(places, runs)
            self._update(places, runs)
        if self._average is not None:
            self._follow(self._average)
        for place in places:
            variable = self._flat.weights[place]
            if variable.constraint is not None:
                variable.array[...] = variable.constraint(variable.array)
            variable.version += 1
        self._calls += 1

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> None:
        """As `apply`, of pairs of a gradient and its weight."""
        gradients, variables = zip(*grads_and_vars, strict=True)
        self.apply(gradients, variables)

    def _is_due(self, runs: Sequence[slice]) -> bool:
        """Whether this call changes weights; if gradients are accumulated, their mean is then in their place."""
        if self._total is None or not self.gradient_accumulation_steps:
            return True
        for run in runs:
            self._total[run] += self._gradient[run]
        if (self._calls + 1) % self.gradient_accumulation_steps:
            return False
        np.divide(self._total, self.gradient_accumulation_steps, out=self._gradient)
        self._total[...] = 0
        return True

    def _clip(self, places: Sequence[int], runs: Sequence[slice]) -> None:
        """Bound the gradients: one by one, as if all were one, or number by number."""
        if self.clipnorm:
            for place in places:
                shorten(self._gradient, [self._flat.slices[place]], self.clipnorm)
        if self.global_clipnorm:
            shorten(self._gradient, runs, self.global_clipnorm)
        if self.clipvalue:
            for run in runs:
                np.clip(self._gradient[run], -self.clipvalue, self.clipvalue, out=self._gradient[run])

    def _update(self, places: Sequence[int], runs: Sequence[slice]) -> None:
        rate, w = self.learning_rate, self._flat.array
        if self.weight_decay:
            for run in self._flat.runs(place for place in places if place in self._decaying):
                w[run] *= 1 - self.weight_decay * rate
        update = self.rule(rate, self.iterations + 1)
        for block in self._flat.blocks(runs):
            work = self._work[: block.stop - block.start]
            update(w[block], self._gradient[block], work, *[state[block] for state in self._states.values()])

    def _follow(self, average: np.ndarray) -> None:
        """The moving average of the weights; at first, the weights."""
        momentum = self.ema_momentum if self.iterations else 0.0
        for block in self._flat.blocks([slice(0, average.size)]):
            move(average[block], self._flat.array[block], 1 - momentum, self._work[: block.stop - block.start])
        if self.ema_overwrite_frequency and (self.iterations + 1) % self.ema_overwrite_frequency == 0:
            self._flat.array[...] = average

    # -- settings and memory -------------------------------------------------------------------------------------
    @property
    def iterations(self) -> int:
        """How many steps were taken."""
        return self._calls // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self) -> float:
        """The rate of the next call; to be set to a number, unless it follows a schedule."""
        if isinstance(self._rate, schedules.LearningRateSchedule):
            return self._rate(self._calls)
        return float(self._rate() if callable(self._rate) else self._rate)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(self._rate, schedules.LearningRateSchedule) and not callable(value):
            raise FirstlightError(
                f"Expected a schedule, as {self.name} was made with one. Received {value!r}. Make the optimizer with a "
                "number if you want to set it."
            )
        self._rate = _rate(value)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Weights that shall not shrink: these, and those in whose names one of these words is found."""
        if self.built:
            raise FirstlightError("Expected this before the optimizer is built. Received it after. Call it earlier.")
        self._undecayed = (list(var_list or ()), "|".join(var_names or ()))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Put the moving averages in the place of these weights, if averages are kept."""
        if self._average is None:
            return
        averages = self._flat.split(self._average)
        for variable in var_list:
            variable.assign(averages[self._flat.places[variable]])

    @property
    def variables(self) -> list[State]:
        """All that is remembered, in the order in which Keras writes it to a file. `set_weights` reads it back."""
        found = [State("iteration", np.array(self._calls, np.int64))]
        if not callable(self._rate):
            found.append(State("learning_rate", np.array(self._rate, np.float32)))
        if not self.built:
            return found
        groups = [{"average": self._average}, {"gradient_accumulator": self._total}]
        groups += [{name: self._states[name] for name in group} for group in self.state_groups()]
        for group in groups:
            parts = {name: self._flat.split(array) for name, array in group.items() if array is not None}
            for place, weight in enumerate(self._flat.weights):
                found += [State(f"{weight.name}_{name}", views[place]) for name, views in parts.items()]
        return found + self._scalars

    def set_weights(self, values: Sequence[Any]) -> None:
        """Put arrays, in the order of `variables`, in the place of what is remembered. Build the optimizer before."""
        states = self.variables
        shapes = [[np.shape(value) for value in values], [state.array.shape for state in states]]
        if shapes[0] != shapes[1]:
            raise FirstlightError(
                f"Expected {len(states)} arrays for {self.name}, of shapes {shapes[1]}. Received {len(values)}, of "
                f"shapes {shapes[0]}. Build the optimizer with the weights that it had."
            )
        for state, value in zip(states, values, strict=True):
            state.array[...] = value
        self._calls = int(states[0].array)
        if not callable(self._rate):
            self._rate = float(states[1].array)

    @classmethod
    def _names(cls) -> list[str]:
        """The arguments of the constructor."""
        names = {**signature(cls).parameters, **signature(Optimizer).parameters}
        return [name for name in names if name not in ("options", "unknown")]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, a schedule as Keras describes it."""
        rate: Any = self._rate
        if isinstance(rate, schedules.LearningRateSchedule):
            kind = {"module": "keras.optimizers.schedules", "class_name": type(rate).__name__}
            rate = {**kind, "config": rate.get_config(), "registered_name": None}
        elif callable(rate):
            raise FirstlightError(f"Expected a number or a schedule, to write it down. Received the function {rate!r}.")
        return {name: rate if name == "learning_rate" else getattr(self, name) for name in self._names()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An optimizer made from what `get_config` gives, without memory of the other."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, {self.iterations} steps>"


def _rate(value: Any) -> Any:
    """A learning rate as a float, or what gives one."""
    if not callable(value) and (isinstance(value, str | bool | None) or not np.ndim(value) == 0):
        raise FirstlightError(f"Expected a number, a schedule or a function as learning rate. Received {value!r}.")
    return value if callable(value) else float(value)

"""Formula: what a layer computed, written as one would write it down, from the operations that were recorded.

`relu(x @ kernel + bias)`: operators are infix, weights stand under their names, and a value that has a name (a gate of
an LSTM) or is used twice has a line of its own.
"""

from typing import Any

import numpy as np

from firstlight.engine.structure import leaves
from firstlight.engine.tensor import Tensor, value_of

__all__ = ["formula"]

# How tightly an operator binds. What is not here is written as a function.
_INFIX = {"add": ("+", 1), "subtract": ("-", 1), "multiply": ("*", 2), "divide": ("/", 2), "matmul": ("@", 2)}
_TIGHT = 9
_LONG, _SHORT = 64, 8  # characters; a longer part has a line of its own, a shorter one never
_SAME = {"cast", "broadcast_to"}  # change no number
_WITH_BIAS = {"conv", "conv_transpose"}  # take a bias as the third input


def formula(step: Any) -> list[str]:
    """The lines of a formula for a step of a trace, `name = expression` each, in the order of computing.

    Of a loop, the last turn is told; `h_before` is what `h` was in the turn before.
    """
    writer = _Writer(step)
    outputs = list(leaves(step.result))
    for number, x in enumerate(outputs, 1):
        writer.conclude("y" if len(outputs) == 1 else f"y{number}", x)
    return [line for _, line in sorted(writer.lines, key=lambda pair: pair[0])]


class _Writer:
    """Writes expressions, and collects the lines that they need before them, each with its place in time."""

    def __init__(self, step: Any):
        self.lines: list[tuple[int, str]] = []
        self.defined: set[str] = set()
        self.letters: dict[int, str] = {}
        self.makers: dict[int, tuple[int, Any]] = {}  # by identity of a value: the part that gave it, and which
        self.latest: dict[str, Any] = {}  # the last value of each name
        self.uses: dict[int, int] = {}
        for place, part in enumerate(step.parts):
            for x in leaves(part.result):
                self.makers.setdefault(id(x), (place, part))
                if _name(x):
                    self.latest[_name(x)] = x
            for x in leaves(_arguments(part)):
                self.uses[id(x)] = self.uses.get(id(x), 0) + 1
        self.given = step.given
        self.weights = step.weight_names()
        self.names = {id(x): name for name, x in reversed(step.given.items())}
        self.names |= {id(weight): name for weight, name in self.weights}

    def conclude(self, title: str, x: Any) -> None:
        """The line of an output; none where a value with a name is the output, which has its own."""
        if id(x) in self.makers and id(x) not in self.names:
            if _name(x):
                self._named(x)
                return
            place, (text, _) = self.makers[id(x)][0], self._made(x)
            self.lines.append((place, f"{title} = {text}"))
        else:
            self.lines.append((len(self.makers), f"{title} = {self._expression(x)[0]}"))

    def _expression(self, x: Any) -> tuple[str, int]:
        """Text, and how tightly its outermost operator binds."""
        if id(x) in self.names:
            return self.names[id(x)], _TIGHT
        if id(x) not in self.makers:
            return self._constant(x), _TIGHT
        if _name(x):
            return self._named(x), _TIGHT
        if id(x) in self.letters:
            return self.letters[id(x)], _TIGHT
        text, binds = self._made(x)
        if len(text) > _LONG or (self.uses.get(id(x), 0) > 1 and len(text) > _SHORT):
            letter = self.letters[id(x)] = f"t{len(self.letters) + 1}"
            self.lines.append((self.makers[id(x)][0], f"{letter} = {text}"))
            return letter, _TIGHT
        return text, binds

    def _named(self, x: Any) -> str:
        """The name of a value, after its last one has a line."""
        name, last = _name(x), self.latest[_name(x)]
        if name not in self.defined:
            self.defined.add(name)  # before its expression, where the value of the turn before may stand
            self.lines.append((self.makers[id(last)][0], f"{name} = {self._made(last)[0]}"))
        return name if x is last else f"{name}_before"

    def _made(self, x: Any) -> tuple[str, int]:
        part = self.makers[id(x)][1]
        arguments = _arguments(part)
        if hasattr(part, "given"):
            return f"{part.layer.name}({', '.join(self._expression(each)[0] for each in arguments)})", _TIGHT
        if part.name in _SAME:
            return self._expression(arguments[0])
        if part.name == "getitem":
            return f"{self._bound(arguments[0], _TIGHT)}[{_index(arguments[1])}]", _TIGHT
        if part.name == "negative":
            return f"-{self._bound(arguments[0], 2)}", 2
        if part.name in ("power", "square"):
            exponent = self._constant(arguments[1]) if part.name == "power" else "2"
            return f"{self._bound(arguments[0], _TIGHT)}^{exponent}", 3
        if part.name in _INFIX:
            sign, binds = _INFIX[part.name]
            return (
                f"{self._bound(arguments[0], binds)} {sign} {self._bound(arguments[1], binds + (sign != '+'))}",
                binds,
            )
        if part.name in _WITH_BIAS and arguments[2] is not None:
            return f"{self._function(part.name, arguments[:2])} + {self._bound(arguments[2], 2)}", 1
        settings = [part.settings["condition"]] if part.name == "where" else []
        return self._function(part.name, [*settings, *arguments]), _TIGHT

    def _function(self, name: str, arguments: Any) -> str:
        shown = [self._expression(x)[0] for x in arguments if x is not None and not isinstance(x, str)]
        names = {each.removesuffix("_before") for each in shown}
        if len(shown) > 2 and len(names) == 1 and names <= self.defined:
            shown = [f"{names.pop()} of each step"]
        return f"{name}({', '.join(shown)})"

    def _bound(self, x: Any, least: int) -> str:
        """In brackets where it binds less tightly than it must."""
        text, binds = self._expression(x)
        return text if binds >= least else f"({text})"

    def _constant(self, x: Any) -> str:
        """A number as it is; an array by its name, if it is an input or a weight, else by its shape."""
        x = value_of(x)
        if isinstance(x, list | tuple) and all(isinstance(each, int | np.integer) for each in x):
            return f"({', '.join(map(str, x))})"
        if not isinstance(x, np.ndarray | np.generic | int | float) or isinstance(x, bool):
            return str(x)
        array = np.asarray(x)
        if array.dtype.kind == "b":
            return "mask"
        if array.size == 1:
            return f"{array.item():.4g}"
        for weight, name in self.weights:
            if weight.array is array or weight.array is array.base:
                return name
        for name, each in self.given.items():
            if np.shape(each) == array.shape and np.array_equal(value_of(each), array):
                return name
        return f"numbers{array.shape}".replace(",)", ")")


def _name(x: Any) -> str:
    """A name that was given to what was computed."""
    return x.name if isinstance(x, Tensor) and x.origin else ""


def _arguments(part: Any) -> tuple[Any, ...]:
    """What an operation or an inner step took."""
    return tuple(part.given.values()) if hasattr(part, "given") else part.arguments


def _index(index: Any) -> str:
    if isinstance(index, tuple):
        return ", ".join(map(_index, index))
    if isinstance(index, slice):
        ends = ["" if each is None else str(each) for each in (index.start, index.stop)]
        return ":".join(ends if index.step is None else [*ends, str(index.step)])
    if index is Ellipsis:
        return "..."
    return str(index) if np.ndim(index) == 0 else "places"

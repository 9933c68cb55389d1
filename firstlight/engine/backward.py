"""Backward: the way back through the memory of tensors, from a loss to all that it was computed from.

It visits every operation once, the latest first, and sums what comes back to each tensor from all its uses.
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from math import prod
from typing import Any

import numpy as np

from firstlight.engine.tensor import Mode, Tensor, check_numbers, place_text, value_of
from firstlight.errors import FirstlightError

__all__ = ["Gradients", "Part", "backward"]


class Part:
    """The gradient of an input of which an operation took only `input[index]`: zero everywhere else."""

    def __init__(self, index: Any, gradient: np.ndarray):
        self.index, self.gradient = index, gradient

    def add_to(self, total: np.ndarray) -> None:
        """Add it where it belongs. An index may name the same place several times."""
        index = self.index
        if isinstance(index, np.ndarray) and index.dtype.kind in "iu":
            # Rows of a table: sort them, so that equal ones stand together and are summed at once.
            flat = index.reshape(-1) % len(total)
            rows = self.gradient.reshape(len(flat), *total.shape[1:])
            order = np.argsort(flat, kind="stable")
            starts = np.flatnonzero(np.diff(flat[order], prepend=-1))
            if len(starts):
                total[flat[order][starts]] += np.add.reduceat(rows[order], starts)
        elif any(isinstance(i, np.ndarray | list) for i in (index if isinstance(index, tuple) else (index,))):
            np.add.at(total, index, self.gradient)
        else:
            total[index] += self.gradient


class Gradients(Mapping[Tensor, np.ndarray]):
    """Of a loss, by tensor: `gradients[kernel]` is an array of the kernel's shape and dtype."""

    def __init__(self, found: dict[Tensor, np.ndarray]):
        self._found = found

    def __getitem__(self, tensor: Tensor) -> np.ndarray:
        if tensor not in self._found:
            what = "an intermediate tensor" if getattr(tensor, "origin", "") else "a leaf that the loss does not use"
            raise FirstlightError(
                f"Expected a tensor with a gradient. Received {what}, {tensor!r}. "
                "Ask for intermediate ones: backward(loss, wanted=[tensor])."
            )
        return self._found[tensor]

    def __contains__(self, tensor: object) -> bool:
        return tensor in self._found

    def get(self, tensor: Tensor, default: Any = None) -> Any:
        """The gradient, or `default` where the loss does not depend on the tensor."""
        return self._found.get(tensor, default)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def backward(loss: Tensor, *, gradient: Any = None, wanted: Sequence[Tensor] = (), keep: bool = False) -> Gradients:
    """Gradients of a loss with respect to all leaves that it was computed from (reverse-mode differentiation).

    Every operation is visited once, after all that used its result, so that its gradient is complete. Its memory is
    freed at once, unless `keep`.

    Args:
        loss: a tensor with one number; with `gradient`, of the shape of the loss, any tensor.
        gradient: what to start with in place of 1.
        wanted: intermediate tensors whose gradients are wanted too.
        keep: keep the graph for another walk.

    Raises:
        FirstlightError: the loss has no memory or several numbers; a value was changed since it was used.
    """
    start = _start(loss, gradient)
    kept = {tensor for tensor in wanted if tensor.origin}
    found: dict[Tensor, np.ndarray] = {loss: start}
    own: set[Tensor] = set()  # whose gradient nobody else holds, so that it may be added to in place
    waiting, seen = [(-loss.number, loss)], {loss}
    while waiting:
        _, tensor = heappop(waiting)
        if not tensor.origin:
            continue
        g = found[tensor] if tensor in kept else found.pop(tensor)
        for parent, contribution in _pulled(tensor, g):
            if Mode.checks and not isinstance(contribution, Part):
                check_numbers(contribution, f"the gradient through {tensor.origin} has", tensor.place)
            _add(found, own, parent, contribution)
            if parent not in seen:
                seen.add(parent)
                heappush(waiting, (-parent.number, parent))
        if not keep:
            tensor.parents, tensor.pulls = (), None
    return Gradients(found)


def _start(loss: Any, gradient: Any) -> np.ndarray:
    if not isinstance(loss, Tensor):
        raise FirstlightError(
            f"Expected a tensor as the loss. Received a {type(loss).__name__}, which remembers no operations: it was "
            "computed from arrays alone or within no_gradients(). Gradients are arrays too: there are no derivatives "
            "of derivatives here."
        )
    if gradient is None and loss.size != 1:
        raise FirstlightError(
            f"Expected a loss of one number. Received shape {loss.shape}. Take its sum or mean, or pass gradient=..."
        )
    start = np.asarray(1 if gradient is None else value_of(gradient), loss.dtype)
    return start if start.shape == loss.shape else np.broadcast_to(start, loss.shape)


def _pulled(tensor: Tensor, g: np.ndarray) -> Iterator[tuple[Tensor, Any]]:
    """The parents of a tensor, each with what a gradient `g` of the tensor contributes to its own."""
    if tensor.pulls is None:
        raise FirstlightError(
            f"Expected a graph that backward has not been through. Received one whose {tensor.origin} of "
            f"{place_text(tensor.place)} has been freed. Compute it again, or pass keep=True the first time."
        )
    for parent in tensor.parents:
        if parent is not None and parent[0].version != parent[1]:
            raise FirstlightError(
                f"Expected {parent[0].name or 'a tensor'} as it was when {tensor.origin} used it at "
                f"{place_text(tensor.place)}. Received one that was assigned since. Call backward before you assign."
            )
    if len(tensor.pulls) == len(tensor.parents):
        for parent, pull in zip(tensor.parents, tensor.pulls, strict=True):
            if parent is not None:
                yield parent[0], pull(g)
    else:
        for parent, contribution in zip(tensor.parents, tensor.pulls[0](g), strict=True):
            if parent is not None:
                yield parent[0], contribution


def _add(found: dict[Tensor, np.ndarray], own: set[Tensor], tensor: Tensor, contribution: Any) -> None:
    """A tensor that was used several times has the sum of what comes back from each use."""
    if isinstance(contribution, Part):
        if tensor not in own:
            found[tensor] = np.array(found[tensor]) if tensor in found else np.zeros_like(tensor.array)
            own.add(tensor)
        contribution.add_to(found[tensor])
        return
    array = tensor.array
    if contribution.shape != array.shape:
        contribution = _unbroadcast(contribution, array.shape)
    if contribution.dtype != array.dtype:
        contribution = contribution.astype(array.dtype)
    if tensor not in found:
        found[tensor] = contribution
    elif tensor in own:
        found[tensor] += contribution
    else:
        found[tensor] = found[tensor] + contribution
        own.add(tensor)


def _unbroadcast(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Where a value was stretched to fit the others, its gradient is the sum over the copies."""
    before = g.ndim - len(shape)
    if g.shape[before:] == shape:  # as a product with a row of ones, which is the fastest sum over rows
        rows = g.reshape(prod(g.shape[:before]), prod(shape))
        return (np.ones(len(rows), g.dtype) @ rows).reshape(shape)
    g = g.sum(axis=tuple(range(before)))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1), keepdims=True)

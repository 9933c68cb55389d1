"""Trace: what happens while a network computes, one record for each call of a layer and each operation in it.

`trace(model, inputs)` runs the network once forth and once back and keeps everything: what went in and came out, the
formula, the weights, how a gradient flows back, and how long each step took.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from firstlight.engine.backward import backward
from firstlight.engine.batches import Batch
from firstlight.engine.files import write_text
from firstlight.engine.recorder import Recorder, all_learning, as_tensors
from firstlight.engine.records import Step, record, shape_text, size_of, summary_of
from firstlight.engine.structure import leaves, map_structure
from firstlight.engine.tensor import Tensor, value_of, watched_by
from firstlight.errors import FirstlightError, nearest

__all__ = ["Trace", "saliency", "trace"]


class Trace(Sequence[Step]):
    """The steps of a network in the order of their calls; `trace["conv2d"]` and `trace[0]` find one.

    Args:
        root: the call of the whole network.
        leaves_in: the tensors that went in.
        loss: of the targets, if there were any.
    """

    def __init__(self, root: Step, leaves_in: list[Any], loss: Tensor | None):
        self.root, self.leaves_in, self.loss = root, leaves_in, loss
        self.steps = list(root.all_steps()) or [root]
        self.differentiated = "nothing"  # what the gradients of the steps are those of, in words
        self._names = {step.name: step for step in self.steps}

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.steps[key]
        if key not in self._names:
            names = list(self._names)
            raise FirstlightError(
                f"Expected the name of a step: {', '.join(names[:20])}{', ...' * (len(names) > 20)}. "
                f"Received {key!r}.{nearest(key, names)}"
            )
        return self._names[key]

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def outputs(self) -> Any:
        """What the network gave, as it gave it, of arrays."""
        return map_structure(lambda x: np.asarray(value_of(x)), self.root.result)

    def differentiate(self, output: Any = None) -> None:
        """Give each step the gradients of the loss, or of a number of the output; see `gradient`."""
        results = [part.result for step in [self.root, *self.root.all_steps()] for part in step.operations]
        wanted = [x for x in results if isinstance(x, Tensor)]
        if self.loss is not None and output is None:
            gradients = backward(self.loss, wanted=wanted, keep=True)
            self.differentiated = f"the loss, {float(self.loss):.4g}"
        elif output is None and not isinstance(next(leaves(self.root.result)), Tensor):
            self.differentiated = "nothing: no floats lead to the output"
            return
        else:
            tensor, start, self.differentiated = _chosen(self, output)
            gradients = backward(tensor, gradient=start, wanted=wanted, keep=True)
        for step in [self.root, *self.steps]:
            step.gradients = gradients

    def gradient(self, output: Any = None, to: str | None = None) -> Any:
        """How one number would change with the inputs, or with the output of any step: a gradient of its shape.

        Args:
            output: index of the number among the outputs: (0, 7) is class 7 of the first example. A name
                before it tells which output, or which step: ("conv2d", 0, 3, 3, 5). An index that leaves axes out
                takes the sum. By default the largest number of the first example.
            to: name of a step; by default the input, or the list of inputs.

        Raises:
            FirstlightError: no gradient leads from one to the other.
        """
        tensor, start, told = _chosen(self, output)
        targets = [x for x in self.leaves_in if isinstance(x, Tensor)]
        if to is not None:
            targets = [x for x in leaves(self[to].result) if isinstance(x, Tensor)][:1]
        found = backward(tensor, gradient=start, wanted=targets, keep=True)
        gradients = [found.get(target) for target in targets]
        if not targets or all(each is None for each in gradients):
            raise FirstlightError(
                f"Expected a way from {told} back to {to or 'the inputs'}. Received none: whole numbers went in, or it "
                "does not depend on it. Name a later step: gradient(to='embedding')."
            )
        filled = [np.zeros(t.shape, t.dtype) if g is None else g for t, g in zip(targets, gradients, strict=True)]
        return filled[0] if len(filled) == 1 else filled

    # -- telling -------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        rows = [("step", "shapes", "formula", "weights", "ms", "output", "gradient")]
        for step in self.steps:
            lines = step.formula
            shown = lines[-1] if lines else ""
            rows.append(
                (
                    "  " * (step.depth - 1) + step.name.rpartition("/")[2],
                    f"{', '.join(map(shape_text, step.inputs.values()))} -> {', '.join(map(shape_text, step.outputs))}",
                    shown if len(shown) <= 60 else shown[:59] + "…",
                    f"{sum(w.size for w in step.weights.values()):,}" if step.weights else "",
                    f"{1000 * step.seconds:.2f}",
                    f"{size_of(step.output):.3g}",
                    "" if step.gradient is None else f"{size_of(step.gradient):.3g}",
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        right = {"weights", "ms", "output", "gradient"}
        table = [
            "  ".join(
                cell.rjust(width) if title in right else cell.ljust(width)
                for cell, width, title in zip(row, widths, rows[0], strict=True)
            ).rstrip()
            for row in rows
        ]
        foot = f"output and gradient: root of the mean square. Gradients are those of {self.differentiated}."
        return "\n".join([table[0], "-" * len(table[0]), *table[1:], "", foot])

    def to_dict(self) -> dict[str, Any]:
        """All records, of plain types, as `to_json` writes them."""
        return {
            "model": self.root.layer.name,
            "class": type(self.root.layer).__name__,
            "gradients_of": self.differentiated,
            "loss": None if self.loss is None else float(self.loss),
            "seconds": self.root.seconds,
            "inputs": {name: summary_of(x) for name, x in self.root.inputs.items()},
            "outputs": [summary_of(x) for x in self.root.outputs],
            "steps": [record(step) for step in self.steps],
        }

    def to_json(self, path: Any = None) -> str:
        """All records as JSON; with a path, written there too."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        if path is not None:
            write_text(path, text)
        return text

    def to_html(self, path: Any, title: str | None = None) -> None:
        """Write one page that needs nothing else: the graph, each step's numbers, and pictures of them."""
        from firstlight.engine.trace_page import Chapter, page

        write_text(path, page(title or f"{self.root.layer.name}, step by step", [Chapter("", self)]))


# -- recording ---------------------------------------------------------------------------------------------------


def trace(
    model: Any,
    inputs: Any,
    targets: Any = None,
    *,
    output: Any = None,
    training: bool = False,
    gradients: bool = True,
    **arguments: Any,
) -> Trace:
    """Run a network once forth and once back and keep every step.

    Args:
        model: a model or a layer.
        inputs: what it takes: an array with the batch, or a list or dict of them.
        targets: of a compiled model; then the gradients are those of its loss.
        output: else, the number of the output that gradients are taken of; see `Trace.gradient`.
        training: run it as in training.
        gradients: False leaves the way back out.
        arguments: what else the call of a layer takes, such as `value` or `initial_state`.

    Raises:
        FirstlightError: targets for a model without a loss; inputs that do not fit.
    """
    inputs = as_tensors(model, inputs)
    recorder = Recorder()
    with all_learning(model), watched_by(recorder):
        result = model(inputs, training=training, **arguments)
        root = recorder.root
        loss = None
        if targets is not None:
            model._require_compiled()
            recorder.open = []
            loss = model.compute_loss(Batch(inputs, targets, None), result)
    found = Trace(root, list(leaves(inputs)), loss)
    if gradients:
        found.differentiate(output)
    return found


def saliency(model: Any, inputs: Any, output: Any = None) -> np.ndarray:
    """Which places of an input matter for a number of the output (Simonyan et al. 2014): |gradient|, the largest of
    all channels: (batch, height, width, channels) -> (batch, height, width).

    Args:
        output: index of the number; by default the largest of the first example. See `Trace.gradient`.
    """
    gradient = trace(model, inputs, gradients=False).gradient(output)
    return np.abs(gradient).max(-1)


def _chosen(found: Trace, output: Any) -> tuple[Tensor, np.ndarray, str]:
    """A tensor, what a gradient of one of its numbers begins with, and that number in words."""
    place = output if isinstance(output, tuple) else () if output is None else (output,)
    result, name = found.root.result, "output"
    if place and isinstance(place[0], str):
        name, place = place[0], place[1:]
        result = result[name] if isinstance(result, dict) and name in result else found[name].result
    tensor = next(leaves(result))
    if not isinstance(tensor, Tensor):
        raise FirstlightError(f"Expected a tensor with a gradient as {name}. Received constants: {tensor!r:.60}.")
    if not place and tensor.ndim:
        place = (0, *(int(i) for i in np.unravel_index(np.argmax(tensor.array[0]), tensor.shape[1:])))
    start = np.zeros(tensor.shape, tensor.dtype)
    try:
        start[place] = 1
    except IndexError as error:
        raise FirstlightError(f"Expected an index of {name}, of shape {tensor.shape}. Received {place}.") from error
    return tensor, start, f"{name}[{', '.join(map(str, place))}] = {float(np.sum(tensor.array[place])):.4g}"

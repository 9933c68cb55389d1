"""Words a second that the captioner's decoder learns: the trainer here and eager PyTorch, the same network.

    python benchmarks/training.py [--cell gru lstm] [--rounds 7] [--steps 4] [--threads N] [--torch-python PATH]

One run: batches of 128 captions of 12 words with features 7x7x1280, dropout, label smoothing, clipping and AdamW on
both sides, in rounds that take turns. First, both must find the same loss for the same weights. PyTorch (pip install
torch==2.13.0) works in a process of its own; `--torch-python` names another interpreter for it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from decoding import save, set_threads
from support.worker import Worker

BATCH, WORDS, VOCABULARY, GRID = 128, 12, 2540, (7, 7, 1280)
DROPOUT, SMOOTHING, RATE = 0.3, 0.1, 1e-3
PRECISIONS = ("float32", "bfloat16")

Step = Callable[[], float]
"""One step of training on the batch; returns the loss."""


def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features as they come from disk, the words that are read, and those to be found."""
    random = np.random.default_rng(0)
    grids = np.maximum(random.normal(0, 1, (BATCH, *GRID)), 0).astype("float16")
    captions = random.integers(4, VOCABULARY, (BATCH, WORDS + 1)).astype("int32")
    return grids, captions[:, :-1], captions[:, 1:]


def words_a_second(step: Step, steps: int) -> float:
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    return steps * BATCH * WORDS / (time.perf_counter() - begun)


# -- firstlight --------------------------------------------------------------------------------------------------


def firstlight_step(cell: str, precision: str, weights: list[np.ndarray] | None) -> tuple[Step, Any]:
    """A step as `captioner_training.Training` takes it, and the trainer."""
    import keras

    from firstlight.systems.backend import trains_under_xla
    from firstlight.systems.captioner_networks import CaptionTrainer, Design, build_bridge, build_decoder

    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    design = Design(GRID, VOCABULARY, cell=cell, dropout=DROPOUT, precision=policy)
    trainer = CaptionTrainer(build_bridge(design), build_decoder(design), label_smoothing=SMOOTHING)
    if weights:
        trainer.set_weights(weights)
    optimizer = keras.optimizers.AdamW(RATE, weight_decay=0.0, beta_2=0.99, global_clipnorm=1.0)
    trainer.compile(optimizer=optimizer, jit_compile=trains_under_xla())
    grids, words, targets = batch()

    def step() -> float:
        trainer.reset_metrics()
        return float(trainer.train_on_batch({"grid": grids, "words": words}, targets, return_dict=True)["loss"])

    return step, trainer


# -- PyTorch -----------------------------------------------------------------------------------------------------


def torch_steps(folder: Path, cell: str, threads: int) -> tuple[dict[str, Step], float]:
    """A step in each precision, and the loss of the given weights without dropout."""
    import torch
    from support.torch_captioner import Captioner
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    grids, words, targets = (torch.from_numpy(array) for array in batch())
    words, targets = words.long(), targets.long()

    def loss_of(network: nn.Module, precision: str) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = network.read(grids.float(), words)
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), label_smoothing=SMOOTHING)

    def make(precision: str) -> Step:
        network = Captioner(folder, cell, DROPOUT).train()
        optimizer = torch.optim.AdamW(network.parameters(), RATE, (0.9, 0.99), weight_decay=0.0)

        def step() -> float:
            optimizer.zero_grad()
            loss = loss_of(network, precision)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            return float(loss.detach())

        return step

    with torch.no_grad():
        loss = float(loss_of(Captioner(folder, cell).eval(), "float32"))
    return {precision: make(precision) for precision in PRECISIONS}, loss


def work(folder: Path, cell: str, threads: int) -> None:
    """The process with PyTorch: answers one line of JSON for each line of standard input."""
    try:
        steps, loss = torch_steps(folder, cell, threads)
    except ImportError as error:
        print(json.dumps(f"{error}; pip install torch==2.13.0, or name another interpreter: --torch-python PATH"))
        return
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        task, *details = json.loads(line)
        answer = loss if task == "loss" else words_a_second(steps[details[0]], details[1])
        print(json.dumps(answer), flush=True)


# -- the run -----------------------------------------------------------------------------------------------------


def measure(cell: str, options: Any) -> None:
    """Print the table of one cell."""
    import keras

    keras.utils.set_random_seed(0)
    first, trainer = firstlight_step(cell, "float32", None)
    grids, words, targets = batch()
    loss = float(trainer.test_on_batch({"grid": grids, "words": words}, targets, return_dict=True)["loss"])
    second, _ = firstlight_step(cell, "bfloat16", trainer.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), grids[:1], (trainer.front, trainer.decoder))
        command = [options.torch_python, __file__, "--work", folder, "--cell", cell, "--threads", str(options.threads)]
        worker = Worker(command)
        try:
            with_torch = worker.state == "ready"
            if not with_torch:
                print(f"Without PyTorch: {worker.state}\n")
            elif not np.isclose(worker.ask("loss"), loss, rtol=1e-3):
                raise SystemExit(f"The losses differ: {loss} here, {worker.ask('loss')} in PyTorch.")
            sides: dict[str, Callable[[], float]] = {
                "firstlight float32": lambda: words_a_second(first, options.steps),
                "firstlight bfloat16": lambda: words_a_second(second, options.steps),
            }
            for precision in PRECISIONS if with_torch else ():
                sides[f"PyTorch {precision}"] = lambda name=precision: worker.ask("time", name, options.steps)
            for side in sides.values():
                side()  # the first round compiles
            speeds: dict[str, list[float]] = {name: [] for name in sides}
            for _ in range(options.rounds):
                for name, side in sides.items():
                    speeds[name].append(side())
        finally:
            worker.close()
    print(f"{cell} 512, {options.threads} threads; words/s, medians of {options.rounds} rounds\n")
    unit = statistics.median(speeds.get("PyTorch float32", [float("nan")]))
    print(f"{'':22}{'words/s':>10}{'to PyTorch float32':>21}")
    for name, taken in speeds.items():
        print(f"{name:22}{statistics.median(taken):10,.0f}{statistics.median(taken) / unit:21.2f}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", nargs="+", choices=["gru", "lstm"], default=["gru", "lstm"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=4, help="batches in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every side; by default all cores")
    parser.add_argument("--torch-python", default=sys.executable, help="the interpreter with PyTorch")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.cell[0], options.threads)
        return
    set_threads(options.threads)
    for cell in options.cell:
        measure(cell, options)


if __name__ == "__main__":
    main()

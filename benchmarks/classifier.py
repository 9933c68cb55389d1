"""Images a second that a small convolutional network learns: the classifier here, Keras as it comes, and PyTorch.

    python benchmarks/classifier.py [--rounds 9] [--steps 6] [--width 32] [--threads N] [--torch-python PATH]

One run: batches of 128 images of 32x32 in colour, the same network, the same first weights and AdamW on all sides, in
rounds that take turns. First, all must find the same losses. `Keras` is `compile` with its defaults on stock layers.
PyTorch (pip install torch==2.13.0) works in a process of its own: eager float32 as a tutorial writes it, and channels
last in bfloat16; `--torch-python` names another interpreter for it.
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
from decoding import set_threads
from support.worker import Worker

BATCH, CLASSES, SHAPE = 128, 10, (32, 32, 3)
RATE, DECAY = 1e-3, 0.01
TORCH = ("PyTorch float32", "PyTorch channels last bfloat16")

Step = Callable[[], float]
"""One step of training on the batch; returns the loss."""


def batch() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 256, (BATCH, *SHAPE)).astype("float32"), random.integers(0, CLASSES, BATCH)


def images_a_second(step: Step, steps: int) -> float:
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    return steps * BATCH / (time.perf_counter() - begun)


# -- Keras -------------------------------------------------------------------------------------------------------


def keras_step(width: int, precision: str, ours: bool, weights: list[np.ndarray] | None) -> tuple[Step, Any]:
    """A step as `classifier_training.Training` takes it, or as Keras does by default; and the network."""
    import keras

    from firstlight.systems.backend import trains_under_xla
    from firstlight.systems.classifier_networks import NetworkPlan, build_network
    from firstlight.systems.classifier_training import ClassTrainer

    images, labels = batch()
    network = build_network(NetworkPlan("cnn", SHAPE, CLASSES, width, 2, precision=precision), training=ours)
    if weights:
        network.set_weights(weights)
    optimizer = keras.optimizers.AdamW(RATE, weight_decay=DECAY)
    if not ours:
        network.compile(optimizer, "sparse_categorical_crossentropy")
        return lambda: float(network.train_on_batch(images, labels)), network
    trainer, targets = ClassTrainer(network, None), np.eye(CLASSES, dtype="float32")[labels]
    trainer.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True), jit_compile=trains_under_xla())
    return lambda: float(trainer.train_on_batch(images, targets)), network


# -- PyTorch -----------------------------------------------------------------------------------------------------


def torch_steps(path: Path, threads: int) -> dict[str, Step]:
    import torch
    from support.torch_cnn import Network
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    images, labels = (torch.from_numpy(array) for array in batch())
    images = images.permute(0, 3, 1, 2).contiguous()
    with np.load(path) as file:
        pooled = file["pooled"].tolist()
        weights = [file[f"weight_{number}"] for number in range(len(file.files) - 1)]

    def make(fast: bool) -> Step:
        network = Network(weights, pooled).train()
        given = images
        if fast:
            network, given = (
                network.to(memory_format=torch.channels_last),
                images.contiguous(memory_format=torch.channels_last),
            )
        optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)

        def step() -> float:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                loss = F.cross_entropy(network(given).float(), labels)
            loss.backward()
            optimizer.step()
            return float(loss.detach())

        return step

    return {name: make(name != TORCH[0]) for name in TORCH}


def work(path: Path, threads: int) -> None:
    """The process with PyTorch: answers one line of JSON for each line of standard input."""
    try:
        steps = torch_steps(path, threads)
    except ImportError as error:
        print(json.dumps(f"{error}; pip install torch==2.13.0, or name another interpreter: --torch-python PATH"))
        return
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        task, name, count = json.loads(line)
        step = steps[name]
        answer = [step() for _ in range(count)] if task == "loss" else images_a_second(step, count)
        print(json.dumps(answer), flush=True)


# -- the run -----------------------------------------------------------------------------------------------------


def keep(path: Path, network: Any) -> None:
    """The weights, and after which convolutions the grid is halved."""
    import keras

    following = zip(network.layers, network.layers[1:], strict=False)
    pooled = [
        isinstance(after, keras.layers.MaxPooling2D)
        for layer, after in following
        if isinstance(layer, keras.layers.Conv2D)
    ]
    weights = {f"weight_{number}": value for number, value in enumerate(network.get_weights())}
    np.savez(path, pooled=np.array(pooled), **weights)


def measure(path: Path, options: Any) -> None:
    import keras

    keras.utils.set_random_seed(0)
    first, network = keras_step(options.width, "float32", False, None)
    weights = network.get_weights()
    keep(path, network)
    ours = {
        f"firstlight {precision}": keras_step(options.width, precision, True, weights)[0]
        for precision in ("float32", "mixed_bfloat16")
    }
    steps: dict[str, Step] = {"Keras's defaults": first, **ours}
    losses = {name: [step() for _ in range(3)] for name, step in steps.items()}
    command = [options.torch_python, __file__, "--work", str(path), "--threads", str(options.threads)]
    worker = Worker(command)
    try:
        sides = {name: lambda step=step: images_a_second(step, options.steps) for name, step in steps.items()}
        if worker.state == "ready":
            for name in TORCH:
                losses[name] = worker.ask("loss", name, 3)
                sides[name] = lambda name=name: worker.ask("time", name, options.steps)
        else:
            print(f"Without PyTorch: {worker.state}\n")
        reference = losses["Keras's defaults"]
        for name, found in losses.items():
            if not np.allclose(found, reference, rtol=2e-2):
                raise SystemExit(f"The losses differ: {reference} of Keras, {found} of {name}.")
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(options.rounds + 1):
            for name, side in sides.items():
                speed = side()
                if number:  # the first round warms up
                    speeds[name].append(speed)
    finally:
        worker.close()
    tell(speeds, options)


def tell(speeds: dict[str, list[float]], options: Any) -> None:
    medians = {name: statistics.median(taken) for name, taken in speeds.items()}
    ours = medians["firstlight mixed_bfloat16"]
    print(f"cnn of width {options.width}, {options.threads} threads; images/s, medians of {options.rounds} rounds\n")
    print(f"{'':34}{'images/s':>10}{'firstlight bfloat16 to it':>28}")
    for name, speed in medians.items():
        print(f"{name:34}{speed:10,.0f}{ours / speed:28.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=6, help="batches in a round")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every side; by default all cores")
    parser.add_argument("--torch-python", default=sys.executable, help="the interpreter with PyTorch")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.threads)
        return
    set_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder) / "network.npz", options)


if __name__ == "__main__":
    main()

"""The engine against what a learner would use instead: PyTorch eager, Keras on TensorFlow, HIPS autograd.

    python benchmarks/engine.py [--work mlp cnn lstm captioning start] [--rounds 7] [--torch-python PATH]

Every side is a process of its own that does the same work when it is asked, in rounds that take turns; medians and
the largest memory of each process are told. For the CNN, NumPy's matrix products are told to take one thread
(OPENBLAS_NUM_THREADS=1), so that the engine works on two parts of a batch at once (`firstlight/engine/parts.py`).
PyTorch (pip install torch==2.13.0) and autograd (pip install autograd) may live in another interpreter, which
`--torch-python` names.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from support.worker import Worker

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

Step = Callable[[], object]
VOCABULARY, UNITS, WORDS = 5000, 512, 12
SIDES = {
    "mlp": ("engine", "torch", "keras", "autograd"),
    "cnn": ("engine", "keras", "torch"),
    "lstm": ("engine", "torch", "keras"),
    "captioning": ("engine", "torch", "keras"),
}
UNIT = {"mlp": (1, "steps/s"), "cnn": (64, "images/s"), "lstm": (1, "steps/s"), "captioning": (1, "captions/s")}
TITLES = {
    "mlp": "MLP 784-256-128-10, batch 128, Adam",
    "cnn": "CNN 32-32-64-64-128 with two dense layers, 32x32x3, batch 64, Adam",
    "lstm": "LSTM of 256 units over 20 steps of 256 features, batch 64, Adam",
    "captioning": f"GRU {UNITS}, vocabulary {VOCABULARY}, {WORDS} words, batch 1, greedy",
}


def data(work: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    if work == "mlp":
        return random.normal(size=(128, 784)).astype("float32"), random.integers(0, 10, 128)
    if work == "cnn":
        return random.normal(size=(64, 32, 32, 3)).astype("float32"), random.integers(0, 10, 64)
    return random.normal(size=(64, 20, 256)).astype("float32"), random.normal(size=(64, 256)).astype("float32")


# -- the engine and Keras: one script ----------------------------------------------------------------------------


def network(work: str, library: Any) -> Any:
    layers = library.layers
    if work == "mlp":
        parts = [layers.Dense(256, activation="relu"), layers.Dense(128, activation="relu")]
        parts = [library.Input((784,)), *parts, layers.Dense(10, activation="softmax")]
    elif work == "cnn":
        parts = [library.Input((32, 32, 3))]
        for filters in (32, 64):
            parts += [layers.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(2)]
            parts.append(layers.MaxPooling2D())
        parts += [layers.Conv2D(128, 3, padding="same", activation="relu"), layers.MaxPooling2D(), layers.Flatten()]
        parts += [layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")]
    else:
        parts = [library.Input((20, 256)), layers.LSTM(256)]
    model = library.Sequential(parts)
    model.compile("adam", "mse" if work == "lstm" else "sparse_categorical_crossentropy")
    return model


def learner(work: str, library: Any) -> Step:
    model = network(work, library)
    x, y = data(work)
    return lambda: model.train_on_batch(x, y)


def step_network(library: Any) -> Any:
    """One word and a state in, logits and the next state out."""
    layers = library.layers
    words, state = library.Input((1,), dtype="int32"), library.Input((UNITS,))
    vectors = layers.Embedding(VOCABULARY, 256)(words)
    read, new = layers.GRU(UNITS, return_sequences=True, return_state=True)(vectors, initial_state=state)
    return library.Model([words, state], [layers.Dense(VOCABULARY)(read), new])


def describer(library: Any) -> Step:
    model = step_network(library)
    predict = model.predict_on_batch if library.__name__ == "firstlight.engine" else None
    predict = predict or (lambda inputs: model.predict(inputs, verbose=0))

    def caption() -> list[int]:
        word, state, said = np.ones((1, 1), "int32"), np.zeros((1, UNITS), "float32"), []
        for _ in range(WORDS):
            logits, state = predict([word, state])
            word = logits[:, 0].argmax(-1)[:, None].astype("int32")
            said.append(int(word[0, 0]))
        return said

    return caption


# -- PyTorch and autograd ----------------------------------------------------------------------------------------


def torch_step(work: str) -> Step:
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)
    if work == "captioning":
        embedding, cell = nn.Embedding(VOCABULARY, 256), nn.GRUCell(256, UNITS)
        out = nn.Linear(UNITS, VOCABULARY)

        def caption() -> list[int]:
            with torch.inference_mode():
                word, state, said = torch.ones(1, dtype=torch.long), torch.zeros(1, UNITS), []
                for _ in range(WORDS):
                    state = cell(embedding(word), state)
                    word = out(state).argmax(-1)
                    said.append(int(word))
                return said

        return caption
    if work == "mlp":
        model: Any = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    elif work == "cnn":
        parts: list[Any] = []
        for before, after in ((3, 32), (32, 64)):
            parts += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1)]
            parts += [nn.ReLU(), nn.MaxPool2d(2)]
        parts += [nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        model = nn.Sequential(*parts, nn.Linear(2048, 128), nn.ReLU(), nn.Linear(128, 10))
    else:
        model = nn.LSTM(256, 256, batch_first=True)
    x, y = (torch.from_numpy(array) for array in data(work))
    x = x.permute(0, 3, 1, 2).contiguous() if work == "cnn" else x
    optimizer = torch.optim.Adam(model.parameters())

    def step() -> float:
        optimizer.zero_grad()
        loss = F.mse_loss(model(x)[0][:, -1], y) if work == "lstm" else F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def autograd_step() -> Step:
    import autograd.numpy as anp
    from autograd import grad

    random = np.random.default_rng(0)
    shapes = [(784, 256), (256,), (256, 128), (128,), (128, 10), (10,)]
    weights = [random.normal(0, 0.05, shape).astype("float32") for shape in shapes]
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
    x, y = data("mlp")
    rows = np.arange(len(y))

    def loss(weights: list[Any]) -> Any:
        a, b, c, d, e, f = weights
        logits = anp.maximum(anp.maximum(x @ a + b, 0) @ c + d, 0) @ e + f
        top = anp.max(logits, axis=1, keepdims=True)
        total = anp.log(anp.sum(anp.exp(logits - top), axis=1)) + top[:, 0]
        return anp.mean(total - logits[rows, y])

    gradient = grad(loss)
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        for number, g in enumerate(gradient(weights)):
            m, v = moments[number]
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            moments[number] = m, v
            rate = 0.001 * np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            weights[number] = weights[number] - np.float32(rate) * m / (np.sqrt(v) + 1e-7)

    return step


# -- sides as processes ------------------------------------------------------------------------------------------


def make(side: str, work: str) -> Step:
    if side == "torch":
        return torch_step(work)
    if side == "autograd":
        return autograd_step()
    if side == "engine":
        from firstlight import engine as library
    else:
        import keras as library  # type: ignore[no-redef]
    return describer(library) if work == "captioning" else learner(work, library)


def serve(side: str, work: str) -> None:
    """Answer each line `[seconds]` with steps a second and the largest memory in MB."""
    try:
        step = make(side, work)
        step()
        step()
    except ImportError as error:
        print(json.dumps(str(error)), flush=True)
        return
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        (seconds,) = json.loads(line)
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            step()
            count += 1
        rate = count / (time.perf_counter() - began)
        print(json.dumps([rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]), flush=True)


def compare(work: str, options: argparse.Namespace) -> None:
    workers = {}
    for side in SIDES[work]:
        python = options.torch_python if side in ("torch", "autograd") else sys.executable
        environment = {**os.environ, **({"OPENBLAS_NUM_THREADS": "1"} if (side, work) == ("engine", "cnn") else {})}
        worker = Worker([python, __file__, "--side", side, "--work", work], environment)
        if worker.state == "ready":
            workers[side] = worker
        else:
            print(f"Without {side}: {worker.state}")
    found: dict[str, list[Any]] = {side: [] for side in workers}
    for _ in range(options.rounds):
        for side, worker in workers.items():
            found[side].append(worker.ask(options.seconds))
    for worker in workers.values():
        worker.close()
    size, unit = UNIT[work]
    print(f"\n{TITLES[work]}; medians of {options.rounds} rounds\n{'':12}{unit:>12}{'engine to it':>14}{'MB':>8}")
    ours = statistics.median(rate for rate, _ in found["engine"])
    for side, values in found.items():
        rate = statistics.median(rate for rate, _ in values)
        print(f"{side:12}{size * rate:12.1f}{ours / rate:14.2f}{max(memory for _, memory in values):8.0f}")


def start(rounds: int) -> None:
    """Seconds from nothing to the first prediction of a small network in a file."""
    from firstlight import engine

    program = "import numpy as np\n{}\nmodel.predict(np.zeros((1, 784), 'float32'), verbose=0)"
    ways = {
        "engine": "from firstlight import engine\nmodel = engine.load({path!r})",
        "keras": "import keras\nmodel = keras.models.load_model({path!r})",
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "network.keras")
        network("mlp", engine).save(path)
        for _ in range(rounds):
            for name, text in ways.items():
                began = time.perf_counter()
                command = [sys.executable, "-c", program.format(text.format(path=path))]
                subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
                taken[name].append(time.perf_counter() - began)
    seconds = {name: statistics.median(values) for name, values in taken.items()}
    print(f"\nImport, open a network, predict once; medians of {rounds}\n")
    times = seconds["keras"] / seconds["engine"]
    print(f"engine {seconds['engine']:.2f} s, Keras {seconds['keras']:.2f} s: {times:.1f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", nargs="+", choices=[*SIDES, "start"], default=[*SIDES, "start"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each side in a round")
    parser.add_argument("--torch-python", default=sys.executable, help="the interpreter with PyTorch and autograd")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        serve(options.side, options.work[0])
        return
    for work in options.work:
        start(options.rounds) if work == "start" else compare(work, options)


if __name__ == "__main__":
    main()

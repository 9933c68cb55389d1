"""Captions a second from ready features: the compiled loop here, eager PyTorch, and a loop over Keras's `predict`.

    python benchmarks/decoding.py [--cell gru] [--rounds 7] [--images 64] [--threads N] [--torch-python PATH]

One run: every side decodes the same random features with the same weights, in rounds that take turns, and must give
the same captions. PyTorch (pip install torch==2.13.0) works in a process of its own, which is asked for one round at a
time; `--torch-python` names another interpreter for it. The table gives medians and how often faster we are.
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
from support.worker import Worker

VOCABULARY, GRID = 2540, (7, 7, 1280)
START, END = 2, 3
MAXIMUM_LENGTH = 20
WORDS = 10  # the mean length that the bias of the end word is set for
CASES = [(1, 1), (1, 32), (3, 1), (3, 32)]  # (beam width, batch size)

Side = Callable[[np.ndarray, int], list[list[int]]]
"""Describes a batch of grids with a beam of that width: the words of the best caption of each."""


def batches(grids: np.ndarray, size: int) -> list[np.ndarray]:
    return [grids[start : start + size] for start in range(0, len(grids), size)]


def cut(tokens: Any) -> list[list[int]]:
    """Words before the end of the sentence."""
    return [[int(word) for word in row if word > END] for row in tokens]


def timed(side: Side, grids: np.ndarray, width: int, size: int) -> float:
    """Captions a second."""
    begun = time.perf_counter()
    for batch in batches(grids, size):
        side(batch, width)
    return len(grids) / (time.perf_counter() - begun)


def set_threads(count: int) -> None:
    """Give TensorFlow that many threads."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(count)
    tensorflow.config.threading.set_inter_op_parallelism_threads(count)


# -- firstlight --------------------------------------------------------------------------------------------------


def build(cell: str) -> tuple[Any, Any]:
    """Bridge and decoder of real sizes, random weights that are strong enough for clear decisions."""
    import keras

    from firstlight.systems.captioner_networks import Design, build_bridge, build_decoder

    keras.utils.set_random_seed(0)
    design = Design(GRID, VOCABULARY, cell=cell, maximum_length=MAXIMUM_LENGTH)
    bridge, decoder = build_bridge(design), build_decoder(design)
    random = np.random.default_rng(0)
    vectors = random.normal(0, 0.4, (VOCABULARY, design.embedding))
    vectors[:, 0] = 0
    decoder.get_layer("embedding").set_weights([vectors])
    # One unit of the last layer is always 1: what the words' vectors hold there is added to their logits.
    wanted = decoder.get_layer("wanted")
    kernel, bias = wanted.get_weights()
    bias[0] = 50.0
    wanted.set_weights([kernel, bias])
    return bridge, decoder


def set_length(decoder: Any, side: Side, grids: np.ndarray) -> float:
    """Raise the logit of the end word until greedy captions have about `WORDS` words; returns the mean length."""
    layer = decoder.get_layer("embedding")
    vectors = layer.get_weights()[0]
    low, high, length = 0.0, 100.0, 0.0
    for _ in range(12):
        vectors[END, 0] = (low + high) / 2
        layer.set_weights([vectors])
        length = float(np.mean([len(words) for batch in batches(grids, 32) for words in side(batch, 1)]))
        low, high = (vectors[END, 0], high) if length > WORDS else (low, vectors[END, 0])
    return length


def firstlight_side(bridge: Any, decoder: Any) -> Side:
    from firstlight.systems.decoder import Decoder
    from firstlight.systems.decoding import Search

    program = Decoder(bridge, decoder)

    def side(grids: np.ndarray, width: int) -> list[list[int]]:
        search = Search(beam_width=width, maximum_length=MAXIMUM_LENGTH)
        return cut(program({"grid": grids}, search)[0][:, 0])

    return side


# -- Keras predict -----------------------------------------------------------------------------------------------


def predict_side(bridge: Any, decoder: Any) -> Side:
    """What a Keras user writes without a compiled loop: `predict` for each word, the beam in NumPy."""

    def side(grids: np.ndarray, width: int) -> list[list[int]]:
        batch, limit = len(grids), MAXIMUM_LENGTH + 1
        fixed = {
            name: np.repeat(value, width, axis=0) for name, value in bridge.predict({"grid": grids}, verbose=0).items()
        }
        names = [name for name in fixed if name != "memory"]
        tokens = np.zeros((batch, width, limit), np.int32)
        scores = np.full((batch, width), -1e9)
        scores[:, 0] = 0
        lengths = np.zeros((batch, width))
        ended = np.zeros((batch, width), bool)
        last = np.full((batch * width, 1), START)
        for position in range(limit):
            outputs = decoder.predict({**fixed, "words": last}, batch_size=batch * width, verbose=0)
            chances = outputs["logits"][:, 0].reshape(batch, width, -1)
            chances -= chances.max(axis=-1, keepdims=True)
            chances -= np.log(np.exp(chances).sum(axis=-1, keepdims=True))
            chances[..., :END] = -1e9
            if position == 0:
                chances[..., END] = -1e9
            if position == MAXIMUM_LENGTH:
                chances[..., END + 1 :] = -1e9
            chances[ended] = -1e9
            chances[ended, 0] = 0
            totals = (scores[..., None] + chances).reshape(batch, -1)
            grown = np.repeat(lengths + ~ended, VOCABULARY, axis=1)
            best = np.argsort(-totals / grown, axis=1, kind="stable")[:, :width]
            parents, words = best // VOCABULARY, best % VOCABULARY
            scores = np.take_along_axis(totals, best, axis=1)
            lengths = np.take_along_axis(lengths + ~ended, parents, axis=1)
            tokens = np.take_along_axis(tokens, parents[..., None], axis=1)
            tokens[..., position] = words
            ended = words <= END
            if ended.all():
                break
            rows = (np.arange(batch)[:, None] * width + parents).reshape(-1)
            fixed.update({name: outputs[name][rows] for name in names})
            last = words.reshape(-1, 1)
        return cut(tokens[:, 0])

    return side


# -- PyTorch -----------------------------------------------------------------------------------------------------


def torch_side(folder: Path, cell: str, threads: int) -> Side:
    """The same decoder in eager PyTorch: one cell step a word, the memory projected once, the beam in one batch."""
    import torch
    from support.torch_captioner import Captioner

    torch.set_num_threads(threads)
    network = Captioner(folder, cell).eval()

    def forbid(chances: Any, position: int) -> None:
        chances[:, :END] = -1e9
        if position == 0:
            chances[:, END] = -1e9
        if position == MAXIMUM_LENGTH:
            chances[:, END + 1 :] = -1e9

    def greedy(grids: Any) -> Any:
        memory, states = network.start(grids)
        last = torch.full((len(grids),), START)
        scores, ended = torch.zeros(len(grids)), torch.zeros(len(grids), dtype=torch.bool)
        tokens = []
        for position in range(MAXIMUM_LENGTH + 1):
            logits, states = network.step(last, memory, states)
            total = logits.logsumexp(-1)
            forbid(logits, position)
            best, last = logits.max(-1)
            scores += (best - total).masked_fill(ended, 0)
            last = last.masked_fill(ended, 0)
            tokens.append(last)
            ended |= last == END
            if ended.all():
                break
        return torch.stack(tokens, 1)

    def beam(grids: Any, width: int) -> Any:
        batch = len(grids)
        memory, states = network.start(grids)
        states = [state.repeat_interleave(width, 0) for state in states]
        last = torch.full((batch * width,), START)
        scores = torch.full((batch, width), -1e9)
        scores[:, 0] = 0
        lengths, ended = torch.zeros(batch, width), torch.zeros(batch, width, dtype=torch.bool)
        tokens = torch.zeros(batch, width, MAXIMUM_LENGTH + 1, dtype=torch.long)
        stay = torch.full((width,), -1e9)
        stay[0] = 0
        first = torch.arange(batch)[:, None] * width
        for position in range(MAXIMUM_LENGTH + 1):
            logits, states = network.step(last, memory, states)
            chances = logits.log_softmax(-1)
            forbid(chances, position)
            best, words = chances.topk(width)
            best, words = best.view(batch, width, width), words.view(batch, width, width)
            totals = scores[..., None] + torch.where(ended[..., None], stay, best)
            words = words.masked_fill(ended[..., None], 0)
            lengths = lengths + ~ended
            chosen = (totals / lengths[..., None]).flatten(1).topk(width).indices
            parents = chosen // width
            scores, last = totals.flatten(1).gather(1, chosen), words.flatten(1).gather(1, chosen)
            lengths = lengths.gather(1, parents)
            tokens = tokens.gather(1, parents[..., None].expand_as(tokens))
            tokens[..., position] = last
            ended = last <= END
            if ended.all():
                break
            rows = (first + parents).flatten()
            states = [state[rows] for state in states]
            last = last.flatten()
        return tokens[:, 0]

    def side(grids: np.ndarray, width: int) -> list[list[int]]:
        with torch.inference_mode():
            tensor = torch.from_numpy(grids)
            return cut((greedy(tensor) if width == 1 else beam(tensor, width)).tolist())

    return side


def work(folder: Path, cell: str, threads: int) -> None:
    """The process with PyTorch: answers one line of JSON for each line of standard input."""
    try:
        side = torch_side(folder, cell, threads)
    except ImportError as error:
        print(json.dumps(f"{error}; pip install torch==2.13.0, or name another interpreter: --torch-python PATH"))
        return
    grids = np.load(folder / "grids.npy")
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        task, count, width, size = json.loads(line)
        chosen = grids[:count]
        if task == "captions":
            answer: Any = [words for batch in batches(chosen, size) for words in side(batch, width)]
        else:
            answer = timed(side, chosen, width, size)
        print(json.dumps(answer), flush=True)


# -- the run -----------------------------------------------------------------------------------------------------


def save(folder: Path, grids: np.ndarray, networks: tuple[Any, ...]) -> None:
    """What the process with PyTorch reads: the grids, and each weight as layer/name."""
    np.save(folder / "grids.npy", grids)
    weights = {
        f"{layer.name}/{weight.name}": weight.numpy()
        for network in networks
        for layer in network.layers
        for weight in layer.weights
        if "seed" not in weight.name
    }
    np.savez(folder / "weights.npz", **weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", choices=["gru", "lstm"], default="gru")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=64, help="described in each round and case")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every side; by default all cores")
    parser.add_argument("--torch-python", default=sys.executable, help="the interpreter with PyTorch")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.cell, options.threads)
        return

    set_threads(options.threads)
    grids = np.maximum(np.random.default_rng(1).normal(0, 1, (options.images, *GRID)), 0).astype("float32")
    bridge, decoder = build(options.cell)
    ours, predict = firstlight_side(bridge, decoder), predict_side(bridge, decoder)
    length = set_length(decoder, ours, grids)
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), grids, (bridge, decoder))
        command = [options.torch_python, __file__, "--work", folder, "--cell", options.cell]
        worker = Worker([*command, "--threads", str(options.threads)])
        try:
            measure(options, grids, ours, predict, worker, length)
        finally:
            worker.close()


def measure(options: Any, grids: np.ndarray, ours: Side, predict: Side, worker: Worker, length: float) -> None:
    with_torch = worker.state == "ready"
    if not with_torch:
        print(f"Without PyTorch: {worker.state}\n")
    few = {1: 2, 32: 32}  # images in a round of predict, which is slow
    for width, size in CASES:
        captions = [words for batch in batches(grids, size) for words in ours(batch, width)]
        others = {"predict": [w for batch in batches(grids[: few[size]], size) for w in predict(batch, width)]}
        if with_torch:
            others["PyTorch"] = worker.ask("captions", len(grids), width, size)
        for name, theirs in others.items():
            same = np.mean([here == there for here, there in zip(captions, theirs, strict=False)])
            if same < 0.98:
                raise SystemExit(f"Beam {width}, batch {size}: {name} gives other captions ({same:.0%} equal).")

    speeds: dict[Any, dict[str, list[float]]] = {case: {"ours": [], "PyTorch": [], "predict": []} for case in CASES}
    for _ in range(options.rounds):
        for width, size in CASES:
            taken = speeds[width, size]
            taken["ours"].append(timed(ours, grids, width, size))
            if with_torch:
                taken["PyTorch"].append(worker.ask("time", len(grids), width, size))
            taken["predict"].append(timed(predict, grids[: few[size]], width, size))
    print(
        f"{options.cell} 512, {VOCABULARY} words, grid 7x7x1280, captions of {length:.1f} words, "
        f"{options.threads} threads; captions/s, medians of {options.rounds} rounds\n"
    )
    print(f"{'beam':>4}{'batch':>7}{'firstlight':>12}{'PyTorch':>10}{'ratio':>7}{'predict':>10}{'ratio':>7}")
    for (width, size), taken in speeds.items():
        here, there, slow = (statistics.median(taken[name] or [float("nan")]) for name in taken)
        print(f"{width:4}{size:7}{here:12.0f}{there:10.0f}{here / there:7.1f}{slow:10.1f}{here / slow:7.0f}")


if __name__ == "__main__":
    main()

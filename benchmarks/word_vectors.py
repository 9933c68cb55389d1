"""Word vectors against gensim's Word2Vec: words learned from a second, at the same settings and as many threads.

    python benchmarks/word_vectors.py TEXT [--rounds 5] [--workers 2] [--model skipgram] [--whole]

Each side is a process of its own that learns one pass over the same words, already counted and in the form that it
likes best (gensim: lists of words in memory; firstlight: its file of numbers), in rounds that take turns. Told are
medians of the words of the text a second, by the clock and by the seconds of the processor, and how many words were
really learned from: both pass over frequent words by chance, and gensim drops what stands behind the 10,000th word of a
line, so lines are cut before. With `--whole`, the way from the text file to vectors in five passes is timed instead.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from support.worker import Worker

SIDES = ("firstlight", "gensim")
MOST = 10_000  # words of a line that gensim learns from
PASSES = 5  # of the whole way

Timed = Callable[[int], dict[str, float]]


def ours(options: Any) -> Timed:
    from firstlight.systems import WordVectors
    from firstlight.systems.system import Silent
    from firstlight.systems.word_vectors_preparation import prepare

    def once(seed: int) -> dict[str, float]:
        system = WordVectors(model=options.model, workers=options.workers)
        if options.whole:
            return measured(lambda: system.fit(options.text, epochs=PASSES, seed=seed) and None)
        with prepare(system, options.text, {"epochs": 1, "seed": seed}, None, {}, Silent()) as prepared:
            found = measured(lambda: prepared.training.run() and None)
            supply = prepared.training.supply
            chunks = (chunk for piece in range(supply.pieces) for chunk in supply.chunks(0, piece))
            kept = sum(int((chunk.left + chunk.right > 0).sum()) for chunk in chunks)
            return {**found, "words": prepared.text["words"], "kept": kept}

    return once


def theirs(options: Any) -> Timed:
    from gensim.models import Word2Vec

    from firstlight.data import load_corpus

    class Lines:
        def __iter__(self) -> Any:
            for words in load_corpus(options.text).sentences():
                yield from (words[begin : begin + MOST] for begin in range(0, len(words), MOST))

    lines = Lines() if options.whole else list(Lines())
    settings = {"vector_size": 100, "window": 5, "negative": 5, "min_count": 5, "sample": 1e-3}

    def once(seed: int) -> dict[str, float]:
        model = Word2Vec(**settings, sg=int(options.model == "skipgram"), workers=options.workers, seed=seed)
        if options.whole:

            def whole() -> None:
                model.build_vocab(lines)
                model.train(lines, total_examples=model.corpus_count, epochs=PASSES)

            return measured(whole)
        model.build_vocab(lines)
        counted: list[tuple[int, int]] = []
        found = measured(lambda: counted.append(model.train(lines, total_examples=model.corpus_count, epochs=1)))
        return {**found, "words": counted[0][1], "kept": counted[0][0]}

    return once


def measured(work: Callable[[], object]) -> dict[str, float]:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return {"clock": time.perf_counter() - clock, "processor": time.process_time() - processor}


def serve(options: Any) -> None:
    """One side: answers a line of JSON for each line of standard input."""
    once = (ours if options.side == "firstlight" else theirs)(options)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(once(json.loads(line)[0])), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="a text file, a folder or a zip")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="threads of each side")
    parser.add_argument("--model", choices=["skipgram", "cbow"], default="skipgram")
    parser.add_argument("--whole", action="store_true", help="from the text file to vectors, five passes")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        serve(options)
        return
    workers = {side: Worker([sys.executable, __file__, *sys.argv[1:], "--side", side]) for side in SIDES}
    rounds: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    try:
        for number in range(options.rounds + 1):
            for side, worker in workers.items():
                found = worker.ask(number)
                if number:  # the first round warms up
                    rounds[side].append(found)
                    print(f"round {number}, {side}: {found['clock']:.2f} s, {found['processor']:.2f} of the processor")
    finally:
        for worker in workers.values():
            worker.close()
    tell(rounds, options)


def tell(rounds: dict[str, list[dict[str, float]]], options: Any) -> None:
    def median(side: str, of: Callable[[dict[str, float]], float]) -> float:
        return statistics.median(map(of, rounds[side]))

    ratios = {
        clock: statistics.median(
            theirs[clock] / ours[clock] for ours, theirs in zip(rounds["firstlight"], rounds["gensim"], strict=True)
        )
        for clock in ("clock", "processor")
    }
    print(
        f"\n{options.model}, 100 dimensions, window 5, {options.workers} threads; medians of {options.rounds} rounds\n"
    )
    if options.whole:
        for side in SIDES:
            seconds = [median(side, lambda found, name=name: found[name]) for name in ("clock", "processor")]
            print(f"{side:12}{seconds[0]:8.1f} s{seconds[1]:8.1f} s of the processor")
    else:
        print(f"{'':12}{'words/s':>12}{'words/s of the processor':>28}{'words':>14}{'learned from':>14}")
        for side in SIDES:
            speeds = [median(side, lambda found, n=name: found["words"] / found[n]) for name in ("clock", "processor")]
            words, kept = (int(median(side, lambda found, n=name: found[n])) for name in ("words", "kept"))
            print(f"{side:12}{speeds[0]:12,.0f}{speeds[1]:28,.0f}{words:14,}{kept:14,}")
    print(
        f"\nfirstlight is {ratios['clock']:.2f} times as fast by the clock, {ratios['processor']:.2f} by the processor"
    )


if __name__ == "__main__":
    main()

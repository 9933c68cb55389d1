"""Caption metrics here and in pycocoevalcap's pure-Python scorers: the same captions, one run, medians.

    python benchmarks/caption_metrics.py [--images 1000] [--references 5] [--runs 5]

Sentences are drawn from a seed with a vocabulary and lengths like those of Flickr8k; both sides get ready tokens.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from firstlight import metrics

Tokens = list[str]


def sentences(random: np.random.Generator, count: int) -> list[Tokens]:
    """Tokens drawn by Zipf's law from 3,000 words, 5 to 16 a sentence (mean 10.5)."""
    share = 1 / np.arange(1, 3001)
    words = np.array([f"word{number}" for number in range(3000)])
    return [random.choice(words, size=random.integers(5, 17), p=share / share.sum()).tolist() for _ in range(count)]


def median_seconds(pair: tuple[Callable[[], object], Callable[[], object]], runs: int) -> tuple[float, float]:
    """Median seconds of both sides, measured in turn so that a busy machine slows both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for work, taken in zip(pair, seconds, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    candidates = sentences(random, options.images)
    references = [sentences(random, options.references) for _ in range(options.images)]
    theirs = {i: [" ".join(tokens)] for i, tokens in enumerate(candidates)}
    their_references = {i: [" ".join(tokens) for tokens in captions] for i, captions in enumerate(references)}

    def toolkit(*scorers: Bleu | Rouge | Cider) -> list[float]:
        values = []
        for scorer in scorers:
            quiet = {"verbose": 0} if isinstance(scorer, Bleu) else {}
            value, _ = scorer.compute_score(their_references, theirs, **quiet)
            values.extend(value if isinstance(value, list) else [value])
        return values

    ours = [score.value for score in metrics.score(candidates, references).values()]
    if not np.allclose(ours, toolkit(Bleu(), Rouge(), Cider()), rtol=1e-9):
        raise SystemExit("The two sides disagree on the values; their times mean nothing.")

    scorer = metrics.CiderD(references)
    print(f"{options.images} images, {options.references} references each, median of {options.runs} runs\n")
    print(f"{'':34}{'firstlight':>12}{'pycocoevalcap':>15}{'ratio':>8}")
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "BLEU-1..4": (lambda: metrics.bleu(candidates, references), lambda: toolkit(Bleu())),
        "ROUGE-L": (lambda: metrics.rouge_l(candidates, references), lambda: toolkit(Rouge())),
        "CIDEr": (lambda: metrics.cider(candidates, references), lambda: toolkit(Cider())),
        "all of these": (
            lambda: metrics.score(candidates, references),
            lambda: toolkit(Bleu(), Rouge(), Cider()),
        ),
        "CIDEr-D again, references prepared": (lambda: scorer.score(candidates), lambda: toolkit(Cider())),
    }
    for name, pair in pairs.items():
        here, there = median_seconds(pair, options.runs)
        print(f"{name:34}{here * 1000:9.1f} ms{there * 1000:12.1f} ms{there / here:8.1f}")
    print(
        f"\nAs a reward: {options.images / here:,.0f} candidates a second (pycocoevalcap {options.images / there:,.0f})"
    )


if __name__ == "__main__":
    main()

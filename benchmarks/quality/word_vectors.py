"""How good word vectors are, ours and gensim's, learned from the same text in as many passes, and vectors by chance.

    python benchmarks/quality/word_vectors.py TEXT --similarity wordsim353.csv --analogies questions-words.txt
        --sentences SST2_FOLDER [--seeds 3] [--passes 5] [--workers 2] [--model skipgram]

Told for each seed, and as mean and deviation: Spearman's correlation with what people say of pairs of words, the share
of analogies solved (3CosAdd), each among questions of known words, and the probe: accuracy of a logistic regression on
the mean vectors of sentences, which learned from train.tsv and is judged once on test.tsv (text, tab, 0 or 1).
"""

import argparse
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.data import load_corpus
from firstlight.systems import LogisticRegression, WordVectors
from firstlight.text import tokenize

MOST = 10_000  # words of a line that gensim learns from
PENALTY = 1e-4


def ours(options: Any, seed: int) -> WordVectors:
    found = WordVectors(model=options.model, workers=options.workers)
    found.fit(options.text, epochs=options.passes, seed=seed)
    return found


def theirs(options: Any, seed: int) -> WordVectors:
    from gensim.models import Word2Vec

    lines = [
        words[begin : begin + MOST]
        for words in load_corpus(options.text).sentences()
        for begin in range(0, len(words), MOST)
    ]
    settings = {"vector_size": 100, "window": 5, "negative": 5, "min_count": 5, "sample": 1e-3}
    model = Word2Vec(lines, sg=int(options.model == "skipgram"), workers=options.workers, seed=seed,
                     epochs=options.passes, **settings)  # fmt: skip
    return WordVectors.of(model.wv.index_to_key, model.wv.vectors, lower_case=True)


def by_chance(options: Any, seed: int) -> WordVectors:
    _, counts = load_corpus(options.text).count()
    words = [word for word, count in Counter(counts.words).most_common() if count >= 5]
    return WordVectors.of(words, np.random.default_rng(seed).normal(size=(len(words), 100)), lower_case=True)


def probe(vectors: WordVectors, folder: Path) -> float:
    """Accuracy on the sentences of test.tsv of a logistic regression on their mean vectors."""
    parts = {}
    for part in ("train", "test"):
        rows = [line.rsplit("\t", 1) for line in (folder / f"{part}.tsv").read_text(encoding="utf-8").splitlines()]
        means = [mean(vectors, tokenize(text)) for text, _ in rows]
        parts[part] = np.array(means, np.float64), np.array([int(label) for _, label in rows])
    centre, spread = parts["train"][0].mean(axis=0), parts["train"][0].std()
    model = LogisticRegression(alpha=PENALTY)
    model.fit((parts["train"][0] - centre) / spread, parts["train"][1])
    return float((model.predict((parts["test"][0] - centre) / spread) == parts["test"][1]).mean())


def mean(vectors: WordVectors, words: list[str]) -> np.ndarray:
    places = [vectors.index(word) for word in words if word in vectors]
    return vectors.directions[places].mean(axis=0) if places else np.zeros(vectors.vectors.shape[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--similarity", required=True)
    parser.add_argument("--analogies", required=True)
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", choices=["skipgram", "cbow"], default="skipgram")
    options = parser.parse_args()
    scores: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        for name, learn in (("firstlight", ours), ("gensim", theirs), ("by chance", by_chance)):
            vectors = learn(options, seed)
            found = vectors.evaluate(similarity=options.similarity, analogies=options.analogies)
            similarity, analogies = found["similarity"], found["analogies"]
            row = [similarity["spearman"], 100 * analogies["accuracy"], 100 * probe(vectors, options.sentences)]
            scores.setdefault(name, []).append(row)
            low, high = similarity["interval"]
            print(
                f"seed {seed}, {name}: Spearman {row[0]:.3f} ({low:.3f} to {high:.3f}, {similarity['covered']} of "
                f"{similarity['pairs']} pairs), analogies {row[1]:.2f} % ({analogies['covered']:,} of "
                f"{analogies['questions']:,}), probe {row[2]:.1f} %",
                flush=True,
            )
    print(f"\n{options.model}, {options.passes} passes, means of {options.seeds} seeds and their deviations\n")
    print(f"{'':12}{'Spearman':>20}{'analogies, %':>20}{'probe, %':>20}")
    for name, rows in scores.items():
        cells = [f"{statistics.mean(column):.3f} ± {spread(column):.3f}" for column in zip(*rows, strict=True)]
        print(f"{name:12}" + "".join(f"{cell:>20}" for cell in cells))


def spread(values: tuple[float, ...]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()

"""How near the digits that a GAN draws are to real ones, and what it takes to get there.

    python benchmarks/quality/gan.py MNIST.npz [--seeds 3] [--epochs 19] [--out FOLDER] [--conditional]

For each seed a GAN is trained, judge and all, and judged on the test part, of which nothing is chosen. Told are the
processor seconds of the training (two cores in 20 minutes have 2,400), the Fréchet distance beside that of two halves
of the test part and of an untrained generator, precision, recall, density, coverage, the smallest and the largest share
of a class, and the distance to the nearest training image over that of held-out ones. One classifier, trained with the
first seed, judges all seeds; its seconds are part of each.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

COLUMNS = (
    *("frechet_distance", "frechet_halves", "frechet_untrained", "precision", "recall", "density", "coverage"),
    *("nearest_ratio", "nearer", "nearest_ratio_features"),
)


def judge(train: Any, folder: Path) -> float:
    """Train the classifier whose features count, where it is not there yet; its processor seconds."""
    from firstlight.systems import ImageClassifier

    seconds = folder / "seconds.txt"
    if not seconds.exists():
        begun = time.process_time()
        ImageClassifier("cnn").fit(train, epochs=2, seed=0, folder=folder)
        seconds.write_text(str(time.process_time() - begun), encoding="utf-8")
    return float(seconds.read_text(encoding="utf-8"))


def measured(dataset: Any, out: Path, seed: int, epochs: int, conditional: bool) -> dict[str, float]:
    """The figures of one seed; a run that is there already is only judged, and its seconds are those of this call."""
    from firstlight.cli.progress import progress
    from firstlight.systems import GAN

    seconds = judge(dataset.train, out / "judge")
    begun = time.process_time()
    gan = GAN(conditional=conditional, judge=str(out / "judge"))
    gan.fit(dataset.train, epochs=epochs, seed=seed, folder=out / f"seed-{seed}", progress=progress())
    seconds += time.process_time() - begun
    found = gan.evaluate(dataset["test"], train=dataset.train)
    shares = found["class_shares"].values()
    return {
        "seconds": seconds,
        **{name: found[name] for name in COLUMNS},
        "least": min(shares),
        "most": max(shares),
    }


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=19)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--conditional", action="store_true")
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp())
    from firstlight import data

    dataset = data.load(options.data, task="images")
    header = ["seed", "processor seconds", *(name.replace("_", " ") for name in COLUMNS), "class shares"]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for seed in range(options.seeds):
        row = measured(dataset, out, seed, options.epochs, options.conditional)
        seconds = f"{row['seconds']:,.0f}"
        figures = [f"{row[name]:.3f}" for name in COLUMNS]
        shares = f"{row['least']:.1%} to {row['most']:.1%}"
        lines.append(f"| {' | '.join([str(seed), seconds, *figures, shares])} |")
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()

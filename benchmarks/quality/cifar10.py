"""How soon and how well small photos are told apart: the classifier here, and the network that a course starts with.

    python benchmarks/quality/cifar10.py CIFAR10.zip [--seeds 3] [--epochs 14] [--short-epochs 5] [--skip reference]

For each seed, one after the other: the course's network for ten epochs in Keras as it comes; the classifier for as many
epochs as take no longer; and for so few that it is as good as the course's network. Told are the accuracy on the test
part, of which nothing is chosen, and the seconds of the training, compilation and judging within it. The course's
network: convolutions of 16, 32, pooling, 32, 64, pooling, 256 units, LeakyReLU of 0.1, dropout of .25, .25 and .5;
Adamax at 5e-3, nine tenths of it after each epoch.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

REFERENCE_EPOCHS, REFERENCE_BATCH = 10, 32
Found = tuple[float, float]
"""Accuracy on the test part, and the seconds of the training."""


def reference(train: Any, test: Any, seed: int) -> Found:
    """The course's network, by `compile` and `fit` with Keras's defaults."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    classes = sorted(set(train.labels))
    (x, y), (test_x, test_y) = (
        (
            np.stack([np.asarray(image) for image in pixels(split)]).astype("float32") / 255 - 0.5,
            np.array([classes.index(label) for label in split.labels]),
        )
        for split in (train, test)
    )
    rectify = lambda: layers.LeakyReLU(negative_slope=0.1)  # noqa: E731
    stages = [(16, 32), (32, 64)]
    parts: list[Any] = [keras.Input(x.shape[1:])]
    for widths in stages:
        for width in widths:
            parts += [layers.Conv2D(width, 3, padding="same"), rectify()]
        parts += [layers.MaxPooling2D(), layers.Dropout(0.25)]
    parts += [layers.Flatten(), layers.Dense(256), rectify(), layers.Dropout(0.5)]
    network = keras.Sequential([*parts, layers.Dense(len(classes), activation="softmax")])
    network.compile(keras.optimizers.Adamax(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    slower = keras.callbacks.LearningRateScheduler(lambda epoch: 5e-3 * 0.9**epoch)
    begun = time.perf_counter()
    network.fit(x, y, batch_size=REFERENCE_BATCH, epochs=REFERENCE_EPOCHS, verbose=0, callbacks=[slower])
    return network.evaluate(test_x, test_y, verbose=0)[1], time.perf_counter() - begun


def pixels(split: Any) -> list[np.ndarray]:
    from firstlight.data.images import read

    return [read(image) for image in split.images]


def ours(train: Any, test: Any, seed: int, epochs: int, settings: dict[str, Any]) -> Found:
    """The classifier as it comes, with its share of images held out."""
    from firstlight.systems import ImageClassifier

    classifier = ImageClassifier("cnn", mirrored=True, **settings)
    begun = time.perf_counter()
    classifier.fit(train, epochs=epochs, seed=seed)
    seconds = time.perf_counter() - begun
    return classifier.evaluate(test)["accuracy"], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="CIFAR-10 as class folders, a zip of these, or another form that is recognised")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=14, help="of the classifier, in the time of the reference")
    parser.add_argument("--short-epochs", type=int, default=5, help="of the classifier, to be as good as the reference")
    parser.add_argument("--skip", choices=["reference", "short"], nargs="*", default=[])
    chosen = parser.parse_args()
    from firstlight import data

    found = data.load(chosen.data, task="labels")
    train, test = found["train"], found["test"]
    sides: dict[str, Callable[[int], Found]] = {
        "reference": lambda seed: reference(train, test, seed),
        "firstlight": lambda seed: ours(train, test, seed, chosen.epochs, {}),
        "short": lambda seed: ours(train, test, seed, chosen.short_epochs, {}),
    }
    results: dict[str, list[Found]] = {name: [] for name in sides if name not in chosen.skip}
    for seed in range(chosen.seeds):
        for name, taken in results.items():
            taken.append(sides[name](seed))
            print(f"seed {seed}, {name}: accuracy {taken[-1][0]:.4f}, {taken[-1][1]:.1f} s", flush=True)
    print()
    for name, taken in results.items():
        shares, seconds = zip(*taken, strict=True)
        spread = statistics.stdev(shares) if len(shares) > 1 else 0.0
        print(f"{name:12} accuracy {statistics.mean(shares):.4f}, deviation {spread:.4f}; {np.median(seconds):.1f} s")


if __name__ == "__main__":
    main()

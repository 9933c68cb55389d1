"""How well the engine's own network of dense layers tells the digits of MNIST apart: NumPy alone, no framework.

    python benchmarks/quality/engine_mnist.py MNIST.npz [--seeds 3] [--epochs 20]

Trains on all 60,000 digits and tells the accuracy on the 10,000 of the test part, for each seed, and the mean. Nothing
is chosen by the test part: the last epoch is what is judged.
"""

import argparse
import statistics
import time

import numpy as np

from firstlight.engine import Input, Sequential, callbacks, initializers, layers, losses, optimizers, schedules

BATCH = 128


def network(seed: int) -> Sequential:
    initializers.set_random_seed(seed)
    return Sequential(
        [
            Input((784,)),
            layers.Dropout(0.2),
            layers.Dense(1024, activation="relu", kernel_initializer="he_normal"),
            layers.Dropout(0.4),
            layers.Dense(512, activation="relu", kernel_initializer="he_normal"),
            layers.Dropout(0.4),
            layers.Dense(10),
        ]
    )


class Epochs(callbacks.Callback):
    """Tells each epoch on one line."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        told = {name: round(float(value), 4) for name, value in (logs or {}).items()}
        print(f"  epoch {epoch + 1}: {told}, {time.perf_counter() - self.begun:.1f} s", flush=True)


def accuracy(path: str, seed: int, epochs: int) -> float:
    with np.load(path) as file:
        train, test = ((file[f"x_{part}"], file[f"y_{part}"]) for part in ("train", "test"))
    pixels = [part[0].reshape(-1, 784).astype("float32") / 255 for part in (train, test)]
    model = network(seed)
    rate = schedules.CosineDecay(1e-3, epochs * (len(pixels[0]) // BATCH))
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.AdamW(rate, weight_decay=0.01), loss, metrics=["accuracy"])
    model.fit(pixels[0], train[1], batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[Epochs()])
    return float((model.predict(pixels[1], verbose=0).argmax(-1) == test[1]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="MNIST in the form of Keras: an .npz with x_train, y_train, x_test, y_test")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    chosen = parser.parse_args()
    found = []
    for seed in range(chosen.seeds):
        begun = time.perf_counter()
        found.append(accuracy(chosen.data, seed, chosen.epochs))
        print(f"seed {seed}: test accuracy {found[-1]:.4f}, {time.perf_counter() - begun:.0f} s", flush=True)
    spread = statistics.stdev(found) if len(found) > 1 else 0.0
    print(f"mean of {len(found)} seeds: {statistics.mean(found):.4f}, standard deviation {spread:.4f}")


if __name__ == "__main__":
    main()

"""How much of unseen faces comes back: the autoencoder beside principal components, noise taken away, ways between.

    python benchmarks/quality/autoencoder.py lfw_gray_64.npz [--seeds 3] [--skip noise variational] [--features WEIGHTS]

For each seed a tenth of the images is held out by a shuffle, and judged once: nothing is chosen by it. Of the rest,
`fit` holds out a tenth again to choose the best epoch, and principal components are fitted on what remains, the same
pictures for both. Then an autoencoder that is to leave noise out, with a larger code; and a variational one, whose ways
between pictures are judged beside plain blends. With the weights of mobilenet_v2 (without top), the nearest real
picture is looked for by what that network sees, else by principal components.
"""

import argparse
import os
import statistics
import time
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HELD_OUT = 0.1
SIDE = 96  # pixels at which mobilenet_v2 looks at a picture
TOLD = {
    "small": ("squared_error", "pca_squared_error", "ratio_to_pca", "psnr", "ssim"),
    "noise": ("noisy_psnr", "denoised_psnr", "denoising_gain"),
    "variational": ("ratio_to_pca", "bound", "active_units"),
}


def parts(split: Any, seed: int) -> tuple[Any, Any]:
    """The images to learn from, and a tenth of all by a seeded shuffle."""
    order = np.random.default_rng(seed).permutation(len(split)).tolist()
    held = round(HELD_OUT * len(split))
    return split.take(sorted(order[held:])), split.take(sorted(order[:held]))


def features_of(weights: str) -> Any:
    """What mobilenet_v2 sees of pictures: the mean over its last grid."""
    from firstlight.data.images import read
    from firstlight.systems.backbones import build

    network = build("mobilenet_v2", SIDE, weights)

    def features(pictures: np.ndarray) -> np.ndarray:
        shown = np.stack([read(picture, SIDE) for picture in pictures]).astype("float32")
        grids = [np.asarray(network.predict_on_batch(shown[start : start + 64])) for start in range(0, len(shown), 64)]
        return np.concatenate(grids).mean(axis=(1, 2))

    return features


def judged(kind: str, train: Any, test: Any, seed: int, chosen: argparse.Namespace, features: Any) -> dict[str, float]:
    """The figures of one kind of autoencoder on the held-out images."""
    from firstlight.systems import Autoencoder
    from firstlight.systems.autoencoder_judging import judge_paths
    from firstlight.systems.pictures import Pictures

    settings: dict[str, Any] = {"code": chosen.code}
    if kind == "noise":
        settings = {"code": chosen.noise_code, "noise": "gaussian", "noise_strength": 0.1}
    if kind == "variational":
        settings["variational"] = True
    autoencoder = Autoencoder(image_size=chosen.size, **settings)
    begun, used = time.perf_counter(), time.process_time()
    autoencoder.fit(train, seed=seed)
    seconds = {"seconds": time.perf_counter() - begun, "processor_seconds": time.process_time() - used}
    report = autoencoder.evaluate(test)
    found = {name: report[name] for name in TOLD[kind]}
    if kind != "noise":
        pictures = Pictures(test.images, autoencoder.shape)
        for path in ("linear", "spherical"):
            paths = judge_paths(autoencoder, pictures, path, features)
            found |= {f"{path}_largest_step": paths.largest_step.value, f"{path}_realism": paths.realism.value}
    return found | seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="images in any form that is recognised")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", type=int, default=32, help="pixels of a side")
    parser.add_argument("--code", type=int, default=32, help="numbers a picture")
    parser.add_argument("--noise-code", type=int, default=128, help="numbers a picture where noise is to be left out")
    parser.add_argument("--features", help="weights of mobilenet_v2 without top")
    parser.add_argument("--skip", choices=list(TOLD), nargs="*", default=[])
    chosen = parser.parse_args()
    from firstlight import data
    from firstlight.data.table import Split

    found = data.load(chosen.data, task="images")
    columns = {
        name: [value for split in found.splits.values() for value in split.column(name)] for name in ("names", "images")
    }
    whole = Split("all", columns)
    features = features_of(chosen.features) if chosen.features else None
    results: dict[str, list[dict[str, float]]] = {kind: [] for kind in TOLD if kind not in chosen.skip}
    for seed in range(chosen.seeds):
        train, test = parts(whole, seed)
        for kind, taken in results.items():
            taken.append(judged(kind, train, test, seed, chosen, features))
            told = ", ".join(f"{name} {value:.5g}" for name, value in taken[-1].items())
            print(f"seed {seed}, {kind}: {told}", flush=True)
    print()
    for kind, taken in results.items():
        for name in taken[0]:
            values = [each[name] for each in taken]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            print(f"{kind:12} {name:24} mean {statistics.mean(values):.5g}, deviation {spread:.2g}")


if __name__ == "__main__":
    main()

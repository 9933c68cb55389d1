"""How good image search is by class: what of a database of labelled images comes first for each image of the test part.

    python benchmarks/quality/image_search.py DATA --weights MOBILENET_V2.h5 [--image-size 224] [--engines]
        [--runs name=FOLDER ...] [--whiten 16 64]

The database is the training part, the queries are the test part, and an image of the same class is right. Encoders:
pixels; MobileNetV2 with random weights (seed 0); MobileNetV2 with given weights, plain, whitened by the images, and
whitened by the labels of the database; and any run folders (a classifier, an autoencoder). With `--engines`, the
nearest ten by faiss flat and by pgvector are compared with those of the exact search.
"""

import argparse
import hashlib
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class Remembering:
    """An encoder that looks at each picture once, so that many indexes of the same pictures cost little."""

    def __init__(self, encoder: Any):
        self.encoder, self.size, self.name = encoder, encoder.size, encoder.description["name"]
        self.seen: dict[bytes, Any] = {}

    def __call__(self, pictures: Any) -> Any:
        import numpy as np

        keys = [hashlib.sha256(picture.tobytes()).digest() for picture in pictures]
        new = [place for place, key in enumerate(keys) if key not in self.seen]
        if new:
            vectors = self.encoder([pictures[place] for place in new])
            self.seen |= {keys[place]: vector for place, vector in zip(new, vectors, strict=True)}
        return np.stack([self.seen[key] for key in keys])


def judged(name: str, settings: dict[str, Any], train: Any, test: Any, folder: Path) -> Any:
    """Build an index of the training part, print how good it is, and give it back."""
    from firstlight.systems import ImageIndex

    begun = time.perf_counter()
    index = ImageIndex(**settings)
    index.fit(train, folder=folder / name.replace(" ", "-"))
    built = time.perf_counter() - begun
    found = index.evaluate(test)

    def told(measure: str) -> str:
        low, high = found["intervals"][measure]
        return f"{found[measure]:.3f} ({low:.3f}-{high:.3f})"

    measures = ("mean_average_precision", "precision@1", "precision@10")
    values = "  ".join(f"{told(measure):22}" for measure in measures)
    print(f"{name:32} {index.store.columns:5d}  {values} {found['recall@10']:.4f}  {built:7.1f} s", flush=True)
    return index


def compare_engines(index: Any, test: Any, folder: Path) -> None:
    """Whether faiss flat and pgvector give the same ten names, in the same order, as the exact search."""
    import pgserver

    server = pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    vectors = index.vectors(test.images)
    expected = index.search_vectors(vectors, 10)
    for name, searching in (
        ("faiss flat", {"engine": "faiss"}),
        ("pgvector", {"engine": "postgres", "database": server.get_uri()}),
    ):
        other = index.copy(folder / name.replace(" ", "-"), **searching)
        same = sum(one == two for one, two in zip(other.search_vectors(vectors, 10), expected, strict=True))
        print(f"{name}: the same ten names and distances in the same order for {same} of {len(vectors)} queries")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a labelled data set with train and test")
    parser.add_argument("--weights", required=True, help="of MobileNetV2")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--runs", nargs="*", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--whiten", nargs="*", type=int, default=[16, 64])
    parser.add_argument("--skip", nargs="*", default=[], help="random, network")
    parser.add_argument("--engines", action="store_true")
    chosen = parser.parse_args()
    from firstlight import data

    found: Any = data.load(chosen.data, task="labels")
    train, test = found["train"], found["test"]
    network = {"encoder": "mobilenet_v2", "weights": chosen.weights, "image_size": chosen.image_size}
    print(f"{found.name}: {len(train):,} images, {len(test):,} queries; 95 % intervals over the queries")
    print(f"{'':32} {'d':>5}  {'mAP':22}  {'precision@1':22}  {'precision@10':22} recall@10  built in")
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        judged("pixels", {"encoder": "pixels"}, train, test, folder)
        if "random" not in chosen.skip:
            import keras

            keras.utils.set_random_seed(0)
            judged("random features", {**network, "weights": "random"}, train, test, folder)
        if "network" not in chosen.skip:
            from firstlight.systems.image_index_encoders import make_encoder

            once = {"encoder": Remembering(make_encoder("mobilenet_v2", chosen.weights, chosen.image_size))}
            index = judged("MobileNetV2", once, train, test, folder)
            for columns in chosen.whiten:
                for by in ("images", "labels"):
                    settings = {**once, "whiten": columns, "whiten_by": by}
                    judged(f"MobileNetV2, by {by}, {columns}", settings, train, test, folder)
            if chosen.engines:
                compare_engines(index, test, folder)
        for run in chosen.runs:
            title, _, place = run.partition("=")
            judged(title, {"encoder": place}, train, test, folder)


if __name__ == "__main__":
    main()

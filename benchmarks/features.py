"""Images a second through a frozen encoder, here and by plain Keras: the network alone, and from JPEG files on disk.

    python benchmarks/features.py [--images FOLDER_OR_ZIP] [--weights PATH] [--rounds 9] [--batch-size 32] [--count 256]

Without images, drawn scenes serve as JPEG files; without weights, random ones, which are as fast.

All ways run in turn in each round, so that a busy machine slows all of them; medians are told.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from PIL import Image

from firstlight.data import scenes
from firstlight.data.archives import list_files, read_bytes
from firstlight.data.images import read, read_many
from firstlight.systems.backbones import build
from firstlight.systems.fast_inference import Runner, compile_encoder
from firstlight.systems.features import extract

COCO = 123_287  # images in the 2014 training and validation parts
Work = Callable[[], object]


def measure(ways: dict[str, Work], rounds: int) -> dict[str, float]:
    """Median seconds of each way, all of them run in turn in each round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def table(title: str, seconds: dict[str, float], images: int) -> None:
    """Images a second, the ratio to the first row, and the time for COCO."""
    print(f"\n{title}\n{'':38} images/s   ratio   COCO's {COCO:,} images")
    first = next(iter(seconds.values()))
    for name, taken in seconds.items():
        print(f"{name:38} {images / taken:8.1f} {first / taken:7.2f} {COCO * taken / images / 60:9.1f} min")


def engines() -> list[tuple[str, str]]:
    """The ways of computing that this machine has."""
    if keras.backend.backend() != "tensorflow":
        return [("keras", "float32")]
    faster = [("openvino", "float32"), ("openvino", "bfloat16")] if find_spec("openvino") else []
    return [("keras", "float32"), ("tensorflow", "float32"), *faster]


def plain_pipeline(encoder: keras.Model, paths: list[str], size: int, batch_size: int) -> None:
    """What a user would write: decode, stack, predict_on_batch, one after another."""
    for start in range(0, len(paths), batch_size):
        encoder.predict_on_batch(np.stack([read(path, size) for path in paths[start : start + batch_size]])).astype(
            "float16"
        )


def tensorflow_pipeline(encoder: keras.Model, contents: list[bytes], size: int, batch_size: int) -> None:
    """The same with tf.data, which decodes beside the network."""
    for batch in tensorflow_images(contents, size).batch(batch_size).prefetch(2):
        encoder.predict_on_batch(batch.numpy()).astype("float16")


def tensorflow_images(contents: list[bytes], size: int) -> Any:
    """Decoded images by tf.data, on all cores."""
    import tensorflow

    def decode(content: Any) -> Any:
        return tensorflow.cast(
            tensorflow.image.resize(tensorflow.io.decode_jpeg(content, channels=3), (size, size)), "uint8"
        )

    return tensorflow.data.Dataset.from_tensor_slices(contents).map(decode, tensorflow.data.AUTOTUNE)


def fresh(encoder: keras.Model, paths: list[str], size: int, runner: Runner, batch_size: int) -> None:
    """Features into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        extract(paths, encoder, size, folder=folder, engine=runner, batch_size=batch_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", help="a folder or zip with JPEG files; by default drawn scenes")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", help="imagenet, or the path of a file; by default random ones")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--count", type=int, default=512, help="images in the runs from files")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(options, options.images or drawn(Path(folder), options.count, options.size))


def drawn(folder: Path, count: int, size: int) -> str:
    """A folder of drawn scenes as JPEG files."""
    for number, image in enumerate(scenes.load(train=count, validation=0, test=0, unseen=0, size=size).train.images):
        Image.fromarray(image).save(folder / f"{number:05}.jpg", quality=90)
    return str(folder)


def run(options: argparse.Namespace, images: str) -> None:
    size, batch_size = options.size, options.batch_size
    encoder = build(options.backbone, size, options.weights)
    paths = [path for path in list_files(images) if path.lower().endswith((".jpg", ".jpeg"))][: options.count]
    batch = np.stack([read(path, size) for path in paths[:batch_size]])
    plain = encoder.predict_on_batch(batch)
    runners = {}
    for engine, precision in engines():
        began = time.perf_counter()
        runner = compile_encoder(encoder, engine, precision, batch_size)
        difference = runner(batch).astype("float32") - plain
        error = np.linalg.norm(difference) / np.linalg.norm(plain)
        print(f"{engine}, {precision}: {error:.1e} from Keras (norm), ready in {time.perf_counter() - began:.1f} s")
        runners[f"{engine}, {precision}"] = runner

    ways: dict[str, Work] = {"Keras predict_on_batch": lambda: encoder.predict_on_batch(batch)}
    ways |= {name: lambda runner=runner: runner(batch) for name, runner in runners.items()}
    table(
        f"{options.backbone} at {size}, batch {batch_size}, the network alone",
        measure(ways, options.rounds),
        len(batch),
    )

    contents = [read_bytes(path) for path in paths]
    decoding: dict[str, Work] = {
        "Pillow, one thread": lambda: [read(path, size) for path in paths],
        "Pillow, two threads (read_many)": lambda: list(read_many(paths, size)),
    }
    if keras.backend.backend() == "tensorflow":
        decoding["tf.data"] = lambda: [image.numpy() for image in tensorflow_images(contents, size)]
    table("Decoding alone", measure(decoding, 3), len(paths))

    whole: dict[str, Work] = {
        "Keras, Pillow, one after another": lambda: plain_pipeline(encoder, paths, size, batch_size)
    }
    if keras.backend.backend() == "tensorflow":
        whole["Keras, tf.data"] = lambda: tensorflow_pipeline(encoder, contents, size, batch_size)
    for name, runner in runners.items():
        whole[f"extract: {name}"] = lambda runner=runner: fresh(encoder, paths, size, runner, batch_size)
    table(f"From {len(paths)} files to features on disk", measure(whole, 3), len(paths))
    print(
        f"\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; where it is higher, measure again later."
    )


if __name__ == "__main__":
    main()

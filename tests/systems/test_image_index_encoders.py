"""Encoders of an index: what a classifier, a captioner, an autoencoder and a network see; saved with the index."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import Autoencoder, Captioner, ImageClassifier, ImageIndex
from firstlight.systems.image_index_encoders import choose_encoder, make_encoder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Split:
    """Eight grey pictures on disk, bright ones and dark ones."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths, labels = [], []
    for number in range(8):
        label = "bright" if number % 2 else "dark"
        values = random.integers(150 if number % 2 else 0, 255 if number % 2 else 100, (8, 8), np.uint8)
        Image.fromarray(values).save(folder / f"{number}.png")
        paths.append((folder / f"{number}.png").as_posix())
        labels.append(label)
    return Split("train", {"names": [str(number) for number in range(8)], "images": paths, "labels": labels})


def searched_without_the_run(index: ImageIndex, run: Path, pictures: Split) -> None:
    """The index finds new pictures as before where the run that it came from is gone."""
    new = np.full((8, 8, 3), 200, np.uint8)
    expected = index.search(new, 8)
    shutil.rmtree(run)
    opened = ImageIndex.load(index.folder)
    assert [match.name for match in opened.search(new, 8)] == [match.name for match in expected]
    assert opened.vectors([new]) == pytest.approx(index.vectors([new]), abs=1e-5)
    assert opened.update().unchanged == len(pictures)


def test_a_classifier_gives_what_comes_before_its_head(pictures: Split, tmp_path: Path) -> None:
    import keras

    classifier = ImageClassifier("cnn", width=8, depth=1, precision="mixed_bfloat16")  # it is searched in float32
    classifier.fit(pictures, epochs=2, folder=tmp_path / "classifier")
    index = ImageIndex(str(tmp_path / "classifier"), distance="euclidean")
    index.fit(pictures, folder=tmp_path / "run")
    inner = keras.Model(classifier.network.input, classifier.network.get_layer("logits").input)
    grey = np.asarray(Image.open(pictures.images[3]))[None, :, :, None]
    assert index.store.vectors_of([pictures.images[3]]) == pytest.approx(
        inner.predict_on_batch(grey).astype("float32"), rel=0.05, abs=0.05
    )
    assert index.description["encoder"]["name"] == "ImageClassifier"
    searched_without_the_run(index, tmp_path / "classifier", pictures)


def test_a_captioner_gives_its_mean_region(captioner: Captioner, pictures: Split, tmp_path: Path) -> None:
    captioner.save(tmp_path / "captioner")
    index = ImageIndex(str(tmp_path / "captioner"), distance="euclidean")
    index.fit(pictures, folder=tmp_path / "run")
    _, expected = captioner.vectors(pictures.images)
    assert index.vectors(pictures.images) == pytest.approx(expected, abs=2e-2)  # it computes in float16
    assert index.caption(tmp_path / "captioner") == 8
    word = next(iter(index.store.known().values())).captions[0].split()[0]
    assert index.search_words(word)
    searched_without_the_run(index, tmp_path / "captioner", pictures)


def test_an_autoencoder_gives_its_codes(pictures: Split, tmp_path: Path) -> None:
    autoencoder = Autoencoder("linear", code=4, precision="float32")
    autoencoder.fit(pictures, epochs=1, folder=tmp_path / "autoencoder")
    index = ImageIndex(str(tmp_path / "autoencoder"), distance="euclidean")
    index.fit(pictures, folder=tmp_path / "run")
    assert index.vectors(pictures.images) == pytest.approx(autoencoder.transform(pictures.images), abs=1e-5)
    searched_without_the_run(index, tmp_path / "autoencoder", pictures)


def test_a_network_gives_the_mean_over_its_grid(tmp_path: Path) -> None:
    encoder = make_encoder("mobilenet", "random", 64)
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    vectors = encoder([picture, picture[::-1]])
    assert vectors.shape == (2, 1024)
    assert vectors[0] == pytest.approx(encoder([picture])[0], abs=1e-5)
    assert encoder.size == (64, 64)


def test_what_sees_no_images_is_refused(pictures: Split, tmp_path: Path) -> None:
    index = ImageIndex("pixels")
    index.fit(pictures, folder=tmp_path / "run")
    with pytest.raises(FirstlightError, match="which holds a ImageIndex"):
        ImageIndex(str(tmp_path / "run")).fit(pictures)
    with pytest.raises(FirstlightError, match="no system"):
        ImageIndex(str(tmp_path)).fit(pictures)


def test_auto_takes_pixels_where_there_are_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    told: list[Any] = []
    assert choose_encoder("auto", "imagenet", told.append) == "pixels"
    assert "downloads weights" in told[0]
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5").touch()
    assert choose_encoder("auto", "imagenet", told.append) == "mobilenet_v2"
    assert choose_encoder("pixels", "imagenet", told.append) == "pixels"

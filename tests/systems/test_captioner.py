"""The captioner as its users meet it: learn, describe, explain, save, load, and say clearly what is wrong."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from firstlight import data
from firstlight.data.images import ImageError
from firstlight.data.table import Dataset, Split
from firstlight.errors import FirstlightError
from firstlight.systems import Captioner
from firstlight.systems import load as load_system
from firstlight.systems.system import Silent
from firstlight.text import tokenize

# Keras 3.15 hands its variables to NumPy 2 in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]


class Messages(Silent):
    """Keeps the lines for the reader."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


# -- learning ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_few_images_are_learned_by_heart(tiny_scenes: Dataset, tiny_settings: dict[str, Any]) -> None:
    settings = {**tiny_settings, "units": 64, "embedding": 64, "learning_rate": 0.01}
    result = Captioner(**settings).overfit(tiny_scenes.train, images=4)
    assert result["images"] == result["captions"] == 4
    assert result["reproduced"] == 1.0
    assert result["passed"]


def test_hold_out_is_stable_and_leaves_validation_untouched(tiny_scenes: Dataset) -> None:
    from firstlight.systems.captioner_preparation import parts

    train, judge = parts(tiny_scenes.train, tiny_scenes.validation, hold_out=5)
    assert len(judge) == 5
    assert sorted([*train.names, *judge.names]) == sorted(tiny_scenes.train.names)
    assert not set(judge.names) & set(tiny_scenes.validation.names)
    turned = tiny_scenes.train.take(range(len(tiny_scenes.train) - 1, -1, -1))
    assert sorted(parts(turned, None, hold_out=5)[1].names) == sorted(judge.names)
    assert parts(tiny_scenes.train, tiny_scenes.validation, hold_out=0) == (tiny_scenes.train, tiny_scenes.validation)


def test_broken_training_images_are_told_and_passed_over(
    tiny_scenes: Dataset, tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"not an image")
    train = tiny_scenes.train.take(range(6))
    columns = {**train.columns, "images": [*train.images[:5], str(tmp_path / "broken.jpg")]}
    told = Messages()
    captioner = Captioner(**tiny_settings)
    captioner.fit(Split("train", columns), validation_data=tiny_scenes.validation, epochs=1, progress=told)
    assert [line for line in told.lines if "passed over" in line and "broken.jpg" in line]
    with pytest.raises(FirstlightError, match=r"images that can be read in split 'train'\. Received none of 1"):
        captioner.fit(Split("train", columns).take([5]), validation_data=tiny_scenes.validation)


# -- describing --------------------------------------------------------------------------------------------------


def test_each_word_has_a_probability_rivals_and_a_place(captioner: Captioner, tiny_scenes: Dataset) -> None:
    caption = captioner.caption(tiny_scenes.test.images[0], beam_width=3, minimum_length=4)
    assert caption.text == " ".join(word.text for word in caption.words)
    assert len(caption.words) >= 4
    for word in caption.words:
        assert 0 < word.probability < 1
        assert len(word.rivals) == 3
        assert word.text not in dict(word.rivals)
        assert [chance for _, chance in word.rivals] == sorted((c for _, c in word.rivals), reverse=True)
        assert word.attention is not None
        assert word.attention.shape == tuple(captioner.describer.encoder.output_shape[1:3])
        assert word.attention.sum() == pytest.approx(1, abs=1e-4)
        assert word.attention.min() >= 0


def test_the_score_is_the_mean_log_probability_of_the_words_and_the_end(
    captioner: Captioner, tiny_scenes: Dataset
) -> None:
    # At the greatest length the end is certain to come, but its probability is the network's own.
    caption = captioner.caption(tiny_scenes.test.images[1], beam_width=1)
    logs = np.log([word.probability for word in caption.words])
    end = caption.score * (len(logs) + 1) - logs.sum()
    assert end < 0
    assert caption.alternatives == ((caption.text, caption.score),)


def test_alternatives_come_best_first(captioner: Captioner, tiny_scenes: Dataset) -> None:
    caption = captioner.caption(tiny_scenes.test.images[0], beam_width=4, n_best=3)
    texts, scores = zip(*caption.alternatives, strict=True)
    assert len(set(texts)) == 3
    assert list(scores) == sorted(scores, reverse=True)
    assert (texts[0], scores[0]) == (caption.text, caption.score)


def test_paths_arrays_and_batches_give_the_same(captioner: Captioner, tiny_scenes: Dataset, tmp_path: Path) -> None:
    arrays = tiny_scenes.test.images[:3]
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path, array in zip(paths, arrays, strict=True):
        Image.fromarray(array).save(path)
    from_arrays = captioner.predict(arrays, explain=False)
    from_paths = captioner.predict([str(path) for path in paths], batch_size=2, explain=False)
    assert [caption.text for caption in from_arrays] == [caption.text for caption in from_paths]
    assert [caption.name for caption in from_paths] == ["0.png", "1.png", "2.png"]
    assert [caption.name for caption in from_arrays] == ["0", "1", "2"]
    assert from_arrays[0].words == ()
    assert captioner.predict([]) == []


def test_drawing_repeats_with_its_seed(captioner: Captioner, tiny_scenes: Dataset) -> None:
    image = tiny_scenes.test.images[0]

    def draw(seed: int) -> tuple[tuple[str, float], ...]:
        return captioner.caption(image, beam_width=1, temperature=1.0, n_best=4, seed=seed, explain=False).alternatives

    assert draw(1) == draw(1) != draw(2)
    assert len({text for text, _ in draw(1)}) > 1


def test_evaluate_compares_with_the_captions(captioner: Captioner, tiny_scenes: Dataset) -> None:
    found = captioner.evaluate(tiny_scenes.validation)
    assert {"bleu_1", "bleu_4", "rouge_l", "cider", "distinct", "intervals"} <= found.keys()
    own = captioner.predict(tiny_scenes.validation.images, explain=False)
    best = Split("own", {**tiny_scenes.validation.columns, "captions": [[caption.text] for caption in own]})
    assert captioner.evaluate(best, captions=own)["rouge_l"] == pytest.approx(1)


def test_the_kept_epoch_is_the_one_that_scored_best(
    captioner: Captioner, history: dict[str, list[Any]], tiny_scenes: Dataset
) -> None:
    assert captioner.evaluate(tiny_scenes.validation)["cider"] == pytest.approx(max(history["cider"]), rel=1e-6)


@pytest.mark.parametrize(("cell", "attention"), [("lstm", False), ("transformer", True)])
def test_other_cells_learn_and_describe(
    cell: str, attention: bool, tiny_scenes: Dataset, tiny_settings: dict[str, Any]
) -> None:
    captioner = Captioner(**{**tiny_settings, "cell": cell, "attention": attention})
    history = captioner.fit(tiny_scenes.train.take(range(8)), validation_data=tiny_scenes.validation, epochs=1)
    assert np.isfinite(history.history["loss"]).all()
    word = captioner.caption(tiny_scenes.test.images[0], minimum_length=1).words[0]
    assert (word.attention is not None) is attention
    if attention:
        assert word.attention.sum() == pytest.approx(1, abs=1e-4)


# -- on disk -----------------------------------------------------------------------------------------------------


def test_saved_and_loaded_it_says_the_same(captioner: Captioner, tiny_scenes: Dataset, tmp_path: Path) -> None:
    captioner.save(tmp_path / "run")
    loaded = load_system(tmp_path / "run")
    assert isinstance(loaded, Captioner)
    assert loaded.settings == captioner.settings
    for before, after in zip(
        captioner.predict(tiny_scenes.test.images), loaded.predict(tiny_scenes.test.images), strict=True
    ):
        assert (before.text, before.score, before.alternatives) == (after.text, after.score, after.alternatives)
        assert [word.probability for word in before.words] == [word.probability for word in after.words]
    for name in ("system.json", "vocabulary.txt", "README.md"):
        assert (tmp_path / "run" / name).stat().st_size > 0
    description = json.loads((tmp_path / "run" / "system.json").read_text(encoding="utf-8"))
    assert description["training"]["seed"] == 1
    assert description["train_images"] == len(tiny_scenes.train)


def test_plain_keras_opens_the_networks(captioner: Captioner, tiny_scenes: Dataset, tmp_path: Path) -> None:
    captioner.save(tmp_path)
    program = """
        import sys, keras, numpy as np
        folder = sys.argv[1]
        names = ("backbone", "bridge", "decoder")
        backbone, bridge, decoder = (keras.models.load_model(f"{folder}/{name}.keras") for name in names)
        first = bridge({"grid": backbone(np.load(f"{folder}/image.npy"))})
        logits = decoder({**first, "words": keras.ops.array([[2, 4, 5]])})["logits"]
        assert not [name for name in sys.modules if name.startswith("firstlight")]
        np.save(f"{folder}/logits.npy", keras.ops.convert_to_numpy(logits))
    """
    image = tiny_scenes.test.images[0][None].astype("float32")
    np.save(tmp_path / "image.npy", image)
    subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], check=True, capture_output=True)
    describer = captioner.describer
    first = describer.bridge({"grid": describer.encoder(image)})
    ours = describer.decoder({**first, "words": keras.ops.array([[2, 4, 5]])})["logits"]
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), keras.ops.convert_to_numpy(ours), atol=1e-5)


def test_a_training_that_is_not_finished_says_so(captioner: Captioner, tmp_path: Path) -> None:
    captioner.save(tmp_path)
    (tmp_path / "decoder.keras").unlink()
    with pytest.raises(FirstlightError, match=r"finished training.*without decoder\.keras.*Run the training"):
        Captioner.load(tmp_path)


# -- unusual input -----------------------------------------------------------------------------------------------


def test_ten_photos_with_sidecar_texts_in_another_script(tmp_path: Path, tiny_settings: dict[str, Any]) -> None:
    texts = ["Красный дом у моря.", "Синий кот на лугу, ночью!"]
    random = np.random.default_rng(0)
    for number in range(10):
        pixels = np.full((40, 50, 3), 230 if number % 2 else 20, np.uint8) + random.integers(0, 20, (40, 50, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"photo{number}.jpg")
        (tmp_path / f"photo{number}.txt").write_text(texts[number % 2], encoding="utf-8")
    train = data.load(tmp_path).train
    larger = {"units": 32, "embedding": 24, "batch_size": 3, "learning_rate": 0.02}
    captioner = Captioner(**{**tiny_settings, **larger, "average": 0.0, "dropout": 0.0})
    # One of the few is held out to judge the epochs, and the CIDEr of one image is 0: the last epoch must be kept.
    history = captioner.fit(train, epochs=45, seed=2)
    assert history.history["cider"] == [0.0] * 45
    captioner.save(tmp_path / "run")
    found = Captioner.load(tmp_path / "run").predict(train.images, beam_width=1, explain=False)
    assert [caption.text.split() for caption in found] == [tokenize(captions[0]) for captions in train.captions]
    assert {caption.text for caption in found} == {"красный дом у моря", "синий кот на лугу ночью"}


# -- errors ------------------------------------------------------------------------------------------------------


def test_without_training_it_does_not_describe() -> None:
    with pytest.raises(FirstlightError, match=r"Expected a fitted Captioner.*fit\(\.\.\.\) or Captioner\.load"):
        Captioner().caption("beach.jpg")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "mobilnet_v2"}, "backbone to be one of .*Received 'mobilnet_v2'. Did you mean 'mobilenet_v2'"),
        ({"cell": "gruu"}, "cell to be one of gru, lstm, transformer. Received 'gruu'. Did you mean 'gru'"),
        ({"precision": "float16"}, "precision to be one of"),
        ({"units": 0}, "units to be 1 or more"),
        ({"dropout": 1.0}, "dropout to be at least 0 and below 1"),
    ],
)
def test_unknown_settings(settings: dict[str, Any], message: str, tiny_scenes: Dataset) -> None:
    with pytest.raises(FirstlightError, match=message):
        Captioner(**settings).fit(tiny_scenes.train)


def test_a_broken_image_asked_for_alone(captioner: Captioner, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ImageError, match=r"broken\.png"):
        captioner.caption(tmp_path / "broken.png")
    with pytest.raises(ImageError, match=r"nowhere\.png"):
        captioner.caption(tmp_path / "nowhere.png")


def test_splits_that_cannot_be_used(captioner: Captioner, tiny_scenes: Dataset) -> None:
    with pytest.raises(FirstlightError, match="Received an empty split 'train'"):
        Captioner(backbone="small_cnn").fit(tiny_scenes.train.take([]))
    with pytest.raises(FirstlightError, match="Received 24 images, 24 of them held out"):
        Captioner(backbone="small_cnn").fit(tiny_scenes.train, hold_out=24)


def test_unknown_search_settings(captioner: Captioner, tiny_scenes: Dataset) -> None:
    with pytest.raises(FirstlightError, match="beam_width to be 1 or more"):
        captioner.caption(tiny_scenes.test.images[0], beam_width=0)


# -- another back end --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_short_run_on_jax(tmp_path: Path, tiny_settings: dict[str, Any], tiny_scenes: Dataset) -> None:
    """It learns and describes there, and its folder says the same here."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs jax")
    program = """
        import json, sys, keras
        from firstlight import data
        from firstlight.systems.captioner import Captioner
        assert keras.backend.backend() == "jax"
        scenes = data.load("scenes", train=24, validation=6, test=6, unseen=0, size=32)
        captioner = Captioner(**json.loads(sys.argv[2]))
        history = captioner.fit(scenes.train, validation_data=scenes.validation, epochs=2, folder=sys.argv[1])
        assert history.history["loss"][1] < history.history["loss"][0]
        print(json.dumps([caption.score for caption in captioner.predict(scenes.test.images)]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "run"), json.dumps(tiny_settings)],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    here = Captioner.load(tmp_path / "run").predict(tiny_scenes.test.images)
    # Scores, not texts: after two epochs the best texts are nearly equal.
    assert [caption.score for caption in here] == pytest.approx(json.loads(done.stdout.splitlines()[-1]), abs=0.02)

"""The captioner's training: its loss, its two stages, and that a killed training ends as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from firstlight import data
from firstlight.data.vocabulary import SPECIAL_WORDS
from firstlight.errors import FirstlightError
from firstlight.systems import Captioner, captioner_networks, captioner_training
from firstlight.systems.captioner_batches import Examples, Plan
from firstlight.systems.captioner_networks import CaptionTrainer, Design, build_bridge, build_decoder
from firstlight.systems.captioner_training import Training
from firstlight.systems.system import Silent
from firstlight.text import tokenize

# Keras 3.15 hands its variables to NumPy 2 in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
WORDS = [*SPECIAL_WORDS, *"abcdefgh"]
PLAN = Plan(
    seed=3,
    epochs=3,
    self_critical_epochs=0,
    batch_size=8,
    learning_rate=0.01,
    learning_rate_floor=0.0,
    self_critical_rate=0.01,
    weight_decay=0.0,
    label_smoothing=0.1,
    average=0.0,
    patience=0,
    together=0,
    presence=False,
    maximum_length=5,
)


class Notes(Silent):
    """Keeps what the training tells, and the weights it has at those moments."""

    def __init__(self) -> None:
        self.training: Training
        self.batches: list[list[np.ndarray]] = []
        self.epochs: list[list[np.ndarray]] = []
        self.messages: list[str] = []

    def weights(self) -> list[np.ndarray]:
        return [np.array(variable.numpy()) for variable in self.training.keeping.floats]

    def batch(self, done: int, loss: float, words: int) -> None:
        self.batches.append(self.weights())

    def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
        self.epochs.append(self.weights())

    def message(self, text: str) -> None:
        self.messages.append(text)


def networks(evidence: bool = False) -> tuple[keras.Model, keras.Model]:
    keras.utils.set_random_seed(0)
    shape = {"units": 12, "embedding": 12, "maximum_length": PLAN.maximum_length}
    design = Design((2, 2, 6), len(WORDS), "gru", evidence=evidence, dropout=0.1, **shape)
    return build_bridge(design), build_decoder(design)


def examples(images: int = 16) -> Examples:
    """Grids of noise with two captions each, which a small network can learn by heart."""
    random = np.random.default_rng(1)
    grids = random.normal(size=(images, 2, 2, 6)).astype("float32")
    encoded = [random.integers(4, len(WORDS), 4).astype("int32") for _ in range(2 * images)]
    texts = [[WORDS[word] for word in caption] for caption in encoded]
    return Examples(
        inputs=lambda rows, views: {"grid": grids[rows]},
        views=1,
        encoded=encoded,
        owner=np.repeat(np.arange(images), 2),
        references=[texts[row : row + 2] for row in range(0, 2 * images, 2)],
    )


def trained(plan: Plan, folder: Path | None = None, known: Examples | None = None) -> tuple[Training, Notes]:
    notes = Notes()
    known = known or examples()
    notes.training = Training(*networks(), WORDS, known, known, plan, notes, folder)
    notes.training.run()
    return notes.training, notes


def script_scores(monkeypatch: pytest.MonkeyPatch, ciders: list[float]) -> None:
    """Let validation find these values, one an epoch."""
    coming = iter(ciders)

    def score(*_: Any, **__: Any) -> dict[str, Any]:
        return {"cider": SimpleNamespace(value=next(coming)), "bleu_4": SimpleNamespace(value=0.0)}

    monkeypatch.setattr(captioner_training.metrics, "score", score)


def assert_equal(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


# -- the loss ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_smoothed_cross_entropy_of_real_words(smoothing: float, weighted: bool) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (3, 4, len(WORDS))).astype("float32")
    targets = np.array([[5, 6, 3, 0], [7, 3, 0, 0], [4, 5, 6, 3]], "int32")
    weights = random.normal(size=targets.shape).astype("float32") if weighted else np.ones(targets.shape)

    expected = 0.0
    for row, time in np.argwhere(targets):
        scores = logits[row, time].astype(float)
        chances = np.exp(scores) / np.exp(scores).sum()
        wanted = np.full(len(WORDS), smoothing / len(WORDS))
        wanted[targets[row, time]] += 1 - smoothing
        expected -= weights[row, time] * np.sum(wanted * np.log(chances))
    expected /= np.count_nonzero(targets)

    trainer = CaptionTrainer(*networks(), label_smoothing=smoothing)
    found = trainer.compute_loss(y=targets, y_pred=logits, sample_weight=weights if weighted else None)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_regions_also_learn_which_words_are_there() -> None:
    """Two images with two captions each: the loss of each word, special words apart, is that of a yes or no."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(4, 3, len(WORDS))).astype("float32")
    told = random.normal(0, 2, (2, len(WORDS))).astype("float32")
    targets = np.array([[5, 6, 3], [6, 3, 0], [7, 8, 3], [4, 3, 0]], "int32")
    yes = 1 / (1 + np.exp(-told.astype(float)))
    losses = []
    for image, words in enumerate(({5, 6}, {4, 7, 8})):
        for word in range(len(SPECIAL_WORDS), len(WORDS)):
            losses.append(-np.log(yes[image, word] if word in words else 1 - yes[image, word]))

    plain = CaptionTrainer(*networks(), copies=2)
    both = CaptionTrainer(*networks(), copies=2, presence=keras.layers.Dense(len(WORDS)))
    found = both.compute_loss(y=targets, y_pred={"logits": logits, "presence": told})
    more = float(found) - float(plain.compute_loss(y=targets, y_pred=logits))
    assert more / captioner_networks._PRESENCE_WEIGHT == pytest.approx(np.mean(losses), rel=1e-4)


def test_the_loss_that_is_told_is_that_of_the_words_alone() -> None:
    bridge, decoder = networks(evidence=True)
    inputs = {"grid": np.ones((3, 2, 2, 6), "float32"), "words": np.full((3, 4), 5, "int32")}
    targets = np.array([[5, 6, 3, 0], [6, 7, 8, 3], [9, 3, 0, 0]], "int32")
    plain = CaptionTrainer(bridge, decoder)
    plain.compile(loss=None)
    alone = plain.test_on_batch(inputs, targets, return_dict=True)
    both = CaptionTrainer(bridge, decoder, presence=decoder.get_layer("evidence"))
    both.compile(loss=None)
    logs = both.test_on_batch(inputs, targets, return_dict=True)
    assert float(logs["cross_entropy"]) == pytest.approx(float(alone["loss"]), rel=1e-5)
    assert float(logs["loss"]) > 1.5 * float(logs["cross_entropy"])


def test_a_word_is_as_likely_as_it_is_expected_and_seen() -> None:
    """The logits are a sum; the evidence for a word counts as much as the region that shows it is looked at."""
    bridge, decoder = networks(evidence=True)
    first = bridge({"grid": np.random.default_rng(0).normal(size=(2, 2, 2, 6)).astype("float32")})
    feeds = {**first, "words": keras.ops.array([[2, 5], [2, 6]], "int32")}
    before = decoder(feeds)
    evidence = decoder.get_layer("evidence")
    evidence.set_weights([np.zeros_like(array) for array in evidence.get_weights()])
    expected = decoder(feeds)
    kernel, bias = np.random.default_rng(1).normal(size=(2, *evidence.kernel.shape)).astype("float32")
    evidence.set_weights([kernel, bias[0]])
    seen = np.einsum("bwr,bru->bwu", *(np.array(array) for array in (before["attention"], first["memory"])))
    wanted = np.array(expected["logits"]) + seen @ kernel + bias[0]
    np.testing.assert_allclose(np.array(decoder(feeds)["logits"]), wanted, atol=1e-4)


def test_several_captions_of_an_image_are_read_as_if_each_had_its_own() -> None:
    bridge, decoder = networks()
    random = np.random.default_rng(0)
    grids = random.normal(size=(2, 2, 2, 6)).astype("float32")
    words = random.integers(4, len(WORDS), (6, 4)).astype("int32")
    together = CaptionTrainer(bridge, decoder, copies=3).predict_on_batch({"grid": grids, "words": words})
    repeated = np.repeat(grids, 3, axis=0)
    alone = CaptionTrainer(bridge, decoder).predict_on_batch({"grid": repeated, "words": words})
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    broken = replace(examples(), inputs=lambda rows, views: {"grid": np.full((len(rows), 2, 2, 6), np.inf, "float32")})
    with pytest.raises(FirstlightError, match=r"finite loss\. Received nan in epoch 1, batch 1.*smaller learning_rate"):
        trained(PLAN, known=broken)


# -- the stages --------------------------------------------------------------------------------------------------


def test_cross_entropy_falls() -> None:
    training, _ = trained(replace(PLAN, epochs=6, learning_rate=0.03))
    losses = training.history.history["loss"]
    assert losses[-1] < 0.9 * losses[0]


def test_the_self_critical_stage_raises_the_reward() -> None:
    training, _ = trained(replace(PLAN, epochs=2, self_critical_epochs=20))
    rewards = [row["reward"] for row in training.history.rows if row["stage"] == "self-critical"]
    assert len(rewards) == 20
    assert np.mean(rewards[-5:]) > 1.2 * np.mean(rewards[:5])


def test_the_best_epoch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    script_scores(monkeypatch, [0.1, 0.3, 0.2])
    training, notes = trained(PLAN)
    assert training.history.history["cider"] == [0.1, 0.3, 0.2]
    assert_equal(notes.weights(), notes.epochs[1])
    assert any(np.any(now != last) for now, last in zip(notes.weights(), notes.epochs[2], strict=True))


def test_patience_ends_a_stage_and_the_next_begins_with_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    script_scores(monkeypatch, [0.5, 0.4, 0.3, 0.2, 0.1])
    training, notes = trained(replace(PLAN, epochs=9, self_critical_epochs=9, patience=2))
    assert training.history.history["stage"] == ["cross-entropy"] * 3 + ["self-critical"] * 2
    assert [text for text in notes.messages if "stopped, no better for 2 epochs" in text] == notes.messages != []
    assert_equal(notes.weights(), notes.epochs[0])


def test_the_running_mean_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes in every fifth step after the first epoch, with a momentum that grows to the wanted one."""
    script_scores(monkeypatch, [0.1, 0.2, 0.3, 0.4])
    _, notes = trained(replace(PLAN, epochs=4, average=0.8))
    first_epoch = len(notes.batches) // 4
    mean: list[np.ndarray] = []
    taken = 0
    # The weights at a step are those told with its batch.
    for step, weights in enumerate(notes.batches, 1):
        if step > first_epoch and step % 5 == 0:
            taken += 5
            share = 1 - min(0.8, (1 + taken) / (10 + taken)) ** 5
            mean = mean or [value.copy() for value in weights]
            mean = [old + share * (new - old) for old, new in zip(mean, weights, strict=True)]
    assert taken >= 10
    for kept, expected in zip(notes.weights(), mean, strict=True):
        np.testing.assert_allclose(kept, expected, atol=1e-6)


# -- going on ----------------------------------------------------------------------------------------------------


def test_a_complete_training_returns_at_once(tmp_path: Path) -> None:
    first, before = trained(PLAN, tmp_path)
    again, after = trained(PLAN, tmp_path)
    assert again.history.rows == first.history.rows
    assert after.batches == after.epochs == []
    assert_equal(after.weights(), before.weights())


TRAINING = """
    import json, os, signal, sys
    from firstlight.systems.captioner import Captioner
    from firstlight.systems.system import Silent
    from firstlight import data

    class Deadly(Silent):
        def epoch_started(self, epoch, batches):
            self.epoch = epoch + 1

        def batch(self, done, loss, words):
            if [self.epoch, done] == deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    folder, deadly, settings, fitting = (json.loads(argument) for argument in sys.argv[1:])
    scenes = data.load("scenes", train=16, validation=4, test=0, unseen=0, size=32)
    captioner = Captioner(**settings)
    captioner.fit(scenes.train, validation_data=scenes.validation, folder=folder, progress=Deadly(), **fitting)
"""


def die_training(folder: Path, deadly: list[int], settings: dict[str, Any], fitting: dict[str, Any]) -> None:
    """Train in a process of its own, which is killed after that batch of that epoch."""
    arguments = [json.dumps(argument) for argument in (str(folder), deadly, settings, fitting)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TRAINING), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def weights_in(path: Path) -> dict[str, np.ndarray]:
    """The weights in a .keras file by their places."""
    found: dict[str, np.ndarray] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(path) as archive, h5py.File(BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(take)
    return found


@pytest.mark.slow
def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path, tiny_settings: dict[str, Any]) -> None:
    """Killed in the middle of an epoch of each stage, and started again each time by the same call."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = {**tiny_settings, "average": 0.9, "dropout": 0.2}
    fitting = {"epochs": 2, "self_critical_epochs": 2, "seed": 5}
    scenes = data.load("scenes", train=16, validation=4, test=0, unseen=0, size=32)
    lengths = {len(tokenize(caption)) for captions in scenes.train.captions for caption in captions}
    assert len([length for length in lengths if length < settings["maximum_length"]]) > 1, "shapes must differ"
    for deadly, done in (([2, 1], 1), ([4, 2], 3)):
        die_training(broken, deadly, settings, fitting)
        assert len((broken / "history.csv").read_text().splitlines()) == 1 + done
        assert not (broken / "decoder.keras").exists()
    for folder in (broken, whole):
        Captioner(**settings).fit(scenes.train, validation_data=scenes.validation, folder=folder, **fitting)

    assert (broken / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    for name in ("backbone", "bridge", "decoder"):
        expected, found = weights_in(whole / f"{name}.keras"), weights_in(broken / f"{name}.keras")
        assert expected.keys() == found.keys() != set()
        for place, array in expected.items():
            np.testing.assert_array_equal(found[place], array, err_msg=f"{name}: {place}")

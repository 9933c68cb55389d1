"""The GAN on tiny pictures of bars: learning, resuming to the same bits, drawing, judging, alarms, bad input."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from firstlight import engine, systems
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import GAN, ImageClassifier
from firstlight.systems.gan_alarms import GanAlarms
from firstlight.systems.gan_batches import GanSupply
from firstlight.systems.gan_folder import read_progress
from firstlight.systems.gan_networks import GanPlan, build_discriminator, build_generator
from firstlight.systems.optimization import DivergedError
from firstlight.systems.system import Silent

TINY: dict[str, Any] = {"width": 4, "latent": 4, "batch_size": 16, "precision": "float32"}


def bars(count: int, labels: bool = False, side: int = 8, seed: int = 0) -> Split:
    """Pictures with one white bar, upright or lying."""
    random = np.random.default_rng(seed)
    images, names = [], []
    for number in range(count):
        picture = np.zeros((side, side), np.uint8)
        if number % 2:
            picture[random.integers(side)] = 255
        else:
            picture[:, random.integers(side)] = 255
        images.append(picture)
        names.append("lying" if number % 2 else "upright")
    columns: dict[str, list[Any]] = {"names": [f"{number}" for number in range(count)], "images": images}
    return Split("train", columns | ({"labels": names} if labels else {}))


class Lines(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


class StoppedError(Exception):
    """What a test ends a training with."""


class Stopping(Silent):
    """Stops a training after an epoch, as Ctrl-C or the end of the power would."""

    def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
        if epoch == 0:
            raise StoppedError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[GAN, Path]:
    """A GAN trained for three epochs, and its folder."""
    folder = tmp_path_factory.mktemp("gan") / "run"
    gan = GAN(**TINY)
    gan.fit(bars(64), epochs=3, seed=1, folder=folder, data={"source": "bars"})
    return gan, folder


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a classifier of the same pictures."""
    folder = tmp_path_factory.mktemp("judge") / "run"
    ImageClassifier("cnn", width=8, precision="float32").fit(bars(64, True), epochs=2, folder=folder)
    return folder


@pytest.fixture(scope="module")
def conditional(judge: Path) -> GAN:
    gan = GAN(**TINY, conditional=True, judge=str(judge), loss="hinge", spectral_normalization=True)
    gan.fit(bars(48, True), epochs=1)
    return gan


# -- learning --------------------------------------------------------------------------------------------------------


def test_the_history_tells_what_losses_do_not(whole: tuple[GAN, Path]) -> None:
    _, folder = whole
    header, *rows = (folder / "history.csv").read_text().splitlines()
    wanted = "discriminator_loss,generator_loss,real_accuracy,fake_accuracy,penalty,frechet_distance,variety"
    assert header == f"epoch,{wanted}"
    assert len(rows) == 3
    description = json.loads((folder / "system.json").read_text())
    assert description["epochs_done"] == 3
    assert description["chosen"] == {"precision": "float32", "mirror": True, "shift": True, "epochs": 3}


def test_a_training_that_was_stopped_ends_with_the_same_bits(whole: tuple[GAN, Path], tmp_path: Path) -> None:
    gan, folder = whole
    with pytest.raises(StoppedError):
        GAN(**TINY).fit(bars(64), epochs=3, seed=1, folder=tmp_path, progress=Stopping())
    with pytest.raises(FirstlightError, match="finished training"):
        GAN.load(tmp_path)
    again = GAN(**TINY)
    again.fit(bars(64), epochs=3, seed=1, folder=tmp_path)
    for name in ("generator", "discriminator"):
        for one, other in zip(getattr(gan, name).get_weights(), getattr(again, name).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    assert (tmp_path / "history.csv").read_text() == (folder / "history.csv").read_text()
    np.testing.assert_array_equal(read_progress(tmp_path), read_progress(folder))


def test_a_finished_run_is_not_trained_again_and_others_are_refused(whole: tuple[GAN, Path]) -> None:
    gan, folder = whole
    before = (folder / "history.csv").read_text()
    again = GAN(**TINY)
    again.fit(bars(64), epochs=3, seed=1, folder=folder, data={"source": "bars"})
    assert (folder / "history.csv").read_text() == before
    np.testing.assert_array_equal(again.sample(3), gan.sample(3))
    with pytest.raises(FirstlightError, match=r"latent \(4 there, 5 here\)"):
        GAN(**{**TINY, "latent": 5}).fit(bars(64), epochs=3, seed=1, folder=folder)
    with pytest.raises(FirstlightError, match="Expected the images"):
        GAN(**TINY).fit(bars(40), epochs=3, seed=1, folder=folder)


@pytest.mark.slow
def test_it_learns_two_kinds_of_pictures() -> None:
    """What it draws is much nearer to real pictures than what it began with, and of both kinds."""

    def halves(count: int, seed: int) -> Split:
        random = np.random.default_rng(seed)
        images = random.integers(0, 60, (count, 8, 8), np.uint8)
        images[::2, :4] += 190
        images[1::2, 4:] += 190
        return Split("train", {"names": [f"{number}" for number in range(count)], "images": list(images)})

    gan = GAN(**{**TINY, "width": 8}, generator_rate=2e-3, discriminator_rate=2e-3, average=0.95, augmentation="none")
    gan.fit(halves(256, 0), epochs=40, seed=0)
    found = gan.evaluate(halves(128, 1), train=halves(256, 0))
    assert found["frechet_distance"] < 0.3 * found["frechet_untrained"]
    upper = gan.sample(200)[:, :4].mean(axis=(1, 2, 3)) > gan.sample(200)[:, 4:].mean(axis=(1, 2, 3))
    assert 0.2 < upper.mean() < 0.8


# -- drawing ---------------------------------------------------------------------------------------------------------


def test_samples_repeat_and_the_first_do_not_depend_on_how_many(whole: tuple[GAN, Path]) -> None:
    gan, folder = whole
    many = gan.sample(300, seed=3)
    assert many.shape == (300, 8, 8, 1)
    assert many.dtype == np.uint8
    np.testing.assert_array_equal(gan.sample(5, seed=3), many[:5])
    assert (gan.sample(5, seed=4) != many[:5]).any()
    np.testing.assert_array_equal(systems.load(folder).sample(5, seed=3), many[:5])  # type: ignore[attr-defined]


def test_a_morph_begins_and_ends_with_the_pictures_of_its_seeds(whole: tuple[GAN, Path]) -> None:
    gan, _ = whole
    way = gan.morph((3, 4, 5), steps=6)
    assert way.shape == (11, 8, 8, 1)
    for place, seed in ((0, 3), (5, 4), (10, 5)):
        assert np.abs(way[place].astype(int) - gan.sample(1, seed=seed)[0].astype(int)).max() <= 1


def test_the_engine_draws_the_same_pictures(whole: tuple[GAN, Path]) -> None:
    _, folder = whole
    latent = np.random.default_rng(0).standard_normal((3, 4), dtype=np.float32)
    for name in ("generator", "discriminator"):
        stock = keras.models.load_model(folder / f"{name}.keras")
        shown = latent if name == "generator" else np.full((3, 8, 8, 1), 90, np.float32)
        own = engine.load(folder / f"{name}.keras")
        np.testing.assert_allclose(
            np.asarray(own.predict(shown)), ops.convert_to_numpy(stock(shown)), rtol=1e-3, atol=1e-2
        )


def test_the_engine_opens_conditional_networks(conditional: GAN, tmp_path: Path) -> None:
    latent, labels = np.ones((2, 4), np.float32), np.array([0, 1], np.int32)
    pictures = np.full((2, 8, 8, 1), 90, np.float32)
    for network, inputs in ((conditional.generator, [latent, labels]), (conditional.discriminator, [pictures, labels])):
        network.save(tmp_path / "network.keras")
        own = engine.load(tmp_path / "network.keras")
        found = np.asarray(own.predict(inputs))
        np.testing.assert_allclose(found, ops.convert_to_numpy(network(inputs)), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (9, 13, 1)])
def test_both_networks_fit_pictures_of_any_size(shape: tuple[int, int, int]) -> None:
    plan = GanPlan(shape, 5, 4)
    generator, discriminator = build_generator(plan), build_discriminator(plan)
    assert generator.output_shape == (None, *shape)
    assert discriminator.output_shape == (None, 1)
    assert min(plan.grids[-1]) >= 4


def test_a_conditional_gan_draws_what_is_asked_for(conditional: GAN) -> None:
    assert conditional.classes == ["lying", "upright"]
    grid = conditional.class_grid(3)
    assert grid.shape == (6, 8, 8, 1)
    np.testing.assert_array_equal(grid[3:], conditional.sample(3, label="upright"))
    turns = conditional.sample(4)
    np.testing.assert_array_equal(turns[1], conditional.sample(4, label="upright")[1])
    with pytest.raises(FirstlightError, match=r"lying, upright.*upwright.*upright"):
        conditional.sample(1, label="upwright")


def test_labels_are_not_for_a_gan_without(whole: tuple[GAN, Path]) -> None:
    with pytest.raises(FirstlightError, match="conditional=False"):
        whole[0].sample(1, label="lying")
    with pytest.raises(FirstlightError, match="conditional=True"):
        whole[0].class_grid()
    with pytest.raises(FirstlightError, match="one picture or more"):
        whole[0].sample(0)
    with pytest.raises(FirstlightError, match=r"\(pictures, 4\)"):
        whole[0].generate(np.zeros((2, 5)))
    with pytest.raises(FirstlightError, match="two seeds"):
        whole[0].morph((1,))


# -- judging ---------------------------------------------------------------------------------------------------------


def test_the_figures_stand_beside_real_and_untrained_ones(conditional: GAN) -> None:
    found = conditional.evaluate(bars(60, seed=5), train=bars(48, True))
    assert found["pictures"] == 30
    assert found["space"] == "classifier features"
    assert found["frechet_halves"] < found["frechet_untrained"]
    assert sum(found["class_shares"].values()) == pytest.approx(1)
    assert set(found["class_shares"]) == {"lying", "upright"}
    assert found["nearest_ratio"] is None  # every bar is among the training images: nothing can be said
    json.dumps(found, allow_nan=False)


def test_a_generator_of_real_pictures_is_found_to_be_perfect_and_a_copier(
    whole: tuple[GAN, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    gan, _ = whole
    random = np.random.default_rng(0)
    images = list(random.integers(0, 255, (120, 8, 8), np.uint8))
    train = Split("train", {"names": [f"{n}" for n in range(60)], "images": images[:60]})
    test = Split("test", {"names": [f"{n}" for n in range(60)], "images": images[60:]})
    monkeypatch.setattr(GAN, "sample", lambda self, count, seed=0: np.stack(images[:count])[..., None])
    found = gan.evaluate(test, train=train)
    assert found["nearest_ratio"] < 0.01
    assert found["nearer"] > 0.99
    assert found["space"] == "principal components of pixels"
    assert found["frechet_distance"] < 3 * found["frechet_halves"]


def test_too_few_images_to_judge_by(whole: tuple[GAN, Path]) -> None:
    with pytest.raises(FirstlightError, match="12 images or more"):
        whole[0].evaluate(bars(5))


def test_checks_tell_what_went_wrong(whole: tuple[GAN, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    gan, _ = whole
    names = [check["name"] for check in gan.self_checks(bars(64))]
    assert names == ["learned", "variety", "balance"]
    same = np.repeat(np.asarray(bars(1).images)[..., None], 64, axis=0)
    monkeypatch.setattr(GAN, "generate", lambda self, latent, label=None: same[: len(latent)])
    assert {check["name"]: check["passed"] for check in gan.self_checks(bars(64))}["variety"] is False


# -- alarms ----------------------------------------------------------------------------------------------------------


def test_alarms_are_told_once_and_only_when_something_is_wrong() -> None:
    def row(epoch: int, variety: float = 1.0, told: float = 0.7) -> dict[str, float]:
        return {"epoch": epoch, "variety": variety, "real_accuracy": told, "fake_accuracy": told}

    alarms = GanAlarms()
    assert alarms.look(row(1, variety=0.01)) == []  # it has only begun
    assert alarms.look(row(3)) == []
    (line,) = alarms.look(row(4, variety=0.1))
    assert "mode collapse" in line
    assert alarms.look(row(5, variety=0.1)) == []
    assert alarms.look(row(6, told=1.0)) == []
    (line,) = alarms.look(row(7, told=1.0))
    assert "tells nearly all" in line


def test_losses_that_are_not_finite_end_the_training() -> None:
    with pytest.raises(DivergedError, match="epoch 1"):
        GAN(**TINY, generator_rate=1e30, discriminator_rate=1e30).fit(bars(64), epochs=2)


# -- what it is shown ------------------------------------------------------------------------------------------------


def test_fewer_images_than_a_batch_are_learned_from() -> None:
    gan = GAN(**{**TINY, "batch_size": 64})
    history = gan.fit(bars(10), epochs=1)
    assert np.isfinite(history.rows[0]["generator_loss"])
    assert gan.sample(2).shape == (2, 8, 8, 1)


def test_an_epoch_shows_each_picture_once_with_its_label() -> None:
    from firstlight.systems.gan_preparation import prepare_gan

    prepared = prepare_gan(GAN(**TINY), bars(43, True), None, 0.1, 0, Silent())
    supply = GanSupply(prepared.pictures.train, prepared.labels, 2, 4, 3, 2, 0)
    shown = list(supply.epoch(0))
    assert len(shown) == supply.count() == 4
    for batch in shown:
        assert batch.real.shape == (2, 4, 8, 8, 1)
        assert batch.latent.shape == (2, 4, 3)
        lying = (batch.real == 255).all(axis=3).any(axis=(2, 3))
        np.testing.assert_array_equal(batch.real_labels == 0, lying)
        np.testing.assert_array_equal(np.sort(batch.labels), np.sort(batch.real_labels))
    assert (next(iter(supply.epoch(1))).latent != shown[0].latent).any()
    np.testing.assert_array_equal(next(iter(supply.epoch(0))).latent, shown[0].latent)


def test_images_of_other_sizes_are_resized_and_that_is_told() -> None:
    from firstlight.systems.gan_preparation import prepare_gan

    images = [np.full((20 + number, 30), 9 * number, np.uint8) for number in range(6)]
    split = Split("train", {"names": [f"{n}" for n in range(6)], "images": images})
    lines = Lines()
    assert prepare_gan(GAN(), split, None, 0.2, 0, lines).pictures.shape == (64, 64, 1)
    assert any("several sizes" in line and "64 x 64" in line for line in lines.lines)
    large = Split("train", {"names": ["a", "b"], "images": [np.zeros((90, 90), np.uint8)] * 2})
    assert prepare_gan(GAN(), large, None, 0.2, 0, lines).pictures.shape == (64, 64, 1)
    assert "90 x 90" in lines.lines[-1]
    assert prepare_gan(GAN(image_size=16), large, None, 0.2, 0, Silent()).pictures.shape == (16, 16, 1)


@pytest.mark.parametrize(
    ("settings", "split", "words"),
    [
        ({}, Split("train", {"names": [], "images": []}), "Received none"),
        ({}, bars(1), "two images or more"),
        ({"conditional": True}, bars(20), "images without labels"),
        ({"latent": 0}, bars(20), "latent to be 1 or more"),
        ({"loss": "hinges"}, bars(20), "hinge"),
        ({"beta_1": 1.0}, bars(20), "beta_1"),
        ({"r1": -1.0}, bars(20), "r1"),
        ({"generator_rate": 0.0}, bars(20), "generator_rate above 0"),
        ({"loss": "wgan_gp", "label_smoothing": 0.1}, bars(20), "no targets"),
        ({"loss": "wgan_gp", "spectral_normalization": True}, bars(20), "gradient_penalty=0"),
        ({"judge": "nowhere"}, bars(20), "nowhere"),
    ],
)
def test_what_cannot_be_learned_is_refused(settings: dict[str, Any], split: Split, words: str) -> None:
    with pytest.raises(FirstlightError, match=words):
        GAN(**{**TINY, **settings}).fit(split, epochs=1)


def test_one_class_is_not_enough_for_labels() -> None:
    split = bars(20, True)
    split.columns["labels"][:] = ["upright"] * 20
    with pytest.raises(FirstlightError, match="one class, 'upright'"):
        GAN(**TINY, conditional=True).fit(split, epochs=1)


def test_an_unfitted_gan_draws_nothing() -> None:
    with pytest.raises(FirstlightError, match="not"):
        GAN().sample(1)

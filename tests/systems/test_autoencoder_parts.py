"""What an autoencoder is made of: noise, ways between codes, batches, maps, settings; nothing is trained here."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import Autoencoder
from firstlight.systems.autoencoder_batches import Supply, is_symmetric
from firstlight.systems.autoencoder_choices import choose_architecture
from firstlight.systems.autoencoder_map import map_codes
from firstlight.systems.autoencoder_morphing import draw_codes, path_between
from firstlight.systems.autoencoder_noise import NOISES, with_noise
from firstlight.systems.autoencoder_preparation import Part, prepare
from firstlight.systems.autoencoder_settings import check_settings, check_size
from firstlight.systems.pictures import Pictures
from firstlight.systems.system import Silent


def part(images: Any, channels: int = 1) -> Part:
    pictures = Pictures(list(images), (*images[0].shape[:2], channels))
    return Part(pictures, np.arange(len(pictures)))


@pytest.fixture
def clean() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.3, 0.7, (40, 12, 10, 3)).astype("float32")


# -- noise ---------------------------------------------------------------------------------------------------------


def test_each_noise_does_what_it_says(clean: np.ndarray) -> None:
    made = {kind: with_noise(clean, kind, NOISES[kind], np.random.default_rng(1)) for kind in NOISES}
    for kind, noisy in made.items():
        assert noisy.shape == clean.shape, kind
        assert noisy.dtype == np.float32, kind
        assert noisy.min() >= 0, kind
        assert noisy.max() <= 1, kind
    np.testing.assert_array_equal(made["none"], clean)
    assert (made["gaussian"] - clean).std() == pytest.approx(0.1, rel=0.02)
    struck = (made["salt_and_pepper"] != clean).all(-1)
    assert struck.mean() == pytest.approx(0.1, abs=0.02)
    assert (made["salt_and_pepper"][struck] == 1).all(-1).mean() == pytest.approx(0.5, abs=0.1)
    assert (made["masking"] == 0).all(-1).mean() == pytest.approx(0.25, abs=0.03)
    assert made["blur"].std() < clean.std() / 2
    assert made["blur"].mean() == pytest.approx(clean.mean(), abs=0.01)


def test_a_blur_keeps_what_is_even_and_spreads_a_point() -> None:
    from scipy.ndimage import gaussian_filter

    point = np.zeros((1, 21, 21, 1), "float32")
    point[0, 10, 10] = 1
    blurred = with_noise(point, "blur", 1.5, np.random.default_rng(0))
    expected = gaussian_filter(point[0, ..., 0], 1.5, truncate=3.4)
    np.testing.assert_allclose(blurred[0, ..., 0], expected, atol=1e-3)
    even = np.full((2, 7, 5, 3), 0.4, "float32")
    np.testing.assert_allclose(with_noise(even, "blur", 2.0, np.random.default_rng(0)), even, atol=1e-6)


def test_a_seed_gives_the_same_noise_and_a_wrong_name_is_told(clean: np.ndarray) -> None:
    one, other = (with_noise(clean, "gaussian", 0.1, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(FirstlightError, match="Did you mean 'gaussian'"):
        with_noise(clean, "gausian", 0.1, np.random.default_rng(0))


# -- ways between codes --------------------------------------------------------------------------------------------


def test_a_straight_way_has_even_steps() -> None:
    way = path_between(np.array([0.0, 2.0]), np.array([4.0, 2.0]), 5)
    np.testing.assert_allclose(way, [[0, 2], [1, 2], [2, 2], [3, 2], [4, 2]])


def test_a_spherical_way_keeps_the_length_and_turns_evenly() -> None:
    random = np.random.default_rng(0)
    one, other = random.standard_normal((2, 16))
    one, other = one / np.linalg.norm(one), 2 * other / np.linalg.norm(other)
    way = path_between(one, other, 9, "spherical")
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.linspace(1, 2, 9), rtol=1e-5)
    directions = way / np.linalg.norm(way, axis=1, keepdims=True)
    angles = np.arccos((directions[1:] * directions[:-1]).sum(1).clip(-1, 1))
    np.testing.assert_allclose(angles, angles.mean(), rtol=1e-3)
    np.testing.assert_allclose(way[[0, -1]], [one, other], atol=1e-6)


@pytest.mark.parametrize("pair", [([1.0, 0.0], [-1.0, 0.0]), ([1.0, 0.0], [2.0, 0.0]), ([0.0, 0.0], [1.0, 1.0])])
def test_where_there_is_no_one_circle_the_way_is_straight(pair: Any) -> None:
    one, other = map(np.array, pair)
    np.testing.assert_array_equal(path_between(one, other, 4, "spherical"), path_between(one, other, 4))


def test_a_way_of_one_step_or_by_another_name_is_refused() -> None:
    with pytest.raises(FirstlightError, match="two steps"):
        path_between(np.zeros(2), np.ones(2), 1)
    with pytest.raises(FirstlightError, match="spherical"):
        path_between(np.zeros(2), np.ones(2), 3, "sphere")


def test_codes_are_drawn_with_the_spread_that_is_asked_for() -> None:
    covariance = np.array([[4.0, 1.5], [1.5, 1.0]])
    drawn = draw_codes(20_000, np.array([3.0, -1.0]), covariance, seed=0)
    np.testing.assert_allclose(drawn.mean(0), [3, -1], atol=0.05)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), covariance, atol=0.1)
    np.testing.assert_array_equal(drawn, draw_codes(20_000, np.array([3.0, -1.0]), covariance, seed=0))
    with pytest.raises(FirstlightError, match="one sample"):
        draw_codes(0, np.zeros(2), np.eye(2), 0)


def test_a_map_keeps_near_what_is_near() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.eye(3, 10) * 8, 20, axis=0)
    codes = groups + random.standard_normal((60, 10)) * 0.3
    for method in ("pca", "tsne"):
        places = map_codes(codes, method).reshape(3, 20, 2)
        inside = np.linalg.norm(places - places.mean(1, keepdims=True), axis=2).max()
        middles = places.mean(1)
        apart = min(np.linalg.norm(middles[one] - middles[other]) for one, other in ((0, 1), (0, 2), (1, 2)))
        assert apart > 2 * inside, method
    assert map_codes(codes[:1]).shape == (1, 2)
    with pytest.raises(FirstlightError, match="tsne"):
        map_codes(codes, "umap")


# -- batches and preparation ---------------------------------------------------------------------------------------


def test_an_epoch_shows_every_picture_once_and_only_what_is_shown_is_noisy() -> None:
    images = [np.full((4, 4), number, np.uint8) for number in range(10)]
    supply = Supply(part(images), 5, seed=3, noise="masking", strength=0.5, draws=7)
    batches = list(supply.epoch(0))
    assert supply.count() == len(batches) == 2
    wanted = np.concatenate([batch["wanted"] for batch in batches])
    assert sorted(wanted[:, 0, 0, 0]) == list(range(10))
    shown = np.concatenate([batch["shown"] for batch in batches])
    assert ((shown == 0) | np.isclose(shown, wanted)).all()
    assert 0.3 < (shown[wanted > 0] == 0).mean() < 0.7
    assert batches[0]["draws"].shape == (5, 7)
    again = list(supply.epoch(0))
    np.testing.assert_array_equal(again[1]["shown"], batches[1]["shown"])
    assert any((one["wanted"] != other["wanted"]).any() for one, other in zip(batches, supply.epoch(1), strict=True))


def test_pictures_are_mirrored_half_of_the_time() -> None:
    picture = np.arange(30, dtype=np.uint8).reshape(5, 6)
    seen = next(iter(Supply(part([picture] * 200), 200, seed=0, mirror=True).epoch(0)))["wanted"][..., 0]
    turned = (seen == picture[:, ::-1]).all((1, 2))
    assert (turned | (seen == picture).all((1, 2))).all()
    assert 0.35 < turned.mean() < 0.65


def test_symmetric_pictures_are_told_from_others() -> None:
    random = np.random.default_rng(0)
    across = np.linspace(0, 1, 12)
    sizes = random.uniform(0.5, 1, (60, 1, 1))
    bumps = [np.exp(-((across - middle) ** 2) / 0.01) for middle in (0.2, 0.8)]
    even = sizes * (bumps[0] + bumps[1]) * np.ones((60, 12, 1))
    uneven = sizes * bumps[0] * np.ones((60, 12, 1))
    noise = random.normal(0, 0.02, (60, 12, 12))
    for values, expected in ((even, True), (uneven, False)):
        pictures = np.rint(255 * (0.8 * values + noise).clip(0, 1)).astype(np.uint8)
        assert is_symmetric(part(pictures)) is expected


def test_broken_pictures_are_told_and_passed_over(tmp_path: Path) -> None:
    from PIL import Image

    for number, (mode, size) in enumerate([("L", (20, 30)), ("RGB", (40, 20)), ("L", (9, 9)), ("RGB", (200, 90))]):
        Image.new(mode, size, 90 if mode == "L" else (200, 30, 30)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    paths = sorted(map(str, tmp_path.iterdir()))
    split = Split("train", {"names": paths, "images": paths})
    told: list[str] = []

    class Tells(Silent):
        def message(self, text: str) -> None:
            told.append(text)

    prepared = prepare(Autoencoder(), split, None, 0.25, 0, Tells())
    assert prepared.shape == (64, 64, 3), "grey and colour, of many sizes"
    assert (len(prepared.train), len(prepared.validation)) == (3, 1)
    assert len(told) == 1
    assert "broken.png" in told[0]
    assert prepare(Autoencoder(channels="grey"), split, None, 0.25, 0, Silent()).shape == (64, 64, 1)
    assert prepare(Autoencoder(image_size=20), split, None, 0.25, 0, Silent()).shape == (20, 20, 3)


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    one = Split("train", {"names": ["a"], "images": [np.zeros((8, 8), np.uint8)]})
    none = Split("train", {"names": [], "images": []})
    broken = Split("train", {"names": ["a"], "images": [str(tmp_path / "gone.png")]})
    for split, match in ((one, "two images or more"), (none, "Received none"), (broken, "none of them readable")):
        with pytest.raises(FirstlightError, match=match):
            prepare(Autoencoder(), split, None, 0.1, 0, Silent())
    assert len(prepare(Autoencoder(), one, one, 0.1, 0, Silent()).train) == 1, (
        "with a picture that decides, one is enough"
    )


# -- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"code": 0}, "code to be 1 or more"),
        ({"architecture": "dens"}, "Did you mean 'dense'"),
        ({"noise": "snow"}, "noise to be one of"),
        ({"noise": "masking", "noise_strength": 2.0}, "share of pixels"),
        ({"dropout": 1.0}, "dropout"),
        ({"beta": -1.0}, "beta to be 0 or more"),
        ({"active_share": 0.0}, "active_share"),
        ({"variational": True, "sparsity": "l1"}, "variational or sparsity"),
        ({"architecture": "linear", "variational": True}, "linear autoencoder without"),
        ({"schedule": "one_cycle", "warm_up": 0.1}, "rises by itself"),
        ({"learning_rate": -1.0}, "learning_rate above 0"),
        ({"image_size": 2}, "image_size to be 4 or more"),
        ({"code": 3.5}, "code to be a whole number"),
    ],
)
def test_settings_that_cannot_be_are_told(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(FirstlightError, match=match):
        check_settings(Autoencoder(**settings), {})


def test_a_code_that_could_hold_the_picture_is_refused_unless_something_keeps_it_from_that() -> None:
    with pytest.raises(FirstlightError, match=r"4 x 4 x 1 = 16 values.*Received 16 units"):
        check_size(Autoencoder(code=16), (4, 4, 1))
    check_size(Autoencoder(code=15), (4, 4, 1))
    check_size(Autoencoder(code=40, noise="gaussian"), (4, 4, 1))


def test_auto_looks_at_the_size() -> None:
    sizes = [choose_architecture(Autoencoder(), (side, side, 3)) for side in (8, 32, 64, 200)]
    assert sizes == ["dense", "dense", "deep", "conv"]
    assert choose_architecture(Autoencoder("conv"), (8, 8, 1)) == "conv"

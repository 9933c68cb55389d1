"""The figures: files appear whole, show what they were given, and leave matplotlib's global state alone."""

from pathlib import Path

import numpy as np
import pytest

from firstlight import plots
from firstlight.plots import curves, looks
from tests.plots.pictures import near, pixels


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(90, 160, (60, 80, 3), np.uint8)


def test_curves_show_every_series(tmp_path: Path) -> None:
    history = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.4, 2.3], "cider": [0.1, 0.4, 0.3]}
    plots.training_curves(history, tmp_path / "new" / "curves.png")
    picture = pixels(tmp_path / "new" / "curves.png")
    for colour in (curves._TRAIN, curves._VALIDATION, curves._SCORE):
        assert near(picture, colour).sum() > 200
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["curves.png"]


def test_a_history_of_a_classifier_shows_both_losses_and_the_accuracy(tmp_path: Path) -> None:
    history = {
        "epoch": [1, 2, 3],
        "stage": ["features", "features", "fine-tuning"],
        "loss": [2.0, 1.0, 0.5],
        "learning_rate": [0.1, 0.1, 0.01],
        "accuracy": [0.5, 0.75, 0.75],
        "validation_loss": [2.0, 1.5, 1.6],
        "seconds": [1.0, 1.0, 1.0],
    }
    panels = curves._panels(history, later=2)
    assert {name: [curve.label for curve in each] for name, each in panels.items()} == {
        "loss": ["training", "validation"],
        "accuracy": [""],
    }
    assert panels["loss"][0].values.tolist() == history["loss"], "cross-entropy stays cross-entropy in the second stage"
    best = curves._best(panels)
    assert best is not None
    assert (best.panel, best.epoch) == ("accuracy", 1), "of equal accuracies, the one of the lower loss"
    plots.training_curves(history, tmp_path / "curves.png")
    picture = pixels(tmp_path / "curves.png")
    for colour in (curves._TRAIN, curves._VALIDATION, curves._SCORE):
        assert near(picture, colour).sum() > 200


def test_any_number_of_a_history_has_a_panel(tmp_path: Path) -> None:
    numbers = ("generator_loss", "discriminator_loss", "frechet_distance", "precision", "recall")
    history = {**{name: [2.0, 1.0] for name in numbers}, "kind": ["a", "b"], "nothing": [None, None]}
    assert tuple(curves._panels(history, None)) == numbers
    plots.training_curves(history, tmp_path / "five.png")
    assert pixels(tmp_path / "five.png").shape[0] == pytest.approx(2 * 3.8 * 150, abs=2)
    history = {"divergence": [1.0, 3.0, 2.0], "loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 2.0, 2.5]}
    panels = curves._panels(history, None)
    assert list(panels) == ["loss", "divergence"], "the loss comes first"
    best = curves._best(panels)
    assert best is not None
    assert (best.panel, best.epoch) == ("loss", 1)


def test_curves_mark_the_best_epoch(tmp_path: Path) -> None:
    """The point of the best epoch is the largest blob: moving the best epoch moves it."""
    centres = []
    for scores in ([0.5, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1, 0.5]):
        plots.training_curves({"loss": [1.0] * 5, "cider": scores}, tmp_path / "curves.png")
        picture = near(pixels(tmp_path / "curves.png"), curves._SCORE)
        below_title = picture[60:, picture.shape[1] // 2 :]
        top = below_title[: below_title.shape[0] // 4]
        centres.append(np.nonzero(top)[1].mean())
    assert centres[0] < centres[1] - 300


def test_a_second_stage_is_shaded_and_its_loss_left_out(tmp_path: Path) -> None:
    history = {"stage": ["one"] * 4 + ["two"] * 2, "loss": [3.0, 2.0, 1.5, 1.4, 900.0, -900.0], "cider": [0.1] * 6}
    plots.training_curves(history, tmp_path / "both.png")
    plots.training_curves({**history, "loss": [*history["loss"][:4], None, None]}, tmp_path / "first.png")
    assert (pixels(tmp_path / "both.png") == pixels(tmp_path / "first.png")).all()
    plots.training_curves({**history, "stage": ["one"] * 6}, tmp_path / "plain.png")
    assert (pixels(tmp_path / "both.png") != pixels(tmp_path / "plain.png")).any()


def test_curves_without_scores_or_with_one_epoch(tmp_path: Path) -> None:
    plots.training_curves({"loss": [2.0]}, tmp_path / "one.png")
    plots.training_curves({"loss": [2.0], "val_loss": [2.0], "cider": [0.0]}, tmp_path / "two.png")
    plots.training_curves({}, tmp_path / "none.png")
    plots.training_curves({"loss": [2.0, None], "cider": [None, 0.3], "val_loss": [None, None]}, tmp_path / "gaps.png")
    assert pixels(tmp_path / "gaps.png").shape == pixels(tmp_path / "two.png").shape
    assert pixels(tmp_path / "two.png").shape[1] > pixels(tmp_path / "one.png").shape[1]


def test_attention_glows_where_the_network_looked(tmp_path: Path, photo: np.ndarray) -> None:
    corner = np.zeros((7, 7))
    corner[0, 0] = 1
    lit = looks._spotlight(photo, corner).astype(int)
    warmth = lit[..., 0] - lit[..., 2]
    assert warmth[:8, :8].mean() > warmth[30:, 40:].mean() + 40
    even = looks._spotlight(photo, np.full((7, 7), 1 / 49)).astype(int)
    assert np.ptp((even[..., 0] - even[..., 2]).reshape(-1, 20).mean(axis=1)) < 40, "an even look shows no place"


@pytest.mark.parametrize("words", [1, 4, 12])
def test_attention_has_a_panel_a_word(tmp_path: Path, photo: np.ndarray, words: int) -> None:
    maps = [np.full((7, 7), 1 / 49)] * words
    plots.attention(photo, ["dog"] * words, maps, [0.5] * words, tmp_path / "looks.png")
    picture = pixels(tmp_path / "looks.png")
    columns = min(words + 1, 5)
    assert picture.shape[1] == pytest.approx(2.2 * columns * 150, abs=2)
    middles = (np.arange(columns) + 0.5) / columns * picture.shape[1]
    assert all((picture[:, int(middle)] < 250).any() for middle in middles)


def test_contact_sheet_wraps_and_holds_every_image(tmp_path: Path) -> None:
    colours = [(200, 30, 30), (30, 160, 30), (30, 30, 200), (200, 160, 30), (150, 30, 150)]
    images = [np.full((40 + 10 * row, 60, 3), colour, np.uint8) for row, colour in enumerate(colours)]
    long = "a very long caption that goes on and on until it must be folded into lines"
    captions = [["short", "and another"], [long], [""], ["x" * 80], []]
    plots.contact_sheet(
        images, captions, tmp_path / "new" / "sheet.png", columns=3, names=["a", "b", "c" * 90, "", "e"]
    )
    picture = pixels(tmp_path / "new" / "sheet.png")
    for red, green, blue in colours:
        assert near(picture, f"#{red:02x}{green:02x}{blue:02x}", 4).sum() > 10_000
    edge = np.concatenate([picture[:, :30].reshape(-1, 3), picture[:, -30:].reshape(-1, 3)])
    assert len(np.unique(edge, axis=0)) == 1, "nothing runs over the sides"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sheet.png"]


def test_contact_sheet_says_what_cannot_be_read_and_takes_a_title(tmp_path: Path, photo: np.ndarray) -> None:
    plots.contact_sheet([photo, None], [["one"], ["two"]], tmp_path / "plain.png")
    plots.contact_sheet([photo, None], [["one"], ["two"]], tmp_path / "titled.png", title="Two pictures, 二枚")
    plain, titled = pixels(tmp_path / "plain.png"), pixels(tmp_path / "titled.png")
    assert titled.shape[0] > plain.shape[0]
    assert titled.shape[1] == plain.shape[1]
    plots.contact_sheet([], [], tmp_path / "empty.webp")
    assert pixels(tmp_path / "empty.webp").shape[2] == 3


def test_dollars_in_captions_are_no_formula(tmp_path: Path, photo: np.ndarray) -> None:
    plots.attention(photo, ["$x$", "$\\broken{"], [np.full((2, 2), 0.25)] * 2, [1.0, 0.0], tmp_path / "looks.png")


def test_global_style_is_untouched(tmp_path: Path, photo: np.ndarray) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.attention(photo, ["a"], [np.full((2, 2), 0.25)], [1.0], tmp_path / "looks.png")
    plots.contact_sheet([photo], [["a"]], tmp_path / "sheet.png")
    assert dict(matplotlib.rcParams) == before

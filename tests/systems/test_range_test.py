"""The range test: on problems whose best rate is known, on real systems, and what it refuses."""

import csv
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from firstlight import data
from firstlight.errors import FirstlightError
from firstlight.systems import Captioner, ImageClassifier
from firstlight.systems.range_test import RangeTest, Span, range_test
from firstlight.systems.smoothing import running_mean, smoothed

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2


def quadratic(curvatures: np.ndarray, seed: int = 0) -> Any:
    """Gradient descent on half the sum of curvature * x^2, which diverges above 2 / the largest curvature."""
    place = np.random.default_rng(seed).normal(size=len(curvatures)) + 3

    def step(rate: float) -> float:
        nonlocal place
        loss = float(0.5 * (curvatures * place**2).sum())
        place = place - rate * curvatures * place
        return loss

    return step


@pytest.mark.parametrize("largest", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("spread", [1.0, 100.0])
def test_the_suggestion_is_below_the_rate_of_divergence(largest: float, spread: float) -> None:
    limit = 2 / largest
    found = range_test(quadratic(np.geomspace(largest / spread, largest, 20)), Span(1e-5 * limit, 1e3 * limit, 200))
    assert found.ended == "diverged"
    assert found.rates[-1] > limit, "it diverges only above the limit"
    assert found.rates[-1] < 10 * limit
    assert found.suggestion < limit
    assert found.suggestion > limit / 100, "and no rate is suggested that learns nothing"
    assert found.suggestion == min(found.steepest, found.tenth)
    assert found.steepest <= found.minimum


def test_rates_grow_by_a_factor() -> None:
    span = Span(1e-4, 1.0, 41)
    asked = []
    range_test(lambda rate: asked.append(rate) or 1.0, span)  # type: ignore[func-returns-value]
    np.testing.assert_allclose(asked, np.geomspace(1e-4, 1, 41))


def test_a_loss_that_is_not_finite_ends_it() -> None:
    losses = iter([*np.linspace(2, 1, 30), float("nan")])
    found = range_test(lambda rate: next(losses))
    assert (found.ended, len(found.losses)) == ("not finite", 30)
    with pytest.raises(FirstlightError, match="Pass a smaller lowest rate"):
        range_test(lambda rate: float("inf"))


@pytest.mark.parametrize(
    ("span", "told"), [(Span(0.1, 0.01), "below the highest"), (Span(0, 1), "above 0"), (Span(1e-3, 1, 5), "20 steps")]
)
def test_what_is_no_span_is_told(span: Span, told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        range_test(lambda rate: 1.0, span)


def test_a_linear_model_of_keras_at_its_known_limit() -> None:
    """Least squares by full-batch gradient descent: the Hessian of the mean squared error is 2 X'X / n."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(64, 5)).astype("float32") * np.array([1, 1, 2, 2, 3], "float32")
    targets = inputs @ random.normal(size=(5, 1)).astype("float32")
    limit = 2 / np.linalg.eigvalsh(2 * inputs.T @ inputs / len(inputs)).max()
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.0), "mse")

    def step(rate: float) -> float:
        model.optimizer.learning_rate = rate
        return float(model.train_on_batch(inputs, targets))

    found = range_test(step, Span(1e-5, 100.0, 150))
    assert found.ended == "diverged"
    assert limit < found.rates[-1] < 10 * limit
    assert limit / 100 < found.suggestion < limit


def test_the_table_is_written(tmp_path: Path) -> None:
    found = range_test(quadratic(np.ones(3)), Span(1e-4, 10, 50))
    found.save(tmp_path / "new" / "rates.csv")
    rows = list(csv.DictReader((tmp_path / "new" / "rates.csv").read_text().splitlines()))
    np.testing.assert_allclose([float(row["rate"]) for row in rows], found.rates)
    np.testing.assert_allclose([float(row["smoothed"]) for row in rows], found.smooth)


# -- smoothing ---------------------------------------------------------------------------------------------------


def test_a_constant_stays_what_it_is_however_it_is_smoothed() -> None:
    np.testing.assert_allclose(running_mean([3.0] * 20, 5), 3)
    np.testing.assert_allclose(smoothed([3.0] * 20, 50), 3)
    np.testing.assert_array_equal(smoothed([1.0, 5.0], 0), [1, 5])


def test_smoothing_shifts_nothing_and_the_running_mean_knows_no_future() -> None:
    peak = np.zeros(41)
    peak[20] = 1
    around = smoothed(peak, 3)
    assert around.argmax() == 20
    np.testing.assert_allclose(around, around[::-1])
    np.testing.assert_allclose(running_mean(peak, 3)[:20], 0)
    decay = np.exp(-1 / 3)
    expected = (1 - decay) * decay ** (40 - 20) / (1 - decay**41)
    assert running_mean(peak, 3)[40] == pytest.approx(expected)


# -- systems -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_classifier_is_tested_and_stays_as_it_is() -> None:
    digits = data.load("digits", task="labels").train.take(range(300))
    settings: dict[str, Any] = {"architecture": "mlp", "width": 32, "depth": 1, "precision": "float32"}
    classifier = ImageClassifier(**settings, optimizer="sgd", augmentation="none", batch_size=32)
    classifier.fit(digits, epochs=1)
    before = [np.array(value) for value in classifier.network.get_weights()]
    found = classifier.find_learning_rate(digits, lowest=1e-5, highest=1e4, steps=80)
    for value, now in zip(before, classifier.network.get_weights(), strict=True):
        np.testing.assert_array_equal(value, now)
    assert isinstance(found, RangeTest)
    assert found.ended in ("diverged", "not finite")
    assert 1e-3 < found.suggestion < 1
    assert found.smooth.min() < 0.8 * found.losses[:10].mean(), "it learned on the way"
    again = ImageClassifier(**settings, optimizer="sgd", augmentation="none", batch_size=32)
    np.testing.assert_array_equal(
        again.find_learning_rate(digits, lowest=1e-5, highest=1e4, steps=80).losses, found.losses
    )
    with pytest.raises(FirstlightError, match="fitted"):
        again.classify(digits.images[0])


@pytest.mark.slow
def test_the_copy_learns_at_the_rates_that_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the optimizer itself, whatever the system's schedule is."""
    from firstlight.systems import classifier_training

    seen: list[float] = []

    class Spied(classifier_training.ClassTrainer):
        def train_on_batch(self, *arguments: Any, **options: Any) -> Any:
            seen.append(float(keras.ops.convert_to_numpy(self.optimizer.learning_rate)))
            return super().train_on_batch(*arguments, **options)

    monkeypatch.setattr(classifier_training, "ClassTrainer", Spied)
    digits = data.load("digits", task="labels").train.take(range(60))
    classifier = ImageClassifier("linear", precision="float32", schedule="cosine", warm_up=0.5, batch_size=30)
    found = classifier.find_learning_rate(digits, lowest=1e-4, highest=1.0, steps=20)
    np.testing.assert_allclose(seen[: len(found.rates)], found.rates, rtol=1e-4)


@pytest.mark.slow
def test_a_captioner_is_tested(tiny_scenes: Any, tiny_settings: dict[str, Any]) -> None:
    captioner = Captioner(**{**tiny_settings, "batch_size": 1, "optimizer": "sgd"})
    found = captioner.find_learning_rate(tiny_scenes.train, lowest=1e-4, highest=1e6, steps=24)
    assert 3 <= len(found.rates) <= 24
    assert not getattr(captioner, "description", None)

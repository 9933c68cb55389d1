"""The step of a GAN: its losses, penalties of second order and spectral layers; one step for all back ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from firstlight.systems.gan_gradients import compiled_step, with_input_gradient, with_way_back
from firstlight.systems.gan_losses import LOSSES, discriminator_loss, generator_losses, gradient_penalty, r1_penalty
from firstlight.systems.gan_networks import GanPlan, build_discriminator, build_generator, stock_discriminator
from firstlight.systems.gan_spectral import SpectralConv2D, SpectralDense
from firstlight.systems.gan_step import TOLD, Aim, GanBatch, GanStep

ROOT = Path(__file__).resolve().parents[2]
UNOPTIMIZED = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # compiled once, used once
BATCH, LATENT, SIDE = 4, 3, 8


def batch(steps: int = 1, seed: int = 0, labels: bool = False) -> GanBatch:
    random = np.random.default_rng(seed)
    return GanBatch(
        random.uniform(0, 255, (steps, BATCH, SIDE, SIDE, 1)).astype("float32"),
        random.integers(0, 2, (steps, BATCH)).astype("int32"),
        random.standard_normal((steps, BATCH, LATENT), dtype=np.float32),
        random.integers(0, 2, (steps, BATCH)).astype("int32"),
        random.random((steps, BATCH, 1, 1, 1), dtype=np.float32),
        random.integers(-1, 2, (steps, 3, BATCH, 2), dtype=np.int32),
    )


def step(aim: Aim, classes: int = 0, spectral: bool = False) -> GanStep:
    """Both networks with weights that are the same on every back end."""
    plan = GanPlan((SIDE, SIDE, 1), LATENT, 4, classes, spectral)
    networks = build_generator(plan, training=True), build_discriminator(plan, training=True)
    random = np.random.default_rng(5)
    for network in networks:
        for variable in network.trainable_variables:
            start = 1.0 if variable.name == "gamma" else 0.0
            variable.assign(start + 0.1 * random.standard_normal(variable.shape))
        for variable in network.non_trainable_variables:
            if variable.name == "direction":
                variable.assign(random.standard_normal(variable.shape))
    sgd = keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05)
    return GanStep(*networks, sgd, aim, classes > 0)


CASES: dict[str, tuple[Aim, int, bool, int]] = {
    "wgan_gp": (Aim("wgan_gp"), 0, False, 2),
    "hinge, spectral, conditional": (Aim("hinge", r1=1.0, r1_every=2, shift=1), 2, True, 1),
}


def told(name: str) -> list[dict[str, float]]:
    """Three steps, and a number that all weights of both networks go into."""
    aim, classes, spectral, steps = CASES[name]
    taken = step(aim, classes, spectral)
    found = [taken(batch(steps, seed), seed) for seed in range(3)]
    both = [*taken.generator.weights, *taken.discriminator.weights]
    total = sum(float(np.abs(ops.convert_to_numpy(weight)).sum()) for weight in both if "seed" not in weight.name)
    return [*found, {"weights": total}]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax"])
def test_every_back_end_takes_the_same_steps(backend: str) -> None:
    """Losses, penalties with gradients of gradients, running means and weights after three steps."""
    program = (
        "import json, sys; sys.path.insert(0, 'tests/systems'); import test_gan_step as t; "
        "print(json.dumps({name: t.told(name) for name in t.CASES}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "XLA_FLAGS": UNOPTIMIZED},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    other = json.loads(done.stdout.splitlines()[-1])
    for name in CASES:
        for mine, theirs in zip(told(name), other[name], strict=True):
            assert theirs == pytest.approx(mine, rel=2e-3, abs=2e-4), name


def test_a_gradient_of_a_gradient_is_that_of_the_formula() -> None:
    """f(x) = w x^2 a row: the gradient by x is 2 w x, and the gradient of its square by w is 8 w x^2."""
    weight = keras.Variable(np.float32(3.0))

    def learn(x: Any) -> Any:
        def penalty() -> Any:
            _, gradients = with_input_gradient(lambda rows: weight * ops.sum(rows * rows, axis=1), x)
            return ops.sum(ops.square(gradients))

        found, back = with_way_back(penalty, [weight], [])
        return ops.stack([found, back(ops.ones(()))[0]])

    x = np.array([[1.0], [2.0]], "float32")
    np.testing.assert_allclose(compiled_step(learn, [weight])(x), [4 * 9 * 5, 8 * 3 * 5])


def test_what_a_function_changes_beside_is_changed_once() -> None:
    mean, weight = keras.Variable(np.float32(0.0)), keras.Variable(np.float32(2.0))

    def learn(x: Any) -> Any:
        def follow() -> Any:
            mean.assign(mean + 1.0)
            return weight * ops.sum(x)

        found, back = with_way_back(follow, [weight], [mean])
        weight.assign(weight - back(ops.ones(()))[0])
        return found

    program = compiled_step(learn, [mean, weight])
    assert [float(program(np.ones(3, "float32"))) for _ in range(2)] == [6.0, -3.0]
    assert float(mean.numpy() if hasattr(mean, "numpy") else mean) == 2.0


def test_losses_by_hand() -> None:
    real, fake = np.array([0.0, 2.0], "float32"), np.array([-1.0, 0.5], "float32")

    def softplus(x: np.ndarray) -> np.ndarray:
        return np.log1p(np.exp(x))

    found = {kind: float(discriminator_loss(kind, real, fake)) for kind in LOSSES}
    assert found == pytest.approx(
        {
            "non_saturating": softplus(-real).mean() + softplus(fake).mean(),
            "hinge": 0.5 * (1 + 0) + 0.5 * (0 + 1.5),
            "wgan_gp": -0.25 - 1.0,
            "least_squares": 0.5 * (1 + 1) / 2 + 0.5 * (1 + 0.25) / 2,
        },
        rel=1e-5,
    )
    # The cross-entropy with a target of 0.9 for real pictures.
    share = 1 / (1 + np.exp(-real))
    smooth = -(0.9 * np.log(share) + 0.1 * np.log(1 - share)).mean() + softplus(fake).mean()
    assert float(discriminator_loss("non_saturating", real, fake, 0.1)) == pytest.approx(smooth, rel=1e-5)
    np.testing.assert_allclose(generator_losses("non_saturating", fake), softplus(-fake), rtol=1e-5)
    np.testing.assert_allclose(generator_losses("hinge", fake), -fake)


def test_penalties_of_a_plane_are_known() -> None:
    """Scores that are a sum of pixels times 2/127.5 have a gradient of length 2 sqrt(pixels) for pictures of -1..1."""

    def score(pictures: Any) -> Any:
        return ops.sum(pictures, axis=(1, 2, 3)) * (2 / 127.5)

    real = ops.convert_to_tensor(np.random.default_rng(0).uniform(0, 255, (3, 4, 4, 1)).astype("float32"))
    assert float(r1_penalty(score, real)) == pytest.approx(0.5 * 4 * 16, rel=1e-4)
    shares = ops.full((3, 1, 1, 1), 0.5)
    assert float(gradient_penalty(score, real, real * 0, shares)) == pytest.approx((2 * 4 - 1) ** 2, rel=1e-4)


def test_the_first_update_goes_down_both_losses() -> None:
    taken = step(Aim())
    shown = batch()
    first = taken(shown, 1)
    for number in range(30):
        last = taken(shown, number + 2)
    assert tuple(first) == TOLD
    assert last["discriminator_loss"] != first["discriminator_loss"]
    # Only the discriminator: what it cannot answer to, it learns to tell.
    alone = step(Aim())
    alone.generator_optimizer.learning_rate = 0.0
    before = alone(shown, 1)["discriminator_loss"]
    for number in range(60):
        after = alone(shown, number + 2)
    assert after["discriminator_loss"] < before - 0.1
    assert after["real_accuracy"] == after["fake_accuracy"] == 1


def test_r1_is_looked_at_now_and_then() -> None:
    taken = step(Aim(r1=1.0, r1_every=2))
    penalties = [taken(batch(seed=number), number)["penalty"] for number in range(4)]
    assert [value > 0 for value in penalties] == [True, False, True, False]


@pytest.mark.parametrize("layer", [SpectralDense(5), SpectralConv2D(5, 3, padding="same")])
def test_spectral_layers_have_a_largest_singular_value_of_one(layer: Any) -> None:
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).standard_normal((2, 6, 6, 3) if isinstance(layer, SpectralConv2D) else (2, 7))
    layer.build(x.shape)
    layer._kernel.assign(7 * layer._kernel)
    for _ in range(60):
        layer(x.astype("float32"), training=True)
    kernel = ops.convert_to_numpy(layer.divided(False)).reshape(-1, 5)
    assert np.linalg.svd(kernel, compute_uv=False)[0] == pytest.approx(1, abs=0.01)
    direction = ops.convert_to_numpy(layer.direction)
    layer(x.astype("float32"), training=False)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.direction), direction)


def test_a_spectral_discriminator_is_saved_in_stock_layers() -> None:
    taken = step(CASES["hinge, spectral, conditional"][0], 2, True)
    taken(batch(), 0)
    stock = stock_discriminator(GanPlan((SIDE, SIDE, 1), LATENT, 4, 2, True), taken.discriminator)
    shown = batch()
    inputs = [shown.real[0], shown.real_labels[0]]
    np.testing.assert_allclose(
        ops.convert_to_numpy(stock(inputs)), ops.convert_to_numpy(taken.discriminator(inputs)), atol=1e-5
    )
    assert not any(type(layer).__name__.startswith("Spectral") for layer in stock.layers)

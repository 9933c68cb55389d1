"""Losses of two weights: gradients, minima and curvature as their formulas say, maps that agree with single places."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from firstlight.engine import Tensor, gradcheck, ops, surfaces
from firstlight.engine.surfaces import SURFACES, Surface
from firstlight.errors import FirstlightError

KINDS: dict[str, Surface] = {
    **{name: make() for name, make in SURFACES.items()},
    "steep valley": surfaces.valley(400.0),
    "turned valley": surfaces.valley(9.0, angle=30.0),
    "gentle rosenbrock": surfaces.rosenbrock(5.0),
    "other data": surfaces.two_weights(samples=12, seed=3),
}


@pytest.fixture(params=KINDS)
def surface(request: Any) -> Surface:
    return KINDS[request.param]


def curvature(surface: Surface, x: float, y: float, step: float = 1e-5) -> np.ndarray:
    """The eigenvalues of the Hessian, by differences of gradients, from the least."""
    rows = [
        (surface.gradient(x + step * a, y + step * b) - surface.gradient(x - step * a, y - step * b)) / (2 * step)
        for a, b in ((1, 0), (0, 1))
    ]
    return np.linalg.eigvalsh(np.array(rows))


def test_gradients_are_those_of_finite_differences(surface: Surface) -> None:
    random = np.random.default_rng(0)
    (left, right), (bottom, top) = surface.bounds
    for _ in range(5):
        place = [np.array(random.uniform(left, right)), np.array(random.uniform(bottom, top))]
        assert gradcheck(surface.loss, place).error < 1e-7
        x, y = map(float, place)
        forth, back = surface.loss([x + 1e-5, x], [y, y + 1e-5]), surface.loss([x - 1e-5, x], [y, y - 1e-5])
        np.testing.assert_allclose(surface.gradient(x, y), (forth - back) / 2e-5, rtol=1e-5, atol=1e-6)


def test_the_minima_are_the_lowest_places(surface: Surface) -> None:
    for place in surface.minima:
        assert np.abs(surface.gradient(*place)).max() < 1e-12
        assert curvature(surface, *place)[0] > 0
        assert surface.loss(*place) == pytest.approx(surface.lowest, abs=1e-15)
    assert surface.grid(301)[2].min() >= surface.lowest


def test_a_map_has_the_loss_of_every_place(surface: Surface) -> None:
    columns, rows, values = surface.grid(7)
    assert values.shape == (7, 7)
    assert ((columns[0], columns[-1]), (rows[0], rows[-1])) == surface.bounds
    for row, y in enumerate(rows):
        for column, x in enumerate(columns):
            alone = surface.loss(Tensor(x), Tensor(y))
            assert values[row, column] == pytest.approx(float(alone), rel=1e-12)


def test_a_map_reaches_to_a_place_outside() -> None:
    columns, rows, _ = surfaces.saddle().grid(5, around=(-7.0, 0.5))
    assert columns[0] < -7 < columns[1]
    assert (columns[-1], rows[0], rows[-1]) == (1, -1.5, 1.5)


def test_the_formulas() -> None:
    assert surfaces.valley(25.0).loss(2, 3) == (4 + 25 * 9) / 2
    assert surfaces.saddle().loss(2, 3) == 2 + 81 / 4 - 9 / 2
    assert surfaces.rosenbrock().loss(*surfaces.rosenbrock().start) == pytest.approx(24.2)  # as the paper has it
    assert "25 y²" in surfaces.valley().formula
    assert "30°" in KINDS["turned valley"].formula


@pytest.mark.parametrize("angle", [0.0, 30.0, -75.0])
def test_a_valley_is_as_steep_as_asked_for_whichever_way_it_lies(angle: float) -> None:
    valley = surfaces.valley(40.0, angle)
    np.testing.assert_allclose(curvature(valley, 0.3, -0.7), [1, 40], rtol=1e-6)
    assert valley.loss(*valley.start) == pytest.approx((16 + 40) / 2)


def test_a_saddle_falls_one_way_and_rises_the_other() -> None:
    saddle = surfaces.saddle()
    np.testing.assert_array_equal(saddle.gradient(0, 0), [0, 0])
    np.testing.assert_allclose(curvature(saddle, 0, 0), [-1, 1], atol=1e-6)


def test_two_weights_have_the_minimum_that_scipy_finds() -> None:
    surface = surfaces.two_weights(samples=25, seed=5)
    random = np.random.default_rng(5)
    inputs = random.normal(size=25)
    targets = np.tanh(2 * inputs - 1) + 0.1 * random.normal(size=25)
    found = least_squares(lambda w: np.tanh(w[0] * inputs + w[1]) - targets, [1.0, 0.0], xtol=1e-14, ftol=1e-14)
    np.testing.assert_allclose(surface.minima[0], found.x, atol=1e-6)
    assert surface.lowest == pytest.approx(2 * found.cost / 25, rel=1e-9)


def test_two_weights_start_on_a_plateau() -> None:
    surface = surfaces.two_weights()
    slope = np.linalg.norm(surface.gradient(*surface.start))
    assert slope < 0.02 * np.linalg.norm([surface.gradient(x, 0) for x in (0, 0.5, 1)], axis=1).max()


def test_data_follow_the_seed() -> None:
    assert surfaces.two_weights(seed=1).minima == surfaces.two_weights(seed=1).minima
    assert surfaces.two_weights(seed=1).minima != surfaces.two_weights(seed=2).minima


def test_a_surface_of_ones_own() -> None:
    own = Surface("bowl", "L = |x| + y²", lambda x, y: ops.abs(x) + y * y, (1, 1), ((-2, 2), (-2, 2)), ((0, 0),))
    np.testing.assert_array_equal(own.gradient(-3, 2), [-1, 4])
    assert own.grid(5)[2][0, 0] == 6
    assert surfaces.get(own) is own
    assert surfaces.get("saddle").name == "saddle"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: surfaces.get("rosenbrok"), "Did you mean 'rosenbrock'"),
        (lambda: surfaces.valley(0.5), "condition number of 1 or more"),
        (lambda: surfaces.valley(float("nan")), "condition number of 1 or more"),
        (lambda: surfaces.rosenbrock(0), "above 0"),
        (lambda: surfaces.two_weights(samples=2), "3 samples or more"),
    ],
)
def test_what_cannot_be_made_is_told(make: Any, told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        make()


def test_data_without_a_best_slope_are_refused() -> None:
    """Three pairs may lie so that a step fits best: then slope and bias grow for ever."""
    refused = 0
    for seed in range(30):
        try:
            surface = surfaces.two_weights(samples=3, seed=seed)
        except FirstlightError as error:
            refused += "have none" in str(error)
        else:
            assert np.abs(surface.gradient(*surface.minima[0])).max() < 1e-8
    assert 0 < refused < 30

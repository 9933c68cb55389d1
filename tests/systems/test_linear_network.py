"""A linear model as a network: the same predictions, whatever the units of the columns."""

import numpy as np
import pytest

from firstlight.systems import LinearRegression, LogisticRegression


@pytest.mark.parametrize("unit", [1e-12, 1e-7, 1e-3, 1e20])
@pytest.mark.parametrize("kind", [LinearRegression, LogisticRegression])
def test_columns_of_any_unit_keep_their_say(kind: type, unit: float) -> None:
    """Keras takes a deviation below 1e-7 for 1e-7, and float32 has no square above 1e38."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 2)) * [unit, 1.0] + [3 * unit, 5.0]
    values = 2 * x[:, 0] / unit + x[:, 1]
    model = kind().fit(x, values if kind is LinearRegression else values > values.mean())
    wanted = model.predict(x) if kind is LinearRegression else model.predict_proba(x)[:, 1]
    network = model.to_keras()
    assert [type(layer).__name__ for layer in network.layers] == ["InputLayer", "Normalization", "Dense"]
    np.testing.assert_allclose(network.predict_on_batch(x.astype(np.float32))[:, 0], wanted, rtol=1e-3, atol=1e-4)

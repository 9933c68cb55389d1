"""Histograms while training: what they keep is what a trace sees, and the page shows every layer."""

from pathlib import Path

import numpy as np
import pytest

from firstlight.engine import Histograms, Input, Sequential, layers, trace
from firstlight.engine.records import size_of
from firstlight.errors import FirstlightError


def test_they_keep_what_a_trace_sees(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 5)).astype("float32")
    y = (x.sum(1) > 0).astype("int64")
    model = Sequential([Input((5,)), layers.Dense(200, activation="relu", name="wide"), layers.Dense(2, name="out")])
    model.compile("sgd", "mse")
    watch = Histograms(x[:32], np.eye(2, dtype="float32")[y[:32]], every=2)
    first = size_of(trace(model, x[:32])["wide"].output)
    model.fit(x, np.eye(2, dtype="float32")[y], epochs=4, callbacks=[watch], verbose=0)
    assert watch.epochs == [0, 2, 4]
    assert watch.size("wide", "outputs")[0] == pytest.approx(first, rel=0.02)
    last = trace(model, x[:32], np.eye(2, dtype="float32")[y[:32]])
    assert watch.size("out", "outputs")[-1] == pytest.approx(size_of(last["out"].output), rel=1e-6)
    assert watch.size("out", "gradients")[-1] == pytest.approx(size_of(last["out"].gradient), rel=1e-6)
    assert len(watch.found["wide"]["weights"]) == 3
    watch.to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<article") == 2
    assert text.count("data:image/png") == 6
    assert "3 looks, from epoch 0 on the left to 4 on the right" in text


def test_wrong_use_is_told(tmp_path: Path) -> None:
    with pytest.raises(FirstlightError, match="every"):
        Histograms(None, None, every=0)
    with pytest.raises(FirstlightError, match="watched"):
        Histograms(None, None).to_html(tmp_path / "page.html")

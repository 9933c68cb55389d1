"""METEOR by the real Java program where there is one, and the errors where something is missing."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firstlight import metrics
from firstlight.errors import FirstlightError

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java")
CANDIDATES = ["a dog runs", "", "a cat sat on the mat"]
REFERENCES = [["the dog is running", "a dog runs fast"], ["two birds"], ["the dog was on the mat"]]


@needs_java
@pytest.mark.slow
def test_meteor_is_the_official_one(shared: Path):
    names = (shared / "golden/images.txt").read_text().split()
    references: dict[str, list[str]] = {name: [] for name in names}
    for line in (shared / "data/flickr8k/Flickr8k.token.txt").read_text(encoding="utf-8").splitlines():
        key, text = line.split("\t")
        references.get(key.partition("#")[0], []).append(text)
    candidates = (shared / "golden/captions/init_1.txt").read_text().splitlines()
    found = metrics.meteor(candidates, list(references.values()))
    assert found.value == pytest.approx(0.193294644335, abs=1e-4)
    assert found.each.shape == (1000,)
    assert abs(found.each.mean() - found.value) > 0.005
    # over the whole set in another order and over one image many times: the program's own figures again
    again = found.resampled([[*range(999, -1, -1)], [3] * 1000])
    np.testing.assert_allclose(again, [found.value, found.each[3]], atol=1e-12)


@pytest.mark.parametrize("metric", [metrics.meteor, metrics.spice])
def test_without_java_the_error_says_what_to_install(metric: Callable[..., object], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        FirstlightError, match=r'Expected Java.*Install a Java runtime.*pip install "firstlight\[java\]"'
    ):
        metric(CANDIDATES, REFERENCES)


@pytest.mark.parametrize("metric", [metrics.meteor, metrics.spice])
def test_without_the_package_the_error_names_the_extra(metric: Callable[..., object], monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pycocoevalcap"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(FirstlightError, match=r'package pycocoevalcap.*pip install "firstlight\[java\]"'):
        metric(CANDIDATES, REFERENCES)


@needs_java
def test_spice_without_its_parser_says_how_to_fetch_it():
    from pycocoevalcap import spice

    if list((Path(spice.__file__).parent / "lib").glob("stanford-corenlp-*-models.jar")):
        pytest.skip("Stanford's parser is installed")
    with pytest.raises(FirstlightError, match=r"python -m pycocoevalcap.spice.get_stanford_models"):
        metrics.spice(CANDIDATES, REFERENCES)


def test_a_failing_java_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'no memory left' >&2\nexit 3\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(FirstlightError, match="exit status 3: no memory left"):
        metrics.meteor(CANDIDATES, REFERENCES)

"""Several captioners as one: the mean of equal opinions is that opinion, and strangers are turned away."""

from pathlib import Path

import numpy as np
import pytest

from firstlight.data.table import Dataset
from firstlight.data.vocabulary import Vocabulary
from firstlight.errors import FirstlightError
from firstlight.systems import Captioner, load
from firstlight.systems.captioner_ensemble import ensemble

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


def test_twice_the_same_captioner_says_the_same(captioner: Captioner, tiny_scenes: Dataset) -> None:
    alone = captioner.predict(tiny_scenes.test.images, beam_width=2)
    together = ensemble([captioner, captioner]).predict(tiny_scenes.test.images, beam_width=2)
    assert [caption.text for caption in together] == [caption.text for caption in alone]
    np.testing.assert_allclose([c.score for c in together], [c.score for c in alone], rtol=1e-4)
    np.testing.assert_allclose(together[0].words[0].attention, alone[0].words[0].attention, rtol=1e-4)


def test_it_is_saved_and_opened_like_any_other(captioner: Captioner, tiny_scenes: Dataset, tmp_path: Path) -> None:
    together = ensemble([captioner, captioner])
    together.save(tmp_path)
    assert "an ensemble of seeds" in (tmp_path / "README.md").read_text()
    again = load(tmp_path).predict(tiny_scenes.test.images)
    assert [caption.text for caption in again] == [c.text for c in together.predict(tiny_scenes.test.images)]
    with pytest.raises(FirstlightError, match=r"seed \(\[\d, \d\] there, 0 here\)"):
        Captioner(**captioner.settings).fit(tiny_scenes.train, folder=tmp_path)


def test_one_captioner_or_another_vocabulary_is_refused(captioner: Captioner) -> None:
    with pytest.raises(FirstlightError, match="two captioners or more"):
        ensemble([captioner])
    stranger = Captioner(**captioner.settings)
    stranger.description, stranger.describer = captioner.description, captioner.describer
    stranger.vocabulary = Vocabulary().fit([["other", "words"]])
    with pytest.raises(FirstlightError, match="a different vocabulary"):
        ensemble([captioner, stranger])

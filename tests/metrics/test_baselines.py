"""The constant caption and the measures of variety."""

import numpy as np
import pytest

from firstlight import metrics
from firstlight.errors import FirstlightError


def test_diversity_counts():
    found = metrics.diversity(["A dog.", "a dog", "two dogs run", ["a", "cat"]])
    assert found == {"distinct": 0.75, "vocabulary": 6, "mean_length": 9 / 4}


def test_diversity_of_nothing_is_told():
    with pytest.raises(FirstlightError, match="Received none"):
        metrics.diversity([])


def test_the_most_typical_caption_beats_every_other():
    random = np.random.default_rng(0)
    nouns, places = ["dog", "cat", "bird"], ["grass", "snow", "sand"]
    nouns_of = random.choice(nouns, p=[0.7, 0.2, 0.1], size=60)
    references = [[f"a {noun} runs on the {random.choice(places)}", f"one {noun}"] for noun in nouns_of]
    captions = [text for image in references for text in image] + ["entirely unrelated words", "a runs the"]
    best = metrics.most_typical(captions, references)
    values = {text: metrics.cider([text] * 60, references).value for text in captions}
    assert values[best] == max(values.values())
    assert metrics.most_typical(captions, references, tried=20, images=10, seed=1) in captions
    assert len({metrics.most_typical(captions, references, seed=2) for _ in range(2)}) == 1


def test_the_most_typical_of_nothing_is_told():
    with pytest.raises(FirstlightError, match="captions to choose from"):
        metrics.most_typical([], [["a"]])
    with pytest.raises(FirstlightError, match="at least one image"):
        metrics.most_typical(["a"], [])

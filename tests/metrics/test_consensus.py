"""CIDEr-D as a reward, against a slow version written out from the paper's equations."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.metrics.consensus import _TOGETHER, CiderD

Tokens = Sequence[Hashable]


def ngrams(caption: Tokens, order: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(tuple(caption[i : i + order]) for i in range(len(caption) - order + 1))


def weights(caption: Tokens, order: int, corpus: list[list[Tokens]]) -> dict[tuple[Hashable, ...], float]:
    """Equation 1, without the common factor 1 / (n-grams of the caption), which cancels in a cosine."""
    result = {}
    for ngram, count in ngrams(caption, order).items():
        images = sum(any(ngram in ngrams(reference, order) for reference in captions) for captions in corpus)
        result[ngram] = count * math.log(len(corpus) / max(1, images))
    return result


def slow_cider(candidate: Tokens, captions: list[Tokens], corpus: list[list[Tokens]], plain: bool = False) -> float:
    total = 0.0
    for order in (1, 2, 3, 4):
        for reference in captions:
            one, other = weights(candidate, order, corpus), weights(reference, order, corpus)
            length = math.hypot(*one.values()) * math.hypot(*other.values())
            if not length:
                continue
            clipped = one if plain else {ngram: min(weight, other.get(ngram, 0)) for ngram, weight in one.items()}
            cosine = sum(weight * other.get(ngram, 0) for ngram, weight in clipped.items()) / length
            penalty = 1 if plain else math.exp(-((len(candidate) - len(reference)) ** 2) / (2 * 6**2))
            total += 10 * penalty * cosine / len(captions)
    return total / 4


@pytest.fixture(scope="module")
def corpus() -> list[list[Tokens]]:
    random = np.random.default_rng(5)
    return [
        [random.integers(7, size=random.integers(1, 13)).tolist() for _ in range(random.integers(1, 5))]
        for _ in range(12)
    ]


@pytest.fixture(scope="module")
def candidates() -> list[Tokens]:
    random = np.random.default_rng(6)
    return [random.integers(8, size=random.integers(0, 13)).tolist() for _ in range(40)]


@pytest.mark.parametrize("plain", [False, True])
def test_equals_the_papers_equations(plain: bool, corpus: list[list[Tokens]], candidates: list[Tokens]):
    images = np.random.default_rng(7).integers(len(corpus), size=len(candidates))
    scorer = CiderD(corpus, sigma=math.inf, clip=False) if plain else CiderD(corpus)
    slow = [slow_cider(caption, corpus[i], corpus, plain) for caption, i in zip(candidates, images, strict=True)]
    assert max(slow) > 1
    np.testing.assert_allclose(scorer.score(candidates, images), slow, rtol=1e-10, atol=1e-12)


def test_idf_from_another_corpus(corpus: list[list[Tokens]], candidates: list[Tokens]):
    scorer = CiderD(corpus[:4], idf_from=corpus[3:])
    images = [i % 4 for i in range(len(candidates))]
    slow = [slow_cider(caption, corpus[i], corpus[3:]) for caption, i in zip(candidates, images, strict=True)]
    np.testing.assert_allclose(scorer.score(candidates, images), slow, rtol=1e-10, atol=1e-12)


def test_a_candidates_score_does_not_depend_on_its_company(corpus: list[list[Tokens]], candidates: list[Tokens]):
    scorer = CiderD(corpus)
    many = [candidates[i % 40] for i in range(_TOGETHER + 50)]
    together = scorer.score(many, np.full(len(many), 3))
    alone = [scorer.score([caption], [3])[0] for caption in candidates]
    np.testing.assert_array_equal(together, np.resize(alone, len(many)))


def test_end_of_sentence_is_an_ordinary_token():
    texts = [["a dog runs on grass", "the dog runs"], ["a cat sits on a mat", "one cat"]]
    marked = CiderD([[[*text.split(), "<end>"] for text in captions] for captions in texts])
    cut, whole = marked.score([["the", "dog"], ["the", "dog", "runs"]], [0, 0])
    ended = marked.score([["the", "dog", "runs", "<end>"], ["the", "dog", "<end>"]], [0, 0])
    assert cut < whole < ended[0]
    assert ended[1] < ended[0]


def test_strange_but_legal_input(corpus: list[list[Tokens]]):
    scorer = CiderD(corpus)
    assert len(scorer) == 12
    assert scorer.score([], []).shape == (0,)
    assert scorer.score([[]], [0]) == [0]
    assert scorer.score([["never", ("seen", 1), None]], [0]) == [0]
    assert CiderD([["a dog"]]).score(["a dog"]) == [0]  # of one image alone, every n-gram has weight log(1 / 1)
    assert CiderD([[""], [[]]]).score(["a", ""]).tolist() == [0, 0]


@pytest.mark.parametrize("images", [[12], [-1], [0, 1], None])
def test_wrong_images_are_told(images: list[int] | None, corpus: list[list[Tokens]]):
    with pytest.raises(FirstlightError, match=r"Expected (images between 0 and 11|the image of each candidate)"):
        CiderD(corpus).score(["a"], images)

"""The caption metrics against the official toolkit's figures, its pure-Python scorers, and formulas written out."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from scipy.stats import kendalltau

from firstlight import metrics
from firstlight.errors import FirstlightError
from firstlight.metrics.consensus import CiderD

SYSTEMS = ["human_1", *(f"{kind}_{run}" for kind in ("init", "pre", "par", "merge") for run in (1, 2, 3))]
COLUMNS = {
    "bleu_1": "Bleu_1",
    "bleu_2": "Bleu_2",
    "bleu_3": "Bleu_3",
    "bleu_4": "Bleu_4",
    "rouge_l": "ROUGE_L",
    "cider": "CIDEr",
}
EXPERTS = {"bleu_1": 32.3, "bleu_4": 30.8, "rouge_l": 32.4, "cider": 43.9}

Captions = dict[str, list[str]]


@pytest.fixture(scope="module")
def flickr8k(shared: Path) -> Captions:
    captions: Captions = {}
    for line in (shared / "data/flickr8k/Flickr8k.token.txt").read_text(encoding="utf-8").splitlines():
        key, text = line.split("\t")
        captions.setdefault(key.partition("#")[0], []).append(text)
    return captions


@pytest.fixture(scope="module")
def references(shared: Path, flickr8k: Captions) -> list[list[str]]:
    return [flickr8k[name] for name in (shared / "golden/images.txt").read_text().split()]


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, dict[str, str]]:
    with open(shared / "golden/scores.tsv", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["dataset_name"] == "flickr8k"]
    return {f"{row['architecture']}_{row['run']}": row for row in rows}


@pytest.mark.parametrize("system", SYSTEMS)
def test_official_scores(system: str, shared: Path, references: list[list[str]], golden: dict[str, dict[str, str]]):
    candidates = (shared / f"golden/captions/{system}.txt").read_text().splitlines()
    found = metrics.score(candidates, references)
    assert {name: score.value for name, score in found.items()} == pytest.approx(
        {name: float(golden[system][column]) for name, column in COLUMNS.items()}, abs=1e-4, rel=0
    )


def test_expert_judgements(shared: Path, flickr8k: Captions):
    judged, opinions = [], []
    for line in (shared / "golden/expert_judgements.tsv").read_text().splitlines():
        image, caption, *opinion = line.split("\t")
        source, _, number = caption.partition("#")
        if source != image:
            judged.append((image, flickr8k[source][int(number)]))
            opinions.append([int(value) for value in opinion])
    found = metrics.score([text for _, text in judged], [flickr8k[image] for image, _ in judged])
    assert np.size(opinions) == 16_992
    for name, expected in EXPERTS.items():
        tau = kendalltau(np.repeat(found[name].each, 3), np.ravel(opinions), variant="c").statistic
        assert 100 * tau == pytest.approx(expected, abs=0.3), name


def random_sentence(random: np.random.Generator, shortest: int) -> str:
    # few words, so that n-grams repeat within a sentence and meet those of the references
    return " ".join(random.choice(list("abcdefghi"), size=random.integers(shortest, 15)))


@pytest.fixture(scope="module", params=range(3))
def sentences(request: pytest.FixtureRequest) -> tuple[list[str], list[list[str]]]:
    random = np.random.default_rng(request.param)
    candidates = [random_sentence(random, 1) for _ in range(60)]
    candidates[7] += " unheard unheard unheard of"  # n-grams that no reference has still count in the norm
    references = [[random_sentence(random, 1) for _ in range(random.integers(1, 6))] for _ in candidates]
    references[3] = ["a", candidates[3], "b"]
    return candidates, references


def toolkit(scorer: Bleu | Rouge | Cider, sentences: tuple[list[str], list[list[str]]], **options: int):
    candidates, references = sentences
    return scorer.compute_score(
        dict(enumerate(references)), {i: [text] for i, text in enumerate(candidates)}, **options
    )


def test_bleu_is_the_toolkits(sentences: tuple[list[str], list[list[str]]]):
    values, each = toolkit(Bleu(), sentences, verbose=0)
    for order, found in enumerate(metrics.bleu(*sentences).values()):
        assert found.name == f"bleu_{order + 1}"
        assert found.value == pytest.approx(values[order], rel=1e-12)
        np.testing.assert_allclose(found.each, each[order], rtol=1e-10)


def test_rouge_l_is_the_toolkits(sentences: tuple[list[str], list[list[str]]]):
    value, each = toolkit(Rouge(), sentences)
    found = metrics.rouge_l(*sentences)
    assert found.value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(found.each, each, rtol=1e-12)


@pytest.mark.parametrize("metric", [metrics.cider, metrics.cider_d])
def test_cider_is_the_toolkits(metric: Callable[..., metrics.Score], sentences: tuple[list[str], list[list[str]]]):
    value, each = toolkit(Cider(), sentences)
    found = metric(*sentences)
    assert found.name == metric.__name__
    assert found.value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(found.each, each, rtol=1e-10, atol=1e-12)


def test_values_follow_from_each(sentences: tuple[list[str], list[list[str]]]):
    found = metrics.score(*sentences, metrics=["cider_plain", "rouge_l", "bleu"])
    assert list(found) == ["cider_plain", "rouge_l", "bleu_1", "bleu_2", "bleu_3", "bleu_4"]
    assert found["rouge_l"].value == found["rouge_l"].each.mean()
    assert str(found["rouge_l"]) == f"rouge_l {100 * found['rouge_l'].value:.1f}"


def test_resampled_images_are_scored_anew(sentences: tuple[list[str], list[list[str]]]):
    candidates, references = sentences
    images = np.random.default_rng(1).integers(len(candidates), size=(2, 3, 40))
    for name, score in metrics.bleu(candidates, references).items():
        found = score.resampled(images)
        assert found.shape == (2, 3)
        drawn = images[1, 2]
        again = metrics.bleu([candidates[i] for i in drawn], [references[i] for i in drawn])[name]
        assert found[1, 2] == pytest.approx(again.value, rel=1e-12)
    rouge = metrics.rouge_l(candidates, references)
    np.testing.assert_allclose(rouge.resampled(images), rouge.each[images].mean(axis=-1))
    assert rouge.resampled(range(len(candidates))) == pytest.approx(rouge.value)


def test_tokens_of_any_kind_score_as_their_text():
    candidates, references = ["A dog runs.", "two cats"], [["a dog is running", "the dog runs!"], ["two cats sleep"]]
    number: dict[str, int] = {}
    texts = metrics.score(candidates, references, ["bleu", "rouge_l", "cider"])

    def numbers(text: str) -> list[int]:
        return [number.setdefault(word, len(number)) for word in text.lower().strip(".!").split()]

    tokens = metrics.score([np.array(numbers(c)) for c in candidates], [[numbers(c) for c in r] for r in references])
    for name, score in texts.items():
        np.testing.assert_array_equal(score.each, tokens[name].each)


def test_a_perfect_caption_and_a_foreign_one():
    found = metrics.score(
        ["un perro corre por la playa", "nothing shared"], [["Un perro corre por la playa"], ["x y z"]]
    )
    assert found["bleu_4"].each == pytest.approx([1, 0], abs=1e-3)
    assert found["rouge_l"].each == pytest.approx([1, 0])
    assert found["cider"].each == pytest.approx([10, 0])


def test_an_empty_caption_scores_nothing():
    for empty in ("", "...", []):
        found = metrics.score([empty, "a dog"], [["a dog runs", "dog"], ["a dog sits"]])
        assert [score.each[0] for score in found.values()] == [0] * 6
    assert all(score.value == 0 for score in metrics.score(["", ""], [["a dog"], ["!"]]).values())


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        (["a"], [["a"], ["b"]], "Received 1 candidates and the references of 2 images"),
        (["a", "b"], [["a"], []], "Received 1 images without one \\(first: image 1\\)"),
        (["a"], ["a dog"], "Received the single text 'a dog' for image 0"),
        ("a", [["a"]], "Received the single text 'a'"),
        ([], [], "at least one image. Received none"),
        ([None], [["a"]], "Received None"),
    ],
)
@pytest.mark.parametrize("metric", [metrics.bleu, metrics.rouge_l, metrics.cider, metrics.cider_d, metrics.score])
def test_bad_input_is_told(metric: Callable[..., object], candidates: object, references: object, message: str):
    with pytest.raises(FirstlightError, match=message):
        metric(candidates, references)


def test_an_unknown_metric_is_told():
    with pytest.raises(FirstlightError, match=r"Received 'ciderd'. Did you mean 'cider_d'"):
        metrics.score(["a"], [["a"]], metrics=["ciderd"])


def test_resampling_unknown_images_is_told():
    score = metrics.rouge_l(["a", "b"], [["a"], ["b"]])
    for images in ([0, 2], [-1], []):
        with pytest.raises(FirstlightError, match="between 0 and 1"):
            score.resampled(images)


def test_idf_from_other_images():
    references, others = [["a dog runs"], ["a cat sits"]], [["a dog"], ["a dog"], ["the cat"], ["a bird"]]
    own, other = (
        metrics.cider_d(["a dog", "a cat"], references),
        metrics.cider_d(["a dog", "a cat"], references, idf_from=others),
    )
    assert not np.allclose(own.each, other.each)
    np.testing.assert_array_equal(other.each, CiderD(references, idf_from=others).score(["a dog", "a cat"]))

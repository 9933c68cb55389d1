"""The compiled loops against a slow and obvious decoder that re-reads the whole text for each next word."""

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from firstlight.data.vocabulary import END, PAD, START, UNKNOWN
from firstlight.errors import FirstlightError
from firstlight.systems.backend import compiled
from firstlight.systems.captioner_networks import CaptionTrainer, Design, build_bridge, build_decoder
from firstlight.systems.decoder import Decoder
from firstlight.systems.decoding import Search

# Keras 3.15 hands its variables to NumPy 2 in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = 17
LONGEST = 9
IMAGES = 4
NETWORKS = [(cell, attention) for cell in ("gru", "lstm", "transformer") for attention in (True, False)]
SEARCHES = {
    "greedy": Search(beam_width=1, maximum_length=LONGEST),
    "by_probability": Search(beam_width=2, maximum_length=LONGEST, length_penalty=0.0),
    "minimum": Search(beam_width=3, maximum_length=LONGEST, length_penalty=0.7, minimum_length=4),
    "one_length": Search(beam_width=5, maximum_length=5, minimum_length=5),
    "no_word_twice": Search(beam_width=3, maximum_length=LONGEST, minimum_length=7, no_repeat=1),
    "no_pair_twice": Search(beam_width=3, maximum_length=LONGEST, minimum_length=7, no_repeat=2),
    "no_triple_twice": Search(beam_width=2, maximum_length=LONGEST, minimum_length=8, no_repeat=3),
    "one_word": Search(beam_width=4, maximum_length=1, minimum_length=0),
}
DRAWINGS = {
    "plain": Search(beam_width=1, maximum_length=LONGEST, temperature=1.0),
    "top_k": Search(beam_width=1, maximum_length=LONGEST, temperature=2.0, top_k=4, minimum_length=3),
    "top_p": Search(beam_width=1, maximum_length=LONGEST, temperature=0.7, top_p=0.8, no_repeat=2),
    "both": Search(beam_width=1, maximum_length=LONGEST, temperature=1.5, top_k=6, top_p=0.6),
}
QUICK = "each_network_equals or (equals_the_reference and (no_pair_twice or top_p))"
"""What is asked of the other back ends: every network, and some searches."""
Text = tuple[tuple[int, ...], float]
"""The words with the end, and their summed log-probability."""


class Reader:
    """Log-probabilities of the next word after a text, which is read from its beginning each time."""

    def __init__(self, bridge: keras.Model, decoder: keras.Model, grids: np.ndarray):
        trainer = CaptionTrainer(bridge, decoder)
        self.grids = grids
        self.read = compiled(
            lambda grid, words: trainer.read({"grid": grid, "words": words}, training=False)["logits"],
            [*bridge.variables, *decoder.variables],
        )
        self.known: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}

    def __call__(self, image: int, text: tuple[int, ...]) -> np.ndarray:
        if (image, text) not in self.known:
            # What stands behind a word cannot change what follows it; padding keeps one shape.
            words = np.full((1, LONGEST + 1), START, "int32")
            words[0, 1 : len(text) + 1] = text
            logits = keras.ops.convert_to_numpy(self.read(self.grids[image : image + 1], words))
            logits = logits[0, len(text)].astype(np.float64)
            self.known[image, text] = logits - np.log(np.sum(np.exp(logits)))
        return self.known[image, text]


class Networks:
    """A tiny captioner with random weights that are strong enough for texts of many kinds and lengths."""

    def __init__(self, cell: str, attention: bool):
        design = Design((2, 2, 5), VOCABULARY, cell, 16, 7, attention, maximum_length=LONGEST)
        self.bridge, self.decoder = build_bridge(design), build_decoder(design)
        random = np.random.default_rng(3)
        for network in (self.bridge, self.decoder):
            for variable in network.trainable_variables:
                mean, spread = float(variable.name in ("gamma", "scale")), 1.0 if len(variable.shape) > 1 else 0.3
                variable.assign(random.normal(mean, spread, variable.shape))
        self.add_to_logits(np.arange(VOCABULARY) == END)
        self.grids = random.normal(0, 1, (IMAGES, 2, 2, 5)).astype("float32")
        self.describe = Decoder(self.bridge, self.decoder)
        self.reader = Reader(self.bridge, self.decoder, self.grids)

    def add_to_logits(self, amounts: np.ndarray) -> None:
        """One unit of the last layer is always 1, so that what is added to the words' vectors there is added here."""
        layer, embedding = self.decoder.get_layer("wanted"), self.decoder.get_layer("embedding")
        first, second = layer.get_weights()
        if first.ndim == 2:
            second[0] = 50.0  # tanh gives 1
        else:
            first[0], second[0] = 0.0, 1.0
        layer.set_weights([first, second])
        vectors = embedding.get_weights()[0]
        vectors[:, 0] += amounts
        embedding.set_weights([vectors])


@cache
def networks(cell: str, attention: bool) -> Networks:
    return Networks(cell, attention)


def allowed(text: tuple[int, ...], search: Search) -> list[int]:
    """The words that may come next."""
    if len(text) >= search.maximum_length:
        return [END]
    size = search.no_repeat
    runs = {text[start : start + size] for start in range(len(text) - size + 1)}
    words = [END] if len(text) >= search.minimum_length else []
    for word in range(END + 1, VOCABULARY):
        if not size or (*text[len(text) - size + 1 :], word) not in runs:
            words.append(word)
    return words


def search_slowly(reader: Reader, image: int, search: Search) -> list[Text]:
    """Beam search as one would explain it: extend every text in every way, rank all, keep the best."""
    beam: list[Text] = [((), 0.0)]
    for _ in range(search.maximum_length + 1):
        candidates: list[Text] = []
        for words, score in beam:
            if words and words[-1] == END:
                candidates.append((words, score))
                continue
            chances = reader(image, words)
            candidates += [((*words, word), score + chances[word]) for word in allowed(words, search)]
        candidates.sort(key=lambda text: text[1] / len(text[0]) ** search.length_penalty, reverse=True)
        beam = candidates[: search.beam_width]
    return beam


def draw_slowly(reader: Reader, image: int, uniform: np.ndarray, search: Search) -> Text:
    """One text, each word where the summed probabilities exceed the random number.

    They are summed in the order of the vocabulary, or from the most probable down where only some words may be drawn.
    """
    words: tuple[int, ...] = ()
    score = 0.0
    for number in uniform:
        chances = reader(image, words)
        candidates = allowed(words, search)
        weights = np.exp(chances[candidates] / search.temperature)
        ranked = list(zip(weights, candidates, strict=True))
        if search.top_k or search.top_p < 1:
            ranked = sorted(ranked, reverse=True)[: search.top_k or None]
        total = sum(weight for weight, _ in ranked)
        kept: list[tuple[float, int]] = []
        while ranked and sum(weight for weight, _ in kept) < search.top_p * total:
            kept.append(ranked.pop(0))
        rest = number * sum(weight for weight, _ in kept)
        places = np.cumsum([weight for weight, _ in kept]) > rest
        word = kept[int(np.argmax(places))][1]
        words, score = (*words, word), score + chances[word]
        if word == END:
            break
    return words, score


def assert_same(found: tuple[np.ndarray, ...], expected: list[list[Text]]) -> None:
    tokens, scores, lengths = found
    for image, texts in enumerate(expected):
        for place, (words, score) in enumerate(texts):
            row = tokens[image, place].tolist()
            assert tuple(row[: len(words)]) == words
            assert set(row[len(words) :]) <= {PAD}
            assert lengths[image, place] == len(words)
            assert scores[image, place] == pytest.approx(score, abs=2e-4)


def assert_beam_equal(net: Networks, search: Search) -> None:
    expected = [search_slowly(net.reader, image, search) for image in range(IMAGES)]
    assert_same(net.describe({"grid": net.grids}, search), expected)


def assert_drawing_equal(net: Networks, search: Search, copies: int = 3) -> None:
    uniform = np.random.default_rng(5).random((IMAGES * copies, search.maximum_length + 1), dtype=np.float32)
    by_image = uniform.reshape(IMAGES, copies, -1)
    expected = [[draw_slowly(net.reader, image, row, search) for row in by_image[image]] for image in range(IMAGES)]
    assert_same(net.describe({"grid": net.grids}, search, uniform), expected)


@pytest.mark.parametrize(("cell", "attention"), NETWORKS)
def test_each_network_equals_the_reference(cell: str, attention: bool) -> None:
    assert_beam_equal(networks(cell, attention), SEARCHES["minimum"])
    assert_drawing_equal(networks(cell, attention), DRAWINGS["top_k"])


@pytest.mark.parametrize("name", SEARCHES)
def test_each_search_equals_the_reference(name: str) -> None:
    assert_beam_equal(networks("gru", True), SEARCHES[name])


@pytest.mark.parametrize("name", DRAWINGS)
def test_each_drawing_equals_the_reference(name: str) -> None:
    assert_drawing_equal(networks("gru", True), DRAWINGS[name])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_back_ends(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", QUICK]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(NETWORKS) + 2} passed" in done.stdout


def test_the_texts_of_the_reference_differ() -> None:
    """The comparison would prove little if most images had the same text, or most texts the same length."""
    chosen = SEARCHES["by_probability"]
    readers = [networks(cell, attention).reader for cell, attention in NETWORKS]
    texts = [search_slowly(reader, image, chosen)[0][0] for reader in readers for image in range(IMAGES)]
    assert len(set(texts)) > len(texts) / 2
    assert len({len(text) for text in texts}) > 3


def test_forbidden_words_are_never_said_even_if_most_probable() -> None:
    net = Networks("gru", True)
    net.add_to_logits(np.where(np.arange(VOCABULARY) <= START, 50.0, 0.0))
    uniform = np.random.default_rng(0).random((IMAGES, LONGEST + 1), dtype=np.float32)
    for search, numbers in ((SEARCHES["minimum"], None), (DRAWINGS["plain"], uniform)):
        tokens = net.describe({"grid": net.grids}, search, numbers)[0]
        for text in tokens.reshape(-1, tokens.shape[-1]):
            said = text[: text.tolist().index(END)]
            assert not set(said.tolist()) & {PAD, UNKNOWN, START}


def test_batch_size_changes_nothing() -> None:
    net = networks("transformer", True)
    together = net.describe({"grid": net.grids}, SEARCHES["minimum"])
    alone = [net.describe({"grid": net.grids[image : image + 1]}, SEARCHES["minimum"]) for image in range(2)]
    for number, (tokens, scores, _) in enumerate(alone):
        assert np.array_equal(tokens[0], together[0][number])
        assert np.allclose(scores[0], together[1][number], atol=1e-4)


def test_new_weights_are_used_at_once() -> None:
    net = Networks("gru", False)
    before = net.describe({"grid": net.grids}, SEARCHES["greedy"])[0]
    for variable in net.decoder.trainable_variables:
        variable.assign(np.flip(variable.numpy()))
    net.reader.known.clear()
    assert_beam_equal(net, SEARCHES["greedy"])
    assert not np.array_equal(before, net.describe({"grid": net.grids}, SEARCHES["greedy"])[0])


def test_bfloat16_networks_describe_too() -> None:
    design = Design((2, 2, 5), VOCABULARY, "gru", 16, 6, 7, maximum_length=LONGEST, precision="mixed_bfloat16")
    describe = Decoder(build_bridge(design), build_decoder(design))
    grids = np.random.default_rng(0).normal(size=(2, 2, 2, 5)).astype("float32")
    tokens, scores, _ = describe({"grid": grids}, SEARCHES["minimum"])
    assert tokens.shape == (2, 3, LONGEST + 1)
    assert scores.dtype == np.float32
    assert np.all(np.diff(scores / describe({"grid": grids}, SEARCHES["minimum"])[2] ** 0.7) <= 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beam_width": 0}, "beam_width to be 1 or more. Received beam_width=0"),
        ({"maximum_length": 0, "minimum_length": 0}, "maximum_length to be 1 or more"),
        ({"minimum_length": 30}, "minimum_length to be 0 .. maximum_length"),
        ({"length_penalty": -1.0}, "length_penalty to be 0 or more"),
        ({"no_repeat": -1}, "no_repeat"),
        ({"temperature": -0.5}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"top_p": 0.0}, "top_p to be above 0, at most 1"),
        ({"beam_width": 3, "temperature": 1.0}, "either a beam or drawing"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, float], message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        Search(**settings)


def test_a_beam_wider_than_the_vocabulary() -> None:
    net = networks("gru", True)
    with pytest.raises(FirstlightError, match=r"at most 17, the number of words\. Received 18"):
        net.describe({"grid": net.grids}, Search(beam_width=18))

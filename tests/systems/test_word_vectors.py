"""Word vectors from text to answers: learning, resuming, asking, judging, and what is refused."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight import engine
from firstlight.data.vocabulary import Vocabulary
from firstlight.errors import FirstlightError
from firstlight.systems import Captioner, WordVectors, embedding_start, load
from firstlight.systems.system import Silent
from firstlight.systems.word_vectors_checks import self_checks
from firstlight.systems.word_vectors_map import in_the_plane
from firstlight.systems.word_vectors_start import begin_with

SMALL: dict[str, Any] = {"dimensions": 12, "subsampling": 0, "workers": 1, "buckets": 500}
ANIMALS, COLOURS = ["cat", "dog", "mouse", "horse"], ["red", "green", "blue", "yellow"]


def write_text(path: Path, lines: int = 1500) -> Path:
    """Lines of animals and lines of colours: words of one kind are each other's company."""
    random = np.random.default_rng(0)
    kinds = [ANIMALS, COLOURS]
    path.write_text("\n".join(" ".join(random.choice(kinds[line % 2], 8)) for line in range(lines)))
    return path


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "kinds.txt")


@pytest.fixture(scope="module")
def run(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    WordVectors(**SMALL).fit(text, epochs=4, seed=3, folder=folder, data={"source": str(text)})
    return folder


@pytest.fixture(scope="module")
def vectors(run: Path) -> WordVectors:
    return WordVectors.load(run)


@pytest.mark.parametrize("more", [{}, {"model": "cbow"}, {"subwords": True}, {"subwords": True, "model": "cbow"}])
def test_words_of_like_use_are_near(text: Path, more: dict[str, Any]):
    found = WordVectors(**SMALL, **more)
    losses = found.fit(text, epochs=4).history["loss"]
    assert losses[-1] < losses[0]
    for kind in (ANIMALS, COLOURS):
        for word in kind:
            assert {near.word for near in found.similar(word, 3)} == set(kind) - {word}
    assert found.odd_one_out(["cat", "red", "dog", "horse"]) == "red"


def test_several_threads_learn_the_same_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("firstlight.systems.word_vectors_supply.PIECE", 3000)
    found = WordVectors(**{**SMALL, "workers": 3})
    found.fit(write_text(tmp_path / "text.txt"), epochs=4)
    assert {near.word for near in found.similar("cat", 3)} == {"dog", "mouse", "horse"}


def test_the_same_seed_gives_the_same_bits_and_another_gives_others(text: Path, vectors: WordVectors):
    again, other = WordVectors(**SMALL), WordVectors(**SMALL)
    again.fit(text, epochs=4, seed=3)
    other.fit(text, epochs=4, seed=4)
    np.testing.assert_array_equal(again.vectors, vectors.vectors)
    assert not np.array_equal(other.vectors, vectors.vectors)


class Stopping(Silent):
    """Ends the training in the middle of an epoch, as Ctrl-C does."""

    def epoch_started(self, epoch: int, batches: int) -> None:
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("more", [{}, {"subwords": True, "model": "cbow"}])
def test_a_stopped_training_goes_on_to_the_same_bits(text: Path, tmp_path: Path, more: dict[str, Any]):
    whole = WordVectors(**SMALL, **more)
    whole.fit(text, epochs=4, seed=3)
    stopped = WordVectors(**SMALL, **more)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(text, epochs=4, seed=3, folder=tmp_path, progress=Stopping())
    with pytest.raises(FirstlightError, match="Expected a finished training"):
        WordVectors.load(tmp_path)
    history = WordVectors(**SMALL, **more).fit(text, epochs=4, seed=3, folder=tmp_path)
    assert history.history["epoch"] == [1, 2, 3, 4]
    np.testing.assert_array_equal(WordVectors.load(tmp_path).vectors, whole.vectors)


def test_a_run_is_taken_up_only_with_its_own_settings_and_text(run: Path, text: Path, tmp_path: Path):
    with pytest.raises(FirstlightError, match=r"window \(5 there, 3 here\)"):
        WordVectors(**SMALL, window=3).fit(text, epochs=4, seed=3, folder=run)
    changed = write_text(tmp_path / "kinds.txt", 30)
    with pytest.raises(FirstlightError, match="Expected the text that the run was begun with"):
        WordVectors(**SMALL).fit(changed, epochs=4, seed=3, folder=run)


def test_a_run_may_be_asked_for_more_epochs(text: Path, tmp_path: Path):
    WordVectors(**SMALL).fit(text, epochs=1, seed=3, folder=tmp_path)
    WordVectors(**SMALL).fit(text, epochs=2, seed=3, folder=tmp_path)
    whole = WordVectors(**SMALL)
    whole.fit(text, epochs=2, seed=3)
    np.testing.assert_array_equal(WordVectors.load(tmp_path).vectors, whole.vectors)


def test_the_run_folder_opens_in_keras_and_in_the_engine(run: Path, vectors: WordVectors):
    import keras

    opened = load(run)
    assert isinstance(opened, WordVectors)
    assert opened.vocabulary == vectors.vocabulary
    assert opened.counts == sorted(opened.counts, reverse=True)
    numbers = np.array([[0, 5, 2]])
    for network in (
        keras.models.load_model(run / "network.keras"),
        engine.load(run / "network.keras"),
    ):
        given = np.asarray(network.predict(numbers, verbose=0))
        np.testing.assert_array_equal(given, vectors.vectors[numbers])
    assert (run / "history.csv").read_text().startswith("epoch,loss")
    assert json.loads((run / "system.json").read_text())["text"]["words"] == 12_000


def test_unknown_words_come_with_the_nearest_spellings(vectors: WordVectors):
    with pytest.raises(FirstlightError, match=r"Received 'hors', which is not in it\. Did you mean 'horse'"):
        vectors.similar("hors")
    with pytest.raises(FirstlightError, match="a list of words"):
        vectors.transform("cat")
    with pytest.raises(FirstlightError, match="three words or more"):
        vectors.odd_one_out(["cat", "dog"])
    with pytest.raises(FirstlightError, match="count of 1 or more"):
        vectors.similar("cat", 0)
    assert "CAT" in vectors
    assert "bird" not in vectors


def test_transform_and_similarity_agree_with_the_table(vectors: WordVectors):
    given = vectors.transform(["dog", "Red"])
    np.testing.assert_array_equal(given, vectors.vectors[[vectors.index("dog"), vectors.index("red")]])
    cosine = given[0] @ given[1] / np.linalg.norm(given[0]) / np.linalg.norm(given[1])
    assert vectors.similarity("dog", "red") == pytest.approx(float(cosine), abs=1e-6)
    assert vectors.transform([]).shape == (0, 12)
    nearest = vectors.similar("dog", 100)
    assert [near.word for near in nearest] == [near.word for near in vectors.similar(given[0], 100)][1:]
    assert [near.similarity for near in nearest] == sorted((near.similarity for near in nearest), reverse=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside gensim
@pytest.mark.parametrize("method", ["add", "multiply"])
def test_analogies_are_those_of_gensim(vectors: WordVectors, method: str):
    keyed = pytest.importorskip("gensim.models").KeyedVectors(12)
    keyed.add_vectors(vectors.vocabulary, vectors.vectors)
    found = vectors.analogy("cat", "dog", "red", 3, method=method)  # type: ignore[arg-type]
    ask = keyed.most_similar if method == "add" else keyed.most_similar_cosmul
    expected = ask(positive=["dog", "red"], negative=["cat"], topn=3)
    assert [near.word for near in found] == [word for word, _ in expected]
    if method == "add":
        # gensim divides by the length of b - a + c too, as its mean of unit vectors points the same way
        assert [near.similarity for near in found] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert vectors.odd_one_out(["cat", "red", "dog"]) == keyed.doesnt_match(["cat", "red", "dog"])


def test_subwords_give_unknown_words_vectors(text: Path, tmp_path: Path):
    found = WordVectors(**SMALL, subwords=True)
    found.fit(text, epochs=4, folder=tmp_path)
    assert "horses" not in found
    assert found.knows("horses")
    opened = WordVectors.load(tmp_path)
    np.testing.assert_array_equal(opened.transform(["horses"]), found.transform(["horses"]))
    assert opened.similar("horses", 1)[0].word == "horse"
    with pytest.raises(FirstlightError, match="one letter or more"):
        opened.transform([""])


def test_judging_counts_what_could_be_asked(vectors: WordVectors, tmp_path: Path):
    pairs, questions = tmp_path / "pairs.csv", tmp_path / "questions.txt"
    pairs.write_text("cat,dog,9\nCat,red,1\nred,blue,8\nhorse,green,2\nbird,dog,7\n")
    questions.write_text(": kinds\ncat dog red blue\ncat dog red bird\n")
    found = vectors.evaluate(similarity=pairs, analogies=questions)
    assert found["similarity"]["covered"] == 4
    assert found["similarity"]["pairs"] == 5
    assert found["similarity"]["spearman"] > 0.7
    assert (found["analogies"]["covered"], found["analogies"]["questions"]) == (1, 2)
    assert found["analogies"]["sections"]["kinds"]["right"] in (0, 1)
    with pytest.raises(FirstlightError, match="Expected a file of similarities"):
        vectors.evaluate()


def test_checks_see_vectors_that_are_all_the_same(vectors: WordVectors):
    assert [check["passed"] for check in self_checks(vectors)] == [True, True]
    collapsed = WordVectors(**SMALL)
    collapsed.__dict__ |= vectors.__dict__ | {"_directions": None}
    collapsed.vectors = np.ones_like(vectors.vectors)
    assert [check["passed"] for check in self_checks(collapsed)] == [False, False]
    collapsed.description = {**vectors.description, "data": None}
    assert self_checks(collapsed)[1]["passed"] is None


def test_an_embedding_begins_with_the_vectors(vectors: WordVectors):
    vocabulary = Vocabulary().fit([["cat", "cat", "red", "spaceship"]])
    start = embedding_start(vectors, vocabulary)
    assert start.matrix.shape == (7, 12)
    assert not start.matrix[0].any()
    for word in ("cat", "red"):
        np.testing.assert_array_equal(start.matrix[vocabulary.index(word)], vectors.transform([word])[0])
    assert (start.covered, start.words, start.missing) == (2, 3, ["spaceship"])
    assert start.share_of_text == pytest.approx(0.75)
    assert start.matrix[vocabulary.index("spaceship")].any()
    assert "2 of 3 words, 75.0%" in str(start)


def test_an_embedding_layer_begins_as_small_as_it_was(run: Path, vectors: WordVectors):
    import keras

    vocabulary = Vocabulary().fit([["cat", "red"]])
    for kind in (keras.layers.Embedding, keras.layers.ReversibleEmbedding):
        layer = kind(len(vocabulary), 12)
        layer.build(None)
        spread = float(layer.get_weights()[0].std())
        begin_with(layer, run, vocabulary, seed=0)
        (weights,) = layer.get_weights()
        given = weights[vocabulary.index("cat")]
        np.testing.assert_allclose(given / vectors.transform(["cat"])[0], spread / vectors.vectors.std(), rtol=1e-4)
    wide = keras.layers.Embedding(len(vocabulary), 20)
    wide.build(None)
    with pytest.raises(FirstlightError, match=r"Expected word vectors of 20 numbers. Received 12"):
        begin_with(wide, run, vocabulary, seed=0)


@pytest.mark.slow
def test_a_captioner_begins_with_word_vectors(run: Path, tiny_scenes: Any, tiny_settings: dict[str, Any]):
    settings = {**tiny_settings, "embedding": 12, "learning_rate": 1e-12, "average": 0.0, "word_vectors": str(run)}
    captioner = Captioner(**settings)
    captioner.fit(tiny_scenes.train, validation_data=tiny_scenes.validation, epochs=1, seed=1)
    (weights,) = captioner.describer.decoder.get_layer("embedding").get_weights()
    vectors = WordVectors.load(run)
    told = weights[captioner.vocabulary.index("red")] / vectors.transform(["red"])[0]
    np.testing.assert_allclose(told, told[0], rtol=1e-3)
    with pytest.raises(FirstlightError, match="Expected word vectors of 20 numbers"):
        Captioner(**{**settings, "embedding": 20}).fit(tiny_scenes.train, epochs=1)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_words_fall_into_the_plane_by_kind(vectors: WordVectors, method: str):
    words = [*ANIMALS, *COLOURS]
    places, how = in_the_plane(vectors.directions[[vectors.index(word) for word in words]], method)
    assert places.shape == (8, 2)
    assert how
    middles = places[:4].mean(axis=0), places[4:].mean(axis=0)
    if method == "pca":
        spread = np.linalg.norm(places[:4] - middles[0], axis=1).max()
        assert np.linalg.norm(middles[0] - middles[1]) > 2 * spread
    with pytest.raises(FirstlightError, match="three words or more"):
        in_the_plane(vectors.directions[:2], method)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Expected text with words"),
        ("word " * 50, "Expected two words or more that occur at least 5 times"),
        ("one two three", r"Received 3 words, 3 different ones, 0 of them so frequent"),
    ],
)
def test_too_little_text_is_told(tmp_path: Path, content: str, message: str):
    (tmp_path / "text.txt").write_text(content)
    with pytest.raises(FirstlightError, match=message):
        WordVectors().fit(tmp_path / "text.txt")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "skip-gram"}, "Did you mean 'skipgram'"),
        ({"dimensions": 0}, "dimensions to be a whole number from 1 on"),
        ({"workers": 0}, "workers to be"),
        ({"subsampling": 2}, "subsampling from 0 to 1"),
        ({"learning_rate": 0.0}, "learning_rate above 0"),
        ({"shortest": 5, "longest": 3}, "shortest to longest"),
    ],
)
def test_settings_that_cannot_be_are_refused(text: Path, settings: dict[str, Any], message: str):
    with pytest.raises(FirstlightError, match=message):
        WordVectors(**settings).fit(text)


def test_a_folder_with_a_broken_file_is_learned_from_without_it(tmp_path: Path):
    write_text(tmp_path / "a.txt", 200)
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe broken")
    told: list[str] = []
    listening = dataclasses.make_dataclass("Listening", [], bases=(Silent,))()
    listening.message = told.append
    WordVectors(**SMALL).fit(tmp_path, epochs=1, progress=listening)
    assert any("passed over" in line and "b.txt" in line for line in told)

"""`firstlight train word-vectors` and `firstlight words ...`: from a text to answers, maps and files."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from firstlight.cli import main
from firstlight.systems import WordVectors
from tests.systems.test_word_vectors import ANIMALS, COLOURS, write_text

Firstlight = Callable[..., Result]

TRAINING = ["--dimensions", 12, "--subsampling", 0, "--epochs", 3, "--workers", 1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    root = tmp_path_factory.mktemp("words")
    text = write_text(root / "kinds.txt")
    arguments = ["train", "word-vectors", "--data", text, "--out", root / "run", *TRAINING]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return root / "run", result


@pytest.fixture
def run(trained: tuple[Path, Result]) -> Path:
    return trained[0]


def test_training_leaves_a_whole_run_folder(trained: tuple[Path, Result]):
    run, result = trained
    names = {path.name for path in run.iterdir()}
    assert {"system.json", "network.keras", "vocabulary.txt", "vectors.npy", "history.csv", "metrics.json"} <= names
    assert {"curves.png", "README.md"} <= names
    assert "epoch 3/3" in result.stderr
    assert "12,000 words in 1,500 lines; 8 different ones" in result.stderr
    assert [check["passed"] for check in json.loads((run / "metrics.json").read_text())["checks"]] == [True, True]


def test_the_same_command_is_done_at_once_and_other_settings_are_refused(run: Path, firstlight: Firstlight):
    text = run.parent / "kinds.txt"
    again = firstlight("train", "word-vectors", "--data", text, "--out", run, *TRAINING)
    assert again.exit_code == 0
    assert "resuming after epoch 3 of 3" in again.stderr
    other = firstlight("train", "word-vectors", "--data", text, "--out", run, *TRAINING, "--window", 2)
    assert other.exit_code == 2
    assert "window (5 there, 2 here)" in other.stderr


@pytest.mark.parametrize("to", ["text", "json", "csv"])
def test_similar_words_in_every_form(run: Path, firstlight: Firstlight, to: str):
    out = firstlight("words", "similar", run, "cat", "red", "-n", 3, "--to", to).stdout
    if to == "text":
        assert len(out.splitlines()) == 6
    rows = json.loads(out) if to == "json" else list(csv.DictReader(io.StringIO(out))) if to == "csv" else []
    if rows:
        assert {row["similar"] for row in rows if row["word"] == "cat"} == set(ANIMALS) - {"cat"}
    assert all(word in out for word in (*ANIMALS, *COLOURS))


def test_the_other_questions(run: Path, firstlight: Firstlight):
    assert firstlight("words", "odd", run, "cat", "dog", "red", "horse").stdout == "red\n"
    assert firstlight("words", "analogy", run, "cat", "dog", "red", "-n", 1).stdout.split()[0] in COLOURS
    cosine = json.loads(firstlight("words", "similarity", run, "cat", "dog", "--to", "json").stdout)[0]["cosine"]
    assert cosine > 0.9


def test_judging_prints_and_keeps_the_figures(run: Path, firstlight: Firstlight, tmp_path: Path):
    pairs, questions = tmp_path / "pairs.csv", tmp_path / "questions.txt"
    pairs.write_text("cat,dog,9\ncat,red,1\nred,blue,8\nhorse,green,2\nbird,dog,7\n")
    questions.write_text(": kinds\ncat dog red blue\ncat dog red bird\n")
    told = firstlight("words", "evaluate", run, "--similarity", pairs, "--analogies", questions)
    assert "4 of 5" in told.stdout
    assert "1 of 2" in told.stdout
    kept = json.loads((run / "metrics.json").read_text())
    found = json.loads(firstlight("words", "evaluate", run, "--similarity", pairs, "--to", "json").stdout)
    assert kept["similarity/pairs.csv"] == found["similarity"]
    assert kept["analogies/questions.txt"]["covered"] == 1
    elsewhere = firstlight("evaluate", run)
    assert elsewhere.exit_code == 2
    assert "firstlight words evaluate" in elsewhere.stderr


@pytest.mark.parametrize("more", [[*ANIMALS, "red"], ["cat", "red", "--neighbours", 3], ["--most-frequent", 6]])
def test_a_map_is_drawn(run: Path, firstlight: Firstlight, tmp_path: Path, more: list[str]):
    result = firstlight("words", "map", run, *more, "--out", tmp_path / "map.png")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "map.png") as picture:
        assert min(picture.size) > 500
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 50


@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary", "glove"])
def test_vectors_are_written_and_asked_like_a_run(run: Path, firstlight: Firstlight, tmp_path: Path, form: str):
    out = tmp_path / "vectors.txt"
    assert firstlight("words", "write", run, out, "--format", form).exit_code == 0
    assert WordVectors.read(out).vocabulary == WordVectors.load(run).vocabulary
    asked = [firstlight("words", "similar", place, "Cat", "--to", "json").stdout for place in (run, out)]
    assert asked[0] == asked[1]


def test_mistakes_are_told_in_a_line(run: Path, firstlight: Firstlight, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "one.txt").write_text("word " * 30)
    for arguments, message in [
        (("words", "similar", run, "hors"), "Did you mean 'horse'"),
        (("words", "similar", tmp_path / "none", "cat"), "Expected a file of word vectors"),
        (("words", "similar", tmp_path / "empty", "cat"), "Expected the folder of a trained system"),
        (("words", "map", run, "cat", "--out", tmp_path / "m.png"), "three words or more"),
        (("words", "evaluate", run), "Expected a file of similarities"),
        (("train", "word-vectors", "--data", tmp_path / "empty", "--out", tmp_path / "r"), "Expected text files"),
        (("train", "word-vectors", "--data", tmp_path / "one.txt", "--out", tmp_path / "r"), "two words or more"),
    ]:
        result = firstlight(*arguments)
        assert result.exit_code == 2
        assert message in " ".join(result.stderr.split())

"""`firstlight trace`: networks on pictures, arrays and numbers; one caption word by word; clear errors."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight.data import scenes
from firstlight.engine import Input, Model, Sequential, layers, load
from firstlight.engine.naming import clear_session

TINY = ["--backbone", "small_cnn", "--image-size", 32, "--units", 16, "--embedding", 16, "--epochs", 1]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A small network for grey pictures of 8 x 8, as a file."""
    clear_session()
    parts = [Input((8, 8, 1), name="image"), layers.Conv2D(3, 3, activation="relu", name="edges"), layers.Flatten()]
    Sequential([*parts, layers.Dense(4, activation="softmax", name="digit")]).save(tmp_path / "digits.keras")
    return tmp_path / "digits.keras"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def test_a_network_on_a_picture(network: Path, picture: Path, firstlight: Any, tmp_path: Path) -> None:
    page, records = tmp_path / "out" / "page.html", tmp_path / "records.json"
    told = firstlight(
        "trace",
        network,
        picture,
        "--range",
        -1,
        1,
        "--html",
        page,
        "--json",
        records,
        "--step",
        "digit",
        "--output",
        "0,2",
    )
    assert told.exit_code == 0, told.output
    assert "y = relu(conv(x, kernel) + bias)" in told.stdout
    assert "Gradients are those of output[0, 2]" in told.stdout
    assert "digit (Dense)" in told.stdout
    assert "weight kernel (108, 4)" in told.stdout
    assert "digits.keras, step by step" in page.read_text(encoding="utf-8")
    found = json.loads(records.read_text())
    assert found["inputs"]["x"]["shape"] == [1, 8, 8, 1]
    assert -1 <= found["inputs"]["x"]["min"] < 0 < found["inputs"]["x"]["max"] <= 1
    plain = json.loads(_records(firstlight, tmp_path, network, picture))
    assert 1 < plain["inputs"]["x"]["max"] <= 255


def _records(firstlight: Any, folder: Path, *arguments: Any) -> str:
    told = firstlight("trace", *arguments, "--json", folder / "again.json")
    assert told.exit_code == 0, told.output
    return (folder / "again.json").read_text()


def test_arrays_and_random_inputs(network: Path, firstlight: Any, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(8, 8, 1)).astype("float32")
    np.save(tmp_path / "one.npy", x)
    found = json.loads(_records(firstlight, tmp_path, network, tmp_path / "one.npy"))
    expected = load(network).predict(x[None])
    np.testing.assert_allclose(found["outputs"][0]["values"], expected[0], rtol=1e-4)
    first, second = (_records(firstlight, tmp_path, network, "--seed", 3) for _ in range(2))
    assert json.loads(first)["outputs"] == json.loads(second)["outputs"]


def test_a_network_of_several_inputs(firstlight: Any, tmp_path: Path) -> None:
    clear_session()
    words, numbers = Input((3,), dtype="int32", name="words"), Input((2,), name="numbers")
    vectors = layers.Flatten()(layers.Embedding(9, 4)(words))
    Model([words, numbers], layers.Dense(1)(layers.Concatenate()([vectors, numbers]))).save(tmp_path / "two.keras")
    path = tmp_path / "two.keras"
    by_order = json.loads(_records(firstlight, tmp_path, path, "1,2,3", "0.5,-1"))
    by_name = json.loads(_records(firstlight, tmp_path, path, "numbers=0.5,-1", "words=1,2,3"))
    np.savez(tmp_path / "both.npz", words=[[1, 2, 3]], numbers=[[0.5, -1]])
    by_file = json.loads(_records(firstlight, tmp_path, path, tmp_path / "both.npz"))
    assert by_order["outputs"] == by_name["outputs"] == by_file["outputs"]
    missing = firstlight("trace", path, "1,2,3")
    assert missing.exit_code == 2
    assert "Expected an input for numbers: the network takes words (3,), numbers (2,)" in missing.output
    assert "Expected 2 inputs" in firstlight("trace", path, "1,2,3", "1,2", "3").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["1,2,3"], "Expected image of shape (8, 8, 1)"),
        (["nothing.png"], "nothing.png"),
        ([], "Name a picture, a .npy file or numbers, or draw them: --seed 0"),
        (["--seed", 0, "--output", "0,9"], "Expected an index of output, of shape (1, 4)"),
        (["--seed", 0, "--step", "edge"], "Did you mean 'edges'"),
        (["one.png", "--seed", 0], "Give INPUTS or --seed"),
    ],
)
def test_wrong_input_is_told_in_a_line(network: Path, firstlight: Any, arguments: list[Any], told: str) -> None:
    result = firstlight("trace", network, *arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_a_file_that_holds_no_arrays_is_told(network: Path, firstlight: Any, tmp_path: Path) -> None:
    for name in ("bad.npy", "bad.npz"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 hello")
        result = firstlight("trace", network, tmp_path / name)
        assert result.exit_code == 2
        assert "Expected arrays of numbers" in result.output


def test_a_folder_without_a_captioner_is_told(firstlight: Any, tmp_path: Path) -> None:
    assert "no system.json" in firstlight("trace", tmp_path, "beach.jpg").output
    (tmp_path / "system.json").write_text('{"class": "firstlight.systems.gan:GAN", "settings": {}}')
    assert "holds 'firstlight.systems.gan:GAN'" in firstlight("trace", tmp_path, "beach.jpg").output
    assert "Expected a file" in firstlight("trace", tmp_path / "none.keras", "1").output


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("cell", ["lstm", "transformer"])
def test_one_caption_word_by_word_as_keras_says_it(cell: str, firstlight: Any, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, scene in enumerate(scenes.split_scenes("train", 8)):
        Image.fromarray(scenes.draw(scene, 64)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text("\n".join(scenes.captions(scene)[:2]), encoding="utf-8")
    run, page = tmp_path / "run", tmp_path / "page.html"
    trained = firstlight("train", "captioner", "--data", folder, "--out", run, *TINY, "--cell", cell)
    assert trained.exit_code == 0, trained.output
    said = firstlight("caption", run, folder / "0.png", "--beam", 1).stdout.strip().partition(": ")[2]
    told = firstlight("trace", run, folder / "0.png", "--html", page)
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[0].partition(": ")[2] == said
    words = re.findall(r"^  (\S+) +\d+%   or ", told.stdout, re.MULTILINE)
    assert " ".join(words) == f"{said} <end>".strip()
    text = page.read_text(encoding="utf-8")
    assert text.count('class="chapter small"') == len(words)
    assert text.count("where it looked") >= len(words)
    for wrong in (["--seed", 0], ["--step", "gru"]):
        assert firstlight("trace", run, folder / "0.png", *wrong).exit_code == 2
    assert "one picture" in firstlight("trace", run).output

"""`firstlight descend`: a table of what came of each optimizer, every kind of file, clear errors."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight import engine
from firstlight.engine.paths import RATES, RULES


def rows(text: str) -> dict[str, list[str]]:
    """The words after each optimizer's name."""
    found = [line.split() for line in text.splitlines() if line.startswith("  ") and line.split()[0] in RULES]
    return {words[0]: words[1:] for words in found}


def test_a_table_tells_loss_distance_and_steps(firstlight: Any) -> None:
    told = firstlight("descend")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("valley: L = (x² + 25 y²) / 2, at least 0\n")
    found = rows(told.stdout)
    assert list(found) == ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
    for name, words in found.items():
        path = engine.descend("valley", name, 200)
        rate, loss, above, distance = map(float, words[:4])
        assert rate == RATES["valley"][name]
        assert loss == pytest.approx(path.losses[-1], rel=1e-3)
        assert above == pytest.approx(path.losses[-1], rel=1e-2)
        assert distance == pytest.approx(path.distance, rel=1e-2)
        assert words[4:] == ["step", str(path.settled())]


def test_all_surfaces_with_all_optimizers(firstlight: Any) -> None:
    told = firstlight("descend", "--surface", "all", "--optimizer", "all", "--steps", 3)
    assert told.exit_code == 0, told.output
    assert [line.split(":")[0] for line in told.stdout.splitlines() if ": L" in line] == list(RATES)
    assert list(rows(told.stdout)) == list(RULES)
    assert told.stdout.count("  no") >= 4 * 6


def test_rates_for_all_and_for_one(firstlight: Any) -> None:
    told = firstlight(
        "descend",
        "--learning-rate",
        "adam=0.5",
        "--learning-rate",
        "0.081",
        "--optimizer",
        "adam",
        "--optimizer",
        "sgd",
        "--steps",
        2000,
    )
    found = rows(told.stdout)
    assert (found["adam"][0], found["sgd"][0]) == ("0.5", "0.081")
    assert found["sgd"][4:6] == ["diverged", "after"]


def test_the_shape_of_the_valley(firstlight: Any) -> None:
    told = firstlight("descend", "--condition", 4, "--angle", 45, "--optimizer", "sgd")
    assert "4 y²) / 2, turned by 45°" in told.stdout
    refused = firstlight("descend", "--surface", "saddle", "--angle", 45)
    assert (refused.exit_code, "is for the valley" in refused.stderr) == (2, True)


def test_start_noise_and_seed(firstlight: Any, tmp_path: Path) -> None:
    wanted = ["--start", "-1,2", "--noise", 0.3, "--seed", 7, "--steps", 9, "--optimizer", "adam"]
    told = firstlight("descend", "--surface", "two-weights", *wanted, "--out", tmp_path / "new" / "paths.json")
    assert told.exit_code == 0, told.output
    found = json.loads((tmp_path / "new" / "paths.json").read_text())
    assert (found["steps"], found["noise"], found["seed"], found["start"]) == (9, 0.3, 7, [-1, 2])
    (surface,) = found["surfaces"]
    (path,) = surface["paths"]
    expected = engine.descend("two_weights", "adam", 9, (-1, 2), 0.3, 7)
    np.testing.assert_allclose(path["positions"], expected.positions)
    np.testing.assert_allclose(path["losses"], expected.losses)
    assert surface["lowest"] == expected.lowest
    assert (path["optimizer"], path["diverged"]) == ("adam", False)


def test_a_table_of_steps(firstlight: Any, tmp_path: Path) -> None:
    firstlight("descend", "--surface", "saddle", "--surface", "valley", "--steps", 5, "--out", tmp_path / "paths.csv")
    with (tmp_path / "paths.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 2 * 6 * 6
    path = engine.descend("valley", "adam", 5)
    mine = [row for row in found if (row["surface"], row["optimizer"]) == ("valley", "adam")]
    assert [int(row["step"]) for row in mine] == list(range(6))
    np.testing.assert_allclose([[float(row["x"]), float(row["y"])] for row in mine], path.positions)
    np.testing.assert_allclose([float(row["loss"]) for row in mine], path.losses)


def test_figures_a_film_and_a_page(firstlight: Any, tmp_path: Path) -> None:
    names = ["still.png", "still.svg", "film.gif", "page.html"]
    out = [part for name in names for part in ("--out", tmp_path / name)]
    told = firstlight("descend", "--steps", 6, "--noise", 0.5, "--seed", 3, *out)
    assert told.exit_code == 0, told.output
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert all(f"Written: {tmp_path / name}" in told.stderr for name in names)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 7
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "6 steps of each optimizer, noise of 0.5 from seed 3 on the gradients." in page
    assert "<td>0.07</td>" in page, "the rate"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--surface", "valey"], "Did you mean 'valley'"),
        (["--optimizer", "adan"], "Did you mean 'adam'"),
        (["--learning-rate", "sdg=0.1"], "Did you mean 'sgd'"),
        (["--learning-rate", "adam=fast"], "such as 0.1 or adam=0.1"),
        (["--learning-rate", "-1"], "such as 0.1 or adam=0.1"),
        (["--start", "1"], "two numbers such as -4,1"),
        (["--start", "a,b"], "two numbers such as -4,1"),
        (["--start", "1e9,0"], "near the map"),
        (["--steps", "0"], "x>=1"),
        (["--noise", "-1"], "x>=0"),
        (["--condition", "0.1"], "condition number of 1 or more"),
        (["--out", "still.pdf"], "Received still.pdf"),
    ],
)
def test_what_cannot_be_used_is_told(firstlight: Any, arguments: list[str], told: str) -> None:
    result = firstlight("descend", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""

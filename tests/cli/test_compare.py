"""`firstlight compare` and `train --find-learning-rate`: options, tables, files, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from firstlight.cli.compare import parse_settings
from firstlight.errors import FirstlightError
from firstlight.systems import comparison
from firstlight.systems.comparison_pool import Told

SMALL = ["--data", "digits", "--images", 60, "--epochs", 1, "--processes", 1]
QUICK = ["--set", "architecture=mlp", "--set", "width=8", "--set", "depth=1"]


@pytest.mark.slow
def test_optimizers_and_rates_are_compared_and_the_same_command_resumes(firstlight: Any, tmp_path: Path) -> None:
    out = tmp_path / "compare"
    varied = ["--optimizer", "sgd", "--optimizer", "adam", "--learning-rate", 0.01, "--learning-rate", 1e20]
    command = ["compare", "optimizers", *SMALL, *QUICK, *varied, "--seeds", 2, "--out", out]
    result = firstlight(*command)
    assert result.exit_code == 0, result.output
    assert "Best: " in result.stdout
    assert "sgd, rate 0.01" in result.stdout
    (row,) = [line for line in result.stdout.splitlines() if line.split()[:3] == ["sgd,", "rate", "1e+20"]]
    assert row.split()[3] == "diverged"
    assert "sgd, rate 1e+20, seed 0: diverged: Expected a finite loss. Received" in result.stdout
    names = {path.name for path in out.iterdir()}
    figures = {"loss_steps.png", "loss_seconds.png", "scores.png", "rates.png"}
    assert names == {"plan.json", "runs", "comparison.csv", "comparison.json", "comparison.html", *figures}
    assert len(list((out / "runs").iterdir())) == 8
    rows = list(csv.DictReader((out / "comparison.csv").read_text().splitlines()))
    assert {(row["optimizer"], row["learning_rate"]) for row in rows[:2]} == {("sgd", "0.01"), ("adam", "0.01")}
    text = (out / "comparison.html").read_text()
    assert text.count("data:image/png") == 4
    assert "the loss of the first step was the same in all" in text
    told = json.loads((out / "comparison.json").read_text())
    assert told["settings"]["width"] == 8
    again = firstlight(*command)
    assert "8 of 8 runs are there already" in again.stderr
    assert again.stdout == result.stdout
    refused = firstlight(*command, "--set", "dropout=0.5")
    assert refused.exit_code == 2
    assert "dropout (default there, 0.5 here)" in refused.output


@pytest.mark.slow
def test_tricks_are_told_one_by_one(firstlight: Any, tmp_path: Path) -> None:
    out = tmp_path / "tricks"
    chosen = ["--tricks", "normalization, schedule", "--leave-one-out", "--set", "width=4", "--set", "depth=1"]
    result = firstlight("compare", "tricks", *SMALL, *chosen, "--seeds", 2, "--out", out)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    order = [
        place
        for name in ("plain", "+ normalization", "+ schedule", "without normalization")
        for place, line in enumerate(lines)
        if line.strip().startswith(name)
    ]
    assert order == sorted(order)
    assert len(order) == 4
    assert {path.name for path in out.glob("*.png")} == {"ladder.png", "without.png"}
    assert "Ioffe and Szegedy 2015" in (out / "comparison.html").read_text()


def test_the_ladder_can_be_read_without_data(firstlight: Any) -> None:
    result = firstlight("compare", "tricks", "--list")
    assert result.exit_code == 0
    for part in ("plain: ", "label_smoothing=0.1", "Zhang et al. 2018", "architecture=resnet"):
        assert part in result.output


def test_where_no_run_finishes_the_reasons_are_told(
    firstlight: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(jobs: Any, processes: int, told: Any) -> None:
        for place in range(len(jobs)):
            told(Told(place, over=True, problem="The process ended with exit code -9."))

    monkeypatch.setattr(comparison, "run_jobs", die)
    result = firstlight("compare", "optimizers", *SMALL, *QUICK, "--optimizer", "adam", "--out", tmp_path / "none")
    assert result.exit_code == 1
    assert "No run finished." in result.stderr
    assert "adam, seed 0: failed: The process ended with exit code -9." in result.stdout
    (row,) = [line for line in result.stdout.splitlines() if line.split()[:2] == ["adam", "failed"]]
    assert row.count("–") == 3
    assert (tmp_path / "none" / "comparison.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["optimizers", "--set", "widht=3"], "Did you mean 'width'"),
        (["optimizers", "--set", "width"], "Expected NAME=VALUE"),
        (["optimizers", "--set", "width=wide"], "Expected a value for width"),
        (["optimizers", "--vary", "mixupp=0,0.2"], "Did you mean 'mixup'"),
        (["optimizers", "--optimizer", "sgd", "--set", "optimizer=adam"], "set or varied"),
        (["optimizers", "--optimizer", "sgd", "--vary", "optimizer=lion"], "Received --optimizer and --vary optimizer"),
        (["optimizers", "--set", "width=8", "--set", "width=16"], "Expected width to be given once"),
        (["optimizers", "--vary", "width=8", "--vary", "width=16"], "Expected width to be given once"),
        (["optimizers", "--system", "linear-regression"], "which learns from a table"),
        (["tricks", "--system", "linear-regression"], "which learns from a table"),
        (["optimizers", "--system", "clasifier"], "Did you mean 'classifier'"),
        (["tricks", "--tricks", "averages"], "Did you mean 'average'"),
        (["tricks", "--set", "mixup=0.1"], "which plain, mixup sets"),
        (["optimizers", "--hold-out", 1.5], "hold-out"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_trained(
    arguments: list[Any], told: str, firstlight: Any, tmp_path: Path
) -> None:
    result = firstlight("compare", *arguments, "--data", "digits", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "run" / "runs").exists()


def test_values_have_the_types_of_the_signature() -> None:
    given = ["width=16", "learning-rate=0.1", "mirrored=true", "image_size=none", "architecture=mlp", "patience=3"]
    wanted = {
        "width": 16,
        "learning_rate": 0.1,
        "mirrored": True,
        "image_size": None,
        "architecture": "mlp",
        "patience": 3,
    }
    assert parse_settings("classifier", given) == wanted
    assert parse_settings("classifier", ["mixup=0, 0.2"], several=True) == {"mixup": [0.0, 0.2]}
    with pytest.raises(FirstlightError, match="normalization"):
        parse_settings("classifier", ["normalization=layer"])


@pytest.mark.slow
def test_a_learning_rate_is_found_without_a_run(firstlight: Any, tmp_path: Path) -> None:
    settings = ["--architecture", "linear", "--optimizer", "sgd", "--precision", "float32", "--batch-size", 200]
    span = ["--lowest", "1e-4", "--highest", "1e4"]
    out = tmp_path / "rates"
    result = firstlight(
        "train", "classifier", "--data", "digits", "--find-learning-rate", *settings, *span, "--out", out
    )
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"learning_rate.png", "learning_rate.csv"}
    rows = list(csv.DictReader((out / "learning_rate.csv").read_text().splitlines()))
    assert float(rows[0]["rate"]) == pytest.approx(1e-4)
    assert f"{len(rows)} steps, from 0.0001 to " in result.stdout
    assert "the loss falls fastest at " in result.stdout
    suggested = float(result.stdout.partition("--learning-rate ")[2].split()[0])
    assert 1e-4 < suggested < float(rows[-1]["rate"])


def test_bounds_without_the_test_are_refused(firstlight: Any, tmp_path: Path) -> None:
    result = firstlight("train", "classifier", "--data", "digits", "--lowest", 0.1, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "--lowest needs --find-learning-rate" in result.output


def test_a_system_without_the_test_says_so(constant: Any, firstlight: Any, photos: Path) -> None:
    assert "--find-learning-rate" not in firstlight("train", "constant", "--help").output
    result = firstlight("train", "constant", "--data", photos, "--find-learning-rate")
    assert result.exit_code == 2
    assert "Received a ConstantCaptioner" in result.output

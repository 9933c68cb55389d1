"""`firstlight evaluate`: the table, the protocol, metrics.json, the gallery, and facts of drawn scenes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.cli.judging import judge
from firstlight.cli.reports import EACH_SECTION, metrics_of, print_facts, print_metrics, publish
from firstlight.data import Dataset, Split, scenes
from firstlight.pages import Metric


def test_table_protocol_and_files(run: Path, firstlight: Any) -> None:
    result = firstlight("evaluate", run, "--split", "test", "--beam", 2)
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "BLEU-4" in text
    assert "2 images of split test; 4 references (2 an image);" in text
    assert "beam 2; 95 % intervals by bootstrap over images." in text
    report = json.loads((run / "metrics.json").read_text())["photos/test"]
    assert f"BLEU-1 {100 * report['bleu_1']:.1f}" in text
    page = (run / "gallery.html").read_text()
    assert "<h2>Best</h2>" in page
    assert "dog number 10" in page


def test_another_split_stays_in_metrics(run: Path, firstlight: Any) -> None:
    firstlight("evaluate", run, "--split", "test")
    firstlight("evaluate", run)
    assert set(json.loads((run / "metrics.json").read_text())) == {"photos/test", "photos/validation", "checks"}


def test_json_and_another_folder(run: Path, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    before = (run / "metrics.json").read_text()
    result = firstlight("evaluate", run, photos, "--split", "test", "--json", "--out", tmp_path / "judged")
    report = json.loads(result.stdout)
    assert report == json.loads((tmp_path / "judged" / "metrics.json").read_text())["photos/test"]
    low, high = report["intervals"]["cider"]
    assert low <= report["cider"] <= high
    assert (run / "metrics.json").read_text() == before


def test_unknown_split_and_unknown_data(run: Path, firstlight: Any, photos: Path) -> None:
    result = firstlight("evaluate", run, "--split", "tset")
    assert result.exit_code == 2
    assert "Did you mean 'test'?" in result.stderr
    record = json.loads((run / "system.json").read_text())
    (run / "system.json").write_text(json.dumps({**record, "data": None}))
    result = firstlight("evaluate", run)
    assert result.exit_code == 2
    assert "firstlight evaluate RUN DATA" in result.stderr


def test_unreadable_images_are_passed_over(run: Path, firstlight: Any, photos: Path) -> None:
    (photos / "07.jpg").write_bytes(b"\xff\xd8 broken")
    result = firstlight("evaluate", run)
    assert result.exit_code == 0
    assert "passed over:" in result.stderr
    assert "07.jpg" in result.stderr
    assert "3 images of split validation" in result.stdout
    for number in (6, 8, 9):
        (photos / f"{number:02d}.jpg").write_bytes(b"")
    assert "none of them readable" in firstlight("evaluate", run).stderr


def test_facts_of_drawn_scenes(constant: Any) -> None:
    drawn = scenes.load(train=1, validation=3, test=0, unseen=0, size=32)
    captioner = constant()
    captioner.text = drawn.validation.captions[0][0]
    report = judge(captioner, drawn, "validation", beam_width=1).report
    said = scenes.read_facts(captioner.text)
    true = [set(facts) for facts in drawn.validation.column("true_facts")]
    assert report["fact_precision"] == pytest.approx(sum(len(said & facts) for facts in true) / (3 * len(said)))
    assert 0 < report["fact_recall"] < 1
    for name in ("fact_precision", "fact_recall", "cider"):
        low, high = report["intervals"][name]
        assert low <= report[name] <= high
    assert {"thing", "color", "number", "place"} <= set(report["fact_kinds"])
    assert all(share["recall"] is None for kind, share in report["fact_kinds"].items() if kind == "size")
    assert "greedy" in report["protocol"]


def test_the_table_of_facts_goes_by_kind(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {"thing": {"precision": 0.5, "recall": 1.0}, "size": {"precision": 0.25, "recall": None}}
    intervals = {"fact_precision": (0.1, 0.2), "fact_recall": (0.3, 0.4)}
    report = {"fact_precision": 0.15, "fact_recall": 0.35, "fact_kinds": kinds, "intervals": intervals}
    print_facts("Facts", {"test": report, "unseen": report})
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "thing 50.0 100.0 50.0 100.0" in lines
    assert "size 25.0 – 25.0 –" in lines
    assert "95 % interval 10.0 to 20.0 30.0 to 40.0 10.0 to 20.0 30.0 to 40.0" in lines


def test_no_picture_is_in_two_sections(constant: Any, tmp_path: Path) -> None:
    count = 3 * EACH_SECTION + 7
    columns = {
        "names": [f"picture {row}" for row in range(count)],
        "images": [np.full((8, 8, 3), row, np.uint8) for row in range(count)],
        "captions": [["a dog runs" if row % 2 else "the cat sleeps here"] for row in range(count)],
    }
    captioner = constant()
    captioner.text = "a dog runs"
    judged = judge(captioner, Dataset("grey", {"test": Split("test", columns)}), "test", beam_width=3)
    publish(judged, tmp_path, "grey")
    page = (tmp_path / "gallery.html").read_text()
    shown = [name for name in columns["names"] if f">{name}<" in page]
    assert page.count("<article>") == len(shown) == 3 * EACH_SECTION


def test_metrics_are_scaled_as_papers_print_them() -> None:
    report = {"protocol": "so", "cider": 0.479, "mean_length": 9.8, "learned": True, "intervals": {"cider": [0.4, 0.5]}}
    assert metrics_of(report) == [
        Metric("CIDEr", 47.9, 40.0, 50.0, ".1f"),
        Metric("Mean length", 9.8, None, None, ".4g"),
    ]


def test_each_number_is_printed_in_its_own_form(capsys: pytest.CaptureFixture[str]) -> None:
    report = {"accuracy": 0.98765, "log_loss": 0.03412, "strangeness": 0.000218, "words": 12345}
    print_metrics("runs/[mine], split [test]", metrics_of(report), "so many [images].")
    told = " ".join(capsys.readouterr().out.split())
    for part in ("Accuracy 98.8", "Log loss 0.034", "Strangeness 0.000218", "Words 12,345"):
        assert part in told
    assert "runs/[mine], split [test]" in told
    assert "so many [images]." in told


def test_a_system_without_captions_is_judged_by_its_own_numbers(tmp_path: Path) -> None:
    class Classifier:
        def evaluate(self, split: Split) -> dict[str, float]:
            return {"accuracy": 0.5}

    split = Split("test", {"images": [0, 1], "labels": [0, 1]})
    judged = judge(Classifier(), Dataset("digits", {"test": split}), "test", beam_width=3)
    publish(judged, tmp_path, "digits")
    report = judged.report
    assert report["accuracy"] == 0.5
    assert "references" not in report["protocol"]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]

"""`firstlight evaluate`: the table, the protocol, metrics.json, the gallery, and facts of drawn scenes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.cli.evaluate import EACH_SECTION, judge, rows
from firstlight.data import Dataset, Split, scenes


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
    assert set(json.loads((run / "metrics.json").read_text())) == {"photos/test", "photos/validation"}


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


def test_facts_of_drawn_scenes(constant: Any, tmp_path: Path) -> None:
    drawn = scenes.load(train=1, validation=3, test=0, unseen=0, size=32)
    captioner = constant()
    captioner.text = drawn.validation.captions[0][0]
    report = judge(captioner, drawn, "validation", tmp_path, beam_width=1, title="scenes")
    said = scenes.read_facts(captioner.text)
    true = [set(facts) for facts in drawn.validation.column("true_facts")]
    assert report["fact_precision"] == pytest.approx(sum(len(said & facts) for facts in true) / (3 * len(said)))
    assert 0 < report["fact_recall"] < 1
    assert "greedy" in report["protocol"]


def test_no_picture_is_in_two_sections(constant: Any, tmp_path: Path) -> None:
    count = 3 * EACH_SECTION + 7
    columns = {
        "names": [f"picture {row}" for row in range(count)],
        "images": [np.full((8, 8, 3), row, np.uint8) for row in range(count)],
        "captions": [["a dog runs" if row % 2 else "the cat sleeps here"] for row in range(count)],
    }
    captioner = constant()
    captioner.text = "a dog runs"
    judge(captioner, Dataset("grey", {"test": Split("test", columns)}), "test", tmp_path, beam_width=3, title="grey")
    page = (tmp_path / "gallery.html").read_text()
    shown = [name for name in columns["names"] if f">{name}<" in page]
    assert page.count("<article>") == len(shown) == 3 * EACH_SECTION


def test_rows_are_scaled_as_papers_print_them() -> None:
    report = {"protocol": "so", "cider": 0.479, "mean_length": 9.8, "learned": True, "intervals": {"cider": [0.4, 0.5]}}
    assert rows(report) == [("CIDEr", 47.9, 40.0, 50.0), ("Mean length", 9.8, None, None)]


def test_a_system_without_captions_is_judged_by_its_own_numbers(tmp_path: Path) -> None:
    class Classifier:
        def evaluate(self, split: Split) -> dict[str, float]:
            return {"accuracy": 0.5}

    split = Split("test", {"images": [0, 1], "labels": [0, 1]})
    report = judge(Classifier(), Dataset("digits", {"test": split}), "test", tmp_path, beam_width=3, title="digits")
    assert report["accuracy"] == 0.5
    assert "references" not in report["protocol"]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]

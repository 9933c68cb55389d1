"""`firstlight train classifier` and `firstlight classify`: from class folders to answers, broken images among them."""

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras on NumPy 2
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with a dozen pictures each: bright ones and dark ones."""
    root = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for label, low in (("bright", 150), ("dark", 0)):
        (root / label).mkdir()
        for number in range(12):
            pixels = random.integers(low, low + 100, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


def test_from_class_folders_to_answers(folders: Path, firstlight: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = firstlight(
        "train", "classifier", "--data", folders, "--out", run, "--architecture", "linear", "--epochs", 10
    )
    assert trained.exit_code == 0, trained.output
    assert "Accuracy" in trained.stdout
    assert (run / "confusion.png").stat().st_size > 1000
    report = (run / "report.html").read_text()
    assert "How it was trained" in report
    assert "Each class" in report
    assert "bright" in report
    told = firstlight("classify", run, folders / "bright" / "0.png", folders / "dark" / "0.png")
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[0].partition(": ")[2].startswith("bright ")
    assert lines[1].partition(": ")[2].startswith("dark ")

    (tmp_path / "broken.png").write_bytes(b"no picture")
    some = firstlight("classify", run, tmp_path / "broken.png", folders, "--to", "csv")
    assert some.exit_code == 1
    assert "broken.png" in some.stderr
    rows = list(csv.DictReader(io.StringIO(some.stdout)))
    assert len(rows) == 24
    assert all(row["label"] == Path(row["image"]).parent.name for row in rows)
    assert all(float(row["bright"]) + float(row["dark"]) == pytest.approx(1, abs=1e-4) for row in rows)
    assert firstlight("classify", run, tmp_path / "broken.png").exit_code == 2

    out = tmp_path / "answers.json"
    assert firstlight("classify", run, folders / "dark", "--to", "json", "--out", out).exit_code == 0
    assert {record["label"] for record in json.loads(out.read_text())} == {"dark"}
    assert firstlight("classify", run, folders, "--out", out).exit_code == 2

    page = tmp_path / "why" / "page.html"
    some = firstlight("classify", run, folders / "bright", tmp_path / "broken.png", "--explain", page)
    assert some.exit_code == 1
    assert f"Written: {page}" in some.stderr
    text = page.read_text()
    assert text.count("<article>") == 12
    assert "broken.png" in text
    assert ">Saliency</button>" in text
    assert ">Grad-CAM</button>" not in text, "one matrix has no regions"

    elsewhere = firstlight("evaluate", run, "--split", "test", "--out", tmp_path / "elsewhere")
    assert elsewhere.exit_code == 0, elsewhere.output
    again = (tmp_path / "elsewhere" / "report.html").read_text()
    assert "<figcaption>Loss" in again, "the history stands in the run folder"
    beam = firstlight("evaluate", run, "--split", "test", "--beam", 3)
    assert (beam.exit_code, "--beam is for captioners" in beam.stderr) == (2, True)
    judged = firstlight("evaluate", run, "--split", "test", "--json")
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.stdout)["accuracy"] == 1.0
    assert "which holds a ImageClassifier" in firstlight("caption", run, folders / "dark" / "0.png").output


def test_one_class_is_told_in_a_line(folders: Path, firstlight: Any, tmp_path: Path) -> None:
    result = firstlight("train", "classifier", "--data", folders / "dark", "--out", tmp_path / "run", "--epochs", 1)
    assert result.exit_code == 2
    assert "Error: Expected" in result.output


def test_the_report_shows_what_was_told(folders: Path, firstlight: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    firstlight("train", "classifier", "--data", folders, "--out", run, "--width", 8, "--epochs", 1, "--image-size", 20)
    mixed = tmp_path / "mixed"
    for label, other in (("bright", "dark"), ("dark", "bright")):
        (mixed / label).mkdir(parents=True)
        for number in range(3):
            source = folders / (label if number else other) / f"{number}.png"
            (mixed / label / f"{label}{number}.png").write_bytes(source.read_bytes())
    (mixed / "dark" / "broken.png").write_bytes(b"no picture")
    result = firstlight("evaluate", run, mixed, "--split", "train", "--out", tmp_path / "judged")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "judged" / "metrics.json").read_text())["mixed/train"]
    text = (tmp_path / "judged" / "report.html").read_text()
    images = sum(each["support"] for each in report["classes"].values())
    wrong = round((1 - report["accuracy"]) * images)
    rightly = images - wrong
    assert 0 < wrong < images
    assert f"{rightly} of {images} images were told rightly" in text
    assert text.count("taken for <b class") == wrong + sum(
        count > 0
        for row, counts in enumerate(report["confusion"])
        for column, count in enumerate(counts)
        if row != column
    )
    assert text.count(", rightly</p>") == rightly
    assert "broken.png" in text
    assert "What excites each class" in text
    assert "95 % intervals of shares (Wilson 1927)" in text
    low, high = report["classes"]["dark"]["precision_interval"]
    assert low < high


def test_photos_of_a_page_are_kept_as_small_as_it_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from firstlight import pages
    from firstlight.cli import classifier_cards
    from firstlight.systems import classifier_heat

    for number, shape in enumerate([(500, 900), (900, 500), (20, 30)]):
        Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(tmp_path / f"{number}.png")
    paths = sorted(str(path) for path in tmp_path.iterdir())
    heat = np.ones((8, 8))
    kept: list[pages.Case] = []
    monkeypatch.setattr(
        classifier_heat,
        "explain",
        lambda classifier, some: (
            [SimpleNamespace(name="x", label="y", ranking=[], saliency=heat, grad_cam=None)] * len(some)
        ),
    )
    monkeypatch.setattr(classifier_cards, "has_regions", lambda classifier: False)
    monkeypatch.setattr(pages, "explanations", lambda path, title, told, shown, names, failed: kept.extend(shown))
    classifier_cards.explain(None, "run", paths, [], tmp_path / "page.html")
    assert [case.picture.shape for case in kept] == [(178, 320, 3), (320, 178, 3), (20, 30, 3)]


def test_of_many_classes_the_worst_are_shown() -> None:
    import keras

    from firstlight.cli.classifier_report import report_of
    from firstlight.cli.judging import judge
    from firstlight.data import Dataset, Split
    from firstlight.systems import ImageClassifier
    from firstlight.systems.classifier_networks import NetworkPlan, build_network

    keras.utils.set_random_seed(0)
    classifier = ImageClassifier("linear")
    classifier.network = build_network(NetworkPlan("linear", (6, 6, 3), 100, 1, 1))
    classifier.classes, classifier.shape = [f"class {number}" for number in range(100)], (6, 6, 3)
    training = {"seed": 0, "epochs": 1}
    classifier.description = classifier.describe(training=training, train_images=100, validation_images=10)
    images = list(np.random.default_rng(0).integers(0, 255, (300, 6, 6, 3), np.uint8))
    labels = [f"class {number % 100}" for number in range(300)]
    split = Split("test", {"names": [str(number) for number in range(300)], "images": images, "labels": labels})
    judgement = judge(classifier, Dataset("noise", {"test": split}), "test", beam_width=1)
    found = report_of(judgement, Path("nowhere"))
    assert found.matrix is None
    assert len(found.pairs) == 20
    counts = [pair.count for pair in found.pairs]
    off = np.array(judgement.report["confusion"]) * (1 - np.eye(100, dtype=int))
    assert counts == sorted(off.ravel().tolist(), reverse=True)[:20]
    assert all(len(pair.pictures) == min(pair.count, 8) for pair in found.pairs)
    recalls = [row.recall[0] for row in found.classes]
    assert recalls == sorted(recalls), "the worst first"
    assert [bool(row.examples) for row in found.classes] == [True] * 60 + [False] * 40
    for case in found.mistakes:
        row = int(case.name)
        assert (case.true, case.told) == (labels[row], classifier.classify(images[row]).label)
        np.testing.assert_array_equal(case.picture, images[row])
        assert set(case.heats) == {"Told class", "Other class"}
        assert case.true in dict(case.shares)

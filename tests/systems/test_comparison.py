"""Comparisons in real processes: the same start, what is kept and taken up again, what fails, and the figures."""

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight import data, systems
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems import ImageClassifier, comparison_worker
from firstlight.systems.comparison import Comparison
from firstlight.systems.comparison_data import read_split, write_split
from firstlight.systems.comparison_folder import ComparisonFolder
from firstlight.systems.comparison_plan import Run, combinations, divide, fingerprint, make_plan
from firstlight.systems.comparison_pool import Told, available_cores, environment, run_jobs
from firstlight.systems.comparison_summary import common_loss, curve, difference, summarize
from firstlight.systems.comparison_worker import Recorder
from firstlight.systems.system import Silent

ROOT = Path(__file__).resolve().parents[2]
QUICK: dict[str, Any] = {"architecture": "mlp", "width": 16, "depth": 1, "augmentation": "none", "average": 0.0}
OPTIMIZERS = combinations(optimizer=["sgd", "adam"], learning_rate=[0.01])
DIVERGES = {"wild": {"optimizer": "sgd", "learning_rate": 1e20}}


class Notes(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.told: list[int] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def task(self, name: str, total: int) -> Any:
        return self.told.append


@pytest.fixture(scope="module")
def digits() -> Split:
    split: Split = data.load("digits", task="labels").train
    return split


@pytest.fixture(scope="module")
def compared(digits: Split, tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path, Notes]:
    folder, notes = tmp_path_factory.mktemp("compared"), Notes()
    options: dict[str, Any] = {"settings": QUICK, "epochs": 2, "seeds": np.int64(2), "images": 200, "processes": 1}
    found = systems.compare("classifier", digits, {**OPTIMIZERS, **DIVERGES}, folder=folder, progress=notes, **options)
    return found, folder, notes


# -- real processes ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_all_variants_of_a_seed_start_alike(compared: tuple[Comparison, Path, Notes]) -> None:
    found, _, _ = compared
    first = {name: [run["losses"][0] for run in runs] for name, runs in found.records.items()}
    assert first["sgd"] == first["adam"] == first["wild"], "to the first loss no step has led"
    assert first["sgd"][0] != first["sgd"][1], "another seed starts elsewhere"
    assert found.same_start
    later = {name: [run["losses"][-1] for run in runs] for name, runs in found.records.items()}
    assert later["sgd"] != later["adam"]


@pytest.mark.slow
def test_a_run_that_diverges_is_a_row_with_its_reason(compared: tuple[Comparison, Path, Notes]) -> None:
    found, folder, notes = compared
    last = found.ranking()[-1]
    assert (last.variant, last.score, last.scores) == ("wild", None, {})
    assert set(last.problems) == {0, 1}
    assert last.problems[0].startswith("diverged: Expected a finite loss. Received")
    assert any(line.startswith("wild, seed 1: diverged") for line in notes.messages)
    assert notes.told == sorted(notes.told)
    assert notes.told[-1] == 100
    rows = list(csv.DictReader((folder / "comparison.csv").read_text().splitlines()))
    assert [row["variant"] for row in rows][-1] == "wild"
    assert rows[-1]["accuracy"] == ""
    assert "finite loss" in rows[-1]["problems"]
    assert {row["optimizer"] for row in rows[:2]} == {"sgd", "adam"}


@pytest.mark.slow
def test_figures_are_those_of_the_runs(compared: tuple[Comparison, Path, Notes]) -> None:
    found, folder, _ = compared
    best = found.ranking()[0]
    assert best.score == pytest.approx(np.mean(list(best.scores.values())))
    assert best.spread == pytest.approx(np.std(list(best.scores.values()), ddof=1))
    assert 0.2 < best.score < 1
    runs = found.records[best.variant]
    assert [len(run["losses"]) for run in runs] == [24, 24], "two epochs of 200 images in batches of 16"
    for run in runs:
        assert run["seconds"][0] == 0, "time begins at the end of the first step"
        assert run["seconds"] == sorted(run["seconds"])
        assert run["seconds"][-1] < run["seconds_in_all"]
        assert run["speed"] == pytest.approx(23 * 16 / run["seconds"][-1], rel=1e-2)
        assert [row["epoch"] for row in run["epochs"]] == [1, 2]
        assert 0 <= run["epochs"][-1]["accuracy"] <= 1
    told = json.loads((folder / "comparison.json").read_text())
    assert told["variants"][0]["score"] == best.score
    assert told["images"] == {"train": 200, "held_out": found.images[1]}
    assert told["settings"]["precision"] == "float32", "and not what each process would choose"


@pytest.mark.slow
def test_what_is_missing_is_trained_again_and_comes_out_the_same(
    compared: tuple[Comparison, Path, Notes], digits: Split
) -> None:
    found, folder, _ = compared
    kept = ComparisonFolder(folder)
    lost = next(run for run in found.plan.runs() if run.variant == "adam" and run.seed == 1)
    before = kept.read(lost)
    assert before is not None
    times = {file.name: file.stat().st_mtime_ns for file in (folder / "runs").iterdir()}
    kept.file(lost).unlink()
    (folder / "runs" / "half.json").write_text('{"sta')
    notes = Notes()
    options: dict[str, Any] = {"settings": QUICK, "epochs": 2, "seeds": 2, "images": 200, "processes": 4}
    again = systems.compare("classifier", digits, {**OPTIMIZERS, **DIVERGES}, folder=folder, progress=notes, **options)
    assert notes.messages[0] == "5 of 6 runs are there already"
    after = kept.read(lost)
    assert after is not None
    assert (after["losses"], after["score"]) == (before["losses"], before["score"]), "whatever ran before it"
    for file in (folder / "runs").iterdir():
        if file != kept.file(lost) and file.name in times:
            assert file.stat().st_mtime_ns == times[file.name]
    assert [each.scores for each in again.summaries()] == [each.scores for each in found.summaries()]
    told = json.loads((folder / "comparison.json").read_text())
    assert told["processes"] == again.processes == 1, "five trained one by one before, and now one alone"


@pytest.mark.slow
def test_other_settings_are_refused_and_restart_begins_anew(
    compared: tuple[Comparison, Path, Notes], digits: Split
) -> None:
    _, folder, _ = compared
    plan = make_plan("classifier", OPTIMIZERS, {**QUICK, "width": 8}, 3)
    noted = {"fingerprint": "other"}
    with pytest.raises(FirstlightError, match=r"epochs \(2 there, 3 here\), fingerprint.*width \(16 there, 8 here\)"):
        ComparisonFolder(folder).begin(plan, noted, restart=False)
    assert list((folder / "runs").iterdir()), "nothing is deleted by a refusal"


def test_restart_deletes_runs_alone(tmp_path: Path) -> None:
    kept = ComparisonFolder(tmp_path)
    first, second = (make_plan("classifier", OPTIMIZERS, {"width": width}) for width in (8, 16))
    kept.begin(first, {}, restart=False)
    run = first.runs()[0]
    kept.write_failure(run, "no memory")
    (tmp_path / "thesis.txt").write_text("years of work")
    found = kept.read(run)
    assert found is not None
    assert found["reason"] == "no memory"
    assert not kept.is_over(run), "what failed is tried again"
    kept.begin(first, {}, restart=False)
    with pytest.raises(FirstlightError, match="--restart"):
        kept.begin(second, {}, restart=False)
    kept.begin(second, {}, restart=True)
    assert kept.read(run) is None
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.slow
def test_a_process_that_dies_takes_one_run_with_it(tmp_path: Path) -> None:
    (tmp_path / "mortal.py").write_text(
        textwrap.dedent("""
        import os, signal
        from firstlight.systems.system import System

        class Mortal(System):
            def __init__(self, dies=False):
                self.dies = dies
            def fit(self, train, *, validation_data=None, epochs=1, seed=0, progress=None):
                if self.dies:
                    os.kill(os.getpid(), signal.SIGKILL)
                progress.start(1, 0, "images")
                progress.epoch_started(0, 2)
                progress.batch(1, 2.0, 1)
                progress.batch(2, 1.0, 1)
            def evaluate(self, split):
                return {"accuracy": os.environ["OMP_NUM_THREADS"] == "1"}
        """)
    )
    jobs = []
    split = Split("train", {"names": ["a"], "images": [np.zeros((2, 2), np.uint8)], "labels": ["x"]})
    write_split(tmp_path / "split.npz", split)
    for number, dies in enumerate((True, False)):
        files = {"train": str(tmp_path / "split.npz"), "held": str(tmp_path / "split.npz")}
        more = {"score": "accuracy", "file": str(tmp_path / f"{number}.json"), "about": {"variant": str(dies)}}
        jobs.append({"system": "mortal:Mortal", "settings": {"dies": dies}, "training": {"epochs": 1}, **files, **more})
    told: list[Told] = []
    sys.path.insert(0, str(tmp_path))
    try:
        run_jobs(jobs, 1, told.append)
    finally:
        sys.path.remove(str(tmp_path))
    over = {each.job: each.problem for each in told if each.over}
    assert over[0] is not None
    assert "exit code -9" in over[0]
    assert "memory" in over[0]
    assert over[1] is None
    assert not (tmp_path / "0.json").exists()
    assert json.loads((tmp_path / "1.json").read_text())["losses"] == [2.0, 1.0]


@pytest.mark.slow
def test_interrupting_ends_every_process(tmp_path: Path, digits: Split) -> None:
    script = f"""
        import signal
        from firstlight import data, systems
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background is begun without
        digits = data.load("digits", task="labels").train
        options = dict(settings={QUICK!r}, epochs=10_000, folder={str(tmp_path)!r}, processes=1)
        systems.compare("classifier", digits, {OPTIMIZERS!r}, **options)
    """
    environment_ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment_, stderr=subprocess.PIPE
    )
    workers: list[int] = []
    for _ in range(600):
        workers = children(process.pid)
        if workers:
            break
        time.sleep(0.1)
    assert workers
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in errors
    assert not any(is_alive(worker) for worker in workers)


def children(parent: int) -> list[int]:
    """The processes that this one has started."""
    try:
        tasks = Path(f"/proc/{parent}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# -- in this process ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2
def test_the_first_weights_do_not_know_the_optimizer(digits: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    from firstlight.systems import classifier_training
    from firstlight.systems.optimization import values_of

    seen: list[list[np.ndarray]] = []
    run = classifier_training.Training.run

    def spied(training: Any) -> Any:
        seen.append(values_of(training.keeping.floats))
        return run(training)

    monkeypatch.setattr(classifier_training.Training, "run", spied)
    for settings in ({"optimizer": "sgd"}, {"optimizer": "lion", "learning_rate": 1e-4, "schedule": "cosine"}):
        ImageClassifier(**{**QUICK, **settings, "precision": "float32"}).fit(digits.take(range(100)), epochs=1, seed=3)
    for one, other in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_recorder_counts_time_from_the_first_step_and_not_while_judging() -> None:
    clock = iter([10.0, 11.0, 13.0, 100.0, 101.0])  # first step, second; then the next epoch begins, and two steps
    told: list[dict[str, Any]] = []
    recorder = Recorder(told.append, lambda: next(clock))
    recorder.start(2, 0, "images")
    recorder.epoch_started(0, 3)
    for done, loss in enumerate((3.0, 2.0, 1.5), 1):
        recorder.batch(done, loss, 10)
    recorder.epoch_ended(0, {"accuracy": np.float32(0.5), "stage": "training"})  # type: ignore[dict-item]
    recorder.epoch_started(1, 3)
    recorder.batch(1, float("nan"), 10)
    record = recorder.record()
    assert record["seconds"] == [0.0, 1.0, 3.0, 4.0]
    assert record["losses"] == [3.0, 2.0, 1.5, None]
    assert record["speed"] == pytest.approx(30 / 4)
    assert record["seconds_an_epoch"] == pytest.approx(4 / 3 * 3)
    assert record["epochs"] == [{"accuracy": 0.5, "stage": "training"}]
    assert told[0] == {"share": pytest.approx(1 / 6)}


def test_a_failure_is_told_and_nothing_escapes(tmp_path: Path) -> None:
    split = Split("train", {"names": ["a"], "images": [np.zeros((4, 4), np.uint8)], "labels": ["x"]})
    write_split(tmp_path / "split.npz", split)
    files = {"train": str(tmp_path / "split.npz"), "held": str(tmp_path / "split.npz")}
    job = {"system": "firstlight.systems.classifier:ImageClassifier", "settings": {}, "training": {}, **files}
    found = comparison_worker.train_one({**job, "score": "accuracy"}, lambda words: None)
    assert found["status"] == "failed"
    assert found["reason"].startswith("Expected two classes or more")
    assert found["losses"] == []


def test_threads_are_shared_out() -> None:
    found = environment(3)
    assert {found[name] for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS")} == {"3"}
    assert available_cores() >= 1


# -- plans -------------------------------------------------------------------------------------------------------


def test_combinations_are_called_by_what_differs() -> None:
    found = combinations(optimizer=["sgd", "adam"], learning_rate=[0.1, 0.012345678], width=[8])
    assert list(found) == ["sgd, rate 0.1", "sgd, rate 0.012345678", "adam, rate 0.1", "adam, rate 0.012345678"]
    assert found["adam, rate 0.1"] == {"optimizer": "adam", "learning_rate": 0.1, "width": 8}
    assert list(combinations(mirrored=[True, False])) == ["mirrored True", "mirrored False"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("classifierr", OPTIMIZERS), "Did you mean 'classifier'"),
        (("classifier", {"a": {"optimiser": "sgd"}}), "Did you mean 'optimizer'"),
        (("classifier", OPTIMIZERS, {"widht": 3}), "Did you mean 'width'"),
        (("classifier", {"a": {"patience": 3}}), "an argument of fit"),
        (("classifier", {}), "0 variants"),
        (("classifier", OPTIMIZERS, {}, 0), "one epoch or more"),
        (("linear-regression", OPTIMIZERS), "learns from images"),
    ],
)
def test_what_cannot_be_compared_is_told(arguments: Any, told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        make_plan(*arguments)


def test_settings_of_fit_go_to_fit_and_seeds_come_first() -> None:
    plan = make_plan(ImageClassifier, OPTIMIZERS, {"width": 8, "patience": 2, "precision": "auto"}, 4, (5, 6))
    assert plan.training == {"epochs": 4, "patience": 2}
    assert plan.settings == {"width": 8, "precision": "auto"}
    assert [(run.variant, run.seed) for run in plan.runs()] == [("sgd", 5), ("adam", 5), ("sgd", 6), ("adam", 6)]
    assert plan.system == "firstlight.systems.classifier:ImageClassifier"


def test_numbers_of_numpy_are_settings_like_any_other(tmp_path: Path) -> None:
    variants = combinations(width=list(np.array([8, 16])), dropout=np.float32([0.5]))
    plan = make_plan("classifier", variants, {"depth": np.int64(1), "patience": np.int64(2)}, 4, np.arange(2))  # type: ignore[arg-type]
    assert plan == make_plan(
        "classifier", combinations(width=[8, 16], dropout=[0.5]), {"depth": 1, "patience": 2}, 4, (0, 1)
    )
    kept = ComparisonFolder(tmp_path)
    kept.begin(plan, {}, restart=False)
    kept.write_failure(plan.runs()[0], "no memory")
    assert json.loads(kept.file(plan.runs()[0]).read_text())["settings"]["width"] == 8


def test_every_system_of_images_can_be_compared() -> None:
    for noun in ("classifier", "captioner"):
        plan = make_plan(noun, combinations(optimizer=["sgd", "adam"], schedule=["cosine"]))
        assert plan.score == {"classifier": "accuracy", "captioner": "cider"}[noun]


def test_the_held_out_part_is_the_same_for_all_and_even(digits: Split) -> None:
    train, held = divide(digits, 0.2, 100, 0)
    assert (len(train), len(held)) == (100, round(0.2 * len(digits)))
    assert not set(train.names) & set(held.names)
    counts = [train.labels.count(label) for label in digits.classes]
    assert max(counts) - min(counts) <= 1
    assert fingerprint(*divide(digits, 0.2, 100, 0)) == fingerprint(train, held)
    assert divide(digits, 0.2, 50, 0)[1].names == held.names, "whatever is learned from"
    assert fingerprint(*divide(digits, 0.3, 100, 0)) != fingerprint(train, held)
    captions = Split("train", {"names": list("abcde"), "images": list("abcde"), "captions": [["a"]] * 5})
    rest, judges = divide(captions, 0.4, None, 0)
    assert (len(rest), len(judges)) == (3, 2)


def test_other_pixels_are_other_data() -> None:
    def split(images: list[Any]) -> Split:
        return Split("train", {"names": ["0", "1"], "images": images, "labels": ["a", "b"]})

    zeros = np.zeros((2, 3), np.uint8)
    same = fingerprint(split([zeros, zeros]))
    assert same == fingerprint(split([zeros.copy(), np.asfortranarray(zeros)]))
    others = ([zeros, zeros + 1], [zeros, zeros.T], [zeros, zeros.astype(np.float32)], [zeros, "1.png"])
    assert len({same, *(fingerprint(split(list(images))) for images in others)}) == 5
    assert fingerprint(split(["a/0.png", "a/1.png"])) == fingerprint(split(["b/0.png", Path("b/1.png")]))


def test_a_split_goes_through_a_file_as_it_is(tmp_path: Path) -> None:
    images = [np.arange(12, dtype=np.uint8).reshape(2, 2, 3), "photos.zip/a.jpg", np.ones((1, 5), np.uint8)]
    split = Split(
        "train", {"names": ["a", "b", "ü"], "images": images, "captions": [["x"], [], ["y", "z"]], "facts": [{1}] * 3}
    )
    write_split(tmp_path / "split", split)
    found = read_split(tmp_path / "split")
    assert (found.name, found.names, found.captions) == ("train", split.names, split.captions)
    assert "facts" not in found.columns, "what nobody learns from stays"
    assert found.images[1] == "photos.zip/a.jpg"
    for place in (0, 2):
        np.testing.assert_array_equal(found.images[place], images[place])
        assert found.images[place].dtype == np.uint8
    paths = Split("train", {"names": ["a"], "images": [Path("a.jpg")], "labels": ["x"]})
    write_split(tmp_path / "paths", paths)
    assert read_split(tmp_path / "paths").images == ["a.jpg"]


def test_the_file_of_a_run_tells_its_settings(tmp_path: Path) -> None:
    kept = ComparisonFolder(tmp_path)
    one, other = (kept.file(Run("sgd, rate 1e+06", {"width": width}, 3)) for width in (8, 16))
    assert one.name.startswith("sgd-rate-1e+06-seed-3-")
    assert one != other


# -- figures -----------------------------------------------------------------------------------------------------


def run_of(seed: int, losses: list[float], score: float = 0.5, step: float = 1.0) -> dict[str, Any]:
    seconds = [step * place for place in range(len(losses))]
    more = {"status": "finished", "reason": None, "speed": 1 / step, "seconds_an_epoch": 1.0}
    return {"seed": seed, "losses": losses, "seconds": seconds, "score": score, **more}


def test_a_variant_is_timed_to_a_loss_that_half_of_the_runs_reach() -> None:
    fast = [run_of(0, [4.0, 2.0, 0.9, 0.5]), run_of(1, [4.0, 3.0, 2.0, 1.0])]
    slow = [run_of(0, [4.0, 4.0, 4.0, 3.5])]
    common = common_loss([*fast, *slow])
    assert common == pytest.approx(1.0, rel=1e-3)
    assert summarize("fast", {}, fast, common).seconds_to_common == pytest.approx((2 + 3) / 2)
    assert summarize("slow", {}, slow, common).seconds_to_common is None
    assert common_loss([]) is None


def test_differences_are_paired_by_seed() -> None:
    """By hand: differences 0.1, 0.2, 0.3; mean 0.2, deviation 0.1, t of 2 degrees of freedom 4.303."""
    found = difference({0: 0.6, 1: 0.5, 2: 0.9}, {0: 0.5, 1: 0.3, 2: 0.6})
    assert found is not None
    assert found.mean == pytest.approx(0.2)
    assert found.high == pytest.approx(0.2 + 4.3026527 * 0.1 / np.sqrt(3))
    assert found.low == pytest.approx(0.4 - found.high)
    one = difference({0: 0.6, 4: 0.1}, {0: 0.5, 1: 0.3})
    assert one is not None
    assert (round(one.mean, 9), one.low, one.pairs) == (0.1, None, 1)
    assert difference({0: 0.6}, {1: 0.5}) is None


def test_curves_go_as_far_as_the_shortest_run() -> None:
    runs = [run_of(0, [4.0, 2.0, 1.0]), run_of(1, [6.0, 4.0], step=3.0), {"status": "failed", "seed": 2}]
    steps = curve(runs, "steps")
    assert steps is not None
    np.testing.assert_allclose(steps.mean, [5.0, 3.0], atol=1e-3)
    np.testing.assert_allclose(steps.low, [4.0, 2.0], atol=1e-3)
    np.testing.assert_allclose(steps.high, [6.0, 4.0], atol=1e-3)
    seconds = curve(runs, "seconds")
    assert seconds is not None
    assert seconds.places[-1] == 2.0
    assert curve([], "steps") is None

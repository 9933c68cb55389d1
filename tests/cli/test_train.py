"""`firstlight train`: options from signatures, a run folder, resuming, and what the progress display says."""

import io
import json
from pathlib import Path
from typing import Any, Literal

import click
import pytest

from firstlight.cli.progress import PlainProgress, TerminalProgress, duration, progress
from firstlight.cli.settings import Setting, argument_help, option, settings_of
from firstlight.errors import FirstlightError


def test_a_line_in_systems_is_a_command_with_all_settings(constant: Any, firstlight: Any) -> None:
    assert "constant  Says the most common training caption of every image." in firstlight("train", "--help").output
    text = " ".join(firstlight("train", "constant", "--help").output.split())
    assert "Says the most common training caption of every image." in text
    for part in (
        "--units INTEGER Width of nothing, but stored. [default: 8]",
        "--cell [gru|lstm] Which kind, for example `gru` or `lstm`. [default: gru]",
        "--rate FLOAT How fast. [default: 0.001]",
        "--attention / --no-attention Look at regions of the image. [default: attention]",
        "A file, or none. [default: (none)]",
        "--epochs INTEGER Passes over the images. [default: 2]",
        "--self-critical-epochs, --self-critical INTEGER",
    ):
        assert part in text
    assert "--progress" not in text
    assert "--folder" not in text


def test_settings_reach_the_system(constant: Any, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    given = ["--units", 3, "--cell", "lstm", "--no-attention", "--rate", "1e-2", "--weights", "w.h5", "--epochs", 1]
    result = firstlight("train", "constant", "--data", photos, "--out", out, *given, "--seed", 7, "--self-critical", 2)
    assert result.exit_code == 0, result.output
    record = json.loads((out / "system.json").read_text())
    assert record["settings"] == {"units": 3, "cell": "lstm", "rate": 0.01, "attention": False, "weights": "w.h5"}
    assert record["training"] == {"epochs": 1, "seed": 7, "self_critical_epochs": 2}
    assert record["data"] == {"source": str(photos), "layout": None}


def test_training_writes_curves_checks_and_metrics(run: Path, firstlight: Any, photos: Path) -> None:
    result = firstlight("train", "constant", "--data", photos, "--out", run)
    assert "ALARM  distinct captions: 1 of 4 is distinct" in result.output
    assert "CIDEr" in result.output
    assert "resuming after epoch 2 of 2" in result.stderr
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((run / "metrics.json").read_text())
    assert set(kept) == {"photos/validation", "checks"}
    assert kept["checks"][0]["passed"] is False


def test_without_validation_nothing_is_judged_and_the_next_command_is_told(
    constant: Any, firstlight: Any, photos: Path, tmp_path: Path
) -> None:
    table = photos / "captions.csv"
    table.write_text(table.read_text().replace(",validation\n", ",train\n"))
    out = tmp_path / "run"
    result = firstlight("train", "constant", "--data", photos, "--out", out)
    assert result.exit_code == 0, result.output
    assert "photos has no split 'validation'" in result.output
    assert f"firstlight evaluate {out} --split test" in result.output
    assert not (out / "metrics.json").exists()


def test_other_settings_in_a_run_folder_are_named(run: Path, firstlight: Any, photos: Path) -> None:
    result = firstlight("train", "constant", "--data", photos, "--out", run, "--units", 9, "--seed", 1)
    assert result.exit_code == 2
    assert "units (8 there, 9 here), seed (0 there, 1 here)" in result.output
    assert "--restart" in result.output
    again = firstlight("train", "constant", "--data", photos, "--out", run, "--units", 9, "--seed", 1, "--restart")
    assert again.exit_code == 0
    assert "resuming" not in again.stderr
    assert json.loads((run / "system.json").read_text())["settings"]["units"] == 9


def test_other_data_in_a_run_folder_are_named(run: Path, firstlight: Any, photos: Path) -> None:
    photos.rename(photos.with_name("moved"))
    result = firstlight("train", "constant", "--data", photos.with_name("moved"), "--out", run)
    assert result.exit_code == 2
    assert f"source ({photos} there, {photos.with_name('moved')} here)" in result.output


def test_restart_spares_a_folder_that_is_no_run(constant: Any, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("years of work")
    firstlight("train", "constant", "--data", photos, "--out", tmp_path / "own", "--restart")
    assert (tmp_path / "own" / "thesis.txt").read_text() == "years of work"


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_restart_that_cannot_begin_leaves_the_run_as_it_was(
    run: Path, constant: Any, firstlight: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_in(run)
    learn = constant.fit

    def fit(self: Any, split: Any, *, folder: Any = None, seed: int = 0, **options: Any) -> Any:
        """Refuses in the middle of its preparations."""
        (folder / "system.json").write_text("{}")
        (folder / "checkpoints").mkdir()
        raise FirstlightError("Expected 1 or more. Received 0.")

    monkeypatch.setattr(constant, "fit", fit)
    again = ["train", "constant", "--data", photos, "--out", run, "--restart"]
    assert firstlight(*again).exit_code == 2
    assert files_in(run) == before
    monkeypatch.setattr(constant, "fit", learn)
    assert firstlight(*again, "--units", 9).exit_code == 0
    assert set(files_in(run)) == set(before), "nothing is kept of what is deleted"


def test_a_restart_that_is_stopped_after_an_epoch_can_be_taken_up(
    run: Path, constant: Any, firstlight: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(self: Any, split: Any, *, folder: Any = None, seed: int = 0, **options: Any) -> Any:
        """Is stopped in its second epoch."""
        (folder / "history.csv").write_text("epoch,loss\n1,0.5\n")
        raise KeyboardInterrupt

    monkeypatch.setattr(constant, "fit", fit)
    assert firstlight("train", "constant", "--data", photos, "--out", run, "--restart").exit_code == 130
    assert set(files_in(run)) == {"history.csv"}


def test_overfit_needs_no_run_folder(constant: Any, firstlight: Any, photos: Path) -> None:
    result = firstlight("train", "constant", "--data", photos, "--overfit", 4)
    assert result.exit_code == 0
    assert result.output.splitlines() == ["images: 4", "loss: 0.0125", "passed: True"]
    assert firstlight("train", "constant", "--data", photos, "--overfit", 12).exit_code == 1


def test_overfit_and_the_test_of_rates_are_asked_for_one_by_one(firstlight: Any, tmp_path: Path) -> None:
    both = firstlight("train", "classifier", "--data", tmp_path, "--overfit", 4, "--find-learning-rate")
    assert both.exit_code == 2
    assert "Give --overfit or --find-learning-rate, not both." in both.output


def test_missing_out_and_missing_data(constant: Any, firstlight: Any, photos: Path, tmp_path: Path) -> None:
    assert "--out" in firstlight("train", "constant", "--data", photos).output
    result = firstlight("train", "constant", "--data", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert "nowhere" in result.output


def test_a_system_may_not_reuse_a_reserved_name(
    constant: Any, firstlight: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(self: Any, split: Any, *, layout: str = "grid") -> None:
        """Nothing."""

    monkeypatch.setattr(constant, "fit", fit)
    with pytest.raises(TypeError, match="layout"):
        firstlight("train", "constant", "--help")


def test_argument_help_folds_lines_and_stops_at_the_next_section() -> None:
    text = """Do it.

    Args:
        one: first
            and more: of it.
        two (int): second.

    Returns:
        three: not an argument.
    """
    assert argument_help(text) == {"one": "first and more: of it.", "two": "second."}


def test_optional_settings_take_none() -> None:
    def build(width: int | None = 4, images: list[int] | None = None, required: int = 0) -> None: ...

    settings = settings_of(build)
    assert [setting.name for setting in settings] == ["width", "required"]
    command = click.Command("build", params=[option(setting) for setting in settings], callback=lambda **values: values)
    assert command.main(["--width", "none"], standalone_mode=False) == {"width": None, "required": 0}
    assert command.main(["--width", "7"], standalone_mode=False) == {"width": 7, "required": 0}
    with pytest.raises(click.BadParameter):
        command.main(["--width", "wide"], standalone_mode=False)


def test_help_begins_with_a_capital_but_not_where_that_is_a_value() -> None:
    def helped(text: str, kind: Any = str, default: Any = "x") -> str | None:
        return option(Setting("name", kind, False, default, text)).help

    assert helped("share of the steps.") == "Share of the steps."
    assert helped("sgd, adagrad or adam.") == "sgd, adagrad or adam."
    assert helped("cbow tells the words.", Literal["skipgram", "cbow"]) == "cbow tells the words."
    assert helped("auto for the faster one.", default="auto") == "auto for the faster one."
    assert helped("") is None


class Clock:
    """Time that passes when told so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_plain_progress_says_speed_and_time_left() -> None:
    stream, clock = io.StringIO(), Clock()
    display = PlainProgress(stream, every=10, now=clock)
    display.start(3, 1)
    display.epoch_started(1, 40)
    for done in range(1, 31):
        clock.seconds += 1
        display.batch(done, 2.5, 100)
    clock.seconds = 50
    display.epoch_ended(1, {"epoch": 2, "stage": "cross-entropy", "loss": 2.5, "cider": 0.4312})
    display.epoch_started(2, 40)
    clock.seconds = 75
    display.batch(10, 2.0, 100)
    assert stream.getvalue().splitlines() == [
        "resuming after epoch 1 of 3",
        "epoch 2/3  10/40  loss 2.500  100 words/s  1:10 left",
        "epoch 2/3  20/40  loss 2.500  100 words/s  1:00 left",
        "epoch 2/3  30/40  loss 2.500  100 words/s  0:50 left",
        "epoch 2/3  cross-entropy  loss 2.5  cider 0.4312  0:50",
        "epoch 3/3  10/40  loss 2.000  4 words/s  0:25 left",
    ]


def test_plain_task_tells_now_and_then_and_at_the_end() -> None:
    stream, clock = io.StringIO(), Clock()
    done = PlainProgress(stream, every=10, now=clock).task("features", 3000)
    for count in range(100, 3001, 100):
        clock.seconds += 1
        done(count)
    assert stream.getvalue().splitlines() == [
        "features  1,000/3,000  0:20 left",
        "features  2,000/3,000  0:10 left",
        "features  3,000/3,000  0:30",
    ]


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "pipe"])
def test_a_task_past_its_total_is_told_once(stream: io.StringIO) -> None:
    display = progress(stream)
    done = display.task("length [cm]", 3)
    for count in (1, 3, 3, 4):
        done(count)
    display.close()
    assert stream.getvalue().count("length [cm]  3") == 1


def test_names_of_tasks_are_no_mark_up() -> None:
    stream = Terminal()
    display = progress(stream)
    display.task("rate [/h]", 3)(1)
    display.display.refresh()  # type: ignore[attr-defined]
    display.close()
    assert "rate [/h]" in stream.getvalue()


def test_terminal_progress_draws_a_bar_and_keeps_a_line_an_epoch() -> None:
    stream = Terminal()
    display = progress(stream)
    assert isinstance(display, TerminalProgress)
    display.start(1, 0)
    display.epoch_started(0, 2)
    display.batch(2, 1.5, 10)
    display.display.refresh()
    display.epoch_ended(0, {"loss": 1.5})
    display.task("features", 1)(1)
    display.close()
    text = stream.getvalue()
    assert "words/s" in text
    assert "epoch 1/1  loss 1.5" in text
    assert "features  1  " in text


@pytest.mark.parametrize(("seconds", "text"), [(7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (3720, "1:02:00")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text

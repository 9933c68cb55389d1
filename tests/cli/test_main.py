"""The `firstlight` command itself: help, version, exit codes, and help texts that docs/cli.md repeats."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from firstlight import __version__
from firstlight.cli import COMMANDS, LazyGroup, main
from firstlight.errors import FirstlightError

ROOT = Path(__file__).resolve().parents[2]


def group_that_raises(error: BaseException) -> LazyGroup:
    group = LazyGroup("firstlight")

    def fail() -> None:
        raise error

    group.get_command = lambda context, name: click.Command(name, callback=fail)  # type: ignore[method-assign]
    return group


def test_version_and_help() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"firstlight, version {__version__}\n"
    text = CliRunner().invoke(main, ["--help"]).output
    assert all(f"\n  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, click.Command)
    assert command.get_short_help_str()


def test_no_such_command() -> None:
    result = CliRunner().invoke(main, ["trian"])
    assert result.exit_code == 2
    assert "trian" in result.output


def test_wrong_input_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(group_that_raises(FirstlightError("Expected a. Received b. Do c.")), ["any"])
    assert (result.exit_code, result.stderr) == (2, "Error: Expected a. Received b. Do c.\n")


def test_errors_of_the_system_name_the_file() -> None:
    result = CliRunner().invoke(group_that_raises(FileNotFoundError(2, "No such file or directory", "a.jpg")), ["any"])
    assert (result.exit_code, result.stderr) == (2, "Error: No such file or directory: a.jpg\n")


def test_a_bug_shows_its_traceback() -> None:
    result = CliRunner().invoke(group_that_raises(KeyError("word")), ["any"])
    assert isinstance(result.exception, KeyError)


@pytest.fixture
def heeded() -> Iterator[None]:
    """Ctrl-C as in a terminal: tests that a shell runs in the background inherit, and hand on, that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_exits_with_130(heeded: None, tmp_path: Path) -> None:
    """A real process, stopped while it reads names from standard input."""
    (tmp_path / "system.json").write_text("{}")
    command = [sys.executable, "-m", "firstlight", "caption", str(tmp_path), "-"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write("no-such-image.jpg\n")
        process.stdin.flush()
        # The process has taken the command up once it sits in a read of the pipe; before that Python itself starts.
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and "pipe" not in waiting_in(process.pid):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    assert process.returncode == 130
    assert error.strip() == "Interrupted.", "there is nothing that caption could go on with"


@pytest.mark.parametrize(("command", "resumes"), [("train", True), ("compare", True), ("predict", False)])
def test_only_what_resumes_says_so(command: str, resumes: bool) -> None:
    result = CliRunner().invoke(group_that_raises(KeyboardInterrupt()), [command])
    assert result.exit_code == 130
    assert ("The same command resumes" in result.stderr) is resumes


def waiting_in(process: int) -> str:
    """The place in the kernel where a process waits, for example `pipe_read`."""
    place = Path(f"/proc/{process}/wchan")
    if not place.exists():
        pytest.skip("needs /proc to see when the process waits for input")
    return place.read_text()


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m firstlight --help | head -n 1", shell=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.startswith("Usage: ")
    assert done.stderr == ""


def test_docs_repeat_the_help_texts() -> None:
    from firstlight.cli.help import page

    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == page(), "docs/cli.md is old: run `python -m firstlight.cli.help`"

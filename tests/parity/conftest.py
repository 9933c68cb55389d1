"""Options of the table of parity, the notes of what is proven, and the process that takes the table to JAX."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.parity.proven import Proven

ROOT = Path(__file__).resolve().parents[2]
NOTES = pytest.StashKey[Proven]()
# To find a faster program takes longer than to run the slower one once.
UNOPTIMIZED = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


class OnJax(NamedTuple):
    """The process, and the files with what it prints and notes."""

    process: subprocess.Popen[bytes]
    output: Path
    notes: Path


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("parity")
    group.addoption("--every-optimizer", action="store_true", help="train each row with each optimizer, not with one")
    group.addoption("--drawn", type=int, default=12, help="how many settings are drawn for each family of layers")
    group.addoption("--write-proven", action="store_true", help="write what this run has shown into docs/proven.md")
    group.addoption("--notes", type=Path, help="write what this run has shown into a file of JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOTES] = Proven()


@pytest.fixture
def proven(request: pytest.FixtureRequest) -> Proven:
    """To note that a proof holds."""
    return request.config.stash[NOTES]


@pytest.fixture(scope="session", autouse=True)
def on_jax(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnJax | None]:
    """The first row of each layer on JAX, or with `--write-proven` all: begun with the first test, if one will ask."""
    asked = any(item.path.name == "test_jax.py" for item in request.session.items)
    if not asked or importlib.util.find_spec("jax") is None:
        yield None
        return
    every = request.config.getoption("--write-proven", False)
    folder = tmp_path_factory.mktemp("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "XLA_FLAGS": UNOPTIMIZED}
    environment["PARITY_ROWS"] = "all" if every else "first"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/parity/test_layers.py"]
    command += ["-k", "equal_those_of_keras", "--notes", str(folder / "notes.json")]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    yield OnJax(process, folder / "output.txt", folder / "notes.json")
    process.kill()  # if the tests were stopped before it was waited for
    process.wait()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    notes, path = session.config.stash[NOTES], session.config.getoption("--notes", None)
    if path is not None:
        notes.write(path)
    if session.config.getoption("--write-proven", False) and exitstatus == 0:
        try:
            notes.write_page()
        except ValueError as error:
            pytest.exit(str(error), returncode=4)

"""Who may import whom, held by reading the source; and that asking for help or for data loads no framework."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "firstlight"


class Allowed(NamedTuple):
    ours: set[str]
    outside: set[str]


EVERYTHING = {"engine", "data", "metrics", "systems", "plots", "pages", "cli"}
EVERYBODY = {"errors", "text"}  # what every package may import
TABLE = {
    "": Allowed(set(), set()),  # firstlight/__init__.py; it names sub-packages as text and loads them on first use
    "__main__": Allowed({"cli"}, set()),
    "errors": Allowed(set(), set()),
    "text": Allowed(set(), set()),
    "engine": Allowed(set(), {"numpy", "h5py"}),
    "data": Allowed(set(), {"numpy", "PIL", "pooch", "requests", "pyarrow", "sklearn"}),
    "metrics": Allowed(set(), {"numpy", "scipy", "pycocoevalcap"}),
    "systems": Allowed(
        {"data", "metrics"},
        {
            "numpy",
            "scipy",
            "sklearn",
            "threadpoolctl",
            "keras",
            "tensorflow",
            "jax",
            "torch",
            "openvino",
            "tensorboard",
            "faiss",
            "psycopg",
        },
    ),
    "plots": Allowed(set(), {"numpy", "PIL", "matplotlib"}),
    "pages": Allowed(set(), {"numpy", "PIL", "matplotlib"}),
    "cli": Allowed(EVERYTHING, {"numpy", "PIL", "click", "rich", "matplotlib"}),
}
# Slow to import, so imported inside the functions that need them, except where a network is built.
HEAVY = {
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "openvino",
    "matplotlib",
    "pyarrow",
    "pooch",
    "requests",
    "pycocoevalcap",
    "tensorboard",
    "sklearn",
    "faiss",
    "psycopg",
}
# A package holds one of them at a time, because only one file in it may.
ONLY_IN = {
    "h5py": {"engine/weights_file.py"},
    "pycocoevalcap": {"metrics/java.py"},
    "faiss": {"systems/image_index_faiss.py"},
}

# Where names stand as Keras has them (`layers.Dense`), whichever file defines them.
GATHERING = {f"engine/{name}.py" for name in ("callbacks", "layers", "losses", "metrics", "optimizers")}

FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [file.relative_to(PACKAGE).as_posix() for file in FILES]


def package_of(file: Path) -> str:
    """The row of the table for a file: its folder, or its own name where it lies at the top."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """The full name of everything that is imported anywhere in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise AssertionError(f"line {node.lineno}: relative imports hide who imports whom")
            if node.module == "firstlight":
                yield from (f"firstlight.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


def ours(names: Iterator[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("firstlight.")} - {"__version__"}


def outside(names: Iterator[str]) -> set[str]:
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"firstlight", "__future__"}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_imports_keep_to_the_table(file: Path) -> None:
    package = package_of(file)
    assert package in TABLE, f"{package} has no row in the table of imports: add one here and to the design"
    tree = ast.parse(file.read_text(encoding="utf-8"))
    row = TABLE[package]
    allowed = row.ours | (EVERYBODY - {package} if package not in EVERYBODY else set()) | {package}
    assert ours(imports(tree)) <= allowed
    assert outside(imports(tree)) <= row.outside


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_slow_imports_wait_until_they_are_needed(file: Path) -> None:
    if package_of(file) == "systems":
        pytest.skip(
            "a network's module may import Keras; the subprocess test below sees whether it is loaded too early"
        )
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert not outside(imports(node)) & HEAVY, (
                f"line {node.lineno}: import this inside the function that needs it"
            )


@pytest.mark.parametrize("module", ONLY_IN)
def test_some_modules_have_one_door(module: str) -> None:
    doors = {
        name for file, name in zip(FILES, NAMES, strict=True) if module in outside(imports(ast.parse(file.read_text())))
    }
    assert doors <= ONLY_IN[module]


def defined(tree: ast.Module) -> tuple[set[str], set[str]]:
    """All names that a module defines, and those that are public: functions, classes and constants in capitals."""
    every: set[str] = set()
    public: set[str] = set()
    for node in tree.body:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [found.id for target in node.targets for found in ast.walk(target) if isinstance(found, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        every |= set(names)
        is_alias = isinstance(node, ast.Assign | ast.AnnAssign)
        public |= {name for name in names if not name.startswith("_") and (name.isupper() or not is_alias)}
    return every, public


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_export_lists_are_the_public_names(file: Path) -> None:
    if file.name == "__main__.py":
        pytest.skip("nobody imports from it")
    parts = file.relative_to(ROOT).with_suffix("").parts
    every, public = defined(ast.parse(file.read_text(encoding="utf-8")))
    assert "__all__" in every, "every module has an export list"
    module = import_module(".".join(parts).removesuffix(".__init__"))
    exported = module.__all__
    assert len(exported) == len(set(exported))
    assert public <= set(exported), "export these, or start their names with an underscore"
    for name in exported:
        gathered = file.name == "__init__.py" or file.relative_to(PACKAGE).as_posix() in GATHERING
        assert gathered or name in every, f"{name} is defined elsewhere: import it from there"
        assert hasattr(module, name)


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded after running some code."""
    report = "import sys; print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


def calling(arguments: str) -> str:
    return (
        "from click.testing import CliRunner; from firstlight.cli import main\n"
        f"assert CliRunner().invoke(main, {arguments.split()}).exit_code == 0"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "import firstlight",
        "import firstlight.data",
        "import firstlight.metrics",
        "import firstlight.systems",
        "import firstlight.plots, firstlight.pages",
        calling("--help"),
        calling("--version"),
        calling("data --help"),
        calling("caption --help"),
        calling("descend --steps 3"),
        calling("evaluate --help"),
        calling("compare optimizers --help"),
        calling("compare tricks --list"),
        calling("train --help"),
        calling("train captioner --help"),
        calling("index build --help"),
        calling("search --help"),
        calling("train gan --help"),
        calling("train word-vectors --help"),
        calling("words similar --help"),
    ],
)
def test_no_framework_is_loaded_before_it_is_needed(code: str) -> None:
    assert not loaded_after(code) & HEAVY


@pytest.mark.slow
def test_the_check_sees_what_is_loaded() -> None:
    assert {"firstlight", "matplotlib", "numpy"} <= loaded_after("import firstlight.data, matplotlib")

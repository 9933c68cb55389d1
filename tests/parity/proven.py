"""What a run of the table has shown: for each kind of proof and layer, which rows hold, and the largest error.

`python -m pytest tests/parity --write-proven` writes it into docs/proven.md.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.parity.cases import CASES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "proven.md"
KINDS = ("value", "gradients", "finite differences", "training", "masks", "files", "JAX")
MARKS = ("<!-- written by tests/parity: rows -->", "<!-- written by tests/parity: drawn -->", "<!-- end -->")


class Proven:
    """Notes of proofs that hold: by kind, then by row (or family of drawn rows, or network), the largest error."""

    def __init__(self) -> None:
        self.errors: dict[str, dict[str, float]] = defaultdict(dict)
        self.counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def note(self, kind: str, row: str, error: float) -> None:
        """One more proof of this kind holds for this row."""
        self.errors[kind][row] = max(error, self.errors[kind].get(row, 0.0))
        self.counts[kind][row] += 1

    def write(self, path: Path) -> None:
        """Into a file, for another process."""
        path.write_text(json.dumps(self.errors), encoding="utf-8")

    def read(self, path: Path, kind: str, as_kind: str) -> None:
        """One kind of another process, under another name."""
        for row, error in json.loads(path.read_text(encoding="utf-8"))[kind].items():
            self.note(as_kind, row, error)

    def write_page(self) -> None:
        """Into the page of the documents, between its marks.

        Raises:
            ValueError: the run has left out some of the table.
        """
        missing = [name for name in CASES if name not in self.errors["value"]]
        missing += [kind for kind in (*KINDS, "drawn", "network") if not self.errors[kind]]
        if missing:
            raise ValueError(f"Expected a run of all tests in tests/parity. Received one without {missing[0]}.")
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        _, _, middle = rest.partition(MARKS[2])
        middle, _, rest = middle.partition(MARKS[1])
        _, _, tail = rest.partition(MARKS[2])
        tables = (self._table_of_layers(), self._table_of_drawn())
        rows, drawn = (f"{mark}\n\n{table}\n{MARKS[2]}" for mark, table in zip(MARKS, tables, strict=False))
        PAGE.write_text(f"{head}{rows}{middle}{drawn}{tail}", encoding="utf-8")

    def _table_of_layers(self) -> str:
        lines = [_line(["layer", "rows", *KINDS]), _line(["---"] * (2 + len(KINDS)))]
        for layer, rows in rows_of_layers().items():
            lines.append(_line([f"`{layer}`", str(len(rows)), *(self._cell(kind, rows) for kind in KINDS)]))
        lines.append(_line(["all", str(len(CASES)), *(self._cell(kind, CASES) for kind in KINDS)]))
        return "".join(lines)

    def _table_of_drawn(self) -> str:
        lines = [_line(["drawn", "rows compared", "refused by Keras", "largest error"]), _line(["---"] * 4)]
        for family, count in self.counts["drawn"].items():
            error = f"{self.errors['drawn'][family]:.0e}"
            lines.append(_line([family, str(count), str(self.counts["refused"].get(family, 0)), error]))
        return "".join(lines)

    def _cell(self, kind: str, rows: Iterable[str]) -> str:
        """How many of the rows, and the largest error; empty where the proof does not apply."""
        found = [self.errors[kind][row] for row in rows if row in self.errors[kind]]
        return f"{len(found)}, {max(found):.0e}" if found else ""


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def rows_of_layers() -> dict[str, list[str]]:
    """The rows of each layer, layers by name."""
    rows: dict[str, list[str]] = defaultdict(list)
    for name, case in CASES.items():
        rows[case.layer].append(name)
    return dict(sorted(rows.items()))

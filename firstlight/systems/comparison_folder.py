"""What a comparison keeps on disk: its plan in `plan.json`, and a JSON file for every run that is over.

The same comparison again reads what is there and trains only what is missing.
"""

import json
import re
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

from firstlight.errors import FirstlightError
from firstlight.systems.comparison_plan import Plan, Run
from firstlight.systems.system import write_text_safely

__all__ = ["ComparisonFolder"]

_PLAN, _RUNS = "plan.json", "runs"
_FINAL = ("finished", "diverged")  # a run that failed otherwise, for want of memory say, is tried again


class ComparisonFolder:
    """The folder of one comparison."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def begin(self, plan: Plan, data: dict[str, Any], restart: bool) -> None:
        """Make the folder this comparison's, or go on with what it holds of it.

        Args:
            plan: variants and seeds may differ from what was done before: what is there of them is used.
            data: what is said of the data and its division.
            restart: delete the runs that are there.

        Raises:
            FirstlightError: the folder holds runs of other settings or data; names them.
        """
        wanted = json.loads(json.dumps({**plan.shared(), "data": data}))
        place = self.path / _PLAN
        if restart and place.exists():
            shutil.rmtree(self.path / _RUNS, ignore_errors=True)
            place.unlink()
        if place.exists():
            there = _flat(json.loads(place.read_text(encoding="utf-8")))
            flat = _flat(wanted)
            differing = [
                f"{name} ({there.get(name, 'default')} there, {flat.get(name, 'default')} here)"
                for name in sorted({*there, *flat})
                if there.get(name, "default") != flat.get(name, "default")
            ]
            if differing:
                raise FirstlightError(
                    f"Expected the settings that the comparison in {self.path} was begun with. Received others: "
                    f"{', '.join(differing)}. Give the same settings to go on, another folder, or --restart "
                    "(restart=True) to delete its runs and begin anew."
                )
        text = json.dumps(wanted, indent=1, ensure_ascii=False) + "\n"
        write_text_safely(place, text)

    def file(self, run: Run) -> Path:
        """Where a run is kept: its name tells what it is, and the end of it that all settings are the same."""
        slug = re.sub(r"[^a-z0-9.+]+", "-", run.variant.lower()).strip("-")[:80]
        told = json.dumps(run.settings, sort_keys=True)
        return self.path / _RUNS / f"{slug}-seed-{run.seed}-{sha256(told.encode()).hexdigest()[:8]}.json"

    def read(self, run: Run) -> dict[str, Any] | None:
        """What is kept of a run; None where there is nothing that can be read."""
        try:
            found = json.loads(self.file(run).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) and "status" in found else None

    def is_over(self, run: Run) -> bool:
        """Whether a run need not be trained (again)."""
        found = self.read(run)
        return found is not None and found["status"] in _FINAL

    def write_failure(self, run: Run, reason: str) -> None:
        """Keep that a run came to nothing, for whoever looks; it is tried again."""
        record = {"variant": run.variant, "settings": run.settings, "seed": run.seed, "status": "failed"}
        text = json.dumps({**record, "reason": reason, "score": None}, ensure_ascii=False)
        write_text_safely(self.file(run), text)


def _flat(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan with the settings of its parts side by side, for an error that names them."""
    found = {}
    for name, value in plan.items():
        found.update(value if isinstance(value, dict) else {name: value})
    return found
